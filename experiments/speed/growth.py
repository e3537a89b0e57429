"""How cost grows with work: the exponent of processor time in the number of things done, with its standard error.

    python experiments/speed/growth.py --data FOLDER

Each size is timed in a fresh process; processor time, since that is what work costs. The exponent is the slope of the
least squares line through the logarithms. Workers are the exception: what falls there is the time by the clock.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from statistics import median
from typing import Any, NamedTuple

import numpy as np
from _measure import Sample, Work, clock, freshly, prepares, run_part


class Growth(NamedTuple):
    """One line: what grows, calls by size, `(size) -> Work`, and why the exponent is not 1 where it is not."""

    what: str
    sizes: tuple[int, ...]
    call: Callable[[int], Work]
    why: str
    of: str = "cpu"


@prepares
def scores(proxy: str, benchmark: str, n: int, batch: int = 0, workers: int = 1) -> Work:
    """Score n random architectures, on a batch of noise where the proxy looks at one."""
    from nassearch import registry
    from nassearch.scorers import build_scorer
    from nassearch.types import Batch

    owner = registry.load("benchmarks", benchmark)
    space, task = owner.make_space("cifar10"), owner.datasets()["cifar10"].task
    rng = np.random.default_rng(0)
    archs = space.sample_many(n, rng)
    space.is_valid(archs[0])  # makes the tables of the space
    found = None
    if batch:
        inputs = rng.standard_normal((batch, *task.input_shape)).astype(np.float32)
        found = Batch(inputs, rng.integers(task.classes, size=batch))
    if workers > 1:  # starts them
        build_scorer(proxy, space, task, found, workers=workers)(space.sample_many(2 * workers, rng))
    return lambda: build_scorer(proxy, space, task, found, workers=workers)(archs)


def _scores(proxy: str, benchmark: str) -> Callable[[int], Work]:
    return lambda n: freshly("growth:scores", proxy, benchmark, n, 256 if proxy == "epsilon" else 0)


def _batches(proxy: str) -> Callable[[int], Work]:
    spec = proxy if proxy == "epsilon" else f"{proxy}(batch_size={{}})"
    return lambda batch: freshly("growth:scores", spec.format(batch), "nasbench201", 4, batch)


def _workers(n: int) -> Callable[[int], Work]:
    return lambda workers: freshly("growth:scores", "synflow", "nasbench101", n, 0, workers)


def _rounds(rounds: int) -> Work:
    return freshly("search:ours", "ae", rounds, 300, 3000)


def growths(quick: bool) -> list[Growth]:
    """Return what is measured; the sizes of `--quick` are two of each."""
    ten = (100, 1000) if quick else (100, 1000, 10_000, 100_000)
    few = (4, 8) if quick else (10, 32, 100)
    fixed = "below 1: the classes of positions and the tables of layers are made once, and"
    return [
        Growth(
            "synflow, random cells of NAS-Bench-101", ten, _scores("synflow", "nasbench101"),
            f"{fixed} more cells at once fill the arrays of those with the same words",
        ),
        Growth("params, random cells of NAS-Bench-101", ten, _scores("params", "nasbench101"), "the tables of layers are made once"),
        Growth("epsilon, batch 256, NAS-Bench-201", few, _scores("epsilon", "nasbench201"), "the first pays for imports"),
        Growth(
            "epsilon by batch, 4 architectures", (8, 64) if quick else (8, 32, 128, 512, 1024), _batches("epsilon"),
            "below 1: a small batch waits for the calls of numpy, a large one for memory",
        ),
        Growth(
            "grad_norm by batch, 4 architectures", (8, 32) if quick else (8, 32, 128, 512, 1024), _batches("grad_norm"),
            "below 1: networks are built and their weights drawn whatever the batch",
        ),
        Growth(
            "ae by rounds, 300 models, warm-up 3000", (1, 10) if quick else (1, 10, 100, 1000), _rounds,
            "the first round fills the table of answers",
        ),
        Growth(
            "synflow by workers, wall", (1, 2), _workers(2000 if quick else 20_000),
            "-1 were perfect: checks, texts and the cache stay in one process", "wall",
        ),
    ]  # fmt: skip


def exponent(sizes: tuple[int, ...], seconds: list[float]) -> tuple[float, float]:
    """Return the slope of log seconds over log sizes and its standard error, NaN for two sizes."""
    x, y = np.log(sizes), np.log(seconds)
    x = x - x.mean()
    slope = float(x @ y / (x @ x))
    if len(sizes) < 3:
        return slope, math.nan
    left = y - y.mean() - slope * x
    return slope, math.sqrt(float(left @ left) / (len(sizes) - 2) / float(x @ x))


HEAD = ("what", "seconds by size", "exponent", "standard error", "why not 1")


def lines(args: argparse.Namespace) -> list[list[Any]]:
    """Return a line under `HEAD` for each thing that grows."""
    found: list[list[Any]] = []
    for growth in growths(args.quick):
        seconds = []
        for size in growth.sizes:
            samples: list[Sample] = [clock(growth.call(size)) for _ in range(args.repeats)]
            seconds.append(median(getattr(sample, growth.of) for sample in samples))
        slope, error = exponent(growth.sizes, seconds)
        listed = ", ".join(f"{n:,}: {s:.3g}" for n, s in zip(growth.sizes, seconds, strict=True))
        found.append([growth.what, listed, slope, "" if math.isnan(error) else error, growth.why])
    return found


if __name__ == "__main__":
    run_part(__doc__, lines, repeats=1, head=HEAD)
