"""How often the intervals of `nassearch correlate` hold the truth: samples of a whole space, whose figures are known.

    python experiments/papers/check_intervals.py [--repeats 400] [--sizes 200 1000]

The truth is that of all 15,625 cells on the embedded benchmark; each repeat draws a sample of them with replacement and asks
whether the 95 % interval holds it. Chance moves a share of 400 by 1.1 points (one standard deviation at .95).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parents[1]))  # for _common
from _common import markdown

from nassearch.benchmarks.nasbench201 import NASBench201Benchmark
from nassearch.scorers import build_scorer
from nassearch.statistics.intervals import Resampling, judge

PROXIES = ("synflow", "params")
SHOWN = ("rho", "rho_top", "tau", "tau_top", "top_overlap", "monotonicity", "monotonicity_above")
"""What does not depend on the size of the sample, and has a value for both."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=400)
    parser.add_argument("--sizes", type=int, nargs="+", default=[200, 1000])
    args = parser.parse_args()
    oracle = NASBench201Benchmark.open("mnist1d")
    archs = list(oracle.space.all())
    reached = np.array([oracle.expected(arch).test for arch in archs])
    rows = []
    for proxy in PROXIES:
        scores = build_scorer(proxy, oracle.space, oracle.dataset.task)(archs)
        truth = judge(scores, reached, Resampling(2))
        for size in args.sizes:
            held = {name: 0 for name in truth}
            for repeat in range(args.repeats):
                picks = np.random.default_rng([size, repeat]).integers(len(archs), size=size)
                for name, found in judge(scores[picks], reached[picks], Resampling(seed=repeat)).items():
                    held[name] += found.low <= truth[name].value <= found.high
            rows.append([proxy, str(size), *(f"{held[name] / args.repeats:.3f}" for name in SHOWN)])
    print(markdown(["proxy", "sample", *SHOWN], rows))


if __name__ == "__main__":
    main()
