"""Smaller inputs and narrower networks, for trainings that cost less."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from nassearch.benchmarks.trained.builder import Builder
from nassearch.checks import whole
from nassearch.datasets import OwnDataset
from nassearch.errors import InvalidSetting, quoted
from nassearch.spaces.base import SearchSpace
from nassearch.training.single.recipe import Recipe
from nassearch.types import Task


def reduced(
    recipe: Recipe,
    data: OwnDataset,
    *,
    epochs: int,
    size: int | None,
    channels: int | None,
    anneal: int | None = None,
) -> Recipe:
    """Return a recipe with fewer epochs, smaller inputs and fewer channels, and shifts as much smaller.

    Raises:
        InvalidSetting: a value has no meaning, or the data have no use for it.
    """
    crop, before = recipe.crop, recipe.size or min(data.shape[1:], default=0)
    if size is not None and type(crop) is int and before:
        crop = round(crop * size / before)
    return replace(recipe, epochs=epochs, size=size, channels=channels, anneal=anneal, crop=crop).resolved(
        data
    )


def follows_channels(space: SearchSpace, task: Task) -> bool:
    """Say whether networks of a space become narrower with the channels of their task."""
    from nassearch.networks.modules.isolation import isolated

    arch = space.sample(np.random.default_rng(0))
    wider = replace(task, channels=tuple(width + 1 for width in task.channels))
    try:
        with isolated(0):
            counts = {Builder(space, arch, each, 0).count() for each in (task, wider)}
    except Exception:  # of a user's space, whose networks cannot all be built
        return False
    return len(counts) > 1


def check_channels(space: SearchSpace, task: Task, of: str) -> None:
    """Raise `InvalidSetting` where channels are asked for and a space has no use for them."""
    if not follows_channels(space, task):
        raise InvalidSetting(
            f"channels {of} is the width of a network's first stage, and architectures of {space.name} decide their "
            "widths by themselves: leave it out"
        )


def shorter_epochs(fidelity: Iterable[int], epochs: int) -> tuple[int, ...]:
    """Return numbers of epochs of shorter trainings, fewest first; raise `InvalidSetting` where one is none."""
    if isinstance(fidelity, str | bytes) or not isinstance(fidelity, Iterable):
        raise InvalidSetting(
            f"fidelity is a list of epochs of shorter trainings, such as [5, 10], not {quoted(fidelity)}"
        )
    given = list(fidelity)
    found = sorted({whole("fidelity", each) for each in given})
    if found and found[-1] >= epochs:
        raise InvalidSetting(
            f"fidelity names epochs of shorter trainings, below the {epochs} of a whole one, not {quoted(given)}"
        )
    return tuple(found)
