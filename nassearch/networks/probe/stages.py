"""A network block by block: the entropy of each block's features, and the growth of errors through each block."""

from __future__ import annotations

import math
from itertools import pairwise
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from nassearch.errors import InvalidModel
from nassearch.networks.modules.network import TorchNetwork
from nassearch.networks.probe.probe import Probe

TINY_SHARE, TINY_NORM = 1e-8, 1e-6
"""Added to what may be 0, as in the released code of AZ-NAS."""

_known: WeakKeyDictionary[Probe, list[tuple[Tensor, Tensor]]] = WeakKeyDictionary()
"""What blocks take and give, for as long as a probe lives: the proxies that share it share its pass."""


def entropies(probe: Probe) -> list[float]:
    """Return the entropy of the spectrum of the features after each block but the classifier, in nats.

    Raises:
        InvalidModel: the model is none of a search space, so that its blocks are not known.
    """
    return [spectrum_entropy(y.detach()) for _, y in _passed(probe)]


def norms(probe: Probe) -> list[float | None]:
    """Return for each block but the first and the classifier how much errors grow from its end to its beginning.

    This is the spectral norm of mean(g_in g_out^T): g_out are random signs at the end of the block, and g_in is what a
    backward pass makes of them at its beginning. None where a block hands back what it is given.

    Raises:
        InvalidModel: see `entropies`.
    """
    generator = probe.generator()
    return [_norm(x, y, generator) for x, y in _passed(probe)[1:]]


def _passed(probe: Probe) -> list[tuple[Tensor, Tensor]]:
    """Return what each block but the classifier takes and gives, with a graph from the one to the other alone."""
    if not isinstance(probe.model, TorchNetwork):
        raise InvalidModel(
            "expressivity, progressivity and trainability compare the blocks of a network of a search space; "
            "the blocks of other models are not known: score this one by another proxy"
        )
    if probe in _known:
        return _known[probe]
    passed: list[tuple[Tensor, Tensor]] = []
    x = probe.inputs
    for block in probe.model.blocks[:-1]:
        x = x.detach().requires_grad_()
        y = block(x)
        passed.append((x, y))
        x = y
    _known[probe] = passed
    return passed


def spectrum_entropy(features: Tensor) -> float:
    """Return the entropy of the normalised eigenvalues of the covariance of channels, in nats; 0 for constant features.

    It is -sum(p log p) over the shares p of the eigenvalues in their sum (AZ-NAS, eq. 2). Two channels that vary
    equally and independently have the shares 1/2 and 1/2, and the entropy log 2. With deviations of 3 and 1 the
    shares are 9/10 and 1/10:

    >>> features = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])[:, :, None]
    >>> round(spectrum_entropy(features), 4)
    0.6931
    >>> round(spectrum_entropy(features * torch.tensor([3.0, 1.0])[:, None]), 4)
    0.3251

    Args:
        features: `[B, C, *size]`; every position of every sample is one observation.
    """
    rows = _rows(features)
    rows = rows - rows.mean(0)
    # Rounding makes eigenvalues that are 0 a little negative.
    values = torch.linalg.eigvalsh((rows.T @ rows / len(rows)).double()).clamp_min(0)
    total = float(values.sum())
    if not total > 0:
        return 0.0
    shares = values / total
    return -float((shares * torch.log(shares + TINY_SHARE)).sum())


def _norm(x: Tensor, y: Tensor, generator: torch.Generator) -> float | None:
    """Return the spectral norm of mean(g_in g_out^T): g_out random signs after a block, g_in what it makes of them."""
    signs = torch.randint(0, 2, y.shape, generator=generator).float() * 2 - 1
    if not y.requires_grad:
        return 0.0
    (back,) = torch.autograd.grad(y, x, signs, allow_unused=True)
    if back is None:
        return 0.0
    if back.shape == signs.shape and bool((back == signs).all()):
        return None
    rows = _rows(_fold(back, y.shape))
    return float(torch.linalg.matrix_norm(rows.T @ _rows(signs) / len(rows), 2))


def _fold(x: Tensor, shape: torch.Size) -> Tensor:
    """Turn neighbouring positions into channels until as many positions are left as in `shape`."""
    for axis in range(2, x.ndim):
        stride = x.shape[axis] // shape[axis]
        if stride > 1:
            x = torch.cat(
                [x.index_select(axis, torch.arange(k, x.shape[axis], stride)) for k in range(stride)], 1
            )
    return x


def _rows(x: Tensor) -> Tensor:
    return x.flatten(2).transpose(1, 2).reshape(-1, x.shape[1])


def least_step(values: list[float]) -> float:
    """Return the least difference between a value and the one before it.

    >>> least_step([1.0, 4.0, 6.0])
    2.0
    """
    return min((b - a for a, b in pairwise(values)), default=math.nan)
