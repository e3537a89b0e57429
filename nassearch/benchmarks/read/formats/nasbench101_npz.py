"""NAS-Bench-101 as arrays in a .npz: hash, matrix, ops and the mean test accuracy of every cell."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from nassearch.benchmarks.npz import read_npz
from nassearch.benchmarks.read.formats.base import Format, Reading, Training
from nassearch.benchmarks.read.formats.hashes101 import check_hash
from nassearch.errors import BadData, InvalidSetting
from nassearch.files.bounded import Bounded
from nassearch.files.limits import BEGINNING
from nassearch.files.unpacking import archive
from nassearch.spaces.nasbench101.archs import archs_of
from nassearch.spaces.nasbench101.cells import EDGES, INNER, KINDS, SHIFTS, VERTICES, cells
from nassearch.spaces.nasbench101.space import NASBench101
from nassearch.types import Floats

UNIT = 10_000
"""Rows in a unit."""
REMEDY = "get it again"
OUTPUT, INPUT, PADDING = -2, -1, -3
_ACCURACY = re.compile(r"test_acc_(\d+)")


class NASBench101Npz(Format):
    """One row per cell, pruned and padded to seven vertices.

    `hash` [N] is the published one, `matrix` [N, 7, 7], `ops` [N, 7] has -1 for the input, 0 to 2 for the operations
    in their published order, -2 for the output and -3 beyond it, and `test_acc_108` [N] is the mean accuracy on the
    test images after 108 epochs, a fraction. There is no validation accuracy and no training time.
    """

    name: ClassVar[str] = "NAS-Bench-101 .npz"

    def recognises(self, path: Path) -> bool:
        try:
            with Bounded(path, BEGINNING) as file, archive(file) as opened:
                names = {name.removesuffix(".npy") for name in opened.namelist()}
        except Exception:
            return False
        return {"hash", "matrix", "ops"} <= names and any(map(_ACCURACY.fullmatch, names))

    def read(self, path: Path, reading: Reading) -> Iterator[tuple[str, list[Training]]]:
        arrays = read_npz(path, REMEDY)
        budgets = {int(match[1]): name for name in arrays if (match := _ACCURACY.fullmatch(name))}
        if not budgets or not {"hash", "matrix", "ops"} <= arrays.keys():
            raise BadData(
                f"{path} has the arrays {', '.join(arrays)}, not hash, matrix, ops and test_acc_108; {REMEDY}"
            )
        epochs = max(budgets) if reading.epochs is None else reading.epochs
        if epochs not in budgets:
            known = ", ".join(map(str, sorted(budgets)))
            raise InvalidSetting(f"{path} holds trainings of {known} epochs, none of {epochs}")
        hashes, codes, test = _arrays(path, arrays, budgets[epochs])
        for start in range(0, len(codes), UNIT):
            part = slice(start, start + UNIT)
            archs = archs_of(codes[part])
            for row, (arch, given) in enumerate(zip(archs, hashes[part].tolist(), strict=True), start=start):
                try:
                    check_hash(reading, arch, given.decode(), row)
                except (BadData, UnicodeDecodeError) as error:
                    raise BadData(f"{path}, row {row}: {error}; {REMEDY}") from error
            nan = float("nan")
            yield (
                f"rows {start} to {start + len(archs) - 1}",
                [
                    Training(a, "cifar10", 0, nan, t, nan)
                    for a, t in zip(archs, test[part].tolist(), strict=True)
                ],
            )
            if reading.progress is not None:
                reading.progress(start + len(archs), len(codes))


def _arrays(path: Path, arrays: dict[str, Any], accuracy: str) -> tuple[Any, Any, Floats]:
    """Return hashes, cells and percent, `[N]` each, or say what is wrong with them."""
    hashes, matrix, ops, test = (arrays[name] for name in ("hash", "matrix", "ops", accuracy))
    count = hashes.size
    shapes = (hashes.shape, matrix.shape, ops.shape, test.shape)
    if (
        shapes != ((count,), (count, VERTICES, VERTICES), (count, VERTICES), (count,))
        or hashes.dtype.kind != "S"
    ):
        raise BadData(
            f"{path}: hash, matrix, ops and {accuracy} have shapes {shapes}, not those of seven vertices"
        )
    if matrix.dtype.kind not in "bui" or ops.dtype.kind not in "bui" or test.dtype.kind != "f":
        raise BadData(f"{path}: matrix and ops are whole numbers and {accuracy} is not; {REMEDY}")
    ends = ops == OUTPUT
    last = ends.argmax(axis=1)
    place = np.arange(VERTICES)
    inner = (place > 0) & (place < last[:, None])
    kinds = np.where(
        inner, np.clip(ops, 0, KINDS - 1), np.where(ends, OUTPUT, np.where(place > 0, PADDING, INPUT))
    )
    wrong = (
        (kinds != ops).any(axis=1)
        | (last == 0)
        | (matrix > 1).any(axis=(1, 2))
        | (matrix < 0).any(axis=(1, 2))
    )
    wrong |= np.tril(matrix).any(axis=(1, 2)) | ~((test >= 0) & (test <= 1))
    rows = np.arange(count)
    # The output stands last of seven in the space, and last of those in use here.
    moved = matrix.astype(np.int64)
    final = moved[rows, :, last]
    moved[rows, :, last] = 0
    moved[rows, :, -1] = final
    bits = moved[:, [i for i, _ in EDGES], [j for _, j in EDGES]] @ (1 << np.array(SHIFTS))
    colours = np.where(inner, ops, 0)[:, 1:-1].astype(np.int64) @ (KINDS ** np.arange(INNER)[::-1])
    codes = np.where(wrong, -1, cells().canonical(np.where(wrong, 0, bits), np.where(wrong, 0, colours)))
    if (codes < 0).any():
        row = int(np.flatnonzero(codes < 0)[0])
        raise BadData(
            f"{path}, row {row}: no pruned cell of {NASBench101.name} with an accuracy from 0 to 1 "
            f"(matrix {matrix[row].tolist()}, ops {ops[row].tolist()}, {test[row]}); {REMEDY}"
        )
    return hashes, codes, 100 * test.astype(np.float64)
