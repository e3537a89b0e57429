"""Results on disk: bytes, resumption, refusals."""

from __future__ import annotations

import errno
import json
import math
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from results import EXPERIMENT, header, rounds

from nassearch.errors import BadData, Busy, InvalidSetting, MissingData, NassearchError
from nassearch.search.records import parse, round_line
from nassearch.search.runner import Round
from nassearch.search.store import Header, Store, read_result


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "result.jsonl"


def write(path: Path, numbers: range = range(5), **changes: object) -> bytes:
    with Store.open(path, header(**changes)) as store:
        for finished in rounds(numbers):
            store.append(finished)
    return path.read_bytes()


def test_what_is_written_is_read(path: Path) -> None:
    write(path)
    result = read_result(path)
    assert result.path == path
    assert result.header == Header(
        {"strategy": "rand", "budget": 12, "seed": 0, "show": "test"}, "0.1.0", "0123abcd"
    )
    for read, written in zip(result.rounds, rounds(), strict=True):
        assert (read.round, read.archs, read.revisits) == (written.round, written.archs, written.revisits)
        for name in ("valid", "test", "seconds"):
            assert getattr(read, name).tobytes() == getattr(written, name).tobytes()


def test_nan_is_null_and_infinity_is_refused() -> None:
    values = np.array([1.0, np.nan])
    finished = Round(0, [(0,), (1,)], values, values, values, 0)
    assert json.loads(round_line(finished))["valid"] == [1.0, None]
    with pytest.raises(BadData, match="infinite test"):
        round_line(Round(0, [(0,), (1,)], values, np.array([np.inf, 1.0]), values, 0))


def test_a_report_is_kept_and_may_be_missing() -> None:
    values = np.array([1.0, 2.0])
    report = {"rank_correlation": 0.5, "search": {"models": [0, 2], "argmax": ["a", "b"]}, "nothing": None}
    with_report = Round(0, [(0,), (1,)], values, values, values, 0, report)
    without = Round(0, [(0,), (1,)], values, values, values, 0)
    assert b"report" not in round_line(without)  # the bytes of results from before there were reports
    first = header().line()
    for finished in (with_report, without):
        ((read,),) = [parse(Path("a.jsonl"), first + round_line(finished))[1]]
        assert read.report == finished.report
    for damaged in ({"a": math.nan}, {"a": math.inf}, {"a": np.float64}):
        with pytest.raises(BadData, match=r"report of round 0 is not of texts, finite numbers and None"):
            round_line(Round(0, [(0,), (1,)], values, values, values, 0, damaged))


def test_a_field_that_was_unknown_and_is_not_used_does_not_tell_results_apart(path: Path) -> None:
    before = write(path)
    with Store.open(path, header(move_ratio=None)) as store:
        assert store.done == 5
    assert path.read_bytes() == before
    with pytest.raises(InvalidSetting, match="move_ratio None, and this run has 10"):
        Store.open(path, header(move_ratio=10))


@pytest.mark.parametrize("cut", [0, 1, 20, 300, 1500, 2200, -1])
def test_cut_off_anywhere_it_resumes_to_the_same_bytes(path: Path, cut: int) -> None:
    whole = write(path)
    path.write_bytes(whole[:cut])
    with Store.open(path, header()) as store:
        assert store.done == max(0, whole[:cut].count(b"\n") - 1)
        for finished in rounds(range(store.done, 5)):
            store.append(finished)
        assert store.done == 5
    assert path.read_bytes() == whole


def test_more_rounds_continue_and_workers_and_paths_do_not_matter(path: Path, tmp_path: Path) -> None:
    write(path, range(3), rounds=3, workers=2, executor="ray", out="a")
    with Store.open(path, header(rounds=5, workers=1, out="b", show="valid", target=73.0)) as store:
        assert store.done == 3
        for finished in rounds(range(3, 5)):
            store.append(finished)
    assert path.read_bytes() == write(tmp_path / "other.jsonl")


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (header(budget=13), "budget 12, and this run has 13"),
        (header(move="synflow"), "move None, and this run has 'synflow'"),
        (Header(EXPERIMENT, "0.2.0", "0123abcd"), "package version '0.1.0', and this run has '0.2.0'"),
        (Header(EXPERIMENT, "0.1.0", "ffff"), "data '0123abcd', and this run has 'ffff'"),
    ],
)
def test_another_experiment_is_refused(path: Path, other: Header, message: str) -> None:
    before = write(path)
    with pytest.raises(InvalidSetting, match=message) as refusal:
        Store.open(path, other)
    assert str(path) in str(refusal.value)
    assert "--out" in str(refusal.value)
    assert path.read_bytes() == before
    Store.open(path, header()).close()  # the refusal let go of the lock


def test_rounds_come_in_order(path: Path) -> None:
    with Store.open(path, header()) as store, pytest.raises(InvalidSetting, match="round 0 next, not 1"):
        store.append(rounds(range(1, 2))[0])


def test_two_writers(path: Path) -> None:
    with Store.open(path, header()), pytest.raises(Busy, match=path.name):
        Store.open(path, header())
    Store.open(path, header()).close()


@pytest.mark.parametrize(
    ("number", "line", "message"),
    [
        (3, b"{broken", "line 3 of .* cut the file off before that line to keep rounds 0 to 0"),
        (2, b"{}", "line 2 of .* remove the file"),
        (4, b'{"round":7}', "line 4 of .* round 2 belongs here, not 7"),
        (1, b"hello", "not a result of nassearch run"),
        (1, b'{"format":"nassearch result","version":99}', "format version 99"),
        (1, b'{"format":"nassearch result","version":1}', "line 1 of .* damaged"),
    ],
)
def test_a_damaged_line_is_refused_with_its_number(
    path: Path, number: int, line: bytes, message: str
) -> None:
    lines = write(path).split(b"\n")
    lines[number - 1] = line
    damaged = b"\n".join(lines)
    path.write_bytes(damaged)
    with pytest.raises(BadData, match=message):
        read_result(path)
    with pytest.raises(BadData, match=message):
        Store.open(path, header())
    assert path.read_bytes() == damaged


def test_values_that_do_not_fit_the_architectures_are_damage(path: Path) -> None:
    whole = write(path)
    fields = json.loads(whole.split(b"\n")[1])
    fields["valid"].pop()
    lines = whole.split(b"\n")
    lines[1] = json.dumps(fields).encode()
    path.write_bytes(b"\n".join(lines))
    with pytest.raises(BadData, match=r"line 2 .* 11 values for 12 architectures"):
        read_result(path)


@pytest.mark.parametrize("content", [b"my notes", b"\x00" * 40])
def test_a_file_of_something_else_is_left_alone(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(BadData, match="not a result"):
        Store.open(path, header())
    with pytest.raises(BadData, match="not a result"):
        read_result(path)
    assert path.read_bytes() == content


def test_a_result_in_progress_is_read(path: Path) -> None:
    whole = write(path)
    path.write_bytes(whole[:-30])
    assert len(read_result(path).rounds) == 4
    path.write_bytes(whole.split(b"\n")[0] + b"\n")
    assert read_result(path).rounds == []


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(MissingData, match="nassearch run"):
        read_result(tmp_path / "none.jsonl")
    with pytest.raises(BadData, match="cannot be read"):
        read_result(tmp_path)


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NassearchError, match="cannot be written"):
        Store.open(tmp_path / "file" / "result.jsonl", header())
    (tmp_path / "folder").mkdir()
    with pytest.raises(NassearchError, match="cannot be written"):
        Store.open(tmp_path / "folder", header())


def test_a_full_disk_loses_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    all_rounds = rounds()
    with Store.open(path, header()) as store:
        store.append(all_rounds[0])
        before = path.read_bytes()
        write_all = store._file._file.write

        class Full:
            def __getattr__(self, name: str) -> object:
                return getattr(file, name)

            def write(self, data: memoryview) -> int:
                if len(data) < 100:
                    raise OSError(errno.ENOSPC, "No space left on device")
                return write_all(data[: len(data) - 50])  # part of the line still fits

        file = store._file._file
        monkeypatch.setattr(store._file, "_file", Full())
        with pytest.raises(NassearchError, match=r"No space left on device\. The 1 rounds in it are safe"):
            store.append(all_rounds[1])
        assert path.read_bytes() == before
        assert store.done == 1
        monkeypatch.undo()
        store.append(all_rounds[1])
    assert len(read_result(path).rounds) == 2


WRITER = """
import sys
sys.path[:0] = {paths!r}
from fakes import FakeBenchmark
from results import header, rand
from nassearch.search.runner import run_rounds
from nassearch.search.store import Store
with Store.open({path!r}, header()) as store:
    print("go", flush=True)
    for round in run_rounds(FakeBenchmark(), rand, 12, 0, range(store.done, 100_000)):
        store.append(round)
"""


@pytest.mark.posix
def test_killed_while_writing_it_resumes(path: Path, tmp_path: Path) -> None:
    paths = list(sys.path)
    script = WRITER.format(paths=paths, path=str(path))
    counts = [0]
    for _ in range(2):
        process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stdout.readline() == b"go\n"
        with pytest.raises(Busy):
            Store.open(path, header())
        start, deadline = path.stat().st_size, time.monotonic() + 30
        while path.stat().st_size < start + 5000 and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        counts.append(len(read_result(path).rounds))
    assert counts[0] < counts[1] < counts[2]
    whole = path.read_bytes()
    expected = b"".join(map(round_line, rounds(range(counts[2]))))
    assert whole[whole.index(b"\n") + 1 : whole.rindex(b"\n") + 1] == expected
