"""Copies of torch modules that may be changed at will."""

from __future__ import annotations

import copy

from torch import nn
from torch.nn.utils.parametrize import is_parametrized

from nassearch.errors import InvalidModel


def copied(model: nn.Module) -> nn.Module:
    """Return a copy.

    Raises:
        InvalidModel: a weight is computed from other parameters, which would hide its derivative and escape a constant.
    """
    for name, layer in model.named_modules():
        # Taking it off a copy would take the property off the class, which copy and original share.
        if is_parametrized(layer):
            raise InvalidModel(
                f"proxies look at weights that are parameters, and {name or 'the model'} computes "
                f"{', '.join(layer.parametrizations)} from others (weight norm, spectral norm): "
                "call torch.nn.utils.parametrize.remove_parametrizations first"
            )
    return copy.deepcopy(model)
