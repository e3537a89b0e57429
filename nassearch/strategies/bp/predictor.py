"""A graph network that says which of two cells is better: Dudziak et al., 2020 (BRP-NAS), arXiv 2007.08668."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from nassearch.networks.modules.network import one_thread
from nassearch.spaces.base import CellGraph
from nassearch.types import Floats

CHUNK = 256
"""Cells embedded at a time in a ranking: what fits a processor's cache."""


class Cells(NamedTuple):
    """N cells as the predictor reads them, a global vertex added last, smaller ones padded in front of it.

    Attributes:
        reads: float32 `[N, V, V]`; 1 where the vertex of the row reads that of the column. Every vertex reads itself
            and those that feed it, and the global one reads them all.
        counts: float32 `[N, V, K]`; how many vertices of each operation a vertex reads.
    """

    reads: Tensor
    counts: Tensor

    def at(self, positions: Sequence[int] | Tensor) -> Cells:
        """Return the cells at some positions."""
        chosen = torch.as_tensor(positions, dtype=torch.int64)
        return Cells(self.reads[chosen], self.counts[chosen])


def encode(graphs: Sequence[CellGraph], vertices: int = 0) -> Cells:
    """Read N graphs with the same `names`; pad them to the largest, or to so many `vertices` where that is more."""
    largest = max(vertices, *(len(graph.ops) for graph in graphs)) + 1
    kinds = len(graphs[0].names) + 1
    reads = np.zeros((len(graphs), largest, largest), dtype=np.float32)
    ops = np.zeros((len(graphs), largest, kinds), dtype=np.float32)
    by_size: dict[int, list[int]] = {}
    for n, graph in enumerate(graphs):
        by_size.setdefault(len(graph.ops), []).append(n)
    for size, members in by_size.items():
        chosen, inside = np.array(members), np.arange(size)
        reads[chosen, :size, :size] = np.stack([graphs[n].adjacency for n in members]).transpose(0, 2, 1)
        reads[chosen[:, None], inside, inside] = 1
        reads[chosen, -1, :size] = 1
        ops[chosen[:, None], inside, np.stack([graphs[n].ops for n in members])] = 1
    reads[:, -1, -1] = 1
    ops[:, -1, -1] = 1
    read = torch.from_numpy(reads)
    return Cells(read, read @ torch.from_numpy(ops))


class Predictor:
    """A graph convolutional network that gives a cell a worth; of two cells the one worth more is called better.

    The original puts a linear layer on the embeddings of both cells and reads the difference of its two outputs,
    f(a, b) = v e(a) + w e(b) + c. Nothing makes f(a, b) = -f(b, a), so a sort by it depends on the sorting algorithm.
    The antisymmetric half, (f(a, b) - f(b, a)) / 2, is (v - w) (e(a) - e(b)) / 2: exactly, not about, a difference
    of one number per cell. So each cell is embedded once, all pairs are one outer difference, and a ranking is a sort
    of N numbers.

    A layer is ReLU(LayerNorm(reads H W)); the embedding is the global vertex of the last one.

    Args:
        kinds: operations K, the global vertex's included.
        width, depth: of the layers.
        dropout: share of each layer's outputs that training leaves out.
        dtype: `float32` or `float64`.
        seed: of the initial weights and of all that training draws; the global generator is not touched.
    """

    def __init__(
        self, kinds: int, width: int, depth: int, *, dropout: float = 0.0, dtype: str = "float32", seed: int
    ) -> None:
        self.dropout, self.dtype = dropout, getattr(torch, dtype)
        self._generator = torch.Generator().manual_seed(seed)
        self.weights = [self._uniform(kinds if i == 0 else width, width) for i in range(depth)]
        self.scales = [torch.ones(width, dtype=self.dtype) for _ in range(depth)]
        self.shifts = [torch.zeros(width, dtype=self.dtype) for _ in range(depth)]
        self.head = self._uniform(width, 1)
        self.parameters = [*self.weights, *self.scales, *self.shifts, self.head]

    def _uniform(self, rows: int, columns: int) -> Tensor:
        weight = torch.empty(rows, columns, dtype=self.dtype)
        return weight.uniform_(-1 / math.sqrt(rows), 1 / math.sqrt(rows), generator=self._generator)

    def forward(self, cells: Cells, training: bool = False) -> Tensor:
        """Return the worth of N cells, `[N]`."""
        reads, hidden = cells.reads.to(self.dtype), cells.counts.to(self.dtype)
        last = len(self.weights) - 1
        for i, (weight, scale, shift) in enumerate(zip(self.weights, self.scales, self.shifts, strict=True)):
            if i == last:  # only the global vertex is read from here on
                hidden = (reads[:, -1:] @ hidden if i else hidden[:, -1:]).squeeze(1) @ weight
            else:
                hidden = reads @ (hidden @ weight) if i else hidden @ weight
            hidden = F.layer_norm(hidden, weight.shape[1:], scale, shift).relu()
            if training and self.dropout:
                kept = torch.rand(hidden.shape, generator=self._generator, dtype=self.dtype) >= self.dropout
                hidden = hidden * kept / (1 - self.dropout)
        return (hidden @ self.head).squeeze(1)

    def worth(self, cells: Cells) -> Floats:
        """Return the worth of N cells, float64 `[N]`; higher is better."""
        with one_thread(), torch.no_grad():
            parts = [
                self.forward(Cells(*chunk))
                for chunk in zip(*(part.split(CHUNK) for part in cells), strict=True)
            ]
        return np.asarray(torch.cat(parts), dtype=np.float64)

    def fit(
        self,
        cells: Cells,
        values: Floats,
        *,
        epochs: int,
        batch: int,
        rate: float,
        decay: float,
        patience: int | None = None,
    ) -> int:
        """Go on training on all pairs within batches of cells; return how many pairs of cells have an order.

        The loss of a pair is the KL divergence from softmax(values of the two) to softmax(their worths), under AdamW
        and a cosine schedule. Two cells of equal value have no order and no part in it; without any ordered pair
        nothing is trained.

        Args:
            cells: N cells.
            values: what each is worth, float64 `[N]`, finite.
            epochs: passes over the cells.
            batch: cells in a step, from 2; what is left over joins the last.
            rate, decay: learning rate and decoupled weight decay.
            patience: epochs without a smaller loss after which to stop, or None.
        """
        wanted = torch.from_numpy(values).to(self.dtype)
        ordered = int(len(values) * (len(values) - 1) // 2 - _ties(values))
        if not ordered:
            return 0
        with one_thread():
            self._train(cells, wanted, max(1, len(values) // batch), epochs, rate, decay, patience)
        return ordered

    def _train(
        self,
        cells: Cells,
        wanted: Tensor,
        batches: int,
        epochs: int,
        rate: float,
        decay: float,
        patience: int | None,
    ) -> None:
        for parameter in self.parameters:
            parameter.requires_grad_(True)
        optimizer = torch.optim.AdamW(self.parameters, lr=rate, weight_decay=decay, fused=True)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
        least, waited = math.inf, 0
        for _ in range(epochs):
            total = 0.0
            order = torch.randperm(len(wanted), generator=self._generator)
            for chosen in order.tensor_split(batches):
                loss = pair_loss(self.forward(cells.at(chosen), training=True), wanted[chosen])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                total += loss.item()
            schedule.step()
            least, waited = (total, 0) if total < least else (least, waited + 1)
            if patience is not None and waited >= patience:
                break
        for parameter in self.parameters:
            parameter.requires_grad_(False)


def pair_loss(worth: Tensor, wanted: Tensor) -> Tensor:
    """Return the mean over ordered pairs of the cross-entropy from softmax(wanted) to softmax(worth), both `[N]`.

    It differs from the KL divergence by what the worth does not change.
    """
    difference = wanted[:, None] - wanted
    pairs = (difference > 0).to(worth.dtype)
    loss = F.binary_cross_entropy_with_logits(
        worth[:, None] - worth, difference.sigmoid(), weight=pairs, reduction="sum"
    )
    return loss / pairs.sum().clamp(min=1)


def _ties(values: Floats) -> int:
    _, counts = np.unique(values, return_counts=True)
    return int((counts * (counts - 1) // 2).sum())
