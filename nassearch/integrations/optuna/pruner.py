"""A pruner that ends a trial before it is trained, where its score is among the worst."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import optuna
from optuna.pruners import BasePruner
from optuna.trial import FixedTrial, FrozenTrial

from nassearch.checks import share as check_share
from nassearch.checks import whole
from nassearch.errors import InvalidSetting, quoted
from nassearch.integrations.modules import ModuleScorer, combined_by
from nassearch.integrations.optuna.attributes import SCORE, SCORER, SCORES, attributes, scores_of
from nassearch.integrations.optuna.sampler import check_build


class ScorePruner(BasePruner):
    """End a trial before it is trained, where its score lies in the worst share of those of earlier trials.

        study = optuna.create_study(sampler=sampler, pruner=ScorePruner(0.25, pruner=MedianPruner()))

        def objective(trial):
            model = build(trial)
            if trial.should_prune():  # asked before the first epoch: nothing was trained yet
                raise optuna.TrialPruned()

    The score is the one in the user attributes, which `GuidedSampler` and `warm_start` write. For a study with another
    sampler give `build` and a `scorer`: a trial is then scored when it is first asked about, after its parameters were
    suggested. Earlier trials are those with a lower number and a score by the same scorer, ended ones too, so that the
    threshold does not climb. By a combination all of them are compared with each other. A trial without a score goes
    on.

    Optuna asks no pruner in a study of several objectives: there ask `is_poor(trial)`.

    Args:
        share: a trial ends where less than this share of earlier ones score lower; ties count half.
        n_startup_trials: earlier trials with a score that there have to be.
        pruner: asked about trials that this one lets go on, such as `MedianPruner()`. A `HyperbandPruner` inside works
            as a pruner; Optuna gives samplers its brackets only where it is the study's own.
        build, scorer: see `GuidedSampler`; both or none.
        batch, input_shape, classes, vocabulary: what proxies look at, see `ModuleScorer`.

    Raises:
        UnknownName, InvalidSetting: see `ModuleScorer`; or an argument is none.
    """

    def __init__(
        self,
        share: float = 0.25,
        *,
        n_startup_trials: int = 10,
        pruner: BasePruner | None = None,
        build: Callable[[Any], Any] | None = None,
        scorer: Any = None,
        batch: Any = None,
        input_shape: Sequence[int] | None = None,
        classes: int | None = None,
        vocabulary: int | None = None,
    ) -> None:
        self._share = check_share("share", share)
        self._startup = whole("n_startup_trials", n_startup_trials)
        if pruner is not None and not isinstance(pruner, BasePruner):
            raise InvalidSetting(f"pruner is one of Optuna such as MedianPruner(), not {quoted(pruner)}")
        if (build is None) != (scorer is None):
            raise InvalidSetting(
                "a ScorePruner that scores by itself needs both: build=build, scorer='synflow'"
            )
        self._pruner, self._build = pruner, build
        self._scorer: ModuleScorer | None = None
        if build is not None:
            check_build(build)
            self._scorer = ModuleScorer(
                scorer, batch=batch, input_shape=input_shape, classes=classes, vocabulary=vocabulary
            )

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        """Return whether a trial should end: by its score, or by the pruner inside.

        Raises:
            InvalidSetting: it has no score and cannot be given one, or its parameters are not suggested yet.
        """
        if self._poor(study, trial):
            return True
        return self._pruner is not None and self._pruner.prune(study, trial)

    def is_poor(self, trial: optuna.Trial) -> bool:
        """Return whether the score of a running trial lies in the worst share, in a study of any number of objectives.

        Raises:
            InvalidSetting: see `prune`.
        """
        study = trial.study
        return self._poor(study, study._storage.get_trial(trial._trial_id))

    def _poor(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        own = self._attributes(study, trial)
        trials = study._storage.get_all_trials(study._study_id, deepcopy=False)
        earlier = [
            each.user_attrs
            for each in trials
            if each.number < trial.number and each.user_attrs.get(SCORER) == own[SCORER] and _is_scored(each)
        ]
        if len(earlier) < self._startup:
            return False
        scores = [scores_of(attrs) for attrs in (*earlier, own)]
        together = (
            (self._scorer.combined(scores) if self._scorer is not None else combined_by(own[SCORER], scores))
            if own.get(SCORES) is not None
            else np.array([next(iter(each.values())) for each in scores])
        )
        score, others = together[-1], together[:-1][~np.isnan(together[:-1])]
        if np.isnan(score) or len(others) < self._startup:
            return False
        lower = (others < score).sum() + (others == score).sum() / 2
        return bool(lower / len(others) < self._share)

    def _attributes(self, study: optuna.Study, trial: FrozenTrial) -> Mapping[str, Any]:
        """Return the attributes of a trial with its score, which is computed and written down where there is none."""
        name = trial.user_attrs.get(SCORER)
        if name is not None and (self._scorer is None or self._scorer.name == name):
            return trial.user_attrs
        if self._scorer is None or self._build is None:
            raise InvalidSetting(
                f"trial {trial.number} has no score: let the study's sampler be a GuidedSampler, or give the pruner "
                "what to score by, ScorePruner(build=build, scorer='synflow', ...)"
            )
        build, asked = self._build, _Replay(trial.params, trial.number)
        measured = self._scorer.measure(lambda: build(asked))
        if asked.missing is not None:
            raise InvalidSetting(
                f"trial {trial.number} has no value of {asked.missing} yet: call trial.should_prune() after "
                "build(trial)"
            )
        score = float("nan") if self._scorer.compares else measured.scores[self._scorer.name]
        told = attributes(self._scorer, measured, score, 1, 1, trial.user_attrs)
        if measured.reason:
            warnings.warn(
                f"{self._scorer.name} does not score trial {trial.number}, which goes on: {measured.reason}",
                RuntimeWarning,
                stacklevel=2,
            )
        for key, value in told.items():
            study._storage.set_trial_user_attr(trial._trial_id, key, value)
        return told


class _Replay(FixedTrial):
    """A trial that gives again what was suggested, and says what was not."""

    missing: str | None = None

    def _suggest(self, name: str, distribution: Any) -> Any:
        if name not in self._params:
            self.missing = name
        return super()._suggest(name, distribution)


def _is_scored(trial: FrozenTrial) -> bool:
    return trial.user_attrs.get(SCORE) is not None or trial.user_attrs.get(SCORES) is not None
