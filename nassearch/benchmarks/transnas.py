"""TransNAS-Bench-101: seven tasks on indoor images, once its files are imported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from nassearch.benchmarks.base import Dataset
from nassearch.benchmarks.read.formats.base import Format
from nassearch.benchmarks.read.formats.transnas import TransNASFile
from nassearch.benchmarks.tabular import TabularBenchmark
from nassearch.spaces.transnas.macro import TransNASMacro
from nassearch.spaces.transnas.micro import TransNASMicro
from nassearch.types import Task

SIDE, WIDTH, CELLS = 256, 64, 2
PIECES, PIECE = 9, 64
"""A jigsaw shows an image as nine pieces of 64x64 in one of 1,000 orders."""
DENSE = "networks for proxies have a classifier in the place of the published decoder"


def _task(classes: int) -> Task:
    return Task((3, SIDE, SIDE), classes, channels=(WIDTH,), cells=CELLS)


def _datasets(note: str) -> tuple[Dataset, ...]:
    """Return the seven tasks; where the published output is an image, `classes` are its channels."""
    top, dense = f"top-1 accuracy; {note}", f"{note}; {DENSE}"
    similarity = {"unit": "SSIM", "quantity": "structural similarity", "lowest": -1.0, "highest": 1.0}
    jigsaw = Task((3, PIECE, PIECE), 1000, channels=(WIDTH,), cells=CELLS, pieces=PIECES)
    return (
        Dataset("class_scene", _task(47), note=top),
        Dataset("class_object", _task(75), note=top),
        Dataset("jigsaw", jigsaw, note=top),
        Dataset(
            "room_layout",
            _task(9),
            unit="negated squared error",
            note=f"negative loss, as published; {note}",
            lowest=-1e6,  # a diverged training may be far off
            highest=0.0,
            quantity="negative loss",
        ),
        Dataset("segmentsemantic", _task(17), note=f"mean IoU; {dense}", quantity="mIoU"),
        Dataset("normal", _task(3), note=f"structural similarity; {dense}", **similarity),  # type: ignore[arg-type]
        Dataset("autoencoder", _task(3), note=f"structural similarity; {dense}", **similarity),  # type: ignore[arg-type]
    )


MICRO = _datasets("valid and test are those after the last epoch of one training")
MACRO = tuple(
    replace(
        dataset,
        note=dataset.note.replace("mean IoU", "pixel accuracy"),
        quantity="pixel accuracy" if dataset.name == "segmentsemantic" else dataset.quantity,
    )
    for dataset in _datasets(
        "valid and test are those after the last epoch of one training; a sheet without test values has the best "
        "validation value of all epochs"
    )
)
"""The sheets that circulate have pixel accuracy for the segmentation, not mean IoU."""


class TransNASMicroBenchmark(TabularBenchmark):
    """The cells of TransNAS-Bench-101 on seven tasks of Taskonomy (Duan et al., 2021).

    benchmark = TransNASMicroBenchmark.open("jigsaw")
    benchmark.query(benchmark.space.parse("64-41414-1_02_333"), rng).valid
    """

    name: ClassVar[str] = "transnas-micro"
    formats: ClassVar[tuple[Format, ...]] = (TransNASFile("micro"),)
    columns: ClassVar[Mapping[str, str]] = {"dataset": "task"}

    @classmethod
    def datasets(cls) -> dict[str, Dataset]:
        return {dataset.name: dataset for dataset in MICRO}

    @classmethod
    def make_space(cls, dataset: str | None = None) -> TransNASMicro:
        return TransNASMicro()


class TransNASMacroBenchmark(TabularBenchmark):
    """The skeletons of TransNAS-Bench-101 on seven tasks of Taskonomy (Duan et al., 2021).

    benchmark = TransNASMacroBenchmark.open("jigsaw")
    benchmark.query(benchmark.space.parse("64-1234-basic"), rng).valid
    """

    name: ClassVar[str] = "transnas-macro"
    formats: ClassVar[tuple[Format, ...]] = (TransNASFile("macro", {"segmentsemantic": "acc"}),)
    columns: ClassVar[Mapping[str, str]] = {"dataset": "task", "test": "valid"}

    @classmethod
    def datasets(cls) -> dict[str, Dataset]:
        return {dataset.name: dataset for dataset in MACRO}

    @classmethod
    def make_space(cls, dataset: str | None = None) -> TransNASMacro:
        return TransNASMacro()
