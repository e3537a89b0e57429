"""A torch module that others wrote, left unchanged: its copy, its counts, its outputs under constant weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.modules.batchnorm import _BatchNorm

from nassearch.errors import InvalidModel
from nassearch.networks.modules.copying import copied
from nassearch.networks.modules.isolation import isolated
from nassearch.networks.modules.network import one_thread

T = TypeVar("T")


def own_copy(model: object) -> nn.Module:
    """Return a copy on the CPU that may be changed at will.

    Raises:
        InvalidModel: it is no module, or cannot be copied.
    """
    if not isinstance(model, nn.Module):
        raise InvalidModel(f"a model is a torch.nn.Module, not {type(model).__name__}")
    try:
        return copied(model).cpu()
    except InvalidModel:
        raise
    except Exception as error:
        raise InvalidModel(
            f"the model cannot be copied, and proxies work on a copy: {type(error).__name__}: {error}"
        ) from error


def derivatives() -> torch.inference_mode:
    """Return a context in which torch follows derivatives, whatever the caller has turned off."""
    return torch.inference_mode(False)


@contextmanager
def seeded(seed: int = 0) -> Iterator[None]:
    """Run on one thread, with derivatives, plain attention, and what is random from a seed that nothing else sees."""
    with one_thread(), derivatives(), sdpa_kernel(SDPBackend.MATH), isolated(seed):
        yield


def is_bias(name: str) -> bool:
    """Say whether a parameter of this name is added to signals rather than multiplied by them."""
    return "bias" in name.rpartition(".")[2]


def module_parameters(model: nn.Module) -> int:
    """Count the numbers in all parameters; one that is used twice counts once."""
    return sum(parameter.numel() for parameter in model.parameters())


SOME = 4
"""Copies of an input for a model that has no use for one."""


class TooSmall(InvalidModel):
    """An input that more copies of do not help."""


def of_one(run: Callable[[torch.Tensor], T], inputs: torch.Tensor, whole: int) -> tuple[T, int]:
    """Return what `run` makes of one input `[1, ...]`, or of so many copies of it, and how many they were.

    Some models lose the axis of samples where there is one sample only, and some are written for one size of batch:
    where `run` fails on one copy it is tried on a few, then on `whole`.
    """
    first: Exception | None = None
    for count in sorted({1, SOME, whole}):
        try:
            return run(inputs.expand(count, *inputs.shape[1:]).clone()), count
        except TooSmall:
            raise
        except Exception as error:
            first = first or error
    assert first is not None
    raise first


def module_outputs(
    model: nn.Module, inputs: NDArray[np.float32], weights: Sequence[float]
) -> NDArray[np.float32]:
    """Return the flattened logits with all weights at each of the constants, float32 `[W, B * C]`.

    A parameter is a bias, and 0, where its name holds "bias"; every other is at the constant, gains of batch and
    layer norm, tokens and position embeddings included. Batch norm takes the statistics of the batch; dropout is off.
    """
    model = own_copy(model).float().eval()
    for module in model.modules():
        if isinstance(module, _BatchNorm):
            module.training = True  # of this module alone: one in it, such as dropout, stays off
    rows = []
    for weight in weights:
        with seeded(), torch.no_grad():
            for name, parameter in model.named_parameters():
                parameter.fill_(0.0 if is_bias(name) else weight)
            rows.append(model(torch.from_numpy(inputs.copy())).float().flatten().numpy())
    return np.stack(rows)
