"""Fronts, crowding and hypervolumes, beside what they are by definition."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nassearch.statistics.hypervolume import crowding, fronts, hypervolume, hypervolumes, nondominated
from nassearch.types import Floats

NAN = float("nan")
POINTS = st.integers(1, 12).flatmap(
    lambda n: st.integers(1, 3).flatmap(
        lambda m: arrays(np.float64, (n, m), elements=st.integers(0, 4).map(float))
    )
)
"""Few different values, so that many are equal."""


def beats(one: Floats, other: Floats) -> bool:
    return bool((one >= other).all() and (one > other).any())


@given(POINTS)
def test_what_is_not_dominated(points: Floats) -> None:
    expected = [not any(beats(other, point) for other in points) for point in points]
    assert nondominated(points).tolist() == expected


@given(POINTS)
def test_fronts_are_peeled_off_one_by_one(points: Floats) -> None:
    left, number, expected = list(range(len(points))), 0, [0] * len(points)
    while left:
        outer = [i for i in left if not any(beats(points[j], points[i]) for j in left)]
        for i in outer:
            expected[i] = number
        left = [i for i in left if i not in outer]
        number += 1
    assert fronts(points).tolist() == expected


@given(POINTS)
def test_hypervolume_counts_unit_cubes(points: Floats) -> None:
    """Coordinates are whole, so the volume above 0 is the number of unit cubes below a point."""
    cubes = itertools.product(range(4), repeat=points.shape[1])
    expected = sum(any((point >= np.array(cube) + 1).all() for point in points) for cube in cubes)
    assert hypervolume(points, np.zeros(points.shape[1])) == pytest.approx(
        expected, rel=1e-12
    )  # sums of products


@given(POINTS)
def test_a_curve_is_the_hypervolume_of_what_was_met(points: Floats) -> None:
    reference = np.full(points.shape[1], -1.0)
    expected = [hypervolume(points[: t + 1], reference) for t in range(len(points))]
    found = hypervolumes(points, points, reference)
    assert found.tolist() == pytest.approx(expected, rel=1e-12)
    assert (np.diff(found) >= 0).all()


def test_what_is_chosen_by_something_else_counts_as_it_is() -> None:
    chosen = np.array([[1.0, 1.0], [2.0, 2.0], [1.5, 1.5]])
    points = np.array([[5.0, 5.0], [2.0, 3.0], [9.0, 9.0]])
    # The second replaces the first, though it is worth less; the third is dominated by the second.
    assert hypervolumes(points, chosen, np.zeros(2)).tolist() == [25.0, 6.0, 6.0]


def test_nan_is_behind_all_and_counts_nothing() -> None:
    points = np.array([[1.0, NAN], [0.0, 0.0], [2.0, 1.0]])
    assert nondominated(points).tolist() == [False, False, True]
    assert fronts(points).tolist() == [2, 1, 0]
    assert hypervolume(points, np.array([-1.0, -1.0])) == 6.0
    assert hypervolumes(points, points, np.array([-1.0, -1.0])).tolist() == [0.0, 1.0, 6.0]
    nothing = np.full((2, 2), NAN)
    assert not nondominated(nothing).any() and fronts(nothing).tolist() == [0, 0]
    assert hypervolume(nothing, np.zeros(2)) == 0.0


def test_crowding_is_that_of_the_paper() -> None:
    points = np.array([[0.0, 10.0], [2.0, 6.0], [3.0, 5.0], [10.0, 0.0], [1.0, 1.0]])
    found = crowding(points, np.array([0, 0, 0, 0, 1]))
    assert found.tolist() == [np.inf, 3 / 10 + 5 / 10, 8 / 10 + 6 / 10, np.inf, np.inf]


def test_below_the_reference_point_nothing_counts() -> None:
    assert hypervolume(np.array([[5.0, -1.0], [0.0, 5.0]]), np.zeros(2)) == 0.0
