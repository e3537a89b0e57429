"""Draw new initial weights for any module, by the rules of its own layers."""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn

from nassearch.errors import InvalidModel
from nassearch.networks.modules.isolation import isolated


def untrained_accuracies(
    model: nn.Module, inputs: Tensor, labels: Tensor, count: int, seed: int
) -> list[float]:
    """Return the accuracies, 0 to 1, of a model under `count` draws of its weights; the model is left as it is.

    A copy is redrawn by `reset_parameters` of each of its layers, draw i from `seed + i`; parameters of modules without
    one keep their values. Batch norm uses the statistics of the batch.

    Raises:
        InvalidModel: no layer can be redrawn.
    """
    model = copy.deepcopy(model).train()
    resets = [reset for module in model.modules() if (reset := _reset(module))]
    if not resets:
        raise InvalidModel(
            "no layer of this model has reset_parameters, so that cv cannot redraw its weights"
        )
    accuracies = []
    for draw in range(count):
        with isolated(seed + draw), torch.no_grad():
            for reset in resets:
                reset()
            accuracies.append(float((model(inputs).argmax(1) == labels).double().mean()))
    return accuracies


def _reset(module: nn.Module) -> Callable[[], object] | None:
    # Attention has it under a private name only.
    reset: Callable[[], object] | None
    reset = getattr(module, "reset_parameters", None) or getattr(module, "_reset_parameters", None)
    return reset
