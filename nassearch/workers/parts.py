"""Parts on their way to workers: by name where a worker can import them, and whole where it cannot."""

from __future__ import annotations

import copyreg
import sys
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib import import_module
from typing import Any


def reduced(part: Any, added: Mapping[type, Any] | None = None) -> tuple[Any, ...]:
    """Return what pickle makes a proxy or combination anew from.

    A decorator leaves the part under the name of its function. Where that is not so, as in a function that makes
    parts, or where nobody else can import the module, as with a script or a notebook, all of it travels.

    Args:
        part: has a `name` and a `function`.
        added: by kind of network, what others than its own module have declared of it.
    """
    module, attribute = part.function.__module__, getattr(part.function, "__name__", "")
    found = getattr(sys.modules.get(module), attribute, None)
    if getattr(found, "function", None) is part.function and _importable(module):
        return _at, (module, attribute, part.name, dict(added or {}))
    return copyreg.__newobj__, (type(part),), dict(part.__dict__)  # type: ignore[attr-defined]


def _at(module: str, attribute: str, name: str, added: Mapping[type, Any]) -> Any:
    part = getattr(import_module(module), attribute)
    for kind, function in added.items():
        part.for_networks.functions.setdefault(kind, function)
    return part if part.name == name else replace(part, name=name)


@cache
def _importable(module: str) -> bool:
    """Say whether a process with the same path would find the module that is loaded here under this name."""
    top = module.partition(".")[0]
    if top == "__main__":
        return False
    loaded = getattr(sys.modules.get(top), "__spec__", None)
    for finder in sys.meta_path:
        spec = finder.find_spec(top, None) if hasattr(finder, "find_spec") else None
        if spec is not None:
            return loaded is not None and spec.origin == loaded.origin
    return False
