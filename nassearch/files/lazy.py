"""Public names of a package that are imported when they are first used."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

Homes = Mapping[str, Sequence[str]]
"""Names by the module that has them."""


def lazily(package: str, homes: Homes) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return the `__getattr__` and the `__dir__` of a package whose public names are in these modules (PEP 562).

    A package that imported all of its modules at once would bring torch to whoever needs one class of it.

    >>> find, names = lazily("example", {"math": ["pi"]})
    >>> find("pi") == 3.141592653589793, names()
    (True, ['pi'])
    """
    home = {name: module for module, names in homes.items() for name in names}

    def find(name: str) -> Any:
        if name not in home:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(home[name]), name)

    return find, lambda: sorted(home)
