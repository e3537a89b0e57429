"""What fisher sums over: how much the loss would change without each output unit of each weight.

For the unit u of a weight (Theis et al., 2018, eq. 10) this is::

    0.5 * mean over samples of (sum over positions of z_u * dL/dz_u) ** 2

z is what the weight makes of a signal, its bias included. What belongs to one sample is summed, so that the score does
not depend on how a model is written: positions may lie in the batch's axis, as in attention within windows, or in
several calls that do not depend on each other, as of recurrent layers on their inputs. Calls of one weight that depend
on each other, as of a layer that is used at two depths, are terms of their own.

An example: two samples, two units, one input. For the first unit z * dL/dz is 1 and 3, which makes
0.5 * (1 + 9) / 2 = 2.5:

>>> z, dz = torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([[1.0, 0.0], [1.0, 2.0]])
>>> of_layer(torch.ones(2, 1), z, dz).channels
tensor([ 2.5000, 16.0000])
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from nassearch.errors import InvalidModel
from nassearch.networks.tracing.backward import Product
from nassearch.networks.tracing.weights import factor_of

Key = tuple[Any, ...]


class Saliency(NamedTuple):
    """What a weight gives fisher.

    Attributes:
        channels: `[units]`, one number for each, see above.
        weights: how many numbers of the weight lead to one unit.
    """

    channels: Tensor
    weights: int


class Call(NamedTuple):
    """A product laid out: rows are positions of samples, columns are output units.

    Attributes:
        signal: `[rows, ...]`, what is multiplied.
        z: computes `[rows, units, ...]`.
        lay: lays dL/d(result) out as z.
        key: the same for all calls of one weight.
        weights: see `Saliency`.
    """

    signal: Tensor
    z: Callable[[], Tensor]
    lay: Callable[[Tensor], Tensor]
    key: Key
    weights: int


def call_of(product: Product) -> Call:
    """Lay a product out.

    Raises:
        InvalidModel: autograd has not kept what it multiplies.
    """
    node, name, second = product.node, product.node.name(), product.weight != _places(product)[0]
    factor = factor_of(product)
    if factor is None:
        raise InvalidModel(
            "fisher looks at what weights make of signals, and of one weight torch keeps no values: it is computed "
            "from other parameters and multiplies what has no derivative"
        )
    who = tuple(sorted(id(p) for p in product.parameters))
    key: Key = (who, factor.storage_offset() if len(who) == 1 else 0)
    if name == "ConvolutionBackward0":
        z = torch.ops.aten.convolution.default
        settings = [getattr(node, f"_saved_{n}") for n in SETTINGS]
        units = factor.shape[1] * node._saved_groups if node._saved_transposed else factor.shape[0]
        x = node._saved_input
        return Call(x, lambda: z(x, factor, None, *settings), _as_it_is, key, factor.numel() // units)
    if name == "TrilinearBackward0":
        i1, i2, i3 = node._saved_i1, node._saved_i2, node._saved_i3
        settings = [node._saved_expand1, node._saved_expand2, node._saved_expand3, node._saved_sumdim]
        size = factor.shape[-2] * factor.shape[-1]
        return Call(i1, lambda: torch._trilinear(i1, i2, i3, *settings), _as_it_is, key, size)
    x = getattr(node, _signal(name, second))
    if name in ("MvBackward0", "AddmvBackward0"):
        if not second:  # W x of one sample
            raise InvalidModel("fisher sums over samples, and a layer sees one at a time")
        return Call(x, lambda: (x @ factor)[:, None], lambda dz: dz[:, None], key, len(factor))
    if not second:  # z = W x: rows are columns
        x, factor, lay = x.mT, factor.mT, _turned
    else:
        lay = _as_it_is
    key = (*key, tuple(factor.shape[-2:]))
    if factor.dim() == 2:
        return Call(x, lambda: x @ factor, lay, key, factor.shape[0])
    if factor.stride(0) == 0:
        whole = factor[0]
        return Call(
            x.flatten(0, 1),
            lambda: (x @ whole).flatten(0, 1),
            lambda dz: lay(dz).flatten(0, 1),
            key,
            len(whole),
        )
    return Call(
        x.movedim(0, 1), lambda: _beside(x @ factor), lambda dz: _beside(lay(dz)), key, factor.shape[1]
    )


SETTINGS = ("stride", "padding", "dilation", "transposed", "output_padding", "groups")


def _places(product: Product) -> tuple[int, int]:
    return (1, 2) if product.node.name().startswith(("Addmm", "Addmv", "Baddbmm")) else (0, 1)


def _signal(name: str, second: bool) -> str:
    pairs = {
        "Mm": ("self", "mat2"),
        "Bmm": ("self", "mat2"),
        "Addmm": ("mat1", "mat2"),
        "Baddbmm": ("batch1", "batch2"),
        "Mv": ("self", "vec"),
        "Addmv": ("mat", "vec"),
    }
    return "_saved_" + pairs[name.removesuffix("Backward0")][0 if second else 1]


def _as_it_is(dz: Tensor) -> Tensor:
    return dz


def _turned(dz: Tensor) -> Tensor:
    return dz.mT


def _beside(z: Tensor) -> Tensor:
    """Turn `[weights, rows, units]` into `[rows, weights * units]`."""
    return z.movedim(0, 1).flatten(1)


def per_sample(call: Call, bias: Tensor | None, dz: Tensor, batch: int, inner: int) -> Tensor:
    """Return the sum over positions of z * dL/dz, `[B, units]`; sample of a row is `(row // inner) % batch`."""
    z, dz = call.z(), call.lay(dz)
    if bias is not None:
        # Weights that lie beside each other share it.
        z = z + bias.repeat(z.shape[1] // len(bias)).view(-1, *[1] * (z.dim() - 2))
    product = z * dz
    sums = product.flatten(2).sum(2) if product.dim() > 2 else product
    apart: Tensor = sums.unflatten(0, (-1, batch, inner))
    return apart.sum((0, 2))


def saliencies(sums: dict[Key, tuple[Tensor, int]], batch: int) -> dict[Key, Saliency]:
    """Return what samples out of a batch of that size add, by weight, from `per_sample` summed over calls."""
    return {key: Saliency(0.5 * each.square().sum(0) / batch, n) for key, (each, n) in sums.items()}


def of_layer(weight: Tensor, z: Tensor, dz: Tensor) -> Saliency:
    """Return what a weight that is called once on the whole batch adds, with z its result `[B, units, *size]`."""
    sums = (z * dz).flatten(2).sum(2) if z.dim() > 2 else z * dz
    return Saliency(0.5 * sums.square().sum(0) / len(z), weight[0].numel())


def layouts(
    calls: Sequence[Call], batch: int, look: Callable[[], tuple[list[Tensor], list[Tensor]]]
) -> list[int]:
    """Return for each call `inner`, where the sample of a row is `(row // inner) % batch`.

    Where rows are no samples, the signals of the batch are held against those of a batch with another first sample.

    Args:
        calls: see `Call`.
        batch: how many samples there are.
        look: computes both, in the order of the calls.

    Raises:
        InvalidModel: what a layer sees mixes samples, so that its rows belong to none.
    """
    if all(len(call.signal) == batch for call in calls):
        return [1] * len(calls)
    before, after = look()
    if len(before) != len(calls) or len(after) != len(calls):
        raise InvalidModel(f"{MIXED}, and the layers that this model calls differ from pass to pass")
    found = []
    for call, old, new in zip(calls, before, after, strict=True):
        rows = len(call.signal)
        if rows == batch:
            found.append(1)
            continue
        if rows % batch:
            raise InvalidModel(f"{MIXED}; here a layer sees {rows} rows for {batch} samples")
        moved = (old != new).flatten(1).any(1).nonzero().flatten()
        per = rows // batch
        fitting = [
            inner
            for inner in range(per, 0, -1)
            if per % inner == 0 and not bool(((moved // inner) % batch).any())
        ]
        if not fitting:
            raise InvalidModel(f"{MIXED}; here a change of one sample changes rows of others")
        found.append(fitting[0])
    return found


MIXED = "fisher sums over the positions of each sample, which a layer must keep apart"


class still:
    """Keep batch norm, which couples samples, from looking at the batch."""

    def __init__(self, model: nn.Module) -> None:
        self.norms = [m for m in model.modules() if isinstance(m, _BatchNorm) and m.training]

    def __enter__(self) -> None:
        for norm in self.norms:
            norm.eval()

    def __exit__(self, *_: object) -> None:
        for norm in self.norms:
            norm.train()
