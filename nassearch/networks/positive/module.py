"""Synflow and its variants for any torch module, at full width: absolute weights, and signals of one sign."""

from __future__ import annotations

import math
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm
from torch.overrides import TorchFunctionMode

from nassearch.errors import InvalidModel
from nassearch.networks.graph import Network
from nassearch.networks.modules.foreign import TooSmall, is_bias, of_one, own_copy, seeded
from nassearch.networks.modules.network import TorchNetwork
from nassearch.networks.modules.speech import Cap, FrameLSTM, FrameNorm
from nassearch.networks.positive.scaled import LN2, Scaled
from nassearch.networks.tracing.recording import checked
from nassearch.networks.tracing.weights import model_weights

SHIFTS = (250, 500, 1000)
"""Powers of two by which signals are scaled, forward and backward, where they leave float64; it ends at 2**1024."""
BEYOND = 20
"""By how many more they are scaled to see whether the score stays."""
SAME = 1e-9
"""How far two scalings of one score may be apart, in its logarithm: float64 rounds below 1e-12 in networks of any depth
that runs, and an activation that is not the same at every scale moves it by whole digits."""


def scaled_network_synflow(
    network: Network, seed: int, batch_norm: bool = False, shift: float | None = None
) -> Scaled:
    """Return `scaled_module_synflow` of one initialisation of a network, its weights drawn from `seed`."""
    model = TorchNetwork(network, torch.Generator().manual_seed(seed))
    return scaled_module_synflow(model, network.input_shape, batch_norm, shift, owned=True)


def module_synflow(model: nn.Module, input_shape: tuple[int, ...], *settings: Any, **more: Any) -> float:
    """Return `scaled_module_synflow` as a float: infinite, or 0, where it is out of range."""
    return scaled_module_synflow(model, input_shape, *settings, **more).value


def scaled_module_synflow(
    model: nn.Module,
    input_shape: tuple[int, ...],
    batch_norm: bool = False,
    shift: float | None = None,
    owned: bool = False,
    batch_size: int = 4,
) -> Scaled:
    """Return the sum over weights of |W * dR/dW|, or of |W * log(shift + |dR/dW|)|, at absolute parameters.

    R is the sum of the logits for one input of ones, in float64. W are the parameters that multiply
    signals (`nassearch.networks.tracing.weights`); one that several layers share counts once. Dropout
    is off. Layers of speech networks are treated as `nassearch.networks.graph.LEFT_OUT` says, layer norm as batch norm.
    Where batch norm is left out, so is the upper end of clipped ReLUs, such as ReLU6: signals grow without end there,
    and no gradient would come through it.

    Where signals leave float64 they are computed at another scale. With absolute weights all signals grow in
    proportion to the input and the biases together, as long as activations are the same at every scale, as ReLU is;
    that is tried out.

    Args:
        model: left as it is, unless `owned`.
        input_shape: `(channels, *size)`.
        batch_norm: keep batch norm, on the statistics of the one input; otherwise it is left out. What else a layer
            does that normalises stays, such as a sigmoid.
        shift: take the logarithm of the gradients and this. They are not negative in networks whose layers keep a
            positive signal positive, where the inner absolute value changes nothing.
        batch_size: tried where the model takes neither one input nor a few.

    Raises:
        InvalidModel: it has none of these weights, fails, or leaves float64 in a way that cannot be scaled.
    """
    model = (model if owned else own_copy(model)).double().eval().requires_grad_()
    _prepare(model, batch_norm)
    return _Pass(model, input_shape, batch_norm, shift, batch_size).score()


def _prepare(model: nn.Module, batch_norm: bool) -> None:
    for module in list(model.modules()):
        if isinstance(module, _BatchNorm | FrameNorm):
            module.training = batch_norm  # of this module alone: one in it, such as dropout, stays off
        if isinstance(module, Cap) or (isinstance(module, FrameNorm) and not batch_norm):
            module.forward = _identity  # type: ignore[method-assign]
        elif isinstance(module, FrameLSTM):
            module.forward = module.mean  # type: ignore[method-assign]
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.abs_()


def _clips(args: Any, kwargs: Any) -> bool:
    """Say whether hardtanh with these arguments is a clipped ReLU, and no gate, which ends at 1."""
    given = {
        "min_val": -1.0,
        "max_val": 1.0,
        **dict(zip(("min_val", "max_val"), args[1:], strict=False)),
        **kwargs,
    }
    return bool(given["min_val"] == 0 and given["max_val"] > 1)


def _identity(x: Tensor) -> Tensor:
    return x


class _WithoutBatchNorm(TorchFunctionMode):
    """Hands on what batch norm is given, in layers of any class: a subclass may do more than to normalise.

    Clipped ReLUs become ReLUs.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is F.relu6 or (func in (F.hardtanh, F.hardtanh_) and _clips(args, kwargs or {})):
            return F.relu(args[0] if args else kwargs["input"])
        if func is F.batch_norm:
            # A copy, as batch norm gives: the next layer may work in place.
            return (args[0] if args else kwargs["input"]).clone()
        return func(*args, **(kwargs or {}))


class _Pass:
    def __init__(
        self,
        model: nn.Module,
        input_shape: tuple[int, ...],
        batch_norm: bool,
        shift: float | None,
        batch_size: int,
    ) -> None:
        self.model, self.shape = model, input_shape
        self.batch_norm, self.shift, self.batch_size = batch_norm, shift, batch_size
        self.weights = [weight.parameter for weight in model_weights(model, lambda: self._pass(1.0)[0])]
        if not self.weights:
            raise InvalidModel("no parameter of the model multiplies signals: there is no weight to sum over")
        self.biases = [(p, p.detach().clone()) for name, p in model.named_parameters() if is_bias(name)]

    def score(self) -> Scaled:
        found = self._run(0)
        if math.isfinite(found.mantissa) and found.mantissa:
            return found
        sign, nothing = (
            (1, False) if found.mantissa else (-1, True)
        )  # too large, or 0, which may be too small
        for shift in SHIFTS:
            scaled, again = self._run(sign * shift), self._run(sign * (shift + BEYOND))
            if not all(math.isfinite(each.mantissa) and each.mantissa for each in (scaled, again)):
                continue
            nothing = False
            if abs(scaled.log - again.log) < SAME:
                return scaled
        if nothing and not self._leads():
            return found
        if nothing:
            raise InvalidModel(
                "signals of absolute weights vanish below what float64 holds, 5e-324, for an input as large as it "
                "holds too: start the model from larger weights"
            )
        raise InvalidModel(
            "signals of absolute weights leave float64, which ends at 1.8e308, and this model does not treat signals "
            "of every size alike, so that they cannot be scaled: start it from smaller weights"
        )

    def _leads(self) -> bool:
        """Say whether a path leads to a logit: whether signals arrive where each unit takes a mean of what it sees."""
        kept = [(weight, weight.detach().clone()) for weight in self.weights]
        with torch.no_grad():
            for weight, value in kept:
                total = value.sum() / max(1, len(value))
                weight.copy_(value / total if total else value)
        found = self._run(0)
        with torch.no_grad():
            for weight, value in kept:
                weight.copy_(value)
        return bool(found.mantissa)

    def _run(self, down: int) -> Scaled:
        """Compute with input and biases, and again with what is differentiated, times 2 ** -down."""
        scale = math.ldexp(1.0, -down)
        with torch.no_grad():
            for bias, value in self.biases:
                bias.copy_(value * scale)
        with seeded():
            logits, count = self._pass(scale)
            total = logits.sum() * scale / count
            gradients = torch.autograd.grad(total, self.weights, allow_unused=True)
        with torch.no_grad():
            # Where the sum of logarithms was 0, all gradients are so small that log(1 + g) is g.
            shift = None if self.shift == 1 and down < 0 else self.shift
            parts = (self._part(w, g, 2 * down, shift) for w, g in zip(self.weights, gradients, strict=True))
            return Scaled(sum(parts), 2 * down if shift is None else 0)

    def _pass(self, value: float) -> tuple[Tensor, int]:
        """Return the logits of an input of this value, and of how many copies of it they are."""
        with seeded(), nullcontext() if self.batch_norm else _WithoutBatchNorm():
            ones = torch.full((1, *self.shape), value, dtype=torch.float64)
            return of_one(self._logits, ones, self.batch_size)

    def _logits(self, inputs: Tensor) -> Tensor:
        try:
            logits = self.model(inputs)
        except ValueError as error:
            if not self.batch_norm or isinstance(error, InvalidModel):
                raise
            raise TooSmall(
                f"batch norm on the statistics of one input: {error}; give larger inputs"
            ) from error
        # Infinite ones are looked at again at another scale.
        checked(torch.zeros_like(logits) if isinstance(logits, Tensor) else logits, len(inputs))
        return logits  # type: ignore[no-any-return]

    @staticmethod
    def _part(weight: Tensor, gradient: Tensor | None, exponent: int, shift: float | None) -> float:
        g = torch.zeros_like(weight) if gradient is None else gradient.abs()
        if shift is not None and exponent:
            g = torch.logaddexp(g.log() + exponent * LN2, torch.tensor(math.log(shift), dtype=g.dtype)).abs()
        elif shift is not None:
            g = (g.log1p() if shift == 1 else (g + shift).log()).abs()
        return float((weight * g).sum())
