"""Find the biases that a model adds itself: parameters that are added to each output unit of a product, to it alone.

Between the product and the sum a model may move numbers, by a permutation for example. The units are numbered, and
their numbers are moved along. So what is added along another axis, such as an embedding of positions, is no bias.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from nassearch.networks.tracing.backward import Product

RESHAPES = frozenset(
    f"{name}Backward0"
    for name in ("View", "UnsafeView", "ReshapeAlias", "Unsqueeze", "Squeeze", "Alias", "Clone", "Expand")
)
MOVES = frozenset({"PermuteBackward0", "TransposeBackward0", "TBackward0"})
BUILT_IN = {"AddmmBackward0": 0, "BaddbmmBackward0": 0, "AddmvBackward0": 0, "ConvolutionBackward0": 2}
"""Products that add something themselves, and which of what they read it is."""


def with_biases(nodes: Sequence[Any], products: Sequence[Product]) -> list[Product]:
    """Return products with their biases.

    Args:
        nodes: of autograd, each behind all that it reads.
        products: without biases.
    """
    made = {product.node: product for product in products}
    readers = Counter(read for node in nodes for read, _ in node.next_functions)
    biases: dict[Any, Tensor] = {}
    for node in nodes:
        reads = [read for read, _ in node.next_functions]
        if node in made and node.name() in BUILT_IN:
            product, start, addend = made[node], node, reads[BUILT_IN[node.name()]]
        elif node.name() == "AddBackward0" and len(reads) == 2 and None not in reads:
            addend = next((read for read in reads if _leaf(read) is not None), None)
            start = reads[0] if addend is reads[1] else reads[1]
            path = _back(start)
            if path[-1] not in made or any(readers[each] > 1 for each in path):
                continue
            product = made[path[-1]]
        else:
            continue
        bias = None if addend is None else _leaf(addend)
        if bias is not None and product.node not in biases and _fits(product, start, addend, bias):
            biases[product.node] = bias
    return [product._replace(bias=biases.get(product.node)) for product in products]


def _fits(product: Product, start: Any, addend: Any, bias: Tensor) -> bool:
    """Say whether a bias gives each unit its own number."""
    if product.node.name() == "ConvolutionBackward0" and addend is product.node.next_functions[2][0]:
        return True
    shape = _shape(product.node)
    units = torch.arange(len(bias))
    if len(shape) > 1:
        if shape[product.units_axis] != len(bias):
            return False
        units = units.view(-1, *[1] * (-1 - product.units_axis)).expand(shape)
    elif len(bias) != 1:
        return False
    given = _moved(torch.arange(len(bias)), _back(addend)[-2::-1])
    if start is not product.node:
        units = _moved(units, _back(start)[-2::-1])
    try:
        return bool((units == given).all())
    except RuntimeError:  # shapes that do not broadcast: a product that adds part of something
        return False


def _back(node: Any) -> list[Any]:
    """Return a node, and what it reads as long as numbers are only moved."""
    path = [node]
    while path[-1].name() in RESHAPES or path[-1].name() in MOVES:
        path.append(path[-1].next_functions[0][0])
    return path


def _leaf(node: Any) -> Tensor | None:
    """Return the parameter `[units]` that a node moves, or None."""
    variable: Tensor | None = None if node is None else getattr(_back(node)[-1], "variable", None)
    return variable if variable is not None and variable.dim() == 1 else None


def _moved(x: Tensor, path: Sequence[Any]) -> Tensor:
    for node in path:
        name = node.name()
        if name == "PermuteBackward0":
            x = x.permute([_signed(axis) for axis in node._saved_dims])
        elif name == "TransposeBackward0":
            x = x.transpose(_signed(node._saved_dim0), _signed(node._saved_dim1))
        elif name == "TBackward0":
            x = x.t()
        elif name == "ExpandBackward0":
            x = x.expand(_shape(node))
        else:
            x = x.reshape(_shape(node))
    return x


def _signed(axis: int) -> int:
    """Return an axis that autograd keeps, where one counted from the end wraps round."""
    return axis - (1 << 64) if axis >= 1 << 63 else axis


def _shape(node: Any) -> tuple[int, ...]:
    """Return the shape of what a node gave forward."""
    return tuple(node._input_metadata[0].shape)
