"""A sampler that lets a scorer choose among the proposals of another."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, BruteForceSampler, GridSampler, PartialFixedSampler
from optuna.trial import FrozenTrial, TrialState

from nassearch.checks import whole
from nassearch.errors import InvalidSetting, quoted
from nassearch.integrations.modules import Measured, ModuleScorer
from nassearch.integrations.optuna.attributes import SCORER, attributes
from nassearch.integrations.optuna.shadows import Proposal, Shadows


class GuidedSampler(BaseSampler):
    """Let a scorer choose among several proposals of any sampler of Optuna, before anything is trained.

        sampler = GuidedSampler(TPESampler(seed=0), build, "synflow", input_shape=(1, 28, 28), classes=10)
        study = optuna.create_study(direction="maximize", sampler=sampler)

    As a trial begins, `build` runs `ratio` times on shadow trials, whose suggestions come from the base sampler. The
    module that scores highest, the first of equal ones, is the trial's: the parameters that `build` asked for get its
    values. All others, such as a learning rate, go to the base sampler as ever, and those that it suggests jointly
    come from the chosen proposal. Hooks, constraints and reseeding are the base sampler's. Each proposal sees those
    before it as trials that run, as if as many workers asked at once.

    A proposal without a score, since `build` fails or a proxy has none for its module, is chosen only where no
    proposal has one, which a `RuntimeWarning` tells. An enqueued trial keeps what is fixed, and the rest is chosen.
    What a trial was scored is in its user attributes, see `nassearch.integrations.optuna.attributes`.

    Base samplers that keep a state: CMA-ES, NSGA and TPE learn from what was chosen. `QMCSampler` uses up `ratio`
    points of its sequence in each trial. `BruteForceSampler` still visits all, the best of `ratio` first, where `build`
    is asked before other parameters are. `GPSampler` proposes as for parallel trials, and takes its time for each.
    `GridSampler` ties each point to the number of a trial and is refused.

    Args:
        base_sampler: makes the proposals.
        build: `build(trial)` returns a torch.nn.Module, by what `trial.suggest_...` gives and nothing else; the
            objective calls it too.
        scorer: see `nassearch.integrations.modules.ModuleScorer`; a combination such as `"rank(epsilon, synflow)"`
            compares the proposals of one trial.
        ratio: proposals for each trial; with 1 trials are scored and nothing is chosen.
        batch, input_shape, classes, vocabulary: what proxies look at, see `ModuleScorer`.

    Raises:
        UnknownName, InvalidSetting: see `ModuleScorer`; or an argument is none.
    """

    def __init__(
        self,
        base_sampler: BaseSampler,
        build: Callable[[optuna.Trial], Any],
        scorer: Any,
        ratio: int = 10,
        *,
        batch: Any = None,
        input_shape: Sequence[int] | None = None,
        classes: int | None = None,
        vocabulary: int | None = None,
    ) -> None:
        if not isinstance(base_sampler, BaseSampler):
            raise InvalidSetting(
                f"base_sampler is a sampler of Optuna such as TPESampler(), not {quoted(base_sampler)}"
            )
        check_build(build)
        self._innermost = _innermost(base_sampler)
        if isinstance(self._innermost, GridSampler):
            raise InvalidSetting(
                "GridSampler ties each point to the number of a trial, so that there is nothing to choose: take "
                "BruteForceSampler, which visits every point too, or warm_start(study, build, scorer)"
            )
        if isinstance(self._innermost, GuidedSampler):
            raise InvalidSetting(
                "a GuidedSampler within another would choose nothing: give the base sampler of the inner one, and a "
                "combination for both scorers, such as 'rank(epsilon, synflow)'"
            )
        self._base, self._build = base_sampler, build
        self._ratio = whole("ratio", ratio)
        self._scorer = ModuleScorer(
            scorer, batch=batch, input_shape=input_shape, classes=classes, vocabulary=vocabulary
        )
        self._chosen: dict[tuple[str, int], Proposal] = {}
        self._memory: dict[Any, Measured] = {}

    def __str__(self) -> str:
        return f"GuidedSampler({self._base}, {self._scorer.name}, ratio={self._ratio})"

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        """Make proposals for a trial, choose one, and write down what it was scored."""
        self._base.before_trial(study, trial)
        storage, number = study._storage, trial._trial_id
        try:
            proposals = self._proposals(study, storage.get_trial(number))
            proposal, told = self._choose(proposals, trial.user_attrs)
        except BaseException:
            # Optuna has begun the trial, and nobody else would end it.
            storage.set_trial_state_values(number, TrialState.FAIL)
            raise
        for key, value in proposal.attrs.items():
            storage.set_trial_system_attr(number, key, value)
        for key, value in told.items():
            storage.set_trial_user_attr(number, key, value)
            trial.user_attrs[key] = value  # what the objective's trial shows
        self._chosen[_key(study, trial)] = proposal

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Return the distributions of what was chosen, and of what the base sampler suggests jointly."""
        proposal = self._chosen.get(_key(study, trial))
        if proposal is None:  # it began under another sampler
            return self._base.infer_relative_search_space(study, trial)
        return {**proposal.relative_space, **proposal.distributions}

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Return the values that were chosen."""
        proposal = self._chosen.get(_key(study, trial))
        if proposal is None:
            return self._base.sample_relative(study, trial, search_space)
        values = {**proposal.relative_params, **proposal.params}
        return {name: values[name] for name in search_space if name in values}

    def sample_independent(
        self, study: optuna.Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Return what the base sampler suggests for a parameter that `build` did not ask for."""
        return self._base.sample_independent(study, trial, param_name, param_distribution)

    def after_trial(
        self, study: optuna.Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None
    ) -> None:
        """Tell the base sampler."""
        self._chosen.pop(_key(study, trial), None)
        self._base.after_trial(study, trial, state, values)

    def reseed_rng(self) -> None:
        """Reseed the base sampler; scores have no chance in them."""
        self._base.reseed_rng()

    def _proposals(self, study: optuna.Study, trial: FrozenTrial) -> list[Proposal]:
        """Return proposals for a trial, at most `ratio`; some may be equal."""
        # One that visits everything once takes what runs for visited, and where nothing is left it gives anything.
        apart = not isinstance(self._innermost, BruteForceSampler)
        shadows = Shadows(study, trial, self._base, _fixed_outside(study.sampler), apart)
        found: list[Proposal] = []
        for _ in range(self._ratio):
            try:
                proposal = shadows.propose(self._build, self._scorer, self._memory)
            except ValueError as error:
                if isinstance(self._innermost, BruteForceSampler) and "mismatch" in str(error):
                    raise InvalidSetting(
                        "BruteForceSampler wants parameters in one order: let the objective call build(trial) before "
                        "it asks for others, from the first trial of the study on"
                    ) from error
                raise
            found.append(proposal)
            given = {n for n, d in proposal.distributions.items() if n in shadows.fixed or d.single()}
            if given == proposal.distributions.keys():
                break  # nothing to choose
        return found

    def _choose(
        self, proposals: Sequence[Proposal], there: dict[str, Any]
    ) -> tuple[Proposal, dict[str, Any]]:
        """Return the proposal that scores highest, and the user attributes of its trial."""
        distinct = list({each.key: each for each in reversed(proposals)}.values())[::-1]
        if len(distinct) == 1 and self._scorer.compares:
            (only,) = distinct
            if there.get(SCORER) == self._scorer.name:
                return only, {}  # warm_start has compared it with others
            return only, attributes(self._scorer, only.measured, np.nan, len(proposals), 1, there)
        scores = self._scorer.compare([each.measured for each in distinct])
        if np.isnan(scores).all():
            best = next((k for k, each in enumerate(distinct) if each.measured.built), 0)
            warnings.warn(
                f"{self._scorer.name} scores none of the {len(distinct)} proposals of a trial, so that nothing guides "
                f"it; the first: {distinct[best].measured.reason}",
                RuntimeWarning,
                stacklevel=2,
            )
        else:
            best = int(np.nanargmax(scores))
        chosen = distinct[best]
        score, several = float(scores[best]), len(distinct)
        told = attributes(self._scorer, chosen.measured, score, len(proposals), several, there)
        return chosen, told


def check_build(build: Any) -> None:
    """Raise `InvalidSetting` where this is no function that builds modules."""
    if not callable(build) or isinstance(build, type):
        raise InvalidSetting(
            f"build is a function build(trial) that returns a torch.nn.Module, not {quoted(build)}"
        )


def _key(study: optuna.Study, trial: FrozenTrial) -> tuple[str, int]:
    """Return what tells a trial from those of all studies: in memory, each study counts its own."""
    return study.study_name, trial._trial_id


def _innermost(sampler: Any) -> Any:
    while isinstance(sampler, PartialFixedSampler):
        sampler = sampler._base_sampler
    return sampler


def _fixed_outside(sampler: Any) -> dict[str, Any]:
    """Return what `PartialFixedSampler`s around the guided one fix."""
    fixed: dict[str, Any] = {}
    while isinstance(sampler, PartialFixedSampler):
        fixed = {**sampler._fixed_params, **fixed}
        sampler = sampler._base_sampler
    return fixed
