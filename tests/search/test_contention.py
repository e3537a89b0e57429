"""Several processes at one place, disks that are full or may not be written to, clocks that go backwards."""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import shutil
import sqlite3
import subprocess
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import call, install, spawn

from nassearch import registry
from nassearch.benchmarks.npz import write_npz
from nassearch.benchmarks.worklog import WorkLog
from nassearch.errors import Busy, NassearchError
from nassearch.scorers.cache.scores import VERSION, ScoreCache, cache_path

RUN = "run rand --dataset cifar10 --rounds 30 --budget 20 --warmup 50 --scorer params --out"
HEADER = {"format": 1}


def scores(cache: Path) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(cache)
    rows = connection.execute("SELECT context, key, score FROM scores ORDER BY context, key").fetchall()
    connection.close()
    return rows


@pytest.mark.parametrize("count", [2, 8])
def test_processes_share_a_cache_and_a_folder_of_results(tmp_path: Path, data_dir: Path, count: int) -> None:
    install()
    others = [spawn(*RUN.split(), f"{number}.jsonl", cwd=tmp_path) for number in range(count)]
    for process in others:
        out, err = process.communicate(timeout=120)
        assert (process.returncode, err) == (0, ""), out
    assert len({(tmp_path / f"{number}.jsonl").read_bytes() for number in range(count)}) == 1
    shared = scores(cache_path())
    cache_path().unlink()
    assert call(*RUN.split(), tmp_path / "alone.jsonl").exit_code == 0
    assert scores(cache_path()) == shared
    assert (tmp_path / "alone.jsonl").read_bytes() == (tmp_path / "0.jsonl").read_bytes()


def open_at_once(path: Path, number: int, start: Any, told: Any) -> None:
    """Keep a score in a cache at the moment at which all others do."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        cache = ScoreCache(path, "a context")
        start.wait()
        cache.put({f"key {number}": 1.0})
        cache.close()
    told.put([str(warning.message) for warning in caught])


@pytest.mark.parametrize("state", ["new", "old", "damaged"])
def test_eight_processes_open_a_cache_at_once_and_at_most_one_sets_it_aside(
    tmp_path: Path, state: str
) -> None:
    path = tmp_path / "scores.sqlite"
    if state == "old":
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE scores (key TEXT)")
            connection.execute(f"PRAGMA user_version = {VERSION - 1}")
        connection.close()
    elif state == "damaged":
        path.write_bytes(b"this is not a database" * 200)
    context = multiprocessing.get_context("spawn")
    start, told = context.Barrier(8), context.Queue()
    others = [context.Process(target=open_at_once, args=(path, n, start, told)) for n in range(8)]
    for process in others:
        process.start()
    messages = [message for _ in others for message in told.get(timeout=120)]
    for process in others:
        process.join()
    assert [("kept as" in message) for message in messages] == [True] * (state != "new"), messages
    assert ScoreCache(path, "a context").all() == {f"key {n}": 1.0 for n in range(8)}


def test_processes_on_one_result_let_one_of_them_write(tmp_path: Path) -> None:
    install()
    others = [spawn(*RUN.split(), "a.jsonl", cwd=tmp_path) for _ in range(8)]
    ends = [(process.communicate(timeout=120)[1], process.returncode) for process in others]
    assert (0 in {status for _, status in ends}) and {status for _, status in ends} <= {0, 1}
    assert all("a.jsonl is being written by another run" in err for err, status in ends if status)
    assert call(*RUN.split(), tmp_path / "alone.jsonl").exit_code == 0
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "alone.jsonl").read_bytes()


def test_a_work_file_has_one_writer(tmp_path: Path) -> None:
    first = WorkLog(tmp_path / "work.jsonl", HEADER, "test")
    first.append({"unit": 1})
    with pytest.raises(Busy, match=r"work\.jsonl is being written by another process: wait"):
        WorkLog(tmp_path / "work.jsonl", HEADER, "test")
    del first
    assert WorkLog(tmp_path / "work.jsonl", HEADER, "test").lines == [{"unit": 1}]


def test_a_folder_where_a_work_file_belongs(tmp_path: Path) -> None:
    (tmp_path / "work.jsonl").mkdir()
    with pytest.raises(NassearchError, match=r"work\.jsonl cannot be read: it is a directory"):
        WorkLog(tmp_path / "work.jsonl", HEADER, "test")


def test_a_result_on_a_full_disk_goes_on_once_there_is_room(small_disk: Path, tmp_path: Path) -> None:
    install()
    assert call(*RUN.split(), tmp_path / "whole.jsonl").exit_code == 0
    whole = (tmp_path / "whole.jsonl").read_bytes()
    room = os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize
    (small_disk / "ballast").write_bytes(bytes(room - len(whole) // 8192 * 4096))
    result = call(*RUN.split(), small_disk / "a.jsonl")
    assert result.exit_code == 1
    assert "a.jsonl cannot be written: No space left on device" in result.stderr
    left = (small_disk / "a.jsonl").read_bytes()
    assert whole.startswith(left) and left.endswith(b"\n")
    assert f"The {left.count(b'{') and left.count(bytes([10])) - 1} rounds in it are safe" in result.stderr
    (small_disk / "ballast").unlink()
    assert call(*RUN.split(), small_disk / "a.jsonl").exit_code == 0
    assert (small_disk / "a.jsonl").read_bytes() == whole


def test_a_work_file_on_a_full_disk_keeps_what_is_finished(small_disk: Path) -> None:
    log = WorkLog(small_disk / "work.jsonl", HEADER, "test")
    with pytest.raises(
        NassearchError, match=r"No space left on device\. What is finished is safe; make room"
    ):
        for number in range(100):
            log.append({"unit": number, "text": "x" * 5000})
    done = [*log.lines, {"unit": "short"}]
    log.append(done[-1])  # which fits where the one before did not
    del log
    assert WorkLog(small_disk / "work.jsonl", HEADER, "test").lines == done


def test_an_array_file_on_a_full_disk_is_not_there_at_all(small_disk: Path) -> None:
    noise = np.random.default_rng(0).normal(size=50_000)
    with pytest.raises(NassearchError, match=r"a\.npz cannot be written: No space left on device; make room"):
        write_npz(small_disk / "a.npz", {"noise": noise})
    assert list(small_disk.iterdir()) == []


def test_a_cache_on_a_full_disk_costs_caching_only(small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    line = ["score", "--all", "--proxies", "params", "--json"]
    expected = call(*line, "--no-cache")
    monkeypatch.setenv("NASSEARCH_DATA", str(small_disk))
    result = call(*line)
    assert (result.exit_code, result.stdout) == (0, expected.stdout)
    assert "scores are not cached" in result.stderr
    assert result.stderr.count("\n") == 2, "the second says how many scores were read"


def test_a_folder_that_may_only_be_read(
    small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Permissions do not hold back the superuser; a disk mounted read-only does.
    monkeypatch.setenv("NASSEARCH_DATA", str(small_disk / "data"))
    monkeypatch.chdir(tmp_path)
    line = ["score", "--sample", "100", "--proxies", "params,flops", "--json"]
    assert call(*line).exit_code == 0
    expected = call(*line, "--no-cache")
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    result = call(*line)
    assert (result.exit_code, result.stdout) == (0, expected.stdout)
    assert "scores are not cached" in result.stderr and "; those in it are read" in result.stderr
    assert "scores: 200 read from the cache, 0 computed now" in result.stderr
    for more in (["-o", small_disk / "a.csv"], ["-o", small_disk / "deep" / "a.csv"]):
        result = call(*line, *more)
        assert result.exit_code == 1
        assert "a.csv cannot be written: Read-only file system; choose another -o" in result.stderr
    result = call("run", "rand", "--rounds", "2", "--budget", "5", "--out", small_disk / "a.jsonl")
    assert result.exit_code == 1
    assert "a.jsonl cannot be written: Read-only file system" in result.stderr


def test_a_clock_that_goes_backwards_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install()
    assert call(*RUN.split(), tmp_path / "a.jsonl").exit_code == 0
    now = [2e9]

    def backwards() -> float:
        now[0] -= 3600
        return now[0]

    monkeypatch.setattr(time, "time", backwards)
    monkeypatch.setattr(time, "process_time", backwards)
    monkeypatch.setattr(time, "perf_counter", backwards)
    assert call(*RUN.split(), tmp_path / "b.jsonl").exit_code == 0
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()
    args = ["correlate", "--sample", "50", "--proxies", "synflow", "--draws", "10", "--json", "--no-cache"]
    result = call(*args, "--dataset", "cifar10")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["proxies"][0]["coverage"]["value"] == 1


@pytest.mark.parametrize("when", [0, 4e9])  # the first second of 1970, and a day in 2096
def test_files_of_any_date_change_nothing(
    when: float, tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install()
    score = ["score", "--sample", "200", "--proxies", "params,synflow", "--dataset", "cifar10", "-o"]
    assert call(*RUN.split(), tmp_path / "a.jsonl").exit_code == 0
    assert call(*score, tmp_path / "a.csv").exit_code == 0
    whole = (tmp_path / "a.jsonl").read_bytes()
    (tmp_path / "b.jsonl").write_bytes(whole[: len(whole) * 2 // 3])  # killed
    (tmp_path / "b.csv").write_text("old")
    for path in [*data_dir.rglob("*"), *tmp_path.iterdir()]:
        os.utime(path, (when, when))
    monkeypatch.setattr(time, "time", lambda: when)
    monkeypatch.setattr(time, "time_ns", lambda: int(when * 1e9))
    assert call(*RUN.split(), tmp_path / "b.jsonl").exit_code == 0
    assert (tmp_path / "b.jsonl").read_bytes() == whole
    assert call(*score, tmp_path / "b.csv").exit_code == 0
    assert (tmp_path / "b.csv").read_bytes() == (tmp_path / "a.csv").read_bytes()


# ---- every command, with all others and on bad disks

TABLE = "made-up.csv"
COMMANDS = {
    "run": "run ae --dataset cifar10 --rounds 4 --budget 70 --warmup 50 --scorer params --out {out}/a.jsonl",
    "score": "score --sample 300 --proxies params,synflow --dataset cifar10 -o {out}/a.csv",
    "correlate": "correlate --sample 300 --proxies params,synflow --draws 10 --dataset cifar10 --json",
    "import": "bench import nats-size {given}",
}


def give_table(folder: Path) -> Path:
    """Write a table of every network of NATS size, on one data set."""
    space = registry.load("benchmarks", "nats-size").make_space()
    values = np.random.default_rng(0).uniform(1, 99, (space.size, 2)).round(2)
    path = folder / TABLE
    rows = (f"{space.format(arch)},cifar10,{a},{b}" for arch, (a, b) in zip(space.all(), values, strict=True))
    path.write_text("\n".join(["arch,dataset,valid,test", *rows]))
    return path


def line(name: str, out: Path, given: Path) -> list[str]:
    return [word.format(out=out, given=given) for word in COMMANDS[name].split()]


def told(text: str) -> Any:
    """Return what `correlate` printed without the seconds, which are of this process."""
    found = json.loads(text)
    return [{k: v for k, v in proxy.items() if k not in ("seconds", "shared")} for proxy in found["proxies"]]


def test_eight_processes_of_all_commands_share_a_data_directory(tmp_path: Path, data_dir: Path) -> None:
    install()
    given = give_table(tmp_path)
    started = [
        (name, number, spawn(*line(name, tmp_path / f"{name}{number}", given), cwd=tmp_path))
        for number in range(2)
        for name in COMMANDS
    ]
    printed: dict[str, list[str]] = {}
    for name, _, process in started:
        out, err = process.communicate(timeout=240)
        assert (process.returncode, err) == (0, ""), (name, out)
        printed.setdefault(name, []).append(out)
    assert told(printed["correlate"][0]) == told(printed["correlate"][1])
    table = registry.load("benchmarks", "nats-size").table_path("cifar10")
    together = {path.name: path.read_bytes() for path in [*tmp_path.glob("*0/a.*"), table]}
    assert together == {p.name: p.read_bytes() for p in [*tmp_path.glob("*1/a.*"), table]}
    shared = scores(cache_path())
    shutil.rmtree(data_dir)
    install()
    for name in COMMANDS:
        assert call(*line(name, tmp_path / "alone", given)).exit_code == 0
    alone = {path.name: path.read_bytes() for path in [*(tmp_path / "alone").glob("a.*"), table]}
    assert alone.keys() == {"a.jsonl", "a.png", "a.csv", "cifar10.npz"}
    assert together == alone
    # Contexts are numbered in the order of asking, which is not the same.
    assert sorted(row[1:] for row in scores(cache_path())) == sorted(row[1:] for row in shared)


WRITES = {
    "run": "run rand --dataset cifar10 --rounds 30 --budget 20 --out {disk}/a.jsonl",
    "run, plot": "run rand --dataset cifar10 --rounds 3 --budget 20 --out {here}/a.jsonl --plot {disk}/a.png",
    "score": "score --sample 2000 --proxies params --dataset cifar10 -o {disk}/a.csv",
    "correlate": "correlate --sample 100 --proxies params --draws 5 --dataset cifar10 -o {disk}/a.json",
    "correlate, plot": "correlate --sample 100 --proxies params --draws 5 --dataset cifar10 --plot {disk}/a.png",
    "plot": "plot {here}/b.jsonl -o {disk}/a.svg",
    "bench import": "bench import nats-size {here}/made-up.csv",
    "bench import, images": "bench import nasbench201 {here}/images.npz --dataset cifar10 --force",
}


@pytest.mark.parametrize("state", ["full", "read-only"])
@pytest.mark.parametrize("name", WRITES)
def test_every_command_says_which_file_and_what_to_do(
    name: str, state: str, small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install()
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(tmp_path)  # where a table goes that does not go where it should
    if name == "plot":
        assert call(*RUN.split(), here / "b.jsonl").exit_code == 0
    if name == "bench import":
        give_table(here)
    if name == "bench import, images":
        noise = np.random.default_rng(0).integers(0, 256, (300, 32, 32, 3), dtype=np.uint8)
        np.savez(here / "images.npz", x_train=noise, y_train=np.arange(300) % 10)
    if name.startswith("bench import"):
        monkeypatch.setenv("NASSEARCH_DATA", str(small_disk))
    room = os.statvfs(small_disk).f_bavail * 4096
    (small_disk / "ballast").write_bytes(
        bytes(room - 4096 * (name == "run"))
    )  # a result begins by a header, which fits
    if state == "read-only":
        subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    result = call(*[word.format(disk=small_disk, here=here) for word in WRITES[name].split()])
    assert result.exit_code == 1
    reason = "No space left on device" if state == "full" else "Read-only file system"
    assert re.search(rf"{small_disk}\S* cannot be written: {reason}", result.stderr), result.stderr
    assert re.search(r"(choose another|make room)", result.stderr), result.stderr
    assert result.stderr.count("\n") == 1
    if suffix := {"score": ".csv", "correlate": ".json"}.get(name):
        assert f"the table is saved in a.saved{suffix}\n" in result.stderr
        assert (tmp_path / f"a.saved{suffix}").stat().st_size
    left = [path for path in small_disk.rglob("*") if path.is_file() and path.name != "ballast"]
    for path in left:  # lines up to the last whole one
        assert path.suffix == ".jsonl", path
        assert path.read_bytes()[-1:] in (b"", b"\n"), path
