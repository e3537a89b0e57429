"""Sheets of paths and labels."""

from __future__ import annotations

import os
from pathlib import Path

from nassearch.datasets.found import Found
from nassearch.datasets.images.gallery import look_at
from nassearch.datasets.images.listing import sizes_of
from nassearch.datasets.images.pictures import Files
from nassearch.datasets.images.sizes import Size
from nassearch.datasets.sheets.loaded import Loaded, text_of
from nassearch.errors import BadData, excerpt
from nassearch.types import Progress


def open_paths(sheet: Loaded, size: Size | None, progress: Progress | None = None) -> Found:
    """Read the images that a sheet lists; paths are relative to its folder.

    Raises:
        BadData: a row has no path, no image can be read, or files change meanwhile.
    """
    assert sheet.at_path is not None
    for at, row in enumerate(sheet.rows):
        if not isinstance(row[sheet.at_path], str | None):
            raise BadData(
                f"{sheet.where(at)}: column {excerpt(sheet.names[sheet.at_path])} holds no texts; it has to hold paths "
                "of images: name a function that reads this file, as module:function"
            )
    texts = [text_of(row[sheet.at_path]) for row in sheet.rows]
    for at, text in enumerate(texts):
        if not text:
            raise BadData(f"{sheet.where(at)}: no path; each row names an image")
        if "://" in text:
            raise BadData(
                f"{sheet.where(at)}: {excerpt(text)} is an address: fetch the images, and name files"
            )
    labels, parts = sheet.labels(), sheet.parts()
    paths = [_placed(sheet.path.parent, text) for text in texts]
    before = sizes_of(paths)
    gallery = look_at(Files(paths), str(sheet.path), size, progress)
    if sizes_of(paths) != before:
        raise BadData(
            f"images of {sheet.path} have changed while they were read: open it again when they are complete"
        )
    good = gallery.good.tolist()
    return Found(
        sheet.path.name.partition(".")[0],
        "image",
        gallery.examples,
        gallery.contents,
        [labels[at] for at in good],
        [parts[at] for at in good],
        lambda place: texts[good[place]],
        notes=gallery.notes,
    )


def _placed(folder: Path, text: str) -> Path:
    """Return the file that a sheet names, also as Windows writes it."""
    path = folder / text
    if "\\" in text and os.sep == "/" and not path.exists():
        return folder / text.replace("\\", "/")
    return path
