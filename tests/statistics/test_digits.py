"""Digits that people are shown: enough to tell values apart, and not one more than they have."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nassearch.statistics.digits import SIGNIFICANT, decimals, exact, writer


@pytest.mark.parametrize(
    ("values", "written"),
    [
        ([0.5834, 0.5851, 0.5946], ["0.5834", "0.5851", "0.5946"]),  # similarity of images
        ([0.583, 0.585], ["0.5830", "0.5850"]),
        ([92.45, 92.8, 93.23, 93.33, 94.13, 94.45], ["92.45", "92.80", "93.23", "93.33", "94.13", "94.45"]),
        ([4.5512, 4.5533, 4.5587], ["4.5512", "4.5533", "4.5587"]),  # a loss
        (
            [0.1, 0.5834, 0.5836, 0.584],
            ["0.10000", "0.58340", "0.58360", "0.58400"],
        ),  # one far off hides nothing
        ([94.37], ["94.37"]),
        ([0.585123], ["0.585"]),
        ([3.1e-7, 3.2e-7], ["3.10e-07", "3.20e-07"]),
        ([1.5e12, 2.5e12], ["1.50e+12", "2.50e+12"]),
        ([93.33, 93.33 + 1e-13], ["93.33", "93.33"]),  # one value, computed on two ways
        ([-0.0, 0.001], ["0.00000", "0.00100"]),
        ([math.nan, None, 1.0], ["-", "-", "1.00"]),
        ([], []),
    ],
)
def test_as_many_as_tell_them_apart(values: list[float], written: list[str]) -> None:
    write = writer(values, SIGNIFICANT)
    assert [write(value) for value in values] == written


@given(st.lists(st.floats(), max_size=6), st.integers(2, 6))
def test_any_numbers_can_be_written(values: list[float], significant: int) -> None:
    write = writer(values, significant)
    for value in values:
        written = write(value)
        if abs(value) < 1e308:
            # Two digits, at the least, or two decimals: rounding moves it by half of the last one.
            assert math.isclose(float(written), value, rel_tol=0.051, abs_tol=0.0051), written
    assert decimals(values, significant) >= 2


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e6, max_value=1e6))
def test_a_target_is_written_as_it_was_given(value: float) -> None:
    value = float(f"{value:.6g}")
    assert float(exact(value)) == value
    assert float(exact(value, least=2)) == value


def test_a_target_has_the_digits_it_was_given_with() -> None:
    assert [exact(v) for v in (0.585, 73.0, 94.22, 1e-7)] == ["0.585", "73", "94.22", "1e-07"]
    assert [exact(v, least=2) for v in (0.585, 73.0, 93.5)] == ["0.585", "73.00", "93.50"]
