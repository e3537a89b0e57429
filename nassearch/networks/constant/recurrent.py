"""Interpreter: a recurrent network under constant weights, as one unit per layer.

If all weights equal w, all units of a layer are equal. A matrix over n equal inputs x is then w * n * x. Only the first
layer reads inputs that differ, the embedding, and it needs no more than their sum.

Equal up to rounding is not always equal enough for epsilon. Behind a gate that small weights leave nearly constant, the
outputs of all words may lie a few roundings of float32 apart. The order in which the full width adds then decides. Of
50 published cells one had a score here and none at full width; of four others the scores differed by more than 2 %. The
two ranked the rest alike (rho .998).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nassearch.networks.modules.network import one_thread
from nassearch.networks.modules.recurrent import EMBEDDINGS, fixed_embedding, step
from nassearch.networks.recurrent import Cell, RecurrentNetwork


def collapsed_recurrent_outputs(
    networks: Sequence[RecurrentNetwork],
    tokens: NDArray[np.int64],
    weights: Sequence[float],
    embedding: str = next(iter(EMBEDDINGS)),
) -> NDArray[np.float32]:
    """Return unit 0 of the last layer for N networks and W weights, float32 `[N, W, T * B]`, step by step.

    Args:
        networks: of one vocabulary and width of the embedding.
        tokens: int64 `[B, T]`.
        weights: see `nassearch.networks.modules.recurrent.constant_outputs`, whose values these are up to rounding.
        embedding: one of `EMBEDDINGS`.
    """
    words = torch.tensor(tokens)  # a copy: what comes from another process must not be written to
    first = networks[0]
    with one_thread(), torch.inference_mode():
        sums = fixed_embedding(first.vocabulary, first.widths[-1], embedding).sum(dim=1)[words.T]
        weight = torch.tensor(weights, dtype=torch.float32)[:, None]
        found = [_run(network, sums, weight).numpy() for network in networks]
    return np.stack(found)


def _run(network: RecurrentNetwork, sums: Tensor, weight: Tensor) -> Tensor:
    """Map the sums of embedded words `[T, B]` to outputs `[W, T * B]`; weight is `[W, 1]`."""
    xs, width = sums[:, None, :], 1
    for units in network.widths:
        xs, width = _layer(network.cell, xs, width, units, weight), units
    return xs.transpose(0, 1).flatten(1)


def _layer(cell: Cell, xs: Tensor, width: int, units: int, weight: Tensor) -> Tensor:
    def linear(k: int, inputs: list[Tensor]) -> Tensor:
        y = weight
        for source, x in zip(cell.nodes[k].inputs, inputs, strict=True):
            # In this order a product that is below the range of float32 is 0, as it is at full width.
            y = y + weight * x * (width if source == 0 else units)
        return y

    states = [weight.expand(len(weight), xs.shape[-1]) for _ in range(cell.states)]
    outputs = []
    for x in xs:
        states = step(cell, x, states, linear, _sigmoid)
        outputs.append(states[0].expand(len(weight), xs.shape[-1]))
    return torch.stack(outputs)


def _sigmoid(x: Tensor) -> Tensor:
    # Not torch.sigmoid, whose last bit moves with a processor's vector instructions, as that of torch.exp does not.
    return 1 / (1 + torch.exp(-x))
