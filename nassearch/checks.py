"""Checks of options that several scores share, without torch: they run before anything is computed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from numbers import Real
from typing import Any

from nassearch.errors import InvalidSetting, UnknownName, quoted

PROBE_REVISION = 1
"""Raised with every change to what model proxies share, initial weights say, after which most of their scores move."""
NEEDS = ("inputs", "labels")
"""What a proxy can need of a batch."""
READS = ("gradients", "saliency", "input_gradients", "relu_kernel", "curvature")
"""What a model proxy can read of its `nassearch.networks.probe.probe.Probe`, and declares that it reads."""
RECORDED = ("saliency", "relu_kernel")
"""What of these is noted during the forward pass, and only where it will be read."""
OF = ("logits", "loss")
VARIANCE = ("batch", "element")
"""Choices of `nassearch.networks.probe.jacobian.input_jacobian`, the default first."""


KINDS: dict[str, tuple[type, ...]] = {"true or false": (bool,), "a number": (Real,), "a text": (str,)}
"""What an option may be, by what its default is."""


def check_positive(options: Mapping[str, Any], *names: str) -> None:
    """Raise `InvalidSetting` where one of these options is given and is not a positive number."""
    for name in names:
        value = options.get(name, 1)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
            raise InvalidSetting(f"{name} is a positive number, not {value!r}")


def check_options(name: str, options: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    """Raise `UnknownName` for an option that a score does not have, `InvalidSetting` for a wrong kind or seed."""
    for option in sorted(options.keys() - known.keys()):
        raise UnknownName(f"option of {name}", option, known)
    check_seed(name, options)
    check_kinds(name, options, known)


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


def check_needs(name: str, needs: Iterable[str]) -> None:
    """Raise `UnknownName` where a proxy declares to need what no batch has."""
    for each in needs:
        if each not in NEEDS:
            raise UnknownName(f"need of proxy {name}", str(each), NEEDS)


def check_reads(name: str, reads: Iterable[str]) -> None:
    """Raise `UnknownName` where a proxy declares to read what no probe has."""
    for each in reads:
        if each not in READS:
            raise UnknownName(f"thing to read of a probe, as proxy {name} declares it,", str(each), READS)


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
