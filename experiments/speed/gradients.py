"""Time the six proxies of Abdelfattah et al. (2021) in one pool of processes, and one at a time in plain torch.

    python experiments/speed/gradients.py [--data FOLDER] [--repeats 3] [--archs 8] [--workers 2] [--out FILE]

Batch of 64 images of 32x32 over random NAS-Bench-201 architectures, building the networks included; real CIFAR-10
images where --data has them, noise otherwise. Ours are `--workers` processes of one thread. Plain is one process that,
for each proxy anew, builds the network and runs autograd as the released code does; the released code computes more
(grasp's first gradient from a pass of its own, gradients of weights beside the Jacobian's). Both do the same
architectures, by turns.

The ratio by the clock thus counts the processes of the pool; by processor time it does not. The next rows hold the
tape of the package against autograd in new processes, with the same passes shared. The last rows are the
cell that needs most memory, at three sizes of the batch, each in a process of its own, against `bound`.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np

sys.path += [str(Path(__file__).parent), str(Path(__file__).parents[1])]
from _common import data_options, markdown, prepare, show
from _measure import HEAD, Row, Sample, Work, alternate, cells, clock, fresh, freshly, peak, prepares, ratios

from nassearch import registry
from nassearch.benchmarks.nasbench201 import NASBench201Benchmark
from nassearch.proxies.model import CHUNK, together
from nassearch.scorers.open import open_batch
from nassearch.types import Arch, Batch
from nassearch.workers.spread import in_order

SIX = ("synflow", "snip", "grad_norm", "grasp", "fisher", "jacob_cov")
ASKED = 10
"""How many times faster than one at a time they are to be."""
SIZE, ARCHS, WORKERS = 64, 8, 2
SPACE, TASK = NASBench201Benchmark.make_space(), NASBench201Benchmark.datasets()["cifar10"].task
HEAVIEST: Arch = (3,) * 6
"""Every edge a 3x3 convolution."""
FIXED, EACH = 450, 16
"""Of `bound`: torch and the package; all that is kept of one sample of 32x32."""


def bound(batch: int) -> float:
    """Return what a process may hold at its peak, in MiB: see docs/guides/model.md."""
    return FIXED + EACH * batch


def images(size: int) -> Batch:
    """Return CIFAR-10 images if they have been imported, noise otherwise."""
    found = open_batch(None, NASBench201Benchmark, "cifar10", "snip") if _imported() else None
    if found is not None and len(found.inputs) >= size:
        return found.first(size)
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((size, *TASK.input_shape)).astype(np.float32)
    return Batch(noise, rng.integers(TASK.classes, size=size))


def _imported() -> bool:
    return NASBench201Benchmark.batch_path("cifar10").exists()


def ours(names: Sequence[str], batch: Batch, archs: Sequence[Arch]) -> Sample:
    """Score a chunk of architectures by proxies that share their passes."""
    proxies = [registry.load("proxies", name) for name in names]
    options = {"batch_size": len(batch.inputs)}
    requests = [(p, options if "batch_size" in p.options else {}, batch) for p in proxies]

    def work() -> None:
        for _, failures in together(requests, [SPACE.network(arch, TASK) for arch in archs]):
            assert not failures, failures

    return clock(work)._replace(peak=peak())


def pool(names: Sequence[str], batch: Batch, archs: Sequence[Arch], workers: int) -> Sample:
    """Score architectures by a pool of processes, which already run."""
    # Chunks as `compute_scores` makes them, but no larger than leaves something for every worker.
    size = max(1, min(CHUNK, len(archs) // (2 * workers)))
    chunks = [archs[start : start + size] for start in range(0, len(archs), size)]
    found: list[Sample] = []
    whole = clock(lambda: found.extend(in_order(partial(ours, names, batch), chunks, workers)))
    return Sample(whole.wall, sum(s.cpu for s in found), max(s.peak for s in found))


def plain(batch: Batch, archs: Sequence[Arch]) -> Sample:
    """Score architectures in this process, on one thread, by plain torch, one proxy after the other."""
    import torch

    from nassearch.networks.modules.initialise import initialised
    from nassearch.networks.modules.memory import give_back
    from nassearch.networks.modules.network import one_thread
    from nassearch.networks.positive.sampled import scaled_sample
    from nassearch.networks.probe.probe import Probe

    assert batch.labels is not None
    inputs, labels = torch.tensor(batch.inputs), torch.tensor(batch.labels)

    def work() -> None:
        for arch in archs:
            for name in SIX:
                network = SPACE.network(arch, TASK)
                if name == "synflow":
                    scaled_sample(network, 0)
                    continue
                proxy = registry.load("proxies", name)
                model = initialised(network, 0)
                proxy.reader({})(Probe(model, inputs, labels, reads=proxy.reads, owned=True))
            give_back()

    with one_thread():
        return clock(work)._replace(peak=peak())


@prepares
def heaviest(size: int) -> Work:
    """Return the six proxies of the cell that needs most memory."""
    return partial(ours, SIX, images(size), [HEAVIEST])


@prepares
def by(engine: str, size: int, count: int) -> Work:
    """Return the six proxies of random cells by the tape, by autograd, or by autograd with channels last in memory."""
    import torch

    from nassearch.networks.probe import passes

    draw = passes.initialised
    if engine != "tape":
        passes.fits = lambda model: False
    if engine == "autograd, channels last":
        passes.initialised = lambda *a: draw(*a).to(memory_format=torch.channels_last)
    archs = SPACE.sample_many(count, np.random.default_rng(0))
    return partial(ours, SIX, images(size), archs)


def rows(args: argparse.Namespace) -> list[Row]:
    quick, workers = args.quick, getattr(args, "workers", WORKERS)
    batch = images(16 if quick else SIZE)
    count = 2 if quick else getattr(args, "archs", ARCHS)
    archs = SPACE.sample_many(count, np.random.default_rng(0))
    pool(SIX, batch, archs[:1] * (2 * workers), workers)  # starts the processes, and torch in them
    plain(batch, archs[:1])
    fast, slow = alternate(
        partial(pool, SIX, batch, archs, workers), partial(plain, batch, archs), repeats=args.repeats
    )
    what = f"six gradient proxies, batch {len(batch.inputs)}, {workers} processes"
    table = [Row(what, fast, slow, each=count, plain_each=count, unit="an architecture")]
    print(
        f"{what}: {median(ratios(table[0])):.1f} times by the clock (asked: {ASKED}), "
        f"{median(ratios(table[0], 'cpu')):.1f} times by processor time.\n"
    )
    size, few = len(batch.inputs), min(count, 4)
    engines = ("tape", "autograd", "autograd, channels last")
    tape, *others = alternate(
        *(freshly("gradients:by", engine, size, few) for engine in engines), repeats=args.repeats
    )
    each = {"each": few, "plain_each": few, "unit": "an architecture"}
    table += [
        Row(f"the same in one process, tape against {engine}", tape, other, **each)
        for engine, other in zip(engines[1:], others, strict=True)
    ]
    for size in (8, 16) if quick else (32, 64, 128):
        held = fresh("gradients:heaviest", size)
        kept = "within" if held.peak <= bound(size) else "BEYOND"
        name = f"a cell of six 3x3 convolutions, batch {size}, one new process"
        table.append(Row(f"{name}; {kept} {bound(size):.0f} MiB", [held]))
    return table


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    data_options(parser)
    parser.add_argument("--archs", type=int, default=ARCHS, help=f"random ones; default: {ARCHS}")
    parser.add_argument(
        "--workers", type=int, default=WORKERS, help=f"processes of the pool; default: {WORKERS}"
    )
    parser.add_argument("--repeats", type=int, default=3, help="times that all is timed by turns; default: 3")
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that it runs")
    parser.add_argument("--out", type=Path, help="write the table here too")
    args = parser.parse_args()
    prepare(args.data, args.home)
    before = os.getloadavg()[0]
    text = markdown(HEAD, [cells(row) for row in rows(args)])
    text = (
        f"{os.cpu_count()} cores, load average {before:.1f} before, {os.getloadavg()[0]:.1f} after.\n\n{text}"
    )
    show(text, args.out)


if __name__ == "__main__":
    main()
