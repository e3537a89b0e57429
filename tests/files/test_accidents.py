"""What others do to files while they are written: nothing ends well that has not, and what can be is saved."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import ROOT, call, environment, install, spawn
from letters import DATASETS, LettersBenchmark
from results import header, rounds

from nassearch.benchmarks.base import Dataset
from nassearch.benchmarks.read.importing import import_file
from nassearch.benchmarks.worklog import WorkLog
from nassearch.errors import NassearchError
from nassearch.files import together
from nassearch.files.growing import GrowingFile, save_elsewhere
from nassearch.files.together import finish, write_together
from nassearch.scorers.cache.scores import ScoreCache
from nassearch.search.store import Store, read_result
from nassearch.types import Task


def replace_it(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(path.read_bytes())
    other.replace(path)


def write_within(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(30)
        file.write(b"#")


def append_to(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"another's line\n")


HARMS: dict[str, tuple[Callable[[Path], Any], str]] = {
    "file removed": (Path.unlink, "was removed or renamed"),
    "folder removed": (lambda path: shutil.rmtree(path.parent), "was removed or renamed"),
    "renamed": (lambda path: path.rename(path.with_name("b")), "was removed or renamed"),
    "folder renamed": (lambda path: path.parent.rename(path.parent.with_name("b")), "was removed or renamed"),
    "replaced": (replace_it, "was replaced by another file"),
    "replaced by a folder": (lambda path: (path.unlink(), path.mkdir()), "was replaced by another file"),
    "truncated": (lambda path: os.truncate(path, 100), "has 100 bytes where"),
    "emptied": (lambda path: path.write_bytes(b""), "has 0 bytes where"),
    "grown": (append_to, "another program has changed it"),
}
WITHIN = {"written over": (write_within, "does not hold what was written")}


@pytest.mark.parametrize("at", [1, 2, 5])
@pytest.mark.parametrize("harm", HARMS | WITHIN)
def test_rounds_are_saved_beside_a_result_that_comes_to_harm(tmp_path: Path, harm: str, at: int) -> None:
    act, told = (HARMS | WITHIN)[harm]
    path = tmp_path / "results" / "a.jsonl"
    done, whole = 0, tmp_path / "whole.jsonl"
    with Store.open(whole, header()) as store:
        for finished in rounds():
            store.append(finished)
    with pytest.raises(NassearchError) as caught, Store.open(path, header()) as store:
        for finished in rounds():
            if finished.round == at:
                act(path)
            store.append(finished)
            done += 1
        if at == 5:
            act(path)
    # One that is changed within is read through at the end only; any other harm is seen by the next round.
    saved_rounds = 5 if harm in WITHIN else min(at + 1, 5)
    assert done == (5 if harm in WITHIN else at)
    saved = path.with_name("a.saved.jsonl")
    assert f"{path} {told}" in str(caught.value) or told in str(caught.value)
    assert f"all {saved_rounds} rounds are saved in {saved}: see what has become of" in str(caught.value)
    assert len(read_result(saved).rounds) == saved_rounds
    assert whole.read_bytes().startswith(saved.read_bytes())
    assert not path.with_name("a.jsonl.lock").exists()
    if path.is_dir():
        path.rmdir()
    saved.replace(path)
    with Store.open(path, header()) as store:
        for finished in rounds(range(store.done, 5)):
            store.append(finished)
    assert path.read_bytes() == whole.read_bytes()


def test_what_changes_nothing_in_a_result_is_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with Store.open(path, header()) as store:
        for finished in rounds():
            store.append(finished)
            path.chmod(0o444)
            os.utime(path, (0, 0))
    os.link(path, tmp_path / "b.jsonl")
    assert len(read_result(path).rounds) == 5


def test_two_writers_after_a_lock_was_removed_are_both_told(tmp_path: Path) -> None:
    path, some = tmp_path / "a.jsonl", rounds()
    first = Store.open(path, header())
    first.append(some[0])
    Path(f"{path}.lock").unlink()
    second = Store.open(path, header())
    second.append(some[1])
    with pytest.raises(NassearchError, match=r"all 2 rounds are saved in .*a\.saved\.jsonl"):
        first.append(some[1])
    first.close()
    for finished in some[2:]:
        second.append(finished)
    second.close()
    assert len(read_result(path).rounds) == 5


def test_a_disk_that_does_not_take_it_after_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.jsonl"

    def broken(descriptor: int) -> None:
        if os.stat(path).st_ino == os.fstat(descriptor).st_ino:
            raise OSError(errno.EIO, "Input/output error")

    store = Store.open(path, header())
    store.append(rounds()[0])
    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(NassearchError, match=r"not be brought to the disk \(Input/output error\).*saved in"):
        store.close()
    assert len(read_result(tmp_path / "a.saved.jsonl").rounds) == 1


@pytest.mark.parametrize("harm", ["folder removed", "replaced"])
def test_a_run_whose_result_comes_to_harm_does_not_end_well(tmp_path: Path, harm: str) -> None:
    install()
    line = "run rand --dataset cifar10 --budget 200 --out results/a.jsonl --plot a.png --rounds"
    process = spawn(*line.split(), "3000", cwd=tmp_path)
    path = tmp_path / "results" / "a.jsonl"
    end = time.monotonic() + 60
    while not path.exists() or path.read_bytes().count(b"\n") < 30:
        assert time.monotonic() < end and process.poll() is None
        time.sleep(0.02)
    HARMS[harm][0](path)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err.count("\n")) == (1, "", 1)
    assert err.startswith(
        f"nassearch: results/a.jsonl {HARMS[harm][1]} while this process was writing it; all "
    )
    saved = path.with_name("a.saved.jsonl")
    count = len(read_result(saved).rounds)
    assert count >= 30 and f"all {count} rounds are saved in results/a.saved.jsonl" in err
    saved.replace(path)
    assert call(*line.split(), count + 3, "--out", path, "--plot", tmp_path / "a.png").exit_code == 0
    whole = tmp_path / "whole.jsonl"
    assert call(*line.split(), count + 3, "--out", whole, "--plot", tmp_path / "a.png").exit_code == 0
    assert path.read_bytes() == whole.read_bytes()


@pytest.mark.parametrize("harm", HARMS)
def test_units_are_saved_beside_a_work_file_that_comes_to_harm(tmp_path: Path, harm: str) -> None:
    act, told = HARMS[harm]
    path = tmp_path / "work" / "work.jsonl"
    log = WorkLog(path, {"of": 1}, "test")
    log.append({"unit": 1})
    act(path)
    with pytest.raises(NassearchError, match="all finished units are saved in") as caught:
        log.append({"unit": 2})
    assert told in str(caught.value)
    saved = path.with_name("work.saved.jsonl")
    del log, caught
    assert WorkLog(saved, {"of": 1}, "test").lines == [{"unit": 1}, {"unit": 2}]


def test_what_cannot_be_saved_beside_goes_on_to_the_next_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_bytes(b"")
    impossible = tmp_path / "file" / "a.jsonl"
    assert save_elsewhere(impossible, b"1") == Path("a.saved.jsonl")
    assert save_elsewhere(impossible, b"2") == Path("a.saved2.jsonl")
    assert [(tmp_path / f"a.saved{n}.jsonl").read_bytes() for n in ("", "2")] == [b"1", b"2"]
    assert save_elsewhere(tmp_path / "deep" / "a.jsonl", b"3") == tmp_path / "deep" / "a.saved.jsonl"


def test_a_small_disk_gets_no_half_of_what_is_saved(
    small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert save_elsewhere(small_disk / "a.jsonl", bytes(400_000)) == Path("a.saved.jsonl")
    assert list(small_disk.iterdir()) == []


@pytest.mark.parametrize("how", ["removed", "replaced"])
def test_a_score_cache_that_is_gone_is_begun_again(tmp_path: Path, how: str) -> None:
    path, other = tmp_path / "scores.sqlite", tmp_path / "other.sqlite"
    cache, filled = ScoreCache(path, "a context"), ScoreCache(other, "a context")
    cache.put({"a": 1.0})
    filled.put({"z": 9.0})
    filled.close()
    for kept in tmp_path.glob("scores.sqlite*"):
        kept.unlink()
    if how == "replaced":
        other.replace(path)
    with pytest.warns(RuntimeWarning, match="was removed or replaced while it was in use"):
        cache.put({"b": 2.0})
    cache.close()
    assert ScoreCache(path, "a context").all() == {"b": 2.0, **({"z": 9.0} if how == "replaced" else {})}


class ThreeSets(LettersBenchmark):
    """A benchmark of four architectures on three data sets (a test)."""

    @classmethod
    def datasets(cls) -> dict[str, Dataset]:
        return {**DATASETS, "digits": Dataset("digits", Task((1, 4), 2), note="made up")}


def sheet(path: Path, seed: int = 0) -> Path:
    """Write a table of three data sets of four architectures."""
    draws = np.random.default_rng(seed)
    rows = ["arch,dataset,seed,valid,test"]
    for name in ThreeSets.datasets():
        rows += [
            f"{letter},{name},{n},{valid},{test}"
            for n in range(200)
            for letter in "abcd"
            for valid, test in [draws.uniform(50, 90, 2)]
        ]
    path.write_text("\n".join(rows) + "\n")
    return path


def visible(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("[!.]*")}


@pytest.mark.parametrize("stop", range(4))
def test_an_import_stopped_by_a_full_disk_leaves_nothing_new(
    small_disk: Path, tmp_path: Path, stop: int
) -> None:
    source = sheet(tmp_path / "a.csv")
    report = import_file(ThreeSets, source, folder=tmp_path / "whole")
    whole = visible(tmp_path / "whole")
    assert len(whole) == 3
    sizes = [-(-len(whole[table.path.name]) // 4096) for table in report.tables]
    folder = small_disk / "letters"
    room = os.statvfs(small_disk).f_bavail - sum(sizes[:stop])
    (small_disk / "ballast").write_bytes(bytes(room * 4096))
    with pytest.raises(
        NassearchError, match=r"letters/\S+ cannot be written: No space left on device; make room"
    ):
        import_file(ThreeSets, source, folder=folder)
    assert not folder.exists() or list(folder.iterdir()) == []
    (small_disk / "ballast").unlink()
    import_file(ThreeSets, source, folder=folder)
    assert visible(folder) == whole


KILLED = """
import os, sys
sys.path[:0] = {paths!r}
from pathlib import Path
from nassearch.benchmarks.read.importing import import_file
from test_accidents import ThreeSets
replace, count = os.replace, 0
def stop(*args):
    global count
    if count == {at}:
        os.kill(os.getpid(), 9)
    count += 1
    replace(*args)
os.replace = stop
import_file(ThreeSets, Path({source!r}), folder=Path({folder!r}), force=True)
"""


@pytest.mark.parametrize("at", range(4))
def test_an_import_killed_between_renames_has_happened_or_has_not(tmp_path: Path, at: int) -> None:
    old, new = sheet(tmp_path / "old.csv"), sheet(tmp_path / "new.csv", seed=1)
    folder = tmp_path / "data"
    import_file(ThreeSets, old, folder=folder)
    before = visible(folder)
    import_file(ThreeSets, new, folder=tmp_path / "new")
    after = visible(tmp_path / "new")
    assert before.keys() == after.keys() and all(before[name] != after[name] for name in before)
    paths = [str(ROOT), str(Path(__file__).parent), *sys.path]
    code = KILLED.format(paths=paths, at=at, source=str(new), folder=str(folder))
    done = subprocess.run([sys.executable, "-c", code], env=environment(), check=False, capture_output=True)
    assert done.returncode == -9, done.stderr
    if (
        at < 1
    ):  # until the list that decides has its name, nothing has happened; then it is renamed file by file
        assert visible(folder) == before
    finish(folder)
    assert visible(folder) == (after if at >= 1 else before)
    import_file(ThreeSets, new, folder=folder, force=True)
    assert visible(folder) == after
    assert not list(folder.glob(".together-*"))


def test_a_benchmark_finishes_what_a_kill_interrupted(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install()
    from nassearch.benchmarks.nasbench201 import NASBench201Benchmark

    path = NASBench201Benchmark.table_path("cifar10")
    content = path.read_bytes()
    path.unlink()
    monkeypatch.setattr(together, "finish", lambda folder: None)
    with pytest.raises(NassearchError, match="does not let files be replaced"):
        write_together(path.parent, {path.name: content})
    monkeypatch.undo()
    monkeypatch.setenv("NASSEARCH_DATA", str(data_dir))
    assert not path.exists()
    assert "cifar10" in NASBench201Benchmark.installed()
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    "planted", [{"../a": "b"}, {"a": "../b"}, {"a": 1}, ["a"], "a", {".hidden": "/etc/x"}, {"": ""}]
)
def test_a_list_of_names_reaches_no_other_folder(tmp_path: Path, planted: Any) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (tmp_path / "a").write_text("kept")
    (folder / "a").write_text("kept")
    (folder / ".together-0.json").write_text(json.dumps(planted))
    finish(folder)
    assert (tmp_path / "a").read_text() == (folder / "a").read_text() == "kept"
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize("written", [0, 3, 6])
def test_an_interruption_while_a_line_is_written_is_nobody_elses_doing(
    tmp_path: Path, written: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.jsonl"

    class Interrupted(FileIO):
        stop = False

        def write(self, content: Any) -> int:
            if not self.stop:
                return super().write(content)
            super().write(bytes(content)[:written])
            raise KeyboardInterrupt

    path.touch()
    file = Interrupted(path, "r+")
    growing = GrowingFile(path, file, b"")
    growing.add(b"first\n")
    file.stop = True
    with pytest.raises(KeyboardInterrupt):
        growing.add(b"other\n")
    assert growing.harm_within() is None
    assert (path.read_bytes(), growing.lines) == (b"first\n", 1)
    file.stop = False
    growing.add(b"third\n")
    assert growing.harm_within() is None
    growing.close()
    assert path.read_bytes() == b"first\nthird\n"
