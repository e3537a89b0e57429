"""A search under limits trains nothing that does not meet them, wherever architectures come from."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch import nn

import nassearch
from nassearch.constraints import Constraints, constrained, cost_of
from nassearch.errors import InvalidArch, InvalidSetting, UnknownName
from nassearch.search.pareto.asking import REFUSALS, asked
from nassearch.spaces.choices import Choices
from nassearch.spaces.nasbench101.space import NASBench101
from nassearch.spaces.nasbench201 import NASBench201
from nassearch.strategies import RandomSearch
from nassearch.testing.chance import UNLIKELY, unevenness
from nassearch.types import Arch, Task

TASK = Task((3, 8, 8), 10, (4, 8, 8), 1)
QUICK = {
    "bp": {"candidates": 200, "epochs": 5, "warm_up_epochs": 5},
    "gp": {"start": 4},
    "bananas": {"epochs": 2},
    "npenas": {"epochs": 2},
    "sh": None,
    "robot": {},
}


class Depths(Choices):
    """Modules of one to six layers, the last of which cannot be built."""

    name = "depths"
    choices = (("1", "2", "3", "4", "5", "6"), ("8", "16", "32"), ("a", "b", "c", "d"))

    def network(self, arch: Arch, task: Task) -> Any:
        if arch[0] == 5:
            raise ValueError("six is too deep")
        width = (8, 16, 32)[arch[1]]
        layers = [nn.Linear(width, width) for _ in range(arch[0])]
        return nn.Sequential(nn.Flatten(), nn.Linear(192, width), *layers, nn.Linear(width, task.classes))


def told(model: nn.Module) -> float:
    """Return a latency: a tenth of a millisecond for each layer, and what its place in the cache costs."""
    return len(list(model.modules())) / 10


@pytest.mark.parametrize("strategy", [*nassearch.names("strategies")])
def test_every_strategy_keeps_to_the_limits(strategy: str) -> None:
    settings = QUICK.get(strategy, {})
    if settings is None:
        pytest.skip("asks for shorter trainings, which this table has none of")
    limits = Constraints(params=4000, flops="60k")
    made = nassearch.Experiment(strategy, budget=70, rounds=1, settings=settings, constraints=limits)
    space, task = made.oracle.space, made.oracle.dataset.task
    for arch in made.run(cache=False).rounds[0].archs:
        costs = cost_of(space, arch, task)
        assert (costs.params or 0) <= 4000 and (costs.flops or 0) <= 60_000


def test_warm_up_and_moves_keep_to_the_limits(tmp_path: Path) -> None:
    kept: dict[str, Any] = {"budget": 80, "rounds": 3, "scorer": "params", "constraints": {"params": "3k"}}
    for strategy in ("ae", "ls", "rl", "rand"):
        made = nassearch.Experiment(strategy, warmup=200, move="params", **kept)
        one = made.run(tmp_path / f"{strategy}.jsonl", cache=False)
        two = made.run(tmp_path / f"{strategy}2.jsonl", cache=False, workers=2)
        assert one.path and two.path and one.path.read_bytes() == two.path.read_bytes()
        space, task = made.oracle.space, made.oracle.dataset.task
        costs = [cost_of(space, arch, task).params or 0 for done in one.rounds for arch in done.archs]
        assert max(costs) <= 3000
        assert max(costs) > 2800  # a warm-up by parameters begins with the largest that there are
    assert "params up to 3000" in one.label and "params-up-to-3000" in made.file_name


def test_a_result_says_which_limits_it_is_under(tmp_path: Path) -> None:
    path = tmp_path / "rand.jsonl"
    kept: dict[str, Any] = {"budget": 3, "rounds": 1}
    nassearch.Experiment("rand", **kept).run(path)
    header = json.loads(path.read_text().splitlines()[0])
    assert "constraints" not in header["experiment"]  # so that results from before are gone on with
    with pytest.raises(InvalidSetting, match="holds rounds with constraints"):
        nassearch.Experiment("rand", constraints={"params": 3000}, **kept).run(path)
    nassearch.Experiment("rand", constraints={"params": 3000}, **kept).run(path, overwrite=True)
    (found,) = nassearch.read(path)
    assert found.header.experiment["constraints"] == {"params": 3000.0}


def test_limits_that_are_none_are_refused_at_once() -> None:
    with pytest.raises(UnknownName, match="parms"):
        nassearch.Experiment("rand", constraints={"parms": 3})
    with pytest.raises(InvalidSetting, match="constraints are limits by name"):
        nassearch.Experiment("rand", constraints="500k")  # type: ignore[arg-type]
    with pytest.raises(InvalidSetting, match="warmup is a whole number from 0 to"):
        nassearch.Experiment("rand", warmup=9000, constraints={"params": 1000}).run(cache=False)


def test_what_nothing_meets_is_told_with_the_nearest() -> None:
    space = NASBench201()
    least = min((cost_of(space, arch, TASK, ["params"]).params or 0) for arch in space.all())
    with pytest.raises(InvalidSetting, match=rf"no architecture meets .*params {least:.0f}; raise the limit"):
        constrained(space, TASK, Constraints(params=least - 1))
    with pytest.raises(InvalidSetting, match=r"nearest is .*, with params \d+; raise the limit"):
        constrained(NASBench101(), TASK, Constraints(params=10))
    with pytest.raises(
        InvalidSetting, match=r"no architecture meets .* the nearest is 1:8:a, with params 1\.63k|1634"
    ):
        constrained(Depths(), TASK, Constraints(params=1000))


def test_all_of_a_small_space_of_modules_are_looked_at() -> None:
    class Small(Depths):
        choices = (("1", "2", "3"), ("8", "16"), ("a",))

    with pytest.raises(InvalidSetting, match=r"no architecture meets .* the nearest is 1:8:a"):
        constrained(Small(), TASK, Constraints(params=1000))


def test_one_that_is_left_alone_is_told() -> None:
    class Two(Depths):
        choices = (("1", "2"), ("8",), ("a",))

    with pytest.raises(InvalidSetting, match="1:8:a alone meets the limits"):
        constrained(Two(), TASK, Constraints(params=1650))


def test_what_cannot_be_built_meets_nothing() -> None:
    space = constrained(Depths(), TASK, Constraints(params="10k"))
    archs = list(space.all())
    assert archs and all(arch[0] < 5 for arch in archs)
    assert all(arch[0] < 5 for arch in space.sample_many(200, np.random.default_rng(0)))

    class Broken(Depths):
        def network(self, arch: Arch, task: Task) -> Any:
            raise ValueError("nothing works")

    with pytest.raises(nassearch.NassearchError, match="ValueError: nothing works"):
        constrained(Broken(), TASK, Constraints(params="10k"))


def test_an_architecture_that_costs_too_much_is_refused_by_its_cost() -> None:
    space = constrained(NASBench201(), TASK, Constraints(params=3000))
    with pytest.raises(InvalidArch, match=r"costs params 10.4k, and six operations"):
        space.parse(
            "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|"
        )


def test_rare_architectures_are_found_nearly_evenly() -> None:
    """What draws hardly ever meet is walked to: each of the 12 that are left is drawn about equally often."""

    class Long(Choices):
        """Twenty decisions, each of which adds to the parameters."""

        name = "long"
        choices = (("0", "1"),) * 20

        def network(self, arch: Arch, task: Task) -> Any:
            return nn.Linear(1, 1 + sum(arch), bias=False)

    space = constrained(Long(), TASK, Constraints(params=2))
    assert space.size <= 2**20 and not space.fits(2**20)
    draws = space.sample_many(400, np.random.default_rng(0))
    counts = Counter(draws)
    assert all(sum(arch) <= 1 for arch in counts)
    assert len(counts) == 21  # a uniform draw misses one with probability 21 * (20 / 21) ** 400 < 1e-7
    assert unevenness([*counts.values()]) < UNLIKELY


def test_where_no_neighbour_meets_the_limits_the_next_ones_are_near() -> None:
    """An even number of ones is two edits away from any other."""

    class Even(Choices):
        name = "even"
        choices = (("0", "1"),) * 4

        def network(self, arch: Arch, task: Task) -> Any:
            return nn.Linear(1, 1 + sum(arch) % 2, bias=False)

    space = constrained(Even(), TASK, Constraints(params=1))
    near = space.neighbours((0, 0, 0, 0))
    assert len(near) == 6 and all(sum(arch) == 2 for arch in near)
    rng = np.random.default_rng(0)
    assert {space.mutate((0, 0, 0, 0), rng) for _ in range(200)} == set(near)


def test_a_latency_by_a_function_is_estimated_then_asked_for() -> None:
    asked_for: list[int] = []

    def counted(model: nn.Module) -> float:
        asked_for.append(1)
        return told(model)

    space = constrained(Depths(), TASK, Constraints(latency=0.6, latency_by=counted))
    assert len(asked_for) <= 110  # those to begin with, some twice
    before = len(asked_for)
    draws = space.sample_many(500, np.random.default_rng(0))
    assert len(asked_for) == before, "draws go by the estimate"
    # The estimate is exact where costs add up; of what was never seen to be built it knows nothing.
    assert {arch[0] for arch in draws} - {5} == {0, 1, 2}
    assert space.admits((2, 0, 0)) and not space.admits((3, 0, 0))


def test_what_turns_out_too_slow_is_told_and_not_trained() -> None:
    space = constrained(Depths(), TASK, Constraints(params="10k"))
    slow = {arch for arch in space.all() if arch[1] == 0}
    space.admits = lambda arch: arch not in slow  # type: ignore[method-assign]
    seen: list[float] = []

    class Listening(RandomSearch):
        """Remembers what it was told."""

        def tell(self, arch: Arch, valid: float) -> None:
            seen.append(valid)

    strategy = Listening(space, np.random.default_rng(0))
    found = [asked(strategy) for _ in range(20)]
    assert not slow & set(found) and seen and all(map(math.isnan, seen))
    space.admits = lambda arch: False  # type: ignore[method-assign]
    with pytest.raises(InvalidSetting, match=f"{REFUSALS} architectures one after the other"):
        asked(strategy)


def test_measured_latencies_stay_what_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    from nassearch.constraints import latency

    count = iter(range(1, 1000))
    monkeypatch.setattr(latency, "measure_latency", lambda *args, **kwargs: float(next(count)))
    one, two = (latency.MeasuredLatency(Depths(), TASK) for _ in range(2))
    assert [one((0, 0, 0)), one((1, 0, 0)), one((0, 0, 0))] == [1.0, 2.0, 1.0]
    with one.path.open("ab") as file:
        file.write(b'{"of": "torn')  # by a kill
    assert [two((1, 0, 0)), two((2, 0, 0))] == [2.0, 3.0]
    assert [json.loads(line)["arch"] for line in one.path.read_text().splitlines()] == [
        "1:8:a",
        "2:8:a",
        "3:8:a",
    ]
    assert latency.MeasuredLatency(Depths(), TASK, threads=2)((0, 0, 0)) == 4.0
    one.path.write_text("nonsense\n")
    from nassearch.errors import BadData

    with pytest.raises(BadData, match="remove it"):
        latency.MeasuredLatency(Depths(), TASK)((0, 0, 0))


def test_where_latencies_come_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "phones.py").write_text(
        "def pixel(model):\n    return len(list(model.modules())) / 10\n"
        "def text(model):\n    return 'fast'\n"
        "number = 3\n"
    )
    monkeypatch.chdir(tmp_path)
    space = constrained(Depths(), TASK, Constraints(latency=0.6, latency_by="phones:pixel"))
    assert space.admits((2, 0, 0)) and not space.admits((3, 0, 0))
    for by, met in {
        "phones:nothing": "there is no 'nothing' in phones",
        "nowhere:pixel": "no module is called 'nowhere'",
        "phones:number": "no function",
        "pixel": "no latency called 'pixel'",
    }.items():
        with pytest.raises(InvalidSetting, match=met):
            constrained(Depths(), TASK, Constraints(latency=0.6, latency_by=by))
    with pytest.raises(nassearch.NassearchError, match="a latency is a number"):
        constrained(Depths(), TASK, Constraints(latency=0.6, latency_by="phones:text"))
