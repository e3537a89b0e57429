"""Epsilon of all NAS-Bench-201 on a GPU: time, and equality with the processor where scores are NaN.

    python experiments/speed/gpu.py --data FOLDER [--device cuda] [--quick]

The 4,930 architectures of different keys, batch of 256 CIFAR-10 images, `epsilon(path=torch, device=cuda)` in one process,
against `path=compiled` on the processor in the same run. There is no product of matrices in it, so TF32 plays no part (it is
switched off all the same), and CUDA keeps denormals. `--device cpu --quick` shows that the command works where there is no GPU.
"""

from __future__ import annotations

import argparse
import time

import _measure  # noqa: F401 - puts the folder of _common on the path
import numpy as np
import torch
from epsilon import CORES, SPACE, TASK, compared, unique

from nassearch.benchmarks.nasbench201 import NASBench201Benchmark
from nassearch.proxies.epsilon import epsilon
from nassearch.scorers import ProxyScorer
from nassearch.scorers.open import open_batch


def main() -> None:
    from _common import data_options, prepare

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    data_options(parser)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--quick", action="store_true", help="64 architectures")
    args = parser.parse_args()
    prepare(args.data, args.home)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    archs = unique()[: 64 if args.quick else None]
    batch = open_batch(None, NASBench201Benchmark, "cifar10", "epsilon")

    def scores(options: dict[str, str], workers: int) -> tuple[np.ndarray, float]:
        ProxyScorer(epsilon, SPACE, TASK, batch, options, workers=workers)(archs[:40])  # starts and compiles
        scorer = ProxyScorer(epsilon, SPACE, TASK, batch, options, workers=workers)
        start = time.perf_counter()
        found = scorer(archs)
        return found, time.perf_counter() - start

    there, seconds = scores({"path": "torch", "device": args.device}, 1)
    here, own = scores({"path": "compiled"}, CORES)
    name = torch.cuda.get_device_name(args.device) if args.device.startswith("cuda") else args.device
    print(f"{name}: {seconds:.1f} s; {CORES} cores, compiled: {own:.1f} s")
    print(compared(there, here))


if __name__ == "__main__":
    main()
