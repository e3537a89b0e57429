"""Kill workers and nodes of a local Ray cluster at random, over and over, and compare what the work ends with.

    python experiments/stress/cluster_soak.py [--runs 5] [--nodes 2] [--pause 3] [--seed 0]

Each run is a command: a search with a scored warm-up and moves, without cached scores. From its start to its end a worker
is killed (SIGKILL) or, one time in four, a node, which another then replaces, with pauses of --pause seconds on
average. Counted are kills, commands that fail, and results that are not, byte for byte, those of one process.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.append(str(Path(__file__).parents[1]))  # for _common
from _common import markdown, say
from ray.cluster_utils import Cluster

START = "import sys; from nassearch.cli import main; main()"
SEARCH = "run ae --warmup 300 --scorer synflow --move params --rounds 200 --budget 300 --no-cache --out"


def start(folder: Path, name: str, *more: str) -> subprocess.Popen[bytes]:
    """Start the command; its result is `name`.jsonl."""
    command = [sys.executable, "-c", START, *SEARCH.split(), f"{name}.jsonl", *more]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def workers(cluster: Any) -> list[int]:
    """Return the processes that compute for this cluster, or are ready to: the children of its nodes' daemons."""
    daemons = [str(node.all_processes["raylet"][0].process.pid) for node in cluster.worker_nodes]
    found = ["pgrep", "-P", ",".join(daemons), "-f", "^ray::(_call|IDLE)"]
    return [
        int(pid) for pid in subprocess.run(found, capture_output=True, text=True, check=False).stdout.split()
    ]


def harm(cluster: Any, rng: np.random.Generator) -> str | None:
    """Kill something, and return what it was."""
    if rng.random() < 0.25:
        nodes = sorted(cluster.worker_nodes, key=lambda node: node.node_id)
        cluster.remove_node(nodes[rng.integers(len(nodes))], allow_graceful=False)
        cluster.add_node(num_cpus=1)
        return "node"
    if pids := workers(cluster):
        try:
            os.kill(pids[rng.integers(len(pids))], signal.SIGKILL)
        except ProcessLookupError:
            return None
        return "worker"
    return None


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--nodes", type=int, default=2)
    parser.add_argument("--pause", type=float, default=3.0)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    rng = np.random.default_rng(args.seed)
    folder = Path(tempfile.mkdtemp(prefix="nassearch-"))
    assert start(folder, "one").wait() == 0
    wanted = (folder / "one.jsonl").read_bytes()
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    for _ in range(args.nodes):
        cluster.add_node(num_cpus=1)
    kills: list[str | None] = []
    failed = differ = 0
    for run in range(args.runs):
        process = start(folder, str(run), "--executor", f"ray:{cluster.address}")
        due = time.monotonic() + rng.exponential(args.pause)
        while process.poll() is None:
            if time.monotonic() > due:
                kills.append(harm(cluster, rng))
                due = time.monotonic() + rng.exponential(args.pause)
            time.sleep(0.05)
        if process.returncode:
            assert process.stderr is not None
            failed += 1
            say(process.stderr.read().decode()[-500:])
        else:
            differ += (folder / f"{run}.jsonl").read_bytes() != wanted
        say(f"run {run}: {kills.count('worker')} workers, {kills.count('node')} nodes killed")
    cluster.shutdown()
    row = [args.runs, kills.count("worker"), kills.count("node"), failed, differ]
    print(
        markdown(
            ["runs", "workers killed", "nodes killed", "commands that fail", "results that differ"], [row]
        )
    )


if __name__ == "__main__":
    main()
