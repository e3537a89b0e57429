"""Interpreter: synflow of a recurrent network, by autograd at full width."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from nassearch.networks.modules.network import one_thread
from nassearch.networks.modules.recurrent import RecurrentLayer
from nassearch.networks.recurrent import RecurrentNetwork


def recurrent_synflow(network: RecurrentNetwork, seed: int) -> float:
    """Return the sum over the weights of all matrices and the classifier of |theta * dR/dtheta|, R the summed logits.

    Our reading of synflow (Tanaka et al., 2020) for cells, of which none is published: all parameters are replaced by
    their absolute values, float64, no logarithm. One step is looked at, and all that it starts from is ones: the
    input of the first layer, which stands in for an embedded word, and the states of every layer. So each matrix
    carries a signal, which in the first step of a sequence, whose states are zero, it would not. Activations stay in,
    so unlike that of a convolutional network this is not multilinear and has no closed form of its expectation.

    Args:
        network: what to look at.
        seed: of the weights, drawn as `RecurrentModule` does; the classifier is the same for all cells.
    """
    generator = torch.Generator().manual_seed(seed)
    with one_thread(), torch.enable_grad():
        layers = [RecurrentLayer(network.cell, *sizes, generator).double() for sizes in network.layers]
        x = torch.ones(1, network.widths[-1], dtype=torch.float64)
        matrices: list[Tensor] = []
        for layer in layers:
            for name, parameter in layer.named_parameters():
                parameter.data.abs_()
                if name.startswith("weights"):
                    matrices.append(parameter)
            states = [torch.ones(1, layer.units, dtype=torch.float64)] * network.cell.states
            x = layer.step(x, states)[0]
        through = x[0] * _classifier(network.vocabulary, network.widths[-1], seed)
        # A matrix that leads to later states only has no part in this step. In some cells every matrix does.
        gradients = (
            torch.autograd.grad(through.sum(), matrices, allow_unused=True) if through.requires_grad else ()
        )
        passed = [(m * g).abs().sum() for m, g in zip(matrices, gradients, strict=False) if g is not None]
        return float(sum(passed, through.abs().sum()).detach())


@lru_cache(maxsize=2)
def _classifier(vocabulary: int, width: int, seed: int) -> Tensor:
    """Return the column sums of |classifier|, float64 `[width]`; its weights are U(-0.1, 0.1), its bias 0."""
    generator = torch.Generator().manual_seed(seed)
    return (
        torch.empty(vocabulary, width)
        .uniform_(-0.1, 0.1, generator=generator)
        .abs_()
        .sum(0, dtype=torch.float64)
    )
