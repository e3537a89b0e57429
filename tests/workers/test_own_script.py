"""Proxies, combinations and kinds of networks that a user's script defines go to its workers."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import cloudpickle
import pytest

from nassearch import registry
from nassearch.proxies.base import Proxy, proxy
from nassearch.scorers.combined import Combination

BESIDE = """
from nassearch.proxies import proxy

FACTOR = 3

def times(n):
    return FACTOR * sum(1 for _ in n.blocks())

@proxy(reference="an example")
def sibling(networks, batch=None):
    return [times(n) for n in networks]
"""
SCRIPT = """
import sys
from dataclasses import dataclass

import numpy as np
from beside import sibling

from nassearch.proxies import model_proxy, proxy
from nassearch import load
from nassearch.scorers import CombinedScorer, ProxyScorer, combination
from nassearch.spaces import Choices, NASBench201
from nassearch.types import Batch, Task

OFFSET = 7
params = load("proxies", "params")

def count(n):
    return OFFSET + sum(1 for _ in n.blocks())

@proxy(reference="an example")
def mine(networks, batch=None, *, scale=1):
    assert mine.name == "mine"
    return [scale * count(n) for n in networks]

@model_proxy(reference="an example", reads=["gradients"], needs=["inputs", "labels"], batch_size=8)
def own(probe):
    return sum(g.abs().sum() for g in probe.gradients)

def make(k):
    @proxy(reference="an example")
    def inner(networks, batch=None):
        return [k] * len(networks)
    return inner

@combination(reference="an example")
def top(parts, among):
    return parts.max(axis=0)

@dataclass(frozen=True)
class Tree:
    leaves: int

class Trees(Choices):
    name = "trees"
    choices = (("1", "2", "3"),) * 5

    def network(self, arch, task):
        return Tree(sum(arch))

@params.for_networks(Tree)
def _(networks, batch):
    return [tree.leaves for tree in networks]

if __name__ == "__main__":
    how = {"workers": 2, "executor": sys.argv[1]} if len(sys.argv) > 1 else {}
    space, task, rng = NASBench201(), Task((1, 8), 2, (2, 3, 4), 1), np.random.default_rng(0)
    batch = Batch(rng.normal(size=(8, 1, 8)).astype("float32"), rng.integers(0, 2, 8))
    archs = space.sample_many(140, rng)
    for part in (mine, make(5), sibling):
        print(part.name, ProxyScorer(part, space, task, **how)(archs).sum())
    print("own", ProxyScorer(own, space, task, batch, **how)(archs[:9]).sum())
    parts = [ProxyScorer(mine, space, task), ProxyScorer(sibling, space, task)]
    print("top", CombinedScorer(top, parts, **how)(archs).sum())
    print("params", ProxyScorer(params, Trees(), task, **how)(list(Trees().all())).sum())
"""
EXECUTORS = ["processes", pytest.param("ray", marks=pytest.mark.slow)]


@pytest.fixture
def run(tmp_path: Path) -> Any:
    (tmp_path / "beside.py").write_text(BESIDE)
    (tmp_path / "script.py").write_text(SCRIPT)

    def call(*args: str) -> str:
        command = [sys.executable, "-W", "ignore", str(tmp_path / "script.py"), *args]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=300, env=environment, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return call


@pytest.mark.parametrize("executor", EXECUTORS)
def test_workers_give_the_scores_of_one_process(executor: str, run: Any) -> None:
    pytest.importorskip({"processes": "joblib"}.get(executor, executor))
    alone = run()
    # Seven blocks each: 140 x (7 + 7), 140 x 5, 140 x 3 x 7; five decisions of mean 1 for 243 trees.
    assert "mine 1960.0\ninner 700.0\nsibling 2940.0\n" in alone and alone.endswith(
        "top 2940.0\nparams 1215.0\n"
    )
    assert run(executor) == alone


@pytest.mark.parametrize("kind", ["proxies", "combinations"])
def test_what_a_worker_can_import_travels_by_name(kind: str) -> None:
    for name in registry.names(kind):
        part = registry.load(kind, name)
        packed = pickle.dumps(part)
        assert pickle.loads(packed) is part and len(packed) < 500


def test_what_it_cannot_import_travels_whole() -> None:
    @proxy(reference="an example")
    def local(networks: Any, batch: Any = None) -> Any:
        return [float(len(networks))] * len(networks)

    there: Proxy = pickle.loads(cloudpickle.dumps(local))
    assert there is not local and there.name == "local" and there([]).tolist() == []
    again = registry._called(registry.load("combinations", "rank"), "other")
    other: Combination = pickle.loads(pickle.dumps(again))
    assert other.name == "other" and other.function is again.function
