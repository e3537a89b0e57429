"""Files of lines, as results and work files are: what the two formats have in common is kept by one class."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from results import header, rounds

from nassearch.benchmarks.worklog import WorkLog
from nassearch.errors import BadData, InvalidSetting, NassearchError
from nassearch.files.lines import LineFile
from nassearch.search.store import Store

Opener = Callable[[Path, int], LineFile]


def work(path: Path, seed: int) -> WorkLog:
    return WorkLog(path, {"seed": seed}, "test")


def result(path: Path, seed: int) -> Store:
    return Store.open(path, header(seed=seed))


def add(lines: LineFile, place: int) -> None:
    if isinstance(lines, Store):
        lines.append(rounds()[place])
    else:
        assert isinstance(lines, WorkLog)
        lines.append({"unit": place})


BOTH = pytest.mark.parametrize("opener", [work, result])


@BOTH
def test_a_line_without_its_end_is_cut_off_and_the_next_takes_its_place(
    opener: Opener, tmp_path: Path
) -> None:
    path = tmp_path / "lines.jsonl"
    lines = opener(path, 0)
    add(lines, 0)
    lines.close()
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"torn": ')
    lines = opener(path, 0)
    assert path.read_bytes() == whole
    add(lines, 1)
    lines.close()
    assert path.read_bytes().startswith(whole) and path.read_bytes().count(b"\n") == 3
    assert os.listdir(tmp_path) == ["lines.jsonl"]


@BOTH
def test_a_file_of_something_else_is_refused_and_held_by_nobody(opener: Opener, tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    opener(path, 0).close()
    with pytest.raises((BadData, InvalidSetting)) as refusal:  # kept, and with it all that its frames hold
        opener(path, 1)
    assert refusal.value
    opener(path, 0).close()


@BOTH
def test_a_disk_that_does_not_take_a_line_after_all_loses_none(
    opener: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "lines.jsonl"
    lines = opener(path, 0)
    monkeypatch.setattr(type(lines), "seconds_between_syncs", 0.0)
    add(lines, 0)

    def refuse(descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr("nassearch.files.growing.GrowingFile.sync", lambda file: refuse(0))
        with pytest.raises(NassearchError, match=r"could not be brought to the disk \(Input/output error\)"):
            add(lines, 1)
    lines.close()
    assert (tmp_path / "lines.saved.jsonl").read_bytes() == path.read_bytes()
    assert path.read_bytes().count(b"\n") == 3
