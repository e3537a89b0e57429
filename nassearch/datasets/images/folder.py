"""Folders of images: a folder for each class, in one place or below train, valid and test."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nassearch.datasets.arrays.named import WORDS
from nassearch.datasets.found import Found
from nassearch.datasets.images.decoding import READ
from nassearch.datasets.images.gallery import look_at
from nassearch.datasets.images.listing import OTHERS, Listing, Names, list_images, sizes_of
from nassearch.datasets.images.pictures import Files
from nassearch.datasets.images.sizes import Size
from nassearch.datasets.sentences import counted, listed
from nassearch.errors import BadData
from nassearch.types import Progress

EXPECTED = "a folder for each class with its images in it, or train, valid and test with such folders"


def open_folder(path: Path, size: Size | None, progress: Progress | None = None) -> Found:
    """Read a folder of images.

    Raises:
        BadData: no image has a class, none can be read, or the folder changes meanwhile.
    """
    listing = list_images(path)
    before = sizes_of(listing.files.values())
    below = _unwrapped(listing)
    tops = sorted({names[below] for names in listing.files if len(names) > below + 2})
    if tops and all(WORDS.get(top.lower(), "train") != "train" for top in tops):
        raise BadData(f"{path} has {listed(tops)}, and no train: add it, or give one folder for each class")
    placed, loose = _placed(listing, below)
    if not placed:
        there = f"{counted(len(listing.files), 'image')} and no folders of classes"
        if not listing.files:
            _, other = listing.left_out.get(OTHERS, (0, ""))
            there = f"no image{f' (such as {other} is none; {READ} are read)' if other else ''}"
        sheets = [
            file.name
            for file in sorted(path.iterdir())
            if file.suffix.lower() in (".csv", ".tsv", ".parquet")
        ]
        instead = f"give {path / sheets[0]}, if that lists" if sheets else "list"
        raise BadData(f"{path} has {there}: lay out {EXPECTED}; or {instead} paths and labels")
    paths = [listing.files[names] for names in placed]
    gallery = look_at(Files(paths), str(path), size, progress)
    if sizes_of(list_images(path).files.values()) != before:
        raise BadData(f"{path} has changed while it was read: open it again when it is complete")
    notes = list(gallery.notes)
    if loose:
        first = "/".join(loose[0])
        notes.append(
            f"Left out, as in no folder of a class: {counted(len(loose), 'image')}, such as {first}."
        )
    notes += listing.notes()
    all_names = list(placed)
    good = [all_names[place] for place in gallery.good.tolist()]
    classes = [placed[names][1] for names in good]
    if empty := sorted(_class_folders(listing, below, placed) - set(classes)):
        notes.append(f"Folders without an image that can be read are no classes: {listed(empty)}.")
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
