"""Work on a cluster of several nodes, of which some die."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import install, spawn
from test_spread import Counted

from nassearch import Experiment
from nassearch.errors import InvalidSetting, NassearchError, UnknownName
from nassearch.scorers.cache.scores import cache_path
from nassearch.scorers.table import score_table
from nassearch.workers import ray_tasks as clusters
from nassearch.workers.shipping import LARGE
from nassearch.workers.spread import in_order

ray: Any = pytest.importorskip("ray", reason="needs nassearch[ray]")
PATIENCE = 60.0
"""Seconds after which a test that waits for another process has failed."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Start a cluster of a head that computes nothing and two nodes, none of which has a data directory."""
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NASSEARCH_DATA", "/dev/null/nowhere")
        here = Path(__file__).parent
        # For the functions of this file.
        patch.setenv("PYTHONPATH", os.pathsep.join([str(here), str(here.parent / "support")]))
        patch.delenv("RAY_ADDRESS", raising=False)
        started = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
        for _ in range(2):
            started.add_node(num_cpus=1)
        yield started
        ray.shutdown()
        started.shutdown()


@pytest.fixture
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    install()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def executor(cluster: Any) -> str:
    return f"ray:{cluster.address}"


def wait_for(true: Callable[[], Any]) -> Any:
    end = time.monotonic() + PATIENCE
    while not (found := true()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)
    return found


def nodes(cluster: Any, wanted: int) -> None:
    """Wait for so many nodes with processors."""
    wait_for(lambda: ray.cluster_resources().get("CPU", 0) == wanted)


class Hanging:
    """Square numbers; the first attempt at one of them tells where it is and hangs until it is killed."""

    def __init__(self, folder: Path, at: int, size: int = 1) -> None:
        self.folder, self.at, self.size = folder, at, size

    def __call__(self, item: int) -> np.ndarray:
        import ray

        marks = len(list(self.folder.glob(f"{item}-*")))
        where = {"pid": os.getpid(), "node": ray.get_runtime_context().get_node_id()}
        path = self.folder / f"{item}-{marks}"
        path.with_suffix(".part").write_text(json.dumps(where))
        path.with_suffix(".part").rename(path)
        while item == self.at and not marks:
            time.sleep(0.05)
        return np.full(self.size, item**2)

    @property
    def hung(self) -> dict[str, Any] | None:
        path = self.folder / f"{self.at}-0"
        return json.loads(path.read_text()) if path.exists() else None


def test_results_stream_in_order_within_a_window(executor: str) -> None:
    taken = []

    def items() -> Iterator[int]:
        for item in range(200):
            taken.append(item)
            yield item

    ahead = []
    for done, result in enumerate(in_order(lambda item: item + 0.5, items(), None, executor)):
        assert result == done + 0.5
        ahead.append(len(taken) - done)
    limit = 2 * 2  # twice the two processors
    assert len(ahead) == 200
    assert 2 <= max(ahead) <= clusters.AHEAD * limit


def test_workers_bound_what_is_computed_at_a_time(executor: str) -> None:
    def period(item: int) -> tuple[float, float]:
        start = time.time()
        time.sleep(0.05)
        return start, time.time()

    found = list(in_order(period, range(8), 1, executor))
    assert all(end <= start for (_, end), (start, _) in pairwise(found))


def test_a_function_goes_to_each_worker_once(executor: str, tmp_path: Path) -> None:
    found = list(in_order(Counted(tmp_path / "log", 2 * LARGE), range(60), None, executor))
    assert [value for _, value, *_ in found] == list(range(60))
    assert not any(writeable for *_, writeable, _ in found), "the array is a copy, not the node's"
    unpacked = (tmp_path / "log").read_text().split()
    assert sorted(unpacked) == sorted({str(pid) for pid, *_ in found})


@pytest.mark.posix
def test_a_killed_worker_is_replaced(executor: str, tmp_path: Path) -> None:
    work = Hanging(tmp_path, at=2)
    found = in_order(work, range(12), None, executor)
    results = [next(found)]
    os.kill(wait_for(lambda: work.hung)["pid"], signal.SIGKILL)
    results += found
    assert np.concatenate(results).tolist() == [item**2 for item in range(12)]
    assert (tmp_path / "2-1").exists()


@pytest.mark.slow
def test_a_killed_node_takes_nothing_with_it(cluster: Any, executor: str, tmp_path: Path) -> None:
    # Results too large to be sent to this process at once lie on the node, and die with it.
    work = Hanging(tmp_path, at=2, size=100_000)
    found = in_order(work, range(12), None, executor)
    results = [next(found)]
    where = wait_for(lambda: work.hung)["node"]
    (node,) = [node for node in cluster.worker_nodes if node.node_id == where]
    cluster.remove_node(node, allow_graceful=False)
    results += found
    assert np.array_equal(np.array(results), np.repeat(np.arange(12)[:, None] ** 2, 100_000, axis=1))
    assert (tmp_path / "2-1").exists()
    cluster.add_node(num_cpus=1)
    nodes(cluster, 2)


def test_errors_are_those_of_one_process_and_end_the_rest(executor: str) -> None:
    def unknown(item: int) -> None:
        if item == 0:
            raise UnknownName("proxy", "fischer", ["fisher"])
        time.sleep(PATIENCE)

    with pytest.raises(UnknownName, match=r"^no proxy is called 'fischer'; did you mean fisher\?$"):
        list(in_order(unknown, range(4), None, executor))
    wait_for(lambda: ray.available_resources().get("CPU", 0) == 2)

    def wrong(item: int) -> float:
        return 1 / item

    with pytest.raises(ZeroDivisionError, match="in wrong"):
        list(in_order(wrong, [0], None, executor))


def test_other_versions_are_refused(executor: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "versions", lambda: {"ray": ray.__version__, "numpy": "1.0"})
    with pytest.raises(
        InvalidSetting, match=r"same numpy, here 1\.0, and .* pip install 'numpy==1\.0' there"
    ):
        list(in_order(abs, [1], None, executor))


@pytest.mark.slow
def test_scores_are_those_of_one_process(executor: str, tmp_path: Path) -> None:
    install()
    asked: dict[str, Any] = {"sample": 20, "cache": False}
    proxies = ["params", "synflow", "epsilon", "jacob_cov(batch_size=4)"]
    one = score_table("nasbench201", "cifar10", proxies, **asked)
    np.testing.assert_equal(score_table("nasbench201", "cifar10", proxies, executor=executor, **asked), one)


def search(out: Path, **how: Any) -> tuple[bytes, list[Any]]:
    """Return the bytes of a search whose moves are scored on the way, and the scores that the cache then holds."""
    guided = {"warmup": 90, "scorer": "params", "move": "synflow", "rounds": 5, "budget": 70}
    Experiment("ae", dataset="cifar10", **guided).run(out, **how)
    cache = cache_path()
    connection = sqlite3.connect(cache)
    rows = connection.execute(
        "SELECT c.context, key, score FROM scores JOIN contexts c ON c.id = scores.context"
    )
    scores = sorted(rows.fetchall())
    connection.close()
    cache.unlink()
    return out.read_bytes(), scores


def test_scores_come_home_to_the_cache(executor: str, tmp_path: Path) -> None:
    install()
    here, there = search(tmp_path / "a.jsonl"), search(tmp_path / "b.jsonl", executor=executor)
    assert there == here
    assert len({context for context, *_ in here[1]}) == 2


@pytest.mark.slow
def test_work_that_kills_its_worker_is_given_up(executor: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "RETRIES", 2)
    with pytest.raises(NassearchError, match=r"Ray gave up: .*; what is finished is kept"):
        list(in_order(lambda item: os._exit(1), [1], None, executor))


@pytest.mark.slow
def test_a_missing_cluster() -> None:
    with pytest.raises(InvalidSetting, match=r"no Ray cluster to work with at nonsense: .*ray start --head"):
        list(in_order(abs, [1], None, "ray:nonsense"))


@pytest.mark.posix
@pytest.mark.slow
def test_ctrl_c_ends_a_run_and_leaves_no_process(in_an_empty_folder: Path) -> None:
    line = "run rand --dataset cifar10 --rounds 5000 --budget 300 --executor ray --workers 2 --out"
    process = spawn(*line.split(), "a.jsonl", cwd=in_an_empty_folder)
    path = in_an_empty_folder / "a.jsonl"
    wait_for(lambda: process.poll() is not None or (path.exists() and path.read_bytes().count(b"\n") > 30))
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    done = path.read_bytes().count(b"\n") - 1
    safe = f"the {done} rounds in a.jsonl are safe"
    assert (out, err.strip()) == ("", f"nassearch: interrupted; {safe}: run the same command to go on")
    there = {"text": True, "capture_output": True, "check": False}
    wait_for(lambda: not subprocess.run(["pgrep", "-s", str(process.pid)], **there).stdout)
