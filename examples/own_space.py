"""A space of your own in PyTorch: scored, searched by trainings, and the winner as a file that stands alone.

    python examples/own_space.py --out results/own_space

The data are 240 small images that are generated: stripes that lie, stand or slant.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

import nassearch as ns
from nassearch.benchmarks import TrainedBenchmark
from nassearch.datasets import open_dataset


def conv(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Module:
    layer = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(outputs), nn.ReLU())


class Residual(nn.Module):
    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.body = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x + self.body(x))


choices = {
    "depth": [1, 2, 3],
    "width": [8, 16, 24],
    "block": {"plain": {}, "bottleneck": {"expansion": [2, 4]}},  # expansion is there for bottlenecks alone
}


def build(
    depth: int, width: int, block: str, expansion: int = 1, *, classes: int, input_shape: tuple[int, ...]
) -> nn.Module:
    """Return the network of some choices; classes and input_shape are those of the data."""
    inner = width // expansion
    layers = [conv(input_shape[0], width, 3, stride=2)]
    for _ in range(depth):
        plain = [conv(width, width, 3), conv(width, width, 3)]
        bottleneck = [conv(width, inner, 1), conv(inner, inner, 3), conv(inner, width, 1)]
        layers.append(Residual(*(plain if block == "plain" else bottleneck)))
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, classes))


space = (choices, build)  # "own_space:space" is its name for find_network and for every command


def stripes(path: Path, count: int = 240) -> Path:
    rng = np.random.default_rng(0)
    labels = np.arange(count) % 3
    rows, columns = np.mgrid[:12, :12]
    images = rng.normal(128, 60, (count, 12, 12, 3))
    for image, label in zip(images, labels, strict=True):
        place = (rows, columns, rows + columns)[label] + rng.integers(4)
        image += 60 * (place % 4 < 2)[:, :, None]
    np.savez(
        path, x=images.clip(0, 255).astype(np.uint8), y=labels, class_names=["lying", "upright", "slanting"]
    )
    return path


def main(out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    source = stripes(out / "stripes.npz")

    # Scores: what three proxies say of four networks, without training.
    mine = ns.Space(choices, build)
    print(f"{mine.size} architectures")
    bench = TrainedBenchmark(mine, open_dataset(source))
    archs = mine.sample_many(4, np.random.default_rng(0))
    scores = {name: ns.make_scorer(name, bench)(archs) for name in ("params", "synflow(log=true)", "naswot")}
    for place, arch in enumerate(archs):
        print(
            mine.format(arch), *(f"{name} {values[place]:.6g}" for name, values in scores.items()), sep="  "
        )

    # The search trains three networks, the first of them the best of 27 by synflow, and the winner for longer.
    found = ns.find_network(
        source,
        space="own_space:space",
        strategy="ls",
        warmup=27,
        scorer="synflow",
        recipe={"epochs": 5, "batch_size": 32},
        budget=3,
        out=out / "search",
    )
    assert found.winner is not None
    print(f"winner: {found.winner['text']}, {found.winner['params']} parameters")
    print(f"validation {found.winner['valid']:.1f} percent, test {found.winner['test']:.1f} percent")

    # best.py and what lies beside it need neither nassearch nor this file.
    for kind, path in ns.export_network(found, out / "best.py", force=True).files.items():
        print(f"{kind}: {path}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--out", type=Path, default=Path("results/own_space"), help="folder for what it writes"
    )
    main(parser.parse_args().out)
