"""The file of cached scores: what in it is believed, where it may not be written to, how people see and clear it."""

from __future__ import annotations

import json
import sqlite3
import time
import warnings
from contextlib import closing
from pathlib import Path

import pytest
from commands import call

from nassearch.scorers.cache.scores import ScoreCache, cache_path

ENDLESS = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i, 'k', 1.0 FROM n"
HOSTILE = {
    "a view": f"DROP TABLE scores; CREATE VIEW scores (context, key, score) AS {ENDLESS}",
    "a view of contexts": "ALTER TABLE contexts RENAME TO c; CREATE VIEW contexts AS SELECT * FROM c",
    "a trigger": "CREATE TRIGGER t AFTER INSERT ON scores BEGIN DELETE FROM scores; END",
    "a column": "ALTER TABLE scores ADD COLUMN more REAL",
    "a computed column": "ALTER TABLE scores ADD COLUMN more REAL AS (score + 1)",
    "a table": "CREATE TABLE notes (text TEXT)",
    "an index": "CREATE INDEX i ON scores (score)",
    "no table": "DROP TABLE scores",
}


def filled(path: Path, scores: dict[str, float]) -> None:
    cache = ScoreCache(path, "context")
    cache.put(scores)
    cache.close()


@pytest.mark.parametrize("what", HOSTILE)
def test_a_cache_with_other_tables_is_refused_at_once_and_kept(tmp_path: Path, what: str) -> None:
    path = tmp_path / "a.sqlite"
    filled(path, {"k": 7.0})
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(HOSTILE[what])
    start = time.monotonic()
    with pytest.warns(
        RuntimeWarning, match=r"other tables than a score cache .*; it is kept as a\.sqlite\.foreign"
    ):
        assert ScoreCache(path, "context").get(["k"]) == {}
    assert time.monotonic() - start < 5, "it ran what was in the file"
    assert path.with_name("a.sqlite.foreign").exists()
    filled(path, {"k": 1.0})
    assert ScoreCache(path, "context").get(["k"]) == {"k": 1.0}


@pytest.mark.parametrize("score", [float("inf"), float("-inf")])
def test_an_infinite_score_is_neither_kept_nor_believed(tmp_path: Path, score: float) -> None:
    path = tmp_path / "a.sqlite"
    filled(path, {"finite": 1.0, "infinite": score})
    assert ScoreCache(path, "context").all() == {"finite": 1.0}
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE scores SET score = ?", (score,))
    with pytest.warns(RuntimeWarning, match="damaged"):
        assert ScoreCache(path, "context").get(["finite"]) == {}


def test_a_new_context_of_a_file_that_is_only_read_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    filled(path, {"k": 1.0})
    cache = ScoreCache(path, "another context")
    assert cache.get(["k"]) == {} and cache.all() == {}
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT context FROM contexts").fetchall() == [("context",)]


def test_a_cache_that_may_not_be_written_gives_its_scores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The superuser may write everywhere; SQLite refuses in the words that it has for everybody else.
    path = tmp_path / "a.sqlite"
    filled(path, {"k": 1.0})

    def connect(_: Path) -> sqlite3.Connection:
        raise sqlite3.OperationalError("attempt to write a readonly database")

    monkeypatch.setattr("nassearch.scorers.cache.scores.connect", connect)
    cache = ScoreCache(path, "context")
    with pytest.warns(RuntimeWarning, match="are not cached in .*readonly database; those in it are read"):
        assert cache.get(["k"]) == {"k": 1.0}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cache.put({"new": 2.0})
        assert cache.get(["k", "new"]) == {"k": 1.0}


@pytest.mark.parametrize("kind", ["folder", pytest.param("fifo", marks=pytest.mark.posix)])
def test_what_is_no_file_is_left_alone(tmp_path: Path, kind: str) -> None:
    import os

    path = tmp_path / "a.sqlite"
    path.mkdir() if kind == "folder" else os.mkfifo(path)
    with pytest.warns(RuntimeWarning, match="not cached"):
        assert ScoreCache(path, "context").get(["k"]) == {}
    assert path.exists()


def shown() -> dict[str, int]:
    found = json.loads(call("cache", "show", "--json").stdout)
    assert found["file"] == str(cache_path())
    return {each["proxy"][0]: each["scores"] for each in found["contexts"]}


def test_the_cache_is_shown_and_cleared(data_dir: Path) -> None:
    assert shown() == {}
    assert call("cache", "clear").stdout == "0 scores removed\n"
    assert not data_dir.exists()
    call("score", "--sample", "5", "--proxies", "params,flops")
    kept = shown()["params"]
    assert shown() == {"params": kept, "flops": kept}
    text = call("cache", "show").stdout
    assert "revision" in text and "nasbench201" in text and f"{2 * kept} scores in" in text
    assert call("cache", "clear", "--proxy", "nothing").stdout == "0 scores removed\n"
    assert json.loads(call("cache", "clear", "--proxy", "flops", "--json").stdout) == {
        "scores": kept,
        "files": [],
    }
    assert shown() == {"params": kept}
    again = call("score", "--sample", "5", "--proxies", "params,flops").stdout
    assert f"scores: {kept} read from the cache, {kept} computed now" in again
    assert call("cache", "clear").stdout == f"{2 * kept} scores removed\n"
    assert shown() == {}


def test_files_of_other_releases_are_told_and_never_touched_but_on_request(data_dir: Path) -> None:
    data_dir.mkdir()
    others = [data_dir / name for name in ("scores.sqlite", "scores-v3.sqlite", "scores-v99.sqlite.corrupt")]
    for other in others:
        other.write_bytes(b"not ours")
    call("score", "--sample", "5", "--proxies", "params")
    told = json.loads(call("cache", "show", "--json").stdout)["others"]
    assert {each["file"] for each in told} == set(map(str, others))
    assert all(str(other) in call("cache", "show").stdout for other in others)
    call("cache", "clear")
    assert all(other.read_bytes() == b"not ours" for other in others)
    removed = json.loads(call("cache", "clear", "--others", "--json").stdout)["files"]
    assert set(removed) == set(map(str, others)) and not any(other.exists() for other in others)
    assert cache_path().exists()


def test_a_damaged_cache_is_told_and_can_be_removed(data_dir: Path) -> None:
    data_dir.mkdir()
    cache_path().write_bytes(b"this is no database" * 100)
    for command in (["show"], ["clear"]):
        result = call("cache", *command)
        assert result.exit_code == 1
        assert "nassearch cache clear --all removes it" in result.stderr
    assert call("cache", "clear", "--all").stdout == f"removed: {cache_path()}\n"
    assert shown() == {}
    assert call("cache", "clear", "--all", "--others").exit_code == 2
