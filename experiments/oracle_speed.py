"""Time to open each installed NAS-Bench-201 table, and to query it: python experiments/oracle_speed.py"""

from __future__ import annotations

import time

import numpy as np

from nassearch.benchmarks.nasbench201 import NASBench201Benchmark

QUERIES = 30_000
REPEATS = 7


def main() -> None:
    for name in NASBench201Benchmark.installed():
        opening, asking = [], []
        for _ in range(REPEATS):
            start = time.perf_counter()
            benchmark = NASBench201Benchmark.open(name)
            opening.append(time.perf_counter() - start)
            rng = np.random.default_rng(0)
            archs = benchmark.space.sample_many(QUERIES, rng)
            start = time.perf_counter()
            for arch in archs:
                benchmark.query(arch, rng)
            asking.append((time.perf_counter() - start) / QUERIES)
        print(
            f"{name:16} open {min(opening) * 1e3:6.1f} ms (median {np.median(opening) * 1e3:.1f})   "
            f"query {min(asking) * 1e6:5.2f} us (median {np.median(asking) * 1e6:.2f})"
        )


if __name__ == "__main__":
    main()
