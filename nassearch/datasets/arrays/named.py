"""Data sets that are arrays: their names, their labels and their parts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nassearch.datasets.arrays.archive import read_archive, read_array
from nassearch.datasets.arrays.layout import Layout, layout_of
from nassearch.datasets.examples import Arrayed, Joined, OnDisk
from nassearch.datasets.found import AT_ONCE, Found, look_through
from nassearch.datasets.labels import labels_of
from nassearch.errors import BadData, excerpt
from nassearch.types import Progress

INPUTS = ("x", "X", "images", "inputs", "data", "signals", "features")
LABELS = ("y", "Y", "labels", "label", "targets", "target", "classes")
PARTS = {
    "train": ("train", "training"),
    "valid": ("valid", "val", "validation", "dev"),
    "test": ("test", "testing"),
}
WORDS = {word: part for part, words in PARTS.items() for word in words}
NAMES = ("class_names", "names", "label_names")
EXPECTED = "arrays x_train and y_train, and perhaps x_valid, y_valid, x_test and y_test; or x and y"
Pairs = dict[str, tuple[str, str]]


def open_archive(path: Path, progress: Progress | None = None) -> Found:
    """Read an .npz archive; what is raised is said in `open_arrays` and `read_archive`."""
    return open_arrays(read_archive(path), path.stem, str(path), progress)


def open_array_folder(path: Path, progress: Progress | None = None) -> Found | None:
    """Read a folder of .npy files such as x_train.npy and y_train.npy; None where it is none."""
    files = {each.stem: each for each in sorted(path.glob("*.npy"))}
    if not pairs_of(files):
        return None
    return open_arrays(
        {name: read_array(file) for name, file in files.items()}, path.name, str(path), progress
    )


def pairs_of(names: Mapping[str, Any]) -> Pairs:
    """Return names of inputs and labels by part, `""` for all in one: x_train and y_train, or train_x and train_y."""
    found: Pairs = {}
    for part, words in {**PARTS, "": ("",)}.items():
        for word in words:
            for x, y in ((x, y) for x in INPUTS for y in LABELS):
                for pair in (
                    ((f"{x}_{word}", f"{y}_{word}"), (f"{word}_{x}", f"{word}_{y}")) if word else ((x, y),)
                ):
                    if part not in found and all(name in names for name in pair):
                        found[part] = pair
    if "train" in found:
        found.pop("", None)
    return found


def open_arrays(
    arrays: Mapping[str, NDArray[Any] | OnDisk], name: str, source: str, progress: Progress | None = None
) -> Found:
    """Take arrays by name for a data set.

    Raises:
        BadData: there are no inputs and labels among them, their shapes do not fit, or a number is not finite.
    """
    pairs = pairs_of(arrays)
    if not pairs or (pairs.keys() != {""} and "train" not in pairs):
        there = ", ".join(sorted(arrays)[:12])
        raise BadData(f"{source} holds {excerpt(there)}, and not {EXPECTED}")
    labels, given, notes = [], [], []
    for part, (x, y) in pairs.items():
        inputs, answers = arrays[x], _loaded(arrays[y])
        if len(inputs.shape) < 2 or inputs.dtype.kind not in "buif":
            what = f"{source}: {x} is {inputs.dtype} {list(inputs.shape)}"
            raise BadData(f"{what}: inputs are numbers [N, ...]")
        met = labels_of(answers, f"{source}: {y}")
        if len(met) != inputs.shape[0]:
            raise BadData(f"{source}: {x} has {inputs.shape[0]} examples, and {y} {len(met)} labels")
        labels += met
        given += [part] * len(met)
    layout, parts = _alike({x: arrays[x] for x, _ in pairs.values()}, source)
    examples = parts[0] if len(parts) == 1 else Joined(parts)
    ends = [(pair[0], len(part)) for pair, part in zip(pairs.values(), parts, strict=True)]

    def where(place: int) -> str:
        for array, length in ends:
            if place < length:
                return f"{array}[{place}]"
            place -= length
        raise IndexError(place)

    notes.append(_told(layout, pairs))
    used = {array for pair in pairs.values() for array in pair}
    called = next((key for key in NAMES if key in arrays and key not in used), None)
    names = None if called is None else _names(arrays[called], f"{source}: {called}")
    if left := sorted(set(arrays) - used - {called}):
        notes.append(f"Not used: {', '.join(left[:6])}{', ...' if len(left) > 6 else ''}.")
    contents = look_through(examples, source, where, progress)
    return Found(name, layout.kind, examples, contents, labels, given, where, names, notes)


def _alike(inputs: Mapping[str, NDArray[Any] | OnDisk], source: str) -> tuple[Layout, list[Arrayed]]:
    """Return how the arrays of all parts are read, and read so; raise `BadData` where they are not alike."""
    first = next(iter(inputs))
    layout = layout_of(inputs[first].shape, inputs[first].dtype, f"{source}: {first}")
    for name, array in inputs.items():
        if array.shape[1:] != inputs[first].shape[1:]:
            raise BadData(
                f"{source}: {first} is {list(inputs[first].shape)} and {name} {list(array.shape)}: bring them to "
                "one shape"
            )
    bytes_ = [name for name, array in inputs.items() if _are_bytes(array, layout)]
    others = [name for name in inputs if name not in bytes_]
    if bytes_ and (unlike := [name for name in others if inputs[name].dtype.kind not in "iu"]):
        raise BadData(
            f"{source}: {bytes_[0]} is {inputs[bytes_[0]].dtype} and {unlike[0]} {inputs[unlike[0]].dtype}: bring them "
            "to one type and scale"
        )
    return layout, [
        Arrayed(array, layout.axes, "numbers" if others else "bytes") for array in inputs.values()
    ]


def _told(layout: Layout, pairs: Pairs) -> str:
    what = {"image": "images", "signal": "signals", "vector": "vectors"}[layout.kind]
    more = {
        "[N, height, width]": "; signals would be [N, channels, length]",
        "[N, features]": "; signals would be [N, 1, length]",
        "[N, length, channels]": "; grey images would be [N, 1, height, width]",
        "[N, channels, length]": "; grey images would be [N, 1, height, width]",
    }.get(layout.told, "")
    return f"{', '.join(x for x, _ in pairs.values())} read as {what} {layout.told}{more}."


def _loaded(array: NDArray[Any] | OnDisk) -> NDArray[Any]:
    return np.array(array.open()) if isinstance(array, OnDisk) else np.asarray(array)


def _names(array: NDArray[Any] | OnDisk, what: str) -> tuple[str, ...]:
    found = _loaded(array)
    if found.dtype.kind == "S":
        found = np.char.decode(found, "utf-8", "backslashreplace")
    if found.ndim != 1 or found.dtype.kind != "U":
        raise BadData(f"{what} is {found.dtype} {list(found.shape)}: names of classes are texts [classes]")
    return tuple(map(str, found.tolist()))


def _are_bytes(array: NDArray[Any] | OnDisk, layout: Layout) -> bool:
    """Say whether numbers are bytes: by their type, or images whose whole numbers are 0 to 255."""
    if array.dtype == np.uint8:
        return True
    if layout.kind != "image" or array.dtype.kind not in "iu":
        return False
    opened = array.open() if isinstance(array, OnDisk) else array
    step = max(1, AT_ONCE // max(1, opened[:1].nbytes))
    pieces = (opened[start : start + step] for start in range(0, len(opened), step))
    return all(piece.min() >= 0 and piece.max() <= 255 for piece in pieces)
