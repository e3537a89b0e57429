"""Read pickles as data: build the values, and import or call nothing that the pickle names."""

from __future__ import annotations

import struct
from collections.abc import Callable, Generator, Iterable
from typing import Any

from nassearch.benchmarks.read.pickles.byte_stream import MARGIN, ByteStream
from nassearch.benchmarks.read.pickles.held import Held
from nassearch.benchmarks.read.pickles.names import Levels, Named, built, called, named
from nassearch.errors import BadData

KEPT = 8
"""Entries up to which a container inside a watched dictionary is kept, in case something refers to it later."""

_BROKEN = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError, struct.error)
_float = struct.Struct(">d").unpack_from
_BYTES = {0x42: 4, 0x43: 1, 0x8E: 8, 0x96: 8}
_TEXTS = {0x54: 4, 0x55: 1, 0x8D: 8}
_EMPTY: dict[int, Callable[[], Any]] = {0x5D: list, 0x7D: dict, 0x29: tuple, 0x8F: set}
_CONSTANTS = {0x4E: None, 0x88: True, 0x89: False}
_GONE = object()
_UNSET = object()


class Unpickler(ByteStream):
    """Follow the instructions of pickles that stand one after another in a stream.

    Numbers, strings, bytes and containers are built. What a file names is looked up in `pickled_names`, which has a
    harmless stand-in of our own for each name of numpy, torch and the standard library that data need; every other
    name ends the reading. `pickletools` of the standard library documents the instructions.

        Unpickler(open("small.pickle", "rb").read, "small.pickle").load()

    Args:
        read: takes a number of bytes and returns at most as many, none at the end.
        origin: names the stream in messages.
        limit: bytes beyond which the stream is refused, for what is unpacked from a small file and then held.
        tick: called before each dictionary that `walk` yields, to end what takes too long.
    """

    def __init__(
        self,
        read: Callable[[int], bytes],
        origin: str,
        limit: int | None = None,
        tick: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(read, origin, limit)
        self._tick = tick
        self.value: Any = None
        self.held = Held()

    def load(self) -> Any:
        """Return the value of the next pickle.

        Raises:
            BadData: it is damaged, or names something that is not data; the message says which and at which byte.
        """
        for _ in self.walk():
            pass
        return self.value

    def walk(self, watched: Iterable[str] = ()) -> Generator[dict[Any, Any], None, None]:
        """Read the next pickle, and yield each dictionary with one of the keys as soon as its entries are there.

        Whoever takes such a dictionary may change it, and so let go of what it held: of the containers in it that have
        more than `KEPT` entries nothing is kept, and a file that refers to one of them later is refused. That is how
        files larger than memory are read. At the end `value` is the whole.

        Raises:
            BadData: as in `load`.
        """
        try:
            self.value = yield from self._run(tuple(watched))
        except BadData as error:
            raise BadData(f"{self.origin}, byte {self.offset}: {error}") from error
        except _BROKEN as error:
            raise BadData(
                f"{self.origin}, byte {self.offset}: not a whole pickle ({type(error).__name__}: {error}); "
                "get the file again"
            ) from error

    def _run(self, watched: tuple[str, ...]) -> Generator[dict[Any, Any], None, Any]:
        stack: list[Any] = []
        marked: list[list[Any]] = []
        memo: list[Any] = []
        texts: dict[str, str] = {}
        levels, held = Levels(), self.held
        safe = self._fill(MARGIN)
        buffer, at = self._buffer, self._at
        # The most frequent instructions of the large files come first and stay in local variables.
        try:
            while True:
                if at > safe:
                    self._at = at
                    held.check(len(stack) + sum(map(len, marked)) + len(marked), texts, memo)
                    safe = self._fill(MARGIN)
                    buffer, at = self._buffer, self._at
                op = buffer[at]
                at += 1
                if op == 0x47:  # BINFLOAT
                    stack.append(_float(buffer, at)[0])
                    at += 8
                elif op == 0x4B:  # BININT1
                    stack.append(buffer[at])
                    at += 1
                elif op == 0x68 or op == 0x6A:  # BINGET, LONG_BINGET
                    width = 1 if op == 0x68 else 4
                    value = memo[int.from_bytes(buffer[at : at + width], "little")]
                    at += width
                    if value is _GONE or value is _UNSET:
                        never = value is _UNSET
                        raise BadData(
                            f"refers to {'what it never wrote' if never else 'results that were let go'}"
                        )
                    stack.append(value)
                elif op == 0x71 or op == 0x72:  # BINPUT, LONG_BINPUT
                    width = 1 if op == 0x71 else 4
                    place = int.from_bytes(buffer[at : at + width], "little")
                    at += width
                    if place == len(memo):
                        memo.append(stack[-1])
                    else:
                        self._at = at
                        self._put(memo, place, stack[-1])
                elif op == 0x94:  # MEMOIZE
                    memo.append(stack[-1])
                elif op == 0x58 or op == 0x8C:  # BINUNICODE, SHORT_BINUNICODE
                    width = 4 if op == 0x58 else 1
                    start = at + width
                    end = start + int.from_bytes(buffer[at:start], "little")
                    if end > safe:
                        self._at = at
                        taken = self._take(self._number(width))
                        held.add(taken)
                        buffer, at, safe = self._buffer, self._at, len(self._buffer) - MARGIN
                    else:
                        taken = buffer[start:end]
                        at = end
                    text = taken.decode("utf-8", "surrogatepass")
                    stack.append(texts.setdefault(text, text))
                elif op == 0x4D:  # BININT2
                    stack.append(buffer[at] | buffer[at + 1] << 8)
                    at += 2
                elif op == 0x28:  # MARK
                    marked.append(stack)
                    stack = []
                elif op == 0x75 or op == 0x73:  # SETITEMS, SETITEM
                    if op == 0x75:
                        items, stack = stack, marked.pop()
                    else:
                        items, stack[-2:] = stack[-2:], []
                    held.count += len(items)
                    target = _of(dict, stack[-1])
                    target.update(zip(items[::2], items[1::2], strict=True))
                    if watched and not target.keys().isdisjoint(watched):
                        self._at = at
                        self._tick()
                        held.before(target)
                        yield target
                        held.after(target)
                        _let_go(memo, target)
                elif op in (0x65, 0x90, 0x74, 0x91, 0x31):  # what takes all since the mark
                    items, stack = stack, marked.pop()
                    held.count += len(items)
                    if op == 0x65:  # APPENDS
                        _of(list, stack[-1]).extend(items)
                    elif op == 0x90:  # ADDITEMS
                        _of(set, stack[-1]).update(items)
                    elif op == 0x74:  # TUPLE
                        stack.append(levels.tuple(items))
                    elif op == 0x91:  # FROZENSET
                        stack.append(frozenset(items))
                elif op == 0x2E:  # STOP
                    self._at = at
                    return stack.pop()
                else:
                    self._at = at
                    self._seldom(op, stack, levels)
                    if buffer is not self._buffer:
                        buffer, safe = self._buffer, len(self._buffer) - MARGIN
                    at = self._at
        finally:
            if buffer is self._buffer:
                self._at = at

    def _put(self, memo: list[Any], place: int, value: Any) -> None:
        if place >= len(memo):
            if place > self.offset:
                raise BadData(f"a note of number {place}, which is more than there are bytes before it")
            self.held.notes(place)
            memo.extend([_UNSET] * (place + 1 - len(memo)))
        memo[place] = value

    def _seldom(self, op: int, stack: list[Any], levels: Levels) -> None:
        if op in _EMPTY:
            stack.append(_EMPTY[op]())
            self.held.count += 3 * (op == 0x8F)  # an empty set takes as much as four lists
        elif op in _CONSTANTS:
            stack.append(_CONSTANTS[op])
        elif op == 0x4A:  # BININT
            stack.append(self._number(4, signed=True))
        elif op in (0x8A, 0x8B):  # LONG1, LONG4
            length = self._number(1 if op == 0x8A else 4)
            self.held.whole(length)
            stack.append(self._number(length, signed=True))
        elif op in _BYTES:
            data = self._take(self._number(_BYTES[op]))
            self.held.add(data)
            stack.append(bytearray(data) if op == 0x96 else data)
        elif op in _TEXTS:
            data = self._take(self._number(_TEXTS[op]))
            self.held.add(data)
            stack.append(data.decode("utf-8", "surrogatepass"))
        elif op in (0x85, 0x86, 0x87):  # TUPLE1 to TUPLE3
            count = op - 0x84
            if len(stack) < count:
                raise BadData(f"a tuple of {count} where there are {len(stack)} values")
            self.held.count += count
            stack[-count:] = [levels.tuple(stack[-count:])]
        elif op == 0x61:  # APPEND
            value = stack.pop()
            self.held.count += 1
            _of(list, stack[-1]).append(value)
        elif op in (0x63, 0x93):  # GLOBAL, STACK_GLOBAL
            if op == 0x63:
                module, name = self._line(), self._line()
            else:
                name, module = _of(str, stack.pop()), _of(str, stack.pop())
            self.held.count += 2
            stack.append(named(module, name))
        elif op in (0x52, 0x81):  # REDUCE, NEWOBJ
            arguments, function = _of(tuple, stack.pop()), _of(Named, stack.pop())
            self.held.add(*arguments)
            stack.append(called(function, arguments))
        elif op == 0x62:  # BUILD
            state = stack.pop()
            self.held.add(*(state if type(state) is tuple else ()))  # bytes of an array are copied
            built(stack[-1], state)
        elif op == 0x51:  # BINPERSID
            stack[-1] = called(named("torch.storage", "_load_from_bytes"), ())
        elif op == 0x30:  # POP
            self.held.count += 1  # what is noted stays
            stack.pop()
        elif op == 0x32:  # DUP
            stack.append(stack[-1])
        elif op == 0x80:  # PROTO
            if (protocol := self._number(1)) > 5:
                raise BadData(f"a pickle of protocol {protocol}, which this version does not know")
        elif op == 0x95:  # FRAME
            self._take(8)
        else:
            raise BadData(f"{bytes([op])!r} is no instruction that data need")


def _of(kind: type, value: Any) -> Any:
    if type(value) is not kind:
        raise BadData(f"a {type(value).__name__} stands where a {kind.__name__} has to")
    return value


def _let_go(memo: list[Any], target: dict[Any, Any]) -> None:
    """Forget the long containers that were written since the target, and the target itself where it was emptied."""
    for place in range(len(memo) - 1, -1, -1):
        value = memo[place]
        if value is target:
            if not target:
                memo[place] = _GONE
            return
        if type(value) in (dict, list, set) and len(value) > KEPT:
            memo[place] = _GONE
