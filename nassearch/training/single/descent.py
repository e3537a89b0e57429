"""One step of stochastic gradient descent, in as many parts as memory wants."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nassearch.errors import InvalidModel, told
from nassearch.training.single.device import casting
from nassearch.training.single.recipe import Recipe
from nassearch.training.single.state import Course

OF_MEMORY = ("out of memory", "can't allocate memory", "cannot allocate memory")
"""What torch says of the processor's memory, in an error of no kind of its own."""


class Failed(Exception):
    """A network cannot be built or computed; the message says why, and the cause is what was raised."""


def sgd(weights: Sequence[nn.Parameter], recipe: Recipe) -> torch.optim.SGD:
    """Return the descent of a recipe; its decay spares what has one axis, biases and gains of normalisation."""
    groups = [
        {"params": [weight for weight in weights if weight.dim() > 1], "weight_decay": recipe.weight_decay},
        {"params": [weight for weight in weights if weight.dim() <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.SGD(
        [group for group in groups if group["params"]],
        recipe.learning_rate,
        recipe.momentum,
        nesterov=recipe.nesterov,
    )


def descend(course: Course, inputs: Tensor, labels: Tensor, recipe: Recipe, classes: int) -> Tensor:
    """Descend once and return the mean loss of the batch, float64.

    The gradient is that of the whole batch, however many parts it is computed in; batch norm sees a part.

    Raises:
        Failed: the network cannot be computed, or memory does not suffice.
    """
    course.optimizer.zero_grad()
    found = torch.zeros((), dtype=torch.float64, device=inputs.device)
    parts = course.place.accumulate
    try:
        for part, right in zip(inputs.tensor_split(parts), labels.tensor_split(parts), strict=True):
            with casting(inputs.device, recipe.precision):
                logits = course.module(part)
            loss = F.cross_entropy(
                _checked(logits, part, classes), right, label_smoothing=recipe.label_smoothing
            )
            loss = loss * (len(part) / len(inputs))
            loss.backward()
            found += loss.detach()
        course.optimizer.step()
    except (Exception, SystemExit) as error:
        raise Failed(f"the network cannot be trained: {told(error)}") from error
    return found


def _checked(logits: object, inputs: Tensor, classes: int) -> Tensor:
    if isinstance(logits, Tensor) and logits.shape == (len(inputs), classes):
        return logits.float()
    met = list(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
    raise InvalidModel(
        f"a network gives logits {[len(inputs), classes]} for inputs {list(inputs.shape)}, not {met}"
    )


def of_memory(error: BaseException) -> bool:
    """Say whether it is that memory does not suffice."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in OF_MEMORY)
