"""Which scorer a search should take that names none: warm-ups by several, side by side.

    python experiments/papers/guides.py --out results/guides [--data FOLDER] [--home FOLDER] [--rounds 100] [--json]

`ae` and `rand`, warmed up, on every table that is installed of NAS-Bench-201, NAS-Bench-101 and the embedded benchmark.
Equal rounds have equal seeds and so equal candidates: what is shown beside each mean is the mean difference to epsilon
over the rounds, with a 95 % bootstrap interval, at each number of models. Values are the running maximum of test
accuracy, in percent. On NAS-Bench-101, where an epsilon takes 15 ms, --rounds-101 and --warmup-101 keep it to minutes.
Writes OUT.md and OUT.json. Run again with the same --home, rounds that are there are not run again.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.append(str(Path(__file__).parents[1]))  # for _common
from _common import DATASETS, GREY, data_options, prepare, say

from nassearch.benchmarks.nasbench101 import NASBench101Benchmark
from nassearch.benchmarks.nasbench201 import NASBench201Benchmark
from nassearch.search.experiment import Experiment
from nassearch.statistics.intervals import Resampling, mean

EPSILON = "epsilon"
FILLED = "fallback(epsilon, logsynflow)"
GUIDES = (
    EPSILON,
    FILLED,
    "logsynflow",
    f"rank({FILLED}, flops, weights=(2, 1), log=true)",
    "fallback(epsilon, layers)",
    "rank(fallback(epsilon, layers), layers, flops, weights=(2, 1, 1), log=true)",
)
STRATEGIES = "ae", "rand"
AT = 10, 50, 100


def subjects(args: argparse.Namespace) -> list[dict[str, Any]]:
    """Return what is searched: what of the tables is installed, with its warm-up."""
    found: list[dict[str, Any]] = [
        {"benchmark": "nasbench201", "dataset": name, "warmup": args.warmup, "rounds": args.rounds}
        | ({"batch": "grey"} if name == GREY else {})
        for name in DATASETS
        if NASBench201Benchmark.table_path(name).exists()
    ]
    if NASBench101Benchmark.installed():
        found.append({"benchmark": "nasbench101", "warmup": args.warmup_101, "rounds": args.rounds_101})
    return [
        *found,
        {"benchmark": "nasbench201", "dataset": "mnist1d", "warmup": args.warmup, "rounds": args.rounds},
    ]


def compared(subject: dict[str, Any], strategy: str, args: argparse.Namespace) -> list[dict[str, Any]]:
    """Run one strategy by every guide; return a row for each."""
    folder = Path(os.environ["NASSEARCH_DATA"]) / "guides"
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, Any]] = []
    for guide in (None, *GUIDES):
        values = {**subject, **({"scorer": guide} if guide else {"warmup": 0})}
        experiment = Experiment(strategy, budget=max(AT), **values)
        name = f"{strategy}-{subject['benchmark']}-{subject.get('dataset')}-{(None, *GUIDES).index(guide)}"
        outcome = experiment.run(folder / f"{name}-{subject['rounds']}.jsonl", workers=args.workers)
        values_at = outcome.curve("test", "test").values[:, [m - 1 for m in AT]]
        rows.append({"guide": guide or "no guide", "values": values_at})
        say(f"{name}: {guide or 'no guide'}: {values_at.mean(axis=0).round(3).tolist()}")
    base = next(row["values"] for row in rows if row["guide"] == EPSILON)
    return [
        {"guide": row["guide"], "at": [figure(row["values"], base, i) for i in range(len(AT))]}
        for row in rows
    ]


def figure(values: np.ndarray, base: np.ndarray, place: int) -> dict[str, float]:
    difference = mean(values[:, place] - base[:, place], Resampling())
    return {
        "models": AT[place],
        "mean": float(values[:, place].mean()),
        "more": difference.value,
        "low": difference.low,
        "high": difference.high,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    data_options(parser)
    parser.add_argument("--out", type=Path, required=True, help="where to write, without suffix")
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--warmup", type=int, default=1000)
    parser.add_argument("--rounds-101", type=int, default=24)
    parser.add_argument("--warmup-101", type=int, default=256)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print JSON in place of the table")
    args = parser.parse_args()
    prepare(args.data, args.home)
    found = []
    for subject in subjects(args):
        for strategy in STRATEGIES:
            about = f"{subject['benchmark']} {subject.get('dataset', '')}".strip()
            about += f", {strategy}, warm-up {subject['warmup']}, {subject['rounds']} rounds"
            found.append({"about": about, "rows": compared(subject, strategy, args)})
    text = "\n".join(table(one) for one in found)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.with_suffix(".json").write_text(json.dumps(found, indent=1) + "\n")
    args.out.with_suffix(".md").write_text(text)
    print(json.dumps(found) if args.json else text)


def table(one: dict[str, Any]) -> str:
    head = ["guide", *(f"{models} models" for models in AT)]
    lines = [one["about"] + "\n", "| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for row in one["rows"]:
        cells = [
            f"{at['mean']:.2f} ({at['more']:+.2f} [{at['low']:+.2f}, {at['high']:+.2f}])" for at in row["at"]
        ]
        lines.append("| " + " | ".join([f"`{row['guide']}`", *cells]) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
