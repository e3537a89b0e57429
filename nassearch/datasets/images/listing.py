"""Files below a folder, in an order that depends on their names alone, and what of it is left out."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from nassearch.datasets.images.decoding import SUFFIXES
from nassearch.datasets.sentences import counted
from nassearch.errors import BadData
from nassearch.files.bounded import guarded

Names = tuple[str, ...]
DEEPEST = 32
MOST = 20_000_000
"""Files; each is held by its name."""
OF_SYSTEMS = {"thumbs.db", "desktop.ini", "__macosx", "@eadir", "$recycle.bin", "system volume information"}
"""What file managers put beside files."""


@dataclass
class Listing:
    """What lies below a folder.

    Attributes:
        files: images by their names from the folder on, sorted.
        folders: all folders, by the same names.
        left_out: kinds of other files, with how many there are and one of them.
    """

    files: dict[Names, Path] = field(default_factory=dict)
    folders: set[Names] = field(default_factory=set)
    left_out: dict[str, tuple[int, str]] = field(default_factory=dict)

    def leave_out(self, kind: str, path: Path) -> None:
        count, first = self.left_out.get(kind, (0, str(path)))
        self.left_out[kind] = (count + 1, min(first, str(path)))

    def notes(self) -> list[str]:
        """Return a sentence for each kind of files that are left out."""
        return [
            f"Left out, {kind}: {counted(count, 'file')}, such as {first}."
            for kind, (count, first) in sorted(self.left_out.items())
        ]


LINKS = "as links lead out of the folder (copy what they lead to into it)"
OTHERS = "as no images by their names"
DEEP = "as folders lie too deep or lead back up"


def text_of(name: str) -> str:
    """Return a name as text that is the same on every file system, whatever its bytes are."""
    plain = os.fsencode(name).decode("utf-8", "backslashreplace")
    return unicodedata.normalize("NFC", plain)


def list_images(folder: Path) -> Listing:
    """Return the images below a folder, told by the ends of their names.

    Hidden files, those of file managers and links that lead out of the folder are left out.

    Raises:
        MissingData, Unreadable: the folder is not there, or the system does not give it.
        BadData: it holds more files than `MOST`.
    """
    listing = Listing()
    with guarded(folder, what="folder"):
        root = Path(os.path.realpath(folder))
        _walk(folder, (), root, (root,), listing)
    listing.files = dict(sorted(listing.files.items()))
    return listing


def _walk(folder: Path, names: Names, root: Path, above: tuple[Path, ...], listing: Listing) -> None:
    entries: dict[str, os.DirEntry[str]] = {}
    with guarded(folder, what="folder"), os.scandir(folder) as found:
        for entry in sorted(found, key=lambda entry: entry.name):
            if not entry.name.startswith(".") and entry.name.lower() not in OF_SYSTEMS:
                entries[entry.name] = entry
    for name, entry in entries.items():
        path, here = folder / name, (*names, text_of(name))
        real = Path(os.path.realpath(path)) if entry.is_symlink() else None
        if real is not None and root not in (real, *real.parents):
            listing.leave_out(LINKS, path)
        elif _is(entry.is_dir):
            target = real or above[-1] / name
            if target in above or len(here) > DEEPEST:
                listing.leave_out(DEEP, path)
                continue
            listing.folders.add(here)
            _walk(path, here, root, (*above, target), listing)
        elif _is(entry.is_file) and path.suffix.lower() in SUFFIXES:
            if here in listing.files:
                here = (*here[:-1], name)  # two names that are one text
            listing.files[here] = path
            if len(listing.files) > MOST:
                raise BadData(f"{root} holds more than {MOST} files: give a smaller folder")
        else:
            listing.leave_out(OTHERS, path)


def _is(ask: Callable[[], bool]) -> bool:
    try:
        return ask()
    except OSError:  # links that lead to each other
        return False


def sizes_of(paths: Iterable[Path]) -> dict[Path, int]:
    """Return the bytes of each file, -1 where it is not there."""
    found = {}
    for path in paths:
        try:
            found[path] = path.stat().st_size
        except OSError:
            found[path] = -1
    return found
