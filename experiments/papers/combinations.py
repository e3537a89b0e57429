"""Look for training-free combinations that score every architecture, on whole spaces.

    python experiments/papers/combinations.py --data FOLDER --out results/combinations [--home FOLDER] [--tiers exact forward]
    python experiments/papers/combinations.py --space nasbench101 --data FOLDER --out results/combinations101 [--home FOLDER]

NAS-Bench-201: a random half of the functions, with all cells that compute them, is there to choose by. On a random
sample of it (of exact proxies on all of it), by CIFAR-10 and CIFAR-100 alone, greedy selection with replacement grows
means of ranks, and of their logarithms, from the proxies of a tier: `exact` ones, with a `forward` pass of one sample,
or `all`. What it met is then scored on the whole space: the best on the choosing half is the winner, the other half
confirms it, and ImageNet16-120, of which there are no images, is looked at once (epsilon on solid greys there). Every
cell is scored by itself: cells that compute one function differ in layers that nothing reads, which some proxies count.
What looks at noise alone, and not at the classifier, has one score for both CIFAR. With --cells N the first N of a random
order of the space are looked at. NAS-Bench-101: the same on random cells, 5,000 unless said otherwise.

Writes OUT.md and OUT.json. Scores are kept in --home: stopped, it goes on.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.append(str(Path(__file__).parents[1]))  # for _common
from _common import GREY, data_options, markdown, prepare, say
from _selection import Any_, Columns, cut, leaves, paths, scores, text, units
from nasbench101 import install

from nassearch.benchmarks.base import Benchmark
from nassearch.benchmarks.batches import synthetic_batch
from nassearch.benchmarks.nasbench101 import NASBench101Benchmark
from nassearch.benchmarks.nasbench201 import NASBench201Benchmark
from nassearch.reports.correlate import draw_distinct
from nassearch.scorers import build_scorer, compute_scores
from nassearch.scorers.cache.scores import cache_path
from nassearch.statistics.intervals import Resampling, judge
from nassearch.types import Arch

CHOSEN_BY = "cifar10", "cifar100"
EXACT = ("params", "flops", "layers", "synflow", "logsynflow", "epsilon")
FORWARD = ("meco",)
ALL = (
    *(f"{name}(batch_size=16)" for name in ("expressivity", "progressivity", "trainability")),
    *(
        "meco(channels=8)",
        "swap",
        "zen",
        "linear_regions",
        "zico(batch_size=64)",
        "lswag(batch_size=64, batches=2)",
    ),
    *("gradsign(batch_size=16)", "ntk_cond(batch_size=8)", "vkdnw(batch_size=16)"),
)
TIERS = {"exact": EXACT, "forward": EXACT + FORWARD, "all": EXACT + FORWARD + ALL}
NOISE = FORWARD + ALL[:3]
"""What looks at noise, and at nothing of the classifier."""
FIGURES = "rho", "tau", "ndcg", "weighted_tau"


def scored(
    names: tuple[str, ...], oracle: Benchmark, archs: list[Arch], workers: int
) -> dict[str, np.ndarray]:
    """Return the scores of architectures by each proxy."""
    batch = type(oracle).find_batch(oracle.dataset.name) or synthetic_batch("grey", oracle.dataset.task)
    found = {}
    for name in names:
        made = build_scorer(name, oracle.space, oracle.dataset.task, batch, cache=cache_path())

        def told(done: int, total: int, name: str = name) -> None:
            say(f"{oracle.dataset.name}: {name}: {done} of {total}")

        compute_scores(made.leaves, archs, workers=workers, progress=told)
        found[name] = made(archs)
    return found


def seconds_of(names: tuple[str, ...], oracle: Benchmark, count: int) -> dict[str, float]:
    """Return processor seconds per architecture of each proxy on its own, nothing known beforehand."""
    archs = draw_distinct(oracle.space, count + 2, 1)
    batch = type(oracle).find_batch(oracle.dataset.name)
    found = {}
    for name in names if count else ():
        for part in (archs[:2], archs[2:]):  # imports and compiled kernels are no cost of an architecture
            made = build_scorer(name, oracle.space, oracle.dataset.task, batch)
            (cost,) = compute_scores(made.leaves, part)
        found[name] = cost.seconds / len(archs[2:])
    return found


def accuracies(oracle: Benchmark, archs: list[Arch]) -> np.ndarray:
    return np.array([oracle.expected(arch).test for arch in archs])


def halves(oracle: Benchmark, order: list[Arch]) -> np.ndarray:
    """Mark the half to choose by: random functions, each with all cells that compute it."""
    groups: dict[str, list[int]] = {}
    for place, arch in enumerate(order):
        groups.setdefault(oracle.space.key(arch), []).append(place)
    marked = np.zeros(len(order), bool)
    names = sorted(groups)
    for i in np.random.default_rng(1).permutation(len(names)):
        if marked.sum() < len(order) // 2:
            marked[groups[names[i]]] = True
    return marked


def idle(arch: Arch) -> bool:
    """Tell whether an operation lies on no path: VKDNW's table 1 leaves out such cells, and keeps 9,445."""
    nodes = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
    edges = [edge for edge, op in zip(nodes, arch, strict=True) if op]
    reached, used = {0}, {3}
    for start, end in edges:
        reached |= {end} if start in reached else set()
    for start, end in edges[::-1]:
        used |= {start} if end in used else set()
    return any(start not in reached or end not in used for start, end in edges)


def figures(one: Any_, columns: Columns, reached: np.ndarray, draws: int = 200) -> dict[str, Any]:
    """Return coverage, rho, tau, nDCG and weighted tau with intervals."""
    found = scores(one, columns)
    judged = judge(found, reached, Resampling(draws))
    return {"coverage": float(np.mean(~np.isnan(found))), **{name: judged[name] for name in FIGURES}}


def row(label: str, found: dict[str, Any]) -> list[str]:
    cells = [f"{e.value:.3f} [{e.low:.3f}, {e.high:.3f}]" for e in (found[name] for name in FIGURES)]
    return [label, f"{found['coverage']:.3f}", *cells]


HEAD = ("on", "coverage", *FIGURES)


def chosen(columns: list[Columns], reached: list[np.ndarray], among: list[Any_]) -> tuple[Any_, list[float]]:
    """Return the best of several by mean rho over data sets, each with its own scores, and the figures of all."""
    found = [
        float(np.mean([figures(one, c, r, 2)["rho"].value for c, r in zip(columns, reached, strict=True)]))
        for one in among
    ]
    return among[int(np.argmax(found))], found


def on_201(args: argparse.Namespace) -> tuple[str, dict[str, Any]]:
    oracles = {name: NASBench201Benchmark.open(name) for name in (*CHOSEN_BY, GREY)}
    first, space = oracles[CHOSEN_BY[0]], oracles[CHOSEN_BY[0]].space
    order = draw_distinct(space, int(space.size), 0)
    half = halves(first, order)
    reached = {name: accuracies(oracle, order) for name, oracle in oracles.items()}
    some = np.arange(len(order)) < (args.cells or len(order))
    kept = ~np.array([idle(arch) for arch in order])
    costs = seconds_of(TIERS[args.tiers[-1]], first, args.timed)
    pages: list[str] = []
    tiers: dict[str, Any] = {}
    for tier in args.tiers:
        near = half if tier == "exact" else half & (np.cumsum(half) <= args.sample)
        sample = scored(TIERS[tier], first, [order[i] for i in np.flatnonzero(near)], args.workers)
        seen = [reached[name][near] for name in CHOSEN_BY]
        met: list[Any_] = list(paths(units(sample), sample, seen, args.largest))
        needed = tuple(dict.fromkeys(leaf for one in met for leaf in leaves(one)))
        whole = [arch for arch, is_in in zip(order, some, strict=True) if is_in]
        columns = {CHOSEN_BY[0]: scored(needed, first, whole, args.workers)}
        looking = tuple(name for name in needed if name not in NOISE)
        own = scored(looking, oracles[CHOSEN_BY[1]], whole, args.workers)
        columns[CHOSEN_BY[1]] = {**columns[CHOSEN_BY[0]], **own}
        parts = {"choosing half": half[some], "other half": ~half[some]}
        parts |= {"both": np.ones(len(whole), bool), "without idle operations": kept[some]}
        ends = {name: reached[name][some] for name in oracles}
        choosing = [cut(columns[name], parts["choosing half"]) for name in CHOSEN_BY]
        winner, marks = chosen(choosing, [ends[name][parts["choosing half"]] for name in CHOSEN_BY], met)
        columns[GREY] = scored(tuple(leaves(winner)), oracles[GREY], whole, args.workers)
        rows = []
        for name in oracles:
            for label in parts if name != GREY else list(parts)[2:]:
                part = parts[label]
                found = figures(winner, cut(columns[name], part), ends[name][part])
                rows.append(row(f"{name}, {label}: {part.sum()}", found))
        seconds = sum(costs.get(leaf, float("nan")) for leaf in leaves(winner))
        tried = [[text(one), f"{mark:.3f}"] for one, mark in zip(met, marks, strict=True)]
        page = f"## {tier}\n\nWinner, {seconds:.3f} s of the processor each: `{text(winner)}`\n\n{markdown(HEAD, rows)}\n"
        pages.append(page + markdown(("met by the selection", "mean rho on the choosing half"), tried))
        tiers[tier] = {"winner": text(winner), "seconds": seconds, "rows": rows, "met": tried}
    return "\n".join(pages), {"seconds": costs, "tiers": tiers}


def on_101(args: argparse.Namespace) -> tuple[str, dict[str, Any]]:
    if args.data is not None:
        install(args.data)
    oracle = NASBench101Benchmark.open("cifar10")
    cells = draw_distinct(oracle.space, args.cells or 5000, 0)
    half = np.arange(len(cells)) < len(cells) // 2
    reached, costs = accuracies(oracle, cells), seconds_of(EXACT, oracle, args.timed)
    columns = scored(EXACT, oracle, cells, args.workers)
    met: list[Any_] = list(paths(units(columns), cut(columns, half), [reached[half]], args.largest))
    winner, marks = chosen([cut(columns, half)], [reached[half]], met)
    parts = (("choosing half", half), ("other half", ~half), ("all", half | True))
    rows = [row(label, figures(winner, cut(columns, part), reached[part])) for label, part in parts]
    single = [row(name, figures(name, columns, reached)) for name in columns]
    seconds = sum(costs.get(leaf, float("nan")) for leaf in leaves(winner))
    tried = [[text(one), f"{mark:.3f}"] for one, mark in zip(met, marks, strict=True)]
    page = f"Winner, {seconds:.3f} s of the processor each: `{text(winner)}`\n\n{markdown(HEAD, rows)}\n{markdown(HEAD, single)}\n"
    page += markdown(("met by the selection", "rho on the choosing half"), tried)
    return page, {"winner": text(winner), "seconds": seconds, "rows": rows, "single": single, "met": tried}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    data_options(parser)
    parser.add_argument("--out", type=Path, required=True, help="where to write, without suffix")
    parser.add_argument("--space", choices=("nasbench201", "nasbench101"), default="nasbench201")
    parser.add_argument("--tiers", nargs="+", choices=TIERS, default=["exact", "forward"])
    parser.add_argument("--sample", type=int, default=200, help="architectures that the selection sees")
    parser.add_argument("--cells", type=int, help="random cells; default: all, of NAS-Bench-101 5,000")
    parser.add_argument("--largest", type=int, default=6, help="parts of a combination")
    parser.add_argument("--timed", type=int, default=16, help="architectures to take costs on; 0 for none")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print JSON in place of the tables")
    args = parser.parse_args()
    prepare(args.data, args.home)
    page, found = on_201(args) if args.space == "nasbench201" else on_101(args)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.with_suffix(".json").write_text(json.dumps(found, indent=1) + "\n")
    args.out.with_suffix(".md").write_text(page)
    print(json.dumps(found) if args.json else page)


if __name__ == "__main__":
    main()
