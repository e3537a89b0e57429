"""Data of your own: a folder of images, a search by trainings, a page about it, and the winner in a file.

    python examples/own_data.py --out results/own_data

With images of your own, in a folder for each class, leave `draw` out and name that folder. The page needs the extra
`report`.
"""

import argparse
import runpy
from pathlib import Path

import numpy as np
import torch
from PIL import Image

import nassearch as ns
from nassearch.datasets import open_dataset

KINDS = ("disc", "square", "stripes")


def draw(folder: Path, count: int = 80) -> None:
    """Write images of 16 x 16, a folder for each kind: a coloured shape on grey noise."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:16, :16]
    for kind in KINDS:
        (folder / kind).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            pixels = rng.integers(90, 160, (16, 16, 3), dtype=np.uint8)
            (y, x), r = rng.integers(5, 11, 2), int(rng.integers(3, 6))
            inside = {
                "disc": (rows - y) ** 2 + (columns - x) ** 2 <= r * r,
                "square": np.maximum(abs(rows - y), abs(columns - x)) <= r,
                "stripes": (rows + y) % r < r // 2,
            }[kind]
            pixels[inside] = rng.integers(0, 256, 3)
            Image.fromarray(pixels).save(folder / kind / f"{number}.png")


def main(out: Path) -> None:
    images = out / "shapes"
    draw(images)

    # What is found in the folder: classes, parts, size, and what is wrong with it.
    data = open_dataset(images)
    print(data)
    for note in data.notes:
        print(note)

    # Four networks are trained, then the best of them for longer. Run it again and nothing is trained twice.
    found = ns.find_network(
        images,
        space="nasbench201(channels=4, cells=1)",
        recipe={"epochs": 4, "batch_size": 32, "flip": False},
        budget=4,
        out=out / "search",
    )
    assert found.winner is not None
    low, high = found.winner["test_interval"]
    print(f"winner: {found.winner['text']}")
    print(f"test: {found.winner['test']:.1f} percent, 95 % interval {low:.1f} to {high:.1f}")

    ns.report(out / "search").save(out / "report.html")
    ns.export_network(found, out / "best.py", force=True)

    # best.py needs torch and safetensors alone: raw pixels go in, names come out.
    best = runpy.run_path(str(out / "best.py"))
    pixels = np.stack([np.asarray(Image.open(images / kind / "0.png")) for kind in KINDS])
    answers = best["predict"](best["load"](), torch.from_numpy(pixels.transpose(0, 3, 1, 2)))
    for kind, (name, share) in zip(KINDS, answers, strict=True):
        print(f"a {kind}, it says: {name}, {share:.0%}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--out", type=Path, default=Path("results/own_data"), help="folder for what it writes"
    )
    main(parser.parse_args().out)
