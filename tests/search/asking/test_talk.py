"""Asks and tells by lines of JSON: every line has its answer, whatever is in it, and the next is answered too."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from nassearch import AskTell
from nassearch.search.asking.talk import LONGEST, talk


@pytest.fixture
def search(tmp_path: Path) -> AskTell:
    return AskTell.begin(tmp_path / "asked", space="nasbench201", strategy="rand", budget=6)


def answers(search: AskTell, *lines: bytes | dict[str, Any]) -> list[dict[str, Any]]:
    text = b"".join(each if isinstance(each, bytes) else json.dumps(each).encode() + b"\n" for each in lines)
    found: list[str] = []
    talk(search, io.BytesIO(text), found.append)
    assert all("\n" not in line for line in found)
    return [json.loads(line) for line in found]


def test_a_talk(search: AskTell) -> None:
    asked, told, again, failed, forgotten, own, status, more = answers(
        search,
        {"ask": 3, "worker": "w"},
        {"tell": 1, "value": 91.5, "seconds": 3, "metrics": {"energy": 2}, "note": "fine"},
        {"value": 91.5, "tell": 1},
        {"tell": 2, "failed": True},
        {"forget": 3},
        {"tell": "6111", "value": 80},
        {"status": True},
        b'{"ask": 5}',  # the last line has no end
    )
    assert [each["id"] for each in asked["asks"]] == [1, 2, 3]
    assert asked["asks"][0]["network"] and asked["why"] is None and not asked["ended"]
    assert told == {
        "told": {"id": 1, "text": asked["asks"][0]["text"], "values": [91.5], "new": True, "learnt": True}
    }
    assert again["told"]["new"] is False
    assert failed["told"]["values"] == [None]
    assert forgotten == {"forgotten": 3, "new": True}
    assert own["told"]["id"] is None and own["told"]["learnt"]
    assert (status["status"]["told"], status["status"]["failed"], status["status"]["models"]) == (3, 1, 2.0)
    assert status["status"]["best"] == {
        "id": 1,
        "text": asked["asks"][0]["text"],
        "values": {"accuracy": 91.5},
    }
    assert len(more["asks"]) == 4 and more["why"] == "the budget of 6 is used up"


@pytest.mark.parametrize(
    ("line", "kind", "message"),
    [
        (b"nonsense\n", "InvalidSetting", "a JSON object on one line"),
        (b'{"ask": 1\n', "InvalidSetting", "a JSON object on one line"),
        (b"\xff\xfe\n", "InvalidSetting", "a JSON object on one line"),
        (b"[1]\n", "InvalidSetting", "not [1]"),
        (b"null\n", "InvalidSetting", "not None"),
        (b"{}\n", "InvalidSetting", "has one of ask, tell, forget, status"),
        (b'{"ask": 1, "tell": 1}\n', "InvalidSetting", "has one of ask, tell, forget, status"),
        (b'{"ask": 1, "ask": 2}\n', "InvalidSetting", "'ask' is there twice"),
        (b'{"ask": 1, "wroker": "w"}\n', "UnknownName", "did you mean worker?"),
        (b'{"ask": "1"}\n', "InvalidSetting", "count is a whole number"),
        (b'{"ask": 1e9}\n', "InvalidSetting", "count is a whole number"),
        (b'{"ask": 1, "again": "soon"}\n', "InvalidSetting", "again is a number"),
        (b'{"tell": 1}\n', "InvalidSetting", "has a value, or it failed"),
        (b'{"tell": 1, "value": NaN}\n', "InvalidSetting", "finite number, not nan"),
        (b'{"tell": 1, "value": 1e999}\n', "InvalidSetting", "finite number, not inf"),
        (b'{"tell": 1, "value": ' + b"9" * 5000 + b"}\n", "InvalidSetting", "none: Exceeds the limit"),
        (b'{"tell": 1, "value": [93]}\n', "InvalidSetting", "finite number, not [93]"),
        (b'{"tell": [1], "value": 93}\n', "InvalidSetting", "the id of an ask or the text"),
        (b'{"tell": true, "value": 93}\n', "InvalidSetting", "the id of an ask or the text"),
        (b'{"tell": 99, "value": 93}\n', "InvalidSetting", "has the id 99"),
        (b'{"tell": "x", "value": 93}\n', "InvalidArch", "x"),
        (b'{"tell": 1, "value": 93, "what": 1}\n', "UnknownName", "key of tell"),
        (b'{"forget": "x"}\n', "InvalidSetting", "has the id 'x'"),
        (b'{"status": 1}\n', "InvalidSetting", "status is true"),
        (b"[" * 9000 + b"\n", "InvalidSetting", "deeper than any file goes"),
        (b"[" * 200_000 + b"\n", "InvalidSetting", "more than 10000 values"),
        (b'{"ask": "' + b"x" * 2 * LONGEST + b'"}\n', "InvalidSetting", f"at most {LONGEST} bytes"),
        (b'{"ask": "\\u001b[31m\\ud800"}\n', "InvalidSetting", "count is a whole number"),
    ],
)
def test_bad_lines_are_told_and_survived(search: AskTell, line: bytes, kind: str, message: str) -> None:
    first, bad, good = answers(search, {"ask": 1}, line, {"tell": 1, "value": 3})
    assert [each["id"] for each in first["asks"]] == [1]
    assert bad["error"]["kind"] == kind and message in bad["error"]["message"]
    assert len(bad["error"]["message"]) < 1000
    assert good["told"]["new"]


def test_empty_lines_are_passed_over(search: AskTell) -> None:
    assert len(answers(search, b"\n", b"  \r\n", {"ask": 1}, b"\n")) == 1


def test_a_line_as_long_as_it_may_be(search: AskTell) -> None:
    line = b'{"ask": 1' + b" " * (LONGEST - 10)
    found = answers(search, line + b"}\n", line + b" }\n", {"ask": 1})
    assert ["asks" in each for each in found] == [True, False, True]
