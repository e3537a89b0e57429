"""Tables of the two papers on NAS-Bench-201, each figure beside the paper's.

    python experiments/papers/tables_nasbench201.py --data FOLDER --home FOLDER --out results/tables --only zero-cost/1 epsilon/1

FOLDER holds `nasbench201/nasbench201.csv.gz` and `images/{cifar10,cifar100}.npz`. `epsilon` is "Light and Accurate"
(arXiv 2302.04406), `zero-cost` "Zero-cost Proxies for Lightweight NAS" (arXiv 2101.08134). Cheap proxies (synflow, epsilon, counts)
score the whole space; those with gradients a random sample, which every table states. Scores are kept in --home, so a
run that was stopped goes on. Signs are kept. The papers' tables on other spaces have experiments of their own.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

sys.path.append(str(Path(__file__).parents[1]))  # for _common
from _common import DATASETS, GREY, data_options, markdown, prepare, say
from _papers import (
    EXPONENTS,
    FIGURES,
    GRADIENT,
    SHORT,
    TABLE_1,
    TABLE_1_EPSILON,
    TABLE_6,
    TABLE_6_EPSILON,
    TABLE_7,
    TABLE_8_EPSILON,
    TABLE_9,
    TABLE_10,
    TABLE_11,
    TABLE_12,
    TABLE_13,
    VOTE,
)

from nassearch.benchmarks.batches import synthetic_batch
from nassearch.benchmarks.nasbench201 import NASBench201Benchmark
from nassearch.proxies.epsilon import distance, outputs
from nassearch.reports.correlate import correlate, draw_distinct
from nassearch.reports.correlation import Correlation
from nassearch.scorers import build_scorer
from nassearch.scorers.combinations import pair_accuracy, vote
from nassearch.statistics.intervals import Estimate, Resampling, judge
from nassearch.types import Floats

CHEAP = ("synflow", "epsilon", "params", "flops")
PAIRS_OF = ("synflow", "jacob_cov", "snip")
PAPERS = {"epsilon": "the epsilon paper", "zero-cost": '"Zero-cost proxies for lightweight NAS"'}
ELSEWHERE = {
    "epsilon/2": "on NAS-Bench-101: experiments/papers/nasbench101.py --only proxies",
    "epsilon/3": "on NAS-Bench-NLP: experiments/papers/nasbench_nlp.py",
    "epsilon/5": "on NAS-Bench-NLP: experiments/papers/nasbench_nlp.py --ablations",
    "epsilon/7": "on NAS-Bench-101: experiments/papers/nasbench101.py --only weights",
    "epsilon/9": "on NAS-Bench-NLP: experiments/papers/nasbench_nlp.py --ablations",
    "zero-cost/2": "on NAS-Bench-101 and NLP, with those two commands; on NAS-Bench-ASR it needs the released table",
    "zero-cost/4": "on NAS-Bench-101: experiments/papers/nasbench101.py --only searches",
    "zero-cost/5": "on NAS-Bench-ASR, and needs its released table",
    "zero-cost/8": "of reduced training, which is not here",
}
"""Tables that are not of NAS-Bench-201; tables 6, 7 and 9 to 13 of "Zero-cost proxies" have rows of NAS-Bench-101 in its own experiment."""


class Tables:
    """Makes the tables, each comparison once."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        self.compared = cache(self._compared)

    def _compared(self, dataset: str, cheap: bool, metric: str, around: int) -> Correlation:
        """Compare the cheap proxies on the whole space, or those with gradients on a sample."""
        say(
            f"{dataset}: {'cheap' if cheap else 'gradient'} proxies against {metric}, {around} neighbourhoods"
        )
        gradients = tuple(name for name in GRADIENT if name != "synflow")
        return correlate(
            "nasbench201",
            CHEAP if cheap else gradients,
            dataset=dataset,
            sample=self.args.cheap_sample if cheap else self.args.sample,
            seed=self.args.seed,
            batch="grey" if cheap and dataset == GREY else None,
            metric=metric,
            neighbourhoods=around,
            draws=self.args.draws,
            workers=self.args.workers,
            watch=lambda title: (
                lambda done, total: say(f"  {title} {done}/{total}") if done == total else None
            ),
        )

    def figures(
        self, dataset: str, proxy: str, metric: str = "test", local: bool = False
    ) -> dict[str, Estimate] | None:
        """Return the figures of a proxy, NaN left out, with those of its coverage; None where there are no images."""
        cheap = proxy in CHEAP
        if not cheap and not has_images(dataset):
            return None
        around = (self.args.cheap_neighbourhoods if cheap else self.args.neighbourhoods) if local else 0
        found = self.compared(dataset, cheap, metric, around)
        (report,) = [report for report in found.reports if report.proxy == proxy]
        return {**report.figures["dropped"], "coverage": report.coverage}

    def by_proxy(
        self, figure: str, papers: Mapping[str, Sequence[float]], metric: str = "test", local: bool = False
    ) -> str:
        """Return a table with a row per data set and a column per proxy of "Zero-cost proxies"."""
        rows = []
        for dataset in self.args.datasets:
            row = [dataset]
            for proxy, paper in zip(GRADIENT, papers[dataset], strict=True):
                found = self.figures(dataset, proxy, metric, local)
                row.append(beside(found[figure] if found else None, paper))
            rows.append(row)
        return markdown(["data set", *GRADIENT], rows) + self.samples(local)

    def samples(self, local: bool = False) -> str:
        args = self.args
        many = "the whole space" if args.cheap_sample is None else f"{args.cheap_sample} architectures"
        text = f"\nours [95 % interval] (paper). synflow, epsilon, params, flops: {many}"
        text += f", {args.cheap_neighbourhoods} neighbourhoods" if local else ""
        text += f"; the others: {args.sample} random architectures"
        text += f", {args.neighbourhoods} neighbourhoods" if local else ""
        return text + f", seed {args.seed}. Architectures without a score are left out.\n"

    def zero_cost_1(self) -> str:
        """zero-cost/1: Spearman's rho, and of vote the share of pairs in the right order."""
        rows = []
        for dataset in self.args.datasets:
            if has_images(dataset):
                rows.append([dataset, *self.vote(dataset), f"{VOTE[dataset]:.2f}"])
        vote = markdown(["data set", "pairs that the majority orders rightly", "rho of vote", "paper"], rows)
        return self.by_proxy("rho", TABLE_1) + "\n" + (vote if rows else "")

    def vote(self, dataset: str) -> tuple[str, str]:
        """Return both readings of vote on the sample: pairs ordered rightly, and rho of the number of pairs won."""
        found = self.compared(dataset, False, "test", 0)
        benchmark = NASBench201Benchmark.open(dataset)
        synflow = build_scorer("synflow", benchmark.space, benchmark.dataset.task)(found.archs)
        scores = {"synflow": synflow, **{report.proxy: report.scores for report in found.reports}}
        parts = np.stack([scores[name] for name in PAIRS_OF])
        wins = np.asarray(vote.function(parts, parts))
        return f"{pair_accuracy(parts, found.accuracies):.3f}", beside(
            judge(wins, found.accuracies, self.how)["rho"], None
        )

    @property
    def how(self) -> Resampling:
        return Resampling(self.args.draws, seed=self.args.seed)

    def zero_cost_6(self) -> str:
        """zero-cost/6: top 5 % models among the 64 best scored by synflow."""
        return self.of_synflow("top_count", TABLE_6, "test", False)

    def zero_cost_7(self) -> str:
        """zero-cost/7: how often synflow finds the best of a neighbourhood, by validation accuracy."""
        return self.of_synflow("best_child", TABLE_7, "valid", True)

    def of_synflow(self, figure: str, papers: Mapping[str, float], metric: str, local: bool) -> str:
        rows = []
        for dataset in self.args.datasets:
            found = self.figures(dataset, "synflow", metric, local)
            assert found is not None
            chance = [beside(found["chance"], None)] if local else []
            rows.append([dataset, beside(found[figure], papers[dataset]), *chance])
        head = ["data set", figure, *(["chance, 0.04 in the paper"] if local else [])]
        return markdown(head, rows) + self.samples(local)

    def epsilon_1(self) -> str:
        """epsilon/1: six figures of every proxy."""
        text = ""
        for dataset in self.args.datasets:
            rows = []
            for proxy, papers in TABLE_1_EPSILON[dataset].items():
                found = self.figures(dataset, proxy)
                cells = [
                    beside(found[name] if found else None, p) for name, p in zip(FIGURES, papers, strict=True)
                ]
                rows.append([proxy, beside(found["coverage"] if found else None, None), *cells])
            text += f"{dataset}\n\n" + markdown(["proxy", "coverage", *SHORT], rows) + "\n"
        return text + self.samples()

    def epsilon_6(self) -> str:
        """epsilon/6: epsilon on synthetic batches of CIFAR-10."""
        benchmark, archs, accuracies = self.drawn()
        rows = []
        for kind, papers in TABLE_6_EPSILON.items():
            task = benchmark.dataset.task
            batch = benchmark.batch() if kind == "real data" else synthetic_batch(kind, task)
            say(f"epsilon, {kind}")
            scorer = build_scorer(
                "epsilon", benchmark.space, task, batch, workers=self.args.workers, cache=self.scores_file
            )
            scores = scorer(archs)
            rows.append([kind, *self.row(scores, accuracies, papers)])
        return markdown(["batch", "scored", *SHORT], rows) + self.stated(len(archs))

    def epsilon_8(self) -> str:
        """epsilon/8: every pair of weights; one forward pass per weight serves all its pairs."""
        benchmark, archs, accuracies = self.drawn()
        batch = benchmark.batch()
        assert batch is not None
        weights = [10.0**k for k in EXPONENTS]
        by_key: dict[str, Floats] = {}
        for number, arch in enumerate(archs):
            if benchmark.space.key(arch) not in by_key:
                network = benchmark.space.network(
                    benchmark.space.representative(arch), benchmark.dataset.task
                )
                by_key[benchmark.space.key(arch)] = outputs([network], batch.inputs, weights, "collapsed")[0]
            if (number + 1) % 500 == 0:
                say(f"  {number + 1}/{len(archs)}")
        row_of = [by_key[benchmark.space.key(arch)] for arch in archs]
        rows = []
        for (low, high), (paper_scored, *papers) in TABLE_8_EPSILON.items():
            pair = [low - EXPONENTS[0], high - EXPONENTS[0]]
            scores = np.array([distance(each[pair]) for each in row_of])
            cells = self.row(scores, accuracies, papers)
            cells[0] += f" ({paper_scored / 5000:.1%})"
            rows.append([f"1e{low}, 1e{high}", *cells])
        return markdown(["weights", "scored", *SHORT], rows) + self.stated(len(archs))

    def drawn(self) -> tuple[NASBench201Benchmark, list[Any], Floats]:
        """Return CIFAR-10, the random architectures of the ablations and their accuracies."""
        benchmark = NASBench201Benchmark.open("cifar10")
        archs = draw_distinct(benchmark.space, self.args.ablation, self.args.seed)
        return benchmark, archs, np.array([benchmark.expected(arch).test for arch in archs])

    def row(self, scores: Floats, accuracies: Floats, papers: Sequence[float]) -> list[str]:
        found = judge(scores, accuracies, self.how)
        share = f"{np.mean(~np.isnan(scores)):.1%}"
        return [share, *(beside(found[name], p) for name, p in zip(FIGURES, papers, strict=True))]

    def stated(self, count: int) -> str:
        return f"\nours [95 % interval] (paper), {count} random architectures of CIFAR-10 (paper: 5,000).\n"

    @property
    def scores_file(self) -> Path:
        from nassearch.files.data_folder import data_dir

        return data_dir() / "scores.sqlite"

    def all(self) -> dict[str, Callable[[], str]]:
        """Return what makes each table, by paper and number."""
        return {
            "epsilon/1": self.epsilon_1,
            "epsilon/6": self.epsilon_6,
            "epsilon/8": self.epsilon_8,
            "zero-cost/1": self.zero_cost_1,
            "zero-cost/6": self.zero_cost_6,
            "zero-cost/7": self.zero_cost_7,
            "zero-cost/9": lambda: self.by_proxy("rho_top", TABLE_9),
            "zero-cost/10": lambda: self.by_proxy("top_overlap", TABLE_10),
            "zero-cost/11": lambda: self.by_proxy("top_count", TABLE_11),
            "zero-cost/12": lambda: self.by_proxy("local_rho", TABLE_12, local=True),
            "zero-cost/13": lambda: self.by_proxy("best_child", TABLE_13, "valid", local=True),
        }


def has_images(dataset: str) -> bool:
    """Say whether proxies with gradients, which need images and labels, can be computed."""
    batch = NASBench201Benchmark.find_batch(dataset)
    return batch is not None and batch.labels is not None


def beside(found: Estimate | None, paper: float | None) -> str:
    """Return ours with its interval, and the paper's figure in brackets."""
    digits = 0 if isinstance(paper, int) else 2  # counts are whole numbers
    ours = "no images"
    if found is not None:
        value, low, high = (f"{number:.{digits}f}" for number in found)
        ours = f"{value} [{low}, {high}]"
    return ours if paper is None else f"{ours} ({paper:.{digits}f})"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    data_options(parser)
    tables = Tables(argparse.Namespace()).all()
    parser.add_argument("--only", nargs="+", default=list(tables), metavar="PAPER/TABLE")
    parser.add_argument("--datasets", nargs="+", choices=DATASETS, default=list(DATASETS))
    parser.add_argument("--sample", type=int, default=1000, help="architectures for proxies with gradients")
    parser.add_argument("--neighbourhoods", type=int, default=20, help="for proxies with gradients")
    parser.add_argument("--cheap-sample", type=int, help="architectures for the others; default: all")
    parser.add_argument("--cheap-neighbourhoods", type=int, default=1000)
    parser.add_argument(
        "--ablation", type=int, default=5000, help="architectures for epsilon/6 and epsilon/8"
    )
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--out", type=Path, help="write the tables here too, as OUT.md")
    args = parser.parse_args()
    for name in args.only:
        if name in ELSEWHERE:
            parser.error(f"table {name} is {ELSEWHERE[name]}")
        if name not in tables:
            parser.error(f"no table {name}: there are {', '.join(tables)}")
    prepare(args.data, args.home)
    maker, text = Tables(args), ""
    for name in args.only:
        say(name)
        paper, number = name.split("/")
        text += (part := f"### Table {number} of {PAPERS[paper]}\n\n{maker.all()[name]()}\n")
        print(part, flush=True)
        if args.out is not None:
            args.out.parent.mkdir(parents=True, exist_ok=True)
            args.out.with_suffix(".md").write_text(text)


if __name__ == "__main__":
    main()
