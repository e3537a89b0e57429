"""Train many networks at once, each as if alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch.nn import functional as F

from nassearch.errors import UnknownName
from nassearch.networks.graph import Network
from nassearch.networks.modules.network import one_thread
from nassearch.training.grouped import GroupedNetworks
from nassearch.types import Batch, Floats

ENGINES = ("grouped", "compiled")


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

    epochs: int = 4
    batch_size: int = 64
    learning_rate: float = 0.02
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
    engine: str = "grouped",
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
        device: a torch device, for the grouped engine.
        engine: `grouped`, all networks in one torch program on any device; or `compiled`, one network after the
            other in a Numba kernel, several times faster on a CPU and for signals only.

    Returns:
        For each name of `held_out` the share of right answers in percent, float64 `[N]`.
    """
    if engine not in ENGINES:
        raise UnknownName("engine", engine, ENGINES)
    steps = len(examples.inputs) // training.batch_size
    shuffler = torch.Generator().manual_seed(order)
    epochs = [torch.randperm(len(examples.inputs), generator=shuffler) for _ in range(training.epochs)]
    batches = torch.cat([e[: steps * training.batch_size].view(steps, -1) for e in epochs])
    # Sums over threads round differently, and training lets rounding grow: one thread gives the same for any workers.
    with one_thread(), threadpool_limits(1):
        if engine == "compiled":
            return _train_compiled(networks, seeds, training, batches, examples, held_out)
        return _train_grouped(networks, seeds, training, batches, examples, held_out, device)


def _train_grouped(
    networks: Sequence[Network],
    seeds: Sequence[int],
    training: Training,
    batches: torch.Tensor,
    examples: Batch,
    held_out: Mapping[str, Batch],
    device: str,
) -> dict[str, Floats]:
    model = GroupedNetworks(networks, seeds).to(device)
    optimizer, schedule = _optimizer(model.parameters(), training, len(batches))
    inputs, labels = _tensors(examples, device)
    model.train()
    for chosen in batches.to(device):
        logits = model(inputs[chosen])
        loss = F.cross_entropy(logits.flatten(0, 1), labels[chosen].repeat(len(networks)), reduction="sum")
        optimizer.zero_grad()
        (loss / len(chosen)).backward()
        optimizer.step()
        schedule.step()
    model.eval()
    return {name: _accuracy(model, batch, device) for name, batch in held_out.items()}


def _optimizer(
    parameters: Iterable[torch.nn.Parameter], training: Training, steps: int
) -> tuple[torch.optim.AdamW, torch.optim.lr_scheduler.OneCycleLR]:
    rate = training.learning_rate
    optimizer = torch.optim.AdamW(parameters, lr=rate, weight_decay=training.weight_decay, foreach=True)
    return optimizer, torch.optim.lr_scheduler.OneCycleLR(
        optimizer, rate, total_steps=steps, pct_start=training.rise, cycle_momentum=False
    )


def _train_compiled(
    networks: Sequence[Network],
    seeds: Sequence[int],
    training: Training,
    batches: torch.Tensor,
    examples: Batch,
    held_out: Mapping[str, Batch],
) -> dict[str, Floats]:
    from nassearch.training.compiled import count_right, train_program
    from nassearch.training.compiled_program import record

    optimizer, schedule = _optimizer([torch.nn.Parameter(torch.zeros(1))], training, len(batches))
    rates = np.empty(len(batches))
    for step in range(len(batches)):
        rates[step] = schedule.get_last_lr()[0]
        optimizer.step()
        schedule.step()
    accuracy = {name: np.empty(len(networks)) for name in held_out}
    for n, (network, seed) in enumerate(zip(networks, seeds, strict=True)):
        program = record(GroupedNetworks([network], [seed]))
        train_program(
            *program, examples.inputs, examples.labels, batches.numpy(), rates, training.weight_decay
        )
        for name, batch in held_out.items():
            right = count_right(*program, batch.inputs, batch.labels, training.batch_size)
            accuracy[name][n] = 100 * right / len(batch.inputs)
    return accuracy


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
