"""How many examples a network answers rightly."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from nassearch.datasets import OwnDataset
from nassearch.training.single.device import computing, find_device
from nassearch.training.single.feed import Feed
from nassearch.training.single.recipe import Recipe

NORMAL = 1.959963984540054
"""Within so many deviations lie 95 % of a normal distribution."""
TOGETHER = 256
"""Examples answered at a time."""


@dataclass(frozen=True)
class Answers:
    """Right answers among all.

    Attributes:
        right, count: how many.
        loss: mean cross-entropy, in nats.
    """

    right: int
    count: int
    loss: float = math.nan

    @property
    def accuracy(self) -> float:
        """Return the share of right answers, in percent."""
        return 100 * self.right / self.count

    @property
    def interval(self) -> tuple[float, float]:
        """Return the ends of the 95 % interval of the accuracy, in percent (Wilson, 1927).

        >>> low, high = Answers(90, 100).interval
        >>> round(low, 2), round(high, 2)
        (82.56, 94.48)
        """
        share, square = self.right / self.count, NORMAL**2 / self.count
        centre = share + square / 2
        spread = NORMAL * math.sqrt((share * (1 - share) + square / 4) / self.count)
        low, high = (centre - spread) / (1 + square), (centre + spread) / (1 + square)
        return 100 * max(0.0, low), 100 * min(1.0, high)


def evaluate(
    module: nn.Module,
    data: OwnDataset,
    part: str = "test",
    device: str = "auto",
    *,
    size: int | None = None,
    batch_size: int = TOGETHER,
    threads: int = 1,
) -> Answers:
    """Return how a trained network answers one part of a data set; the network is as it was afterwards.

    Args:
        module: maps inputs `[B, C, *size]` to logits `[B, classes]`.
        data: the data set.
        part: `train`, `valid` or `test`.
        device: `auto` for a GPU where there is one, or one of torch's.
        size: to which examples are shrunk, as in the recipe that it was trained by.
        batch_size, threads: of the work; they change the last digits of the loss alone.

    Raises:
        UnknownName: there is no such part.
        InvalidSetting: the part is empty, or there is no such device.
    """
    where = find_device(device)
    recipe = Recipe(crop=0, flip=False, size=size).resolved(data)
    home = next((parameter.device for parameter in module.parameters()), torch.device("cpu"))
    training = module.training
    with computing(where, threads):
        feed = Feed(data, part, recipe, where)
        try:
            return answered(module.to(where), feed, batch_size)
        finally:
            module.to(home).train(training)


@torch.no_grad()
def answered(module: nn.Module, feed: Feed, batch_size: int) -> Answers:
    """Return how a module answers all that a feed has; it is left in evaluation mode."""
    module.eval()
    right, loss = 0, 0.0
    for start in range(0, len(feed), batch_size):
        inputs, labels = feed.batch(np.arange(start, min(start + batch_size, len(feed))))
        logits = module(inputs).float()
        right += int((logits.argmax(1) == labels).sum())
        loss += float(F.cross_entropy(logits, labels, reduction="sum"))
    return Answers(right, len(feed), loss / len(feed))
