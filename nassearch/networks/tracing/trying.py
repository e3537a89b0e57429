"""Try whether proxies can score a torch module, before any of them runs."""

from __future__ import annotations

from contextlib import suppress

import torch
from torch import nn

from nassearch.errors import InvalidModel, told
from nassearch.networks.modules.foreign import own_copy, seeded
from nassearch.networks.modules.memory import out_of_memory
from nassearch.networks.tracing.recording import checked
from nassearch.types import Batch


def try_out(model: nn.Module, batch: Batch, classes: int | None = None) -> None:
    """Run a model on the first inputs of a batch, in training mode as proxies do.

    Args:
        model: left as it is.
        batch: a model that does not take its first two inputs is tried on all: some are written for one size of batch.
        classes: what the number of logits must be, where it is known.

    Raises:
        InvalidModel: it has no parameters, fails, or does not give finite logits `[B, C]` with a place for each label.
    """
    count = count_logits(model, batch)
    if classes is not None and count != classes:
        raise InvalidModel(
            f"labels go from 0 to {count - 1}, one for each of the model's {count} logits, so that there are {count} "
            f"classes, not {classes}: give {count}, or a model of {classes} logits"
        )
    if batch.labels is not None and not 0 <= batch.labels.min() <= batch.labels.max() < count:
        raise InvalidModel(
            f"labels go from 0 to {count - 1}, one for each of the model's {count} logits, not from "
            f"{batch.labels.min()} to {batch.labels.max()}: give labels, or a number of classes, that agree"
        )


def try_for_classes(model: nn.Module, batch: Batch, classes: int | None) -> None:
    """Do as `try_out` for the module of a space, whose data have so many classes.

    Raises:
        InvalidModel: see `try_out`.
    """
    count = count_logits(model, batch)
    if classes is not None and count != classes:
        raise InvalidModel(
            f"the module gives {count} logits, and the data have {classes} classes: let build take classes, and end "
            "in so many"
        )


def count_logits(model: nn.Module, batch: Batch) -> int:
    """Return how many logits a model gives each input; it is tried on two of a batch, then on all.

    Raises:
        InvalidModel: it has no parameters, fails, or does not give finite logits `[B, C]`.
    """
    copy = own_copy(model)
    if not list(copy.parameters()):
        raise InvalidModel("the model has no parameters, and proxies judge a model by its parameters")
    try:
        return _logits(copy, batch, 2)
    except InvalidModel:
        count = 0
        with suppress(InvalidModel):
            count = _logits(own_copy(model), batch, len(batch.inputs))
        if not count:
            raise
        return count


def _logits(model: nn.Module, batch: Batch, count: int) -> int:
    """Return how many logits a model, which is changed, gives each of the first inputs of a batch."""
    model.train()
    with seeded(), torch.no_grad():
        try:
            logits = model(torch.from_numpy(batch.inputs[:count].copy()))
        except InvalidModel:
            raise
        except (Exception, SystemExit) as error:
            raise InvalidModel(
                f"the model fails on inputs of shape {list(batch.inputs.shape)}: {told(error)}; "
                f"{_remedy(model, error, batch.inputs.dtype.kind != 'f')}"
            ) from error
    return checked(logits, count).shape[1]


def _remedy(model: nn.Module, error: BaseException, words: bool) -> str:
    if isinstance(error, SystemExit):
        return "let it return logits"
    if out_of_memory(error):
        return "give fewer or smaller inputs"
    if not words and "indices" in str(error) and any(isinstance(m, nn.Embedding) for m in model.modules()):
        return "it looks words up, which are whole numbers [B, T]: --input words:T on the command line"
    if words and "Long" in str(error):
        return "inputs that are whole numbers are words: convert them to floating point where they are none"
    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        if tensor.is_floating_point() and tensor.dtype != torch.float32:
            return (
                f"inputs come in dtype float32, and {name} of this model is of dtype "
                f"{str(tensor.dtype).removeprefix('torch.')}: give copy.deepcopy(model).float()"
            )
    return "give inputs of the shape that it takes, [B, channels, *size], or as many as it takes at once"
