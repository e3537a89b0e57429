"""Folders of images: a folder for each class, in one place or below train, valid and test."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nassearch.datasets.arrays.named import PARTS
from nassearch.datasets.found import Found
from nassearch.datasets.images.listing import Listing, Names, list_images
from nassearch.datasets.images.pictures import look_at
from nassearch.datasets.images.sizes import Size
from nassearch.errors import BadData
from nassearch.types import Progress

WORDS = {word: part for part, words in PARTS.items() for word in words}
EXPECTED = "a folder for each class with its images in it, or train, valid and test with such folders"
SHOWN = 3


def open_folder(path: Path, size: Size | None, progress: Progress | None = None) -> Found:
    """Read a folder of images.

    Raises:
        BadData: no image has a class, none can be read, or the folder changes meanwhile.
    """
    listing = list_images(path)
    before = listing.sizes()
    below = _unwrapped(listing)
    placed, loose = _placed(listing, below)
    if not placed:
        there = f"{len(listing.files)} images and no folders of classes" if listing.files else "no image"
        raise BadData(f"{path} has {there}: lay out {EXPECTED}; or list paths and labels in a CSV file")
    paths = [listing.files[names] for names in placed]
    gallery = look_at(paths, str(path), size, progress)
    again = list_images(path)
    if again.sizes() != before:
        raise BadData(f"{path} has changed while it was read: open it again when it is complete")
    notes = list(gallery.notes)
    if gallery.faults:
        shown = "; ".join(gallery.faults[place] for place in sorted(gallery.faults)[:SHOWN])
        more = f"; and {len(gallery.faults) - SHOWN} more" if len(gallery.faults) > SHOWN else ""
        notes.insert(0, f"{len(gallery.faults)} files cannot be read and are left out: {shown}{more}.")
    if loose:
        notes.append(
            f"{len(loose)} images lie in no folder of a class and are left out, such as {'/'.join(loose[0])}."
        )
    notes += listing.notes()
    all_names = list(placed)
    good = [all_names[place] for place in gallery.good.tolist()]
    classes = [placed[names][1] for names in good]
    if empty := sorted(_class_folders(listing, below, placed) - set(classes)):
        more = f" and {len(empty) - SHOWN} more" if len(empty) > SHOWN else ""
        notes.append(f"Folders without an image are no classes: {', '.join(empty[:SHOWN])}{more}.")
    return Found(
        path.resolve().name or "images",
        "image",
        gallery.examples,
        gallery.contents,
        classes,
        [placed[names][0] for names in good],
        lambda place: "/".join(good[place]),
        notes=notes,
    )


def _unwrapped(listing: Listing) -> int:
    """Return how many folders lie around the data that hold nothing else, as unpacked archives have them."""
    below = 0
    while True:
        tops = {names[below] for names in listing.files if len(names) > below}
        deep = all(len(names) > below + 2 for names in listing.files)
        if len(tops) != 1 or not deep or WORDS.get(next(iter(tops)).lower()):
            return below
        below += 1


def _placed(listing: Listing, below: int) -> tuple[dict[Names, tuple[str, str]], Sequence[Names]]:
    """Return images with their part and class, and images that have no class."""
    files = [names for names in listing.files if len(names) > below]
    split = any(len(names) > below + 2 and WORDS.get(names[below].lower()) == "train" for names in files)
    inside = {names[below + 1].lower() for names in files if len(names) > below + 2}
    within = not split and inside <= set(WORDS) and "train" in {WORDS[word] for word in inside & set(WORDS)}
    found, loose = {}, []
    for names in files:
        part = WORDS.get(names[below].lower()) if split else None
        if split and part and len(names) > below + 2:
            found[names] = (part, names[below + 1])
        elif within and len(names) > below + 2:
            found[names] = (WORDS[names[below + 1].lower()], names[below])
        elif not split and not within and len(names) > below + 1:
            found[names] = ("", names[below])
        else:
            loose.append(names)
    return found, loose


def _class_folders(listing: Listing, below: int, placed: dict[Names, tuple[str, str]]) -> set[str]:
    """Return the names of folders where classes are."""
    split = any(part for part, _ in placed.values()) and any(
        WORDS.get(names[below].lower()) and placed[names][1] == names[below + 1] for names in placed
    )
    level = below + 1 if split else below
    return {
        names[level]
        for names in listing.folders
        if len(names) == level + 1 and (not split or WORDS.get(names[below].lower()))
    }
