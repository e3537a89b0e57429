"""Measure what scoring a whole space costs, and what spreading it over a cluster adds; estimate it for many cores.

    python experiments/speed/cluster_costs.py [--data FOLDER] [--home DIR] [--proxies params synflow ...] [--sample 2000]
        [--seconds 60] [--cores 64 512]

NAS-Bench-101, CIFAR-10's shape. A score's cost is processor time on one core, measured in the chunks of a task until
--sample architectures or --seconds are spent. What a task adds is measured on a local Ray of two processors: tasks that compute nothing, with
the architectures of real ones. The processor time of the process that hands them out bounds how many there can be in
a second, however many cores wait. With --data the bytes of a search's workers are measured on the real table.
"""

from __future__ import annotations

import argparse
import pickle
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

sys.path.append(str(Path(__file__).parents[1]))  # for _common
from _common import markdown, prepare, say

from nassearch.benchmarks.nasbench101 import NASBench101Benchmark
from nassearch.benchmarks.read.importing import import_file
from nassearch.scorers import compute_scores
from nassearch.scorers.compute import _score_chunk
from nassearch.scorers.open import open_scorers
from nassearch.search.runner import _run_batch
from nassearch.types import Arch
from nassearch.workers.shipping import Shipped
from nassearch.workers.spread import in_order

PROXIES = ("params", "synflow", "epsilon", "jacob_cov")
SIZES = (423_624, 1_000_000)
TASKS = 2000


def nothing(item: Any) -> None:
    """Take a task and compute nothing."""


def costs(proxies: Sequence[str], archs: Sequence[Arch], seconds: float) -> dict[str, tuple[float, int, int]]:
    """Return processor seconds per architecture, how many were measured, and architectures per task, by proxy."""
    found = {}
    for name in proxies:
        (scorer,) = open_scorers([name], NASBench101Benchmark, "cifar10", "grey")
        (leaf,) = scorer.leaves
        chunk, spent, done = leaf.proxy.chunk_size(leaf.options), 0.0, 0
        step = min(chunk, len(archs) // 4)
        while done < len(archs) and spent < seconds:
            (cost,) = compute_scores([scorer], archs[done : done + step])
            # The first call also imports and compiles, once for each worker and not for each architecture.
            spent, done = spent + cost.seconds * (done > 0), done + step
        found[name] = spent / (done - step), done - step, chunk
        say(f"{name}: {found[name][0]:.4f} s, of {done - step}")
    return found


def per_task(archs: list[Arch], executor: str) -> tuple[float, float]:
    """Return wall seconds, and processor seconds of this process, that a task adds."""
    items = [(0, archs)] * TASKS
    list(in_order(nothing, items[:50], 2, executor))  # starts the workers
    wall, own = time.perf_counter(), time.process_time()
    for _ in in_order(nothing, items, 2, executor):
        pass
    return (time.perf_counter() - wall) / TASKS, (time.process_time() - own) / TASKS


def alone(home: Path) -> tuple[float, float, int]:
    """Return processor seconds to list an architecture, to look up and keep one score; and how many were listed."""
    space = NASBench101Benchmark.make_space()
    start = time.process_time()
    archs = list(space.all())
    listing = (time.process_time() - start) / len(archs)
    (scorer,) = open_scorers(["params"], NASBench101Benchmark, "cifar10", None, cache=home / "costs.sqlite")
    some = archs[:: len(archs) // 20_000]
    start = time.process_time()
    keys, unknown = scorer.leaves[0].find_missing(some)
    names = list(unknown)
    for first in range(0, len(names), 64):
        scorer.leaves[0].store(dict.fromkeys(names[first : first + 64], 1.0))
    scorer.leaves[0].commit(keys)
    [space.format(arch) for arch in some]
    return listing, (time.process_time() - start) / len(some), len(archs)


def shipped(data: Path | None, archs: list[Arch]) -> str:
    """Return a table of bytes."""
    (scorer,) = open_scorers(["jacob_cov"], NASBench101Benchmark, "cifar10", "grey")
    job = (scorer.space, scorer.task, (scorer.leaves[0].request,))
    answer = _score_chunk([job], (0, archs[:2]))
    rows: list[list[Any]] = [
        ["scores that look at a batch: to each node once", Shipped(partial(_score_chunk, [job])).nbytes],
        [f"a task of {len(archs)} architectures", len(pickle.dumps((0, archs), protocol=5))],
        ["its answer, two scores", len(pickle.dumps(answer, protocol=5))],
    ]
    if data is not None:
        path = NASBench101Benchmark.table_path("cifar10")
        if not path.exists():
            import_file(NASBench101Benchmark, data / "nasbench101" / "nasbench101.npz")
        work = partial(_run_batch, NASBench101Benchmark.open(), None, 300, 0, None, [])
        rows.append(["rounds, with the table of 423,624 cells: to each node once", Shipped(work).nbytes])
        rows.append(["a task of one round", len(pickle.dumps(range(1), protocol=5))])
    return markdown(["what", "bytes"], rows)


def estimate(
    found: dict[str, tuple[float, int, int]], task: float, listing: float, score: float, cores: Sequence[int]
) -> str:
    """Return hours for each proxy, size and number of cores.

    Listing comes first. Then the cores compute while this process hands out and keeps, whichever takes longer.
    """
    rows = []
    for name, (seconds, _, chunk) in found.items():
        for size in SIZES:
            own = size * score + size / chunk * task
            hours = [(size * listing + max(size * seconds / n, own)) / 3600 for n in cores]
            rows.append([name, f"{size:,}", f"{size * seconds / 3600:.1f}", *(f"{h:.2f}" for h in hours)])
    return markdown(["proxy", "architectures", "core hours", *(f"hours on {n}" for n in cores)], rows)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="folder with nasbench101/nasbench101.npz")
    parser.add_argument("--home", type=Path, help="keep the imported table here; default: a temporary folder")
    parser.add_argument("--proxies", nargs="+", default=PROXIES)
    parser.add_argument("--sample", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--cores", nargs="+", type=int, default=[64, 512])
    args = parser.parse_args()
    home = prepare(None, args.home)
    space = NASBench101Benchmark.make_space()
    archs = space.sample_many(args.sample, np.random.default_rng(0))
    found = costs(args.proxies, archs, args.seconds)
    rows = [[name, f"{seconds * 1000:.2f}", *counts] for name, (seconds, *counts) in found.items()]
    print(markdown(["proxy", "ms an architecture, one core", "measured", "architectures in a task"], rows))
    chunk = (archs * 64)[:64]
    added = {executor: per_task(chunk, executor) for executor in ("processes", "ray")}
    rows = [[name, f"{wall * 1000:.2f}", f"{own * 1000:.2f}"] for name, (wall, own) in added.items()]
    print(markdown(["2 workers of", "ms a task adds, wall", "processor time of the first process"], rows))
    listing, score, count = alone(home)
    rows = [
        [f"list one of {count:,}", f"{listing * 1e6:.0f}"],
        ["look up, keep and write one score", f"{score * 1e6:.0f}"],
    ]
    print(markdown(["the first process alone", "microseconds"], rows))
    print(shipped(args.data, chunk))
    print(estimate(found, added["ray"][1], listing, score, args.cores))


if __name__ == "__main__":
    main()
