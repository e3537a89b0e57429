"""An ensemble of feed-forward networks, trained side by side: White, Neiswanger and Savani, 2021 (BANANAS)."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nassearch.networks.modules.network import one_thread
from nassearch.types import Floats

BETAS = (0.9, 0.99)
"""Of Adam, those of the released code."""


class Ensemble:
    """Members of one shape that differ in their initial weights and in the order in which they see what they learn.

    A member is `depth` layers of `width` units with ReLU and a linear output. All members are one batch of matrix
    products, so a member more costs little. The gradient is written out: with layers as small as these, recording it
    takes longer than computing it.

    Args:
        members: how many, M.
        inputs: features F of an architecture.
        width, depth: of the hidden layers.
        seed: of all that is drawn; the global generator is not touched.
    """

    def __init__(self, members: int, inputs: int, width: int, depth: int, seed: int) -> None:
        self.members = members
        self._generator = torch.Generator().manual_seed(seed)
        shapes = [*pairwise([inputs, *[width] * depth, 1])]
        self._flat = torch.zeros(members * sum((a + 1) * b for a, b in shapes))
        self._gradient = torch.zeros_like(self._flat)
        self.weights, self.biases = self._views(self._flat, shapes)
        self.slopes = self._views(self._gradient, shapes)
        for (a, b), weight in zip(shapes, self.weights, strict=True):
            limit = math.sqrt(6 / (a + b))
            weight.uniform_(-limit, limit, generator=self._generator)

    def _views(self, flat: Tensor, shapes: list[tuple[int, int]]) -> tuple[list[Tensor], list[Tensor]]:
        weights, biases = [], []
        for a, b in shapes:
            here, flat = flat.split([self.members * (a + 1) * b, len(flat) - self.members * (a + 1) * b])
            weight, bias = here.split([self.members * a * b, self.members * b])
            weights.append(weight.view(self.members, a, b))
            biases.append(bias.view(self.members, 1, b))
        return weights, biases

    def forward(self, features: Tensor) -> list[Tensor]:
        """Return what each layer gives for features `[M, N, F]`: these, the hidden layers, the outputs `[M, N, 1]`."""
        layers = [features]
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            layers.append(torch.baddbmm(bias, layers[-1], weight).relu_())
        return [*layers, torch.baddbmm(self.biases[-1], layers[-1], self.weights[-1])]

    def backward(self, layers: list[Tensor], wanted: Tensor) -> None:
        """Write the gradient of the sum over members of the mean absolute error to `slopes`; wanted is `[M, N]`."""
        slope = (layers[-1] - wanted.unsqueeze(2)).sign_().div_(wanted.shape[1])
        for i in reversed(range(len(self.weights))):
            torch.bmm(layers[i].mT, slope, out=self.slopes[0][i])
            torch.sum(slope, 1, keepdim=True, out=self.slopes[1][i])
            if i:
                slope = torch.bmm(slope, self.weights[i].mT).mul_(layers[i] > 0)

    def predict(self, features: NDArray[np.float32]) -> Floats:
        """Return what each member says of N architectures with features `[N, F]`, float64 `[M, N]`."""
        with one_thread():
            read = torch.as_tensor(features, dtype=torch.float32).expand(self.members, -1, -1)
            found: Floats = self.forward(read)[-1].squeeze(2).double().numpy()
        return found

    def fit(
        self, features: NDArray[np.float32], values: Floats, *, epochs: int, batch: int, rate: float
    ) -> None:
        """Train every member on the mean absolute error, by Adam.

        Args:
            features: `[N, F]`.
            values: `[N]`.
            epochs: passes over them, each in an order of its own for each member.
            batch: architectures in a step.
            rate: learning rate.
        """
        with one_thread():
            read = torch.as_tensor(features, dtype=torch.float32)
            wanted = torch.as_tensor(values, dtype=torch.float32)
            self._flat.grad = self._gradient
            optimizer = torch.optim.Adam([self._flat], lr=rate, betas=BETAS, fused=True)
            for _ in range(epochs):
                order = torch.rand(self.members, len(wanted), generator=self._generator).argsort(1)
                for chosen in order.split(batch, dim=1):
                    self.backward(self.forward(read[chosen]), wanted[chosen])
                    optimizer.step()
