"""The spaces of TransNAS-Bench-101: texts, edits, and networks against what the authors' code builds."""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from nassearch.benchmarks.transnas import MACRO, MICRO
from nassearch.errors import InvalidArch
from nassearch.networks.counting import macs, parameters
from nassearch.networks.positive.expected import expected_synflow
from nassearch.spaces.base import SearchSpace
from nassearch.spaces.nasbench201 import NASBench201
from nassearch.spaces.transnas.macro import TransNASMacro
from nassearch.spaces.transnas.micro import TransNASMicro
from nassearch.types import Task

CELLS, SKELETONS = TransNASMicro(), TransNASMacro()
TASKS = {dataset.name: dataset.task for dataset in MICRO}
EXAMPLE = "64-41414-1_02_333"


def test_texts_as_published() -> None:
    texts = [CELLS.format(arch) for arch in CELLS.all()]
    assert (texts[0], texts[10], texts[-1]) == (
        "64-41414-0_00_000",
        "64-41414-0_00_022",
        "64-41414-3_33_333",
    )
    assert [CELLS.parse(text) for text in texts] == list(CELLS.all())
    assert CELLS.parse(" 1_02_333\n") == CELLS.parse(EXAMPLE) == (1, 0, 2, 3, 3, 3)
    assert SKELETONS.parse("64-1234-basic") == SKELETONS.parse("1234") == (0, 1, 2, 3)
    assert [SKELETONS.parse(SKELETONS.format(arch)) for arch in SKELETONS.all()] == list(SKELETONS.all())


@pytest.mark.parametrize(
    ("space", "text", "message"),
    [
        (CELLS, "64-41414-1_02_33", "three nodes of 1, 2 and 3 operations"),
        (CELLS, "64-41414-1_02_334", "'4' in .* is not an operation, which are 0 to 3"),
        (CELLS, "64-41414-1_02_33²", "'²' in .* is not an operation"),
        (CELLS, "64-1234-basic", "begin with 64-41414-; an example: 64-41414-3_33_333"),
        (CELLS, "", "three nodes"),
        (SKELETONS, "64-1235-basic", "is not 64-MODULES-basic"),
        (SKELETONS, "1111", "is not a skeleton of transnas-macro: 4 to 6 modules"),
        (SKELETONS, "64-2222-basic", "1 to 3 of them double"),
        (SKELETONS, "3333323", "1 to 4 of them halve"),
        (SKELETONS, "", "an example: 64-1234-basic"),
        (SKELETONS, EXAMPLE, "is not 64-MODULES-basic"),
    ],
)
def test_texts_that_are_none(space: SearchSpace, text: str, message: str) -> None:
    with pytest.raises(InvalidArch, match=message):
        space.parse(text)


def test_skeletons_are_those_of_the_paper() -> None:
    # Each module doubles or not and halves or not: (C(4,1)+C(4,2)+C(4,3)) * (2**4-1) = 14 * 15, and so on.
    assert Counter(map(len, SKELETONS.all())) == {4: 210, 5: 750, 6: 2296}
    assert SKELETONS.decide((0, 1, 2, 3, 4, 4)) == (0, 1, 2, 3)
    assert SKELETONS.decide((0, 1, 2, 3, 4, 0)) is None
    assert SKELETONS.decide((0, 0, 0, 0, 4, 4)) is None


def test_edits_lead_to_every_skeleton() -> None:
    first = next(SKELETONS.all())
    reached, ahead = {first}, [first]
    while ahead:
        fresh = set(SKELETONS.neighbours(ahead.pop())) - reached
        reached |= fresh
        ahead += fresh
    assert len(reached) == SKELETONS.size == 3256
    assert SKELETONS.neighbours((0, 0, 0, 3)) == tuple(
        map(
            SKELETONS.parse,
            [
                *("2114", "3114", "4114", "1214", "1314", "1414", "1124", "1134", "1144"),
                *("11141", "11142", "11143", "11144"),
            ],
        )
    )


@pytest.mark.parametrize(
    ("text", "task", "expected"),
    [
        # Backbone and head of the authors' code, printed by it: 22,520,608 and 47 * 512 + 47.
        (EXAMPLE, "class_scene", 22_520_608 + 24_111),
        (EXAMPLE, "class_object", 22_559_083),
        (EXAMPLE, "jigsaw", 22_520_608 + 4_609_000),
        ("64-1234-basic", "class_object", 3_419_499),
        ("64-1234-basic", "class_scene", 3_400_224 + 256 * 47 + 47),
        ("64-333422-basic", "jigsaw", 11_495_072 + 9 * 512 * 1000 + 1000),
    ],
)
def test_parameters_as_the_authors_networks_have(text: str, task: str, expected: int) -> None:
    space: SearchSpace = SKELETONS if text.endswith("basic") else CELLS
    assert parameters(space.network(space.parse(text), TASKS[task])) == expected


def test_cells_halve_the_image_three_times_after_the_stem() -> None:
    network = CELLS.network(CELLS.parse(EXAMPLE), TASKS["class_scene"])
    shapes = [(block[-1].channels, *block[-1].size, repeats) for block, repeats in network.chain]
    assert shapes == [
        (64, 64, 64, 1),
        *((128, 32, 32, repeats) for repeats in (1, 1, 2)),
        *((256, 16, 16, repeats) for repeats in (1, 1, 2)),
        (512, 8, 8, 1),
        (512, 8, 8, 1),
        (47, 1),
    ]
    # Two convolutions of 3x3 in the stem: 32 * 3 * 9 at 128x128, 64 * 32 * 9 at 64x64.
    assert macs(network) > 32 * 3 * 9 * 128**2 + 64 * 32 * 9 * 64**2


def test_odd_images_keep_their_shapes() -> None:
    task = Task((3, 49, 51), 4, channels=(4,), cells=2)
    for space in (CELLS, SKELETONS):
        for arch in space.sample_many(30, np.random.default_rng(0)):
            for block in space.network(arch, task).blocks():
                for layer in block:
                    if layer.op == "add":
                        assert {block[i][2:4] for i in layer.inputs} == {(layer.channels, layer.size)}


def test_a_skip_from_the_input_is_a_layer() -> None:
    # In a cell that halves the image: so a convolution behind it differs from one in its place.
    behind, alone = CELLS.parse("1_00_030"), CELLS.parse("0_00_300")
    assert CELLS.key(behind) != CELLS.key(alone)
    space = NASBench201()
    assert space.key((1, 0, 0, 0, 3, 0)) == space.key((0, 0, 0, 3, 0, 0))
    assert len({CELLS.key(arch) for arch in CELLS.all()}) == 1229


def test_tasks_are_declared_with_their_own_metrics() -> None:
    quantities = {d.name: (d.quantity, d.unit, d.higher_is_better) for d in MICRO}
    assert quantities["jigsaw"] == ("accuracy", "percent", True)
    assert quantities["normal"] == quantities["autoencoder"] == ("structural similarity", "SSIM", True)
    assert quantities["room_layout"] == ("negative loss", "negated squared error", True)
    assert quantities["segmentsemantic"][0] == "mIoU"
    assert [d.name for d in MACRO] == [d.name for d in MICRO]
    assert next(d for d in MACRO if d.name == "segmentsemantic").quantity == "pixel accuracy"


def test_every_row_of_the_sheets_at_hand_is_of_the_space(real_data: Path) -> None:
    spaces = (("micro.csv.gz", CELLS), ("macro_valid.csv.gz", SKELETONS))
    for file, space in spaces:
        with gzip.open(real_data / "transnas" / file, "rt") as rows:
            found = {row["arch"] for row in csv.DictReader(rows)}
        assert found == set(map(space.format, space.all()))


def test_cells_that_pass_nothing_on_score_nothing() -> None:
    """A cell without a path halves the image all the same, and its neighbours are scored beside it."""
    task = Task((3, 64, 64), 5, channels=(2,), cells=2)
    archs = [CELLS.parse(text) for text in ("0_00_000", "3_00_000", "0_00_300", "0_30_000")]
    values = expected_synflow([CELLS.network(arch, task) for arch in archs])
    assert values[[0, 1, 3]].tolist() == [0.0, 0.0, 0.0]
    assert values[2] > 0
