"""Results of odd types: every value of a file replaced by every kind of JSON is refused by its rule, or shown."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from nassearch.cli.main import cli
from nassearch.errors import BadData
from nassearch.search.records import round_line
from nassearch.search.runner import Round
from nassearch.search.store import read_result

HEADER: dict[str, Any] = {
    "format": "nassearch result",
    "version": 1,
    "package": "0.1",
    "data": "0123",
    "experiment": {
        "strategy": "ae", "benchmark": "nasbench201", "dataset": "mnist1d", "budget": 4, "seed": 0,
        "scorer": "epsilon", "warmup": 10, "move": "epsilon", "move_at": "child", "explore": 0.1, "move_ratio": 3,
        "settings": {"pool": 3, "fitness": "epsilon"}, "batch": None, "show": "test", "choose": "valid", "target": None,
    },
}  # fmt: skip
ODD = [
    "null",
    "true",
    "-1",
    "0",
    "1.5",
    "1e308",
    "-1e100",
    "1e-320",
    "1" + "0" * 400,
    "9" * 5000,
    "NaN",
    "Infinity",
    "1e999",
    '""',
    '"x"',
    json.dumps("x" * 200_000),
    '"\\ud800"',
    "[]",
    "{}",
    "[[]]",
    '{"a":1}',
    '{"a":[1]}',
    '{"a":[1],"b":[1,2]}',
    '["a"]',
    "[" * 900 + "]" * 900,
    '{"a":' * 900 + "1" + "}" * 900,
    "[" * 60 + "]" * 60,
    '{"models":["a",null,1]}',
    '{"z":[1,1,1]}',
]
ODD += ['"\\u001b[31m"', '"$x_{$"', '"[/b]"', '":100:"']
MARK = "@@"
ARCHS = [[0, 1, 2, 3, 4, 0], [1, 1, 1, 1, 1, 1], [0, 1, 2, 3, 4, 0], [2, 2, 2, 2, 2, 2]]


def a_round(number: int) -> dict[str, Any]:
    table = {"models": [0, 1, 2], "x": [0.5, None, 2], "y": ["a", "b", None]}
    return {
        "round": number, "archs": ARCHS, "valid": [50.0, 60.5, 50.1, None], "test": [50.0, 60.5 + number, 50.1, 70],
        "seconds": [1.0, 2.0, None, 4], "revisits": 1, "report": {"n": 3, "word": "epsilon", "table": table},
    }  # fmt: skip


LINES = [HEADER, a_round(0), a_round(1)]


def places(value: Any, before: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield before
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in parts:
        yield from places(part, (*before, name))


def replaced(value: Any, place: tuple[Any, ...], text: str) -> str:
    if not place:
        return text
    whole = copy.deepcopy(value)
    inner = whole
    for name in place[:-1]:
        inner = inner[name]
    inner[place[-1]] = MARK
    return json.dumps(whole).replace(json.dumps(MARK), text)


def write(path: Path, texts: list[str]) -> Path:
    path.write_text("".join(f"{text}\n" for text in texts))
    return path


PLACES = [(number, place) for number, line in enumerate(LINES) for place in places(line)]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("every", [9, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("text", ODD, ids=lambda text: text[:12])
def test_a_value_of_another_type_is_refused_by_its_rule_or_shown(
    text: str, every: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    other = write(Path("other.jsonl"), [json.dumps(line) for line in LINES])
    path = Path("odd.jsonl")
    for number, place in PLACES[ODD.index(text) % every :: every]:
        texts = [json.dumps(line) for line in LINES]
        texts[number] = replaced(LINES[number], place, text)
        write(path, texts)
        try:
            read_result(path)
        except BadData as error:
            assert (
                f"line {number + 1} of" in str(error)
                or "not a result" in str(error)
                or "format version" in str(error)
            )
            continue
        commands = [
            ["show", str(path)],
            ["show", str(path), "--json"],
            ["compare", str(other), str(path), "--json"],
            ["compare", str(path), str(other)],
        ]
        for command in commands:
            run = CliRunner().invoke(cli, command)
            # Results of different data and of different lengths are refused by a message.
            assert run.exception is None or isinstance(run.exception, SystemExit), (
                command,
                number,
                place,
                text[:40],
            )


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("text", ["-1e100", "1e-320", *ODD[-4:]])
@pytest.mark.parametrize("suffix", [".svg", ".png"])
def test_what_is_taken_is_drawn(text: str, suffix: str, tmp_path: Path) -> None:
    odd = [
        (0, ("experiment", "strategy")),
        (0, ("experiment", "dataset")),
        (1, ("test", 0)),
        (1, ("seconds", 3)),
    ]
    for number, place in odd:
        texts = [json.dumps(line) for line in LINES]
        texts[number] = replaced(LINES[number], place, text)
        path = write(tmp_path / "odd.jsonl", texts)
        run = CliRunner().invoke(cli, ["plot", str(path), "-o", str(tmp_path / f"plot{suffix}")])
        assert run.exception is None or isinstance(run.exception, SystemExit), (number, place, text)


@pytest.mark.parametrize(
    ("number", "place", "text", "message"),
    [
        (0, ("package",), "3", "line 1 .* package is a text, not a number"),
        (0, ("data",), '"\\ud800"', "line 1 .* data is a text of whole characters"),
        (0, ("experiment",), "[]", "line 1 .* experiment is values by name, not a list"),
        (0, ("experiment", "budget"), "true", "line 1 .* budget is a whole number, not true or false"),
        (0, ("experiment", "warmup"), "-1", "line 1 .* warmup is a whole number from 0"),
        (0, ("experiment", "seed"), "1" + "0" * 400, "line 1 .* seed is a whole number from 0 to 9223372036854775807"),
        (0, ("experiment", "explore"), '"0.1"', "line 1 .* explore is a number, not a text"),
        (0, ("experiment", "choose"), '"both"', "line 1 .* choose is test or valid"),
        (0, ("experiment", "show"), '""', "line 1 .* show is the name of a metric"),
        (0, ("experiment", "settings", "pool"), "[" * 60 + "]" * 60, "line 1 .* nested at most 8 times"),
        (0, ("version",), "true", "format version True"),
        (1, ("archs",), "[]", "line 2 .* one architecture or more"),
        (1, ("archs", 0, 0), "1" + "0" * 400, "line 2 .* whole numbers of 64 bits"),
        (1, ("archs", 0, 0), "true", "line 2 .* whole numbers"),
        (1, ("valid", 0), "1e308", "line 2 .* valid is a number of at most 1e\\+100"),
        (1, ("valid", 0), "NaN", "line 2 .* NaN is no number"),
        (1, ("valid",), "{}", "line 2 .* valid is a list, not an object"),
        (1, ("seconds", 0), "-1", "line 2 .* seconds is 0 or more, not -1"),
        (2, ("revisits",), "-1", "line 3 .* revisits is a whole number from 0 to 4"),
        (2, ("revisits",), "5", "line 3 .* revisits is a whole number from 0 to 4"),
        (2, ("report",), "[]", "line 3 .* a report has names"),
        (2, ("report", "n"), "true", "line 3 .* n in the report is a number, not true or false"),
        (2, ("report", "n"), "[1]", "line 3 .* n in the report is a number, not a list"),
        (2, ("report", "table", "x"), "[1]", r"line 3 .* the columns of table in the report have \[1, 3\] rows"),
        (2, ("report", "table"), "{}", "line 3 .* table without columns"),
        (2, (), "[" * 100_000, "line 3 .* (deeper than any file|values)"),
    ],
)  # fmt: skip
def test_the_rule_is_told(
    number: int, place: tuple[Any, ...], text: str, message: str, tmp_path: Path
) -> None:
    texts = [json.dumps(line) for line in LINES]
    texts[number] = replaced(LINES[number], place, text)
    with pytest.raises(BadData, match=message):
        read_result(write(tmp_path / "odd.jsonl", texts))


def test_a_name_twice_is_refused(tmp_path: Path) -> None:
    texts = [json.dumps(line) for line in LINES]
    texts[1] = texts[1][:-1] + ', "revisits": 2}'
    with pytest.raises(BadData, match=r"line 2 of .* 'revisits' is there twice"):
        read_result(write(tmp_path / "twice.jsonl", texts))


def test_fields_of_a_later_version_are_passed_over(tmp_path: Path) -> None:
    later = copy.deepcopy(LINES)
    later[0]["later"] = later[0]["experiment"]["later"] = {"a": [1, {"b": None}]}
    later[2]["later"] = [1, 2]
    result = read_result(write(tmp_path / "later.jsonl", [json.dumps(line) for line in later]))
    assert result.header.experiment["later"] == {"a": [1, {"b": None}]}
    assert len(result.rounds) == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"revisits": 9}, "revisits"),
        ({"archs": [(0, 2**70)]}, "64 bits"),
        ({"seconds": np.array([-1.0])}, "seconds"),
        ({"valid": np.array([1e200])}, "valid"),
        ({"report": {"fine": True}}, "fine in the report"),
        ({"report": {"t": {"a": [1], "b": []}}}, "rows"),
    ],
)
def test_what_would_be_refused_is_not_written(change: dict[str, Any], message: str) -> None:
    one = np.array([1.0])
    fields: dict[str, Any] = {
        "round": 0,
        "archs": [(0, 1)],
        "valid": one,
        "test": one,
        "seconds": one,
        "revisits": 0,
    }
    round_line(Round(**fields))
    with pytest.raises(BadData, match=f"round 0 .*{message}"):
        round_line(Round(**{**fields, **change}))
