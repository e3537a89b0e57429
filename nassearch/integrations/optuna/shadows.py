"""Shadow trials: what a sampler would suggest, without a trace in the study."""

from __future__ import annotations

import copy
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState, create_trial

from nassearch.integrations.modules import ONE_AT_A_TIME, Measured, ModuleScorer

FIXED = "fixed_params"
"""The system attribute in which Optuna keeps what `enqueue_trial` was given."""


@dataclass
class Proposal:
    """What one run of `build` was suggested.

    Attributes:
        params, distributions: by name, in the order of the suggestions.
        relative_params, relative_space: what the base sampler suggests jointly, of other parameters too.
        attrs: system attributes that the base sampler set.
        measured: what the proxies say of the module.
    """

    params: dict[str, Any]
    distributions: dict[str, BaseDistribution]
    relative_params: dict[str, Any]
    relative_space: dict[str, BaseDistribution]
    attrs: dict[str, Any]
    measured: Measured

    @property
    def key(self) -> tuple[tuple[str, str], ...]:
        """Return what the module depends on."""
        return key_of(self.params)


def key_of(params: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return the values of parameters as something that can be compared and hashed, NaN too."""
    return tuple(sorted((name, repr(value)) for name, value in params.items()))


class ShadowTrial(optuna.Trial):
    """A trial for `build` to ask. Besides suggestions it takes nothing in: it reports, ends and constrains nothing."""

    def report(self, value: float, step: int) -> None:
        """Report to nobody."""

    def should_prune(self) -> bool:
        """Say no: nothing is trained."""
        return False

    def set_constraint(self, key: str, value: float) -> None:
        """Constrain nothing."""

    def set_system_attr(self, key: str, value: Any) -> None:
        """Set nothing."""


class Shadows:
    """Make proposals for one trial by a sampler, one after another.

    Each is made on a copy of what the study looks like. What the sampler notes down for the trial is kept with the
    proposal, and what it notes down for the whole study goes to the study.

    Args:
        study: whose trials the sampler learns from.
        trial: for which proposals are made, as the storage has it; None for one that the study has not.
        sampler: the base sampler.
        fixed: parameters that are not for the sampler to suggest.
        apart: show a proposal those before it as trials that run, as if as many workers asked at once: samplers that
            keep parallel trials apart keep proposals apart too.
    """

    def __init__(
        self,
        study: optuna.Study,
        trial: FrozenTrial | None,
        sampler: BaseSampler,
        fixed: dict[str, Any] | None = None,
        apart: bool = True,
    ) -> None:
        trials = study._storage.get_all_trials(study._study_id, deepcopy=False)
        if trial is None:
            trial = create_trial(state=TrialState.RUNNING)
            trial.number, trial._trial_id = len(trials), -1
        self.fixed = {**(fixed or {}), **trial.system_attrs.get(FIXED, {})}
        self._trial, self._apart = trial, apart
        others = [t for t in trials if t.number != trial.number]
        first = 1 + max(t.number for t in (*others, trial))
        self._storage = _Storage(study._storage, others, first)
        self._sampler = _Lent(sampler)
        self._study = optuna.study.Study(study.study_name, self._storage, self._sampler, study.pruner)  # type: ignore[arg-type]

    def propose(
        self, build: Callable[[Any], Any], scorer: ModuleScorer, memory: dict[Any, Measured]
    ) -> Proposal:
        """Run `build` once on suggestions of the sampler, and score the module that it returns."""
        from nassearch.networks.modules.isolation import Outside

        current = copy.copy(self._trial)
        current.system_attrs = {**self._trial.system_attrs, FIXED: self.fixed}
        current.params, current.distributions, current.user_attrs = {}, {}, dict(self._trial.user_attrs)
        if not self.fixed:
            del current.system_attrs[FIXED]
        self._storage.begin(current)
        with ONE_AT_A_TIME:  # the generators of another thread that scores are none to read or to set back
            self._sampler.begin(Outside())
            try:
                shadow = ShadowTrial(self._study, current._trial_id)
                measured = scorer.measure(lambda: build(shadow), lambda: key_of(shadow.params), memory)
                relative = dict(shadow.relative_params or {})
            finally:
                self._sampler.end()
        attrs = self._storage.end(self._apart)
        return Proposal(
            shadow.params,
            shadow.distributions,
            relative,
            dict(shadow.relative_search_space or {}),
            attrs,
            measured,
        )


class _Lent(BaseSampler):
    """A sampler that suggests for shadow trials; begin and end of a trial are the real trial's.

    It draws from the global generators, where it does, as it would without a scorer. What it raises while `build` runs
    is no fault of `build`, and is raised again at the end.
    """

    def __init__(self, sampler: BaseSampler) -> None:
        self._sampler = sampler
        self._outside: Any = None
        self._fault: BaseException | None = None

    def begin(self, outside: Any) -> None:
        self._outside, self._fault = outside, None

    def end(self) -> None:
        self._outside.restore()
        if self._fault is not None:
            raise self._fault

    @contextmanager
    def _lent(self) -> Iterator[None]:
        with self._outside.again():
            try:
                yield
            except BaseException as error:
                self._fault = self._fault or error
                raise

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        with self._lent():
            return self._sampler.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        with self._lent():
            return self._sampler.sample_relative(study, trial, search_space)

    def sample_independent(
        self, study: optuna.Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        with self._lent():
            return self._sampler.sample_independent(study, trial, param_name, param_distribution)


@dataclass
class _Storage:
    """A storage as it was, with the current proposal in the place of its trial and earlier ones as trials that run.

    Attributes:
        real: takes everything that is not about the trial.
        others: the other trials.
        first: number of the first earlier proposal.
        earlier: proposals before the current one.
        current: the trial of the current proposal.
        written: its system attributes that were set.
    """

    real: Any
    others: list[FrozenTrial]
    first: int
    earlier: list[FrozenTrial] = field(default_factory=list)
    current: Any = None
    written: dict[str, Any] = field(default_factory=dict)

    def begin(self, current: FrozenTrial) -> None:
        self.current, self.written = current, {}

    def end(self, keep: bool) -> dict[str, Any]:
        """Return the system attributes that were set; keep the current proposal as a trial that runs where asked."""
        kept = copy.copy(self.current)
        kept.number, kept._trial_id = self.first + len(self.earlier), -2 - len(self.earlier)
        kept.user_attrs = {}
        self.earlier += [kept] if keep else []
        return self.written

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["real"], name)

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        trials = sorted([*self.others, self.current], key=lambda t: t.number) + self.earlier
        trials = [t for t in trials if states is None or t.state in states]
        return copy.deepcopy(trials) if deepcopy else trials

    def get_trial(self, trial_id: int) -> FrozenTrial:
        known = (t for t in (self.current, *self.earlier) if t._trial_id == trial_id)
        found: FrozenTrial = next(known, None) or self.real.get_trial(trial_id)
        return copy.copy(found)

    def get_trial_params(self, trial_id: int) -> dict[str, Any]:
        return self.get_trial(trial_id).params

    def get_trial_user_attrs(self, trial_id: int) -> dict[str, Any]:
        return self.get_trial(trial_id).user_attrs

    def get_trial_system_attrs(self, trial_id: int) -> dict[str, Any]:
        return self.get_trial(trial_id).system_attrs

    def set_trial_param(
        self, trial_id: int, param_name: str, param_value_internal: float, distribution: BaseDistribution
    ) -> None:
        value = distribution.to_external_repr(param_value_internal)
        self.current.params = {**self.current.params, param_name: value}
        self.current.distributions = {**self.current.distributions, param_name: distribution}

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        self.written[key] = value
        self.current.system_attrs = {**self.current.system_attrs, key: value}

    def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:
        self.current.user_attrs = {**self.current.user_attrs, key: value}
