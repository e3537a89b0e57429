"""A strategy that builds on another keeps what that declares."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from nassearch import Experiment, registry
from nassearch.errors import BrokenPart, InvalidSetting, UnknownName
from nassearch.spaces.nasbench201 import NASBench201
from nassearch.strategies.ae import AgingEvolution
from nassearch.strategies.base import Guidance, Strategy
from nassearch.types import Scorer


class Patient(AgingEvolution):
    """Aging evolution with a setting of its own."""

    name = "patient"
    guidance = replace(
        AgingEvolution.guidance,
        moves=(*AgingEvolution.guidance.moves, "grandchild"),
        settings=("judge",),
        alone=(*AgingEvolution.guidance.alone, "judge"),
    )

    def __init__(
        self, space: Any, rng: Any, *, patience: int = 3, judge: Scorer | None = None, **guidance: Any
    ) -> None:
        super().__init__(space, rng, **guidance)
        self.patience, self.judge = patience, judge


class Small(Patient):
    """Takes a smaller pool unless one says otherwise."""

    def __init__(self, space: Any, rng: Any, pool: int = 16, *args: Any, **guidance: Any) -> None:
        super().__init__(space, rng, *args, pool=pool, **guidance)


class Silent(Small):
    """Changes no constructor."""


class Fixed(AgingEvolution):
    """Hands nothing on."""

    def __init__(self, space: Any, rng: Any, *, width: int = 1, move: Any = None, move_at: Any = None,
                 explore: float = 0.25, move_ratio: Any = None) -> None:  # fmt: skip
        super().__init__(space, rng, pool=8, tournament=4, move=move, move_at=move_at)


class Halving:
    """A mix-in."""

    def __init__(self, *args: Any, decay: float = 0.5, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.decay = decay


class Mixed(Halving, AgingEvolution):
    """A mix-in before a strategy."""

    name = "mixed"


class Strict(AgingEvolution):
    """Needs a number and refuses others by whatever error comes first."""

    def __init__(self, space: Any, rng: Any, *, share: float, **guidance: Any) -> None:
        super().__init__(space, rng, **guidance)
        self.share = share / 2


PARENTS = {"pool": 64, "tournament": 10, "population": None, "fitness": None}


@pytest.mark.parametrize(
    ("strategy", "settings", "scorers"),
    [
        (Patient, {"patience": 3, "judge": None, **PARENTS}, ("judge", "fitness")),
        (Small, {"patience": 3, "judge": None, **PARENTS, "pool": 16}, ("judge", "fitness")),
        (Silent, {"patience": 3, "judge": None, **PARENTS, "pool": 16}, ("judge", "fitness")),
        (Fixed, {"width": 1}, ()),
        (Mixed, {"decay": 0.5, **PARENTS}, ("fitness",)),
    ],
)
def test_settings_are_those_of_all_constructors_that_hand_on(
    strategy: type[Strategy], settings: dict[str, Any], scorers: tuple[str, ...]
) -> None:
    assert strategy.settings() == settings
    assert strategy.guidance.settings == scorers
    assert strategy(NASBench201(), np.random.default_rng(0), **strategy.settings())


def test_what_one_declares_changes_nothing_for_the_one_it_builds_on() -> None:
    assert AgingEvolution.settings() == PARENTS
    assert AgingEvolution.guidance.settings == ("fitness",)
    assert Strategy.guidance.settings == ()


def test_a_strategy_without_a_name_is_called_as_its_class() -> None:
    class Nameless(Strategy):
        def ask(self) -> Any: ...
        def tell(self, arch: Any, valid: float) -> None: ...

    assert Nameless.name == "nameless"
    assert Small.name == "patient"


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    load = registry.load
    own: dict[str, Any] = {"patient": Patient, "small": Small, "mixed": Mixed, "strict": Strict}
    monkeypatch.setattr(registry, "load", lambda kind, name: own.get(name) or load(kind, name))


def test_experiments_take_the_settings_of_parents(registered: None) -> None:
    small = Experiment("small", settings={"patience": 1, "tournament": 5, "fitness": "params"}, budget=20)
    assert small.label == "small, patience=1, tournament=5, fitness=params"
    rounds = Experiment("mixed", settings={"pool": 8, "tournament": 4}, budget=10, rounds=1).run(cache=False)
    plain = Experiment("ae", settings={"pool": 8, "tournament": 4}, budget=10, rounds=1).run(cache=False)
    assert rounds.rounds[0].archs == plain.rounds[0].archs
    with pytest.raises(UnknownName, match="did you mean patience"):
        Experiment("small", settings={"patienc": 1})
    with pytest.raises(InvalidSetting, match="judge of patient scores one at a time"):
        Experiment("patient", settings={"judge": "vote"})
    with pytest.raises(InvalidSetting, match=r"a move at 'draw' .* it takes child or parent or grandchild"):
        Experiment("patient", move="params", move_at="draw")
    assert Experiment("patient", move="params", move_at="grandchild")


@pytest.mark.parametrize("settings", [{"share": "x"}, {"share": [1]}, {}])
def test_whatever_a_constructor_raises_is_told_as_a_setting(
    registered: None, settings: dict[str, Any]
) -> None:
    with pytest.raises(InvalidSetting, match="cannot be made with these settings: TypeError"):
        Experiment("strict", settings=settings)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"moves": "child"}, "moves of a Guidance is a tuple of texts"),
        ({"settings": ("fitness", 3)}, "settings of a Guidance is a tuple of texts"),
        ({"alone": ["warmup"]}, "alone of a Guidance is a tuple of texts"),
        ({"ratio": 0}, "ratio of a Guidance is a whole number of at least 1 or None, not 0"),
        ({"ratio": True}, "ratio of a Guidance is a whole number of at least 1 or None, not True"),
    ],
)
def test_guidance_of_a_wrong_kind_is_refused_where_it_is_declared(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(BrokenPart, match=told):
        Guidance(**wrong)


def test_guidance_that_is_none_is_refused_with_the_class() -> None:
    with pytest.raises(BrokenPart, match="guidance of Lost is 'child': give a Guidance"):
        type("Lost", (AgingEvolution,), {"guidance": "child"})
