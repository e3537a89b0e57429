"""Why gradient proxies rank NAS-Bench-201 better here than in table 1 of arXiv 2101.08134.

    python experiments/gaps.py --data FOLDER --out results --sample 150 --workers 2

The released code draws new weights and a new augmented batch for every architecture; here all share one seed and one
batch. The first rows add one of those at a time, on the same architectures, so that differences are the setting's.
The last gives every convolution a bias: nothing behind a batch norm sees it, but fisher looks in front of it. It is a
guess at the released networks, which table 15 there suggests: setting biases to zero moves fisher and nothing else.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

import numpy as np
import torch
from _common import data_options, markdown, prepare, say
from sensitivity import rho

from nassearch import registry
from nassearch.benchmarks.images import NORMALISATION
from nassearch.benchmarks.nasbench201 import NASBench201Benchmark
from nassearch.networks.initialise import initialised
from nassearch.networks.passes import read_model
from nassearch.parallel import in_order
from nassearch.types import Arch, Batch

BIASED = "one seed, one batch, convolutions with a bias"
PROXIES = ("grad_norm", "snip", "grasp", "fisher", "jacob_cov")
PAPER = (0.58, 0.58, 0.48, 0.36, 0.73)
ROWS = ("one seed, one batch", "a seed each", "a seed and a batch each", "the same, augmented", BIASED)
SIZE, DRAWS = 64, 1000
SPACE, TASK = NASBench201Benchmark.make_space(), NASBench201Benchmark.datasets()["cifar10"].task


def batch_of(images: np.ndarray, labels: np.ndarray, rng: np.random.Generator, augment: bool) -> Batch:
    """Draw a batch: random crops of the image padded by 4 and mirror images where it is augmented."""
    picks = rng.choice(len(images), SIZE, replace=False)
    x = images[picks]
    if augment:
        padded = np.pad(x, ((0, 0), (4, 4), (4, 4), (0, 0)))
        places = rng.integers(9, size=(SIZE, 2))
        x = np.stack([p[i : i + 32, j : j + 32] for p, (i, j) in zip(padded, places, strict=True)])
        x = np.where(rng.random(SIZE)[:, None, None, None] < 0.5, x[:, :, ::-1], x)
    mean, std = (np.array(values) for values in NORMALISATION["cifar10"])
    inputs = ((x - mean) / std).transpose(0, 3, 1, 2)
    return Batch(np.ascontiguousarray(inputs, dtype=np.float32), labels[picks].astype(np.int64))


def scores_of(images: np.ndarray, labels: np.ndarray, row: int, item: tuple[int, Arch]) -> list[float]:
    """Score one architecture in the way of a row."""
    number, arch = item
    biased = ROWS[row] == BIASED
    fresh = 0 if biased else row
    rng = np.random.default_rng([1, number if fresh >= 2 else 0])
    batch = batch_of(images, labels, rng, augment=fresh >= 3)
    seed = number if fresh >= 1 else 0
    model = initialised(SPACE.network(arch, TASK), seed)
    if biased:
        generator = torch.Generator().manual_seed(seed)
        for layer in model.modules():
            if isinstance(layer, torch.nn.Conv2d):
                bound = layer.weight[0].numel() ** -0.5
                drawn = torch.empty(layer.out_channels).uniform_(-bound, bound, generator=generator)
                layer.bias = torch.nn.Parameter(drawn)
    proxies = [registry.load("proxies", name) for name in PROXIES]
    readers = [proxy.reader({}) for proxy in proxies]
    reads = frozenset().union(*(proxy.reads for proxy in proxies))
    found = read_model(model, batch, readers, reads, batch_size=SIZE, seed=seed, owned=True)
    return [float("nan") if isinstance(score, str) else score for score in found]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    data_options(parser)
    parser.add_argument("--out", type=Path, default=Path("results"))
    parser.add_argument("--sample", type=int, default=150, help="random architectures")
    parser.add_argument(
        "--rows", type=int, nargs="+", choices=range(len(ROWS)), default=list(range(len(ROWS)))
    )
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    prepare(args.data, args.home)
    oracle = NASBench201Benchmark.open("cifar10")
    archs = SPACE.sample_many(args.sample, np.random.default_rng(0))
    accuracy = np.array([oracle.expected(arch).test for arch in archs])
    with np.load(args.data / "images" / "cifar10.npz") as arrays:
        images, labels = arrays["x_train"], arrays["y_train"]
    picks = np.random.default_rng(0).integers(len(archs), size=(DRAWS, len(archs)))
    table, first = [], None
    for row in args.rows:
        label = ROWS[row]
        work = partial(scores_of, images, labels, row)
        columns = np.array(list(in_order(work, list(enumerate(archs)), args.workers))).T
        say(label)
        columns = np.nan_to_num(columns, nan=-np.inf)
        first = columns if first is None else first
        cells = []
        for scores, before in zip(columns, first, strict=True):
            change = rho(scores[picks], accuracy[picks]) - rho(before[picks], accuracy[picks])
            low, high = np.quantile(change, [0.025, 0.975])
            cells.append(f"{rho(scores[None], accuracy[None])[0]:.3f} ({low:+.3f} to {high:+.3f})")
        table.append([label, *cells])
    table.append(["paper, table 1", *(f"{value:.2f}" for value in PAPER)])
    text = (
        f"{args.sample} random architectures, CIFAR-10, {SIZE} images, architectures without a score last. Spearman's rho; in brackets "
        "the 95 % bootstrap interval of its difference from the first row.\n\n"
        + markdown(["scored with", *PROXIES], table)
    )
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "gaps.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
