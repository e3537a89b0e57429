"""Which code a number comes from, so that what one code computed is never taken for the work of another."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, ClassVar

from nassearch.digests import Digest, state
from nassearch.sources import is_foreign, version_of


def identity(part: Any) -> str:
    """Return a text that is another one whenever a part would compute other numbers.

    Of a part of nassearch it is the revision that stands beside its declaration. Of any other it is the name of its
    module, the version of its package and a digest of: the sources that `nassearch.sources.reach` finds, the numbers,
    texts, lists and arrays that they read when they were imported, closures, default arguments and class attributes;
    the bytes of the code where there is no source, as in a notebook, or where the source has changed since it was
    imported; and the version of nassearch. Files that are read while scores are computed, other libraries and the
    environment are not in it.

    Args:
        part: a proxy, combination, space, strategy or benchmark: the object, or its class.
    """
    from nassearch import __version__

    own = f"revision {part.revision}"
    foreign = [root for root in _roots(part) if _is_foreign(root)]
    if not foreign:
        return own
    names = list(dict.fromkeys(_module(root).partition(".")[0] for root in foreign if _is_part(root)))
    digest = Digest(names)
    digest.add([own, __version__, _declared(part)])
    for root in foreign:
        digest.add(root)
    told = [f"{name} {version}" if (version := version_of(name)) else name for name in names]
    return f"{' and '.join(told)}, {digest.text()}"


def _module(root: Any) -> str:
    while isinstance(root, partial):
        root = root.func
    return getattr(root, "__module__", type(root).__module__) or ""  # nothing where exec has made it


def _is_foreign(root: Any) -> bool:
    module = _module(root)
    return is_foreign(module) if isinstance(root, type) else not module.startswith("nassearch.")


def _roots(part: Any) -> Iterator[Any]:
    """Yield the functions and classes that a part is made of."""
    if hasattr(part, "function"):  # a proxy or a combination
        yield part.function
        yield from (
            each
            for each in (getattr(part, "resolve", None), getattr(part, "per_key", None))
            if callable(each)
        )
        yield from getattr(part, "for_networks", _Nothing).functions.values()
    kind = part if isinstance(part, type) else type(part)
    yield from kind.__mro__


def _is_part(root: Any) -> bool:
    """Tell a function, or a class that extends one of nassearch, from what is mixed in."""
    return not isinstance(root, type) or any(_module(base).startswith("nassearch.") for base in root.__mro__)


class _Nothing:
    functions: ClassVar[dict[type, Any]] = {}


def _declared(part: Any) -> Any:
    """Return what an object says of itself beside its code."""
    if isinstance(part, type):
        return None
    if hasattr(part, "network"):  # a space, which may have been made in several ways under one name
        return state(part)
    if hasattr(part, "function"):
        return [
            getattr(part, name, None) for name in ("name", "higher_is_better", "per_key", "reads", "defaults")
        ]
    return None
