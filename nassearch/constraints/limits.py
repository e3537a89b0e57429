"""Limits as people write them: 500k parameters, 5 ms, 100 MB."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from nassearch.errors import InvalidSetting, quoted
from nassearch.types import plain

COUNTS = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9, "b": 1e9, "t": 1e12}
BYTES = {
    **{"": 1.0, "b": 1.0, "k": 1e3, "kb": 1e3, "m": 1e6, "mb": 1e6, "g": 1e9, "gb": 1e9},
    **{"kib": 2.0**10, "mib": 2.0**20, "gib": 2.0**30},
}
MILLISECONDS = {"": 1.0, "us": 1e-3, "µs": 1e-3, "ms": 1.0, "s": 1e3}
UNITS: dict[str, tuple[Mapping[str, float], str, str]] = {
    "params": (COUNTS, "a number of parameters", "500k or 1.5M"),
    "flops": (COUNTS, "a number of multiply-accumulates of one input", "30M or 1.2G"),
    "memory": (BYTES, "a number of bytes", "100MB or 64MiB"),
    "latency": (MILLISECONDS, "a time in milliseconds", "5ms or 0.2s"),
}
"""By limit, in the order in which they are looked at, cheapest first: units in lower case, what it is, examples."""
MEASURED = "measured"

LatencyBy = str | Callable[..., float]
"""`measured`, `module:function`, a metric of a benchmark, or a function of the model itself."""


@dataclass(frozen=True)
class Constraints:
    """The most that a network may cost; None where that does not matter.

        Constraints(params="500k", latency="5ms")

    Attributes:
        params: trainable numbers.
        flops: multiply-accumulates of one input, in convolutions and products of matrices.
        latency: milliseconds for one input; see `latency_by`.
        memory: bytes in float32 while one input passes: weights, and the most activations that are held at a time.
        latency_by: where latencies come from: `"measured"` on this machine, see
            `nassearch.constraints.measure_latency`; `"module:function"`, or a function itself, that takes the model, a
            `torch.nn.Module`, and returns milliseconds; or the name of a metric of a benchmark's table.

    Raises:
        InvalidSetting: a limit is no number above 0, with or without a unit; or `latency_by` is none of these.
    """

    params: float | None = None
    flops: float | None = None
    latency: float | None = None
    memory: float | None = None
    latency_by: LatencyBy = MEASURED

    def __post_init__(self) -> None:
        for name in UNITS:
            object.__setattr__(self, name, read_limit(name, getattr(self, name)))
        if not callable(self.latency_by) and (not isinstance(self.latency_by, str) or not self.latency_by):
            raise InvalidSetting(
                "latency_by is measured, a function of the model as MODULE:FUNCTION, or a metric of the benchmark, "
                f"not {quoted(self.latency_by)}"
            )

    @classmethod
    def of_flags(cls, flags: Mapping[str, Any]) -> Constraints:
        """Return the limits among flags or fields, which may be called `max_params` or `params`; others are left out.

        Raises:
            InvalidSetting: as above.
        """
        given = {name.removeprefix("max_"): value for name, value in flags.items() if value is not None}
        return cls(**{each.name: given[each.name] for each in fields(cls) if each.name in given})

    @property
    def limits(self) -> dict[str, float]:
        """Return those that there are, those that are cheap to look at first."""
        found = {name: getattr(self, name) for name in UNITS}
        return {name: value for name, value in found.items() if value is not None}

    def __bool__(self) -> bool:
        return bool(self.limits)

    def as_dict(self) -> dict[str, Any]:
        """Return the limits that there are as plain JSON values, and where latencies come from if one has a limit."""
        return {**self.limits, **({"latency_by": self.by} if self.latency is not None else {})}

    @property
    def by(self) -> str:
        """Return where latencies come from, as a text."""
        by = self.latency_by
        return getattr(by, "__qualname__", type(by).__name__) if callable(by) else by

    def __str__(self) -> str:
        return ", ".join(f"{name} up to {written(name, value)}" for name, value in self.limits.items())


def read_limit(name: str, value: Any) -> float | None:
    """Return a limit in parameters, multiply-accumulates, milliseconds or bytes.

    >>> read_limit("params", "1.5M"), read_limit("latency", "5ms"), read_limit("memory", "64 MiB")
    (1500000.0, 5.0, 67108864.0)

    Raises:
        InvalidSetting: it is no number above 0, or has another unit.
    """
    value = plain(value)
    if value is None:
        return None
    units, what, examples = UNITS[name]
    number, factor = math.nan, 1.0
    if isinstance(value, int | float) and not isinstance(value, bool):
        number = value if abs(value) < 1e300 else math.inf
    elif isinstance(value, str) and (
        found := re.fullmatch(r"\s*([0-9.]+(?:e[+-]?\d+)?)\s*([a-zµ]*)\s*", value, re.I)
    ):
        factor = units.get(found.group(2).lower(), math.nan)
        try:
            number = float(found.group(1))
        except ValueError:
            number = math.nan
    if not 0 < number * factor < math.inf:
        raise InvalidSetting(f"max {name} is {what} above 0, such as {examples}, not {quoted(value)}")
    return float(number * factor)


def written(name: str, value: float) -> str:
    """Return a cost as people write it.

    >>> written("params", 1234567), written("latency", 4.25), written("memory", 5e5)
    ('1.23M', '4.25 ms', '500 kB')
    """
    if name == "latency":
        return f"{value:.4g} ms"
    steps = (("G", 1e9), ("M", 1e6), ("k", 1e3)) if value >= 1e4 else ()
    letter, factor = next(((letter, factor) for letter, factor in steps if value >= factor), ("", 1.0))
    tail = f" {letter}B" if name == "memory" else letter
    return f"{value / factor:.3g}{tail}" if factor > 1 else f"{value:.0f}{tail}"
