"""A recurrent language model as plain data: one cell, repeated in layers, between tied embeddings."""

from __future__ import annotations

from typing import NamedTuple

OPS = (
    "linear",
    "blend",
    "elementwise_prod",
    "elementwise_sum",
    "activation_tanh",
    "activation_sigm",
    "activation_leaky_relu",
)
"""What a node of a cell computes, after Klyuchnikov et al. (2022).

`linear` is a sum of matrix products, one matrix per input, and a bias; `blend` of z, a and b is z * a + (1 - z) * b.
"""
ARITY = {"linear": None, "blend": 3, "elementwise_prod": 2, "elementwise_sum": 2}
"""Inputs that an operation takes, None for any number; activations take one."""


class CellNode(NamedTuple):
    """One node of a cell.

    Attributes:
        op: one of `OPS`.
        inputs: what it reads: 0 is the input x of this step, 1 to S the S states of the last step, S + 1 + k node k.
    """

    op: str
    inputs: tuple[int, ...]


class Cell(NamedTuple):
    """One step of a recurrent layer.

    Attributes:
        outputs: the S new states, as nodes read them; the first is what the layer gives out.
        nodes: in an order in which each can be computed.
    """

    outputs: tuple[int, ...]
    nodes: tuple[CellNode, ...]

    @property
    def states(self) -> int:
        """Return S."""
        return len(self.outputs)


class RecurrentNetwork(NamedTuple):
    """A language model: embedding, recurrent layers, and a classifier that shares the weights of the embedding.

    Attributes:
        cell: the same in every layer, with weights of its own in each.
        widths: units of each layer; the last is the width of the embedding too.
        vocabulary: number of words.
    """

    cell: Cell
    widths: tuple[int, ...]
    vocabulary: int

    @property
    def layers(self) -> list[tuple[int, int]]:
        """Return (width of x, units) of each layer."""
        return list(zip((self.widths[-1], *self.widths[:-1]), self.widths, strict=True))


def parameters(network: RecurrentNetwork) -> int:
    """Count the trainable numbers: embedding, bias of the classifier, matrices and biases of the cells."""
    shared = network.vocabulary * (network.widths[-1] + 1)
    biases = sum(node.op == "linear" for node in network.cell.nodes) * sum(network.widths)
    return shared + biases + _products(network)


def matrices(network: RecurrentNetwork) -> int:
    """Count the matrices: one per input of each linear node in each layer, and the embedding."""
    linear = sum(len(node.inputs) for node in network.cell.nodes if node.op == "linear")
    return len(network.widths) * linear + 1


def macs(network: RecurrentNetwork) -> int:
    """Count the multiply-accumulates of matrices and classifier for one word."""
    return _products(network) + network.vocabulary * network.widths[-1]


def _products(network: RecurrentNetwork) -> int:
    reads = [i for node in network.cell.nodes if node.op == "linear" for i in node.inputs]
    return sum(units * (width if i == 0 else units) for width, units in network.layers for i in reads)
