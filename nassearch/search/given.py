"""Objects where names go: what an experiment was given, as what it means and as the text that results hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nassearch import registry
from nassearch.errors import InvalidSetting
from nassearch.scorers.spec import name_of, specified
from nassearch.search.fields import is_scorer
from nassearch.strategies.base import EXPLORE, Strategy
from nassearch.types import Batch


def strategy_of(given: str | type[Strategy]) -> type[Strategy]:
    """Return the class that a name or a class means.

    Raises:
        UnknownName, BrokenPart: see `nassearch.registry.load`.
    """
    return registry.load("strategies", given) if isinstance(given, str) else given


def name_of_strategy(given: str | type[Strategy]) -> str:
    """Return the name by which results know a strategy."""
    return given if isinstance(given, str) else registry.name_of("strategies", given)


def with_scorer(settings: Mapping[str, Any], strategy: type[Strategy], scorer: Any) -> dict[str, Any]:
    """Return settings with `scorer` where one that takes a scorer is True."""
    named = strategy.guidance.settings
    return {name: scorer if value is True and name in named else value for name, value in settings.items()}


def as_text(value: Any) -> Any:
    """Return a scorer by its name and a batch by its digest; what is plain already as it is.

    >>> as_text("synflow"), as_text(sum), as_text(3), as_text(None)
    ('synflow', 'sum', 3, None)
    """
    if isinstance(value, Batch):
        return value.digest()
    return name_of(specified(value)) if is_scorer(value) else value


def refuse_guidance(move_at: str | None, explore: float, move_ratio: int | None) -> None:
    """Raise `InvalidSetting` where something is said of a move; for experiments without one."""
    said = {
        f"move at {move_at} says where a move acts": move_at is not None,
        f"explore {explore} is a share of the moves": explore != EXPLORE,
        f"move ratio {move_ratio} says how many a move scores": move_ratio is not None,
    }
    for words, given in said.items():
        if given:
            raise InvalidSetting(
                f"{words}, and there is no move: add --move SCORER (from Python: move=SCORER)"
            )
