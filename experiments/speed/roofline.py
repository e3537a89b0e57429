"""Say how far the six gradient proxies are from what the processor allows: the time of their convolutions alone.

    python experiments/speed/roofline.py [--data FOLDER] [--repeats 3] [--archs 3] [--batch 64] [--out FILE]

Random cells of NAS-Bench-201, 32x32, one thread, processor time, medians. `needed` counts eight convolutions for each of
the network: one forward, two backward (to weights and inputs), one for the Jacobian, and for grasp's second order two
forward and two backward; layers that lead nowhere count there. `done` is what was called: without those, and with
average pooling, which the package takes for a convolution of one channel each. `alone` calls each of these convolutions again on tensors of the
same shapes and order in memory, and nothing else; so plain over alone is the most that these convolutions leave to
gain. Ours and plain are as in gradients.py, in one process.

The second table says where the time goes, by operation of torch. The third has this processor's rate at large
products of matrices and its best of the convolutions above, and the time of `done` at either.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from functools import partial
from math import prod
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

import numpy as np

sys.path += [str(Path(__file__).parent), str(Path(__file__).parents[1])]
import torch
from _common import data_options, markdown, prepare, show
from _measure import alternate, clock
from gradients import SIX, SPACE, TASK, images, ours, plain
from torch.utils._python_dispatch import TorchDispatchMode

from nassearch.networks.counting import macs
from nassearch.networks.modules.network import one_thread

PASSES = 8
"""Convolutions that the six need for each one of the network."""
SHORTEST = 0.02
"""Seconds that a call is repeated for, so that the clock is fine enough."""
CONVOLUTIONS = ("convolution", "convolution_backward")
Call = tuple[Any, ...]
"""A convolution: its function, then tensors as (shape, strides), all else as it is."""


class Calls(TorchDispatchMode):
    """Notes the convolutions that are called, and the processor time of every operation."""

    def __init__(self) -> None:
        super().__init__()
        self.convolutions: Counter[Call] = Counter()
        self.seconds: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        start = process_time()
        found = func(*args, **(kwargs or {}))
        self.seconds[name] += process_time() - start
        if name in CONVOLUTIONS:
            self.convolutions[(func, *(_described(x) for x in args))] += 1
        return found


def _described(x: Any) -> Any:
    if isinstance(x, torch.Tensor):
        return torch.Size(x.shape), x.stride()
    return tuple(x) if isinstance(x, list) else x


def flops(call: Call) -> float:
    """Return the floating-point operations of a convolution, two for each product and sum."""
    func, first, second, third, *_ = call
    back = func.overloadpacket.__name__ == "convolution_backward"
    weight = (third if back else second)[0]
    if back:
        return 2.0 * prod(first[0]) * prod(weight[1:]) * sum(call[-1][:2])
    stride, padding = call[4], call[5]
    sizes = [
        (n + 2 * p - k) // s + 1 for n, k, s, p in zip(first[0][2:], weight[2:], stride, padding, strict=True)
    ]
    return 2.0 * first[0][0] * prod(sizes) * prod(weight)


def alone(call: Call) -> float:
    """Return the seconds of a convolution called alone, on tensors that are in place."""
    func, *rest = call
    arguments = [
        torch.empty_strided(*x).normal_() if isinstance(x, tuple) and isinstance(x[0], torch.Size) else x
        for x in rest
    ]
    func(*arguments)
    count, start = 0, process_time()
    while process_time() - start < SHORTEST or count < 3:
        func(*arguments)
        count += 1
    return (process_time() - start) / count


def products(size: int = 2048) -> float:
    """Return FLOP/s at products of large matrices."""
    x = torch.randn(size, size)
    x @ x
    return 2.0 * size**3 / median(clock(lambda: x @ x).cpu for _ in range(3))


def measure(args: argparse.Namespace) -> str:
    batch = images(args.batch)
    archs = SPACE.sample_many(args.archs, np.random.default_rng(0))
    ours(SIX, batch, archs[:1])  # what is done once in a process is done
    rows, seconds, best = [], Counter[str](), 0.0
    total = np.zeros(5)
    for arch in archs:
        network = SPACE.network(arch, TASK)
        mine, theirs = alternate(
            partial(ours, SIX, batch, [arch]), partial(plain, batch, [arch]), repeats=args.repeats
        )
        with Calls() as calls:
            ours(SIX, batch, [arch])
        with one_thread(), torch.no_grad():
            times = {call: alone(call) for call in calls.convolutions}
            best = max(best, *(flops(call) / times[call] for call in times))
        seconds += calls.seconds
        counted = PASSES * 2.0 * macs(network) * len(batch.inputs) / 1e9
        done = sum(flops(call) * count for call, count in calls.convolutions.items()) / 1e9
        least = sum(times[call] * count for call, count in calls.convolutions.items())
        six, slow = (median(s.cpu for s in samples) for samples in (mine, theirs))
        found = np.array([counted, done, least, six, slow])
        # A bar would end the column.
        text = SPACE.format(arch).replace("|", "\\|")
        rows.append(_row(f"`{text}`", found))
        total += found
    rows.append(_row("together", total))
    with one_thread():
        rate = products()
    whole = sum(seconds.values())
    shares = [[f"`{name}`", f"{value / whole:.0%}"] for name, value in seconds.most_common(8)]
    rates = [
        [what, f"{at / 1e9:.0f}", f"{total[1] * 1e9 / at:.2f} s", f"{total[4] * at / total[1] / 1e9:.1f}"]
        for what, at in (
            ("products of matrices 2048 x 2048", rate),
            ("the fastest of these convolutions", best),
        )
    ]
    head = (
        "cell",
        "GFLOP needed",
        "done",
        "alone",
        "rate alone",
        "ours",
        "plain",
        "plain / ours",
        "plain / alone",
    )
    return "\n".join(
        [
            markdown(head, rows),
            markdown(("operation", "of ours"), shares),
            markdown(("rate of", "GFLOP/s", "least, all cells", "plain / least"), rates),
        ]
    )


def _row(what: str, values: Any) -> list[str]:
    counted, done, least, six, slow = values
    times = [f"{least:.2f} s", f"{done / least:.0f} GFLOP/s", f"{six:.2f} s", f"{slow:.2f} s"]
    return [what, f"{counted:.1f}", f"{done:.1f}", *times, f"{slow / six:.1f}", f"{slow / least:.1f}"]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    data_options(parser)
    parser.add_argument("--archs", type=int, default=3, help="random ones; default: 3")
    parser.add_argument("--batch", type=int, default=64, help="images; default: 64")
    parser.add_argument("--repeats", type=int, default=3, help="pairs; default: 3")
    parser.add_argument("--out", type=Path, help="write the tables here too")
    args = parser.parse_args()
    prepare(args.data, args.home)
    before = os.getloadavg()[0]
    text = measure(args)
    text = f"Load average {before:.1f} before, {os.getloadavg()[0]:.1f} after.\n\n{text}"
    show(text, args.out)


if __name__ == "__main__":
    main()
