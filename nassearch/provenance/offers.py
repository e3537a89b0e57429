"""Installed packages offer parts as entry points. One unreadable list harms no other package."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import Distribution, EntryPoint, distributions
from typing import NamedTuple


class Offer(NamedTuple):
    """Where a part is.

    Attributes:
        value: `module:attribute`.
        package: which package offers it, with its version; "" for nassearch itself.
    """

    value: str
    package: str = ""


def offered(kind: str) -> Iterator[tuple[str, Offer]]:
    """Yield names and where the parts are, those first that come first on the path."""
    found: list[tuple[Distribution, EntryPoint]] = []
    packages = list(distributions())
    for package in packages:
        with suppress(Exception):  # see `unreadable`
            found += [(package, p) for p in package.entry_points if p.group == f"nassearch.{kind}"]
    # What is found twice is imported from where it is found first.
    first = {_title(package)[0]: package for package in reversed(packages)} if found else {}
    for package, point in found:
        name, version = _title(package)
        if first[name] is package:
            yield point.name, Offer(point.value, f"{name} {version}".strip())


def version_offering(module: str) -> str | None:
    """Return the version of the package that offers parts of a top-level module, None where none does or says it."""
    return _offering(module)[1] or None


def offering(module: str) -> str:
    """Return the package that offers parts of a top-level module, with its version; "" where none does."""
    return " ".join(_offering(module)).strip()


def _offering(module: str) -> tuple[str, str]:
    for package in distributions():
        with suppress(Exception):  # see `unreadable`
            modules = [p.module for p in package.entry_points if p.group.startswith("nassearch.")]
            if module in (name.partition(".")[0] for name in modules):
                return _title(package)
    return "", ""


def unreadable(kind: str) -> Iterator[str]:
    """Say which packages seem to offer parts of this kind by a list that cannot be read."""
    for package in distributions():
        try:
            list(package.entry_points)
        except Exception as error:
            if f"nassearch.{kind}" in _text(package, error):
                why = " ".join(str(error).split())
                yield f"the entry points of package {_title(package)[0]} cannot be read ({why}): mend or uninstall it"


def _text(package: Distribution, error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return error.object.decode(errors="replace")
    with suppress(Exception):
        return package.read_text("entry_points.txt") or ""
    return ""


def _title(package: Distribution) -> tuple[str, str]:
    """Return name and version; of a package that does not say them where it lies, or as much as it says."""
    told = {}
    for field in ("Name", "Version"):
        with suppress(Exception):
            told[field] = package.metadata[field]
    return str(told.get("Name") or package.locate_file("")), str(told.get("Version") or "")
