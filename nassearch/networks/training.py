"""Train many networks at once, each as if alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F

from nassearch.networks.graph import Network
from nassearch.networks.grouped import GroupedNetworks
from nassearch.types import Batch, Floats


@dataclass(frozen=True)
class Training:
    """How a network is trained: AdamW under a one-cycle learning rate that ends near zero.

    Attributes:
        epochs: passes over the training set.
        batch_size: examples in a step; what is left over at the end of an epoch is dropped.
        learning_rate: highest rate of the cycle, reached after `rise` of the steps.
        weight_decay: decoupled, on every parameter.
        rise: share of the steps in which the rate rises.
    """

    epochs: int = 1
    batch_size: int = 50
    learning_rate: float = 0.03
    weight_decay: float = 0.01
    rise: float = 0.2


def train(
    networks: Sequence[Network],
    seeds: Sequence[int],
    order: int,
    training: Training,
    examples: Batch,
    held_out: Mapping[str, Batch],
    device: str = "cpu",
) -> dict[str, Floats]:
    """Train N networks side by side and return their accuracies.

    Nothing couples the networks: weights, statistics and updates are per network, and the loss is a sum over them.

    Args:
        networks: N networks of one space and task.
        seeds: seed of each network's initial weights.
        order: seed of the order of the examples, the same for all.
        training: how.
        examples: training set with labels.
        held_out: sets to measure on, by name.
        device: a torch device.

    Returns:
        For each name of `held_out` the share of right answers in percent, float64 `[N]`.
    """
    model = GroupedNetworks(networks, seeds).to(device)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=training.learning_rate, weight_decay=training.weight_decay, foreach=True
    )
    steps = len(examples.inputs) // training.batch_size
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, training.learning_rate, total_steps=steps * training.epochs, pct_start=training.rise
    )
    inputs, labels = _tensors(examples, device)
    shuffler = torch.Generator().manual_seed(order)
    model.train()
    for _ in range(training.epochs):
        permutation = torch.randperm(len(inputs), generator=shuffler).to(device)
        for step in range(steps):
            chosen = permutation[step * training.batch_size : (step + 1) * training.batch_size]
            logits = model(inputs[chosen])
            loss = F.cross_entropy(logits.flatten(0, 1), labels[chosen].repeat(len(networks)), reduction="sum")
            optimizer.zero_grad()
            (loss / len(chosen)).backward()
            optimizer.step()
            schedule.step()
    model.eval()
    return {name: _accuracy(model, batch, device) for name, batch in held_out.items()}


def _tensors(batch: Batch, device: str) -> tuple[torch.Tensor, torch.Tensor]:
    assert batch.labels is not None, "training needs labels"
    return torch.from_numpy(batch.inputs).to(device), torch.from_numpy(batch.labels).to(device)


@torch.no_grad()
def _accuracy(model: GroupedNetworks, batch: Batch, device: str, size: int = 500) -> Floats:
    inputs, labels = _tensors(batch, device)
    right = torch.zeros(model.count, dtype=torch.int64, device=device)
    for start in range(0, len(inputs), size):
        answers = model(inputs[start : start + size]).argmax(dim=2)
        right += (answers == labels[start : start + size]).sum(dim=1)
    return np.asarray(right.cpu(), dtype=np.float64) * 100 / len(inputs)
