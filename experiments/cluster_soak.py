"""Kill workers and nodes of a local Ray cluster at random, over and over, and compare what the work ends with.

    python experiments/cluster_soak.py [--runs 10] [--nodes 2] [--pause 3] [--seed 0]

Each run is a search whose moves are scored on the way, without cached scores. From its start to its end a worker is
killed (SIGKILL) or, one time in four, a node, which another then replaces, with pauses of --pause seconds on average.
Counted are kills and the runs whose result is not, byte for byte, that of one process.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import Any

import numpy as np
import ray
from _common import markdown, say
from ray.cluster_utils import Cluster

from nassearch import Experiment

SEARCH: dict[str, Any] = {
    "strategy": "ae",
    "warmup": 200,
    "scorer": "synflow",
    "move": "params",
    "rounds": 60,
    "budget": 300,
}


def workers(cluster: Any) -> list[int]:
    """Return the processes that compute for this cluster, or are ready to: the children of its nodes' daemons."""
    daemons = [str(node.all_processes["raylet"][0].process.pid) for node in cluster.worker_nodes]
    names = subprocess.run(
        ["pgrep", "-P", ",".join(daemons), "-f", "^ray::(_call|IDLE)"],
        capture_output=True,
        text=True,
        check=False,
    )
    return [int(pid) for pid in names.stdout.split()]


def harm(
    cluster: Any, rng: np.random.Generator, pause: float, over: threading.Event, kills: dict[str, int]
) -> None:
    """Kill until it is over."""
    while not over.wait(rng.exponential(pause)):
        if rng.random() < 0.25:
            nodes = sorted(cluster.worker_nodes, key=lambda node: node.node_id)
            cluster.remove_node(nodes[rng.integers(len(nodes))], allow_graceful=False)
            cluster.add_node(num_cpus=1)
            kills["nodes"] += 1
        elif pids := workers(cluster):
            try:
                os.kill(pids[rng.integers(len(pids))], signal.SIGKILL)
            except ProcessLookupError:
                continue
            kills["workers"] += 1


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--nodes", type=int, default=2)
    parser.add_argument("--pause", type=float, default=3.0)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    rng = np.random.default_rng(args.seed)
    folder = Path(tempfile.mkdtemp(prefix="nassearch-"))
    os.environ["NASSEARCH_DATA"] = str(folder)
    Experiment(**SEARCH).run(folder / "one.jsonl", cache=False)
    wanted = (folder / "one.jsonl").read_bytes()
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    for _ in range(args.nodes):
        cluster.add_node(num_cpus=1)
    kills, differ = {"workers": 0, "nodes": 0}, 0
    for run in range(args.runs):
        over, path = threading.Event(), folder / f"{run}.jsonl"
        killer = threading.Thread(target=harm, args=(cluster, rng, args.pause, over, kills))
        killer.start()
        try:
            Experiment(**SEARCH).run(path, cache=False, executor=f"ray:{cluster.address}")
        finally:
            over.set()
            killer.join()
        differ += path.read_bytes() != wanted
        say(f"run {run}: {kills}, {differ} differ")
    ray.shutdown()
    cluster.shutdown()
    rows = [[args.runs, kills["workers"], kills["nodes"], differ]]
    print(markdown(["runs", "workers killed", "nodes killed", "results that differ"], rows))


if __name__ == "__main__":
    main()
