"""How often the intervals of `nassearch correlate` hold the truth: samples of a whole space, whose figures are known.

    python experiments/papers/check_intervals.py [--repeats 400] [--sizes 200 1000] [--tau]

The truth is that of all 15,625 cells on the embedded benchmark; each repeat draws a sample of them with replacement and asks
whether the 95 % interval holds it. Chance moves a share of 400 by 1.1 points (one standard deviation at .95).

--tau compares the ways to an interval of tau: the bootstrap, the infinitesimal jackknife, and the closed form of Fieller,
Hartley and Pearson (1957) for normal pairs, a variance of 0.437 / (n - 4) on Fisher's scale. Times are of one interval.
"""

from __future__ import annotations

import argparse
import sys
import time
from functools import partial
from pathlib import Path
from statistics import NormalDist

import numpy as np

sys.path.append(str(Path(__file__).parents[1]))  # for _common
from _common import markdown

from nassearch.benchmarks.nasbench201 import NASBench201Benchmark
from nassearch.scorers import build_scorer
from nassearch.statistics import intervals
from nassearch.statistics.correlation import ranked, tau_b
from nassearch.statistics.intervals import Estimate, Resampling, judge
from nassearch.statistics.ranks import Ranks
from nassearch.types import Floats

PROXIES = ("synflow", "params")
SHOWN = ("rho", "rho_top", "tau", "tau_top", "top_overlap", "monotonicity", "monotonicity_above")
"""What does not depend on the size of the sample, and has a value for both."""


def closed(x: Ranks, y: Ranks, how: Resampling) -> Estimate:
    """Return tau-b with the interval of Fieller, Hartley and Pearson (1957)."""
    value = tau_b(x, y)
    width = NormalDist().inv_cdf((1 + how.level) / 2) * np.sqrt(0.437 / (len(x) - 4))
    low, high = np.tanh(np.arctanh(value) + np.array([-1, 1]) * width)
    return Estimate(value, float(low), float(high))


def by(exact: int, x: Ranks, y: Ranks, how: Resampling) -> Estimate:
    """Return what `tau` does where up to so many pairs are resampled, and more take the jackknife."""
    kept, intervals.EXACT = intervals.EXACT, exact
    try:
        return intervals.tau(x, y, how)
    finally:
        intervals.EXACT = kept


WAYS = {"bootstrap": partial(by, sys.maxsize), "jackknife": partial(by, 0), "closed form": closed}


def ways(proxy: str, scores: Floats, reached: Floats, size: int, repeats: int) -> list[list[str]]:
    """Return rows of share of intervals that hold the truth, mean width, and median milliseconds."""
    truth, rows = tau_b(*ranked(scores, reached)[:2]), []
    for name, way in WAYS.items():
        if name == "bootstrap" and size > intervals.EXACT:
            continue
        held, widths, times = 0, [], []
        for repeat in range(repeats):
            picks = np.random.default_rng([size, repeat]).integers(len(scores), size=size)
            x, y = ranked(scores[picks], reached[picks])[:2]
            start = time.perf_counter()
            found = way(x, y, Resampling(seed=repeat))
            times.append(time.perf_counter() - start)
            held += found.low <= truth <= found.high
            widths.append(found.high - found.low)
        texts = f"{held / repeats:.3f}", f"{np.mean(widths):.4f}", f"{1000 * np.median(times):.1f}"
        rows.append([proxy, str(size), name, *texts])
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=400)
    parser.add_argument("--sizes", type=int, nargs="+", default=[200, 1000])
    parser.add_argument("--tau", action="store_true", help="the ways to an interval of tau alone")
    args = parser.parse_args()
    oracle = NASBench201Benchmark.open("mnist1d")
    archs = list(oracle.space.all())
    reached = np.array([oracle.expected(arch).test for arch in archs])
    rows = []
    for proxy in PROXIES:
        scores = build_scorer(proxy, oracle.space, oracle.dataset.task)(archs)
        if args.tau:
            for size in args.sizes:
                rows += ways(proxy, scores, reached, size, args.repeats)
            continue
        truth = judge(scores, reached, Resampling(2))
        for size in args.sizes:
            held = {name: 0 for name in truth}
            for repeat in range(args.repeats):
                picks = np.random.default_rng([size, repeat]).integers(len(archs), size=size)
                for name, found in judge(scores[picks], reached[picks], Resampling(seed=repeat)).items():
                    held[name] += found.low <= truth[name].value <= found.high
            rows.append([proxy, str(size), *(f"{held[name] / args.repeats:.3f}" for name in SHOWN)])
    head = ["way", "held", "mean width", "ms"] if args.tau else SHOWN
    print(markdown(["proxy", "sample", *head], rows))


if __name__ == "__main__":
    main()
