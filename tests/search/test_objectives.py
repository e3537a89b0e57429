"""Searches for several objectives from end to end, on made-up latencies of the embedded benchmark."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from devices import SPACE, declare_devices, latency

import nassearch
from nassearch.benchmarks.nasbench201 import NASBench201Benchmark
from nassearch.cli.main import cli
from nassearch.constraints import cost_of
from nassearch.errors import InvalidSetting, MissingData, UnknownName
from nassearch.reports.front_figure import collect_fronts
from nassearch.search.pareto.curve import front_of
from nassearch.statistics.hypervolume import hypervolume, nondominated


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    return declare_devices(monkeypatch, tmp_path)


FIELDS: dict[str, Any] = {"budget": 40, "rounds": 2, "objectives": "accuracy,toy_latency"}


def test_a_result_holds_all_objectives_and_is_read_as_a_front(device: Path, tmp_path: Path) -> None:
    made = nassearch.Experiment("nsga", **FIELDS)
    one = made.run(tmp_path / "one.jsonl")
    two = made.run(tmp_path / "two.jsonl", workers=2)
    assert (tmp_path / "one.jsonl").read_bytes() == (tmp_path / "two.jsonl").read_bytes()
    (read,) = nassearch.read(tmp_path / "one.jsonl")
    assert read.header.difference(one.header) is None and read.label == "nsga, for accuracy and toy_latency"
    assert np.array_equal(read.curve().values, two.curve().values)
    for done in read.rounds:
        assert done.further["toy_latency"].tolist() == [latency(arch) for arch in done.archs]
    every = np.array([[made.oracle.expected(arch).test, -latency(arch)] for arch in SPACE.all()])
    valid = np.array([made.oracle.expected(arch).valid for arch in SPACE.all()])
    reference = np.array([min(every[:, 0].min(), valid.min()), every[:, 1].min()])
    said = read.header.experiment["objectives"]
    assert [each["reference"] for each in said] == [reference[0], -reference[1]]
    points = np.array(
        [[each, -latency(arch)] for arch, each in zip(read.rounds[0].archs, read.rounds[0].test, strict=True)]
    )
    chosen = nondominated(np.column_stack([read.rounds[0].valid, points[:, 1]]))
    share = 100 * hypervolume(points[chosen], reference) / hypervolume(every, reference)
    assert read.curve().values[0, -1] == pytest.approx(share, rel=1e-12)
    assert (read.quantity.name, read.quantity.unit) == ("hypervolume", "percent of all")
    front = front_of(read.header, read.rounds)
    assert [row["toy_latency"] for row in front] == sorted(latency(row["arch"]) for row in front)


def test_by_validation_the_hypervolume_only_grows(device: Path) -> None:
    found = nassearch.Experiment("rand", **FIELDS).run()
    values = found.curve("valid", "valid").values
    assert (
        np.diff(values, axis=1) >= 0
    ).all() and 0 < values.max() <= 101  # single trainings, whose mean is 100
    assert found.curve(x="distinct").values.shape[1] <= 40


def test_what_is_not_known_counts_nothing(device: Path) -> None:
    found = nassearch.Experiment("nsga", **{**FIELDS, "objectives": "accuracy,toy_energy,params"}).run()
    energies = np.concatenate([done.further["toy_energy"] for done in found.rounds])
    archs = [arch for done in found.rounds for arch in done.archs]
    assert np.array_equal(np.isnan(energies), [arch[0] == 4 for arch in archs])
    assert all(row["arch"][0] != 4 for row in front_of(found.header, found.rounds))
    task = found.oracle.dataset.task if found.oracle else None
    assert task is not None
    counts = [cost_of(SPACE, arch, task, ["params"]).params for arch in archs]
    assert np.concatenate([done.further["params"] for done in found.rounds]).tolist() == counts


def test_a_limit_by_a_metric_keeps_to_it(device: Path) -> None:
    limit = {"latency": 8, "latency_by": "toy_latency"}
    found = nassearch.Experiment("ae", budget=70, rounds=1, constraints=limit).run()
    assert max(map(latency, found.rounds[0].archs)) <= 8
    assert "latency by toy_latency" in found.label
    both = nassearch.Experiment("nsga", constraints=limit, **FIELDS).run()
    assert max(map(latency, both.rounds[0].archs)) <= 8 and both.curve().values.max() <= 100 + 1e-9


def test_a_latency_may_be_an_objective_without_a_limit(device: Path) -> None:
    made = nassearch.Experiment(
        "nsga", constraints={"latency_by": "toy_latency"}, **{**FIELDS, "objectives": "accuracy,latency"}
    )
    found = made.run()
    said = found.header.experiment["objectives"][1]
    assert (said["name"], said["quantity"]) == ("latency", "latency by toy_latency")
    assert found.rounds[0].further["latency"].tolist() == [latency(arch) for arch in found.rounds[0].archs]


def test_objectives_that_cannot_be(device: Path) -> None:
    for names, kind, met in (
        ("accuracy,toy_speed", UnknownName, "objective is called 'toy_speed'"),
        ("toy_latency,toy_energy", InvalidSetting, "objectives are accuracy and"),
        ("accuracy", InvalidSetting, "objectives are accuracy and"),
        ("accuracy,params,params", InvalidSetting, "each once"),
        ("accuracy,valid", InvalidSetting, "objectives are accuracy and"),
    ):
        with pytest.raises(kind, match=met):
            nassearch.Experiment("nsga", objectives=names).run()
    for value in ("accuracy,,params", 3, ["accuracy", 3]):
        with pytest.raises(InvalidSetting, match="names with commas"):
            nassearch.Experiment("nsga", objectives=value)  # type: ignore[arg-type]
    with pytest.raises(InvalidSetting, match="ae takes one objective"):
        nassearch.Experiment("ae", objectives="accuracy,params").run()
    with pytest.raises(InvalidSetting, match="toy_energy is in mJ"):
        nassearch.Experiment("ae", constraints={"latency": 3, "latency_by": "toy_energy"}).run()
    NASBench201Benchmark.metrics_path("mnist1d").unlink()
    with pytest.raises(MissingData, match="nassearch bench import nasbench201 FILE --dataset mnist1d"):
        nassearch.Experiment("nsga", objectives="accuracy,toy_latency").run()


def test_the_command_line_shows_it(device: Path, tmp_path: Path) -> None:
    flags = [
        "--objectives",
        "accuracy,toy_latency",
        "--budget",
        "30",
        "--rounds",
        "2",
        "--out",
        str(tmp_path / "r"),
    ]
    for strategy in ("rand", "nsga"):
        found = CliRunner().invoke(cli, ["run", strategy, *flags])
        assert found.exit_code == 0, found.output
        assert "test hypervolume (percent of all)" in found.output and "best there is: 100" in found.output
    results = sorted(map(str, (tmp_path / "r").glob("*.jsonl")))
    compared = CliRunner().invoke(cli, ["compare", *results])
    assert compared.exit_code == 0 and "hypervolume" in compared.output, compared.output
    alone = CliRunner().invoke(cli, ["run", "rand", *flags[2:]])
    assert alone.exit_code == 0
    picture = CliRunner().invoke(cli, ["plot", *results, "-o", str(tmp_path / "front.svg")])
    assert picture.exit_code == 0 and (tmp_path / "front.svg").exists(), picture.output
    fronts = CliRunner().invoke(cli, ["plot", *results, "-o", str(tmp_path / "fronts.png"), "--front"])
    assert fronts.exit_code == 0 and (tmp_path / "fronts.png").exists(), fronts.output
    plain = tmp_path / "plain.jsonl"
    nassearch.Experiment("rand", budget=3, rounds=1).run(plain)
    refused = CliRunner().invoke(cli, ["plot", str(plain), "-o", str(tmp_path / "no.png"), "--front"])
    assert refused.exit_code == 1 and "two objectives" in refused.output
    drawn, x_label, y_label, _ = collect_fronts(
        [(each.label, each.header, each.rounds) for each in nassearch.read(results)]
    )
    assert (x_label, y_label) == ("latency on a toy (ms)", "test accuracy (percent)")
    assert drawn[0].costs.tolist() == [latency(arch) for arch in nassearch.read(results)[0].rounds[0].archs]
    shown = CliRunner().invoke(cli, ["show", results[0], "--json"])
    assert json.loads(shown.output)["experiment"]["objectives"][1]["name"] == "toy_latency"
