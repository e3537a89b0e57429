"""Scores of NAS-Bench-201 against accuracies and against the scores that others released.

    python experiments/papers/scores_nasbench201.py --data FOLDER --out results/scores

FOLDER holds `nasbench201/nasbench201.csv.gz` (accuracies), `nasbench201/reference_scores.csv.gz` (released scores) and
`images/cifar10.npz` (uint8 images). The table is printed and written as OUT.md and OUT.json.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import platform
import time
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import kendalltau, spearmanr

from nassearch.proxies.epsilon import epsilon
from nassearch.scorers import build_scorer
from nassearch.spaces.nasbench201 import NASBench201
from nassearch.types import Batch, Task

TASKS = {
    "cifar10": Task((3, 32, 32), 10),
    "cifar100": Task((3, 32, 32), 100),
    "ImageNet16-120": Task((3, 16, 16), 120),
}
CIFAR10_MEAN, CIFAR10_STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
REFERENCE, NASWOT = 3000, 60
"""Architectures with released scores, and how many of them naswot is computed for."""


def read(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", newline="") as file:
        return list(csv.DictReader(file))


def cifar10_batch(path: Path, size: int) -> Batch:
    """Return the first images, normalised: float32 `[size, 3, 32, 32]`."""
    with np.load(path) as arrays:
        images, labels = arrays["x_train"][:size], arrays["y_train"][:size]
    x = (images.astype(np.float32) / 255 - np.float32(CIFAR10_MEAN)) / np.float32(CIFAR10_STD)
    return Batch(np.ascontiguousarray(x.transpose(0, 3, 1, 2)), labels.astype(np.int64))


def agreement(scores: np.ndarray, accuracy: np.ndarray) -> dict[str, float]:
    """Return coverage, and the rank correlations with NaN dropped and with NaN as 0."""
    scored, zeroed = ~np.isnan(scores), np.nan_to_num(scores, nan=0.0)
    return {
        "architectures": len(scores),
        "coverage": float(scored.mean()),
        "rho": float(spearmanr(scores[scored], accuracy[scored])[0]),
        "tau": float(kendalltau(scores[scored], accuracy[scored])[0]),
        "rho_nan_as_0": float(spearmanr(zeroed, accuracy)[0]),
        "tau_nan_as_0": float(kendalltau(zeroed, accuracy)[0]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the real data")
    parser.add_argument("--out", type=Path, required=True, help="where to write, without suffix")
    parser.add_argument("--sample", type=int, default=1500, help="random architectures for epsilon")
    parser.add_argument("--full", type=int, default=4, help="architectures timed on the full-width path")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--cache", type=Path, help="score cache; timings then are those of what is not in it")
    args = parser.parse_args()

    space = NASBench201()
    rows = read(args.data / "nasbench201" / "nasbench201.csv.gz")
    archs = [space.parse(row["arch"]) for row in rows]
    accuracy = {name: np.array([float(row[f"{name}/test/200"]) for row in rows]) for name in TASKS}
    figures: dict[str, Any] = {"workers": args.workers, "python": platform.python_version()}
    common = {"workers": args.workers, "cache": args.cache}

    for name, task in TASKS.items():
        for proxy in ("synflow", "params", "flops"):
            start = time.perf_counter()
            scores = build_scorer(proxy, space, task, **common)(archs)
            seconds = time.perf_counter() - start
            figures[f"{proxy}, {name}, all"] = {**agreement(scores, accuracy[name]), "seconds": seconds}

    batch = cifar10_batch(args.data / "images" / "cifar10.npz", 256)
    scorer = build_scorer("epsilon", space, TASKS["cifar10"], batch, **common)
    index = {arch: row for row, arch in enumerate(archs)}
    draws = space.sample_many(args.sample, np.random.default_rng(0))
    for label, chosen in (("random", draws), ("indices 0-2999", archs[:REFERENCE])):
        start = time.perf_counter()
        scores = scorer(chosen)
        seconds = time.perf_counter() - start
        reached = accuracy["cifar10"][[index[arch] for arch in chosen]]
        figures[f"epsilon, cifar10, {label}"] = {**agreement(scores, reached), "seconds": seconds}

    released = read(args.data / "nasbench201" / "reference_scores.csv.gz")[:REFERENCE]
    theirs = np.array([float(row["cifar10_epsilon"] or "nan") for row in released])
    both = ~np.isnan(scores) & ~np.isnan(theirs)
    figures["epsilon against the authors' own"] = {
        "architectures": REFERENCE,
        "nan_pattern_equal": int((np.isnan(scores) == np.isnan(theirs)).sum()),
        "rho": float(spearmanr(scores[both], theirs[both])[0]),
    }
    for name in ("cifar10", "cifar100"):
        theirs = np.array([float(row[f"{name}_synflow"] or "nan") for row in released])
        ours = build_scorer("synflow", space, TASKS[name], **common)(archs[:REFERENCE])
        figures[f"synflow against released, {name}"] = {"rho": float(spearmanr(ours, theirs)[0])}

    theirs = np.array([float(row["cifar10_naswot"] or "nan") for row in released])
    figures["released naswot, cifar10, indices 0-2999"] = agreement(theirs, accuracy["cifar10"][:REFERENCE])
    picked = np.random.default_rng(3).choice(REFERENCE, NASWOT, replace=False)
    ours = build_scorer("naswot(batch_size=64)", space, TASKS["cifar10"], batch, **common)(
        [archs[i] for i in picked]
    )
    both = np.isfinite(ours) & np.isfinite(theirs[picked])
    figures["naswot against released, cifar10"] = {
        "architectures": int(both.sum()),
        "rho": float(spearmanr(ours[both], theirs[picked][both])[0]),
    }

    figures["epsilon, seconds per architecture"] = timings(space, draws[: args.full], batch)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.with_suffix(".json").write_text(json.dumps(figures, indent=1) + "\n")
    text = table(figures)
    args.out.with_suffix(".md").write_text(text)
    print(text)


def timings(space: NASBench201, archs: list[Any], batch: Batch) -> dict[str, Any]:
    """Time both paths of epsilon on the same architectures, in this process, after one warm-up each."""
    networks = [space.network(arch, TASKS["cifar10"]) for arch in archs]
    seconds = {}
    for path in ("collapsed", "full"):
        epsilon(networks[:1], batch, weights=(1e-7, 1.0), path=path)
        start = time.perf_counter()
        for network in networks:
            epsilon([network], batch, weights=(1e-7, 1.0), path=path)
        seconds[path] = (time.perf_counter() - start) / len(networks)
    import torch

    return {
        **seconds,
        "ratio": seconds["full"] / seconds["collapsed"],
        "torch_threads": torch.get_num_threads(),
    }


def table(figures: dict[str, Any]) -> str:
    """Write the figures as Markdown, four digits each."""
    lines = ["| what | figures |", "|---|---|"]
    for name, value in figures.items():
        if isinstance(value, dict):
            value = ", ".join(
                f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in value.items()
            )
        lines.append(f"| {name} | {value} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
