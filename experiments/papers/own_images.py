"""An hour on real images: the network that a search finds, beside random ones and a small ResNet.

    python experiments/papers/own_images.py --data FOLDER --out OUT [--hours 1] [--workers 2] [--spaces SPACE ...]

FOLDER holds `images/cifar10.npz`. Of its training images 15 % are the validation part; its test images are the test
part. In each space:

- the search, as `nassearch search images/cifar10.npz --space SPACE --hours 1 --workers 2` does it;
- as many random architectures by the search's recipe, and how each of them answers the test part.

Beside them ResNet-20 (He et al., 2016, section 4.2), for as many seconds as the longest of the winners' final trainings
took, by the recipe of torchvision's references and by that of this package. The first is SGD without Nesterov's step,
rate 0.1 for 256 images, decay 1e-4, no warm-up; only that the rate falls by a cosine in both, and that biases do not
decay. One epoch is timed, on one thread and on as many as there are workers, and as many are trained as the seconds have
room for. Last, if --whole is given, ResNet-20 for as long as a search.

All seconds are by the clock, so run it alone. Run again with the same OUT, it goes on where it was stopped. What is
there by then is written as OUT/own_images.md after each step.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

sys.path.append(str(Path(__file__).parents[1]))  # for _common
from _common import markdown, prepare, say, show

import nassearch as ns
from nassearch.benchmarks import Entry, TrainedBenchmark
from nassearch.datasets import open_dataset
from nassearch.training import Answers, Recipe, Trained, evaluate, train_model

SPACES = ("mobile", "nasbench201")
RECIPES = {
    "torchvision's": Recipe(learning_rate=0.1 * 64 / 256, nesterov=False, weight_decay=1e-4, warmup=0.0),
    "our": Recipe(),
}
HEAD = [
    "network",
    "epochs",
    "seconds of training",
    "parameters",
    "validation",
    "test",
    "95 % interval of the test",
]


class Residual(nn.Module):
    """Two convolutions of 3x3 beside a shortcut, which is a convolution of 1x1 where widths or sizes change."""

    def __init__(self, before: int, width: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(before, width, 3, stride, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, 1, 1, bias=False),
            nn.BatchNorm2d(width),
        )
        same = before == width and stride == 1
        self.shortcut = (
            nn.Identity()
            if same
            else nn.Sequential(nn.Conv2d(before, width, 1, stride, bias=False), nn.BatchNorm2d(width))
        )

    def forward(self, inputs: Tensor) -> Tensor:
        return torch.relu(self.body(inputs) + self.shortcut(inputs))


def resnet20(classes: int) -> nn.Module:
    """Return the residual network of 20 layers for small images, its convolutions drawn by He's rule (fan out)."""
    widths = [16, *(16,) * 3, *(32,) * 3, *(64,) * 3]
    blocks = [Residual(before, width, 1 if before == width else 2) for before, width in pairwise(widths)]
    stem = nn.Conv2d(3, widths[0], 3, 1, 1, bias=False), nn.BatchNorm2d(widths[0]), nn.ReLU()
    head = nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(widths[-1], classes)
    module = nn.Sequential(*stem, *blocks, *head)
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    return module


class Kept:
    """Lines of JSON by a key: what is there is not computed again."""

    def __init__(self, path: Path) -> None:
        self.path = path
        lines = path.read_text().splitlines() if path.exists() else []
        self.found: dict[str, dict[str, Any]] = dict(json.loads(line) for line in lines)

    def get(self, key: str) -> dict[str, Any] | None:
        return self.found.get(key)

    def put(self, key: str, value: dict[str, Any]) -> dict[str, Any]:
        with self.path.open("a") as file:
            file.write(json.dumps([key, value]) + "\n")
        self.found[key] = value
        return value


def told(answers: Answers) -> dict[str, Any]:
    return {"test": answers.accuracy, "interval": list(answers.interval)}


def trained_resnet(args: argparse.Namespace, by: str, seconds: float, kept: Kept) -> dict[str, Any]:
    """Train ResNet-20 for so many seconds; its epoch of the best validation accuracy answers the test part."""
    key = f"ResNet-20, {by} recipe, {seconds:.0f} seconds"
    if (found := kept.get(key)) is not None:
        return found
    data = open_dataset(args.source)
    classes = len(data.classes)

    def train(epochs: int, threads: int, state: Path | None = None) -> Trained:
        recipe = replace(RECIPES[by], epochs=epochs)
        return train_model(
            lambda: resnet20(classes), data, recipe, seed=0, state=state, device="cpu", threads=threads
        )

    plan = kept.get(f"plan of {key}")
    if plan is None:
        one, threads = min((train(1, each).seconds, each) for each in {1, args.workers})
        plan = kept.put(f"plan of {key}", {"epochs": max(1, int(seconds / one)), "threads": threads})
    say(f"{key}: {plan['epochs']} epochs on {plan['threads']} threads")
    done = train(plan["epochs"], plan["threads"], args.out / "resnet20.unfinished")
    if done.weights is None:
        raise SystemExit(f"{key}: {done.status}")
    module = resnet20(classes)
    module.load_state_dict(done.weights)
    value = {
        **plan,
        "seconds": done.seconds,
        "valid": done.valid,
        "params": sum(weight.numel() for weight in module.parameters()),
        **told(evaluate(module, data, "test", "cpu")),
    }
    kept.put(key, value)
    (args.out / "resnet20.unfinished").unlink(missing_ok=True)
    return value


def random_ones(
    args: argparse.Namespace, space: str, models: int, epochs: int, out: Path, kept: Kept
) -> list[dict[str, Any]]:
    """Train as many random architectures by the recipe of a search, and let each of them answer the test part."""
    found = ns.find_network(
        args.source,
        space=space,
        strategy="rand",
        budget=models,
        recipe={"epochs": epochs},
        final_epochs=0,
        workers=args.workers,
        device="cpu",
        out=out,
    )
    bench = found.folder.benchmark()
    return [
        kept.get(entry.key) or kept.put(entry.key, judged(bench, entry)) for entry in found.folder.entries
    ]


def judged(bench: TrainedBenchmark, entry: Entry) -> dict[str, Any]:
    """Return what a training came to; a network that could not be trained answers as chance does."""
    value = {"epochs": entry.recipe["epochs"], "seconds": entry.seconds, "params": entry.params}
    if entry.weights is None:
        chance = 100 / len(bench.data.classes)
        return {**value, "valid": chance, "test": chance, "interval": None}
    answers = evaluate(bench.module(entry), bench.data, "test", "cpu")
    return {**value, "valid": entry.valid, **told(answers)}


def row(name: str, value: dict[str, Any]) -> list[object]:
    """Return a row of the table."""
    ends = value.get("interval")
    return [
        name,
        value["epochs"],
        f"{value['seconds']:.0f}",
        value["params"],
        value["valid"],
        value["test"],
        "-" if ends is None else f"{ends[0]:.1f} to {ends[1]:.1f}",
    ]


def rows_of(args: argparse.Namespace, space: str) -> tuple[list[list[object]], float]:
    """Search in a space; return a row for the winner and the random ones, and the seconds of the final training."""
    short = space.split("(")[0]
    kept = Kept(args.out / f"{short}.jsonl")
    found = ns.find_network(
        args.source, space=space, hours=args.hours, workers=args.workers, device="cpu", out=args.out / short
    )
    folder, winner, best = found.folder, found.winner, found.folder.best
    if winner is None or best is None:
        raise SystemExit("stopped; run the same command again to go on")
    bench, models = folder.benchmark(), len(folder.entries)
    say(f"{space}: {models} models, winner {winner['text']}, test {winner['test']:.2f} percent")
    early = kept.get("early") or kept.put("early", judged(bench, best))
    others = random_ones(args, space, models, early["epochs"], args.out / f"{short}-random", kept)
    tests = sorted(others, key=lambda each: each["test"])
    rows = [
        row(
            f"**{space}**: the winner of {models}, trained for longer",
            {**winner, "interval": winner["test_interval"]},
        ),
        row("the same, as trained in the search", early),
        row(f"the best of {models} random ones by validation", max(others, key=lambda each: each["valid"])),
        row("the best of them by test, which nobody knew", tests[-1]),
        row("the middle one of them by test", tests[len(tests) // 2]),
    ]
    return rows, float(winner["seconds"])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with images/cifar10.npz")
    parser.add_argument("--out", type=Path, default=Path("results/own_images"))
    parser.add_argument("--hours", type=float, default=1.0, help="of each search; default: 1")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--spaces", nargs="+", default=SPACES, metavar="SPACE")
    parser.add_argument("--whole", action="store_true", help="train ResNet-20 as long as a search, too")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    prepare(None, args.out / "home")
    args.source = args.data / "images" / "cifar10.npz"
    about = f"Searches of {args.hours:g} hours of wall clock each, {args.workers} trainings at a time.\n\n"
    rows: list[list[object]] = []

    def add(more: list[list[object]]) -> None:
        rows.extend(more)
        show(about + markdown(HEAD, rows), args.out / "own_images.md")

    longest = 0.0
    for space in args.spaces:
        found, seconds = rows_of(args, space)
        longest = max(longest, seconds)
        add(found)
    kept = Kept(args.out / "resnet20.jsonl")
    for by in RECIPES:
        add([row(f"ResNet-20, {by} recipe", trained_resnet(args, by, longest, kept))])
    if args.whole:
        whole = trained_resnet(args, "torchvision's", 3600 * args.hours, kept)
        add([row(f"ResNet-20, torchvision's recipe, all of the {args.hours:g} hours", whole)])


if __name__ == "__main__":
    main()
