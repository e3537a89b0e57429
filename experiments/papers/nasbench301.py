"""NAS-Bench-301 and DARTS: how proxies rank genotypes of two public lists.

    python experiments/papers/nasbench301.py --suite zc_nasbench301.json --trained DARTS_archs_CIFAR10.csv --images cifar10.npz
        --home HOME

`--suite` is NAS-Bench-Suite-Zero's file: 500 random genotypes in the pairs of NASLib, scores of 11 proxies, and
accuracies that a surrogate model of NAS-Bench-301 predicts. `--trained` is a sheet that came with SWAP (Peng et al.,
2024): genotypes and the validation accuracy that each was trained to. Its genotypes may have `none`, and a node may read
one thing twice; those with `none` are left out. Scores are kept in HOME.
"""

from __future__ import annotations

import argparse
import ast
import csv
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Hashable, Sequence
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parents[1]))  # for _common
from _common import markdown, say

from nassearch.benchmarks import NASBench301Benchmark
from nassearch.networks.graph import Network
from nassearch.scorers.spec import build_scorer
from nassearch.spaces import NASBench301
from nassearch.spaces.darts.cells import OPS, Edges
from nassearch.spaces.darts.network import darts_network
from nassearch.statistics.intervals import Resampling, judge
from nassearch.types import Arch, Floats, Task

BEST = "rank(fallback(epsilon, logsynflow), params, fallback(epsilon, params), fallback(epsilon, layers), log=true)"
"""The combination that ranks NAS-Bench-201 best of those from exact proxies."""
COUNTS = "rank(synflow, flops, layers)"
PROXIES = ("params", "flops", "layers", "synflow", "logsynflow", "epsilon", BEST, COUNTS)
FIGURES = {"rho": "rho", "tau": "tau", "ndcg": "nDCG", "rho_top": "rho in the top 10 %"}
TASK = next(iter(NASBench301Benchmark.datasets().values())).task
DRAWS = 500


class Repeats(NASBench301):
    """A list of genotypes of which nodes may read one thing twice: pairs of input and operation as 32 numbers."""

    def cells(self, arch: Arch) -> list[Edges]:
        pairs = list(zip(arch[::2], arch[1::2], strict=True))
        nodes = [(one, other) for one, other in zip(pairs[::2], pairs[1::2], strict=True)]
        return [tuple(nodes[:4]), tuple(nodes[4:])]

    def marks(self, arch: Arch) -> Counter[Hashable]:
        return Counter((node, *edge) for node, pair in enumerate(self.cells(arch)) for edge in pair)

    def key(self, arch: Arch) -> str:
        return "-".join(map(str, arch))

    format = key

    def network(self, arch: Arch, task: Task) -> Network:
        normal, reduce = self.cells(arch)
        return darts_network(normal, reduce, task)


def judged(scores: Sequence[tuple[str, Floats]], accuracies: Floats) -> str:
    """Return a table of how scores rank accuracies, with 95 % intervals."""
    rows: list[list[object]] = []
    for name, values in scores:
        found = judge(values, accuracies, Resampling(DRAWS))
        told = [f"{found[n].value:.2f} [{found[n].low:.2f}, {found[n].high:.2f}]" for n in FIGURES]
        rows.append([f"`{name}`", f"{np.isfinite(values).mean():.1%}", *told])
    return markdown(["proxy", "scored", *FIGURES.values()], rows)


def scored(space: NASBench301, home: Path) -> list[tuple[str, Floats]]:
    """Return the scores of all architectures of a list by each of the proxies."""
    batch, archs = NASBench301Benchmark.find_batch("cifar10"), list(space.all())
    found = []
    for spec in PROXIES:
        say(spec)
        cache = home / f"{type(space).__name__}-scores"
        found.append((spec, build_scorer(spec, space, TASK, batch, cache=cache)(archs)))
    return found


def of_suite(path: Path, home: Path) -> str:
    """Judge proxies, and the scores that the file has, by what the surrogate predicts."""
    entries = json.loads(path.read_text())["nasbench301"]["cifar10"]
    space = NASBench301([NASBench301.whole.parse(text) for text in entries])
    predicted = np.array([entry["val_accuracy"] for entry in entries.values()])
    names = [name for name in next(iter(entries.values())) if name != "val_accuracy"]
    theirs = [(name, np.array([entry[name] for entry in entries.values()])) for name in names]
    return (
        f"\n**{len(entries)} genotypes, accuracies predicted by a surrogate model**\n\n{judged(scored(space, home), predicted)}"
        f"\n**The scores in the file itself**\n\n{judged(theirs, predicted)}"
    )


def of_trained(path: Path, home: Path) -> str:
    """Judge proxies by trainings."""
    with path.open(newline="") as file:
        rows = [(text, float(value)) for text, value in csv.reader(file)]
    accuracies: dict[Arch, list[float]] = {}
    whole = 0
    for text, value in rows:
        cells = [ast.literal_eval(cell) for cell in re.findall(r"(?:normal|reduce)=(\[[^]]*\])", text)]
        edges = [edge for cell in cells for edge in cell]
        if all(op in OPS for op, _ in edges):
            arch = tuple(number for op, source in edges for number in (source, OPS.index(op)))
            accuracies.setdefault(arch, []).append(value)
            whole += all(a[1] != b[1] for a, b in zip(edges[::2], edges[1::2], strict=True))
    space = Repeats(accuracies)
    reached = np.array([np.mean(values) for values in accuracies.values()])
    return (
        f"\n**{len(accuracies)} trained genotypes** of {len(rows)}, {whole} of them of the space itself; accuracies "
        f"{reached.min():.1f} to {reached.max():.1f}, median {np.median(reached):.1f}\n\n{judged(scored(space, home), reached)}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--suite", type=Path, help="zc_nasbench301.json of NAS-Bench-Suite-Zero")
    parser.add_argument("--trained", type=Path, help="DARTS_archs_CIFAR10.csv of SWAP")
    parser.add_argument("--images", type=Path, required=True, help="cifar10.npz")
    parser.add_argument("--home", type=Path, required=True, help="keep batch and scores here")
    given = parser.parse_args()
    os.environ["NASSEARCH_DATA"] = str(given.home.absolute())
    if not NASBench301Benchmark.batch_path("cifar10").exists():
        NASBench301Benchmark.import_batch(given.images, "cifar10")
    if given.trained:
        print(of_trained(given.trained, given.home), flush=True)
    if given.suite:
        print(of_suite(given.suite, given.home), flush=True)


if __name__ == "__main__":
    main()
