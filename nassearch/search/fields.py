"""The fields of an experiment are checked for their types, and nobody changes the settings afterwards."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields as dataclass_fields
from functools import partial
from typing import Any

import numpy as np

from nassearch.benchmarks.given import check_benchmark
from nassearch.checks import SEEDS, check_names, share, whole
from nassearch.constraints.limits import MEASURED, Constraints
from nassearch.errors import InvalidSetting, quoted
from nassearch.provenance import faults
from nassearch.scorers.combined import Combination
from nassearch.scorers.spec import check_scorer
from nassearch.search.curves import check_choose
from nassearch.strategies.base import Strategy
from nassearch.types import Batch, is_number, plain

GUIDE = "epsilon"
"""The scorer of a search that names none."""


class Settings(Mapping[str, Any]):
    """Settings of a strategy: equal to a dict of the same values, hashable, and changed by nobody.

    Lists are copied when they come in and when they go out. A setting that takes scorers may hold them themselves.

    >>> Settings({"pool": 32, "widths": [1, 2]}) == {"pool": 32, "widths": [1, 2]}
    True

    Raises:
        InvalidSetting: no mapping, a name that is no text, or a value that JSON has no place for.
    """

    def __init__(self, given: Mapping[str, Any]) -> None:
        if not isinstance(given, Mapping):
            raise InvalidSetting(
                f"settings are names with values, such as {{'pool': 32}}, not {quoted(given)}: give a dict"
            )
        for name in given:
            if not isinstance(name, str):
                raise InvalidSetting(f"a setting has a text for a name, such as 'pool', not {quoted(name)}")
        try:
            values = {name: _without_scorers(value) for name, value in given.items()}
            json.dumps(values, allow_nan=False, default=_scalar)
        except (TypeError, ValueError, RecursionError):
            raise InvalidSetting(
                f"settings are numbers, texts or lists of them, not {quoted(dict(given))}"
            ) from None
        self._values = plain(given)

    def __getitem__(self, name: str) -> Any:
        return plain(self._values[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __hash__(self) -> int:
        return hash(_hashable(self._values))

    def __repr__(self) -> str:
        return repr(self._values)


def _scalar(value: Any) -> Any:
    if not isinstance(value, np.generic):
        raise TypeError
    return plain(value)


def _hashable(value: Any) -> Any:
    if isinstance(value, dict):
        return frozenset((name, _hashable(item)) for name, item in value.items())
    return tuple(map(_hashable, value)) if isinstance(value, list | tuple) else value


def _name(field: str, value: Any, example: str) -> str:
    value = plain(value)
    if not isinstance(value, str) or not value:
        raise InvalidSetting(f"{field} is a name, such as {example!r}, not {quoted(value)}")
    return value


def is_scorer(value: Any) -> bool:
    """Say whether this is an object that scores: a proxy, a combination, or what is called with architectures."""
    return not isinstance(value, type) and (isinstance(value, Combination) or callable(value))


def holds_scorer(value: Any) -> bool:
    """Say whether this is an object that scores, or a list with one."""
    return is_scorer(value) or (isinstance(value, list | tuple) and any(map(is_scorer, value)))


def _without_scorers(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [each for each in value if not is_scorer(each)]
    return None if is_scorer(value) else value


def _strategy(field: str, value: Any) -> str | type[Strategy]:
    value = plain(value)
    if isinstance(value, str) and value:
        return value
    if not isinstance(value, type):
        raise InvalidSetting(
            f"{field} is a name, such as 'ae', or a subclass of Strategy, not {quoted(value)}"
        )
    if fault := faults.fault_of("strategies", value):
        raise InvalidSetting(f"{value.__name__} cannot be used as a strategy: {fault}")
    return value


def _scorer(field: str, value: Any) -> Any:
    value = plain(value)
    if not isinstance(value, str) and not is_scorer(value):
        raise InvalidSetting(
            f"{field} is a scorer, named by a text such as 'synflow', or a proxy or a function of architectures "
            f"itself, not {quoted(value)}"
        )
    check_scorer(value)
    return value


def _move(field: str, value: Any) -> Any:
    value = plain(value)
    return value if value is None or isinstance(value, bool) else _scorer(field, value)


def _target(field: str, value: Any) -> Any:
    value = plain(value)
    if not is_number(value):
        raise InvalidSetting(f"{field} is a number that curves may reach, not {quoted(value)}")
    return value


def _batch(field: str, value: Any) -> str | Batch:
    if isinstance(value, Batch):
        return value
    value = os.fspath(value) if isinstance(value, os.PathLike) else value
    if not isinstance(value, str) or not value:
        raise InvalidSetting(
            f"{field} is the path of an .npz file or a kind such as 'grey', not {quoted(value)}"
        )
    return value


def _shown(field: str, value: Any) -> str:
    value = plain(value)
    if not isinstance(value, str) or not value:
        raise InvalidSetting(f"{field} is test or valid, or the name of a metric, not {quoted(value)}")
    return value


def _chosen(field: str, value: Any) -> str:
    value = plain(value)
    if not isinstance(value, str):
        raise InvalidSetting(f"{field} is test or valid, not {quoted(value)}")
    check_choose(value)
    return value


def limits_of(value: Any) -> Constraints | None:
    """Return limits that were given by name, or as such; None where there is none.

    Raises:
        InvalidSetting, UnknownName: they are neither.
    """
    if isinstance(value, Mapping):
        known = [each.name for each in dataclass_fields(Constraints)]
        check_names("limit", value, known)
        value = Constraints(**value)
    if value is not None and not isinstance(value, Constraints):
        raise InvalidSetting(
            f"constraints are limits by name, such as {{'params': '500k'}}, or Constraints(...), not {quoted(value)}"
        )
    return value if value is not None and (value or value.latency_by != MEASURED) else None


def _objectives(field: str, value: Any) -> tuple[str, ...] | None:
    names = value.split(",") if isinstance(value, str) else value
    if names is None:
        return None
    if not isinstance(names, list | tuple) or not all(
        isinstance(each, str) and each.strip() for each in names
    ):
        raise InvalidSetting(
            f"{field} are names with commas, such as 'accuracy,latency', not {quoted(value)}"
        )
    return tuple(each.strip() for each in names) or None


def _or_none(check: Callable[..., Any]) -> Callable[[str, Any], Any]:
    return lambda field, value: None if value is None else check(field, value)


CHECKS: dict[str, Callable[[str, Any], Any]] = {
    "strategy": _strategy,
    "benchmark": lambda field, value: check_benchmark(plain(value)),
    "dataset": _or_none(partial(_name, example="cifar10")),
    "budget": whole,
    "rounds": whole,
    "seed": partial(whole, least=0, largest=SEEDS),
    "scorer": _or_none(_scorer),
    "warmup": lambda field, value: plain(value),
    "move": _move,
    "move_at": _or_none(partial(_name, example="child")),
    "explore": share,
    "move_ratio": _or_none(lambda field, value: whole("move ratio", value)),
    "settings": lambda field, value: Settings(value),
    "batch": _or_none(_batch),
    "objectives": lambda field, value: _objectives(field, value),
    "constraints": lambda field, value: limits_of(value),
    "show": _shown,
    "choose": _chosen,
    "target": _or_none(_target),
}
"""By name, what returns the value of a field, a number of numpy as one of Python, or raises `InvalidSetting`. What a
warm-up may be depends on the strategy and the space."""
