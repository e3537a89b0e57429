"""Any metric of the architectures can be shown: what the best so far costs, by every reader, with right values."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from click.testing import CliRunner, Result
from devices import DEVICE, SPACE, comfort, declare_devices, latency
from readers import HARMFUL, NASTY
from search_folders import RECIPE, entries, write_folder

import nassearch as ns
from nassearch.benchmarks.base import Benchmark, Dataset, Metric
from nassearch.benchmarks.nasbench201 import NASBench201Benchmark
from nassearch.cli.main import cli
from nassearch.constraints import cost_of
from nassearch.errors import InvalidSetting, MissingData, UnknownName
from nassearch.reports.plot import gather
from nassearch.search.curves import Curve
from nassearch.search.records import Header
from nassearch.search.runner import Round
from nassearch.search.store import Store
from nassearch.spaces.nasbench201 import NASBench201
from nassearch.statistics.correlation import spearman
from nassearch.testing import BenchmarkContract
from nassearch.types import Arch, Metrics, Task

NAN = float("nan")
FIELDS: dict[str, Any] = {"budget": 30, "rounds": 4}


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    return declare_devices(monkeypatch, tmp_path)


def call(*words: object) -> Result:
    return CliRunner().invoke(cli, list(map(str, words)))


def done(*words: object) -> str:
    found = call(*words)
    assert found.exit_code == 0, found.output
    return found.stdout


def incumbents(finished: Round) -> list[tuple[int, ...]]:
    """Return the best by validation after each model, the slow way."""
    values = finished.valid.tolist()
    return [finished.archs[values.index(max(values[: n + 1]))] for n in range(len(values))]


def test_a_curve_is_what_the_best_by_validation_costs(device: Path) -> None:
    found = ns.Experiment("ae", settings={"pool": 8, "tournament": 4}, **FIELDS).run()
    curve = found.curve("toy_latency")
    wanted = [[-latency(arch) for arch in incumbents(done)] for done in found.rounds]
    assert curve.values.tolist() == wanted and curve.is_further and curve.choose == "valid"
    assert found.curve("toy_comfort").values.tolist() == [
        [comfort(arch) for arch in incumbents(done)] for done in found.rounds
    ]
    quantity = found.quantity_of("toy_latency")
    assert (quantity.name, quantity.unit, quantity.sign) == ("latency on a toy", "ms", -1.0)
    low, median, high = quantity.band(*curve.band())
    assert median[-1] == np.median([latency(incumbents(done)[-1]) for done in found.rounds])
    assert (low <= median).all() and (median <= high).all() and low.min() > 0
    task = NASBench201Benchmark.datasets()["mnist1d"].task
    sizes = [[cost_of(SPACE, a, task, ["params"]).params for a in incumbents(done)] for done in found.rounds]
    assert (-found.curve("params").values).tolist() == sizes
    assert found.curve("toy_latency", x="distinct").values.shape[1] <= 30


def test_rounds_where_it_is_not_known_are_left_out_of_the_median(device: Path) -> None:
    found = ns.Experiment("rand", budget=5, rounds=60).run()
    curve = found.curve("toy_energy")
    last = [incumbents(done)[-1] for done in found.rounds]
    known = [sum(arch) + 1.0 for arch in last if arch[0] != 4]
    assert 0 < len(known) < 60 and curve.known[-1] == len(known)
    assert -curve.median()[-1] == np.median(known)
    base = Curve(np.array([[-4.0], [NAN]]), np.zeros((2, 1)), show="toy_energy")
    assert curve.speedup_over(base, -1e9, np.random.default_rng(0)).ratio == 1.0
    none = Curve(np.full((2, 3), NAN), np.zeros((2, 3)), show="toy_energy")
    assert np.isnan(none.median()).all() and none.models_to(-1e9) is None


def test_less_is_better_for_targets_and_speedups() -> None:
    """Hand-made: one search is at 9, 6, 5 ms after each model, the other at 9, 9, 6."""
    archs: list[tuple[int, ...]] = [(0,), (1,), (2,)]
    rising, time = np.array([1.0, 2.0, 3.0]), np.ones(3)
    rounds = [Round(number, archs, rising, rising, time, 0) for number in range(2)]
    header = Header({"strategy": "rand", "benchmark": "nasbench201", "dataset": "mnist1d"}, "", "d", {})
    quick, slow = (
        ns.Outcome(header, [replace(each, further={"params": np.array(values)}) for each in rounds])
        for values in ([9.0, 6.0, 5.0], [9.0, 9.0, 6.0])
    )
    found = ns.compare({"slow": slow, "quick": quick}, target=6, show="params")
    models = {row["label"]: row["models_to_target"] for row in found.rows}
    assert models == {"slow": 3, "quick": 2}
    quickly = next(row for row in found.rows if row["label"] == "quick")
    assert (quickly["speedup"], quickly["at"][3], quickly["target"], quickly["known"]) == (1.5, 5.0, 6.0, 2)
    assert quickly["regret"] is None and "network size (parameters)" in found._repr_html_()
    assert ns.compare([quick], target=4, show="params").rows[0]["models_to_target"] is None
    frame = quick.frame("params")
    assert frame["best"].tolist() == frame["params"].tolist() == [9.0, 6.0, 5.0] * 2
    assert ns.compare({"quick": quick}, show="params").frame()["at_3"].tolist() == [5.0]


def test_a_result_without_it_is_looked_up_or_the_remedy_is_told(
    device: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.jsonl"
    ran = ns.Experiment("rand", show="toy_latency", **FIELDS).run(path)
    (read,) = ns.read(path)
    assert np.array_equal(read.curve().values, ran.curve("toy_latency").values)
    assert "latency on a toy" in repr(read) and "ms" in read._repr_html_()
    with pytest.raises(UnknownName, match=r"mnist1d is called 'edgegpu_latency'.*\(cifar10, .* have it\)"):
        read.curve("edgegpu_latency")
    with pytest.raises(UnknownName, match="did you mean toy_latency"):
        ns.Experiment("rand", show="toy_latenzy")
    for wrong in ("toy_latency", "params"):
        with pytest.raises(InvalidSetting, match="by a cost alone the best model is an empty one"):
            read.curve("test", wrong)
    NASBench201Benchmark.metrics_path("mnist1d").unlink()
    (read,) = ns.read(path)
    with pytest.raises(MissingData, match=r"a.jsonl does not hold toy_latency.*nassearch bench import"):
        read.curve()
    assert "not installed" in repr(read) and read.curve("test").rounds == 4
    never = tmp_path / "never.jsonl"
    with pytest.raises(MissingData, match="nassearch bench import nasbench201 FILE --dataset mnist1d"):
        ns.Experiment("rand", show="toy_latency", **FIELDS).run(never)
    assert not never.exists()
    other = ns.Outcome(replace(read.header, data="0" * 16), read.rounds, path=path)
    declare_devices(monkeypatch, tmp_path)
    with pytest.raises(MissingData, match="of data 00000000"):
        other.curve("toy_latency")


def test_of_several_objectives_the_result_itself_holds_it(device: Path, tmp_path: Path) -> None:
    path = tmp_path / "front.jsonl"
    ns.Experiment("nsga", objectives="accuracy,toy_latency,params", **FIELDS).run(path)
    alone = ns.Experiment("rand", **FIELDS).run(tmp_path / "alone.jsonl")
    NASBench201Benchmark.metrics_path("mnist1d").unlink()
    (read,) = ns.read(path)
    wanted = [[-latency(arch) for arch in incumbents(done)] for done in read.rounds]
    assert read.curve("toy_latency").values.tolist() == wanted
    assert read.quantity.name == "hypervolume" and read.quantity_of("toy_latency").unit == "ms"
    both = done("compare", path, tmp_path / "alone.jsonl", "--show", "params", "--json")
    assert len(json.loads(both)["rows"]) == 2, (
        "searches for one and for several objectives stand side by side"
    )
    refused = call("compare", path, tmp_path / "alone.jsonl", "--show", "toy_latency")
    assert refused.exit_code == 1 and "alone.jsonl does not hold toy_latency" in refused.stderr
    assert alone.quantity.name == "accuracy"


def test_commands_show_it_with_name_unit_direction_and_digits(device: Path, tmp_path: Path) -> None:
    out = tmp_path / "r"
    flags = ["--budget", 20, "--rounds", 3, "--out", out]
    told = done("run", "rand", *flags, "--show", "toy_latency", "--target", 12)
    assert "latency on a toy (ms) of the best so far by validation accuracy, over 3 rounds" in told
    assert "lower is better" in told and "best there is" not in told and "models to 12:" in told
    done("run", "ae", *flags, "--set", "pool=8", "--set", "tournament=4", "--show", "toy_latency")
    results = sorted(out.glob("*.jsonl"))
    compared = done("compare", *results, "--show", "toy_latency", "--target", 12)
    assert "latency on a toy (ms) of the best so far by validation accuracy" in compared
    assert "lower is better" in compared and "regret" not in compared and "percent" not in compared
    higher = done("compare", *results, "--show", "toy_comfort")
    assert "comfort of a toy (stars)" in higher and "higher is better" in higher
    rows = json.loads(done("compare", *results, "--show", "toy_latency", "--json"))["rows"]
    for row, path in zip(rows, results, strict=True):
        (read,) = ns.read(path)
        ends = [latency(incumbents(each)[-1]) for each in read.rounds]
        assert row["at"]["20"] == np.median(ends) and row["regret"] is None
        assert (row["quantity"], row["unit"], row["lower_is_better"]) == ("latency on a toy", "ms", True)
    (read,) = ns.read(results[0])
    end = float(np.median([comfort(incumbents(each)[-1]) for each in read.rounds]))
    assert f"comfort of a toy at the end: {end:.1f} stars" in done(
        "show", results[0], "--show", "toy_comfort"
    )
    one = json.loads(done("show", results[0], "--show", "toy_comfort", "--round", 1, "--json"))
    assert one["shown"] == {
        "metric": "toy_comfort",
        "quantity": "comfort of a toy",
        "unit": "stars",
        "lower_is_better": False,
    }
    assert one["summary"]["median"] == [comfort(arch) for arch in incumbents(read.rounds[1])]
    assert "unknown" not in done("show", results[0], "--show", "params")
    done("plot", *results, "-o", tmp_path / "a.svg", "--show", "toy_latency")
    (panel,) = gather(ns.read(results), "models", "toy_latency", None)
    assert panel.y_label == "latency on a toy of the best by validation accuracy (ms)"
    assert panel.falling and panel.best is None and panel.lines[0].median[-1] > 0
    for words, met in (
        (["--choose", "toy_latency"], "by a cost alone the best model is an empty one"),
        (["--show", "edgegpu_latency"], "no metric of nasbench201 mnist1d is called 'edgegpu_latency'"),
    ):
        refused = call("compare", *results, *words)
        assert refused.exit_code and met in refused.stderr, refused.stderr
    refused = call("plot", *results, "-o", tmp_path / "b.svg", "--front", "--show", "toy_latency")
    assert refused.exit_code == 1 and "fronts shows what is trained for" in refused.stderr


def test_searches_of_which_one_does_not_have_it_are_told_apart(device: Path, tmp_path: Path) -> None:
    mine, other = tmp_path / "mine.jsonl", tmp_path / "other.jsonl"
    ns.Experiment("rand", **FIELDS).run(mine)
    fields = {"strategy": "rand", "benchmark": "nasbench201", "dataset": "cifar100", "budget": 2}
    values = np.ones(2)
    with Store.open(other, Header(fields, "0.1", "1" * 16, {})) as store:
        store.append(Round(0, [(0,) * 6, (1,) * 6], values, values, values, 0))
    refused = call("compare", mine, other, "--show", "toy_latency")
    assert refused.exit_code == 1
    assert "other.jsonl: no metric of nasbench201 cifar100 is called 'toy_latency'" in refused.stderr
    assert "(mnist1d of nasbench201 has it)" in refused.stderr
    with pytest.raises(UnknownName, match="cifar100 is called 'toy_latency'"):
        ns.compare(ns.read([mine, other]), show="toy_latency")


def test_a_page_can_be_switched_to_it(device: Path, tmp_path: Path) -> None:
    for strategy in ("rand", "ls"):
        ns.Experiment(strategy, **FIELDS).run(tmp_path / f"{strategy}.jsonl")
    done("report", tmp_path, "-o", tmp_path / "page.html", "--show", "toy_latency", "--show", "params")
    page = ns.report(tmp_path, show=["toy_latency", "params"], target=90)
    (section,) = page.data["sections"]
    assert [view["show"] for view in section["views"]] == ["test", "test", "toy_latency", "params"]
    view = section["views"][2]
    assert view["words"] == "latency on a toy of the best by validation accuracy"
    assert view["quantity"]["unit"] == "ms" and view["quantity"]["lower_is_better"] is True
    assert section["views"][3]["quantity"]["decimals"] == 0 and view["best_there_is"] is None
    for row in view["leaderboard"]:
        (read,) = [each for each in ns.read(tmp_path) if each.label == row["label"]]
        assert row["median"] == np.median([latency(incumbents(each)[-1]) for each in read.rounds])
    from nassearch.reports.page.tables import leaderboard

    table = leaderboard(section, view)
    ends = [row[table.columns.index("at the end")].value for row in table.rows]
    assert ends == sorted(ends) and "(ms)" in table.caption and "regret" not in table.columns
    assert section["quantity"]["name"] == "accuracy"
    with pytest.raises(UnknownName, match="toy_speed"):
        ns.report(tmp_path, show="toy_speed")
    with pytest.raises(InvalidSetting, match="show is names of metrics"):
        ns.report(tmp_path, show=3)  # type: ignore[arg-type]


def test_proxies_are_judged_by_it(device: Path, tmp_path: Path) -> None:
    found = ns.correlate("nasbench201", ["params"], sample=200, metric="toy_latency", draws=20)
    costs = np.array([latency(arch) for arch in found.archs])
    scores = found.reports[0].scores
    rho = found.reports[0].figures["dropped"]["rho"].value
    assert rho == pytest.approx(spearman(scores, -costs).value, abs=1e-12) and rho < 0
    assert found.accuracies.tolist() == (-costs).tolist()
    assert found.scores()["toy_latency"].tolist() == costs.tolist()
    assert "latency on a toy (ms)" in repr(found)
    near = ns.correlate("nasbench201", ["params"], sample=50, metric="toy_energy", neighbourhoods=5, draws=20)
    known = np.array([sum(arch) + 1.0 if arch[0] != 4 else NAN for arch in near.archs])
    rho = near.reports[0].figures["dropped"]["rho"].value
    assert rho == pytest.approx(spearman(near.reports[0].scores, -known).value, abs=1e-12)
    flags = ["--sample", 50, "--proxies", "params", "--draws", 20]
    told = done("correlate", *flags, "--metric", "toy_energy", "-o", tmp_path / "c.csv")
    assert "energy on a toy (mJ), lower is better: a rho above 0 ranks well" in told
    assert f"toy_energy is known of {np.isfinite(known).sum()} of them" in told
    assert (tmp_path / "c-scores.csv").read_text().startswith("arch,index,toy_energy,params\n")
    said = json.loads(done("correlate", *flags, "--metric", "toy_comfort", "--json"))
    assert (said["metric"], said["unit"], said["lower_is_better"]) == ("toy_comfort", "stars", False)
    itself = ns.correlate("nasbench201", ["params"], sample=50, metric="params", draws=20)
    assert itself.reports[0].figures["dropped"]["rho"].value == -1.0, "the smallest is the best by size"
    refused = call("correlate", *flags, "--metric", "edgegpu_latency")
    assert refused.exit_code == 1 and "no metric of nasbench201 mnist1d" in refused.stderr


def test_a_search_that_trains_shows_what_it_recorded(tmp_path: Path) -> None:
    trained = [replace(each, status="trained", valid=each.valid or 1.0) for each in entries(12)]
    folder = write_folder(tmp_path / "search", trained)
    fields = {
        "strategy": "rand",
        "benchmark": "train",
        "dataset": "my_images",
        "recipe": RECIPE,
        "untested": True,
    }
    valid = np.array([each.valid for each in trained])
    archs = [each.arch for each in trained]
    with Store.open(folder / "result.jsonl", Header(fields, "0.1", "0" * 16, {})) as store:
        store.append(Round(0, archs, valid, valid, np.ones(12), 0))
    best = max(trained, key=lambda each: each.valid or 0.0)
    for name in ("params", "flops", "latency", "memory"):
        said = json.loads(done("show", folder, "--show", name, "--json"))
        assert said["summary"]["median"][-1] == getattr(best, name)
    assert f"network size at the end: {best.params} parameters" in done("show", folder, "--show", "params")
    page = ns.report(folder, show="latency").data["sections"][0]
    assert page["views"][-1]["leaderboard"][0]["median"] == best.latency
    refused = call("show", folder, "--show", "toy_latency")
    assert (
        refused.exit_code == 1
        and "no metric of a search that trains is called 'toy_latency'" in refused.stderr
    )
    (folder / "trained.jsonl").rename(folder / "elsewhere.jsonl")
    refused = call("show", folder / "result.jsonl", "--show", "params")
    assert refused.exit_code == 1 and "trained.jsonl, is not beside it" in refused.stderr


def test_names_from_outside_are_inert(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    nasty = tuple(replace(each, quantity=NASTY, unit=NASTY) for each in DEVICE)
    sheet = declare_devices(monkeypatch, tmp_path, nasty)
    text = sheet.read_text().replace("remark", f'"{NASTY}"'.replace("\r", ""), 1)
    sheet.write_text(text)
    told = done("bench", "import", "nasbench201", sheet, "--dataset", "mnist1d")
    path = tmp_path / "a.jsonl"
    ns.Experiment("rand", **FIELDS).run(path)
    told += done("bench", "info", "mnist1d") + done("bench", "info", "mnist1d", "--json")
    for command in ("show", "compare"):
        told += done(command, path, "--show", "toy_latency") + done(
            command, path, "--show", "toy_latency", "--json"
        )
    told += done("correlate", "--sample", 20, "--proxies", "params", "--draws", 9, "--metric", "toy_latency")
    told += call("show", path, "--show", NASTY).stderr
    done("plot", path, "-o", tmp_path / "a.svg", "--show", "toy_latency")
    page = ns.report(path, show="toy_latency").html()
    assert not HARMFUL.intersection(told) and not HARMFUL.intersection(page)


class Phones(Benchmark):
    """Computes what a cell reaches, and what it takes on a phone (a test, 2026)."""

    name: ClassVar[str] = "phones"

    def __init__(self) -> None:
        self.space, self.dataset = self.make_space(), self.find()

    @classmethod
    def datasets(cls) -> dict[str, Dataset]:
        metrics = (
            Metric("phone_latency", "latency on a phone", "ms"),
            Metric("tv_latency", "latency on a TV", "ms"),
        )
        return {"first": Dataset("first", Task((3, 8, 8), 10), note="made up", metrics=metrics)}

    @classmethod
    def make_space(cls, dataset: str | None = None) -> NASBench201:
        return NASBench201()

    @classmethod
    def open(cls, dataset: str | None = None) -> Phones:
        cls.find(dataset)
        return cls()

    def query(self, arch: Arch, rng: np.random.Generator) -> Metrics:
        self.space.check(arch)
        return Metrics(9.0 + sum(arch), 10.0 + sum(arch), 1.0)

    @property
    def metrics(self) -> tuple[Metric, ...]:
        return self.dataset.metrics[:1]

    def metric(self, name: str, arch: Arch) -> float:
        return 2.0 * sum(arch) if name == "phone_latency" else super().metric(name, arch)


class TestPhones(BenchmarkContract):
    """A benchmark without a table, with one metric that is there and one that is not, keeps the contract."""

    @pytest.fixture
    def benchmark(self) -> Phones:
        return Phones()


def test_a_benchmark_of_others_declares_what_it_likes() -> None:
    found = ns.Experiment("rand", Phones(), budget=5, rounds=3, show="phone_latency").run()
    assert (-found.curve().values).tolist() == [
        [2.0 * sum(arch) for arch in incumbents(each)] for each in found.rounds
    ]
    with pytest.raises(MissingData, match="tv_latency of phones first is not installed"):
        ns.Experiment("rand", Phones(), budget=5, rounds=3, show="tv_latency").run()
