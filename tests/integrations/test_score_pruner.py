"""A pruner ends trials by their score before they are trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from torch import nn

optuna = pytest.importorskip("optuna", reason="pip install optuna")

from optuna.samplers import RandomSampler, TPESampler  # noqa: E402
from optuna.trial import TrialState  # noqa: E402
from optuna_studies import LOOKS, build, guided, objective, size, size_of  # noqa: E402

from nassearch.errors import InvalidSetting  # noqa: E402
from nassearch.integrations.optuna import ScorePruner, warm_start  # noqa: E402
from nassearch.scorers.combined import Combination  # noqa: E402

optuna.logging.set_verbosity(optuna.logging.ERROR)


def line(trial: Any) -> nn.Module:
    """Return a module with 17 * units + 3 * (units + 1) parameters."""
    units = trial.suggest_int("units", 1, 99)
    return nn.Sequential(nn.Flatten(), nn.Linear(16, units), nn.ReLU(), nn.Linear(units, 3))


def aim(trial: Any) -> float:
    trial.set_user_attr("trained", 0)
    module = line(trial)
    if trial.should_prune():
        raise optuna.TrialPruned()
    trial.set_user_attr("trained", 1)
    return size(module)


def ended(
    pruner: ScorePruner, units: Sequence[int], scorer: Any = "params", sampler: Any = None
) -> list[int]:
    """Return which of trials with so many units were ended by a pruner."""
    made = guided(RandomSampler(seed=0), 1, scorer, line) if sampler is None else sampler
    study = optuna.create_study(sampler=made, pruner=pruner)
    for each in units:
        study.enqueue_trial({"units": each})
    study.optimize(aim, n_trials=len(units))
    for trial in study.trials:
        assert trial.user_attrs["trained"] == (trial.state == TrialState.COMPLETE)
    return [t.number for t in study.trials if t.state == TrialState.PRUNED]


def test_the_worst_share_of_earlier_scores_is_ended() -> None:
    # Of four, 15 has one below, a quarter, and goes on. 9 has none below. Of six, 19 has 9, 10 and 15 below.
    assert ended(ScorePruner(0.25, n_startup_trials=4), [10, 20, 30, 40, 15, 9, 19]) == [5]
    assert ended(ScorePruner(0.3, n_startup_trials=4), [10, 20, 30, 40, 15, 9, 19]) == [4, 5]
    assert ended(ScorePruner(0.0, n_startup_trials=1), [10, 5, 4, 3]) == []
    assert ended(ScorePruner(1.0, n_startup_trials=1), [10, 5, 11, 40]) == [1]


def test_nothing_is_ended_before_there_are_enough() -> None:
    assert ended(ScorePruner(0.5, n_startup_trials=5), [50, 40, 30, 20, 10, 9, 8]) == [5, 6]


def test_trials_that_were_ended_count_so_that_the_threshold_stays() -> None:
    # 20 has two of four below, then three of five: without those that were ended it would be last.
    assert ended(ScorePruner(0.4, n_startup_trials=2), [30, 40, 10, 9, 20, 19]) == [2, 3]


def test_equal_scores_count_half() -> None:
    assert ended(ScorePruner(0.5, n_startup_trials=2), [7] * 6) == []
    assert ended(ScorePruner(0.6, n_startup_trials=2), [7] * 6) == [2, 3, 4, 5]


def test_a_trial_without_a_score_goes_on_and_is_nobodys_measure() -> None:
    odd = lambda module: size(module) if module[1].out_features != 5 else float("nan")  # noqa: E731
    with pytest.warns(RuntimeWarning, match="scores none"):
        assert ended(ScorePruner(0.9, n_startup_trials=2), [10, 5, 20, 5, 1], odd) == [4]


def test_it_scores_by_itself_beside_another_sampler() -> None:
    pruner = ScorePruner(0.25, n_startup_trials=4, build=line, scorer="params", **LOOKS)
    assert ended(pruner, [10, 20, 30, 40, 15, 9, 19], sampler=TPESampler(seed=0)) == [5]
    study = optuna.create_study(sampler=RandomSampler(seed=0), pruner=pruner)
    study.optimize(aim, n_trials=12)
    assert all(t.user_attrs["nassearch_score"] == size_of(t, line) for t in study.trials)
    assert {t.state for t in study.trials} == {TrialState.PRUNED, TrialState.COMPLETE}


def test_combinations_compare_trials_by_what_each_proxy_said() -> None:
    both = "rank(params, flops)"
    assert ended(ScorePruner(0.25, n_startup_trials=4), [10, 20, 30, 40, 15, 9, 19], both) == [5]
    pruner = ScorePruner(0.25, n_startup_trials=4, build=line, scorer=both, **LOOKS)
    assert ended(pruner, [10, 20, 30, 40, 15, 9, 19], sampler=RandomSampler(seed=0)) == [5]


def test_it_reads_what_a_warm_start_has_scored() -> None:
    study = optuna.create_study(sampler=TPESampler(seed=0), pruner=ScorePruner(0.5, n_startup_trials=2))
    assert len(warm_start(study, line, "params", n=30, top=8, **LOOKS)) == 8
    study.optimize(aim, n_trials=8)  # the best first, so that each is below those before
    assert [t.state for t in study.trials] == [TrialState.COMPLETE] * 2 + [TrialState.PRUNED] * 6
    with pytest.raises(InvalidSetting, match=r"trial 8 has no score: .* GuidedSampler, or give the pruner"):
        study.optimize(aim, n_trials=1)


def test_scores_of_another_scorer_are_no_measure() -> None:
    pruner = ScorePruner(0.9, n_startup_trials=2)
    study = optuna.create_study(sampler=guided(RandomSampler(seed=0), 1, "flops", line), pruner=pruner)
    study.optimize(aim, n_trials=6)
    study.sampler = guided(RandomSampler(seed=0), 1, "params", line)
    study.enqueue_trial({"units": 50})
    study.enqueue_trial({"units": 40})
    study.enqueue_trial({"units": 30})
    before = len(study.trials) - 3
    study.optimize(aim, n_trials=3)
    assert [t.state.name for t in study.trials[before:]] == ["COMPLETE", "COMPLETE", "PRUNED"]


@pytest.mark.parametrize("rescored_by", ["sampler", "pruner"])
def test_scores_by_proxy_that_another_scorer_left_are_no_measure(rescored_by: str) -> None:
    both, units = "rank(flops, naswot)", [50, 40, 30, 60, 20]
    itself = rescored_by == "pruner"
    pruner = ScorePruner(
        0.9, n_startup_trials=2, **({"build": line, "scorer": "params", **LOOKS} if itself else {})
    )
    study = optuna.create_study(
        sampler=guided(RandomSampler(seed=0), 1, both if itself else "params", line), pruner=pruner
    )
    for each in units:
        left = {"nassearch_scorer": both, "nassearch_scores": {"flops": 1.0, "naswot": 1.0}}
        study.enqueue_trial({"units": each}, user_attrs=left | {"nassearch_reason": "none"})
    study.optimize(aim, n_trials=len(units))
    assert [t.number for t in study.trials if t.state == TrialState.PRUNED] == [2, 4]
    for trial in study.trials:
        told = trial.user_attrs
        assert told["nassearch_score"] == size_of(trial, line) and told["nassearch_scorer"] == "params"
        assert told["nassearch_scores"] is None and told["nassearch_reason"] is None


def test_a_combination_without_a_registered_name_has_to_be_given() -> None:
    both = Combination("together", lambda scores, _: scores.sum(0), 1, None, ("params", "flops"), "ours")
    units = [10, 20, 30, 40, 15, 9, 19]
    with pytest.raises(InvalidSetting, match=r"together is a combination .* scorer=the combination"):
        ended(ScorePruner(0.25, n_startup_trials=4), units, both)
    given = ScorePruner(0.25, n_startup_trials=4, build=line, scorer=both, **LOOKS)
    assert ended(given, units, both) == [5]


def test_another_pruner_judges_what_goes_on() -> None:
    asked: list[int] = []

    class Third(optuna.pruners.BasePruner):
        def prune(self, study: Any, trial: Any) -> bool:
            asked.append(trial.number)
            return trial.number == 3

    assert ended(ScorePruner(0.25, n_startup_trials=2, pruner=Third()), [10, 20, 5, 30, 40]) == [2, 3]
    assert asked == [0, 1, 3, 4]


def test_median_pruner_inside_looks_at_what_is_reported() -> None:
    def curve(trial: Any) -> float:
        value = objective(trial)
        if trial.should_prune():
            raise optuna.TrialPruned("by its score")
        trial.report(value, 1)
        if trial.should_prune():
            raise optuna.TrialPruned("by its curve")
        return value

    pruner = ScorePruner(0.25, n_startup_trials=4, pruner=optuna.pruners.MedianPruner(n_startup_trials=4))
    study = optuna.create_study(sampler=guided(TPESampler(seed=0), 2), pruner=pruner)
    study.optimize(curve, n_trials=25)
    pruned = [t for t in study.trials if t.state == TrialState.PRUNED]
    assert {len(t.intermediate_values) for t in pruned} == {0, 1}


def test_it_may_be_asked_in_studies_of_several_objectives() -> None:
    pruner = ScorePruner(0.25, n_startup_trials=4)
    sampler = guided(RandomSampler(seed=0), 1, make=line)
    study = optuna.create_study(directions=["minimize", "maximize"], sampler=sampler)
    poor = []
    for units in [10, 20, 30, 40, 15, 9, 19]:
        study.enqueue_trial({"units": units})
        trial = study.ask()
        line(trial)
        poor.append(pruner.is_poor(trial))
        study.tell(trial, (1.0, 2.0))
    assert poor == [False] * 5 + [True, False]


def test_it_is_asked_after_build() -> None:
    study = optuna.create_study(pruner=ScorePruner(build=line, scorer="params", **LOOKS))
    with pytest.raises(
        InvalidSetting, match=r"no value of units yet: call trial.should_prune\(\) after build"
    ):
        study.optimize(lambda trial: float(trial.should_prune()), n_trials=1)


def test_a_module_that_cannot_be_scored_is_told_of_and_goes_on() -> None:
    wrong = lambda trial: nn.Linear(trial.suggest_int("units", 1, 99), 3)  # noqa: E731
    study = optuna.create_study(pruner=ScorePruner(build=wrong, scorer="params", **LOOKS))
    with pytest.warns(RuntimeWarning, match="does not score trial 0, which goes on: the model fails"):
        study.optimize(aim, n_trials=1)
    assert (
        study.trials[0].state == TrialState.COMPLETE and study.trials[0].user_attrs["nassearch_score"] is None
    )


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"share": 2}, "share is a share from 0 to 1, not 2"),
    ({"share": "a quarter"}, "a share from 0 to 1"),
    ({"n_startup_trials": 0}, "at least 1"),
    ({"pruner": "median"}, "pruner is one of Optuna"),
    ({"build": build}, "needs both"),
    ({"scorer": "params"}, "needs both"),
    ({"build": 3, "scorer": "params"}, "build is a function"),
    ({"build": build, "scorer": "params"}, "give batch="),
]


@pytest.mark.parametrize(("given", "message"), WRONG, ids=range(len(WRONG)))
def test_what_has_no_meaning_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidSetting, match=message):
        ScorePruner(**given)
