"""Time proxies beside one forward and one backward pass of the same images through the same network by torch.

    python experiments/speed/passes.py [--data FOLDER] [--repeats 5] [--archs 4] [--batch 64] [--out FILE]

Random cells of NAS-Bench-201 at full size, one thread; drawing the weights counts on both sides. The loss and gradients
of all parameters are plain autograd. Proxies of several batches have them as parts of the same images. The ratios are of
processor time, medians of pairs that were timed by turns.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np

sys.path += [str(Path(__file__).parent), str(Path(__file__).parents[1])]
from _common import data_options, markdown, prepare, say, show
from _measure import alternate
from gradients import SPACE, TASK, images

from nassearch import registry
from nassearch.proxies.model import together
from nassearch.scorers import parse_spec
from nassearch.types import Arch, Batch

SPECS = ("zico", "swap", "meco", "vkdnw", "gradsign", "lswag", "zen", "naswot", "epe_nas", "linear_regions")
ASKED = 2
"""Passes that a proxy may take the time of."""


def passes(batch: Batch, archs: list[Arch]) -> None:
    """Take the gradients of the cross-entropy of a batch."""
    import torch

    from nassearch.networks.modules.initialise import initialised
    from nassearch.networks.modules.network import one_thread

    inputs, labels = torch.tensor(batch.inputs), torch.tensor(batch.labels)
    with one_thread():
        for arch in archs:
            model = initialised(SPACE.network(arch, TASK), 0).train()
            torch.nn.functional.cross_entropy(model(inputs), labels).backward()


def ours(spec: str, batch: Batch, archs: list[Arch]) -> None:
    """Score architectures by one proxy."""
    name, _, options = parse_spec(spec)
    proxy = registry.load("proxies", name)
    options = {**options, "batch_size": len(batch.inputs)}
    together([(proxy, options, batch)], [SPACE.network(arch, TASK) for arch in archs])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    data_options(parser)
    parser.add_argument("--archs", type=int, default=4, help="random ones; default: 4")
    parser.add_argument("--batch", type=int, default=64, help="images; default: 64")
    parser.add_argument("--repeats", type=int, default=5, help="pairs; default: 5")
    parser.add_argument("--proxies", nargs="+", default=SPECS, metavar="SPEC")
    parser.add_argument("--out", type=Path, help="write the table here too")
    args = parser.parse_args()
    prepare(args.data, args.home)
    batch = images(args.batch)
    archs = SPACE.sample_many(args.archs, np.random.default_rng(0))
    plain = partial(passes, batch, archs)
    rows = []
    for spec in args.proxies:
        work = partial(ours, spec, batch, archs)
        work(), plain()  # what is done once in a process is done
        mine, theirs = alternate(work, plain, repeats=args.repeats)
        found = sorted(a.cpu / b.cpu for a, b in zip(mine, theirs, strict=True))
        each = median(sample.cpu for sample in mine) / len(archs)
        ratio = median(found)
        kept = "yes" if ratio <= ASKED else "NO"
        rows.append([f"`{spec}`", f"{each:.2f}", f"{ratio:.2f} ({found[0]:.2f} to {found[-1]:.2f})", kept])
        say(" ".join(rows[-1]))
    head = ["proxy", "seconds an architecture", "passes that take as long", f"at most {ASKED}"]
    text = f"Batch of {len(batch.inputs)}, {len(archs)} architectures.\n\n{markdown(head, rows)}"
    show(text, args.out)


if __name__ == "__main__":
    main()
