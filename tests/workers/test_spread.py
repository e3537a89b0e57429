"""What goes to workers, how often, and the names of those who compute."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nassearch.errors import InvalidSetting, UnknownName
from nassearch.proxies.counts import params
from nassearch.scorers import ProxyScorer
from nassearch.spaces.nasbench201 import NASBench201
from nassearch.types import Task
from nassearch.workers.ray_tasks import cancel
from nassearch.workers.shipping import COPIED, LARGE, Shipped
from nassearch.workers.spread import _as_here, check_work, in_order

SPACE, TASK = NASBench201(), Task((1, 8), 2, (2, 3, 4), 1)


class Counted:
    """Add a number from a large array, and note in a file each time that this is unpacked."""

    def __init__(self, log: Path, size: int) -> None:
        self.log, self.array = log, np.arange(size // 8, dtype=np.float64)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        with self.log.open("a") as file:
            file.write(f"{os.getpid()}\n")

    def __call__(self, item: int) -> tuple[int, float, bool, bool]:
        return os.getpid(), float(self.array[item]), self.array.flags.writeable, mapped(self.array)


def mapped(array: Any) -> bool:
    """Return whether an array lies in a file."""
    while array is not None and not isinstance(array, np.memmap):
        array = array.obj if isinstance(array, memoryview) else getattr(array, "base", None)
    return array is not None


@pytest.mark.parametrize("size", [2 * LARGE, COPIED + LARGE], ids=["small", "large"])
def test_a_function_goes_to_each_worker_once(tmp_path: Path, size: int) -> None:
    found = list(in_order(Counted(tmp_path / "log", size), range(60), 2))
    assert [value for _, value, *_ in found] == list(range(60))
    unpacked = (tmp_path / "log").read_text().split()
    assert sorted(set(unpacked)) == sorted(unpacked)
    assert set(map(str, {pid for pid, *_ in found})) <= set(unpacked)
    # What stays mapped makes joblib wait at the end, what is copied takes room in each worker.
    assert {at for *_, at in found} == {size > COPIED}


def test_cargo_packs_what_no_module_holds() -> None:
    base = np.arange(LARGE)
    shipped = pickle.loads(pickle.dumps(Shipped(lambda item: base[item] + 1)))
    assert [shipped(item) for item in (0, 5)] == [1, 6]
    assert len(shipped.parts) == 2
    assert base.nbytes < shipped.nbytes < base.nbytes + 10_000


def test_a_task_of_ray_that_goes_on_is_told_to_end_again() -> None:
    class Deaf:
        """A cluster that loses the first word."""

        def __init__(self) -> None:
            self.told: list[str] = []

        def cancel(self, task: str, force: bool) -> None:
            assert force
            self.told.append(task)

        def wait(self, tasks: list[str], **_: Any) -> tuple[list[str], list[str]]:
            going = [task for task in tasks if self.told.count(task) < int(task)]
            return [task for task in tasks if task not in going], going

    cluster = Deaf()
    cancel(cluster, ["1", "3"])
    assert cluster.told == ["1", "3", "3", "3"]


def test_no_work_starts_nothing() -> None:
    assert list(in_order(abs, [], 2, "ray:no address at all")) == []


@pytest.mark.parametrize("executor", ["ray", "ray:auto", "ray://10.0.0.5:10001"])
def test_an_executor_may_have_an_address(executor: str) -> None:
    check_work(None, executor)


def test_processes_have_no_address() -> None:
    with pytest.raises(InvalidSetting, match="have no address"):
        check_work(None, "processes:10.0.0.5")
    with pytest.raises(UnknownName, match="no executor is called 'rey'; did you mean ray"):
        check_work(None, "rey:10.0.0.5:6379")


def test_a_scorer_abroad_opens_no_file_and_brings_home_what_it_computes(tmp_path: Path) -> None:
    def make(executor: str = "ray") -> ProxyScorer:
        return ProxyScorer(params, SPACE, TASK, executor=executor, cache=tmp_path / "scores.sqlite")

    known, unknown = [(0,) * 6, (2,) * 6], [(3,) * 6, (3, 3, 3, 3, 3, 2)]
    wanted = ProxyScorer(params, SPACE, TASK)(known + unknown)
    make("processes")(known)
    home = make()
    abroad = pickle.loads(pickle.dumps(home))
    (tmp_path / "scores.sqlite").rename(tmp_path / "away.sqlite")
    np.testing.assert_array_equal(abroad(known), wanted[:2])
    assert abroad.take_new().scores == {}, "what was known has been computed again"
    np.testing.assert_array_equal(abroad(unknown), wanted[2:])
    assert not (tmp_path / "scores.sqlite").exists()
    (tmp_path / "away.sqlite").rename(tmp_path / "scores.sqlite")
    brought = abroad.take_new()
    home.put(brought)
    assert len(brought.scores) == 2 and abroad.take_new().scores == {}
    fresh = pickle.loads(pickle.dumps(make()))
    np.testing.assert_array_equal(fresh(known + unknown), wanted)
    assert fresh.take_new().scores == {}


def test_what_ctrl_c_made_of_the_workers_is_told_as_ctrl_c() -> None:
    try:
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt:
            raise RuntimeError("the workers were given up")  # noqa: B904 - as joblib does
    except RuntimeError as error:
        assert isinstance(_as_here(error), KeyboardInterrupt)
    assert isinstance(_as_here(ValueError("of a worker's own")), ValueError)
