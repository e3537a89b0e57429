"""Successive halving: its brackets, and what shorter trainings cost, in a round, a file and a curve."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import nassearch as ns
from nassearch.benchmarks.nasbench201 import NASBench201Benchmark
from nassearch.benchmarks.read.importing import import_file
from nassearch.benchmarks.table import Table
from nassearch.cli.main import cli
from nassearch.errors import BadData, BrokenPart, InvalidSetting
from nassearch.search.curves import Curve
from nassearch.search.records import round_line
from nassearch.search.runner import Round, run_round
from nassearch.search.store import read_result
from nassearch.spaces.nasbench201 import NASBench201
from nassearch.strategies.sh import SuccessiveHalving
from nassearch.types import Arch

SPACE = NASBench201()
PLACES = {arch: place for place, arch in enumerate(SPACE.all())}


def whole(arch: Arch) -> float:
    return 10 + 80 * PLACES[arch] / SPACE.size


def short(arch: Arch, epochs: int) -> float:
    return whole(arch) * epochs / 300


@pytest.fixture(scope="module")
def sheet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wide file with trainings of 4, 12 and 200 epochs; those of 4 lack a cell, and those of 12 have seconds."""
    path = tmp_path_factory.mktemp("sheet") / "sheet.csv"
    names = [f"cifar10/{m}/{e}" for e in (4, 12, 200) for m in ("valid", "test")]
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["arch", *names, "cifar10/seconds/200", "cifar10/seconds/12"])
        for arch, place in PLACES.items():
            values = [
                f(arch)
                for e in (4, 12, 200)
                for f in [lambda a, e=e: whole(a) if e == 200 else short(a, e)] * 2
            ]
            values[3] += 1  # test after 12
            rows.writerow([SPACE.format(arch), "" if place == 7 else values[0], *values[1:], 1000, 50])
    return path


@pytest.fixture
def bench(sheet: Path, data_dir: Path) -> NASBench201Benchmark:
    """The benchmark of that sheet, installed."""
    report = import_file(NASBench201Benchmark, sheet)
    assert report.tables[0].shorter == (12,)
    assert report.ignored == ("cifar10/valid/4", "cifar10/test/4")
    return NASBench201Benchmark.open("cifar10")


def test_brackets_take_the_best_part_of_each_rung_to_the_next() -> None:
    strategy = SuccessiveHalving(SPACE, np.random.default_rng(0), rungs=(4, 12), first=27, eta=3)
    trained: list[tuple[Arch, int | None]] = []
    for _ in range(2 * (27 + 9 + 3)):
        arch = strategy.ask()
        trained.append((arch, strategy.asked_epochs))
        strategy.tell(arch, math.nan if arch[0] == 0 else whole(arch))
    assert [epochs for _, epochs in trained] == 2 * [*[4] * 27, *[12] * 9, *[None] * 3]
    assert len({arch for arch, epochs in trained if epochs == 4}) == 54
    for start in (0, 39):
        rungs = [
            [arch for arch, _ in trained[start + a : start + b]] for a, b in ((0, 27), (27, 36), (36, 39))
        ]
        for below, above in pairwise(rungs):
            scored = sorted(below, key=lambda arch: -1 if arch[0] == 0 else whole(arch), reverse=True)
            assert above == scored[: len(above)]
    assert strategy.report() == {"trainings": {"epochs": ["4", "12", "whole"], "models": [54, 18, 6]}}


def test_a_warm_up_is_taken_first_and_without_rungs_all_are_whole() -> None:
    strategy = SuccessiveHalving(SPACE, np.random.default_rng(0), rungs=[], first=5)
    ranking = SPACE.sample_many(8, np.random.default_rng(1))
    strategy.start_from(ranking)
    archs = []
    for _ in range(12):
        archs.append(strategy.ask())
        strategy.tell(archs[-1], 1.0)
        assert strategy.asked_epochs is None
    assert archs[:8] == ranking and len(set(archs)) == 12


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rungs": (12, 4)}, "fewest first"),
        ({"rungs": (12, 12)}, "fewest first"),
        ({"rungs": (0,)}, "rungs is a whole number of at least 1"),
        ({"eta": 1}, "eta is a number above 1"),
        ({"eta": "3"}, "eta is a number above 1"),
        ({"first": 0}, "first is a whole number"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidSetting, match=message):
        SuccessiveHalving(SPACE, np.random.default_rng(0), **settings)  # type: ignore[arg-type]


def test_a_table_keeps_its_shorter_trainings(bench: NASBench201Benchmark, sheet: Path) -> None:
    rng, arch = np.random.default_rng(0), SPACE.sample(np.random.default_rng(5))
    assert bench.shorter == {12: 0.06}
    found = bench.query_shorter(arch, rng, 12)
    # A sheet holds what Python writes of a number, which is read as the same number.
    assert (found.valid, found.test, found.seconds) == (short(arch, 12), short(arch, 12) + 1, 50.0)
    assert bench.query(arch, rng).valid == whole(arch)
    path = bench.table_path("cifar10")
    table = Table.load(path, "")
    untimed = {12: table.shorter[12]._replace(seconds=None)}
    replace(table, shorter=untimed).save(path)
    assert NASBench201Benchmark.open("cifar10").query_shorter(arch, rng, 12).seconds == pytest.approx(
        60.0, rel=1e-15
    )
    with pytest.raises(
        InvalidSetting, match="already holds this table with other shorter trainings, of 12 epochs"
    ):
        import_file(NASBench201Benchmark, sheet)
    replace(table, shorter={}).save(path)  # as a version before wrote it
    assert NASBench201Benchmark.open("cifar10").digest == bench.digest
    (again,) = import_file(NASBench201Benchmark, sheet).tables
    assert again.written and NASBench201Benchmark.open("cifar10").shorter == {12: 0.06}
    assert not import_file(NASBench201Benchmark, sheet).tables[0].written
    other = table.shorter[12]._replace(valid=table.shorter[12].valid[:, :5])
    replace(table, shorter={12: other}).save(path)
    with pytest.raises(BadData, match=r"valid after 12 epochs is float64 \[1, 5\]"):
        NASBench201Benchmark.open("cifar10")


def test_a_benchmark_without_them_refuses_before_any_work(bench: NASBench201Benchmark) -> None:
    with pytest.raises(
        InvalidSetting, match="nasbench201 mnist1d has no shorter trainings of 12 epochs; it has none"
    ):
        ns.Experiment("sh", dataset="mnist1d", rounds=1, budget=5).run()
    with pytest.raises(InvalidSetting, match=r"has no shorter trainings of 4 epochs; it has 12: name those"):
        ns.Experiment("sh", benchmark=bench, settings={"rungs": [4, 12]}, rounds=1, budget=5).run()
    with pytest.raises(InvalidSetting, match="no shorter trainings of 9 epochs"):
        bench.query_shorter(SPACE.sample(np.random.default_rng(0)), np.random.default_rng(0), 9)


def test_a_round_spends_its_budget_in_shares_of_whole_trainings(bench: NASBench201Benchmark) -> None:
    def make(rng: np.random.Generator) -> SuccessiveHalving:
        return SuccessiveHalving(SPACE, rng, first=50, eta=10)

    found = run_round(bench, make, 10, 0, 0)
    # A bracket costs 50 x 0.06 + 5 = 8; of the next 33 short ones, 1.98, have their place.
    assert found.shares is not None
    assert found.shares.tolist() == [*[0.06] * 50, *[1.0] * 5, *[0.06] * 33]
    assert found.seconds.tolist() == [*[50.0] * 50, *[1000.0] * 5, *[50.0] * 33]
    assert found.revisits == 0
    assert found.valid.tolist()[:50] == [short(arch, 12) for arch in found.archs[:50]]
    assert found.valid.tolist()[50:55] == [whole(arch) for arch in found.archs[50:55]]
    best = [max(whole(a) for a in found.archs[50 : 50 + n]) for n in range(1, 6)]
    curve = Curve.from_rounds([found, found])
    ends = [max(short(a, 12) for a in found.archs[:n]) + 1 for n in (16, 33, 50)]
    assert curve.values[1].tolist() == [*ends, *best, best[-1], best[-1]]
    assert curve.seconds[0].tolist() == [800, 1650, 2500, 3500, 4500, 5500, 6500, 7500, 8300, 9150]
    assert Curve.from_rounds([found], x="distinct").values.tolist() == [curve.values[0].tolist()]
    twice = replace(found, archs=found.archs[:50] + found.archs[:1] + found.archs[51:])
    assert Curve.from_rounds([twice, found], x="distinct").budget == 10
    assert Curve.from_rounds([replace(found, shares=None)]).budget == 88


def test_an_epoch_that_was_not_announced_is_a_broken_strategy(bench: NASBench201Benchmark) -> None:
    class Sly(SuccessiveHalving):
        @property
        def shorter_epochs(self) -> tuple[int, ...]:
            return ()

    with pytest.raises(BrokenPart, match="asked for 12 epochs, and its shorter_epochs are"):
        run_round(bench, lambda rng: Sly(SPACE, rng), 3, 0, 0)


def test_results_with_shorter_trainings_are_read_gone_on_with_and_shown(
    bench: NASBench201Benchmark, tmp_path: Path
) -> None:
    asked = ns.Experiment("sh", dataset="cifar10", rounds=3, budget=6, settings={"first": 20})
    once, twice = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    outcome = asked.run(once)
    replace(asked, rounds=1).run(twice)
    asked.run(twice, workers=2)
    assert once.read_bytes() == twice.read_bytes()
    first = json.loads(once.read_text().splitlines()[0])
    assert first["version"] == 2 and first["experiment"]["shorter"] == bench.shorter_digest
    read = read_result(once).rounds[2]
    assert round_line(read) == once.read_bytes().splitlines(keepends=True)[3]
    assert read.shares is not None and read.shares.tolist() == outcome.rounds[2].shares.tolist()  # type: ignore[union-attr]
    frame = outcome.frame()
    assert len(frame) == sum(len(each.archs) for each in outcome.rounds)
    assert frame["share"].sum() == pytest.approx(
        sum(each.shares.sum() for each in outcome.rounds if each.shares is not None)
    )
    shown = CliRunner().invoke(cli, ["show", str(once)])
    assert shown.exit_code == 0 and "3 rounds, budget 6" in shown.output
    whole_ones = tmp_path / "rand.jsonl"
    ns.Experiment("rand", dataset="cifar10", rounds=3, budget=6).run(whole_ones)
    assert json.loads(whole_ones.read_text().splitlines()[0])["version"] == 1
    compared = CliRunner().invoke(cli, ["compare", str(once), str(whole_ones)])
    assert compared.exit_code == 0 and "at 6" in compared.output
    for fault, message in (([0.5], "1 values for"), ([0.0] * len(read.archs), "above 0 and at most 1")):
        line = json.loads(once.read_text().splitlines()[1])
        once.write_text(json.dumps(first) + "\n" + json.dumps({**line, "shares": fault}) + "\n")
        with pytest.raises(BadData, match=message):
            read_result(once)


def test_a_round_of_whole_trainings_is_written_as_before() -> None:
    values = np.array([1.0, 2.0])
    assert b"shares" not in round_line(Round(0, [(0,), (1,)], values, values, values, 0))
