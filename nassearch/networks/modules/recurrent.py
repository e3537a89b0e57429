"""Interpreter: a recurrent language model as a torch module, full width, after the released one."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nassearch.networks.modules.network import one_thread
from nassearch.networks.recurrent import Cell, RecurrentNetwork

EMBEDDING_SEED = 21
"""Of the embedding that epsilon looks through; that of the authors' code."""
EMBEDDINGS: dict[str, Callable[[Tensor, torch.Generator], Tensor]] = {
    "uniform positive 1": lambda table, draw: table.uniform_(0, 1, generator=draw),
    "uniform positive 0.1": lambda table, draw: table.uniform_(0, 0.1, generator=draw),
    "uniform centred 1": lambda table, draw: table.uniform_(-1, 1, generator=draw),
    "uniform centred 0.1": lambda table, draw: table.uniform_(-0.1, 0.1, generator=draw),
    "random 1": lambda table, draw: table.normal_(0, 1, generator=draw),
    "random 0.1": lambda table, draw: table.normal_(0, 0.1, generator=draw),
}
"""Initialisations of table 5 of "Light and Accurate" (2022); the first is that of its epsilon."""


def step(
    cell: Cell,
    x: Tensor,
    states: Sequence[Tensor],
    linear: Callable[[int, list[Tensor]], Tensor],
    sigmoid: Callable[[Tensor], Tensor] = torch.sigmoid,
) -> list[Tensor]:
    """Return the S new states of a cell; `linear(k, inputs)` is what node k computes where its operation is linear."""
    values = [x, *states]
    for k, node in enumerate(cell.nodes):
        read = [values[i] for i in node.inputs]
        if node.op == "linear":
            y = linear(k, read)
        elif node.op == "blend":
            y = read[0] * read[1] + (1 - read[0]) * read[2]
        elif node.op == "elementwise_prod":
            y = read[0] * read[1]
        elif node.op == "elementwise_sum":
            y = read[0] + read[1]
        elif node.op == "activation_tanh":
            y = torch.tanh(read[0])
        elif node.op == "activation_sigm":
            y = sigmoid(read[0])
        else:
            y = F.leaky_relu(read[0])
        values.append(y)
    return [values[i] for i in cell.outputs]


class RecurrentLayer(nn.Module):
    """One recurrent layer: matrices `[units, inputs]` for each linear node, and its bias.

    Args:
        cell: what a step computes.
        width, units: of x and of the states.
        generator: source of all its parameters, U(-b, b) with b = 1 / sqrt(units), as released; None leaves zeros.
    """

    def __init__(self, cell: Cell, width: int, units: int, generator: torch.Generator | None) -> None:
        super().__init__()
        self.cell, self.units = cell, units
        self.weights, self.biases = nn.ParameterDict(), nn.ParameterDict()
        bound = 1 / math.sqrt(units)
        for k, node in enumerate(cell.nodes):
            if node.op == "linear":
                sizes = [width if i == 0 else units for i in node.inputs]
                self.weights[str(k)] = nn.ParameterList(
                    _drawn((units, size), bound, generator) for size in sizes
                )
                self.biases[str(k)] = _drawn((units,), bound, generator)

    def step(self, x: Tensor, states: Sequence[Tensor]) -> list[Tensor]:
        """Map x `[B, width]` and the S last states `[B, units]` to the S new ones."""
        return step(self.cell, x, states, self._linear)

    def _linear(self, k: int, inputs: list[Tensor]) -> Tensor:
        weights = self.weights[str(k)]
        y = F.linear(inputs[0], weights[0], self.biases[str(k)])
        for x, weight in zip(inputs[1:], list(weights)[1:], strict=True):
            y = y + F.linear(x, weight)
        return y

    def forward(self, xs: Tensor, start: float = 0.0) -> Tensor:
        """Map `[T, B, width]` to the first state after each step, `[T, B, units]`; all states begin at `start`."""
        states = [xs.new_full((xs.shape[1], self.units), start) for _ in range(self.cell.states)]
        outputs = []
        for x in xs:
            states = self.step(x, states)
            outputs.append(states[0])
        return torch.stack(outputs)


class RecurrentModule(nn.Module):
    """A recurrent network as a torch module, without the dropouts of its training.

    Args:
        network: what to build.
        generator: source of the initial weights, drawn as released: layers, then embedding U(-0.1, 0.1); the bias of
            the classifier is 0. None leaves all at zero.
    """

    def __init__(self, network: RecurrentNetwork, generator: torch.Generator | None) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            RecurrentLayer(network.cell, *sizes, generator) for sizes in network.layers
        )
        self.embedding = _drawn((network.vocabulary, network.widths[-1]), 0.1, generator)
        self.bias = nn.Parameter(torch.zeros(network.vocabulary))

    def hidden(self, xs: Tensor, start: float = 0.0) -> Tensor:
        """Map embedded words `[T, B, width]` to what the last layer gives out, `[T, B, width]`."""
        for layer in self.layers:
            xs = layer(xs, start)
        return xs

    def forward(self, tokens: Tensor) -> Tensor:
        """Map words, int64 `[B, T]`, to the logits of each next one, `[B, T, vocabulary]`."""
        hidden = self.hidden(F.embedding(tokens.T, self.embedding))
        return F.linear(hidden.transpose(0, 1), self.embedding, self.bias)


def _drawn(shape: tuple[int, ...], bound: float, generator: torch.Generator | None) -> nn.Parameter:
    values = torch.zeros(shape)
    return nn.Parameter(values if generator is None else values.uniform_(-bound, bound, generator=generator))


@lru_cache(maxsize=2)
def fixed_embedding(vocabulary: int, width: int, kind: str = next(iter(EMBEDDINGS))) -> Tensor:
    """Return the embedding that epsilon looks through, float32 `[vocabulary, width]`, the same for both weights."""
    return EMBEDDINGS[kind](torch.empty(vocabulary, width), torch.Generator().manual_seed(EMBEDDING_SEED))


def constant_outputs(network: RecurrentNetwork, tokens: Tensor, weight: float) -> Tensor:
    """Return unit 0 of the last layer under a constant weight at full width, float32 `[T * B]`, step by step.

    As in the authors' code, the biases of the cells are set to the weight too, and every state begins at it. The
    reference for `recurrent_collapsed`.
    """
    module = RecurrentModule(network._replace(vocabulary=0), None)
    with one_thread(), torch.inference_mode():
        for parameter in module.layers.parameters():
            parameter.fill_(weight)
        xs = F.embedding(tokens.T, fixed_embedding(network.vocabulary, network.widths[-1]))
        hidden: Tensor = module.hidden(xs, weight)
        return hidden[:, :, 0].flatten()
