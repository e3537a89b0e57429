"""The same things written plainly, one at a time: what the ratios of the table are against."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from nassearch.types import Arch, Metrics

OPS, EDGES = 5, 6
"""Of NAS-Bench-201."""


def synflow(network: object, seed: int) -> float:
    """Score one architecture as the released code does: a full-width torch module, one forward and one backward pass.

    float64, absolute parameters, no batch norm, an input of ones; the sum of |W * dR/dW| over convolutions and
    classifier, R the sum of the logits.
    """
    import torch
    from torch import nn
    from torch.nn.modules.batchnorm import _BatchNorm

    from nassearch.networks.modules.network import TorchNetwork

    model = TorchNetwork(network, torch.Generator().manual_seed(seed)).double()  # type: ignore[arg-type]
    for module in list(model.modules()):
        for name, child in module.named_children():
            if isinstance(child, _BatchNorm):
                setattr(module, name, nn.Identity())
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.abs_()
    shape = network.input_shape  # type: ignore[attr-defined]
    model(torch.ones(1, *shape, dtype=torch.float64)).sum().backward()
    total = 0.0
    for layer in model.modules():
        if isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Linear) and layer.weight.grad is not None:
            total += float((layer.weight.detach() * layer.weight.grad).abs().sum())
    return total


def epsilon(network: object, inputs: object, weights: Sequence[float], threads: int) -> float:
    """Score one architecture as the released code does: a full-width torch module under one weight after the other."""
    import numpy as np
    import torch

    from nassearch.networks.modules.network import TorchNetwork, fill_constant
    from nassearch.proxies.epsilon import distance

    torch.set_num_threads(threads)
    model, images = TorchNetwork(network, None).train(), torch.from_numpy(inputs)  # type: ignore[arg-type]
    with torch.inference_mode():
        rows = [fill_constant(model, weight)(images)[:, 0].numpy() for weight in weights]
    return distance(np.stack(rows))


def rand(
    table: Mapping[Arch, Sequence[Metrics]], scores: Mapping[Arch, float], warmup: int, budget: int, seed: int
) -> list[Metrics]:
    """Search one round at random, the best of the warm-up first."""
    rng = random.Random(seed)
    queue = best(scores, warmup, rng)
    trained = []
    for place in range(budget):
        arch = queue[place] if place < len(queue) else draw(rng)
        trained.append(rng.choice(table[arch]))
    return trained


def ae(
    table: Mapping[Arch, Sequence[Metrics]],
    scores: Mapping[Arch, float],
    warmup: int,
    budget: int,
    seed: int,
    pool: int = 64,
    tournament: int = 10,
) -> list[Metrics]:
    """Search one round by aging evolution; the best of the warm-up, then draws, fill the population."""
    rng = random.Random(seed)
    queue = best(scores, warmup, rng)
    population: list[tuple[Arch, float]] = []
    trained = []
    for place in range(budget):
        if place < pool:
            arch = queue[place] if place < len(queue) else draw(rng)
        else:
            arch = mutate(max(rng.sample(population, tournament), key=lambda one: one[1])[0], rng)
        answer = rng.choice(table[arch])
        trained.append(answer)
        population.append((arch, answer.valid))
        if len(population) > pool:
            population.pop(0)
    return trained


def best(scores: Mapping[Arch, float], n: int, rng: random.Random) -> list[Arch]:
    """Draw n architectures, look each one's score up, and return them best first."""
    scored = []
    for _ in range(n):
        arch = draw(rng)
        scored.append((scores[arch], arch))
    scored.sort(key=lambda one: -one[0])
    return [arch for _, arch in scored]


def draw(rng: random.Random) -> Arch:
    return tuple(rng.randrange(OPS) for _ in range(EDGES))


def mutate(arch: Arch, rng: random.Random) -> Arch:
    edge = rng.randrange(EDGES)
    op = rng.choice([op for op in range(OPS) if op != arch[edge]])
    return (*arch[:edge], op, *arch[edge + 1 :])
