"""What is asked and told is of another kind than it should be: a clear error, and a folder that can still be read."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from nassearch import AskTell
from nassearch.errors import InvalidSetting, NassearchError
from nassearch.search.asking.course import published
from nassearch.search.asking.steps import FILE, Step, StepFile
from nassearch.search.pareto.objectives import Objective


@pytest.fixture
def search(tmp_path: Path) -> AskTell:
    return AskTell.begin(tmp_path / "asked", space="nasbench201", strategy="rand", budget=6)


def test_truth_values_of_an_architecture_are_kept_as_numbers(search: AskTell) -> None:
    search.tell((True, False, True, False, True, True), 90)
    told = AskTell.open(search.path).course().known
    assert list(told) == [((1, 0, 1, 0, 1, 1), None)]
    assert "true" not in (search.path / FILE).read_text().splitlines()[-1]


@pytest.mark.parametrize("epochs", [[], 2.0, True, "2", 0, 3, 10**400])
def test_epochs_that_are_none(tmp_path: Path, epochs: Any) -> None:
    search = AskTell.begin(
        tmp_path / "asked",
        space="nasbench201",
        strategy="sh",
        epochs=8,
        settings={"rungs": [2], "first": 6},
        fidelity=[2],
    )
    before = (search.path / FILE).read_bytes()
    with pytest.raises(InvalidSetting, match="epochs"):
        search.tell((0, 0, 0, 0, 0, 3), 90, epochs=epochs)
    assert (search.path / FILE).read_bytes() == before
    assert search.tell((0, 0, 0, 0, 0, 3), 90, epochs=2).new


def test_an_ask_of_another_folder(search: AskTell, tmp_path: Path) -> None:
    other = AskTell.begin(tmp_path / "other", space="nasbench201", strategy="rand", seed=1)
    (mine,), (its,) = search.ask(), other.ask()
    assert mine.id == its.id and mine.arch != its.arch
    with pytest.raises(InvalidSetting, match="is another one than this"):
        search.tell(its, 90)
    assert search.tell(mine, 91).id == mine.id


def test_workers_without_a_name_share_none(search: AskTell) -> None:
    with pytest.raises(InvalidSetting, match="worker is a name, not an empty text"):
        search.ask(worker="")


@pytest.mark.parametrize(
    "step",
    [
        Step("tell", None, (True, False), values=(1.0,)),
        Step("tell", None, (1, 2), values=(float("nan"),)),
        Step("tell", None, (1, 2), epochs=2.0, values=(1.0,)),  # type: ignore[arg-type]
        Step("tell", None, (1, 2), values=(1.0,), note=b"x"),  # type: ignore[arg-type]
        Step("ask", 7, (1, 2)),
        Step("forget", 1),
    ],
)
def test_no_step_is_written_that_could_not_be_read(search: AskTell, step: Step) -> None:
    file = StepFile(search.path / FILE)
    before = file.path.read_bytes()
    with pytest.raises(InvalidSetting, match="a folder cannot keep this"):
        file.append(step)
    file.close()
    assert search.path.joinpath(FILE).read_bytes() == before


@pytest.mark.parametrize(
    "wanted",
    [
        {"unit": "\ud800"},
        {"quantity": "x" * 20_000},
        {"lower_is_better": "no"},
        {"told": "energy"},
        {"told": 3},
        {"fidelity": 3, "epochs": 9},
        {"classes": "x"},
        {"constraints": 3},
        {"constraints": {"nope": 1}},
    ],
)
def test_nothing_is_begun_of_another_kind(tmp_path: Path, wanted: dict[str, Any]) -> None:
    with pytest.raises(NassearchError):
        AskTell.begin(tmp_path / "asked", space="nasbench201", **wanted)
    assert not (tmp_path / "asked" / FILE).exists()


def test_a_cost_that_is_not_known_is_none(search: AskTell) -> None:
    trained = Objective("accuracy", "accuracy", "percent", 1.0)
    cost = Objective("energy", "energy", "mJ", -1.0, lambda arch: math.nan)
    assert published((trained, cost), search.oracle, (0,), 90.0, {}) == (90.0, None)
    assert published((trained, cost), search.oracle, (0,), 90.0, {"energy": 2.0}) == (90.0, 2.0)
