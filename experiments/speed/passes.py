"""Proxies of one model beside one forward and backward pass: how many passes each is worth.

    python experiments/speed/passes.py [--data FOLDER | --home DIR] [--repeats 5]

Random NAS-Bench-201 architectures at full size on images of 32x32, a proxy alone with its default options; building the
network is in both. Plain is the forward and backward pass of the mean cross-entropy in autograd, on 64 images. Turns
alternate, on one thread; the ratio is of processor time, since other work moves the clock.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import numpy as np

sys.path += [str(Path(__file__).parent), str(Path(__file__).parents[1])]
from _measure import Row, Work, alternate, ratios, run_part
from gradients import SPACE, TASK, images

from nassearch import registry
from nassearch.proxies.model import together
from nassearch.types import Arch, Batch

NAMES = ("swap", "meco", "zen", "linear_regions", "zico", "vkdnw", "epe_nas", "ntk_cond")
"""Those that are not registered are left out."""
SIZE, ARCHS, MOST = 64, 6, 2.0
HEAD = ("what", "ours, s", "one pass, s", "passes [least to most]", "asked")


def one_pass(batch: Batch, archs: Sequence[Arch]) -> None:
    """Build each network, and run it forward and backward."""
    import torch
    from torch.nn import functional as F

    from nassearch.networks.modules.initialise import initialised
    from nassearch.networks.modules.network import one_thread

    with one_thread():
        for arch in archs:
            model = initialised(SPACE.network(arch, TASK), 0).train()
            F.cross_entropy(model(torch.tensor(batch.inputs)), torch.tensor(batch.labels)).backward()


def alone(name: str, batch: Batch, archs: Sequence[Arch]) -> None:
    """Score each architecture by one proxy."""
    ((_, failures),) = together(
        [(registry.load("proxies", name), {}, batch)], [SPACE.network(arch, TASK) for arch in archs]
    )
    assert not failures, failures


def rows(args: argparse.Namespace) -> list[list[str]]:
    """Time each proxy in turns with a pass."""
    archs = SPACE.sample_many(2 if args.quick else ARCHS, np.random.default_rng(3))
    whole = images(256)
    batch = whole.first(SIZE)
    found = []
    for name in (name for name in NAMES if name in registry.BUILT_IN["proxies"]):
        works: list[Work] = [lambda n=name: alone(n, whole, archs), lambda: one_pass(batch, archs)]  # type: ignore[misc]
        for work in works:
            work()
        ours, plain = alternate(*works, repeats=args.repeats)
        times = ratios(Row(name, ours, plain, len(archs), len(archs)), "cpu")
        passes = [1 / ratio for ratio in times]
        seconds = [f"{median(s.cpu for s in samples) / len(archs):.3f}" for samples in (ours, plain)]
        told = f"{median(passes):.2f} [{min(passes):.2f} to {max(passes):.2f}]"
        found.append([f"`{name}`", *seconds, told, f"{MOST:g}" if name in ASKED else ""])
    return found


ASKED = ("swap", "meco", "zico", "vkdnw")

if __name__ == "__main__":
    run_part(__doc__, rows, head=HEAD)
