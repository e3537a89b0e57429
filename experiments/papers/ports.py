"""Hold ported proxies against their authors' code: the same weights, the same inputs, one number each.

    git clone https://github.com/SLDGroup/ZiCo THEIRS/ZiCo
    python experiments/papers/ports.py --theirs THEIRS/ZiCo zico [--archs 60] [--data FOLDER | --home DIR] [--out FILE]

--theirs is a checkout of the authors' repository, whose functions are called as they are; nothing of it is here.
Architectures are random cells of NAS-Bench-201, with as many cells a stage and CIFAR-10 images as --cells and --batch
say. The table says how far the ranks agree, and the largest difference between the two as a share of the larger number.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path += [str(Path(__file__).parent), str(Path(__file__).parents[1])]
import _ports_activations
import _ports_gradients
from _common import data_options, markdown, prepare, say, show
from scipy.stats import kendalltau, spearmanr

from nassearch import registry
from nassearch.benchmarks.nasbench201 import NASBench201Benchmark
from nassearch.networks.modules.initialise import initialised
from nassearch.networks.modules.network import one_thread
from nassearch.scorers.open import open_batch

PORTS = {**_ports_activations.PORTS, **_ports_gradients.PORTS}
HEAD = [
    "proxy",
    "their commit",
    "both have a score of",
    "rho",
    "tau",
    "largest difference",
    "alike within 1e-4",
]
ALIKE = 1e-4
"""What rounding and another order of sums make of float32 gradients of fifty layers."""


def pairs(name: str, folder: Path, count: int, cells: int, size: int) -> list[tuple[float, float]]:
    """Score random architectures by both: ours, theirs."""
    proxy = registry.load("proxies", name.split("-")[0])
    space, full = NASBench201Benchmark.make_space(), NASBench201Benchmark.datasets()["cifar10"].task
    task = replace(full, cells=cells)
    seed, init, bias = (proxy.options[option] for option in ("seed", "init", "bias"))
    batch = open_batch(None, NASBench201Benchmark, "cifar10", proxy.name).first(size)
    found = []
    for arch in space.sample_many(count, np.random.default_rng(0)):
        model = initialised(space.network(arch, task), seed, init, bias).train()
        with one_thread():
            found.append(PORTS[name](folder, model, batch, seed))
        say("{} {:.7g} {:.7g}".format(arch, *found[-1]))
    return found


def row(name: str, folder: Path, found: Sequence[tuple[float, float]]) -> list[str]:
    both = np.array(found).T
    ours, theirs = both[:, np.isfinite(both).all(0)]
    scale = np.maximum(np.abs(ours), np.abs(theirs))
    apart = np.divide(np.abs(ours - theirs), scale, out=np.zeros_like(scale), where=scale > 0)
    agree = f"{spearmanr(ours, theirs).statistic:.4f}", f"{kendalltau(ours, theirs).statistic:.4f}"
    alike = int((apart <= ALIKE).sum())
    count = f"{len(ours)} of {len(found)}"
    return [f"`{name}`", commit(folder), count, *agree, f"{apart.max():.1e}", str(alike)]


def commit(folder: Path) -> str:
    """Return the commit of a checkout, short."""
    how = ["git", "-C", str(folder), "rev-parse", "--short", "HEAD"]
    return subprocess.run(how, capture_output=True, text=True).stdout.strip() or "unknown"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="+", choices=PORTS, metavar="NAME", help=", ".join(PORTS))
    parser.add_argument("--theirs", type=Path, required=True, help="a checkout of the authors' repository")
    parser.add_argument("--archs", type=int, default=60, help="random ones; default: 60")
    parser.add_argument("--cells", type=int, default=5, help="of a stage; default: 5, as in the benchmark")
    parser.add_argument("--batch", type=int, default=64, help="images; default: 64")
    data_options(parser)
    parser.add_argument("--out", type=Path, help="write the table here too")
    args = parser.parse_args()
    prepare(args.data, args.home)
    how = args.archs, args.cells, args.batch
    rows = [row(name, args.theirs, pairs(name, args.theirs, *how)) for name in args.names]
    text = markdown(HEAD, rows)
    show(text, args.out)


if __name__ == "__main__":
    main()
