"""Give a study the best of many architectures to begin with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import optuna
from optuna.samplers import RandomSampler
from optuna.trial import FrozenTrial

from nassearch.checks import SEEDS, whole
from nassearch.errors import InvalidSetting, quoted
from nassearch.integrations.modules import Measured, ModuleScorer
from nassearch.integrations.optuna.attributes import attributes
from nassearch.integrations.optuna.sampler import check_build
from nassearch.integrations.optuna.shadows import FIXED, Proposal, Shadows


def warm_start(
    study: optuna.Study,
    build: Callable[[Any], Any],
    scorer: Any,
    n: int = 1000,
    top: int = 20,
    *,
    batch: Any = None,
    input_shape: Sequence[int] | None = None,
    classes: int | None = None,
    vocabulary: int | None = None,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """Score random architectures and enqueue the best, so that a study begins with them.

        warm_start(study, build, "synflow", n=1000, top=20, input_shape=(1, 28, 28), classes=10)

    The parameters that `build` asks for are fixed in those trials; all others are the sampler's. Equal architectures
    count once. The best that the study has already, waiting, running or finished, are passed over, so that the same
    call on a study that was begun adds only what a kill has left out. Call it in one process before others begin.

    Args:
        study: of any sampler and storage.
        build, scorer: see `GuidedSampler`; a combination compares all that were drawn.
        n: random draws.
        top: how many of the best.
        batch, input_shape, classes, vocabulary: what proxies look at, see `ModuleScorer`.
        seed: of the draws.

    Returns:
        The parameters that were enqueued, the best first.

    Raises:
        UnknownName, InvalidSetting: see `ModuleScorer`; or an argument is none, or no draw has a score.
    """
    if not isinstance(study, optuna.Study):
        raise InvalidSetting(f"study is what optuna.create_study returns, not {quoted(study)}")
    check_build(build)
    whole("n", n)
    whole("top", top)
    whole("seed", seed, least=0, largest=SEEDS)
    judge = ModuleScorer(scorer, batch=batch, input_shape=input_shape, classes=classes, vocabulary=vocabulary)
    distinct = _draws(study, build, judge, n, seed)
    scores = judge.compare([each.measured for each in distinct])
    if np.isnan(scores).all():
        raise InvalidSetting(
            f"{judge.name} scores none of {n} random modules, so that there is nothing to begin with; the first: "
            f"{distinct[0].measured.reason}"
        )
    best = [int(k) for k in np.argsort(-scores, kind="stable")[:top] if not np.isnan(scores[k])]
    there = study.get_trials(deepcopy=False)
    enqueued = []
    for place in best:
        proposal = distinct[place]
        if any(_holds(trial, proposal.params) for trial in there):
            continue
        told = attributes(judge, proposal.measured, float(scores[place]), n, len(distinct))
        study.enqueue_trial(proposal.params, user_attrs=told)
        enqueued.append(proposal.params)
    return enqueued


def _draws(
    study: optuna.Study, build: Callable[[Any], Any], judge: ModuleScorer, n: int, seed: int
) -> list[Proposal]:
    """Return the different ones of `n` random proposals."""
    shadows = Shadows(study, None, RandomSampler(seed=seed % 2**32), apart=False)
    memory: dict[Any, Measured] = {}
    found: dict[Any, Proposal] = {}
    for proposal in _proposals(shadows, build, judge, memory, n):
        found.setdefault(proposal.key, proposal)
    return list(found.values())


def _proposals(
    shadows: Shadows, build: Callable[[Any], Any], judge: ModuleScorer, memory: dict[Any, Measured], n: int
) -> Iterable[Proposal]:
    for _ in range(n):
        yield shadows.propose(build, judge, memory)


def _holds(trial: FrozenTrial, params: dict[str, Any]) -> bool:
    """Say whether a trial has, or waits for, these values."""
    values = {**trial.system_attrs.get(FIXED, {}), **trial.params}
    return all(name in values and repr(values[name]) == repr(value) for name, value in params.items())
