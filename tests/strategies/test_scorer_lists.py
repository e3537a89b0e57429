"""A setting of a strategy takes any number of scorers: texts with commas, or a list."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import nassearch as ns
from nassearch import Experiment, registry
from nassearch.cli.main import cli
from nassearch.errors import BrokenPart, InvalidSetting, UnknownName
from nassearch.proxies.counts import params
from nassearch.strategies.base import Guidance, Strategy
from nassearch.types import Arch, Floats, Scorer


class Panel(Strategy):
    """Ask for draws, and keep what a panel of scorers says of each (a baseline)."""

    guidance = Guidance(lists=("panel",), alone=())

    def __init__(
        self, space: Any, rng: Any, *, panel: Mapping[str, Scorer] | None = None, **guidance: Any
    ) -> None:
        super().__init__(space, rng, **guidance)
        self.panel = {} if panel is None else dict(panel)

    def ask(self) -> Arch:
        return self.space.sample(self.rng)

    def tell(self, arch: Arch, valid: float) -> None:
        self.last = arch

    def report(self) -> dict[str, Any]:
        return {name: float(scorer([self.last])[0]) for name, scorer in self.panel.items()}


class Guided(Panel):
    """A panel of its own."""

    guidance = Guidance(guides=("params", "flops"))


class Alone(Panel):
    """Has no panel unless one is given."""

    guidance = Guidance(guides=())


class Strict(Panel):
    """Asks about one at a time."""

    guidance = Guidance(alone=("panel",))


class All(Panel):
    """Scores the whole space."""

    scores_all = True

    def start_from(self, ranking: Any) -> None: ...


def length(archs: Any) -> Floats:
    """Score by the sum of the options."""
    return np.array([sum(arch) for arch in archs], np.float64)


def names(strategy: type[Strategy], **fields: Any) -> Any:
    return Experiment(strategy, budget=2, rounds=1, **fields).as_dict()["settings"]["panel"]


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (
            "params, synflow(estimator=sampled, seed=3),flops",
            "params,synflow(estimator=sampled, seed=3),flops",
        ),
        (["params", "rank(epsilon, synflow)"], "params,rank(epsilon, synflow)"),
        (("params", length), "params,length"),
        (params, "params"),
        (["flops", True], "flops,epsilon"),
        ([], None),
        ("", None),
        (None, None),
        (True, "epsilon"),
    ],
)
def test_a_list_is_a_text_or_a_list(given: Any, named: str | None) -> None:
    assert names(Panel, settings={"panel": given}) == named


def test_what_is_not_given_is_the_searchs_scorer_else_the_strategys_else_the_usual() -> None:
    assert names(Panel) == "epsilon"
    assert names(Panel, scorer="synflow") == "synflow"
    assert names(Guided) == names(Guided, settings={"panel": True}) == "params,flops"
    assert names(Guided, scorer="epsilon") == "epsilon"
    assert names(Alone) is None and names(Alone, scorer="synflow") == "synflow"
    assert names(Guided, settings={"panel": ["flops", True]}) == "flops,epsilon"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("params,", "not a list of proxies"),
        ("params,params", "names params twice"),
        (3, "a list of scorers, such as synflow,epsilon"),
        (["params", 3], "holds scorers, such as 'synflow', not 3"),
        ("params,synflow(", "panel: 'synflow\\(' is not a scorer"),
    ],
)
def test_what_is_no_list_is_refused_when_the_experiment_is_made(given: Any, said: str) -> None:
    with pytest.raises(InvalidSetting, match=said):
        Experiment(Panel, settings={"panel": given})


def test_a_wrong_name_and_one_at_a_time_are_refused_when_the_experiment_is_made() -> None:
    with pytest.raises(UnknownName, match="did you mean params"):
        Experiment(Panel, settings={"panel": "flops,parms"})
    with pytest.raises(UnknownName, match="option of synflow"):
        Experiment(Panel, settings={"panel": "synflow(sed=3)"})
    with pytest.raises(InvalidSetting, match="panel of panel scores one at a time"):
        Experiment(Strict, settings={"panel": "flops,rank(params, flops)"})
    with pytest.raises(InvalidSetting, match="pool of ae takes no scorer"):
        Experiment("ae", settings={"pool": [length]})
    with pytest.raises(BrokenPart, match="lists of a Guidance is a tuple"):
        Guidance(lists="panel")  # type: ignore[arg-type]


def test_the_strategy_gets_the_scorers_by_name_and_their_order_counts() -> None:
    settings = {"panel": ["params", length]}
    search = Experiment(Panel, budget=3, rounds=1, settings=settings)
    (found,) = search.run(cache=False).rounds
    arch = found.archs[-1]
    assert list(found.report) == ["params", "length"]
    assert found.report["length"] == sum(arch)
    assert found.report["params"] == ns.make_scorer("params", cache=False)([arch])[0]
    assert search.label == "panel, panel=params,length"
    assert "panel length scorer" in search.header().code
    turned = Experiment(Panel, budget=3, rounds=1, settings={"panel": [length, "params"]})
    assert turned.header() != search.header()
    assert hash(turned) != hash(search)


def test_a_strategy_that_scores_the_whole_space_has_it_scored_ahead() -> None:
    def computed(strategy: type[Strategy], warmup: int = 0) -> int:
        search = Experiment(strategy, budget=2, rounds=1, settings={"panel": "params"}, warmup=warmup)
        return search.run(cache=False).scores.computed

    assert computed(Panel) < 20
    assert computed(All) > 4000  # the keys of the space
    assert computed(All, warmup=50) < 200


def test_the_command_takes_lists_and_tells_of_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    load = registry.load
    monkeypatch.setattr(registry, "load", lambda kind, name: Panel if name == "ae" else load(kind, name))
    words = ["run", "ae", "--set", "panel=params,synflow(estimator=sampled, seed=3)", "--budget", "2"]
    run = CliRunner().invoke(cli, [*words, "--rounds", "1", "--out", str(tmp_path), "--json"])
    assert run.exit_code == 0, run.output
    settings = json.loads(run.stdout)["experiment"]["settings"]
    assert settings == {"panel": "params,synflow(estimator=sampled, seed=3)"}
    told = CliRunner().invoke(cli, ["list", "strategies"])
    assert "settings (--set): panel=none (panel: proxies, with commas)" in told.output
