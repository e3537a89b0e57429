"""Losses are computed with negated, and are what was published wherever people or scripts read them."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import call
from readers import LEAST, every_command, installed, lines, losses, write_inputs

from nassearch.search.store import read_result

FILE = "a"
LINES = lines("plain", FILE)
MEDIAN = "the median at the end, as it is computed with"


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Run every line in turn, and return what each one printed and wrote."""
    folder = tmp_path_factory.mktemp("losses")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NASSEARCH_DATA", str(folder / "data"))
        (folder / "here").mkdir()
        patch.chdir(folder / "here")
        with installed(patch):
            write_inputs("plain")
            found = {}
            for line in (line for group in LINES.values() for line in group):
                before = {path: path.stat().st_mtime_ns for path in Path().iterdir()}
                result = call(*line)
                assert result.exit_code == 0, (line, result.stderr)
                found[" ".join(line)] = result.stdout
                for path in Path().iterdir():
                    if path.suffix in (".csv", ".json", ".svg") and path.stat().st_mtime_ns != before.get(
                        path
                    ):
                        found[f"{' '.join(line)} > {path}"] = path.read_text()
            handed_over = [each.test[each.valid.argmax()] for each in read_result("a.jsonl").rounds]
            yield {**found, MEDIAN: str(np.median(handed_over))}


def test_every_command_is_here() -> None:
    """Add lines for a new command, in every format it has, to `readers.lines`."""
    assert set(LINES) == {name for name, _ in every_command()}


def numbers(printed: str, name: str) -> Iterator[float]:
    """Yield every number that a reader finds."""
    line, _, file = name.partition(" > ")
    if file.endswith(".csv"):
        cells = [cell for row in csv.reader(printed.splitlines()) for cell in row]
        yield from (float(cell) for cell in cells if re.fullmatch(r"-?\d+(\.\d+)?(e-?\d+)?", cell))
    elif file.endswith(".json") or (not file and "--json" in line.split()):
        yield from leaves(json.loads(printed))
    elif file.endswith(".svg"):
        texts = re.findall(r"<text[^>]*>([^<]*)</text>", printed)
        assert texts, name
        yield from (float(t.replace("\u2212", "-")) for t in texts if re.fullmatch(r"[-\u2212]?[\d.]+", t))
    else:
        yield from map(float, re.findall(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w])", printed))


def leaves(value: Any) -> Iterator[float]:
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from leaves(item)
    elif isinstance(value, int | float):
        yield float(value)


def test_no_loss_is_negative_wherever_it_is_read(ran: dict[str, str]) -> None:
    shown = 0
    for name, printed in ran.items():
        if name == MEDIAN:
            continue
        found = list(numbers(printed, name))
        assert not [value for value in found if value < -50], name
        shown += any(LEAST <= value <= LEAST + 110 for value in found)
    # run 4 and its picture, compare 4, show 4, plot 3, scatter, info 2, import 2
    assert shown >= 20


def test_the_value_is_the_right_one(ran: dict[str, str]) -> None:
    right = -float(ran[MEDIAN])
    assert LEAST <= right < LEAST + 100
    text = ran["show a.jsonl"]
    assert re.search(rf"test loss at the end: {right:.2f} ", text), text
    (row, _) = json.loads(ran["compare a.jsonl a2.jsonl --json"])["rows"]
    assert row["at"]["12"] == pytest.approx(right)
    assert row["target"] == pytest.approx(right)
    assert row["regret"] == pytest.approx(right - losses().mean(axis=0).min())
    assert (row["quantity"], row["unit"]) == ("loss", "nats")
    assert f"{right:.2f}" in ran["compare a.jsonl a2.jsonl"]
    run = next(text for name, text in ran.items() if "--json --plot" in name and ">" not in name)
    summary = json.loads(run)["summary"]
    assert summary["median"][-1] == pytest.approx(right)
    assert summary["q25"][-1] <= right <= summary["q75"][-1]


def test_a_loss_is_one_where_its_benchmark_is_not_installed(ran: dict[str, str], tmp_path: Path) -> None:
    """The header says it, for whoever reads a result elsewhere."""
    from nassearch.search.quantity import Quantity
    from nassearch.search.records import Header

    gone = Header({"benchmark": "nowhere", "dataset": "x", "quantity": "loss", "unit": "nats",
                   "lower_is_better": True}, "0", "0")  # fmt: skip
    assert Quantity.of_result(gone) == Quantity("loss", "nats", -1.0)
    assert Quantity("loss", "nats", -1.0).fields() == {
        "quantity": "loss",
        "unit": "nats",
        "lower_is_better": True,
    }
    assert Quantity().fields() == {}  # the bytes of results of accuracies stay what they were
