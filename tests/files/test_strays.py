"""What a kill leaves half written goes with the next writing; what somebody still writes stays."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from nassearch.errors import NassearchError
from nassearch.files.data_folder import write_whole
from nassearch.files.strays import begun, clear_strays, new_token
from nassearch.files.together import finish, write_together

KILLED = """
import os, signal, sys
from pathlib import Path
from nassearch.files.data_folder import write_whole
from nassearch.files.together import write_together
folder, what, left = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
real = getattr(os, what)
def dying(*args):
    global left
    left -= 1
    return os.kill(os.getpid(), signal.SIGKILL) if left < 0 else real(*args)
setattr(os, what, dying)
if sys.argv[4] == "whole":
    write_whole(folder / "a.txt", b"of the killed", "")
else:
    write_together(folder, {"a.txt": b"of the killed", "b.txt": b"of the killed"})
"""


def killed(folder: Path, operation: str, after: int, how: str) -> None:
    """Write in a process that kills itself at an operation, after so many of its kind."""
    command = [sys.executable, "-c", KILLED, str(folder), operation, str(after), how]
    assert subprocess.run(command, check=False).returncode == -9


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.posix
@pytest.mark.parametrize("operation", ["fsync", "replace"])
def test_the_next_writing_of_a_file_removes_what_a_kill_left(tmp_path: Path, operation: str) -> None:
    killed(tmp_path, operation, 0, "whole")
    assert len(names(tmp_path)) == 1, "a kill leaves one"
    write_whole(tmp_path / "b.txt", b"another file", "")
    assert len(names(tmp_path)) == 2, "it is none of this file"
    write_whole(tmp_path / "a.txt", b"whole", "")
    assert names(tmp_path) == ["a.txt", "b.txt"]


@pytest.mark.posix
@pytest.mark.parametrize("after", [0, 1, 2])  # the first file, the second, the list of both
def test_so_it_is_where_several_appear_together(tmp_path: Path, after: int) -> None:
    killed(tmp_path, "fsync", after, "together")
    assert len(names(tmp_path)) == after + 1
    finish(tmp_path)
    assert len(names(tmp_path)) == after + 1, "nothing is decided without the list"
    write_together(tmp_path, {"a.txt": b"1", "b.txt": b"2"})
    assert names(tmp_path) == ["a.txt", "b.txt"]


@pytest.mark.posix
def test_what_is_decided_is_no_stray(tmp_path: Path) -> None:
    killed(tmp_path, "replace", 1, "together")  # the list has its name, the files have not
    write_whole(tmp_path / "a.txt", b"of somebody else", "")
    finish(tmp_path)
    assert names(tmp_path) == ["a.txt", "b.txt"]
    assert (tmp_path / "b.txt").read_bytes() == b"of the killed"


def test_what_is_being_written_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with begun(path, new_token()) as file:
        file.write(b"half")
        write_whole(path, b"of somebody who was faster", "")
        assert len(names(tmp_path)) == 2
        assert path.read_bytes() == b"of somebody who was faster"


def test_other_hidden_files_stay(tmp_path: Path) -> None:
    token = new_token()
    others = [f".a.txt.{token}~", f".a.txt.{token[1:]}", f".aXtxt.{token}", f"a.txt.{token}", ".a.txt.swp"]
    for name in others:
        (tmp_path / name).touch()
    clear_strays(tmp_path / "a.txt")
    assert names(tmp_path) == sorted(others)


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.txt").mkdir()
    with pytest.raises(NassearchError, match=r"a\.txt cannot be written: Is a directory; make room"):
        write_together(tmp_path, {"b.txt": b"1", "a.txt": b"2"}, "make room")
    with pytest.raises(NassearchError, match=r"a\.txt cannot be written"):
        write_whole(tmp_path / "a.txt", b"", "make room")
    assert names(tmp_path) == ["a.txt"]
