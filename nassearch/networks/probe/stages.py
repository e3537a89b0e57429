"""A network block by block: the entropy of each block's features, and the growth of errors through each block."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nassearch.errors import InvalidModel
from nassearch.networks.modules.channels_last import last
from nassearch.networks.modules.network import TorchNetwork
from nassearch.networks.probe.probe import Probe
from nassearch.networks.probe.tape.probe import TapeProbe
from nassearch.networks.probe.tape.tape import Tape

TINY_SHARE, TINY_NORM = 1e-8, 1e-6
"""Added to what may be 0, as in the released code of AZ-NAS."""

Back = Callable[[Tensor], Tensor]
"""Maps a gradient at the end of a block to that at its beginning."""


_known: WeakKeyDictionary[Probe, dict[str, list[Any]]] = WeakKeyDictionary()
"""For as long as a probe lives: the proxies that share it share its pass."""


def entropies(probe: Probe) -> list[float]:
    """Return the entropy of the spectrum of the features after each block but the classifier, in nats.

    Raises:
        InvalidModel: the model is none of a search space, so that its blocks are not known.
    """
    return _swept(probe, "block_entropies")


def norms(probe: Probe) -> list[float | None]:
    """Return for each block but the first and the classifier how much errors grow from its end to its beginning.

    This is the spectral norm of mean(g_in g_out^T): g_out are random signs at the end of the block, and g_in is what a
    backward pass makes of them at its beginning. None where a block hands back what it is given.

    Raises:
        InvalidModel: see `entropies`.
    """
    return _swept(probe, "block_norms")


def _swept(probe: Probe, asked: str) -> list[Any]:
    """Return what is asked of each block; what else will be read is found on the way.

    Blocks are left behind one by one, so that the memory of one is enough.
    """
    if asked in _known.get(probe, ()):
        return _known[probe][asked]
    if not isinstance(probe.model, TorchNetwork):
        raise InvalidModel(
            "expressivity, progressivity and trainability compare the blocks of a network of a search space; "
            "the blocks of other models are not known: score this one by another proxy"
        )
    run = _by_tape if isinstance(probe, TapeProbe) else _by_autograd
    found: dict[str, list[Any]] = {name: [] for name in {asked, *probe.reads}}
    generator, x = probe.generator(), probe.inputs
    for number, block in enumerate(probe.model.blocks[:-1]):
        x, back = run(block, x)
        if "block_entropies" in found:
            found["block_entropies"].append(spectrum_entropy(x))
        if "block_norms" in found and number:
            found["block_norms"].append(_norm(x, back, generator))
    _known[probe] = found
    return found[asked]


def _by_tape(block: nn.Module, x: Tensor) -> tuple[Tensor, Back]:
    with torch.no_grad():
        tape = Tape([block], x)
    return tape.logits, torch.no_grad()(tape.input_gradients)


def _by_autograd(block: nn.Module, x: Tensor) -> tuple[Tensor, Back]:
    x = x.detach().requires_grad_()
    y = block(x)

    def back(delta: Tensor) -> Tensor:
        found = torch.autograd.grad(y, x, delta, allow_unused=True)[0] if y.requires_grad else None
        return torch.zeros_like(x) if found is None else found

    return y.detach(), back


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


def _norm(y: Tensor, back: Back, generator: torch.Generator) -> float | None:
    """Return the spectral norm of mean(g_in g_out^T): g_out random signs after a block, g_in what it makes of them."""
    signs = last(torch.randint(0, 2, y.shape, generator=generator, dtype=y.dtype).mul_(2).sub_(1))
    passed = back(signs)
    if passed.shape == signs.shape and bool((passed == signs).all()):
        return None
    rows = _rows(_fold(passed, y.shape))
    return float(torch.linalg.matrix_norm(rows.T @ _rows(signs) / len(rows), 2))


def _fold(x: Tensor, shape: torch.Size) -> Tensor:
    """Turn neighbouring positions into channels until as many positions are left as in `shape`.

    Where they do not divide, zeros stand behind the last.
    """
    for axis in range(2, x.ndim):
        stride = -(-x.shape[axis] // shape[axis])
        if stride > 1:
            missing = stride * shape[axis] - x.shape[axis]
            x = F.pad(x, [0, 0] * (x.ndim - 1 - axis) + [0, missing]) if missing else x
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
