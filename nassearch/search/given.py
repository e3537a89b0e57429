"""Objects where names go: what an experiment was given, as what it means and as the text that results hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nassearch import registry
from nassearch.errors import InvalidSetting, quoted
from nassearch.files.data_folder import file_stem
from nassearch.provenance import faults
from nassearch.scorers.spec import GivenScorer, name_of, specified, split_specs
from nassearch.search.fields import GUIDE, is_scorer
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
    return given if isinstance(given, str) else faults.name_of("strategies", given)


def with_scorer(
    settings: Mapping[str, Any], strategy: type[Strategy], scorer: GivenScorer | None
) -> dict[str, Any]:
    """Return settings with the search's scorer where one that takes a scorer is True, and lists of scorers written out.

    A list that is not given, or True, is the search's scorer, else the strategy's `guides`, else `GUIDE`.

    Raises:
        InvalidSetting: a list is none, or names a scorer twice.
    """
    own = GUIDE if scorer is None else scorer
    found = {
        name: own if value is True and name in strategy.guidance.settings else value
        for name, value in settings.items()
    }
    guides = strategy.guidance.guides if scorer is None else None
    usual = [own] if guides is None else [*guides]
    for name in strategy.guidance.lists:
        value = settings.get(name, True)
        found[name] = usual if value is True else _scorers(name, value, own)
    return found


def _scorers(setting: str, value: Any, own: GivenScorer) -> list[GivenScorer]:
    """Return the scorers of a list as people give it."""
    if value is None or value == "":
        return []
    if isinstance(value, str):
        value = split_specs(value)
    elif is_scorer(value):
        value = [value]
    if not isinstance(value, list | tuple):
        raise InvalidSetting(
            f"{setting} is a list of scorers, such as synflow,epsilon, or none, not {quoted(value)}"
        )
    scorers = [own if each is True else each for each in value]
    names = []
    for each in scorers:
        if not isinstance(each, str) and not is_scorer(each):
            raise InvalidSetting(f"{setting} holds scorers, such as 'synflow', not {quoted(each)}")
        names.append(as_text(each))
        if names.count(names[-1]) > 1:
            raise InvalidSetting(f"{setting} names {names[-1]} twice: name each scorer once")
    return scorers


def as_text(value: Any) -> Any:
    """Return a scorer by its name and a batch by its digest; what is plain already as it is.

    >>> as_text("synflow"), as_text(sum), as_text(3), as_text(None)
    ('synflow', 'sum', 3, None)
    """
    if isinstance(value, Batch):
        return value.digest()
    return name_of(specified(value)) if is_scorer(value) else value


def texts(settings: Mapping[str, Any], strategy: type[Strategy]) -> dict[str, Any]:
    """Return settings as results hold them: scorers by name, lists of them with commas, None for an empty one."""
    lists = strategy.guidance.lists
    return {
        name: (",".join(map(as_text, value)) or None) if name in lists else as_text(value)
        for name, value in settings.items()
    }


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


def result_name(told: Mapping[str, Any], words: list[str], label: str, guided: bool) -> str:
    """Return the usual name of the result of an experiment, told as plain values."""
    batch = f"batch {told['batch']}" if told["batch"] and guided else ""
    tail = f"seed {told['seed']} budget {told['budget']}"
    return file_stem([*words, label, batch, tail]) + ".jsonl"
