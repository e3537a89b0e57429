"""Read the graph that autograd keeps of a forward pass: which parameters multiply signals, and where.

The graph is read from its end, the logits. No hook is registered and no tensor is kept: a hook that refers back to the
object that registered it is never collected.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from torch import Tensor

OPERANDS: dict[str, tuple[int, ...]] = {
    "MmBackward0": (0, 1),
    "AddmmBackward0": (1, 2),
    "BmmBackward0": (0, 1),
    "BaddbmmBackward0": (1, 2),
    "MvBackward0": (0, 1),
    "AddmvBackward0": (1, 2),
    "ConvolutionBackward0": (0, 1),
    "TrilinearBackward0": (0, 1, 2),
}
"""Nodes that multiply and sum, and which of what they read are the factors."""
LOOKUPS = frozenset({"EmbeddingBackward0", "EmbeddingBagBackward0"})
"""Nodes that choose by whole numbers: what they give is a signal, and their table multiplies nothing."""


class Product(NamedTuple):
    """A node that multiplies a signal by a weight, and sums.

    Attributes:
        node: of autograd.
        weight: which of the nodes that it reads gives the weight.
        parameters: what the weight is computed from, nearly always one.
        bias: a parameter `[units]` that is added to its result, see `nassearch.networks.tracing.biases`.
    """

    node: Any
    weight: int
    parameters: tuple[Tensor, ...]
    bias: Tensor | None = None

    @property
    def units_axis(self) -> int:
        """Which axis of the result is that of the output units, from the end; of the matrix too, where it is one."""
        name: str = self.node.name()
        if name == "ConvolutionBackward0":
            return 1 - int(self.node._saved_input.dim())
        last = 2 if name in ("AddmmBackward0", "BaddbmmBackward0") else 1
        return -1 if name == "TrilinearBackward0" or self.weight == last else -2


def order(root: Any) -> list[Any]:
    """Return the nodes that lead to a node, each behind all that it reads; the root is the last."""
    done: set[Any] = set()
    ordered: list[Any] = []
    waiting: list[tuple[Any, bool]] = [] if root is None else [(root, False)]
    while waiting:
        node, ready = waiting.pop()
        if ready:
            ordered.append(node)
        elif node not in done:
            done.add(node)
            waiting.append((node, True))
            waiting += [(read, False) for read, _ in node.next_functions if read is not None]
    return ordered


def leading(nodes: Sequence[Any], leaf: Tensor) -> set[Any]:
    """Return those of ordered nodes that depend on a leaf."""
    found: set[Any] = set()
    for node in nodes:
        if getattr(node, "variable", None) is leaf or any(read in found for read, _ in node.next_functions):
            found.add(node)
    return found


def products(
    nodes: Sequence[Any], parameters: Collection[Tensor], layers: Collection[int] = ()
) -> list[Product]:
    """Return where a weight multiplies a signal, in the order in which it was computed.

    A weight is what depends on parameters alone; a signal is what depends on anything else as well.

    Args:
        nodes: see `order`.
        parameters: leaves that count.
        layers: ids of those that are known as weights of layers. They tell the weight from the signal where both are
            computed from parameters alone, as where a layer sees learned tokens, or zeros behind a batch norm.
    """
    known = {id(parameter) for parameter in parameters}
    made: dict[Any, tuple[Tensor, ...]] = {None: ()}
    """Parameters that a node's result is made of, if it is made of nothing else; otherwise none."""
    signals: set[Any] = set()
    found: dict[Any, tuple[int, tuple[Tensor, ...]]] = {}
    for node in nodes:
        reads = [read for read, _ in node.next_functions]
        leaf = getattr(node, "variable", None)
        if leaf is not None:
            made[node] = (leaf,) if id(leaf) in known else ()
        else:
            made[node] = tuple({id(p): p for read in reads for p in made[read]}.values())
        if (
            node.name() in LOOKUPS
            or any(read in signals for read in reads)
            or (leaf is not None and not made[node])
        ):
            signals.add(node)
            made[node] = ()
        factors = [n for n in OPERANDS.get(node.name(), ()) if n < len(reads)]
        weights = [n for n in factors if made[reads[n]]]
        if len(weights) > 1:
            weights = [n for n in weights if all(id(p) in layers for p in made[reads[n]])]
        if len(weights) == 1 and len(factors) > 1:
            found[node] = (weights[0], made[reads[weights[0]]])
            signals.add(node)
            made[node] = ()
    calls = [Product(node, *each) for node, each in found.items()]
    return sorted(calls, key=lambda call: call.node._sequence_nr())
