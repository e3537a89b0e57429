"""A torch module of any make: its copy, its counts, and its outputs under constant weights. It is left as it was."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.flop_counter import FlopCounterMode

from nassearch.errors import InvalidModel
from nassearch.networks.copying import copied
from nassearch.networks.recording import checked
from nassearch.networks.torch_module import one_thread
from nassearch.types import Batch


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
    with one_thread(), derivatives(), sdpa_kernel(SDPBackend.MATH), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def try_out(model: nn.Module, batch: Batch) -> None:
    """Run a model on the first inputs of a batch, in training mode as proxies do.

    Raises:
        InvalidModel: it has no parameters, fails, or does not give finite logits `[B, C]` with a place for each label.
    """
    model = own_copy(model).train()
    if not list(model.parameters()):
        raise InvalidModel("the model has no parameters, and proxies judge a model by its parameters")
    inputs = torch.from_numpy(batch.inputs[:2].copy())
    with seeded(), torch.no_grad():
        try:
            logits = model(inputs)
        except InvalidModel:
            raise
        except Exception as error:
            raise InvalidModel(
                f"the model fails on inputs of shape {list(batch.inputs.shape)}: {type(error).__name__}: {error}; "
                "give inputs of the shape that it takes, [B, channels, *size]"
            ) from error
    logits = checked(logits, len(inputs))
    classes = logits.shape[1]
    if batch.labels is not None and not 0 <= batch.labels.min() <= batch.labels.max() < classes:
        raise InvalidModel(
            f"labels go from 0 to {classes - 1}, one for each of the model's {classes} logits, not from "
            f"{batch.labels.min()} to {batch.labels.max()}: give labels, or a number of classes, that agree"
        )


def module_parameters(model: nn.Module) -> int:
    """Count the numbers in all parameters; one that is used twice counts once."""
    return sum(parameter.numel() for parameter in model.parameters())


def module_macs(model: nn.Module, input_shape: tuple[int, ...]) -> int:
    """Count the multiply-accumulates of one input in convolutions and matrix products, attention's included."""
    model = (
        own_copy(model).eval().requires_grad_()
    )  # with gradients in sight no fused kernel hides from the counter
    with seeded(), FlopCounterMode(display=False) as counter:
        model(torch.ones(1, *input_shape))
    return int(counter.get_total_flops()) // 2


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
            module.train()
    rows = []
    for weight in weights:
        with seeded(), torch.no_grad():
            for name, parameter in model.named_parameters():
                parameter.fill_(0.0 if "bias" in name.rpartition(".")[2] else weight)
            rows.append(model(torch.from_numpy(inputs.copy())).float().flatten().numpy())
    return np.stack(rows)
