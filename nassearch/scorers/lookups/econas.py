"""Reduced training as a scorer: few epochs on small inputs by a narrow network."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import numpy as np

from nassearch.benchmarks.trained.benchmark import TrainedBenchmark
from nassearch.benchmarks.trained.reduction import check_channels, follows_channels, reduced
from nassearch.checks import whole
from nassearch.errors import InvalidSetting
from nassearch.scorers.lookups.base import Place, Scores, lookup
from nassearch.training.single.recipe import Recipe
from nassearch.types import Arch, Floats

EPOCHS, QUARTER = 10, 4
SMALLEST, NARROWEST = 4, 2


@lookup(
    reference="EcoNAS, Zhou et al. (2020); Zero-cost proxies for lightweight NAS (2021), section 3.1 and table 8"
)
def econas(
    place: Place,
    *,
    epochs: int | None = None,
    size: int | None = None,
    channels: int | None = None,
    anneal: int | None = None,
) -> Scores:
    """Train a little and take the validation accuracy, in percent: fewer epochs, smaller inputs, fewer channels.

    Only an oracle that trains has the data for it. Everything that is not reduced is that of its recipe. Each training
    is recorded beside the oracle's own and not done twice. What is left out is what EcoNAS found best: a tenth of the
    epochs, a quarter of the size and of the channels, all examples. On NAS-Bench-201 the 2021 paper calls
    `econas(epochs=20, size=8, channels=4, anneal=40)` econas, and `econas(epochs=15, size=16, channels=8, anneal=40)`
    econas+, with a rate that falls over 40 epochs and is cut off (its table 8).

    NaN where a network cannot be built, or diverges in its first epoch.

    Args:
        epochs: of the training; None for a tenth of the oracle's.
        size: to which images and signals are shrunk along each axis; None for a quarter, and at least 4.
        channels: of the first stage, the others in proportion; None for a quarter, and at least 2.
        anneal: epochs at whose end the rate would be 0; None for `epochs`.
    """
    benchmark = place.benchmark
    if not isinstance(benchmark, TrainedBenchmark):
        what = "there is none here" if benchmark is None else "a table has none"
        raise InvalidSetting(
            f"econas trains on the data of the oracle, and {what}: search on data of your own (nassearch search PATH, "
            "or --oracle train --data PATH), or use a proxy"
        )
    return partial(_reached, benchmark, _recipe(benchmark, epochs, size, channels, anneal))


def _recipe(
    benchmark: TrainedBenchmark,
    epochs: int | None,
    size: int | None,
    channels: int | None,
    anneal: int | None,
) -> Recipe:
    whole_one, widths = benchmark.recipe, benchmark.task.channels
    shortest = whole_one.size or min(benchmark.data.shape[1:], default=0)
    if epochs is None:
        epochs = max(1, round(whole_one.epochs / EPOCHS))
    if size is None and shortest:
        size = max(min(SMALLEST, shortest), round(shortest / QUARTER))
    if channels is None and follows_channels(benchmark.space, benchmark.task):
        first = whole_one.channels or widths[0]
        channels = max(min(NARROWEST, first), round(first / QUARTER))
    if channels is not None:
        check_channels(benchmark.space, benchmark.task, "of econas")
        channels = None if channels == widths[0] else channels  # as the oracle's own trainings say it
    less = {"size": size, "channels": channels, "anneal": anneal}
    return reduced(benchmark.given, benchmark.data, epochs=whole("epochs of econas", epochs), **less)


def _reached(benchmark: TrainedBenchmark, recipe: Recipe, archs: Sequence[Arch]) -> Floats:
    entries = [benchmark.scored_by(arch, recipe) for arch in archs]
    return np.array([math.nan if entry.valid is None else entry.valid for entry in entries], np.float64)
