"""Reports of the rounds put together, against values worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np

from nassearch.reports.summary import gather_reports
from nassearch.search.runner import Round


def rounds(*reports: dict[str, Any]) -> list[Round]:
    value = np.array([1.0])
    return [Round(i, [(0,)], value, value, value, 0, report) for i, report in enumerate(reports)]


def test_numbers_have_quartiles_and_texts_shares() -> None:
    found = gather_reports(
        rounds(*({"a": a, "b": b} for a, b in ((1, "x"), (2, "y"), (3, "y"), (None, "y"))))
    )
    assert found == {"a": {"median": 2.0, "q25": 1.5, "q75": 2.5}, "b": {"text": "y", "share": 0.75}}


def test_tables_meet_at_their_axis() -> None:
    one = {"t": {"models": [0, 1, 5], "entropy": [4.0, 2.0, 1.0], "argmax": ["x", "x", "z"]}}
    two = {"t": {"models": [0, 1, 7], "entropy": [2.0, None, 3.0], "argmax": ["x", "y", "w"]}}
    rows = gather_reports(rounds(one, two))["t"]
    assert [row["models"] for row in rows] == [0, 1, 5, 7]
    assert rows[0]["entropy"] == {"median": 3.0, "q25": 2.5, "q75": 3.5}
    assert rows[0]["argmax"] == {"text": "x", "share": 1.0}
    assert rows[1]["entropy"]["median"] == 2.0
    assert rows[1]["argmax"]["share"] == 0.5
    assert rows[3]["entropy"]["median"] == 3.0


def test_what_some_or_all_rounds_lack() -> None:
    assert gather_reports(rounds({}, {})) == {}
    assert gather_reports(rounds({"a": None}, {})) == {"a": {"median": None, "q25": None, "q75": None}}
    one, two = {"t": {"models": [0], "a": [1.0], "b": [5.0]}}, {"t": {"models": [0], "a": [3.0]}}
    (row,) = gather_reports(rounds(one, two))["t"]
    assert (row["a"]["median"], row["b"]["median"]) == (2.0, 5.0)
