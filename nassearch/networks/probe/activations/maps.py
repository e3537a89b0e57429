"""How correlated the channels of feature maps are: the least eigenvalue of their correlation.

An example: two channels that are the same but for scale have the correlation [[1, 1], [1, 1]], eigenvalues 0 and 2;
channels that do not go together have 1 and 1.

>>> least_eigenvalue(torch.tensor([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0]]))
0.0
>>> round(least_eigenvalue(torch.tensor([[1.0, 0.0, -1.0], [1.0, -2.0, 1.0]])), 6)
1.0
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from nassearch.errors import InvalidModel
from nassearch.networks.modules.isolation import isolated
from nassearch.networks.probe.activations.drawing import noise_like, run_whole
from nassearch.networks.probe.probe import Probe


def map_correlations(probe: Probe, channels: int | None) -> float:
    """Return the sum over layers of the least eigenvalue of the correlation of their maps of one sample of noise.

    A layer is a module without modules in it, at each call that gives maps `[1, C, *size]` of two channels or more.

    Args:
        probe: the model, and the shape of its inputs.
        channels: how many channels of each layer are drawn, whose eigenvalue then counts C / channels times; None for
            all.

    Raises:
        InvalidModel: no layer gives maps, or the inputs are words.
    """
    generator = probe.generator()
    found: list[float] = []

    def look(maps: Tensor) -> None:
        rows = maps[0].flatten(1)
        count = len(rows)
        if channels is None or count <= channels:
            found.append(least_eigenvalue(rows))
        else:
            chosen = torch.randperm(count, generator=generator)[:channels]
            found.append(count / channels * least_eigenvalue(rows[chosen.to(rows.device)]))

    inputs = noise_like(probe, 1, generator)
    with torch.no_grad(), isolated(probe.seed), watched(probe.model, look):
        run_whole(probe.model, inputs)
    if not found:
        raise InvalidModel(
            "it compares the channels of feature maps, and no layer of this model gives maps [B, channels, *size]: "
            "score it by another proxy"
        )
    return sum(found)


@contextmanager
def watched(model: nn.Module, look: Callable[[Tensor], None]) -> Iterator[None]:
    """Call `look` with the maps `[B, C, *size]` that each layer gives, before the next layer can overwrite them."""

    def hook(module: nn.Module, inputs: Any, output: Any) -> None:
        if isinstance(output, Tensor) and output.dim() > 2 and output.shape[1] > 1:
            look(output)

    layers = [module for module in model.modules() if next(module.children(), None) is None]
    handles = [layer.register_forward_hook(hook) for layer in layers]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def least_eigenvalue(rows: Tensor) -> float:
    """Return the least eigenvalue of the Pearson correlation of rows `[C, positions]`, computed in float64.

    A row without variation correlates with none, itself included: the eigenvalue is then 0.
    """
    rows = rows.double()
    if not bool((rows != rows[:, :1]).any(1).all()):
        return 0.0
    rows = rows - rows.mean(1, keepdim=True)
    rows = rows / rows.norm(dim=1, keepdim=True)
    # Rounding makes of an eigenvalue 0 a little less.
    return max(float(torch.linalg.eigvalsh(rows @ rows.T)[0]), 0.0)
