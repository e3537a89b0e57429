"""Training of one network by `train_model`, against the loop that people write: a DataLoader that moves one image at a time.

    python experiments/speed/own_training.py [--quick]

A cell of NAS-Bench-201, one a stage, on images of noise in bytes: one epoch of 2,000, and a look at 200 for validation, on
one thread. Both loops train the same network by the same steps on the same batch size.
"""

from __future__ import annotations

import argparse
from functools import partial

import numpy as np
import torch
from _measure import Row, Work, alternate, freshly, prepares, run_part
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from nassearch.datasets import OwnDataset, open_dataset
from nassearch.networks.modules.network import TorchNetwork
from nassearch.spaces import NASBench201
from nassearch.training import Recipe, train_model
from nassearch.types import Task

ARCH = (3, 3, 1, 3, 2, 3)
SHAPES = ((32, 16), (32, 8), (16, 8), (8, 4))
"""Pixels, and channels of the first stage."""


def images(size: int, count: int) -> OwnDataset:
    import tempfile
    from pathlib import Path

    rng = np.random.default_rng(0)
    path = Path(tempfile.mkdtemp()) / "noise.npz"
    arrays = {"x": rng.integers(0, 256, (count * 11 // 10, size, size, 3), dtype=np.uint8)}
    np.savez(path, **arrays, y=np.arange(count * 11 // 10) % 10)
    return open_dataset(path, valid=1 / 11, test=0)


def make(size: int, channels: int) -> TorchNetwork:
    task = Task((3, size, size), 10, (channels, 2 * channels, 4 * channels), 1)
    return TorchNetwork(NASBench201().network(ARCH, task), torch.Generator().manual_seed(0))


class OneByOne(Dataset):  # type: ignore[type-arg]
    """Images, each shifted, mirrored and normalised by itself, as torchvision's transforms do."""

    def __init__(self, data: OwnDataset, part: str, moved: bool) -> None:
        split = data.part(part)
        self.images, self.labels, self.moved = split.take(np.arange(len(split))), split.labels, moved
        self.mean, self.std = (torch.from_numpy(v).view(-1, 1, 1) for v in (data.mean, data.std))

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, place: int) -> tuple[torch.Tensor, int]:
        image = torch.from_numpy(self.images[place])
        if self.moved:
            size = image.shape[-1]
            pad = size // 8
            y, x = torch.randint(2 * pad + 1, (2,)).tolist()
            image = F.pad(image, (pad,) * 4)[:, y : y + size, x : x + size]
            if torch.rand(()) < 0.5:
                image = image.flip(-1)
        return (image.float() / 255 - self.mean) / self.std, int(self.labels[place])


@prepares
def ours(size: int, channels: int, count: int) -> Work:
    data = images(size, count)
    return partial(train_model, partial(make, size, channels), data, Recipe(epochs=1), seed=0, device="cpu")


@prepares
def plain(size: int, channels: int, count: int) -> Work:
    data = images(size, count)

    def work() -> None:
        model = make(size, channels)
        loader = DataLoader(OneByOne(data, "train", True), 64, shuffle=True, drop_last=True)
        optimizer = torch.optim.SGD(model.parameters(), 0.1, 0.9, nesterov=True, weight_decay=5e-4)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, len(loader))
        for inputs, labels in loader:
            loss = F.cross_entropy(model(inputs), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        model.eval()
        with torch.no_grad():
            for inputs, _ in DataLoader(OneByOne(data, "valid", False), 64):
                model(inputs)

    return work


def rows(args: argparse.Namespace) -> list[Row]:
    count, repeats = (256, 1) if args.quick else (2048, args.repeats)
    found = []
    for size, channels in SHAPES:
        works = (freshly(f"own_training:{name}", size, channels, count) for name in ("ours", "plain"))
        first, second = alternate(*works, repeats=repeats)
        what = f"{size} pixels, {channels} channels"
        found.append(Row(what, first, second, count // 64, count // 64, "a step"))
    return found


if __name__ == "__main__":
    run_part(__doc__, rows, repeats=3)
