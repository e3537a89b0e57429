"""How far scores that pass a torch model, and searches by bp, move on another make of processor, and whether ranks do.

    python experiments/stress/processors.py [--sample 30] [--batch-size 16]

Scores every built-in proxy on random architectures of NAS-Bench-201 with the signals of the embedded benchmark, in a
process that is left alone and in others that OpenBLAS, numpy, torch and MKL are told to be of another make. For each:
how many scores differ, the largest relative difference, and how many pairs of architectures change their order.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[1]))  # for _common
from _common import markdown, say

from nassearch import Experiment, registry
from nassearch.benchmarks.batches import synthetic_batch
from nassearch.benchmarks.nasbench201 import MNIST1D_TASK, NASBench201Benchmark
from nassearch.scorers import build_scorer
from nassearch.types import Batch

OTHERS = {
    "kernels of 2008": {
        "OPENBLAS_CORETYPE": "Nehalem",
        "ATEN_CPU_CAPABILITY": "default",
        "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
        "ONEDNN_MAX_CPU_ISA": "SSE41",
    },
    "kernels of 2013": {
        "OPENBLAS_CORETYPE": "Haswell",
        "ATEN_CPU_CAPABILITY": "avx2",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
    },
    "2 threads": {"OMP_NUM_THREADS": "2"},
}


def compute(sample: int, batch_size: int) -> dict[str, list[float]]:
    """Return scores by proxy, and what a short search by bp trained, round by round."""
    space = NASBench201Benchmark.make_space()
    rng = np.random.default_rng(0)
    archs = space.sample_many(sample, rng)
    inputs = synthetic_batch("normal", MNIST1D_TASK, batch_size).inputs
    batch = Batch(inputs, rng.integers(0, MNIST1D_TASK.classes, batch_size))
    found = {}
    for name in registry.BUILT_IN["proxies"]:
        options = {"batch_size": batch_size} if "batch_size" in registry.load("proxies", name).options else {}
        spec = f"{name}(batch_size={batch_size})" if options else name
        found[name] = build_scorer(spec, space, MNIST1D_TASK, batch)(archs).tolist()
    outcome = Experiment("bp", rounds=2, budget=60, scorer="synflow", warmup=100).run()
    found["bp: test accuracy of each model"] = np.concatenate([r.test for r in outcome.rounds]).tolist()
    return found


def away(found: np.ndarray, expected: np.ndarray) -> list[str]:
    """Return how many numbers differ, how far at most, and how many pairs are in another order."""
    differ = ~((found == expected) | (np.isnan(found) & np.isnan(expected)))
    with np.errstate(all="ignore"):
        relative = np.nanmax(np.abs(found - expected) / np.abs(expected), initial=0.0, where=differ)
    orders = [np.sign(np.subtract.outer(x, x)) for x in (found, expected)]
    known = ~np.isnan(orders[0]) & ~np.isnan(orders[1])
    pairs = int(((orders[0] != orders[1]) & known).sum()) // 2
    return [f"{differ.sum()} of {len(found)}", f"{relative:.0e}" if differ.any() else "0", str(pairs)]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sample", type=int, default=30, help="architectures")
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--one", action="store_true", help="print the scores of this process as JSON")
    args = parser.parse_args()
    if args.one:
        warnings.simplefilter("ignore")  # of architectures that cannot be scored
        print(json.dumps(compute(args.sample, args.batch_size)))
        return
    command = [sys.executable, __file__, *sys.argv[1:], "--one"]
    found = {}
    for name, switches in {"alone": {}, **OTHERS}.items():
        with tempfile.TemporaryDirectory() as home:
            env = {**os.environ, "OMP_NUM_THREADS": "1", "NASSEARCH_DATA": home, **switches}
            run = subprocess.run(command, env=env, stdout=subprocess.PIPE, check=True)
        found[name] = {key: np.array(values, np.float64) for key, values in json.loads(run.stdout).items()}
    expected = found.pop("alone")
    head = ["proxy", *(f"{name}: {what}" for name in found for what in ("differ", "at most", "pairs"))]
    rows = [
        [key, *(cell for f in found.values() for cell in away(f[key], expected[key]))] for key in expected
    ]
    say(markdown(head, rows))


if __name__ == "__main__":
    main()
