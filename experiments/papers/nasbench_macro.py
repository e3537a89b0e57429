"""NAS-Bench-Macro: how proxies rank its whole space, epsilon by its weights too, how far trainings agree, searches.

    python experiments/papers/nasbench_macro.py --data FOLDER --home HOME [--only proxies weights trainings searches]

FOLDER holds `nasbench_macro/nas-bench-macro_cifar10.json` and `images/cifar10.npz`. Scores and rounds are kept in HOME: a
run that is stopped goes on.
"""

from __future__ import annotations

import argparse
import os
import sys
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

sys.path.append(str(Path(__file__).parents[1]))  # for _common
from _common import markdown, say

import nassearch as ns
from nassearch.benchmarks import NASBenchMacroBenchmark
from nassearch.benchmarks.read.importing import import_file
from nassearch.statistics.correlation import spearman

BEST = "rank(fallback(epsilon, logsynflow), params, fallback(epsilon, params), fallback(epsilon, layers), log=true)"
"""The combination that ranks NAS-Bench-201 best of those from exact proxies."""
COUNTS = "rank(synflow, flops, layers)"
"""Without epsilon."""
PROXIES = ("params", "flops", "layers", "synflow", "logsynflow", "epsilon", BEST, COUNTS)
FIGURES = {
    "rho": "rho",
    "tau": "tau",
    "ndcg": "nDCG",
    "rho_top": "rho in the top 10 %",
    "local_rho": "rho among neighbours",
}
BUDGETS = (20, 50, 100)
CONSTANTS = tuple(10.0**power for power in range(-4, 2))
SAMPLE, IMAGES = 300, 64


def prepare(data: Path, home: Path) -> None:
    """Import table and batch into a data directory, and make it the one in use."""
    os.environ["NASSEARCH_DATA"] = str(home.absolute())
    if not NASBenchMacroBenchmark.installed():
        import_file(NASBenchMacroBenchmark, data / "nasbench_macro" / "nas-bench-macro_cifar10.json")
    if not NASBenchMacroBenchmark.batch_path("cifar10").exists():
        NASBenchMacroBenchmark.import_batch(data / "images" / "cifar10.npz", "cifar10")


def proxies() -> str:
    found = ns.correlate(NASBenchMacroBenchmark.open(), PROXIES, neighbourhoods=300, draws=500)
    rows: list[list[object]] = []
    for row in found.frame().drop_duplicates("proxy").to_dict("records"):
        told = [f"{row[n]:.2f} [{row[f'{n}_low']:.2f}, {row[f'{n}_high']:.2f}]" for n in FIGURES]
        rows.append([f"`{row['proxy']}`", f"{row['coverage']:.1%}", *told])
    return "\n**Proxies on all 6,561**\n\n" + markdown(["proxy", "scored", *FIGURES.values()], rows)


def weights() -> str:
    """Return rho of epsilon by each pair of constant weights that scores all of a sample, and not all alike."""
    benchmark = NASBenchMacroBenchmark.open()
    images = benchmark.batch()
    assert images is not None
    batch = images.first(IMAGES)
    pairs = {f"epsilon(weights=({low:g}, {high:g}))": (low, high) for low, high in combinations(CONSTANTS, 2)}
    found = ns.correlate(benchmark, [*pairs], sample=SAMPLE, batch=batch).frame().drop_duplicates("proxy")
    rows: list[list[object]] = [
        [f"{low:g}, {high:g}", f"{row['rho']:.2f} [{row['rho_low']:.2f}, {row['rho_high']:.2f}]"]
        for (low, high), row in zip(pairs.values(), found.to_dict("records"), strict=True)
        if row["coverage"] == 1 and row["rho"] == row["rho"]
    ]
    text = f"\n**Epsilon of {SAMPLE} random architectures on {IMAGES} images**, by its weights\n\n"
    return text + markdown(["weights", "rho"], rows)


def trainings() -> str:
    benchmark = NASBenchMacroBenchmark.open()
    space, archs = benchmark.space, list(benchmark.space.all())
    tests = benchmark.table.test[:, [benchmark.table.rows[space.index(arch)] for arch in archs]]
    between = [spearman(tests[a], tests[b]).value for a, b in ((0, 1), (0, 2), (1, 2))]
    first = {space.key(arch): values for arch, values in zip(archs, tests.T, strict=True)}
    same = sum(
        np.array_equal(first[space.key(arch)], values) for arch, values in zip(archs, tests.T, strict=True)
    )
    return (
        f"\nSpearman's rho between two trainings of all architectures: {min(between):.3f} to {max(between):.3f}. "
        f"{same} of {len(archs)} architectures have the three accuracies of the last of their key, of {len(first)} keys.\n"
    )


def searches(home: Path, rounds: int) -> str:
    small: dict[str, Any] = {"settings": {"pool": 20, "tournament": 5}}
    kinds: dict[str, dict[str, Any]] = {"rand": {}, "ae": small}
    for guide in ("params", "synflow", COUNTS, BEST):
        kinds[f"rand, warm-up 1000 by {guide}"] = {"warmup": 1000, "scorer": guide}
        kinds[f"ae, warm-up 1000 by {guide}"] = {"warmup": 1000, "scorer": guide, **small}
    rows: list[list[object]] = []
    for kind, given in kinds.items():
        say(kind)
        name = kind.split(",")[0]
        search = ns.Experiment(name, benchmark="nasbench-macro", budget=max(BUDGETS), rounds=rounds, **given)
        result = search.run(home / "searches" / search.file_name)
        best = np.array([np.maximum.accumulate(each.test) for each in result.rounds])
        cells = [np.percentile(best[:, budget - 1], [25, 50, 75]) for budget in BUDGETS]
        rows.append([f"`{kind}`", *(f"{m:.2f} [{low:.2f}, {high:.2f}]" for low, m, high in cells)])
    text = f"\n**Best test accuracy met**, median of {rounds} rounds [quartiles]; the best there is: "
    text += f"{NASBenchMacroBenchmark.open().table.test.mean(0).max():.2f}"
    return text + "\n\n" + markdown(["search", *(f"{budget} models" for budget in BUDGETS)], rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with nasbench_macro/ and images/")
    parser.add_argument("--home", type=Path, required=True, help="keep table, scores and rounds here")
    parser.add_argument("--only", nargs="+", default=["proxies", "weights", "trainings", "searches"])
    parser.add_argument("--rounds", type=int, default=50)
    given = parser.parse_args()
    prepare(given.data, given.home)
    parts = {
        "proxies": proxies,
        "weights": weights,
        "trainings": trainings,
        "searches": lambda: searches(given.home, given.rounds),
    }
    for name in given.only:
        print(parts[name](), flush=True)


if __name__ == "__main__":
    main()
