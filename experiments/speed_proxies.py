"""Time the six proxies of Abdelfattah et al. (2021) together, and one at a time in plain torch, in the same run.

    python experiments/speed_proxies.py [--data FOLDER] [--archs 40] [--plain 6] [--workers 2] [--out FILE]

Batch of 64 images of 32x32 over random NAS-Bench-201 architectures, building the networks included; real CIFAR-10
images where --data has them, noise otherwise. `plain` builds the network and runs autograd once per proxy, as the
released code does, on one thread. Core seconds are processor time of all processes; wall time is for `--workers`
single-threaded processes. Medians come with the quartiles over architectures.
"""

from __future__ import annotations

import argparse
import os
import resource
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from _common import data_options, markdown, prepare, say

from nassearch import registry
from nassearch.benchmarks.nasbench201 import NASBench201Benchmark
from nassearch.networks.initialise import initialised
from nassearch.networks.memory import give_back
from nassearch.networks.probe import Probe
from nassearch.networks.sampled import sampled_synflow
from nassearch.networks.torch_module import one_thread
from nassearch.parallel import in_order
from nassearch.proxies.base import together
from nassearch.scorers.guidance import open_batch
from nassearch.types import Arch, Batch

SIX = ("synflow", "snip", "grad_norm", "grasp", "fisher", "jacob_cov")
TARGET = 0.56
"""Seconds of wall clock per architecture on two cores: a tenth of what the released code took."""
BATCH = 64
SPACE, TASK = NASBench201Benchmark.make_space(), NASBench201Benchmark.datasets()["cifar10"].task


def ours(names: Sequence[str], batch: Batch, arch: Arch) -> tuple[float, int]:
    """Score one architecture; return core seconds, and the peak memory of this process in MiB."""
    before = time.process_time()
    options = {"batch_size": BATCH}
    proxies = [registry.load("proxies", name) for name in names]
    requests = [(p, options if "batch_size" in p.options else {}, batch) for p in proxies]
    for _, failures in together(requests, [SPACE.network(arch, TASK)]):
        assert not failures, failures
    return time.process_time() - before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def plain(names: Sequence[str], batch: Batch, arch: Arch) -> tuple[float, int]:
    """Score one architecture by plain torch, one proxy after the other."""
    before = time.process_time()
    assert batch.labels is not None
    inputs, labels = torch.tensor(batch.inputs[:BATCH]), torch.tensor(batch.labels[:BATCH])
    for name in names:
        network = SPACE.network(arch, TASK)
        if name == "synflow":
            sampled_synflow(network, 0)
            continue
        proxy = registry.load("proxies", name)
        with one_thread():
            proxy.reader({})(Probe(initialised(network, 0), inputs, labels, reads=proxy.reads, owned=True))
    spent = time.process_time() - before
    give_back()
    return spent, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def measured(
    work: Callable[[Arch], tuple[float, int]], archs: Sequence[Arch], workers: int
) -> tuple[float, list[float], int]:
    """Return wall seconds per architecture, core seconds of each and the highest peak memory of a process."""
    for _ in in_order(work, archs[: 2 * workers], workers):
        pass  # starts the workers, and torch in them
    start = time.perf_counter()
    found = list(in_order(work, archs, workers))
    wall = (time.perf_counter() - start) / len(archs)
    return wall, [seconds for seconds, _ in found], max(memory for _, memory in found)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    data_options(parser)
    parser.add_argument("--archs", type=int, default=40)
    parser.add_argument(
        "--plain", type=int, default=6, help="of them one proxy at a time, and proxy by proxy"
    )
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="write the table here too")
    args = parser.parse_args()
    prepare(args.data, args.home)
    rng = np.random.default_rng(args.seed)
    if args.data is None:
        noise = rng.standard_normal((BATCH, *TASK.input_shape)).astype(np.float32)
        batch = Batch(noise, rng.integers(TASK.classes, size=BATCH))
    else:
        found = open_batch(None, NASBench201Benchmark, "cifar10", "snip")
        assert found is not None
        batch = found
    archs = SPACE.sample_many(args.archs, np.random.default_rng(args.seed))
    few = archs[: args.plain]
    rows: list[list[object]] = []

    def add(what: str, work: Callable[[Arch], tuple[float, int]], over: Sequence[Arch]) -> list[float]:
        wall, cores, memory = measured(work, over, args.workers)
        low, middle, high = np.percentile(cores, [25, 50, 75])
        spread = f"{middle:.3f} ({low:.3f} to {high:.3f})"
        rows.append([what, len(over), f"{wall:.3f}", f"{np.mean(cores):.3f}", spread, memory])
        say(" | ".join(map(str, rows[-1])))
        return cores

    add("all six together", partial(ours, SIX, batch), archs)
    fast = add("all six together, of these", partial(ours, SIX, batch), few)
    slow = add("plain torch, one proxy at a time", partial(plain, SIX, batch), few)
    for name in SIX:
        add(f"{name} alone", partial(ours, [name], batch), few)
    ratios = np.array(slow) / np.array(fast)
    head = ["what", "architectures", "wall s", "core s, mean", "median (quartiles)", "peak MiB"]
    text = (
        f"{os.cpu_count()} cores, {args.workers} workers, batch {BATCH}, "
        f"{'noise' if args.data is None else 'CIFAR-10'}, load at the start {os.getloadavg()[0]:.1f}.\n\n"
        + markdown(head, rows)
        + f"\nPlain over together, core seconds: {sum(slow) / sum(fast):.2f} times; by architecture "
        + f"{np.median(ratios):.2f} (median), {ratios.min():.2f} to {ratios.max():.2f}.\n"
        + f"Target {TARGET} s of wall clock: {'met' if float(str(rows[0][2])) <= TARGET else 'missed'}.\n"
    )
    print(text)
    if args.out is not None:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(text)


if __name__ == "__main__":
    main()
