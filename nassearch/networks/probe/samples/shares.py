"""The share of each sample in the gradient of one weight: dL/dz x^T over the positions of the sample."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from nassearch.errors import InvalidModel
from nassearch.networks.probe.salience import SETTINGS
from nassearch.networks.tracing.backward import Product
from nassearch.networks.tracing.weights import factor_of

aten: Any = torch.ops.aten
AT_ONCE = 2**24
"""Numbers of unfolded inputs that are held at a time, 64 MiB."""


def share_of(x: Tensor, dz: Tensor, shape: torch.Size, window: tuple[Any, ...] | None) -> Tensor:
    """Return `[rows, *shape]` for one convolution or linear layer, without a sum over rows.

    Two rows of a linear layer with one unit:

    >>> share_of(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([[1.0], [10.0]]), torch.Size([1, 2]), None)
    tensor([[[ 1.,  2.]],
    <BLANKLINE>
            [[30., 40.]]])

    Args:
        x: what the layer sees, `[rows, in, *size]`, or `[rows, ..., in]` for a linear layer.
        dz: dL/dz, `[rows, units, *size]` or `[rows, ..., units]`.
        shape: of the weight.
        window: stride, padding, dilation, transposed, output padding and groups of a convolution; None: linear.
    """
    if window is None:
        return torch.bmm(dz.reshape(len(x), -1, dz.shape[-1]).mT, x.reshape(len(x), -1, x.shape[-1]))
    stride, padding, dilation, transposed, _, groups = window
    kernel, axes = shape[2:], len(shape) - 2
    if transposed or groups != 1 or axes > 2:
        return torch.cat([_whole(x[n : n + 1], dz[n : n + 1], shape, window) for n in range(len(x))])
    rows = dz.flatten(2)
    if all(n == 1 for n in (*kernel, *stride)) and not any(padding):
        return torch.bmm(rows, x.flatten(2).mT).view(len(x), *shape)
    one = [1] * (2 - axes)
    x = x.view(*x.shape[:2], *one, *x.shape[2:]) if one else x
    settings: Any = [[*one, *kernel], [*one, *dilation], [*[0 for _ in one], *padding], [*one, *stride]]
    few = max(1, AT_ONCE // (shape[1:].numel() * rows.shape[2]))
    found = [
        torch.bmm(r, F.unfold(part, *settings).mT)
        for r, part in zip(rows.split(few), x.split(few), strict=True)
    ]
    return torch.cat(found).view(len(x), *shape)


def _whole(x: Tensor, dz: Tensor, shape: torch.Size, window: tuple[Any, ...]) -> Tensor:
    weight = x.new_empty(shape)
    found: Tensor = aten.convolution_backward(dz, x, weight, None, *window, [False, True, False])[1]
    return found[None]


def product_share(product: Product, dz: Tensor, batch: int, inner: int) -> tuple[Tensor, Tensor]:
    """Return a parameter and `[batch, *shape]`, what samples add to its gradient at one product.

    The sample of a row is `(row // inner) % batch`.

    Raises:
        InvalidModel: the weight is no view of one parameter, or the product is of a kind that is not known here.
    """
    node, name = product.node, product.node.name()
    factor = factor_of(product)
    parameter = product.parameters[0]
    second = product.weight == (2 if name in ("AddmmBackward0", "BaddbmmBackward0") else 1)
    if factor is None or not _is_view(factor, parameter) or len(product.parameters) > 1:
        raise InvalidModel(
            "gradients of samples are those of weights that a model keeps as they are, and one of this model is "
            "computed from other parameters: score it by a proxy of whole batches"
        )
    if name == "ConvolutionBackward0":
        window = tuple(getattr(node, f"_saved_{n}") for n in SETTINGS)
        shares = share_of(node._saved_input, dz, factor.shape, window)
    elif name in ("MmBackward0", "AddmmBackward0") and factor.dim() == 2:
        kept = {"MmBackward0": ("self", "mat2"), "AddmmBackward0": ("mat1", "mat2")}[name]
        x = getattr(node, "_saved_" + kept[0 if second else 1])
        # z = x W has samples in the rows of both; z = W x in their columns.
        shares = x[:, :, None] * dz[:, None, :] if second else dz.mT[:, :, None] * x.mT[:, None, :]
    else:
        raise InvalidModel(
            f"gradients of samples are known for convolutions and products of matrices, and this model has a {name}: "
            "score it by a proxy of whole batches"
        )
    own = shares.unflatten(0, (-1, batch, inner)).sum((0, 2))
    return parameter, _laid(own, factor, parameter)


def _is_view(factor: Tensor, parameter: Tensor) -> bool:
    return factor.untyped_storage().data_ptr() == parameter.untyped_storage().data_ptr()


def _laid(shares: Tensor, factor: Tensor, parameter: Tensor) -> Tensor:
    """Lay shares `[B, *shape of the factor]` out as the parameter that the factor is a view of."""
    if factor.shape == parameter.shape and factor.stride() == parameter.stride():
        return shares
    places = torch.arange(parameter.numel(), device=parameter.device)
    offset = factor.storage_offset() - parameter.storage_offset()
    seen = places.as_strided(factor.shape, factor.stride(), offset).flatten()
    whole = shares.new_zeros(len(shares), parameter.numel())
    whole.index_add_(1, seen, shares.flatten(1))
    return whole.view(len(shares), *parameter.shape)
