"""What training will cost, from a few steps of a few networks, and a plan for the hours there are."""

from __future__ import annotations

import math
import os
import time
from contextlib import suppress
from dataclasses import replace
from statistics import median

import numpy as np

from nassearch.benchmarks.trained.benchmark import TrainedBenchmark
from nassearch.benchmarks.trained.builder import Builder
from nassearch.constraints.costs import cost_of
from nassearch.errors import InvalidSetting, NassearchError, told
from nassearch.networks.modules.isolation import isolated
from nassearch.training import Recipe
from nassearch.training.single.descent import Failed, descend, sgd
from nassearch.training.single.device import computing, find_device, placed
from nassearch.training.single.feed import Feed
from nassearch.training.single.state import Course, Place
from nassearch.types import Arch

NETWORKS, STEPS = 5, 3
MODELS = 20
"""Trainings for which a plan leaves room, besides the final one."""
MOST_EPOCHS = 12
LEAST = 3
"""Trainings without which there is no search."""
SPARE = 0.85
"""Of the hours, for trainings: the rest is for starting, scoring and the unforeseen."""
LARGE = 5e8
"""Multiply-accumulates of a batch, forwards, from which on a training takes more threads than one. On two processors,
both busy otherwise, a step on two threads took 6 times as long as on one at 1e7, 1.4 times at 1e8 and 2 to 3 times at
5e8 and 2e9: where they are idle large layers gain, and small ones lose."""
JUDGED = 1 / 3
"""What an example costs that is only answered, of one that is learnt from."""


def seconds_of_an_epoch(bench: TrainedBenchmark, seed: int) -> float:
    """Return the seconds that an epoch of a middling architecture takes: the median of a few that are tried.

    Raises:
        InvalidSetting: none of them can be trained; the message says why.
    """
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1 << 20,)))
    found, why = [], ""
    for arch in bench.space.sample_many(NETWORKS, rng):
        try:
            found.append(seconds_of_its_epoch(bench, arch))
        except (Failed, NassearchError) as error:
            why = str(error)
        except Exception as error:  # of a user's own network
            why = told(error)
    if not found:
        raise InvalidSetting(
            f"none of {NETWORKS} random architectures of {bench.space.name} can be trained on {bench.data.name}: {why}"
        )
    return median(found)


def seconds_of_its_epoch(bench: TrainedBenchmark, arch: Arch) -> float:
    """Return the seconds that an epoch of one architecture takes, validation included, from a few steps.

    Raises:
        Failed, NassearchError: it cannot be trained.
    """
    size = min(int(bench.recipe.batch_size), len(bench.data.train))
    steps = len(bench.data.train) // size + JUDGED * len(bench.data.valid) / size
    return _seconds_of_a_step(bench, arch) * steps


def _seconds_of_a_step(bench: TrainedBenchmark, arch: Arch) -> float:
    """Return the seconds of a step of one architecture, the quickest of a few after a first."""
    device, recipe = find_device(bench.device), bench.recipe
    with computing(device, bench.threads), isolated(bench.seed):
        module = Builder(bench.space, arch, bench.built_for(recipe), bench.seed)()
        feed = Feed(bench.data, "train", recipe, device)
        module = placed(module, device, feed.shape).train()
        weights = [each for each in module.parameters() if each.requires_grad]
        course = Course(module, sgd(weights, recipe), Place())
        places = np.arange(min(int(recipe.batch_size), len(feed)))
        seconds = []
        for step in range(1 + STEPS):
            start = time.monotonic()
            inputs, labels = feed.batch(places, np.random.default_rng(step))
            float(descend(course, inputs, labels, recipe, len(bench.data.classes)))
            seconds.append(time.monotonic() - start)
    return min(seconds[1:])


def usual_threads(bench: TrainedBenchmark, workers: int, seed: int) -> int:
    """Return the threads of a training: this machine's processors, shared by the workers, and 1 for small networks.

    Threads that wait for each other in every layer cost more than they gain where layers are small. A rule and not a
    trial decides, because the number of threads moves the last digits of what is trained.
    """
    fair = max(1, (os.cpu_count() or 1) // workers)
    if fair == 1 or find_device(bench.device).type != "cpu":
        return fair
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1 << 20,)))
    found, task = [], bench.built_for(bench.recipe)
    for arch in bench.space.sample_many(NETWORKS, rng):
        with suppress(Exception):  # a user's own network may fail for some; training says so
            found.append(cost_of(bench.space, arch, task, ("flops",)).flops or 0.0)
    return fair if found and median(found) * int(bench.recipe.batch_size) >= LARGE else 1


def plan(recipe: Recipe, seconds: float, epoch: float, workers: int, part: float) -> Recipe:
    """Return the recipe with as many epochs as let `MODELS` be trained in this part of the seconds.

    Raises:
        InvalidSetting: not even three can be trained for one epoch each.
    """
    at_once = min(workers, MODELS)
    affordable = part * SPARE * seconds / epoch  # epochs, one after the other
    epochs = math.floor(affordable / (MODELS / at_once))
    if affordable < LEAST:
        raise InvalidSetting(
            f"an epoch of a middling network takes {epoch:.0f} seconds here, and three trainings of one epoch with the "
            f"final one do not fit into the hours there are: give more --hours, or make trainings smaller, as by "
            "--recipe size=16 or fewer channels of the space"
        )
    return replace(recipe, epochs=max(1, min(MOST_EPOCHS, epochs)), anneal=None)
