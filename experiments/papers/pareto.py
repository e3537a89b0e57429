"""Fronts of accuracy and latency on six devices, and searches under a limit on latency, on NAS-Bench-201.

    python experiments/papers/pareto.py --home DIR --data FOLDER --out results/pareto [--rounds 100] [--quick]

Latencies are those of HW-NAS-Bench (Li et al., 2021), accuracies those of NAS-Bench-201. For each data set, device and
search: the hypervolume after 20, 50, 100 and 200 models, in percent of that of all cells, the median of the rounds with
its quartiles. The front is chosen by validation and measured by test. Then, for limits that half and a tenth of the cells
meet: how far the best by validation after 100 models is below the best cell under the limit, and models until a cell
within half a percent of that one was trained; with a search that is told of the limit, and with one that is not, whose
slower cells do not count.

Data that is not in --home is imported from --data. Every round is kept in --out: stopped, it goes on. Writes
OUT/pareto.md.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.append(str(Path(__file__).parents[1]))  # for _common
from _common import markdown, prepare, say

from nassearch.benchmarks.base import Benchmark
from nassearch.benchmarks.given import load_benchmark
from nassearch.benchmarks.nasbench201 import NASBench201Benchmark
from nassearch.benchmarks.read.further import import_metrics
from nassearch.search.experiment import Experiment
from nassearch.search.outcome import Outcome
from nassearch.types import Arch

DATASETS = ("cifar10", "cifar100")
DEVICES = ("edgegpu", "raspi4", "edgetpu", "pixel3", "eyeriss", "fpga")
AT = (20, 50, 100, 200)
SEARCHES: dict[str, dict[str, Any]] = {
    "rand": {"strategy": "rand"},
    "nsga": {"strategy": "nsga"},
    "nsga, warm-up by params": {"strategy": "nsga", "warmup": 1000, "scorer": "params"},
    "nsga, warm-up by synflow": {"strategy": "nsga", "warmup": 1000, "scorer": "synflow"},
    "gp": {"strategy": "gp", "settings": {"features": []}},
    "gp, synflow and params": {"strategy": "gp", "settings": {"features": ["synflow", "params"]}},
}
SLOW = 0.05
"""Share of the rounds that gp does: a round of it takes many times as long as one of the others."""
SHARES = (0.5, 0.1)
NEAR = 0.5
MIDDLE = 100
BUDGET = 300
LIMITED: dict[str, dict[str, Any]] = {
    "rand": {"strategy": "rand"},
    "ae": {"strategy": "ae", "settings": {"pool": 20, "tournament": 5}},
    "ae, warm-up by synflow": {
        "strategy": "ae",
        "settings": {"pool": 20, "tournament": 5},
        "warmup": 1000,
        "scorer": "synflow",
    },
}


def import_latencies(data: Path) -> None:
    """Import the latencies that are not there yet."""
    for dataset in DATASETS:
        if not NASBench201Benchmark.metrics_path(dataset).exists():
            import_metrics(NASBench201Benchmark, data / f"hw_nas/hw_{dataset}.csv.gz", dataset)


def run(out: Path, name: str, dataset: str, rounds: int, workers: int | None, **fields: Any) -> Outcome:
    made = Experiment(benchmark="nasbench201", dataset=dataset, rounds=rounds, **fields)
    return made.run(out / dataset / f"{name.replace(' ', '-').replace(',', '')}.jsonl", workers=workers)


def fronts(out: Path, rounds: int, workers: int | None) -> list[list[Any]]:
    """Return the rows of the first table."""
    rows = []
    for dataset in DATASETS:
        for device in DEVICES:
            for name, fields in SEARCHES.items():
                count = max(2, round(rounds * SLOW)) if fields["strategy"] == "gp" else rounds
                aims = f"accuracy,{device}_latency"
                found = run(
                    out, f"{device} {name}", dataset, count, workers, budget=AT[-1], objectives=aims, **fields
                )
                low, median, high = found.curve().band()
                cells = [f"{median[m - 1]:.2f} ({low[m - 1]:.2f} to {high[m - 1]:.2f})" for m in AT]
                rows.append([dataset, device, name, *cells, count])
                say(" ".join(map(str, rows[-1])))
    return rows


def under_limits(out: Path, rounds: int, workers: int | None) -> list[list[Any]]:
    """Return the rows of the second table."""
    rows = []
    for dataset in DATASETS:
        oracle = load_benchmark("nasbench201", dataset)
        for device in DEVICES:
            metric = f"{device}_latency"
            latencies = np.array([oracle.metric(metric, arch) for arch in oracle.space.all()])
            for share in SHARES:
                limit = float(np.nanquantile(latencies, share))
                for name, fields in LIMITED.items():
                    free = run(out, f"free {name}", dataset, rounds, workers, budget=BUDGET, **fields)
                    told = {"latency": limit, "latency_by": metric}
                    kept = run(
                        out,
                        f"{device} {share} {name}",
                        dataset,
                        rounds,
                        workers,
                        budget=BUDGET,
                        constraints=told,
                        **fields,
                    )
                    fits = {a for a in oracle.space.all() if oracle.metric(metric, a) <= limit}
                    found = [value for each in (free, kept) for value in reached(each, oracle, fits)]
                    rows.append([dataset, device, f"{limit:.2f} ms", f"{share:.0%}", name, *found])
                    say(" ".join(map(str, rows[-1])))
    return rows


def reached(found: Outcome, oracle: Benchmark, fits: set[Arch]) -> list[str]:
    """Return how far a search is below the best of what meets a limit, and how many models it takes to come near it."""
    best = max(oracle.expected(arch).test for arch in fits)
    near = {arch for arch in fits if oracle.expected(arch).test >= best - NEAR}
    below = []
    for each in found.rounds:
        trained = zip(each.archs[:MIDDLE], each.valid, each.test, strict=False)
        tests = [(valid, test) for arch, valid, test in trained if arch in fits]
        below.append(best - max(tests)[1] if tests else np.inf)
    firsts = [
        next((place for place, arch in enumerate(each.archs, 1) if arch in near), np.inf)
        for each in found.rounds
    ]
    count = float(np.median(firsts))
    return [f"{np.median(below):.2f}", f"more than {BUDGET}" if count == np.inf else f"{count:.0f}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("results/pareto"))
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--workers", type=int, default=None)
    parser.add_argument("--quick", action="store_true", help="five rounds")
    given = parser.parse_args()
    prepare(given.data, given.home)
    import_latencies(given.data)
    rounds = 5 if given.quick else given.rounds
    limits = under_limits(given.out, rounds, given.workers)
    heads = [f"{what}, {how}" for how in ("not told", "told") for what in ("below", "models")]
    tables = [
        "Percent below the best cell under a limit after 100 models, and models to within half a percent of it",
        markdown(["data set", "device", "limit", "cells", "search", *heads], limits),
        "Hypervolume in percent of that of all cells",
        markdown(
            ["data set", "device", "search", *(f"{m} models" for m in AT), "rounds"],
            fronts(given.out, rounds, given.workers),
        ),
    ]
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "pareto.md").write_text("\n\n".join(tables) + "\n")


if __name__ == "__main__":
    main()
