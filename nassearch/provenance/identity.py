"""An identity says which code computes a number, so that no number is taken for the work of another code."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from nassearch.errors import NassearchError
from nassearch.provenance.digests import Digest, state
from nassearch.provenance.sources import is_foreign, is_installed, path_of, reach, version_of


def identity(part: Any) -> str:
    """Return a text that is another one whenever a part would compute other numbers.

    Of a part of nassearch it is the revision that stands beside its declaration. Of any other it is the name of its
    module, the version of its package and a digest of: the sources that `nassearch.provenance.sources.reach`
    finds, the values that they hold and their functions read, of any kind, closures, default arguments and
    class attributes; the bytes of the code where there is no source, as in a notebook, or where the source has
    changed since it was imported; and the version of nassearch. Files that are read while scores are computed,
    other libraries and the environment are not in it.

    Args:
        part: a proxy, combination, space, strategy, benchmark or format of files: the object, or its class.
    """
    from nassearch import __version__

    own = f"revision {getattr(part, 'revision', 1)}"
    foreign = [root for root in _roots(part) if _is_foreign(root)]
    if not foreign:
        return own
    names = list(dict.fromkeys(module.partition(".")[0] for module in _modules(part)))
    digest = Digest(names)
    digest.add([own, __version__, _declared(part)])
    for root in foreign:
        digest.add(root)
    # What is made by a function of a library, of which the version says enough, is called by that.
    names = names or list(dict.fromkeys(_module(root).partition(".")[0] for root in foreign))
    told = [f"{name} {version}" if (version := version_of(name)) else name for name in names]
    return f"{' and '.join(told)}, {digest.text()}"


def made_with(part: Any) -> str:
    """Return a digest of what an object of someone else's class was made with; "" for one of nassearch.

    A benchmark that is found by its name is opened in one way. One that a user has made may have been made in many.
    """
    kind = type(part)
    if not is_foreign(kind.__module__):
        return ""
    digest = Digest([kind.__module__.partition(".")[0]])
    digest.add(kind)
    altered = frozenset().union(*(source.alters for source in reach(kind.__module__).values()))
    held = {name: value for name, value in state(part).items() if name not in altered}
    if "space" in held:  # which remembers what it was asked
        held["space"] = [type(held["space"]), state(held["space"])]
    digest.add(held)
    return digest.text()


class Witness:
    """Parts in use: which code they are, and the files that they come from, which are not to change meanwhile.

    Args:
        parts: by the role that they play; a scorer that is made of others is several.

    Attributes:
        code: their identities, by role.
    """

    def __init__(self, parts: Mapping[str, Sequence[Any]]) -> None:
        self.code = {role: "; ".join(map(identity, each)) for role, each in parts.items()}
        modules = {module for each in parts.values() for part in each for module in _modules(part)}
        names = {name for module in modules for name in reach(module)}
        paths = [path for name in sorted(names) if (path := path_of(name)) is not None]
        self._files = {path: _content(path) for path in paths}

    def check(self) -> None:
        """Raise `NassearchError` where one of the files is another than at the beginning."""
        for path, content in self._files.items():
            if _content(path) != content:
                raise NassearchError(
                    f"{path} has changed while its code was in use, so that what was computed may be of either; "
                    "what was finished before is kept: run again to go on"
                )


def _content(path: Path) -> str | None:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None


def _modules(part: Any) -> list[str]:
    """Return the modules of others that a part is of, mixed-in classes aside."""
    made_of = _made_of(part)
    roots = [root for root in _roots(part) if _is_foreign(root)]
    own = [
        root
        for root in roots
        if (not is_installed(_module(root)) if any(root is each for each in made_of) else _is_part(root))
    ]
    return list(dict.fromkeys(map(_module, own)))


def _made_of(part: Any) -> tuple[Any, ...]:
    """Return the functions and classes that an object has been given to make networks by."""
    return () if isinstance(part, type) else tuple(getattr(part, "made_of", ()))


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
    yield from _made_of(part)
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
