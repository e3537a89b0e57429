"""Why gradient proxies rank NAS-Bench-201 otherwise here than in table 1 of arXiv 2101.08134.

    python experiments/papers/gaps.py --data FOLDER --out results --sample 1000 --workers 2

Three answers, each a table over the same random architectures:

1. Which accuracy. The released code ranks the networks of `cifar10-valid`, trained on half of CIFAR-10, and ours ranks those
   of `cifar10`. Both columns are printed, with the validation accuracy of the former standing in for its test accuracy.
2. Fisher. The released cells have convolutions with a bias. One that reads only zeros (behind a `none`) then gives a constant;
   the batch norm after it divides by sqrt(1e-5), and its gradient is 300 times too large. Rows with such biases, and with the
   biases on all but those convolutions, show that nothing else moves. `fisher` here is that without biases.
3. What is drawn anew for each architecture. The released code draws weights and an augmented batch for each; here all share one.

The last table says how far each proxy agrees with itself under another seed: what no port can be expected to exceed. Scores are
kept in --home, row by row.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

sys.path.append(str(Path(__file__).parents[1]))  # for _common
from _common import data_options, markdown, prepare, say

from nassearch import registry
from nassearch.benchmarks.nasbench201 import NASBench201Benchmark
from nassearch.benchmarks.read.images import NORMALISATION
from nassearch.networks.graph import Block, Network, live_positions
from nassearch.networks.modules.initialise import initialised
from nassearch.networks.modules.network import TorchNetwork
from nassearch.networks.probe.passes import read_model
from nassearch.scorers import build_scorer
from nassearch.statistics.correlation import spearman
from nassearch.statistics.intervals import Estimate, Resampling, judge
from nassearch.types import Arch, Batch
from nassearch.workers.spread import in_order

SPACE, TASK = NASBench201Benchmark.make_space(), NASBench201Benchmark.datasets()["cifar10"].task
PROXIES = ("grad_norm", "snip", "grasp", "fisher", "jacob_cov", "plain", "l2_norm")
PAPER = (0.58, 0.58, 0.48, 0.36, 0.73, None, None, 0.74)
SIZE = 64
EXAMPLE = "|none~0|+|none~0|none~1|+|avg_pool_3x3~0|nor_conv_3x3~1|avg_pool_3x3~2|"


class Row(NamedTuple):
    """One way of scoring: by what, seed of all, what each architecture draws anew, which convolutions of cells have a bias."""

    label: str
    proxies: tuple[str, ...] = PROXIES
    seed: int = 0
    weights: bool = False
    batch: bool = False
    augment: bool = False
    bias: str = "none"


ROWS = (
    Row("one seed, one batch"),
    Row("biases on the cells' convolutions, as released", ("fisher",), bias="all"),
    Row("biases on those that read more than zeros", ("fisher",), bias="live"),
    Row("another seed", seed=1),
    Row("a seed each", weights=True),
    Row("a seed and a batch each", weights=True, batch=True),
    Row("the same, augmented", weights=True, batch=True, augment=True),
)
OURS, OTHER = ROWS[0], ROWS[3]


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


def reads_zeros(block: Block) -> set[int]:
    """Return the convolutions that read nothing but zeros and that the block's output reads."""
    empty: set[int] = set()
    for position, layer in enumerate(block):
        if layer.op == "zeros" or (layer.inputs and empty.issuperset(layer.inputs)):
            empty.add(position)
    return {
        position for position in empty.intersection(live_positions(block)) if block[position].op == "conv"
    }


def cells(network: Network) -> list[int]:
    """Return the places of the cells among the blocks."""
    repeats = [count for _, count in network.chain for _ in range(count)]
    return [place for place, count in enumerate(repeats) if count == TASK.cells]


def add_biases(model: TorchNetwork, network: Network, which: str, seed: int) -> None:
    """Give convolutions of cells the bias that PyTorch draws by default."""
    generator, blocks = torch.Generator().manual_seed(seed), list(network.blocks())
    for place in cells(network):
        for position, layer in enumerate(blocks[place]):
            if layer.op == "conv":
                conv = model.blocks[place].layers[position]
                bound = conv.weight[0].numel() ** -0.5
                drawn = torch.empty(layer.channels).uniform_(-bound, bound, generator=generator)
                if which == "all" or position not in reads_zeros(blocks[place]):
                    conv.bias = torch.nn.Parameter(drawn)


def scores_of(images: np.ndarray, labels: np.ndarray, row: Row, item: tuple[int, Arch]) -> list[float]:
    """Score one architecture in the way of a row."""
    number, arch = item
    batch = batch_of(images, labels, np.random.default_rng([1, number if row.batch else 0]), row.augment)
    seed = number if row.weights else row.seed
    network = SPACE.network(arch, TASK)
    model = initialised(network, seed)
    if row.bias != "none":
        add_biases(model, network, row.bias, seed)
    proxies = [registry.load("proxies", name) for name in row.proxies]
    readers = [proxy.reader({}) for proxy in proxies]
    reads = frozenset().union(*(proxy.reads for proxy in proxies))
    found = read_model(model, batch, readers, reads, batch_size=SIZE, seed=seed, owned=True)
    return [float("nan") if isinstance(score, str) else score for score in found]


def read_or_score(
    images: np.ndarray, labels: np.ndarray, row: Row, archs: list[Arch], home: Path, workers: int
) -> np.ndarray:
    """Return the scores of a row `[proxies, N]`, kept in a file of the home folder."""
    kept = home / f"gaps-{re.sub('[^a-z]+', '-', row.label)}-{len(archs)}.npy"
    if kept.exists():
        return np.load(kept)
    start, found = time.time(), []
    for scores in in_order(partial(scores_of, images, labels, row), list(enumerate(archs)), workers):
        found.append(scores)
        if len(found) % 100 == 0:
            say(f"{row.label}: {len(found)} of {len(archs)}, {time.time() - start:.0f} s")
    np.save(kept, np.array(found).T)
    return np.array(found).T


def written(estimate: Estimate) -> str:
    return f"{estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]"


def factor(after: np.ndarray, before: np.ndarray, where: np.ndarray) -> str:
    """Return the median ratio of scores, as text."""
    return f"{np.nanmedian((after / before[: len(after)])[where[: len(after)]]):.3g}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    data_options(parser)
    parser.add_argument("--out", type=Path, default=Path("results"))
    parser.add_argument("--sample", type=int, default=1000, help="random architectures")
    parser.add_argument("--few", type=int, default=200, help="of them for rows after the first two")
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    home = prepare(args.data, args.home)
    oracle = NASBench201Benchmark.open("cifar10")
    archs = list(dict.fromkeys(SPACE.sample_many(2 * args.sample, np.random.default_rng(0))))[: args.sample]
    accuracy = {
        "cifar10, test": np.array([oracle.expected(arch).test for arch in archs]),
        "cifar10-valid, validation": np.array([oracle.expected(arch).valid for arch in archs]),
    }
    with np.load(args.data / "images" / "cifar10.npz") as arrays:
        images, labels = arrays["x_train"], arrays["y_train"]

    found: dict[Row, np.ndarray] = {}
    for number, row in enumerate(ROWS):
        some = archs[: len(archs) if number < 2 else args.few]
        found[row] = read_or_score(images, labels, row, some, home, args.workers)
    text = [
        f"{len(archs)} random architectures, CIFAR-10, {SIZE} images, architectures without a score left out.\n"
    ]

    columns = [*found[OURS], build_scorer("synflow", SPACE, TASK)(archs)]
    table: list[list[object]] = []
    for label, reached in accuracy.items():
        table.append([label, *(written(judge(scores, reached, Resampling())["rho"]) for scores in columns)])
    table.append(["paper, table 1", *("" if value is None else value for value in PAPER)])
    text += ["Spearman's rho with the accuracy of:\n", markdown(["accuracy", *PROXIES, "synflow"], table)]

    table = []
    for row in ROWS[:2]:
        scores = found[row][row.proxies.index("fisher")]
        figures = [judge(scores, reached, Resampling()) for reached in accuracy.values()]
        table.append(
            [row.label, *(written(figure[name]) for figure in figures for name in ("rho", "rho_top"))]
        )
    table.append(
        ["paper, table 1 and, within the top 10 %, table 1 of arXiv 2302.04406", 0.36, -0.38, "", ""]
    )
    head = [f"{name}, {label}" for label in accuracy for name in ("rho", "rho in the top 10 %")]
    text += ["\nFisher:\n", markdown(["scored with", *head], table)]
    several = {arch for arch in SPACE.all() if any(map(reads_zeros, SPACE.network(arch, TASK).blocks()))}
    reading = np.array([arch in several for arch in archs])
    ours, biased, live = (found[row][row.proxies.index("fisher")] for row in ROWS[:3])
    text.append(
        f"\n{len(several)} of {SPACE.size} architectures have a convolution that reads only zeros, {reading.sum()} of these. Biases multiply their "
        f"fisher by {factor(biased, ours, reading)} in the median, that of the others by {factor(biased, ours, ~reading)}; on the first {args.few} of "
        f"all, biases on the other convolutions alone by {factor(live, ours, reading)} and {factor(live, ours, ~reading)}.\n"
    )
    one = [
        scores_of(images, labels, row, (0, SPACE.parse(EXAMPLE)))[row.proxies.index("fisher")]
        for row in ROWS[:3]
    ]
    text.append(
        f"`{EXAMPLE}`: "
        + "; ".join(f"{row.label}: {x:.3g}" for row, x in zip(ROWS, one, strict=False))
        + ".\n"
    )

    few = accuracy["cifar10, test"][: args.few]
    table = [
        [row.label, *(written(judge(s[: args.few], few, Resampling())["rho"]) for s in found[row])]
        for row in (OURS, *ROWS[3:])
    ]
    text += [
        f"\nThe first {args.few} of them, rho with the test accuracy of cifar10, by what is drawn for each:\n",
        markdown(["scored with", *PROXIES], table),
    ]
    agreement = [spearman(a[: args.few], b).value for a, b in zip(found[OURS], found[OTHER], strict=True)]
    text += [
        "\nEach proxy against itself under another seed:\n",
        markdown(["", *PROXIES], [["rho", *agreement]]),
    ]
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "gaps.md").write_text("\n".join(text))
    print("\n".join(text))


if __name__ == "__main__":
    main()
