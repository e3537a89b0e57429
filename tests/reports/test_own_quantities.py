"""Each task of TransNAS-Bench-101 has a metric of its own: every reader says its name and unit, with its digits."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import nassearch as ns
from nassearch import registry
from nassearch.cli.main import cli
from nassearch.reports.plot import gather
from nassearch.search.quantity import Quantity
from nassearch.search.records import Header
from nassearch.search.runner import Round
from nassearch.search.store import Store

TASKS = [
    (part, name)
    for part in ("transnas-micro", "transnas-macro")
    for name in registry.load("benchmarks", part).datasets()
]


@pytest.mark.parametrize(("part", "name"), TASKS, ids=[" ".join(each) for each in TASKS])
def test_every_reader_says_what_it_is(part: str, name: str, tmp_path: Path) -> None:
    dataset = registry.load("benchmarks", part).datasets()[name]
    quantity = Quantity.of_dataset(dataset)
    path = tmp_path / "a.jsonl"
    fields = {"strategy": "rand", "benchmark": part, "dataset": name, "budget": 3, **quantity.fields()}
    top = min(dataset.highest, 1.0)
    values = top - np.array([0.4213, 0.4189, 0.4171])
    with Store.open(path, Header(fields, "0.1", "0" * 16, {})) as store:
        store.append(Round(0, [(0,) * 6, (1,) * 6, (2,) * 6], values, values, values + 9, 0))
    words, unit = f"test {dataset.quantity}", dataset.unit
    runner = CliRunner()
    compared = runner.invoke(cli, ["compare", str(path)])
    assert compared.exit_code == 0, compared.output
    assert f"{words} ({unit}) of the best so far by validation {dataset.quantity}" in compared.stdout
    assert f"{values[-1]:.3f}" in compared.stdout, "with as many digits as tell such values apart"
    shown = runner.invoke(cli, ["show", str(path)]).stdout
    assert f"{words} at the end: {values[-1]:.3f}" in shown
    said = json.loads(runner.invoke(cli, ["compare", str(path), "--json"]).stdout)["rows"][0]
    assert (said["quantity"], said["unit"], said["lower_is_better"]) == (dataset.quantity, unit, False)
    (read,) = ns.read(path)
    (panel,) = gather([read], "models", None, None)
    short = "%" if unit == "percent" else unit
    assert panel.y_label == f"{words} of the best by validation ({short})"
    (section,) = ns.report(path).data["sections"]
    assert (section["quantity"]["name"], section["quantity"]["unit"]) == (dataset.quantity, unit)
    everything = (
        compared.stdout + shown + repr(read) + ns.compare([read])._repr_html_() + section["views"][0]["words"]
    )
    assert "accuracy" in dataset.quantity or "accuracy" not in everything
    assert unit == "percent" or "percent" not in everything
