"""Training for the embedded benchmark: a compiled kernel, and many networks in one torch program, against one in torch.

    python experiments/speed/training.py

Random cells by the recipe of `nassearch bench build`, on noise in place of signals: 5,000 to train on, 15,000 to evaluate.
"""

from __future__ import annotations

import argparse
from functools import partial

import numpy as np
from _measure import Row, Work, alternate, freshly, prepares, run_part

from nassearch.benchmarks.build.mnist1d import RECIPE
from nassearch.benchmarks.nasbench201 import MNIST1D_TASK, NASBench201Benchmark
from nassearch.training.loop import train
from nassearch.types import Batch


@prepares
def trained(engine: str, count: int) -> Work:
    """Return what trains and evaluates so many networks."""
    task, space, rng = MNIST1D_TASK, NASBench201Benchmark.make_space(), np.random.default_rng(0)
    train_on, held_out = (
        Batch(rng.standard_normal((n, *task.input_shape)).astype(np.float32), rng.integers(10, size=n))
        for n in (5_000, 15_000)
    )
    networks = [space.network(arch, task) for arch in space.sample_many(count, rng)]
    work = partial(train, networks, range(count), 0, RECIPE.training, train_on, {"": held_out}, engine=engine)
    if engine == "compiled":
        train(
            networks[:1],
            [0],
            0,
            RECIPE.training,
            train_on.first(200),
            {"": held_out.first(200)},
            engine=engine,
        )
    return work


def rows(args: argparse.Namespace) -> list[Row]:
    many = 4 if args.quick else 40
    kernel, program, alone = (
        freshly("training:trained", *what) for what in (("compiled", many), ("grouped", many), ("grouped", 1))
    )
    first, second, plain = alternate(kernel, program, alone, repeats=1 if args.quick else 3)
    each = {"each": many, "unit": "a network"}
    return [
        Row("train and evaluate, compiled kernel", first, plain, **each),
        Row(f"train and evaluate, {many} in one torch program", second, plain, **each),
    ]


if __name__ == "__main__":
    run_part(__doc__, rows)
