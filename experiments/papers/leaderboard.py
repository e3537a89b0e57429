"""One leaderboard: every strategy, guided and not, on every benchmark at hand, beside the published records.

    python experiments/papers/leaderboard.py --home DIR --out results/leaderboard [--data FOLDER] [--only nasbench201] [--quick]

For each benchmark and search: the mean and the median of the rounds at 10, 20, 50, 100 and 150 models, each with a 95 %
bootstrap interval over the rounds, by both curves (the running maximum of test, and the test value of the best by
validation); models to the best there is; different models trained; the processor seconds of the search itself. Models
are counted in full trainings. Chance has two rows: a guide of random scores and a guide that knows the test values.

Benchmarks that are not in --home are imported from --data, where it has them, or left out, and that is said. Every round
is kept in --out: stopped, it goes on. Seconds are those of rounds that this call computes: on one worker, scores that
were not in the cache included. Writes OUT/leaderboard.md and OUT/leaderboard.json, and a picture for each data set.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

sys.path.append(str(Path(__file__).parents[1]))  # for _common
from _common import GREY, markdown, prepare, say
from _records import RECORDS, TRANSNAS

from nassearch import registry
from nassearch.benchmarks.base import Benchmark
from nassearch.benchmarks.given import load_benchmark
from nassearch.benchmarks.read.importing import import_file
from nassearch.errors import InvalidSetting, MissingData, UnknownName
from nassearch.reports.curve_data import collect
from nassearch.reports.curve_figure import draw_curves
from nassearch.search.curves import Curve
from nassearch.search.experiment import Experiment
from nassearch.search.outcome import Outcome, read
from nassearch.statistics.intervals import Resampling

AT = (10, 20, 50, 100, 150)
CURVES = {
    "running maximum of test": ("test", "test"),
    "test of the best by validation": ("test", "valid"),
}
CURVES_TOLD = tuple(CURVES)
GUIDE = "fallback(epsilon, logsynflow)"
FILES = {
    "nasbench201": "nasbench201/nasbench201.csv.gz",
    "nasbench101": "nasbench101/nasbench101.npz",
    "nasbench-nlp": "nasbench_nlp/wikitext2_logs.zip",
    "transnas-micro": "transnas/micro.csv.gz",
}
PLACES = (
    ("nasbench201", "cifar10"),
    ("nasbench201", "cifar100"),
    ("nasbench201", "ImageNet16-120"),
    ("nasbench201", "mnist1d"),
    ("nasbench101", "cifar10"),
    ("nasbench-nlp", "wikitext-2"),
    *(("transnas-micro", task) for task in TRANSNAS),
)
GUIDES = {"nasbench101": "params", "nasbench-nlp": "synflow", "transnas-micro": "logsynflow"}
"""Where the guide of the others has no meaning, looks at images that are not to be had, or takes hours."""
SEVERAL = {
    "nasbench101": "synflow,params",
    "nasbench-nlp": "synflow,params",
    "transnas-micro": "synflow,logsynflow,params",
}
"""What stands for "synflow,epsilon,params" there, for the same reasons."""


class Search(NamedTuple):
    """A row: its name and settings; "guide" and "several" stand for scorers, "guide among" for one asked singly."""

    label: str
    settings: dict[str, Any]
    rounds: int = 100


def guided(scorer: str, name: str) -> tuple[Search, ...]:
    """Return the searches that a scorer guides."""
    return (
        Search(f"rand, warm-up 3000 by {name}", {"strategy": "rand", "warmup": 3000, "scorer": scorer}),
        Search(f"ae, warm-up 3000 by {name}", {"strategy": "ae", "warmup": 3000, "scorer": scorer}),
    )


SEARCHES = (
    Search("rand", {"strategy": "rand"}),
    *guided("random", "random scores"),
    *guided("guide", "the guide"),
    *guided("oracle", "the test values themselves"),
    Search("ae", {"strategy": "ae"}),
    Search(
        "ae, warm-up 3000, move at the child",
        {"strategy": "ae", "warmup": 3000, "scorer": "guide", "move": "guide"},
    ),
    Search("rl", {"strategy": "rl"}),
    Search("rl, warm-up 3000", {"strategy": "rl", "warmup": 3000, "scorer": "guide among"}, 20),
    Search("ls", {"strategy": "ls"}),
    Search("ls, first better neighbour", {"strategy": "ls", "settings": {"step": "first"}}),
    Search(
        "ls, first better neighbour, warm-up 3000, move",
        {"strategy": "ls", "settings": {"step": "first"}, "warmup": 3000, "scorer": "guide", "move": "guide"},
    ),
    Search("bp", {"strategy": "bp"}, 10),
    Search("bp, warm-up 512", {"strategy": "bp", "warmup": 512, "scorer": "guide"}, 10),
    Search("bananas", {"strategy": "bananas"}, 5),
    Search("bananas, warm-up 3000", {"strategy": "bananas", "warmup": 3000, "scorer": "guide"}, 5),
    Search("npenas", {"strategy": "npenas"}, 3),
    Search("robot", {"strategy": "robot", "settings": {"proxies": "several"}}),
    Search("sh", {"strategy": "sh"}),
    Search("gp", {"strategy": "gp"}),
    Search("gp, several guides", {"strategy": "gp", "settings": {"features": "several"}}, 30),
)
PLACES_OF = tuple(
    f"{what}, {n} models"
    for what in ("best by validation, by validation", "best met, by test")
    for n in (50, 100)
)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--home", type=Path, help="data directory with the tables and the scores; default: a temporary folder"
    )
    parser.add_argument("--data", type=Path, help=f"folder with any of {', '.join(FILES.values())}")
    parser.add_argument("--out", type=Path, default=Path("results/leaderboard"))
    parser.add_argument("--only", nargs="+", default=[""], help="parts of BENCHMARK/DATASET")
    parser.add_argument("--searches", nargs="+", choices=[search.label for search in SEARCHES])
    parser.add_argument(
        "--rounds", type=int, help="of every search; default: 100, and fewer of those that fit a model"
    )
    parser.add_argument("--guide", default=GUIDE, help=f"scorer that guides, default: {GUIDE}")
    parser.add_argument(
        "--assemble", action="store_true", help="run nothing: put together the rounds that are there"
    )
    parser.add_argument("--quick", action="store_true", help="three rounds of each")
    args = parser.parse_args()
    args.rounds = 3 if args.quick else args.rounds
    prepare(args.data if args.data and (args.data / FILES["nasbench201"]).exists() else None, args.home)
    args.out.mkdir(parents=True, exist_ok=True)
    texts, facts = [], {}
    for benchmark, dataset in PLACES:
        name = f"{benchmark}/{dataset}"
        if not any(part in name for part in args.only):
            continue
        oracle = opened(benchmark, dataset, args.data)
        if oracle is not None:
            text, rows = place(args, name, oracle)
            if rows:
                texts.append(text)
                facts[name] = rows
                print(text, flush=True)
    (args.out / "leaderboard.md").write_text("\n".join([summary(facts), *texts]))
    (args.out / "leaderboard.json").write_text(json.dumps(facts, indent=1))


def summary(facts: dict[str, list[dict[str, Any]]]) -> str:
    """Return the tables of one row for each search and one column for each data set."""
    top = CURVES_TOLD[0]
    ranked = {name: rows for name, rows in facts.items() if name.startswith("transnas")}
    others = {name: rows for name, rows in facts.items() if name not in ranked}
    asked = (
        ("Models to the best there is: median of the rounds", others, lambda row: row[top]["to the best"][0]),
        *(
            (
                f"Running maximum of test after {n} models: mean of the rounds",
                others,
                partial(_mean_at, str(n)),
            )
            for n in (20, 50, 100)
        ),
        (
            "Rank of 4,096 of the best by validation, by validation, after 50 models: median of the rounds",
            ranked,
            lambda row: row["ranks"][0],
        ),
    )
    parts = []
    for title, chosen, value in asked:
        if chosen:
            by = {name: {row["search"]: value(row) for row in rows} for name, rows in chosen.items()}
            short = [name.partition("/")[2] if name in ranked else name for name in chosen]
            there = [
                search.label for search in SEARCHES if any(search.label in found for found in by.values())
            ]
            rows = [[label, *(found.get(label, "-") for found in by.values())] for label in there]
            parts.append(f"{title}\n\n{markdown(['search', *short], rows)}")
    return "\n".join(parts)


def _mean_at(models: str, row: dict[str, Any]) -> float | str:
    at = row[CURVES_TOLD[0]].get(models)
    return "-" if at is None else abs(at["mean"][0])


def opened(benchmark: str, dataset: str, data: Path | None) -> Benchmark | None:
    """Open a table, imported first where it can be; say why it is left out where it cannot."""
    try:
        try:
            return load_benchmark(benchmark, dataset)
        except MissingData:
            if data is None or not (data / FILES[benchmark]).exists():
                raise
            import_file(registry.load("benchmarks", benchmark), data / FILES[benchmark])
            return load_benchmark(benchmark, dataset)
    except (MissingData, UnknownName) as error:
        say(f"{benchmark}/{dataset} is left out: {error}")
        return None


def place(args: argparse.Namespace, name: str, oracle: Benchmark) -> tuple[str, list[dict[str, Any]]]:
    """Run every search on one data set; return its tables and its numbers."""
    rows, curves = [], {}
    every = ranks(oracle)
    for search, outcome, seconds in run(args, oracle):
        rows.append(measured(search.label, outcome, seconds, every))
        curves[search.label] = outcome.curve(*CURVES["running maximum of test"])
    if not rows:
        return "", []
    draw_curves(
        collect(curves, title=name, best=oracle.best.test), args.out / f"{name.replace('/', '-')}.png"
    )
    sign, best = oracle.dataset.sign, oracle.best.test
    head = f"## {name}\n\n{oracle.dataset.quantity} in {oracle.dataset.unit}, best there is {sign * best:.2f}"
    head += "" if oracle.validated else "; the table has no validation values, so searches see the test value"
    parts = [f"{head}.\n"]
    for kind in CURVES if oracle.validated else ["running maximum of test"]:
        parts.append(f"{kind.capitalize()}, mean [95 % interval] / median:\n")
        columns = ["search", "rounds", *map(str, AT), "models to the best"]
        parts.append(
            markdown(
                columns,
                [
                    [row["search"], row["rounds"], *(_both(row[kind][str(n)], sign) for n in AT), _to(row[kind]["to the best"])]
                    for row in rows
                ],
            )
        )  # fmt: skip
    columns = ["search", "different models of 150", "seconds of a round", *(PLACES_OF if every else ())]
    parts.append(
        "What a search costs, and the place of what it found (median of the rounds, 1 is the best):\n"
    )
    costs = [
        [row["search"], row["distinct"], "-" if row["seconds"] is None else row["seconds"], *row["ranks"]]
        for row in rows
    ]
    parts.append(markdown(columns, costs))
    published = [record for record in RECORDS if name in record.values]
    if published:
        parts.append("Published:\n")
        fields = [[r.method, r.models, r.values[name], r.meaning, r.source] for r in published]
        parts.append(markdown(["method", "models", "test", "which accuracy", "read in"], fields))
    return "\n".join(parts), rows


def run(args: argparse.Namespace, oracle: Benchmark) -> Iterator[tuple[Search, Outcome, float | None]]:
    """Run the searches of one data set that can be there, and say what cannot."""
    guide = GUIDES.get(oracle.name, args.guide)
    for search in SEARCHES:
        if args.searches and search.label not in args.searches:
            continue
        named = {
            "guide": guide,
            "guide among": guide.replace(")", ", among=1000)"),
            "several": SEVERAL.get(oracle.name, "synflow,epsilon,params"),
        }
        settings = {key: meant(value, named) for key, value in search.settings.items()}
        if oracle.dataset.name == GREY and settings != search.settings:
            settings["batch"] = "grey"
        if "warmup" in settings:
            settings["warmup"] = min(settings["warmup"], oracle.space.size)
        try:
            experiment = Experiment(
                **settings,
                benchmark=oracle.name,
                dataset=oracle.dataset.name,
                budget=min(max(AT), oracle.space.size),
                rounds=args.rounds or search.rounds,
            )
            path = args.out / experiment.file_name
            if args.assemble:
                there = len(read(path)[0].rounds)
                experiment = replace(experiment, rounds=min(there, experiment.rounds))
            begun = time.process_time()
            outcome = experiment.run(path)
        except (InvalidSetting, MissingData, UnknownName) as error:
            say(f"{oracle.name}/{oracle.dataset.name}: {search.label} is left out: {error}")
            continue
        spent = time.process_time() - begun
        computed = len(outcome.rounds) - outcome.found
        say(f"{oracle.name}/{oracle.dataset.name}: {search.label}: {computed} rounds in {spent:.1f} s")
        yield search, outcome, kept(path.with_suffix(".seconds.json"), spent, computed)


def meant(value: Any, named: dict[str, str]) -> Any:
    """Return a setting with the scorers that its words stand for."""
    if isinstance(value, dict):
        return {key: meant(each, named) for key, each in value.items()}
    return named.get(value, value) if isinstance(value, str) else value


def kept(path: Path, spent: float, computed: int) -> float | None:
    """Return the seconds of a round, of the call that computed most rounds; keep them for the next call."""
    seen = json.loads(path.read_text()) if path.exists() else [None, 0]
    if computed > seen[1]:
        seen = [spent / computed, computed]
        path.write_text(json.dumps(seen))
    return seen[0]  # type: ignore[no-any-return]


def measured(
    label: str, outcome: Outcome, seconds: float | None, every: dict[str, np.ndarray]
) -> dict[str, Any]:
    """Return the numbers of one search as plain values."""
    row: dict[str, Any] = {"search": label, "rounds": len(outcome.rounds), "seconds": seconds}
    assert outcome.oracle is not None
    for kind, (show, choose) in CURVES.items():
        curve = outcome.curve(show, choose)
        row[kind] = {str(n): _at(curve, n) for n in AT if n <= curve.budget}
        needed = curve.models_to_each(outcome.oracle.best.test)
        low, median, high = np.quantile(needed, [0.25, 0.5, 0.75], method="inverted_cdf")
        row[kind]["to the best"] = [None if np.isinf(v) else int(v) for v in (median, low, high)]
    row["distinct"] = round(float(np.mean([len(set(each.archs)) for each in outcome.rounds])), 1)
    row["ranks"] = []
    for metric, values in every.items():
        met = outcome.curve(metric, metric).values[:, [49, 99]]
        places = 1 + (values > met[..., None]).sum(axis=-1)
        row["ranks"] += [int(place) for place in np.quantile(places, 0.5, axis=0, method="inverted_cdf")]
    return row


def ranks(oracle: Benchmark) -> dict[str, np.ndarray]:
    """Return the values of the whole space, for the places of what is found; nothing where the space is large."""
    if oracle.space.size > 20_000:
        return {}
    every = [oracle.expected(arch) for arch in oracle.space.all()]
    return {metric: np.array([getattr(each, metric) for each in every]) for metric in ("valid", "test")}


def _at(curve: Curve, models: int) -> dict[str, list[float]]:
    """Return the mean and the median of the rounds after so many models, each with its interval."""
    values = curve.values[:, models - 1]
    how = Resampling()
    drawn = values[how.rng().integers(len(values), size=(how.draws, len(values)))]
    both = {}
    for name, statistic in (("mean", np.mean), ("median", np.median)):
        low, high = np.quantile(statistic(drawn, axis=1), [0.025, 0.975])
        both[name] = [float(statistic(values)), float(low), float(high)]
    return both


def _both(at: dict[str, list[float]] | None, sign: float) -> str:
    if at is None:
        return "-"
    value, *interval = (sign * v for v in at["mean"])
    low, high = sorted(interval)
    return f"{value:.2f} [{low:.2f}, {high:.2f}] / {sign * at['median'][0]:.2f}"


def _to(models: list[int | None]) -> str:
    median, low, high = ("never" if n is None else str(n) for n in models)
    return f"{median} ({low} to {high})"


if __name__ == "__main__":
    main()
