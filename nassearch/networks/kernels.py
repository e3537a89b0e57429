"""Compile functions with numba, and keep the result on disk until one of the files that they are made of changes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

from numba import njit

PATTERNS = ("networks/constant/**/*.py", "networks/kernels.py", "training/compiled*.py")
"""The files that hold compiled functions, and the constants that are compiled into them."""


def kernel(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Return a decorator that compiles a function and keeps what it has compiled."""
    package = Path(__file__).parents[1]
    return kept(tuple(sorted(path for pattern in PATTERNS for path in package.glob(pattern))), **options)


def kept(files: tuple[Path, ...], **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Return a decorator that compiles, and finds what was compiled before while all of these files are the same.

    numba looks at the file of the function alone, so that a constant or a function which that imports would stay what
    it was after a change, and after a new release too.
    """

    def compiled(function: Callable[..., Any]) -> Any:
        dispatcher = njit(cache=True, **options)(function)
        # There is no public way to say what else a cache depends on; without this one numba does as it did.
        file: Any = getattr(getattr(dispatcher, "_cache", None), "_cache_file", None)
        if hasattr(file, "_source_stamp"):
            file._source_stamp = (file._source_stamp, _digest(files))
        return dispatcher

    return compiled


@cache
def _digest(files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()
