"""Signals of one sign through a module with absolute weights, at full width: synflow and what derives from it."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from nassearch.errors import InvalidModel
from nassearch.networks.frames import Cap, FrameLSTM, FrameNorm
from nassearch.networks.graph import Network
from nassearch.networks.initialise import WEIGHTED
from nassearch.networks.modules import own_copy, seeded
from nassearch.networks.recording import checked
from nassearch.networks.torch_module import TorchNetwork


def network_flow(network: Network, seed: int, batch_norm: bool = False, shift: float | None = None) -> float:
    """Return `flow` of one initialisation of a network, its weights drawn from `seed`."""
    model = TorchNetwork(network, torch.Generator().manual_seed(seed))
    return flow(model, network.input_shape, batch_norm, shift, owned=True)


def flow(
    model: nn.Module,
    input_shape: tuple[int, ...],
    batch_norm: bool = False,
    shift: float | None = None,
    owned: bool = False,
) -> float:
    """Return the sum over weights of |W * dR/dW|, or of |W * log(shift + |dR/dW|)|, at absolute parameters.

    R is the sum of the logits for one input of ones, in float64. W are the weights of convolutions and linear
    layers; one that several layers share counts once. Dropout is off. Layers of speech networks are treated as
    `nassearch.networks.graph.LEFT_OUT` says, layer norm as batch norm.

    Args:
        model: left as it is, unless `owned`.
        input_shape: `(channels, *size)`.
        batch_norm: keep batch norm, on the statistics of the one input; otherwise it is left out.
        shift: take the logarithm of the gradients and this. They are not negative in networks whose layers keep a
            positive signal positive, where the inner absolute value changes nothing.
    """
    model = (model if owned else own_copy(model)).double().eval().requires_grad_()
    for module in list(model.modules()):
        if isinstance(module, _BatchNorm | FrameNorm):
            module.train(batch_norm)
            if not batch_norm:
                module.forward = _identity  # type: ignore[method-assign]
        elif isinstance(module, Cap):
            module.forward = _identity  # type: ignore[method-assign]
        elif isinstance(module, FrameLSTM):
            module.forward = module.mean  # type: ignore[method-assign]
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.abs_()
    layers = [module for module in model.modules() if isinstance(module, WEIGHTED)]
    weights = list({id(layer.weight): layer.weight for layer in layers}.values())
    if not weights:
        raise InvalidModel(
            "the model has no convolution and no linear layer, whose weights would be summed over"
        )
    with seeded():
        try:
            logits = checked(model(torch.ones(1, *input_shape, dtype=torch.float64)), 1)
        except ValueError as error:
            if not batch_norm or isinstance(error, InvalidModel):
                raise
            raise InvalidModel(
                f"batch norm on the statistics of one input: {error}; give larger inputs"
            ) from error
        gradients = torch.autograd.grad(logits.sum(), weights, allow_unused=True)
    with torch.no_grad():
        return sum(_part(w, g, shift) for w, g in zip(weights, gradients, strict=True))


def _identity(x: Tensor) -> Tensor:
    return x


def _part(weight: Tensor, gradient: Tensor | None, shift: float | None) -> float:
    g = torch.zeros_like(weight) if gradient is None else gradient.abs()
    if shift is not None:
        g = (g.log1p() if shift == 1 else (g + shift).log()).abs()
    return float((weight * g).sum())
