"""Limits are read as people write them."""

from __future__ import annotations

from typing import Any

import pytest

from nassearch.constraints import Constraints
from nassearch.constraints.limits import read_limit, written
from nassearch.errors import InvalidSetting

READ = [
    ("params", "500k", 5e5),
    ("params", " 1.5 M ", 1.5e6),
    ("params", "2e6", 2e6),
    ("params", 500_000, 5e5),
    ("flops", "1.2G", 1.2e9),
    ("latency", "5ms", 5.0),
    ("latency", "0.2s", 200.0),
    ("latency", "800us", 0.8),
    ("latency", "5", 5.0),
    ("memory", "100MB", 1e8),
    ("memory", "64MiB", 64 * 2**20),
    ("memory", "512 kB", 512e3),
]
UNREADABLE = [
    ("params", "many"),
    ("params", "5x"),
    ("params", "-5"),
    ("params", "0"),
    ("params", 0),
    ("params", True),
    ("params", float("nan")),
    ("params", "1.2.3M"),
    ("params", 10**400),
    ("latency", "5MB"),
    ("memory", "5ms"),
    ("flops", ""),
    ("flops", ["1M"]),
    ("flops", "1e999"),
]


@pytest.mark.parametrize(("name", "text", "value"), READ)
def test_texts_and_numbers(name: str, text: Any, value: float) -> None:
    assert read_limit(name, text) == pytest.approx(value, rel=1e-15)  # a product of two floats


@pytest.mark.parametrize(("name", "text"), UNREADABLE)
def test_what_is_no_limit(name: str, text: Any) -> None:
    with pytest.raises(InvalidSetting, match=f"max {name} is a .* such as .*, not"):
        Constraints(**{name: text})


@pytest.mark.parametrize(
    ("name", "value"), [("params", 1234567), ("memory", 123456), ("latency", 0.0123), ("flops", 3)]
)
def test_what_is_written_is_read(name: str, value: float) -> None:
    assert read_limit(name, written(name, value)) == pytest.approx(value, rel=5e-3)  # three digits


def test_flags_and_fields() -> None:
    flags = {"max_params": "1k", "max_latency": None, "latency_by": None, "other": 3}
    assert Constraints.of_flags(flags) == Constraints(params=1000)
    assert Constraints(params=1000).as_dict() == {"params": 1000.0}
    assert Constraints(latency=3).as_dict() == {"latency": 3.0, "latency_by": "measured"}
    assert not Constraints() and Constraints(memory=1)
    with pytest.raises(InvalidSetting, match="latency_by"):
        Constraints(latency=3, latency_by="")
