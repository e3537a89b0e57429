"""A scorer chooses among the proposals of Optuna's samplers, and everything else is as it was."""

from __future__ import annotations

import json
import math
import pickle
import random
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

optuna = pytest.importorskip("optuna", reason="pip install optuna")

from optuna.samplers import (  # noqa: E402
    BaseSampler,
    BruteForceSampler,
    CmaEsSampler,
    GPSampler,
    GridSampler,
    NSGAIIISampler,
    NSGAIISampler,
    PartialFixedSampler,
    QMCSampler,
    RandomSampler,
    TPESampler,
)
from optuna.trial import FixedTrial, TrialState  # noqa: E402
from optuna_studies import LOOKS, build, build_few, guided, objective, run, size, size_of  # noqa: E402

import nassearch as ns  # noqa: E402
from nassearch.errors import InvalidSetting, UnknownName  # noqa: E402
from nassearch.integrations.optuna import GuidedSampler  # noqa: E402


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        warnings.simplefilter("ignore", FutureWarning)  # what Optuna is about to take away
        yield
    optuna.logging.set_verbosity(before)


SAMPLERS: dict[str, Any] = {
    "random": lambda: RandomSampler(seed=1),
    "tpe": lambda: TPESampler(seed=1, n_startup_trials=4),
    "tpe, one by one": lambda: TPESampler(seed=1, n_startup_trials=4, multivariate=False),
    "tpe, groups": lambda: TPESampler(seed=1, n_startup_trials=4, multivariate=True, group=True),
    "nsga2": lambda: NSGAIISampler(seed=1, population_size=4),
    "nsga3": lambda: NSGAIIISampler(seed=1, population_size=4),
    "qmc": lambda: QMCSampler(seed=1, warn_independent_sampling=False),
    "cma": lambda: CmaEsSampler(seed=1, n_startup_trials=3, warn_independent_sampling=False),
    "gp": lambda: GPSampler(seed=1, n_startup_trials=9, warn_independent_sampling=False),
    "partly fixed": lambda: PartialFixedSampler({"layers": 2}, TPESampler(seed=1, n_startup_trials=4)),
}


@pytest.mark.parametrize("name", SAMPLERS)
def test_every_sampler_gives_the_largest_of_its_proposals(name: str) -> None:
    if name == "cma":
        pytest.importorskip("cmaes")
    seen: list[float] = []

    def counted(module: nn.Module) -> float:
        seen.append(size(module))
        return seen[-1]

    study = optuna.create_study(sampler=guided(SAMPLERS[name](), 4, counted))
    for _ in range(11):
        seen.clear()
        study.optimize(objective, n_trials=1)
        trial = study.trials[-1]
        told = trial.user_attrs
        assert told["nassearch_score"] == size_of(trial) >= max(seen, default=0)
        assert told["nassearch_scorer"] == "counted" and told["nassearch_proposals"] == 4
        assert 1 <= len(seen) <= told["nassearch_distinct"] <= 4
        assert list(trial.params)[-1] == "rate"
    alone = run(SAMPLERS[name](), 11)
    assert np.mean([size_of(t) for t in study.trials]) > np.mean([size_of(t) for t in alone.trials])


@pytest.mark.parametrize("name", [name for name in SAMPLERS if name != "gp"])
def test_one_proposal_is_what_the_sampler_would_have_given(name: str) -> None:
    """Nothing is lost or drawn twice on the way through a shadow trial."""
    if name == "cma":
        pytest.importorskip("cmaes")
    alone, through = run(SAMPLERS[name](), 14), run(guided(SAMPLERS[name](), 1), 14)
    assert [t.params for t in through.trials] == [t.params for t in alone.trials]
    assert [t.values for t in through.trials] == [t.values for t in alone.trials]
    there = [{k: v for k, v in t.system_attrs.items() if not k.startswith("cma:opt")} for t in through.trials]
    assert there == [
        {k: v for k, v in t.system_attrs.items() if not k.startswith("cma:opt")} for t in alone.trials
    ]


def test_equal_seeds_give_equal_studies_in_every_storage(tmp_path: Any) -> None:
    sampler = lambda: guided(TPESampler(seed=3, n_startup_trials=4), 5, "synflow")  # noqa: E731
    one, two = run(sampler(), 7), run(sampler(), 7)
    kept = run(sampler(), 7, storage=f"sqlite:///{tmp_path}/study.db")
    assert [t.params for t in one.trials] == [t.params for t in two.trials] == [t.params for t in kept.trials]
    assert [t.user_attrs for t in one.trials] == [t.user_attrs for t in kept.trials]
    other = run(guided(TPESampler(seed=4, n_startup_trials=4), 5, "synflow"), 7)
    assert [t.params for t in other.trials] != [t.params for t in one.trials]


def test_what_is_not_of_the_module_is_asked_of_the_base_sampler() -> None:
    study = run(guided(TPESampler(seed=0, n_startup_trials=4)), 30)
    rates = [trial.params["rate"] for trial in study.trials]
    assert len(set(rates)) == 30
    # TPE has learnt the rate: those of the last half are nearer to the best, e^-6.
    off = [abs(math.log(rate) + 6) for rate in rates]
    assert np.mean(off[15:]) < np.mean(off[:15])


def test_parameters_may_be_asked_for_in_any_order() -> None:
    def rate_first(trial: Any) -> float:
        rate = trial.suggest_float("rate", 1e-4, 1e-1, log=True)
        assert trial.user_attrs["nassearch_score"] == size(build(trial))
        return rate

    assert len(run(guided(TPESampler(seed=0, n_startup_trials=4)), 10, rate_first).trials) == 10


def test_tpe_notes_down_what_was_chosen() -> None:
    """Other processes read there what a trial that runs will be; the note of another proposal would mislead them."""
    study = run(guided(TPESampler(seed=0, n_startup_trials=4, constant_liar=True, multivariate=True)), 12)
    notes = [t for t in study.trials if "tpe:relative_params:0" in t.system_attrs]
    assert notes or optuna.__version__ < "5"
    for trial in notes:
        told = json.loads(trial.system_attrs["tpe:relative_params:0"])
        assert {k: v for k, v in trial.params.items() if k in told} == told


def test_cma_is_told_of_the_proposal_that_was_chosen() -> None:
    pytest.importorskip("cmaes")

    def make(trial: Any) -> nn.Module:
        trial.suggest_float("noise", -2.0, 2.0)
        width = round(trial.suggest_float("width", 2.0, 34.0))
        return nn.Sequential(nn.Flatten(), nn.Linear(16, width), nn.ReLU(), nn.Linear(width, 3))

    sampler = CmaEsSampler(seed=0, n_startup_trials=2, with_margin=True)
    study = run(guided(sampler, 4, make=make), 12, lambda trial: size(make(trial)))
    told = [t for t in study.trials if "x_for_tell" in t.system_attrs]
    assert len(told) >= 9
    for trial in told:
        noise, width = trial.system_attrs["x_for_tell"]  # in the order of the names, from 0 to 1
        assert trial.params["noise"] == pytest.approx(4 * noise - 2) and trial.params[
            "width"
        ] == pytest.approx(32 * width + 2)


def test_qmc_uses_up_a_point_for_each_proposal() -> None:
    study = run(guided(QMCSampler(seed=0), 4, make=build_few), 6, lambda trial: size(build_few(trial)))
    # All but the very first, which QMC draws at random to see the space; they are numbered from 0.
    (count,) = [
        v for k, v in study._storage.get_study_system_attrs(study._study_id).items() if k[:4] == "qmc:"
    ]
    assert count == 6 * 4 - 1 - 1


@pytest.mark.parametrize("ratio", [1, 3, 80])
def test_brute_force_visits_everything_once_and_stops(ratio: int) -> None:
    study = run(guided(BruteForceSampler(seed=0), ratio, make=build_few), 99, lambda t: size(build_few(t)))
    visited = [json.dumps(trial.params, sort_keys=True) for trial in study.trials]
    assert len(visited) == len(set(visited)) == 9
    sizes = [size_of(trial, build_few) for trial in study.trials]
    if ratio == 80:  # enough that all that are left are among the proposals
        assert sizes == sorted(sizes, reverse=True)


def test_brute_force_visits_what_is_not_of_the_module_too() -> None:
    def aim(trial: Any) -> float:
        return size(build_few(trial)) + trial.suggest_int("batch", 1, 2)

    study = run(guided(BruteForceSampler(seed=0), 20, make=build_few), 99, aim)
    assert len({json.dumps(t.params, sort_keys=True) for t in study.trials}) == len(study.trials) == 18


def test_brute_force_wants_the_module_first() -> None:
    def aim(trial: Any) -> float:
        return trial.suggest_int("batch", 1, 2) + size(build_few(trial))

    with pytest.raises(InvalidSetting, match="let the objective call build"):
        run(guided(BruteForceSampler(seed=0), 4, make=build_few), 9, aim)


def test_enqueued_values_are_kept_and_scored() -> None:
    study = optuna.create_study(sampler=guided(TPESampler(seed=0), 8))
    whole = {"layers": 1, "units0": 5, "dropout": 0.25}
    study.enqueue_trial(whole)
    study.enqueue_trial({"layers": 2, "rate": 0.01})
    study.optimize(objective, n_trials=3)
    first, second, third = study.trials
    assert first.params.items() >= whole.items()
    assert first.user_attrs["nassearch_score"] == 16 * 5 + 5 + 5 * 3 + 3
    assert first.user_attrs["nassearch_proposals"] == 1
    assert second.params["layers"] == 2 and second.params["rate"] == 0.01
    assert (
        second.user_attrs["nassearch_score"] == size_of(second)
        and second.user_attrs["nassearch_distinct"] == 8
    )
    assert third.user_attrs["nassearch_score"] == size_of(third)


@pytest.mark.parametrize("outside", [True, False])
def test_values_that_are_fixed_are_what_is_scored(outside: bool) -> None:
    fixed = {"layers": 1, "units0": 7}
    if outside:
        sampler: Any = PartialFixedSampler(fixed, guided(TPESampler(seed=0, n_startup_trials=4)))
    else:
        sampler = guided(PartialFixedSampler(fixed, TPESampler(seed=0, n_startup_trials=4)))
    for trial in run(sampler, 10).trials:
        assert trial.params.items() >= fixed.items()
        assert trial.user_attrs["nassearch_score"] == size_of(trial) == 16 * 7 + 7 + 7 * 3 + 3


def test_what_build_fails_for_is_not_chosen() -> None:
    def picky(trial: Any) -> nn.Module:
        module = build(trial)
        if size(module) > 400:
            raise RuntimeError("too large")
        return module

    study = run(guided(RandomSampler(seed=0), 10, make=picky), 10)
    assert all(size_of(trial) <= 400 for trial in study.trials)
    assert all(trial.user_attrs["nassearch_score"] == size_of(trial) for trial in study.trials)


def test_a_study_goes_on_where_nothing_can_be_scored() -> None:
    def wrong(trial: Any) -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(15, trial.suggest_int("units", 2, 9)))

    with pytest.warns(
        RuntimeWarning, match="scores none of the . proposals of a trial, .* shapes cannot be mult"
    ):
        study = run(
            guided(TPESampler(seed=0), 3, make=wrong), 4, lambda t: float(t.suggest_int("units", 2, 9))
        )
    assert [trial.state for trial in study.trials] == [TrialState.COMPLETE] * 4
    for trial in study.trials:
        assert trial.user_attrs["nassearch_score"] is None
        assert "fails on inputs of shape" in trial.user_attrs["nassearch_reason"]


def test_where_build_always_fails_the_objective_says_so_itself() -> None:
    def broken(trial: Any) -> nn.Module:
        trial.suggest_int("units", 2, 9)
        raise ZeroDivisionError("no such network")

    study = optuna.create_study(sampler=guided(TPESampler(seed=0), 3, make=broken))
    with pytest.warns(RuntimeWarning, match="no such network"):
        study.optimize(lambda trial: size(broken(trial)), n_trials=2, catch=ZeroDivisionError)
    assert [trial.state for trial in study.trials] == [TrialState.FAIL] * 2
    with pytest.raises(ZeroDivisionError), pytest.warns(RuntimeWarning):
        study.optimize(lambda trial: size(broken(trial)), n_trials=1)


OUTPUTS: list[tuple[Any, str]] = [
    (lambda trial: nn.Sequential(nn.Flatten(), nn.Linear(16, 4)), "4 logits, and the data have 3 classes"),
    (lambda trial: "a network", "let it return a torch.nn.Module"),
    (lambda trial: None, "let it return a torch.nn.Module"),
    (lambda trial: nn.Identity(), "no parameters"),
    (lambda trial: nn.Sequential(nn.Flatten(), nn.LSTM(16, 3)), "tensor"),
    (lambda trial: nn.Linear(16, 3, device="meta"), "on the device meta"),
    (lambda trial: exit(3), "fails: SystemExit"),
]


@pytest.mark.parametrize(("make", "message"), OUTPUTS, ids=range(len(OUTPUTS)))
def test_modules_that_are_none_are_told_of(make: Any, message: str) -> None:
    with pytest.warns(RuntimeWarning, match="scores none"):
        study = run(guided(RandomSampler(seed=0), 2, make=make), 1, lambda trial: 1.0)
    assert message in study.trials[0].user_attrs["nassearch_reason"]


def test_lazy_layers_get_their_shapes() -> None:
    def lazy(trial: Any) -> nn.Module:
        units = trial.suggest_int("units", 2, 9)
        return nn.Sequential(nn.Flatten(), nn.LazyLinear(units), nn.ReLU(), nn.LazyLinear(3))

    (trial,) = run(
        guided(RandomSampler(seed=0), 2, make=lazy), 1, lambda t: t.suggest_int("units", 2, 9)
    ).trials
    units = trial.params["units"]
    assert trial.user_attrs["nassearch_score"] == 17 * units + 3 * (units + 1)


def test_a_score_that_is_no_number_is_never_chosen_above_one() -> None:
    odd = lambda module: size(module) if size(module) % 2 else float("nan")  # noqa: E731
    study = run(guided(RandomSampler(seed=0), 12, odd), 8)
    assert all(size_of(trial) % 2 == 1 for trial in study.trials)


@pytest.mark.parametrize(
    "scorer", ["rank(params, synflow)", "fallback(params, rank(synflow, params))", "vote(params, synflow)"]
)
def test_combinations_compare_the_proposals(scorer: str) -> None:
    study = run(guided(TPESampler(seed=0, n_startup_trials=4), 6, scorer), 6)
    for trial in study.trials:
        told = trial.user_attrs
        assert told["nassearch_scorer"] == scorer and set(told["nassearch_scores"]) == {"params", "synflow"}
        assert told["nassearch_scores"]["params"] == size_of(trial)
        assert 0 < told["nassearch_score"] <= (1 if scorer.startswith("rank") else 6.5)
        assert json.loads(json.dumps(told, allow_nan=False)) == told
    alone = optuna.create_study(sampler=guided(TPESampler(seed=0), 6, scorer))
    alone.enqueue_trial({"layers": 1, "units0": 5, "dropout": 0.25})
    alone.optimize(objective, n_trials=1)
    told = alone.trials[0].user_attrs
    assert told["nassearch_score"] is None and "compares" in told["nassearch_reason"]
    assert told["nassearch_scores"]["params"] == 103


def test_a_combination_chooses_what_it_ranks_first() -> None:
    seen: list[nn.Module] = []

    def make(trial: Any) -> nn.Module:
        seen.append(build(trial))
        return seen[-1]

    study = optuna.create_study(sampler=guided(RandomSampler(seed=5), 5, "rank(params, synflow)", make))
    study.optimize(lambda trial: size(build(trial)), n_trials=1)
    inputs = torch.zeros(2, 1, 4, 4)
    each = [ns.score(module, inputs, ["params", "synflow"]) for module in seen]
    ranks = [
        sum(sum(other[name] <= one[name] for other in each) for name in ("params", "synflow")) for one in each
    ]
    assert study.trials[0].user_attrs["nassearch_scores"]["params"] == each[int(np.argmax(ranks))]["params"]


def test_weights_follow_the_seed_of_the_proxy() -> None:
    inputs, labels = torch.randn(8, 1, 4, 4, generator=torch.Generator().manual_seed(0)), torch.arange(8) % 3
    sampler = GuidedSampler(
        RandomSampler(seed=0), build, "rank(snip, snip(seed=1))", 3, batch=(inputs, labels)
    )
    (trial,) = run(sampler, 1).trials
    for seed, name in ((0, "snip"), (1, "snip(seed=1)")):
        torch.manual_seed(seed)
        module = build(FixedTrial(trial.params))
        assert trial.user_attrs["nassearch_scores"][name] == ns.score(module, (inputs, labels), [name])[name]
    assert (
        trial.user_attrs["nassearch_scores"]["snip"] != trial.user_attrs["nassearch_scores"]["snip(seed=1)"]
    )


def test_global_generators_stay_as_they_were() -> None:
    torch.manual_seed(7)
    np.random.seed(7)
    random.seed(7)
    before = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()
    threads = torch.get_num_threads()
    study = optuna.create_study(sampler=guided(TPESampler(seed=0), 4, "snip"))
    study.ask()
    assert torch.equal(before[0], torch.get_rng_state()) and before[2] == random.getstate()
    assert before[1] == np.random.get_state()[1].tolist() and torch.get_num_threads() == threads


class Careless(BaseSampler):
    """A sampler that draws from numpy's global generator, and notes which hooks were called."""

    def __init__(self) -> None:
        self.called: list[str] = []

    def infer_relative_search_space(self, study: Any, trial: Any) -> Any:
        return {}

    def sample_relative(self, study: Any, trial: Any, search_space: Any) -> Any:
        return {}

    def sample_independent(self, study: Any, trial: Any, param_name: str, param_distribution: Any) -> Any:
        if isinstance(param_distribution, optuna.distributions.IntDistribution):
            return int(np.random.randint(param_distribution.low, param_distribution.high + 1))
        return float(np.random.uniform(param_distribution.low, param_distribution.high))

    def before_trial(self, study: Any, trial: Any) -> None:
        self.called.append("before")

    def after_trial(self, study: Any, trial: Any, state: Any, values: Any) -> None:
        self.called.append("after")

    def reseed_rng(self) -> None:
        self.called.append("reseed")


def test_a_sampler_that_draws_from_global_generators_does_not_begin_anew() -> None:
    np.random.seed(0)
    alone = run(Careless(), 6)
    np.random.seed(0)
    through = run(guided(Careless(), 1), 6)
    assert [t.params for t in alone.trials] == [t.params for t in through.trials]
    study = run(guided(Careless(), 5), 6)
    assert all(trial.user_attrs["nassearch_distinct"] == 5 for trial in study.trials)


def test_hooks_and_reseeding_are_the_base_samplers() -> None:
    base = Careless()
    sampler = guided(base, 5)
    run(sampler, 3)
    assert base.called == ["before", "after"] * 3
    sampler.reseed_rng()
    assert base.called[-1] == "reseed"
    assert "ratio=5" in str(sampler) and "params" in str(sampler)


def test_what_the_base_sampler_raises_is_not_taken_for_a_fault_of_build() -> None:
    class Broken(Careless):
        def sample_independent(self, *arguments: Any, **named: Any) -> Any:
            raise ConnectionError("the cluster is away")

    study = optuna.create_study(sampler=guided(Broken()))
    with pytest.raises(ConnectionError, match="the cluster is away"):
        study.optimize(objective, n_trials=1)
    assert [trial.state for trial in study.trials] == [TrialState.FAIL]


def test_an_interruption_leaves_no_trial_that_runs_forever() -> None:
    def make(trial: Any) -> nn.Module:
        raise KeyboardInterrupt

    study = optuna.create_study(sampler=guided(RandomSampler(seed=0), make=make))
    with pytest.raises(KeyboardInterrupt):
        study.optimize(objective, n_trials=1)
    assert [trial.state for trial in study.trials] == [TrialState.FAIL]


def test_constraints_are_passed_on() -> None:
    asked: list[int] = []

    def constraint(trial: Any) -> tuple[float]:
        asked.append(trial.number)
        return (size_of(trial) - 500,)

    sampler = TPESampler(seed=0, n_startup_trials=4, constraints_func=constraint)
    study = run(guided(sampler, 3), 8)
    assert asked == list(range(8))
    assert [t.system_attrs["constraints"] == [size_of(t) - 500] for t in study.trials]


@pytest.mark.skipif(not hasattr(optuna.Trial, "set_constraint"), reason="Optuna 5 has it")
def test_constraints_of_trials_are_their_own() -> None:
    def make(trial: Any) -> nn.Module:
        module = build(trial)
        if hasattr(trial, "set_constraint"):
            trial.set_constraint("size", size(module) - 500)
        return module

    study = run(guided(TPESampler(seed=0, n_startup_trials=3), 4, make=make), 8, lambda t: size(make(t)))
    assert all(trial.constraints == {"size": size_of(trial) - 500} for trial in study.trials)


@pytest.mark.parametrize("name", ["tpe", "nsga2", "nsga3", "random", "qmc"])
def test_studies_of_several_objectives(name: str) -> None:
    def aims(trial: Any) -> tuple[float, float]:
        return objective(trial), size(build(trial))

    study = run(guided(SAMPLERS[name]()), 12, aims, directions=["minimize", "maximize"])
    assert all(trial.user_attrs["nassearch_score"] == size_of(trial) for trial in study.trials)
    assert study.best_trials


@pytest.mark.parametrize("pruner", ["hyperband", "halving", "median"])
def test_pruners_work_beside_it(pruner: str) -> None:
    pruners = {
        "hyperband": optuna.pruners.HyperbandPruner(1, 9, 3),
        "halving": optuna.pruners.SuccessiveHalvingPruner(),
        "median": optuna.pruners.MedianPruner(n_startup_trials=2),
    }

    def aim(trial: Any) -> float:
        value = objective(trial)
        for step in range(9):
            trial.report(value, step)
            if trial.should_prune():
                raise optuna.TrialPruned()
        return value

    study = run(guided(TPESampler(seed=0, n_startup_trials=4)), 20, aim, pruner=pruners[pruner])
    assert {TrialState.COMPLETE, TrialState.PRUNED} == {trial.state for trial in study.trials}
    assert all(trial.user_attrs["nassearch_score"] == size_of(trial) for trial in study.trials)


def test_threads_score_one_after_another() -> None:
    def undrawn(trial: Any) -> float:  # what it drew would come from the generator of the thread that scores
        with torch.device("meta"):
            return size(build(trial)) * trial.suggest_float("rate", 1e-4, 1e-1, log=True)

    threads, hooks = torch.get_num_threads(), []
    handle = nn.modules.module.register_module_forward_hook(lambda *given: hooks.append(1) or None)
    try:
        study = optuna.create_study(sampler=guided(TPESampler(seed=0, n_startup_trials=4), 4, "synflow"))
        study.optimize(undrawn, n_trials=24, n_jobs=4)
        assert handle.id in nn.modules.module._global_forward_hooks and not hooks
    finally:
        handle.remove()
    assert torch.get_num_threads() == threads
    assert {trial.state for trial in study.trials} == {TrialState.COMPLETE}
    for trial in study.trials:
        torch.manual_seed(0)
        module = build(FixedTrial(trial.params))
        told = trial.user_attrs["nassearch_score"]
        assert told == ns.score(module, torch.zeros(2, 1, 4, 4), ["synflow"])["synflow"]


def test_ask_and_tell() -> None:
    study = optuna.create_study(sampler=guided(TPESampler(seed=0, n_startup_trials=2)))
    for _ in range(4):
        trials = [study.ask() for _ in range(3)]
        for trial in trials:
            assert trial.user_attrs["nassearch_score"] == size(build(trial))
            study.tell(trial, objective(trial))
    fixed = {"rate": optuna.distributions.FloatDistribution(1e-4, 1e-1, log=True)}
    trial = study.ask(fixed_distributions=fixed)
    assert "rate" in trial.params and size(build(trial)) == trial.user_attrs["nassearch_score"]


def test_a_trial_that_began_under_another_sampler_ends_under_that() -> None:
    study = optuna.create_study(sampler=RandomSampler(seed=0))
    trial = study.ask()
    study.sampler = guided(TPESampler(seed=0))
    study.tell(trial, objective(trial))
    study.optimize(objective, n_trials=2)
    assert ["nassearch_score" in each.user_attrs for each in study.trials] == [False, True, True]


def test_a_sampler_goes_to_other_processes() -> None:
    sampler = guided(TPESampler(seed=0, n_startup_trials=2), 3, "rank(synflow, params)")
    one = run(pickle.loads(pickle.dumps(sampler)), 4)
    assert [t.params for t in one.trials] == [t.params for t in run(sampler, 4).trials]


WRONG: list[tuple[Any, type[Exception], str]] = [
    (lambda: GuidedSampler(None, build, "params", **LOOKS), InvalidSetting, "a sampler of Optuna"),  # type: ignore[arg-type]
    (lambda: GuidedSampler(TPESampler, build, "params", **LOOKS), InvalidSetting, "a sampler of Optuna"),  # type: ignore[arg-type]
    (lambda: guided(GridSampler({"layers": [1, 2]})), InvalidSetting, "take BruteForceSampler"),
    (lambda: guided(PartialFixedSampler({}, GridSampler({"layers": [1]}))), InvalidSetting, "take BruteForceSampler"),
    (lambda: guided(guided(RandomSampler())), InvalidSetting, "within another would choose nothing"),
    (lambda: guided(RandomSampler(), make=nn.Linear), InvalidSetting, "build is a function build"),
    (lambda: guided(RandomSampler(), make="build"), InvalidSetting, "is a function"),
    (lambda: guided(RandomSampler(), 0), InvalidSetting, "ratio is a whole number of at least 1, not 0"),
    (lambda: guided(RandomSampler(), 2.5), InvalidSetting, "ratio is a whole number"),  # type: ignore[arg-type]
    (lambda: guided(RandomSampler(), 4, "synflo"), UnknownName, "did you mean synflow"),
    (lambda: guided(RandomSampler(), 4, "synflow(speed=3)"), UnknownName, "speed"),
    (lambda: guided(RandomSampler(), 4, "synflow +"), InvalidSetting, "is not a scorer"),
    (lambda: guided(RandomSampler(), 4, None), InvalidSetting, "a scorer is a text"),
    (lambda: guided(RandomSampler(), 4, ns.make_scorer("params")), InvalidSetting, "give its text"),
    (lambda: guided(RandomSampler(), 4, "expressivity"), InvalidSetting, "expressivity"),
    (lambda: guided(RandomSampler(), 4, "oracle"), InvalidSetting, "looks up architectures"),
    (lambda: guided(RandomSampler(), 4, "random"), InvalidSetting, "looks up architectures"),
    (lambda: guided(RandomSampler(), 4, "rank(params, synflow, among=100)"), InvalidSetting, "leave out among"),
    (lambda: guided(RandomSampler(), 4, "fallback(params)"), InvalidSetting, "at least 2 scorers"),
    (lambda: GuidedSampler(RandomSampler(), build, "params"), InvalidSetting, "give batch="),
    (lambda: GuidedSampler(RandomSampler(), build, "params", input_shape=(1, 4, 4)), InvalidSetting, "classes=10"),
    (lambda: GuidedSampler(RandomSampler(), build, "params", input_shape="1,4", classes=3), InvalidSetting, "a tuple"),
    (lambda: GuidedSampler(RandomSampler(), build, "params", input_shape=(0,), classes=3), InvalidSetting, "least 1"),
    (lambda: GuidedSampler(RandomSampler(), build, "params", input_shape=(1, 4), classes=1), InvalidSetting, "classes"),
    (lambda: GuidedSampler(RandomSampler(), build, "snip", batch=torch.zeros(4, 1, 4, 4)), InvalidSetting, "labels"),
    (lambda: GuidedSampler(RandomSampler(), build, "snip", batch="nothing.npz"), ns.NassearchError, "nothing.npz"),
    (
        lambda: GuidedSampler(RandomSampler(), build, "params", batch=torch.zeros(4, 3), input_shape=(1, 4, 4)),
        InvalidSetting,
        "leave it out",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("make", "error", "message"), WRONG, ids=range(len(WRONG)))
def test_what_has_no_meaning_is_refused_before_the_study(
    make: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        make()


def test_studies_in_memory_share_a_sampler() -> None:
    sampler = guided(RandomSampler(seed=0), scorer="params", ratio=3)
    trials = [optuna.create_study(sampler=sampler).ask() for _ in range(3)]
    assert len({trial._trial_id for trial in trials}) == 1
    for trial in trials:
        assert size(build(trial)) == trial.user_attrs["nassearch_score"]
