"""Checks of settings and options: each states the rule, the value met and the remedy. They run before any work."""

from __future__ import annotations

import math
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from numbers import Real
from pathlib import Path
from typing import Any

from nassearch.errors import InvalidSetting, UnknownName, quoted
from nassearch.types import is_number, plain

LARGEST = 10**7
"""Of numbers of anything: more rounds, draws or models are a slip of the hand, and need more memory than there is."""
SEEDS = 2**63 - 1
"""The largest seed that torch takes too."""
KINDS: dict[str, tuple[type, ...]] = {"true or false": (bool,), "a number": (Real,), "a text": (str,)}
"""What an option may be, by what its default is."""


def whole(name: str, value: int, least: int = 1, most: int | None = None, largest: int = LARGEST) -> int:
    """Return a setting that is a whole number in range, also one of numpy; raise `InvalidSetting` where it is not."""
    value = plain(value)
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    if not is_whole or value < least or (most is not None and value > most):
        bounds = f"of at least {least}" if most is None else f"from {least} to {most}"
        raise InvalidSetting(f"{name} is a whole number {bounds}, not {quoted(value)}")
    if value > largest:
        raise InvalidSetting(f"{name} is a whole number of at most {largest}, not {quoted(value)}")
    return value


def number(name: str, value: float, least: float = 0, most: float = math.inf) -> float:
    """Return a setting that is a finite number in range, also one of numpy; raise `InvalidSetting` where it is not."""
    value = plain(value)
    if not is_number(value) or not least <= value <= most:
        bounds = f"of at least {least}" if most == math.inf else f"from {least} to {most}"
        raise InvalidSetting(f"{name} is a number {bounds}, not {quoted(value)}")
    return value


def positive(name: str, value: float) -> float:
    """Return a setting that is a finite number above 0, also one of numpy; raise `InvalidSetting` where it is not."""
    value = plain(value)
    if not is_number(value) or value <= 0:
        raise InvalidSetting(f"{name} is a number above 0, not {quoted(value)}")
    return float(value)


def share(name: str, value: float) -> float:
    """Return a setting that is a share, also one of numpy; raise `InvalidSetting` where it is not."""
    value = plain(value)
    if not is_number(value) or not 0 <= value <= 1:
        raise InvalidSetting(f"{name} is a share from 0 to 1, not {quoted(value)}")
    return value


def a_path(what: str, value: Any) -> Path:
    """Return what is the path of a file or folder; raise `InvalidSetting` where it is none."""
    if (
        not isinstance(value, str | os.PathLike)
        or not isinstance(os.fspath(value), str)
        or not os.fspath(value)
    ):
        raise InvalidSetting(f"{what}, not {quoted(value)}")
    return Path(value)


def check_positive(options: Mapping[str, Any], *names: str) -> None:
    """Raise `InvalidSetting` where one of these options is given and is not a positive number."""
    for name in names:
        value = options.get(name, 1)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
            raise InvalidSetting(f"{name} is a positive number, not {value!r}")


def check_options(
    name: str, options: Mapping[str, Any], known: Mapping[str, Any], nullable: Collection[str] = ()
) -> None:
    """Raise `UnknownName` for an option that a score does not have, `InvalidSetting` for a wrong kind or seed.

    Those that are `nullable` may be None, whatever their default is.
    """
    for option in sorted(options.keys() - known.keys()):
        raise UnknownName(f"option of {name}", option, known)
    check_seed(name, options)
    check_kinds(name, {key: value for key, value in options.items() if key not in nullable}, known)


def check_kinds(name: str, options: Mapping[str, Any], defaults: Mapping[str, Any]) -> None:
    """Raise `InvalidSetting` where an option is not of the kind of its default: true or false, a number or a text."""
    for option, value in options.items():
        default = defaults.get(option)
        kind = next((kind for kind, types in KINDS.items() if isinstance(default, types)), None)
        # To Python true and false are numbers.
        truth = isinstance(value, bool)
        if kind and (not isinstance(value, KINDS[kind]) or truth != isinstance(default, bool)):
            raise InvalidSetting(
                f"{option} of {name} is {kind}, not {quoted(value)}; such as {option}={default}"
            )


def check_seed(name: str, options: Mapping[str, Any]) -> None:
    """Raise `InvalidSetting` where the seed of a score is given and is none that numpy and torch both take."""
    seed = options.get("seed", 0)
    if type(seed) is not int or not 0 <= seed < 2**63:
        raise InvalidSetting(
            f"seed of {name} is a whole number of at least 0 that 63 bits hold, not {quoted(seed)}; such as seed=1"
        )


def check_amplitudes(amplitudes: Any) -> None:
    """Raise `InvalidSetting` unless these are one or more positive numbers."""
    if not isinstance(amplitudes, tuple | list) or not amplitudes:
        raise InvalidSetting(f"amplitudes are one or more positive numbers in brackets, not {amplitudes!r}")
    for amplitude in amplitudes:
        check_positive({"amplitude": amplitude}, "amplitude")


def check_names(what: str, names: Iterable[str], known: Sequence[str]) -> None:
    """Raise `UnknownName` where one of the names is none that is known."""
    for each in names:
        if each not in known:
            raise UnknownName(what, str(each), known)


def check_choice(options: Mapping[str, Any], name: str, choices: Sequence[str]) -> None:
    """Raise `UnknownName` where this option is given and is none of the choices."""
    value = options.get(name, choices[0])
    if value not in choices:
        raise UnknownName(f"value of {name}", str(value), choices)


def check_range(options: Mapping[str, Any], name: str) -> None:
    """Raise `InvalidSetting` where this option is neither None nor two finite numbers, the lower first."""
    value = options.get(name)
    if value is None:
        return
    try:
        low, high = (float(end) for end in value)
    except (TypeError, ValueError):
        low, high = math.nan, math.nan
    if not -math.inf < low < high < math.inf:
        raise InvalidSetting(f"{name} is two numbers, the lower first, as in {name}=(0, 1), not {value!r}")
