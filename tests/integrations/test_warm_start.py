"""A study begins with the best of many, in any storage, with any number of processes, and without optuna not at all."""

from __future__ import annotations

import json
import multiprocessing
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from torch import nn

optuna = pytest.importorskip("optuna", reason="pip install optuna")

from optuna.samplers import RandomSampler, TPESampler  # noqa: E402
from optuna.trial import FixedTrial, TrialState  # noqa: E402
from optuna_studies import LOOKS, build, build_few, guided, objective, size, size_of, work  # noqa: E402

from nassearch.errors import InvalidSetting  # noqa: E402
from nassearch.integrations.optuna import warm_start  # noqa: E402

optuna.logging.set_verbosity(optuna.logging.ERROR)


def queue(study: Any) -> list[dict[str, Any]]:
    """Return what trials wait for."""
    waiting = study.get_trials(states=[TrialState.WAITING])
    return [trial.system_attrs["fixed_params"] for trial in waiting]


def test_the_best_of_a_random_sample_wait_best_first() -> None:
    study = optuna.create_study(sampler=TPESampler(seed=0))
    given = warm_start(study, build, "params", n=60, top=7, **LOOKS)
    assert queue(study) == given and len(given) == 7
    sizes = [size(build(FixedTrial(params))) for params in given]
    assert sizes == sorted(sizes, reverse=True)
    draws = optuna.create_study(sampler=RandomSampler(seed=0))
    draws.optimize(lambda trial: size(build(trial)), n_trials=60)
    assert sizes == sorted((trial.value for trial in draws.trials), reverse=True)[:7]
    told = study.trials[0].user_attrs
    assert told["nassearch_score"] == sizes[0] and told["nassearch_proposals"] == 60
    study.optimize(objective, n_trials=8)
    assert [size_of(trial) for trial in study.trials][:7] == sizes
    assert len({trial.params["rate"] for trial in study.trials}) == 8


def test_a_study_that_was_begun_gets_what_it_lacks() -> None:
    study = optuna.create_study(sampler=TPESampler(seed=0))
    first = warm_start(study, build, "params", n=60, top=3, **LOOKS)
    assert warm_start(study, build, "params", n=60, top=3, **LOOKS) == []
    study.optimize(objective, n_trials=2)
    assert warm_start(study, build, "params", n=60, top=3, **LOOKS) == []
    more = warm_start(study, build, "params", n=60, top=5, **LOOKS)
    study.optimize(objective, n_trials=5)
    assert [t.params for t in study.trials if "nassearch_score" in t.user_attrs] and len(more) == 2
    assert len({json.dumps(params) for params in first + more}) == 5
    other = warm_start(study, build, "params", n=60, top=5, seed=1, **LOOKS)
    assert len(other) == 5 and queue(study) == other


def test_equal_architectures_count_once() -> None:
    study = optuna.create_study()
    given = warm_start(study, build_few, "params", n=200, top=20, **LOOKS)
    assert len(given) == len({json.dumps(params) for params in given}) == 9
    assert study.trials[0].user_attrs["nassearch_distinct"] == 9


def test_nothing_else_of_the_study_is_touched() -> None:
    study = optuna.create_study(sampler=TPESampler(seed=0))
    study.optimize(objective, n_trials=3)
    before = [(t.params, t.values, t.user_attrs, t.system_attrs) for t in study.trials]
    warm_start(study, build, "params", n=10, top=2, **LOOKS)
    assert [(t.params, t.values, t.user_attrs, t.system_attrs) for t in study.trials[:3]] == before
    assert len(study.trials) == 5 and not study.user_attrs
    assert not study._storage.get_study_system_attrs(study._study_id)


def test_a_guided_sampler_keeps_the_rank_among_all_that_were_drawn() -> None:
    both = "rank(params, synflow)"
    study = optuna.create_study(sampler=guided(TPESampler(seed=0), 3, both))
    warm_start(study, build, both, n=40, top=4, **LOOKS)
    study.optimize(objective, n_trials=6)
    scores = [trial.user_attrs["nassearch_score"] for trial in study.trials]
    assert scores[:4] == sorted(scores[:4], reverse=True) and scores[0] > 0.9
    assert [trial.user_attrs["nassearch_proposals"] for trial in study.trials] == [40] * 4 + [3] * 2


def test_where_nothing_can_be_scored_nothing_is_enqueued() -> None:
    study = optuna.create_study()
    wrong = lambda trial: nn.Linear(trial.suggest_int("units", 1, 9), 3)  # noqa: E731
    with pytest.raises(InvalidSetting, match=r"scores none of 10 random modules.*the model fails on inputs"):
        warm_start(study, wrong, "params", n=10, top=2, **LOOKS)
    assert not study.trials


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"study": None}, "study is what optuna.create_study returns"),
    ({"build": "build"}, "build is a function"),
    ({"n": 0}, "n is a whole number of at least 1"),
    ({"top": -1}, "top is a whole number"),
    ({"seed": -1}, "seed is a whole number"),
    ({"scorer": "table(a.csv, b)"}, "looks up architectures"),
]


@pytest.mark.parametrize(("given", "message"), WRONG, ids=range(len(WRONG)))
def test_what_has_no_meaning_is_refused(given: dict[str, Any], message: str) -> None:
    values = {"study": optuna.create_study(), "build": build, "scorer": "params", **LOOKS, **given}
    with pytest.raises(InvalidSetting, match=message):
        warm_start(**values)


def test_two_processes_share_a_study_in_a_database(tmp_path: Path) -> None:
    storage = f"sqlite:///{tmp_path}/study.db"
    study = optuna.create_study(storage=storage, study_name="shared", sampler=guided(TPESampler(seed=0)))
    warm_start(study, build, "params", n=20, top=4, **LOOKS)
    study.optimize(objective, n_trials=4)  # on SQLite two processes of Optuna may take the same waiting trial
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=work, args=(storage, "shared", seed, 3)) for seed in (1, 2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert [worker.exitcode for worker in workers] == [0, 0]
    again = optuna.load_study(study_name="shared", storage=storage)  # by a new process: all from the database
    assert [trial.state for trial in again.trials] == [TrialState.COMPLETE] * 10
    for trial in again.trials:
        assert trial.user_attrs["nassearch_score"] == size_of(trial)
        assert json.loads(json.dumps(trial.user_attrs, allow_nan=False)) == trial.user_attrs
    assert len({json.dumps(trial.params) for trial in again.trials}) == 10
    assert warm_start(again, build, "params", n=20, top=4, **LOOKS) == []
    again.sampler = guided(TPESampler(seed=5, n_startup_trials=3))
    again.optimize(objective, n_trials=2)
    assert [trial.user_attrs["nassearch_proposals"] for trial in again.trials[10:]] == [4, 4]


def test_without_optuna_the_remedy_is_told() -> None:
    code = (
        "import sys; sys.modules['optuna'] = None\n"
        "import importlib.util as u; found = u.find_spec\n"
        "u.find_spec = lambda name, *a: None if name == 'optuna' else found(name, *a)\n"
        "from nassearch.integrations.optuna import GuidedSampler"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=100)
    assert (
        "InvalidSetting: GuidedSampler works inside Optuna, which is not installed: pip install optuna"
        in done.stderr
    )
