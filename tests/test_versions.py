"""Files of other versions: set aside or refused with a message, never misread, and left as they were."""

from __future__ import annotations

import json
import sqlite3
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import call, install

from nassearch.benchmarks.build.building import Recipe, WorkFile
from nassearch.benchmarks.nasbench201 import NASBench201Benchmark
from nassearch.benchmarks.table import FORMAT, Table
from nassearch.errors import BadData
from nassearch.scorers.cache.scores import VERSION as CACHE_VERSION
from nassearch.scorers.cache.scores import ScoreCache
from nassearch.search.records import VERSION as RESULT_VERSION
from nassearch.types import Task

SHORTER = RESULT_VERSION + 1
"""That of results with shorter trainings, which are read too."""
OTHERS = [0, 1, 2, 3, 99, -1]


def others(current: int) -> list[int]:
    return [version for version in OTHERS if version != current]


@pytest.mark.parametrize("version", others(CACHE_VERSION))
def test_a_cache_of_another_version(tmp_path: Path, version: int) -> None:
    path = tmp_path / "scores.sqlite"
    cache = ScoreCache(path, "context")
    cache.put({"key": 1.0})
    cache.close()
    connection = sqlite3.connect(path)
    connection.execute("UPDATE scores SET score = 7")  # what it meant there is not what it means here
    connection.execute(f"PRAGMA user_version = {version}")
    connection.commit()
    connection.close()
    with pytest.warns(
        RuntimeWarning, match=rf"has format {version}, this release reads {CACHE_VERSION}; it is kept as"
    ):
        assert ScoreCache(path, "context").get(["key"]) == {}
    kept = sqlite3.connect(path.with_name(f"scores.sqlite.version{version}"))
    assert kept.execute("SELECT score FROM scores").fetchall() == [(7.0,)]
    kept.close()


def test_a_database_of_something_else_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "scores.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE notes (text TEXT)")
    connection.execute("INSERT INTO notes VALUES ('mine')")
    connection.commit()
    connection.close()
    with pytest.warns(RuntimeWarning, match="has format 0"):
        assert ScoreCache(path, "context").get(["key"]) == {}
    kept = sqlite3.connect(path.with_name("scores.sqlite.version0"))
    assert kept.execute("SELECT text FROM notes").fetchall() == [("mine",)]
    kept.close()


@pytest.mark.parametrize("version", [*(set(others(RESULT_VERSION)) - {SHORTER}), None, "1", 1.5])
def test_a_result_of_another_version(tmp_path: Path, version: Any) -> None:
    path = tmp_path / "a.jsonl"
    line = ["run", "rand", "--rounds", "2", "--budget", "5", "--out", path]
    assert call(*line).exit_code == 0
    header, *rounds = path.read_bytes().splitlines(keepends=True)
    fields = {**json.loads(header), "version": version}
    changed = json.dumps(fields).encode() + b"\n" + b"".join(rounds)
    path.write_bytes(changed)
    for command in (line, ["compare", path], ["show", path], ["plot", path, "-o", tmp_path / "a.png"]):
        result = call(*command)
        assert result.exit_code == 1
        assert (
            f"has format version {version!r}, and this nassearch reads {RESULT_VERSION} and {SHORTER}: read it with"
            in result.stderr
        )
    assert path.read_bytes() == changed


@pytest.mark.parametrize("version", [*others(FORMAT), None, "1"])
def test_a_table_of_another_version(version: Any) -> None:
    install()
    path = NASBench201Benchmark.table_path("cifar10")
    with np.load(path, allow_pickle=False) as archive:
        arrays = dict(archive)
    meta = {**json.loads(arrays["meta"].tobytes()), "format": version}
    arrays["meta"] = np.frombuffer(json.dumps(meta).encode(), np.uint8)
    np.savez(path, **arrays)
    with pytest.raises(
        BadData, match=f"a table of format {version!r}, this version reads {FORMAT}; get it with"
    ):
        Table.load(path, NASBench201Benchmark.remedy("cifar10"))
    result = call(
        "run",
        "rand",
        "--dataset",
        "cifar10",
        "--rounds",
        "1",
        "--budget",
        "5",
        "--out",
        path.with_name("out"),
    )
    assert result.exit_code == 1
    assert "nassearch bench import nasbench201 FILE" in result.stderr


@pytest.mark.parametrize("version", [0, 1, None])
def test_a_work_file_of_another_version(tmp_path: Path, version: Any) -> None:
    path, recipe = tmp_path / "work.jsonl", Recipe(Task((1, 40), 10))
    WorkFile(path, recipe, [(0,)])
    header = {**json.loads(path.read_text()), "format": version}
    path.write_text(json.dumps(header) + '\n{"seed": 0, "first": 0}\n')
    before = path.read_bytes()
    with pytest.raises(
        BadData,
        match="belongs to another recipe, another list of architectures or another release; finish it, or remove it",
    ):
        WorkFile(path, recipe, [(0,)])
    assert path.read_bytes() == before


@pytest.mark.parametrize("value", ["text", b"bytes"])
@pytest.mark.parametrize("read", [lambda cache: cache.get(["key", "other"]), ScoreCache.all])
def test_what_is_no_score_in_a_cache_is_damage(tmp_path: Path, read: Any, value: Any) -> None:
    path = tmp_path / "scores.sqlite"
    cache = ScoreCache(path, "context")
    cache.put({"key": 1.0, "other": 2.0})
    cache.close()
    connection = sqlite3.connect(path)
    connection.execute("UPDATE scores SET score = ? WHERE key = 'key'", (value,))
    connection.commit()
    connection.close()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = read(ScoreCache(path, "context"))
    assert found in ({}, {"other": 2.0})
    assert [str(warning.message) for warning in caught if "damaged" in str(warning.message)]


def test_damage_within_the_schema_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "scores.sqlite"
    cache = ScoreCache(path, "context")
    cache.put({"key": 1.0})
    cache.close()
    whole = path.read_bytes()
    place = whole.index(b"CREATE TABLE scores")
    path.write_bytes(
        whole[:place] + b"\xd5" + whole[place + 1 :]
    )  # SQLite quotes it in an error, not as UTF-8
    with pytest.warns(RuntimeWarning, match="is damaged"):
        assert ScoreCache(path, "context").get(["key"]) == {}
