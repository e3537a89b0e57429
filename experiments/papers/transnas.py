"""TransNAS-Bench-101: how much the seven tasks have in common, how proxies rank on each, what searches find.

    python experiments/papers/transnas.py --data FOLDER --home HOME [--only tasks proxies sample searches]

FOLDER holds `transnas/{micro,macro_valid}.csv.gz`. Scores are kept in HOME: a run that is stopped goes on. There are no
images: epsilon looks at 32 solid greys, and the other proxies at none, so that a proxy differs between tasks by the size
of the input alone. Epsilon, and all proxies of skeletons, are scored on the networks of the jigsaw, whose inputs have 64
by 64 pixels.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parents[1]))  # for _common
from _common import markdown, say

import nassearch as ns
from nassearch.benchmarks import (
    TabularBenchmark,
    TransNASMacroBenchmark,
    TransNASMicroBenchmark,
    synthetic_batch,
)
from nassearch.benchmarks.read.importing import import_file
from nassearch.reports.correlate import draw_distinct
from nassearch.statistics.best_first import gains, ndcg
from nassearch.statistics.correlation import coverage, kendall, spearman
from nassearch.types import Floats

PARTS: dict[str, tuple[type[TabularBenchmark], str]] = {
    "micro": (TransNASMicroBenchmark, "micro.csv.gz"),
    "macro": (TransNASMacroBenchmark, "macro_valid.csv.gz"),
}
BEST = "rank(fallback(epsilon, logsynflow), params, fallback(epsilon, params), fallback(epsilon, layers), log=true)"
"""The best of the cheap combinations of NAS-Bench-201, docs/results/combinations.md."""
COUNTS = "rank(logsynflow, flops, layers)"
PROXIES = ("epsilon", "synflow", "logsynflow", "params", "flops", "layers", BEST, COUNTS)
PUBLISHED = {"micro": {"AZ-NAS": ".79", "LIBRA": ".79"}, "macro": {"AZ-NAS": ".82", "LIBRA": ".91"}}
"""Their rho on class_scene; of a third party's survey."""
GREYS = 32
SMALL = "jigsaw"
"""The task with inputs of 64x64."""
ROBOT = {
    **{"class_scene": 2, "class_object": 1, "jigsaw": 17, "room_layout": 17},
    **{"segmentsemantic": 4, "normal": 8, "autoencoder": 66},
}
"""The rank that RoBoT (2024) reports after 100 models."""
GUIDES = ("synflow", "flops")
BUDGETS = (50, 100)
SAMPLE = 100
MODEL_PROXIES = ("naswot", "expressivity", "progressivity", "trainability")


def prepare(data: Path, home: Path | None) -> None:
    """Import the tables into a data directory, and make it the one in use."""
    path = Path(tempfile.mkdtemp(prefix="nassearch-")) if home is None else home
    os.environ["NASSEARCH_DATA"] = str(path.absolute())
    for part, file in PARTS.values():
        if not all(part.table_path(name).exists() for name in part.datasets()):
            import_file(part, data / "transnas" / file)


def reached(benchmark: TabularBenchmark, metric: str = "test") -> Floats:
    """Return what each architecture of the space reaches, `[N]`."""
    return np.array([getattr(benchmark.expected(arch), metric) for arch in benchmark.space.all()])


def scores(part: type[TabularBenchmark], dataset: str, proxy: str) -> Floats:
    """Return the scores of the whole space, `[N]`."""
    benchmark = part.open(dataset)
    batch = synthetic_batch("grey", benchmark.dataset.task, GREYS)
    return ns.make_scorer(proxy, benchmark, batch=batch)(list(benchmark.space.all()))


def tasks() -> str:
    text = ""
    for name, (part, _) in PARTS.items():
        values = {task: reached(part.open(task)) for task in part.datasets()}
        rows: list[list[object]] = []
        for task, own in values.items():
            row = [spearman(own, other).value for other in values.values()]
            best = part.open(task)
            if name == "micro":
                row += [spearman(reached(best, "valid"), own).value]
            rows.append([task, *row])
        text += f"\n**{name}**: Spearman's rho between what architectures reach on two tasks\n\n"
        text += markdown(["", *values, *(["its own validation"] if name == "micro" else [])], rows)
    return text


def proxies() -> str:
    text = ""
    for name, (part, _) in PARTS.items():
        found: dict[tuple[str, str], Floats] = {}
        reach = {task: reached(part.open(task)) for task in part.datasets()}
        rows: list[list[object]] = []
        for proxy in PROXIES:
            row: list[object] = []
            for task, own in reach.items():
                small = task == SMALL or name == "macro" or "epsilon" in proxy
                on = SMALL if small else "class_scene"
                if (on, proxy) not in found:
                    say(f"{name}, {proxy} on the networks of {on}")
                    found[on, proxy] = scores(part, on, proxy)
                row.append(judged(found[on, proxy], own))
            rows.append([f"`{proxy}`", f"{coverage(found[SMALL, proxy]):.0%}", *row])
        for method, value in PUBLISHED[name].items():
            rows.append([f"{method}, as published", "", value, *[""] * (len(reach) - 1)])
        text += f"\n**{name}**: rho / tau / nDCG on the whole space, where some have no score of those that have one "
        text += f"(rho with the others last)\n\n{markdown(['', 'scored', *reach], rows)}"
        for proxy in PROXIES:
            if name == "micro" and (SMALL, proxy) in found and ("class_scene", proxy) in found:
                between = spearman(found[SMALL, proxy], found["class_scene", proxy]).value
                text += f"\n- `{proxy}` at inputs of 64x64 against 256x256: rho {between:.3f}"
        text += "\n"
    return text


def judged(values: Floats, own: Floats) -> str:
    """Return rho, tau and nDCG of those that have a score, and rho of all where some have none."""
    some, own_of = values[~np.isnan(values)], own[~np.isnan(values)]
    x, y = (np.unique(each, return_inverse=True)[1] for each in (some, own_of))
    figures = spearman(some, own_of).value, kendall(some, own_of).value, ndcg(x, y, gains(np.unique(own_of)))
    text = " / ".join(f"{figure:.2f}" for figure in figures)
    if len(some) < len(values):
        text += f" ({spearman(np.where(np.isnan(values), -np.inf, values), own).value:.2f})"
    return text


def sample() -> str:
    """Rank some cells by proxies that pass a model, on noise of the jigsaw's size."""
    benchmark = TransNASMicroBenchmark.open(SMALL)
    archs = draw_distinct(benchmark.space, SAMPLE, 5)
    found = {
        proxy: ns.make_scorer(f"{proxy}(batch_size=16)", benchmark, batch="normal")(archs)
        for proxy in MODEL_PROXIES
    }
    for proxy in ("logsynflow", "params"):
        found[proxy] = ns.make_scorer(proxy, benchmark)(archs)
    rows: list[list[object]] = []
    for task in TransNASMicroBenchmark.datasets():
        expected = TransNASMicroBenchmark.open(task).expected
        own = np.array([expected(arch).test for arch in archs])
        rows.append([task, *(spearman(values, own).value for values in found.values())])
    rows.append(["scored", *(f"{coverage(values):.0%}" for values in found.values())])
    text = f"\n**micro, {SAMPLE} random cells**: rho of those that have a score\n\n"
    return text + markdown(["", *found], rows)


def rank(value: float, order: Floats) -> int:
    """Return the rank of a value in the space, 1 for the best."""
    return int((order > value).sum()) + 1


def found_ranks(result: ns.Outcome, valid: Floats, test: Floats, budget: int) -> list[list[int]]:
    """Return ranks in the space, by round: of the best by validation, by that and by test; of the best by test."""
    ranks = []
    for each in result.rounds:
        best = int(np.argmax(each.valid[:budget]))
        seen = rank(each.valid[best], valid), rank(each.test[best], test)
        ranks.append([*seen, rank(each.test[:budget].max(), test)])
    return [list(column) for column in zip(*ranks, strict=True)]


def middle(ranks: Sequence[int]) -> str:
    low, median, high = np.percentile(ranks, [25, 50, 75])
    return f"{median:.0f} [{low:.0f}, {high:.0f}]"


def searches(rounds: int, home: Path) -> str:
    kinds: dict[str, dict[str, object]] = {"rand": {}, "ae": {}}
    for guide in GUIDES:
        kinds[f"rand, warm-up 1000 by {guide}"] = {"warmup": 1000, "scorer": guide}
        kinds[f"ae, warm-up 1000 by {guide}"] = {"warmup": 1000, "scorer": guide}
    rows: list[list[object]] = []
    for task in TransNASMicroBenchmark.datasets():
        open_ = TransNASMicroBenchmark.open(task)
        valid, test = reached(open_, "valid"), reached(open_)
        rows.append([task, "the whole space", *[1, rank(test[valid.argmax()], test), 1] * len(BUDGETS), ""])
        for kind, given in kinds.items():
            say(f"{task}: {kind}")
            search = ns.Experiment(
                kind.split(",")[0], benchmark="transnas-micro", dataset=task, budget=max(BUDGETS), rounds=rounds,
                **given,  # type: ignore[arg-type]
            )  # fmt: skip
            result = search.run(home / "searches" / search.file_name)
            cells = [found_ranks(result, valid, test, budget) for budget in BUDGETS]
            rows.append([task, kind, *(middle(ranks) for columns in cells for ranks in columns), ROBOT[task]])
    head = ["task", "search"]
    for budget in BUDGETS:
        head += [f"{budget}: by validation", "by test", "best met"]
    text = f"\nRank of 4,096, median of {rounds} rounds [quartiles]: of the architecture that is best by validation after "
    text += "so many models, by validation and by test; and of the best by test that was met\n\n"
    return text + markdown([*head, "RoBoT, 100 models"], rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with transnas/")
    parser.add_argument("--home", type=Path, help="keep tables and scores here; default: a temporary folder")
    parser.add_argument("--only", nargs="+", default=["tasks", "proxies", "sample", "searches"])
    parser.add_argument("--rounds", type=int, default=100)
    given = parser.parse_args()
    prepare(given.data, given.home)
    parts = {
        "tasks": tasks,
        "proxies": proxies,
        "sample": sample,
        "searches": lambda: searches(given.rounds, Path(os.environ["NASSEARCH_DATA"])),
    }
    for name in given.only:
        print(parts[name](), flush=True)


if __name__ == "__main__":
    main()
