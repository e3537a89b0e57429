"""Train one network on data of one's own, from wherever a kill has left it."""

from __future__ import annotations

import gc
import math
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedParameter

from nassearch.checks import SEEDS, whole
from nassearch.datasets import OwnDataset
from nassearch.errors import InvalidSetting, NassearchError, told
from nassearch.networks.modules.isolation import isolated
from nassearch.training.single.answers import answered
from nassearch.training.single.descent import Failed, descend, of_memory, sgd
from nassearch.training.single.device import computing, find_device, placed
from nassearch.training.single.feed import Feed
from nassearch.training.single.recipe import Recipe
from nassearch.training.single.state import Course, Place, weights_of

EVERY = 30.0
"""Seconds of training that a kill may cost."""
LOOKS = 20
"""Steps after which it is seen whether the loss is a number."""
FEWEST = 2
"""Examples that batch norm needs."""
ORDER, MOVES = 0, 1
"""What a generator of a training is for."""

Seen = Callable[[int, int, float], object]
"""Called after each epoch with epochs done, epochs in all, and the validation accuracy in percent."""


@dataclass(frozen=True)
class Trained:
    """What became of a training.

    Attributes:
        status: `"trained"`; `"diverged"`, where the loss became no number; `"out of memory"`, also with the smallest
            parts of a batch; `"failed"`, where the network cannot be built or computed.
        valid: validation accuracy of the best epoch, in percent; NaN where none has ended.
        history: columns `epoch`, from 1, `rate` of its last step, `train_loss`, `valid_loss` and `valid`.
        seconds: spent, over all processes that had a part in it.
        batch_size: examples in a step.
        accumulate: parts in which a step was computed, for want of memory.
        note: what there is to say of it, or None.
        weights: those of the best epoch by the names of `state_dict`, or None.
    """

    status: str
    valid: float
    history: dict[str, list[Any]]
    seconds: float
    batch_size: int
    accumulate: int = 1
    note: str | None = None
    weights: dict[str, Tensor] | None = None


def train_model(
    make: Callable[[], nn.Module],
    data: OwnDataset,
    recipe: Recipe,
    *,
    seed: int,
    state: Path | None = None,
    device: str = "auto",
    threads: int = 1,
    watch: Seen | None = None,
    every: float | None = None,
    about: Mapping[str, Any] | None = None,
) -> Trained:
    """Train one network, or go on with a training that was killed.

    Everything random comes from the seed: initial weights, the order of the examples, their shifts and mirrors, and
    what the network itself draws. On one processor and with one number of threads the same call gives the same
    weights, whether or not it was killed on the way. The best epoch is the one with the highest validation accuracy,
    of equals that with the lowest validation loss, then the first.

    Args:
        make: builds the network; the global generators of torch, numpy and Python have the seed meanwhile.
        data: the data set; its test part is not looked at.
        recipe: how.
        seed: of all that is random.
        state: file that is written every so often and gone on with; None for none. It stays at the end: whoever has
            put the result into safety removes it.
        device: `auto` for a GPU where there is one.
        threads: of torch.
        watch: told of each epoch.
        every: seconds between two writings of the state; None for half a minute.
        about: what the network is of, such as its code, in plain JSON; a state of another is not gone on with.

    Raises:
        InvalidSetting: the data have too few examples, or the recipe something they have no use for.
        BadData: a file of the data set has changed or is gone.
    """
    whole("seed", seed, least=0, largest=SEEDS)
    where, recipe = find_device(device), recipe.resolved(data)
    if len(data.train) < FEWEST or not len(data.valid):
        raise InvalidSetting(
            f"training needs {FEWEST} examples to train on and one to validate by, not {len(data.train)} and "
            f"{len(data.valid)}: give more data, or another share for validation"
        )
    accumulate = 1
    with computing(where, threads):
        while True:
            training = _Training(
                make, data, recipe, seed, where, state, threads, EVERY if every is None else every, about
            )
            found = training.run(accumulate, watch)
            if found is not None:
                return found
            # The first pass that does not fit is usually the first of all; a training is one of equal parts throughout.
            accumulate, size, seconds = 2 * training.accumulate, training.batch_size, training.seconds
            del training
            gc.collect()
            if where.type == "cuda":
                torch.cuda.empty_cache()
            if size // accumulate < FEWEST:
                note = f"a step needs more memory than there is, also in parts of {2 * size // accumulate} examples"
                return Trained(
                    "out of memory", math.nan, Place().history, seconds, size, accumulate // 2, note
                )
            if state is not None:
                state.unlink(missing_ok=True)


class _Training:
    """One try at a training, in as many parts of a batch as are said or as its state says."""

    def __init__(
        self,
        make: Callable[[], nn.Module],
        data: OwnDataset,
        recipe: Recipe,
        seed: int,
        device: torch.device,
        state: Path | None,
        threads: int,
        every: float,
        about: Mapping[str, Any] | None,
    ) -> None:
        self.make, self.data, self.recipe, self.seed, self.device = make, data, recipe, seed, device
        self.state, self.every = state, every
        self.train, self.valid = Feed(data, "train", recipe, device), Feed(data, "valid", recipe, device)
        self.batch_size = min(int(recipe.batch_size), len(self.train))
        self.steps = len(self.train) // self.batch_size
        self.accumulate, self.seconds = 1, 0.0
        self.note: str | None = None
        self.facts = {
            "recipe": recipe.as_dict(),
            "seed": seed,
            "data": data.digest,
            "device": device.type,
            "threads": threads,
            "torch": torch.__version__,
        } | dict(about or {})

    def run(self, accumulate: int, watch: Seen | None) -> Trained | None:
        """Return what became of it; None where memory did not suffice."""
        started, self.accumulate = time.monotonic(), accumulate
        course: Course | None = None
        try:
            with isolated(self.seed):
                course = self._begin(accumulate)
                started -= course.place.seconds
                return self._through(course, started, watch)
        except Failed as failure:
            cause = failure.__cause__
            if cause is not None and of_memory(cause):
                return None
            self.note = str(failure)
            return self._ended("failed", course)
        finally:
            self.seconds = time.monotonic() - started

    def _begin(self, accumulate: int) -> Course:
        try:
            module = placed(self._complete(self.make()), self.device, self.train.shape)
            weights = [parameter for parameter in module.parameters() if parameter.requires_grad]
        except (Exception, SystemExit) as error:
            raise Failed(f"the network cannot be built: {told(error)}") from error
        if not weights:
            raise Failed("the network has no weights to train")
        course = Course(module, sgd(weights, self.recipe), Place(accumulate=accumulate))
        if self.state is not None:
            course.go_on(self.state, self.facts)
        self.accumulate = course.place.accumulate
        return course

    @torch.no_grad()
    def _complete(self, module: nn.Module) -> nn.Module:
        """Give layers their shapes that are to find them at the first input."""
        if any(isinstance(parameter, UninitializedParameter) for parameter in module.parameters()):
            module.eval()(torch.zeros(FEWEST, *self.train.shape))
        return module

    def _through(self, course: Course, started: float, watch: Seen | None) -> Trained:
        place, kept = course.place, time.monotonic()
        total = torch.tensor(place.loss, dtype=torch.float64, device=self.device)
        while place.epoch < self.recipe.epochs:
            order = self._rng(ORDER, place.epoch).permutation(len(self.train))
            course.module.train()
            while place.step < self.steps:
                total += self._step(course, order[place.step * self.batch_size :][: self.batch_size])
                place.step += 1
                if (place.step % LOOKS == 0 or place.step == self.steps) and not math.isfinite(float(total)):
                    return self._diverged(course, f"in epoch {place.epoch + 1}", started)
                if time.monotonic() - kept >= self.every:
                    place.loss, place.seconds = float(total), time.monotonic() - started
                    self._keep(course)
                    kept = time.monotonic()
            if not self._judge(course, float(total) / self.steps):
                return self._diverged(course, f"at the end of epoch {place.epoch + 1}", started)
            place.epoch, place.step, place.loss = place.epoch + 1, 0, 0.0
            total.zero_()
            if watch is not None:
                watch(place.epoch, self.recipe.epochs, place.history["valid"][-1])
            if time.monotonic() - kept >= self.every:
                place.seconds = time.monotonic() - started
                self._keep(course)
                kept = time.monotonic()
        place.seconds = time.monotonic() - started
        return self._ended("trained", course)

    def _step(self, course: Course, places: np.ndarray[Any, np.dtype[np.int64]]) -> Tensor:
        """Descend once and return the mean loss of the batch."""
        place = course.place
        for group in course.optimizer.param_groups:
            group["lr"] = self.recipe.rate(place.epoch * self.steps + place.step, self.steps)
        inputs, labels = self.train.batch(places, self._rng(MOVES, place.epoch, place.step))
        return descend(course, inputs, labels, self.recipe, len(self.data.classes))

    def _judge(self, course: Course, loss: float) -> bool:
        """Look at the validation part after an epoch; say False where the loss on it is no number."""
        place, history = course.place, course.place.history
        try:
            found = answered(course.module, self.valid, -(-self.batch_size // place.accumulate))
        except NassearchError:
            raise
        except (Exception, SystemExit) as error:
            raise Failed(f"the network cannot be evaluated: {told(error)}") from error
        if not math.isfinite(found.loss):
            return False
        rate = self.recipe.rate((place.epoch + 1) * self.steps - 1, self.steps)
        row = (place.epoch + 1, rate, loss, found.loss, found.accuracy)
        for column, value in zip(history, row, strict=True):
            history[column].append(value)
        rank = [(-valid, loss) for valid, loss in zip(history["valid"], history["valid_loss"], strict=True)]
        if place.best is None or rank[-1] < rank[place.best]:
            place.best, course.weights = place.epoch, weights_of(course.module)
        return True

    def _rng(self, *key: int) -> np.random.Generator:
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=key))

    def _keep(self, course: Course) -> None:
        if self.state is None:
            return
        try:
            course.keep(self.state, self.facts)
        except NassearchError as error:
            self.note = f"went on without a place to keep its state: {error}"
            warnings.warn(
                f"{error}; the training goes on, and a kill would cost all of it",
                RuntimeWarning,
                stacklevel=2,
            )
            self.state = None

    def _diverged(self, course: Course, when: str, started: float) -> Trained:
        course.place.seconds = time.monotonic() - started
        self.note = f"the loss was no number {when}: a lower learning_rate or a longer warmup may help"
        return self._ended("diverged", course)

    def _ended(self, status: str, course: Course | None) -> Trained:
        place = Place() if course is None else course.place
        notes = [self.note] if self.note else []
        if place.accumulate > 1:
            part = -(-self.batch_size // place.accumulate)
            notes.append(f"memory sufficed for {part} examples at a time, which is what batch norm saw")
        return Trained(
            status,
            math.nan if place.best is None else place.history["valid"][place.best],
            place.history,
            place.seconds,
            self.batch_size,
            place.accumulate,
            "; ".join(notes) or None,
            None if course is None else course.weights,
        )
