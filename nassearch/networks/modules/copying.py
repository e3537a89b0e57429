"""Copies of torch modules that may be changed at will."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedParameter
from torch.nn.utils.parametrize import is_parametrized
from torch.nn.utils.prune import BasePruningMethod

from nassearch.errors import InvalidModel
from nassearch.networks.modules.initialise import WEIGHTED

HOOKS = [name for name, value in vars(nn.Module()).items() if "hook" in name and isinstance(value, dict)]
"""Attributes in which a module keeps hooks."""
REMOVERS = {
    ("torch.nn.utils.spectral_norm", "SpectralNorm"): "remove_spectral_norm",
    ("torch.nn.utils.weight_norm", "WeightNorm"): "remove_weight_norm",
}
"""Functions of torch.nn.utils that undo a hook, by module and class of the hook; functions hide these modules."""
PRECISE = (torch.float32, torch.float64)


def copied(model: nn.Module) -> nn.Module:
    """Return a copy without hooks: what a user's hook keeps or prints is the user's, and no scoring runs it.

    Raises:
        InvalidModel: proxies cannot see the weights as parameters; the message names the call that makes them so.
    """
    for name, layer in model.named_modules():
        _check(layer, f"layer {name}" if name else "the model", f"model.get_submodule({name!r})")
    for name, parameter in model.named_parameters():
        _check_parameter(name, parameter)
    memo: dict[int, object] = {}
    for layer in model.modules():
        memo |= {id(hooks): type(hooks)() for kind in HOOKS if (hooks := vars(layer).get(kind))}
    return copy.deepcopy(model, memo)


def _check(layer: nn.Module, name: str, path: str) -> None:
    if isinstance(layer, torch.jit.ScriptModule):
        raise InvalidModel(
            f"proxies look into the layers of a model, and {name} is compiled by torch.jit (script or trace), which "
            "hides them: give the nn.Module that was handed to torch.jit"
        )
    if isinstance(getattr(layer, "_orig_mod", None), nn.Module):
        raise InvalidModel(
            f"proxies look into the layers of a model, and {name} is compiled by torch.compile: give model._orig_mod"
        )
    rule = f"proxies look at weights that are parameters, and {name} computes"
    # Taking a parametrisation off a copy would take the property off the class, which copy and original share.
    if is_parametrized(layer):
        first = next(iter(layer.parametrizations))  # type: ignore[arg-type]
        raise InvalidModel(
            f"{rule} {', '.join(layer.parametrizations)} from others (weight norm, spectral norm): "  # type: ignore[arg-type]
            f"call torch.nn.utils.parametrize.remove_parametrizations({path}, {first!r}) first"
        )
    for hook in layer._forward_pre_hooks.values():
        remover = REMOVERS.get((type(hook).__module__, type(hook).__name__))
        kept = getattr(hook, "name", getattr(hook, "_tensor_name", "weight"))
        if remover is not None:
            raise InvalidModel(
                f"{rule} {kept} by a hook: call torch.nn.utils.{remover}({path}, {kept!r}) first"
            )
        if isinstance(hook, BasePruningMethod):
            raise InvalidModel(
                f"{rule} {kept} by a hook that prunes: call torch.nn.utils.prune.remove({path}, {kept!r}) first"
            )
    if isinstance(layer, WEIGHTED) and isinstance(vars(layer).get("weight"), Tensor):
        raise InvalidModel(
            f"{rule} its weight, a tensor that is no parameter: take off what computes it, and set "
            "layer.weight = torch.nn.Parameter(layer.weight.detach())"
        )


def _check_parameter(name: str, parameter: Tensor) -> None:
    if isinstance(parameter, UninitializedParameter):
        raise InvalidModel(
            f"proxies look at weights, and {name} has no shape yet (a lazy layer): run the model on a batch first"
        )
    if (parameter.is_floating_point() or parameter.is_complex()) and parameter.dtype not in PRECISE:
        raise InvalidModel(
            f"proxies compute in float32, and {name} is of dtype {str(parameter.dtype).removeprefix('torch.')}, whose "
            "scores would be rounding: give copy.deepcopy(model).float()"
        )
