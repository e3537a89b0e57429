"""The names that a pickle may use, and what stands for each: a plain value, or an object that does nothing."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from nassearch.errors import BadData

DEEPEST = 8
LARGEST_TUPLE = 10_000
"""Values in a tuple, those in tuples within it with it, each as often as it is there: hashing it takes so long."""
NATIVE = "<" if sys.byteorder == "little" else ">"


class Named(NamedTuple):
    """A function or class that a pickle names. It stands for itself only: `called` says what calling it gives."""

    name: str


class Inert:
    """Something of torch, such as a tensor, of which no more is known than that it was there."""

    __slots__ = ()


class Levels:
    """Tuples, kept shallow: hashing one that is nested a million times would end the whole program."""

    def __init__(self) -> None:
        # The tuple is held beside its level, so that its id is not given to another one.
        self._deep: dict[int, tuple[int, int, tuple[Any, ...]]] = {}

    def tuple(self, items: Sequence[Any]) -> tuple[Any, ...]:
        """Return the items as a tuple.

        Raises:
            BadData: it would be nested more than `DEEPEST` times, or larger than `LARGEST_TUPLE`.
        """
        made = tuple(items)
        inner = [self._deep.get(id(item), (1, len(item)))[:2] for item in made if type(item) is tuple]
        size = len(made) + sum(size for _, size in inner)
        if size > LARGEST_TUPLE:
            raise BadData(f"a tuple of more than {LARGEST_TUPLE} values")
        if inner:
            level = 1 + max(level for level, _ in inner)
            if level > DEEPEST:
                raise BadData(f"tuples nested more than {DEEPEST} times")
            self._deep[id(made)] = (level, size, made)
        return made


def named(module: str, name: str) -> Named:
    """Return the stand-in for a global name.

    Raises:
        BadData: the name is not one that data need. Nothing is imported.
    """
    full = f"{_MOVED.get(module, module)}.{name}"
    if full not in _CALLS and not (
        module in ("torch", "torch.storage") and re.fullmatch(r"[A-Za-z]+Storage", name)
    ):
        raise BadData(
            f"asks for {module}.{name}, and reading data must not run code; the file was tampered with, or is none of "
            "the published ones"
        )
    return Named(full)


def called(function: Named, arguments: tuple[Any, ...]) -> Any:
    """Return what calling the real thing would give, as plain data.

    Raises:
        BadData, TypeError, ValueError: the arguments are not those of data.
    """
    if function.name not in _CALLS:
        raise BadData(f"calls {function.name}, which is a type")
    return _CALLS[function.name](*arguments)


def built(value: Any, state: Any) -> None:
    """Give a value its state, as numpy does for arrays; of others the state is left out.

    Raises:
        BadData: there is no such thing as a state of this value.
    """
    if isinstance(value, np.ndarray):
        _, shape, dtype, fortran, data = state
        if not isinstance(dtype, np.dtype) or type(data) is not bytes or type(fortran) is not bool:
            raise BadData("an array of Python objects")
        whole = type(shape) is tuple and all(type(length) is int and length >= 0 for length in shape)
        if not whole or dtype.itemsize * math.prod(shape) != len(data):
            raise BadData(f"an array of {len(data)} bytes that should have the shape {shape}")
        value.__setstate__((1, shape, dtype, fortran, data))  # type: ignore[arg-type]
    elif isinstance(value, np.dtype):
        order, *structure = state[1:5]
        if order not in ("|", "=", NATIVE) or any(part is not None for part in structure):
            raise BadData("an array of records, or of numbers in another byte order")
    elif not isinstance(value, dict | Inert):
        raise BadData(f"a state for a {type(value).__name__}")


def _inert(*_: Any) -> Inert:
    return Inert()


def _dictionary(*pairs: Any) -> dict[Any, Any]:
    (items,) = pairs or ([],)
    if type(items) is not list or not all(type(pair) in (list, tuple) and len(pair) == 2 for pair in items):
        raise BadData("a dictionary of something else than a list of pairs")
    return dict(items)


def _counting(*arguments: Any) -> dict[Any, Any]:
    return _dictionary(*arguments[1:])


def _encode(text: str, encoding: str = "utf-8") -> bytes:
    if encoding not in ("latin1", "utf-8"):
        raise BadData(f"bytes written as {encoding!r}")
    return str.encode(text, encoding)


def _dtype(name: str, *_: Any) -> np.dtype[Any]:
    if not re.fullmatch(r"[<|=]?(b1|[iu][1248]|f[248]|c8|c16|[SU]\d{1,6})", name):
        raise BadData(f"an array of {name!r}, which is not of numbers or text")
    return np.dtype(name)


def _array(kind: Named, *_: Any) -> np.ndarray[Any, Any]:
    if kind != Named("numpy.ndarray"):
        raise BadData("an array of a class that is not numpy's")
    return np.empty(0, "b")


def _from_buffer(data: Any, dtype: Any, shape: tuple[int, ...], order: Any) -> np.ndarray[Any, Any]:
    if not isinstance(data, bytes | bytearray) or not isinstance(dtype, np.dtype) or order not in ("C", "F"):
        raise BadData("an array that is not of bytes")
    return np.frombuffer(bytes(data), dtype).reshape(shape, order=order)


def _scalar(dtype: np.dtype[Any], data: bytes) -> Any:
    if not isinstance(dtype, np.dtype) or type(data) is not bytes or len(data) != dtype.itemsize:
        raise BadData("a number of numpy without its bytes")
    return np.frombuffer(data, dtype)[0].item()


def _type(*_: Any) -> Any:
    raise BadData("calls a type that data only refer to")


_MOVED = {
    "__builtin__": "builtins",
    "numpy.core.multiarray": "numpy.multiarray",
    "numpy._core.multiarray": "numpy.multiarray",
    "numpy.core.numeric": "numpy.numeric",
    "numpy._core.numeric": "numpy.numeric",
}
"""Modules by the name that they have in one version and not in another."""
_CALLS: dict[str, Callable[..., Any]] = {
    "builtins.set": set,
    "builtins.frozenset": frozenset,
    "builtins.bytes": lambda: b"",
    "builtins.list": _type,
    "builtins.dict": _type,
    "builtins.int": _type,
    "collections.OrderedDict": _dictionary,
    "collections.defaultdict": _counting,
    "_codecs.encode": _encode,
    "numpy.dtype": _dtype,
    "numpy.ndarray": _type,
    "numpy.multiarray.scalar": _scalar,
    "numpy.multiarray._reconstruct": _array,
    "numpy.numeric._frombuffer": _from_buffer,
    "torch._utils._rebuild_tensor": _inert,
    "torch._utils._rebuild_tensor_v2": _inert,
    "torch._utils._rebuild_parameter": _inert,
    "torch.storage._load_from_bytes": _inert,
}
