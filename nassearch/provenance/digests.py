"""Reduce functions, classes and values of other people's code to one digest."""

from __future__ import annotations

import enum
import functools
import hashlib
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from nassearch.provenance.sources import (
    Source,
    follows,
    is_foreign,
    path_of,
    reach,
    signature,
    stored,
    version_of,
)

PLAIN = (bool, int, float, complex, str, bytes, type(None), type(...))
HOLDERS: dict[type, tuple[str, ...]] = {
    property: ("fget",),
    functools.cached_property: ("func",),
    classmethod: ("__func__",),
    staticmethod: ("__func__",),
    functools.partial: ("func", "args", "keywords"),
    functools.partialmethod: ("func", "args", "keywords"),
    MethodType: ("__func__", "__self__"),
}
"""What wraps functions, and where it has them."""


class Digest:
    """A digest of values, and of the code that they bring along.

    Code that is followed is in it by the sources of its modules and the data that these hold; where a function is not
    in the source of its module, by its own bytes and what it reads. Code that is not followed is in it by name, with
    the version of its distribution.

    Args:
        own: top-level packages that are followed though they are installed.
    """

    def __init__(self, own: Collection[str] = ()) -> None:
        self._own = frozenset(own)
        self._hash = hashlib.sha256()
        self._seen: dict[int, tuple[int, Any]] = {}  # by id; held, so that no id comes twice
        self._sources: dict[str, Source] = {}
        self._reads: set[str] = set()
        self._changing: frozenset[str] = frozenset()  # attributes that do not count: memos and counters

    def text(self) -> str:
        """Return the digest of what was added, with the modules that it comes from as they are now."""
        done: set[str] = set()
        while waiting := sorted(self._sources.keys() - done):
            for name in waiting:
                done.add(name)
                self._put(name, self._sources[name].digest)
                self._add_loaded(name)
        return self._hash.hexdigest()[:16]

    def add(self, value: Any) -> None:
        """Take a value: data as such, functions and classes with their code, objects with all that they hold."""
        kind = type(value)
        if kind in PLAIN:
            return self._put(kind.__name__, repr(value))
        if id(value) in self._seen:
            return self._put("again", self._seen[id(value)][0])
        self._seen[id(value)] = len(self._seen), value
        if isinstance(value, tuple | list):
            self._put("sequence", len(value))
            for each in value:
                self.add(each)
        elif isinstance(value, Mapping):
            self._put("mapping", len(value))
            for key, each in value.items():
                self.add(key)
                self.add(each)
        elif isinstance(value, set | frozenset):
            self._put("set", sorted(_alone(each, self._own) for each in value))
        elif isinstance(value, np.ndarray | np.generic):
            self._array(np.asarray(value))
        elif isinstance(value, ModuleType):
            self._module(value.__name__)
            if not is_found(value):
                self._loose(value)
        elif isinstance(value, type):
            self._class(value)
        elif isinstance(value, FunctionType):
            self._function(value)
        elif kind in HOLDERS:
            self.add([kind.__name__, *(getattr(value, name) for name in HOLDERS[kind])])
        elif hasattr(value, "__wrapped__"):
            self.add([kind.__name__, value.__wrapped__])
        else:
            self._object(value)

    def _put(self, *facts: Any) -> None:
        self._hash.update(repr(facts).encode(errors="backslashreplace"))

    def _array(self, array: Any) -> None:
        if array.dtype.hasobject:
            return self.add(array.tolist())
        self._put(array.dtype.str, array.shape)
        self._hash.update(np.ascontiguousarray(array).tobytes())

    def _module(self, name: str) -> bool:
        """Take a module; say whether its code is followed."""
        if not follows(name, self._own):
            self._put(name, version_of(name) if is_foreign(name) else None)
            return False
        if name not in self._sources:
            self._sources |= reach(name)
            for source in self._sources.values():
                self._reads |= source.reads
        return True

    def _loose(self, module: ModuleType) -> None:
        """Take a module that was made of a file by hand, so that nothing finds it by its name."""
        with suppress(OSError, TypeError):
            self._put(hashlib.sha256(Path(module.__file__).read_bytes()).hexdigest())  # type: ignore[arg-type]

    def _class(self, cls: type) -> None:
        self._put("class", cls.__module__, cls.__qualname__)
        if not self._module(cls.__module__):
            return
        source = self._sources.get(cls.__module__, Source(""))
        for base in cls.__mro__[1:]:
            self.add(base)
        for name, value in sorted(vars(cls).items()):
            if is_code(value) or (is_data(value) and not _is_special(name) and name not in source.alters):
                self._put(name)
                self.add(value)
            elif not _is_special(name) and name not in source.alters and not is_found(value):
                self._put(name)
                self._held(value)

    def _function(self, function: FunctionType) -> None:
        self._put("function", function.__module__, function.__qualname__)
        if self._module(function.__module__ or "") and not self._is_written(function):
            self._code(function)
        for cell in function.__closure__ or ():
            try:
                self.add(cell.cell_contents)
            except ValueError:  # not filled yet
                self._put("empty")
        self.add([function.__defaults__, function.__kwdefaults__, getattr(function, "__wrapped__", None)])
        source = self._sources.get(function.__module__ or "", Source(""))
        for name, value in sorted(vars(function).items()):
            if name not in source.alters and is_data(value):
                self._put(name)
                self.add(value)

    def _is_written(self, function: FunctionType) -> bool:
        """Say whether a function is in the source of its module, as that is now, or belongs to a library."""
        file, path = function.__code__.co_filename, path_of(function.__module__)
        source = self._sources.get(function.__module__)
        if path is not None and source is not None and file == str(path):
            return signature(function.__code__) in source.codes
        module = function.__globals__.get("__name__", "")
        return module != function.__module__ and not follows(module, self._own)

    def _code(self, function: FunctionType) -> None:
        """Take a function by its bytes, and what it reads of its module."""
        self._put(signature(function.__code__))
        names = set().union(*(code.co_names for code in _nested(function.__code__)))
        self._reads |= names
        source = self._sources.get(function.__module__ or "", Source(""))
        for name in sorted(names - stored(function.__code__) - source.changes):
            if name in function.__globals__:
                self._put(name)
                self.add(function.__globals__[name])

    def _add_loaded(self, name: str) -> None:
        """Take what a module holds: functions that are not as its file has them, and data that functions read."""
        loaded, source = sys.modules.get(name), self._sources[name]
        for key, value in sorted(vars(loaded).items()) if loaded is not None else ():
            own = getattr(value, "__module__", None) == name
            if own and isinstance(value, FunctionType | type):
                self.add(value)
            elif key in self._reads - source.changes and not _is_special(key) and not is_found(value):
                self._put(key)
                self._held(value)

    def _held(self, value: Any) -> None:
        """Take what a module holds, whatever it is, but for attributes that its code changes as it runs."""
        before = self._hash.copy()
        self._changing = frozenset().union(*(source.alters for source in self._sources.values()))
        try:
            self.add(value)
        except RecursionError:
            self._hash = before
            self._put("no data")
        finally:
            self._changing = frozenset()

    def _object(self, value: Any) -> None:
        kind = type(value)
        self.add(kind)
        if isinstance(value, enum.Enum):
            return self._put(value.name)
        if hasattr(value, "detach") and hasattr(value, "numpy"):  # a tensor
            return self._array(value.detach().cpu().numpy())
        if is_dataclass(value):
            return self.add({each.name: getattr(value, each.name, None) for each in fields(value)})
        if hasattr(value, "__dict__") and is_foreign(kind.__module__):
            return self.add(
                {
                    name: each
                    for name, each in vars(value).items()
                    if not _is_special(name) and name not in self._changing
                }
            )
        try:
            made = value.__reduce_ex__(4)
        except Exception:  # locks, files and whatever else holds no number
            return self._put("no data")
        self.add(
            made
            if isinstance(made, str)
            else [list(each) if isinstance(each, Iterator) else each for each in made]
        )


def is_code(value: Any) -> bool:
    """Say whether a value is a function, or wraps one."""
    return isinstance(value, FunctionType) or type(value) in HOLDERS or hasattr(value, "__wrapped__")


def is_found(value: Any) -> bool:
    """Say whether a value is a module, function or class that is found where its name says: imports lead to it."""
    if isinstance(value, ModuleType):
        return sys.modules.get(value.__name__) is value
    if not isinstance(value, FunctionType | type):
        return False
    found: Any = sys.modules.get(value.__module__)
    for name in value.__qualname__.split("."):
        found = getattr(found, name, None)
    return found is value


def is_data(value: Any, levels: int = 8) -> bool:
    """Say whether a value is made of numbers and texts alone, however held."""
    if type(value) in PLAIN or isinstance(value, np.ndarray | np.generic | enum.Enum):
        return True
    if not levels:
        return False
    if isinstance(value, Mapping):
        return all(is_data(each, levels - 1) for pair in value.items() for each in pair)
    if isinstance(value, tuple | list | set | frozenset):
        return all(is_data(each, levels - 1) for each in value)
    if is_dataclass(value) and not isinstance(value, type):
        return all(is_data(getattr(value, each.name, None), levels - 1) for each in fields(value))
    return type(value) is functools.partial or (hasattr(value, "detach") and hasattr(value, "numpy"))


def state(value: Any) -> dict[str, Any]:
    """Return what an object was made with: its attributes without what it computes once or remembers on the way.

    What is remembered is taken for what it usually is: lists, dicts and sets whose names begin with an underscore.
    """
    kind = type(value)
    once = {
        name
        for each in kind.__mro__
        for name, v in vars(each).items()
        if isinstance(v, functools.cached_property)
    }
    return {
        name: each
        for name, each in getattr(value, "__dict__", {}).items()
        if name not in once and not (name.startswith("_") and isinstance(each, dict | list | set))
    }


def _alone(value: Any, own: Collection[str]) -> str:
    digest = Digest(own)
    digest.add(value)
    return digest.text()


def _nested(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _nested(constant)


def _is_special(name: str) -> bool:
    return (name.startswith("__") and name.endswith("__")) or name.startswith("_abc_")
