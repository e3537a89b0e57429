"""Find the weights of a model: the parameters that multiply signals in a sum, however the model writes it.

These are no weights: biases, gains and shifts of normalisation, single scales, tables that are looked up
(`nn.Embedding`), and what is added to signals (tokens, positions). They multiply nothing, or one number each. A weight
is one parameter as the model stores it. One that several layers share counts once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvTransposeNd

from nassearch.networks.modules.initialise import WEIGHTED
from nassearch.networks.modules.network import TorchNetwork
from nassearch.networks.modules.speech import FrameLSTM
from nassearch.networks.tracing.backward import Product, order, products

Rows = Callable[[Tensor], Tensor]
"""Turns a tensor of the shape of a weight into one row per output unit, `[units, ...]`."""


class Weight(NamedTuple):
    """A parameter that multiplies signals.

    Attributes:
        parameter: the tensor.
        rows: how it, or its gradient, falls into rows, one for each output unit.
    """

    parameter: Tensor
    rows: Rows


def model_weights(model: nn.Module, run: Callable[[], Tensor]) -> list[Weight]:
    """Return the weights of a model, in the order of its parameters.

    Layers of torch.nn are known, those that nothing calls included. Where a model has parameters of its own, a forward
    pass shows what it does with them.

    Args:
        model: all its parameters require a gradient.
        run: gives logits, with their graph.
    """
    found = layer_weights(model)
    if not isinstance(model, TorchNetwork) and any(_strange(model, found)):
        for call in products(order(run().grad_fn), list(model.parameters()), found):
            for p in call.parameters:
                found.setdefault(id(p), Weight(p, rows_of(call, p)))
    return [found[id(p)] for p in model.parameters() if id(p) in found]


def layer_weights(model: nn.Module) -> dict[int, Weight]:
    """Return the weights of layers of torch.nn, by the id of the parameter."""
    return {id(p): Weight(p, rows) for module in model.modules() for p, rows in _own(module)}


def left_out(model: nn.Module, weights: list[Weight]) -> float:
    """Return the share of a model's matrices, in numbers, that are no weights: tables and what cannot be seen into."""
    known = {id(weight.parameter) for weight in weights}
    matrices = [p for p in model.parameters() if sum(n > 1 for n in p.shape) > 1]
    missing = sum(p.numel() for p in matrices if id(p) not in known)
    return missing / max(1, sum(p.numel() for p in matrices))


def _own(module: nn.Module) -> Iterator[tuple[Tensor, Rows]]:
    names: list[str] = []
    rows: Rows = _first
    if isinstance(module, FrameLSTM):
        # Of all networks of its space alike, and left out of their synflow: their proxies look at convolutions.
        return
    if isinstance(module, (*WEIGHTED, nn.Bilinear)):
        names = ["weight"]
    elif isinstance(module, _ConvTransposeNd):
        names, rows = ["weight"], partial(_transposed, module.groups)
    elif isinstance(module, nn.MultiheadAttention):
        names = ["in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight"]
    elif isinstance(module, nn.RNNBase | nn.RNNCellBase):
        names = [name for name in module._parameters if name.startswith("weight_")]
    for name in names:
        parameter = module._parameters.get(name)
        if parameter is not None:
            yield parameter, rows


def _strange(model: nn.Module, found: dict[int, Weight]) -> Iterator[bool]:
    for module in model.modules():
        kind = type(module)
        # Of the latter a model may read the parameters itself, an embedding's table in front of its logits say.
        known = kind.__module__.startswith("torch.nn.modules.") and not isinstance(
            module, nn.ParameterList | nn.ParameterDict | nn.Embedding | nn.EmbeddingBag
        )
        yield not known and any(id(p) not in found for p in module.parameters(recurse=False))


def rows_of(call: Product, parameter: Tensor) -> Rows:
    """Return how a weight falls into rows, as a product that reads it shows."""
    factor = factor_of(call)
    if factor is None or call.node.name() in ("ConvolutionBackward0", "TrilinearBackward0"):
        return _first
    if factor.untyped_storage().data_ptr() != parameter.untyped_storage().data_ptr():
        return _first
    if factor.numel() == parameter.numel() and 0 not in factor.stride():
        return partial(_as_seen, factor.shape, factor.stride(), call.units_axis)
    strides = parameter.stride()
    # A part of the weight: it lies in the whole as its strides say.
    axis = next((n for n, s in enumerate(strides) if s == factor.stride(call.units_axis)), 0)
    # Axes that it chooses one place of hold other weights, whose units are others.
    chosen = [n for n, s in enumerate(strides) if n != axis and s not in factor.stride()]
    return partial(_axes_first, [*chosen, axis])


def factor_of(call: Product) -> Tensor | None:
    """Return the weight as the product sees it, or None where autograd has not kept it."""
    kept = {
        "MmBackward0": ("_saved_self", "_saved_mat2"),
        "BmmBackward0": ("_saved_self", "_saved_mat2"),
        "AddmmBackward0": ("", "_saved_mat1", "_saved_mat2"),
        "BaddbmmBackward0": ("", "_saved_batch1", "_saved_batch2"),
        "MvBackward0": ("_saved_self", "_saved_vec"),
        "AddmvBackward0": ("", "_saved_mat", "_saved_vec"),
        "ConvolutionBackward0": ("_saved_input", "_saved_weight"),
        "TrilinearBackward0": ("_saved_i1", "_saved_i2", "_saved_i3"),
    }[call.node.name()]
    found: Any = getattr(call.node, kept[call.weight])
    return _plain(call.node.next_functions[call.weight][0]) if found is None else found


def _plain(node: Any) -> Tensor | None:
    """Return a parameter, or the transpose of one."""
    if node.name() == "TBackward0":
        inner = _plain(node.next_functions[0][0])
        return None if inner is None else inner.t()
    variable: Any = getattr(node, "variable", None)
    return None if variable is None else variable.detach()


def _first(x: Tensor) -> Tensor:
    return x


def _axes_first(axes: list[int], x: Tensor) -> Tensor:
    return x.movedim(axes, list(range(len(axes)))).flatten(0, len(axes) - 1)


def _transposed(groups: int, x: Tensor) -> Tensor:
    # [in, out / groups, *kernel], inputs group by group.
    split: Tensor = x.unflatten(0, (groups, -1))
    return split.transpose(1, 2).flatten(0, 1)


def _as_seen(shape: torch.Size, strides: tuple[int, ...], units: int, x: Tensor) -> Tensor:
    seen = x.contiguous().as_strided(shape, strides)
    if seen.dim() == 1:
        return seen[None]
    return seen.movedim(units, -2).flatten(0, -2)
