"""A torch module of any make: its copy, its counts, and its outputs under constant weights. It is left as it was."""

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

from nassearch.errors import InvalidModel, told
from nassearch.networks.copying import copied
from nassearch.networks.isolation import isolated
from nassearch.networks.memory import out_of_memory
from nassearch.networks.recording import checked
from nassearch.networks.torch_module import one_thread
from nassearch.types import Batch

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


def try_out(model: nn.Module, batch: Batch, classes: int | None = None) -> None:
    """Run a model on the first inputs of a batch, in training mode as proxies do.

    Raises:
        InvalidModel: it has no parameters, fails, or does not give finite logits `[B, C]` with a place for each label,
            C `classes` where that is given.
    """
    model = own_copy(model).train()
    if not list(model.parameters()):
        raise InvalidModel("the model has no parameters, and proxies judge a model by its parameters")
    try:
        logits = _tried(model, batch, 2)
    except InvalidModel:
        # A model may be written for one size of batch, that of the whole.
        try:
            logits = _tried(own_copy(model), batch, len(batch.inputs))
        except InvalidModel:
            logits = None
        if logits is None:
            raise
    if classes is not None and logits.shape[1] != classes:
        raise InvalidModel(
            f"the number of classes is the model's number of logits, {logits.shape[1]}, not {classes}: give "
            f"{logits.shape[1]}, or another model"
        )
    classes = logits.shape[1]
    if batch.labels is not None and not 0 <= batch.labels.min() <= batch.labels.max() < classes:
        raise InvalidModel(
            f"labels go from 0 to {classes - 1}, one for each of the model's {classes} logits, not from "
            f"{batch.labels.min()} to {batch.labels.max()}: give labels, or a number of classes, that agree"
        )


def _tried(model: nn.Module, batch: Batch, count: int) -> torch.Tensor:
    with seeded(), torch.no_grad():
        try:
            logits = model(torch.from_numpy(batch.inputs[:count].copy()))
        except InvalidModel:
            raise
        except (Exception, SystemExit) as error:
            raise InvalidModel(
                f"the model fails on inputs of shape {list(batch.inputs.shape)}: {told(error)}; {_remedy(model, error)}"
            ) from error
    return checked(logits, count)


def _remedy(model: nn.Module, error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return "let it return logits"
    if out_of_memory(error):
        return "give fewer or smaller inputs"
    tensors = [*model.named_parameters(), *model.named_buffers()]
    other = next(
        ((n, t.dtype) for n, t in tensors if t.is_floating_point() and t.dtype != torch.float32), None
    )
    if other is None:
        return "give inputs of the shape that it takes, [B, channels, *size], or as many as it takes at once"
    name, dtype = other[0], str(other[1]).removeprefix("torch.")
    return (
        f"inputs come in dtype float32, and {name} of this model is of dtype {dtype}: give "
        "copy.deepcopy(model).float()"
    )


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
