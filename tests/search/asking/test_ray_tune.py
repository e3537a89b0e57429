"""The page of code for Ray Tune in the guide: with Tune's interface alone, and with Tune where it is installed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pages import blocks

from nassearch import AskTell


class Searcher:
    """What Tune's class of this name has that the page uses."""

    FINISHED = "FINISHED"

    def __init__(self, metric: str, mode: str) -> None:
        self.metric, self.mode = metric, mode


def page() -> dict[str, Any]:
    (block,) = (each for each in blocks("docs/guides/ask_tell.md") if each.file == "asktune.py")
    names: dict[str, Any] = {"__name__": "asktune"}
    exec(compile(block.text, "asktune.py", "exec"), names)
    return names


@pytest.fixture
def search(tmp_path: Path) -> AskTell:
    return AskTell.begin(tmp_path / "asked", space="nasbench201", strategy="rand", budget=3)


@pytest.fixture
def interface(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("ray", "ray.tune", "ray.tune.search"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    sys.modules["ray.tune.search"].Searcher = Searcher  # type: ignore[attr-defined]
    yield


def test_trials_are_asked_for_and_told(search: AskTell, interface: None) -> None:
    tune = page()["AskTellSearch"](str(search.path), "accuracy")
    configs = [tune.suggest(f"trial-{number}") for number in range(3)]
    assert [each["id"] for each in configs] == [1, 2, 3]
    assert tune.suggest("trial-1") == configs[1]  # asked again, as after a restart
    assert tune.suggest("trial-3") == Searcher.FINISHED
    tune.on_trial_complete("trial-0", {"accuracy": 91.5, "time_total_s": 3.0})
    tune.on_trial_complete("trial-1", error=True)
    tune.on_trial_complete("trial-2", {"loss": 1.0})
    course = search.course()
    assert [model.values for model in course.models] == [(91.5,), (None,), (None,)]
    assert search.space.format(course.models[0].key[0]) == configs[0]["architecture"]
    assert course.models[0].seconds == 3.0


def trial(config: dict[str, Any]) -> None:
    from ray import tune

    tune.report({"accuracy": 40.0 + len(config["architecture"]) % 50})


@pytest.mark.slow
def test_tune_trains_what_is_asked_for(
    search: AskTell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tune = pytest.importorskip("ray.tune", reason="needs ray[tune]", exc_type=ImportError)
    import ray

    monkeypatch.setenv("RAY_worker_niceness", "0")  # else a busy machine never comes to the trials
    ray.init(num_cpus=1, include_dashboard=False)
    try:
        asked = page()["AskTellSearch"](str(search.path), "accuracy")
        how = tune.TuneConfig(search_alg=asked, num_samples=-1, max_concurrent_trials=1)
        found = tune.Tuner(
            trial, tune_config=how, run_config=tune.RunConfig(storage_path=str(tmp_path / "tuned"))
        ).fit()
    finally:
        ray.shutdown()
    assert len(found) == 3
    models = search.course().models
    assert [each.values for each in models] == [
        (40.0 + len(search.space.format(each.key[0])) % 50,) for each in models
    ]
