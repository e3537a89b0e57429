"""A graph isomorphism network (Xu et al., 2019) that predicts accuracy: Wei et al., 2020 (NPENAS), arXiv 2003.12857."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from nassearch.networks.modules.network import one_thread
from nassearch.spaces.base import CellGraph
from nassearch.types import Floats

WIDTH, HEAD, LAYERS = 32, 16, 3
"""Units of a graph layer and of the layer before the output; graph layers."""
DROPOUT, MOMENTUM = 0.1, 0.1
BETAS, DECAY = (0.0, 0.9), 1e-4
"""Of Adam in the released code; biases and gains are not decayed."""


class Cells(NamedTuple):
    """N cells, the smaller ones padded behind.

    Attributes:
        reads: float32 `[N, V, V]`; 1 where the vertex of the row reads that of the column: itself and what feeds it.
        ops: float32 `[N, V, K]`; 1 for the label of a vertex.
        here: bool `[N, V]`; whether there is a vertex.
    """

    reads: Tensor
    ops: Tensor
    here: Tensor


def encode(graphs: Sequence[CellGraph]) -> Cells:
    """Read N graphs with the same `names`."""
    size = max(len(graph.ops) for graph in graphs)
    reads = np.zeros((len(graphs), size, size), dtype=np.float32)
    ops = np.zeros((len(graphs), size, len(graphs[0].names)), dtype=np.float32)
    here = np.zeros((len(graphs), size), dtype=bool)
    for n, graph in enumerate(graphs):
        vertices = len(graph.ops)
        reads[n, :vertices, :vertices] = graph.adjacency.T
        ops[n, range(vertices), graph.ops] = 1
        here[n, :vertices] = True
    reads[:, range(size), range(size)] = here
    return Cells(*map(torch.from_numpy, (reads, ops, here)))


class GraphPredictor:
    """Three graph layers, the mean over the vertices, and one or two heads.

    A graph layer sums what a vertex reads, applies two linear layers with ReLU between them, CELU and batch norm; its
    head is a linear layer with CELU, dropout, and a linear one. With `uncertain`, a second head gives a deviation,
    CELU + 1, and training maximises the likelihood; else it minimises the squared error.

    Args:
        kinds: labels K of vertices.
        uncertain: whether there is a deviation (NPENAS-BO) or not (NPENAS-NP).
        seed: of all that is drawn; the global generator is not touched.
    """

    def __init__(self, kinds: int, uncertain: bool, seed: int) -> None:
        self._generator = torch.Generator().manual_seed(seed)
        self.uncertain = uncertain
        self.layers = [
            (self._linear(kinds if i == 0 else WIDTH, WIDTH), self._linear(WIDTH, WIDTH))
            for i in range(LAYERS)
        ]
        self.gains = [(torch.ones(WIDTH), torch.zeros(WIDTH)) for _ in range(LAYERS)]
        self.averages = [(torch.zeros(WIDTH), torch.ones(WIDTH)) for _ in range(LAYERS)]
        self.heads = [(self._linear(WIDTH, HEAD), self._linear(HEAD, 1)) for _ in range(1 + uncertain)]

    def _linear(self, inputs: int, outputs: int) -> tuple[Tensor, Tensor]:
        limit = 1 / math.sqrt(inputs)
        weight, bias = torch.empty(outputs, inputs), torch.empty(outputs)
        return tuple(t.uniform_(-limit, limit, generator=self._generator) for t in (weight, bias))  # type: ignore[return-value]

    def forward(self, cells: Cells, training: bool = False) -> tuple[Tensor, Tensor]:
        """Return mean and deviation for N cells, `[N]` each; the deviation is 0 without a head of its own."""
        reads, ops, here = cells
        count, size = here.shape
        places = here.flatten().nonzero().squeeze(1)
        hidden = ops.flatten(0, 1)[places]
        for (first, second), (gain, shift), (mean, variance) in zip(
            self.layers, self.gains, self.averages, strict=True
        ):
            hidden = (reads @ self._spread(hidden, places, count, size)).flatten(0, 1)[places]
            hidden = F.celu(F.linear(F.linear(hidden, *first).relu(), *second))
            hidden = F.batch_norm(hidden, mean, variance, gain, shift, training, MOMENTUM)
        pooled = self._spread(hidden, places, count, size).sum(1) / here.sum(1, keepdim=True)
        outputs = [self._head(pooled, *head, training and not i) for i, head in enumerate(self.heads)]
        return outputs[0], F.celu(outputs[1]) + 1 if self.uncertain else torch.zeros(())

    @staticmethod
    def _spread(hidden: Tensor, places: Tensor, count: int, size: int) -> Tensor:
        padded = hidden.new_zeros(count * size, hidden.shape[1]).index_copy(0, places, hidden)
        return padded.view(count, size, -1)

    def _head(
        self, pooled: Tensor, first: tuple[Tensor, Tensor], second: tuple[Tensor, Tensor], drops: bool
    ) -> Tensor:
        hidden = F.celu(F.linear(pooled, *first))
        if drops:
            kept = torch.rand(hidden.shape, generator=self._generator) >= DROPOUT
            hidden = hidden * kept / (1 - DROPOUT)
        return F.linear(hidden, *second).squeeze(1)

    def predict(self, cells: Cells) -> tuple[Floats, Floats]:
        """Return mean and deviation for N cells, float64 `[N]` each."""
        with one_thread(), torch.no_grad():
            mean, deviation = self.forward(cells)
        return mean.double().numpy(), deviation.double().expand(len(mean)).numpy()

    def fit(self, cells: Cells, values: Floats, *, epochs: int, batch: int, rate: float) -> None:
        """Train by Adam under a cosine schedule that ends with the last step.

        Args:
            cells: N cells.
            values: what each is worth, `[N]`.
            epochs: passes over them.
            batch: cells in a step.
            rate: learning rate.
        """
        weights = [w for w, _ in [*sum(self.layers, ()), *sum(self.heads, ())]]
        others = [*sum(self.gains, ()), *(b for _, b in [*sum(self.layers, ()), *sum(self.heads, ())])]
        wanted = torch.as_tensor(values, dtype=torch.float32)
        steps = epochs * -(-len(wanted) // batch)
        with one_thread():
            for parameter in [*weights, *others]:
                parameter.requires_grad_(True)
            groups: list[dict[str, Any]] = [{"params": weights, "weight_decay": DECAY}, {"params": others}]
            optimizer = torch.optim.Adam(groups, lr=rate, betas=BETAS, fused=True)
            schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
            for _ in range(epochs):
                order = torch.randperm(len(wanted), generator=self._generator)
                for chosen in order.split(batch):
                    mean, deviation = self.forward(Cells(*(part[chosen] for part in cells)), training=True)
                    off = (wanted[chosen] - mean) ** 2
                    if self.uncertain:
                        off = off / (2 * deviation**2) + deviation.log()
                    optimizer.zero_grad()
                    off.mean().backward()
                    optimizer.step()
                    schedule.step()
            for parameter in [*weights, *others]:
                parameter.requires_grad_(False)
