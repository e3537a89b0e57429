"""A recurrent policy over architectures, after Zoph and Le (2017): each decision sees those made before it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from nassearch.types import Arch, Floats

WIDTH = 32
BLOCKED = -1e9
"""Logit of an option that a decision does not have: its probability is exactly 0."""


class LSTMController:
    """One LSTM cell, an embedding of every option, and a linear head per decision.

    It begins as the uniform policy, since the heads begin at 0. Float64 on the CPU. Unlike with independent
    decisions, entropy and argmax are those along one path: the likeliest option of each decision, given those before.

    Args:
        options: number of options of each decision.
        learning_rate: of Adam: about how far a step moves a logit, since what the width sums takes its share only.
        entropy_weight: of the entropy in what is maximised.
        seed: of the initial weights.
    """

    def __init__(
        self, options: tuple[int, ...], learning_rate: float, entropy_weight: float, seed: int
    ) -> None:
        most, decisions = max(options), len(options)
        self._options, self.entropy_weight = options, entropy_weight
        with torch.random.fork_rng(devices=[]):  # the constructors draw from torch's generator, for nothing
            self._lstm = nn.LSTM(WIDTH, WIDTH, dtype=torch.float64)
            # Row 0 begins the sequence; option k of decision d has a row of its own.
            self._embedding = nn.Embedding(1 + most * decisions, WIDTH, dtype=torch.float64)
        self._first_rows = 1 + most * torch.arange(decisions)
        generator = torch.Generator().manual_seed(seed)
        learnt = [*self._lstm.parameters(), *self._embedding.parameters()]
        for parameter in learnt:
            nn.init.uniform_(parameter, -0.1, 0.1, generator=generator)
        self._heads = nn.Parameter(torch.zeros(decisions, WIDTH, most, dtype=torch.float64))
        self._biases = nn.Parameter(torch.zeros(decisions, most, dtype=torch.float64))
        absent = torch.arange(most) >= torch.tensor(options)[:, None]
        self._blocked = torch.where(absent, BLOCKED, 0.0).to(torch.float64)
        groups: list[dict[str, Any]] = [
            {"params": [*learnt, self._heads], "lr": learning_rate / WIDTH},
            {"params": [self._biases], "lr": learning_rate},
        ]
        self._adam = torch.optim.Adam(groups)

    def _logs(self, hidden: Tensor, start: int) -> Tensor:
        """Return logarithms of shares `[L, options]` for L decisions from `start` on; hidden is `[L, WIDTH]`."""
        these = slice(start, start + len(hidden))
        logits = (hidden[:, None] @ self._heads[these])[:, 0] + self._biases[these] + self._blocked[these]
        return torch.log_softmax(logits, 1)

    @torch.no_grad()
    def _walk(self, choose: Callable[[int, Tensor], int]) -> tuple[Arch, float]:
        """Decide in order; return the architecture, and the entropy along its path.

        choose gets the decision and the logarithms of the shares of its options.
        """
        arch: list[int] = []
        entropy, row = 0.0, 0
        state: tuple[Tensor, Tensor] | None = None
        for decision in range(len(self._options)):
            hidden, state = self._lstm(self._embedding.weight[row : row + 1], state)
            logs = self._logs(hidden, decision)[0]
            entropy -= float((logs.exp() * logs).sum())
            arch.append(choose(decision, logs))
            row = int(self._first_rows[decision]) + arch[-1]
        return tuple(arch), entropy

    def draw(self, uniforms: Floats) -> Arch:
        """Draw an architecture by inversion of one uniform number per decision, `[D]`."""

        def invert(decision: int, logs: Tensor) -> int:
            # The last option takes what rounding leaves between the sum of all shares and 1.
            cumulative = logs.exp().cumsum(0)[: self._options[decision] - 1]
            return int((cumulative <= uniforms[decision]).sum())

        return self._walk(invert)[0]

    def learn(self, arch: Arch, advantage: float) -> None:
        """Make an architecture more likely by an advantage above 0, less likely by one below."""
        options = torch.tensor(arch)
        rows = torch.cat([torch.zeros(1, dtype=torch.int64), (self._first_rows + options)[:-1]])
        logs = self._logs(self._lstm(self._embedding(rows))[0], 0)
        chosen = logs.gather(1, options[:, None]).sum()
        entropy = -(logs.exp() * logs).sum()
        self._adam.zero_grad()
        (-advantage * chosen - self.entropy_weight * entropy).backward()
        self._adam.step()

    def entropy(self) -> float:
        """Return the entropy in nats, summed over the decisions along the likeliest path."""
        return self._walk(_likeliest)[1]

    def argmax(self) -> Arch:
        """Return the architecture of the likeliest options, each given those before."""
        return self._walk(_likeliest)[0]


def _likeliest(decision: int, logs: Tensor) -> int:
    return int(logs.argmax())
