"""Naswot of a singular K: known exactly, whatever the order of the samples."""

from __future__ import annotations

import itertools
import json
import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from commands import call
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import nassearch
from nassearch.networks.probe.whole_rank import log_determinant, rank
from nassearch.spaces.nasbench201 import NASBench201
from nassearch.types import Floats


def gram(patterns: Floats) -> Floats:
    return patterns @ patterns.T + (1 - patterns) @ (1 - patterns).T


def slow(matrix: Floats) -> tuple[int, Fraction]:
    """Return rank and determinant by elimination in fractions."""
    rows = [[Fraction(int(value)) for value in row] for row in matrix]
    found, product = 0, Fraction(1)
    for column in range(len(rows)):
        pivot = next((i for i in range(found, len(rows)) if rows[i][column]), None)
        if pivot is None:
            product = Fraction(0)
            continue
        product *= rows[pivot][column] * (1 if pivot == found else -1)
        rows[found], rows[pivot] = rows[pivot], rows[found]
        for i in range(found + 1, len(rows)):
            factor = rows[i][column] / rows[found][column]
            rows[i] = [a - factor * b for a, b in zip(rows[i], rows[found], strict=True)]
        found += 1
    return found, product


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 12), st.integers(1, 14), st.integers(0, 2**32))
def test_rank_and_determinant_are_those_of_fractions(samples: int, units: int, seed: int) -> None:
    kernel = gram(np.random.default_rng(seed).integers(0, 2, (samples, units)).astype(np.float64))
    size, product = slow(kernel)
    found = log_determinant(kernel)
    assert rank(kernel.astype(np.int64)) == size
    if size < samples:
        assert found == size and isinstance(found, int)
    else:
        assert found == pytest.approx(math.log(product), rel=1e-9, abs=1e-9)


def test_a_matrix_that_is_nearly_singular_is_not() -> None:
    # The Gram matrix of two vectors that differ by one part in 2^40: determinant 1, eigenvalues 2^81 and 2^-81.
    a = 2**26
    near = np.array([[a * a + 1, a * a + a], [a * a + a, (a + 1) ** 2]], np.float64) / 1
    assert slow(near)[1] == Fraction((a * a + 1) * (a + 1) ** 2 - (a * a + a) ** 2)
    assert log_determinant(near) == pytest.approx(math.log(slow(near)[1]), rel=1e-12)
    assert log_determinant(np.array([[4.0, 2.0], [2.0, 1.0]])) == 1
    assert log_determinant(np.zeros((3, 3))) == 0


def singular() -> tuple[nn.Module, Floats]:
    """Return a model of six ReLUs and inputs of which no two have one pattern, more than six can tell apart."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3))
    inputs = np.random.default_rng(0).normal(size=(16, 4)).astype(np.float32)
    with torch.no_grad():
        patterns = (model[0](torch.tensor(inputs)) > 0).numpy()
    return model, inputs[np.sort(np.unique(patterns, axis=0, return_index=True)[1])]


def test_naswot_of_a_singular_kernel_has_the_reason_in_every_order() -> None:
    model, inputs = singular()
    reason = f"K is singular: its rank is 7 for {len(inputs)} samples, of which none share a pattern"
    for seed in range(12):
        order = np.random.default_rng(seed).permutation(len(inputs))
        with pytest.warns(RuntimeWarning, match=reason):
            assert math.isnan(nassearch.score(model, inputs[order], ["naswot"])["naswot"])
    with pytest.warns(RuntimeWarning, match="of which 4 samples share their pattern with another"):
        nassearch.score(model, inputs[[0, 1, 2, 3, 0, 1]], ["naswot"])


def test_naswot_of_a_kernel_of_full_rank_is_one_number_in_every_order() -> None:
    model, inputs = singular()
    values = [
        nassearch.score(model, inputs[list(order)], ["naswot"])["naswot"]
        for order in itertools.permutations((0, 1, 2, 3))
    ]
    # Elimination in another order, in float64.
    assert values == pytest.approx([values[0]] * len(values), rel=1e-12)


def test_what_has_no_score_has_its_reason_in_json() -> None:
    dead = NASBench201().format(
        (0,) * 6
    )  # nothing comes through, so that all samples look alike behind the first cell
    done = call("score", dead, "6111", "--proxies", "naswot(batch_size=64),params", "--json")
    first, second = json.loads(done.stdout)
    assert first["naswot(batch_size=64)"] is None
    assert list(first["reasons"]) == ["naswot(batch_size=64)"]
    assert "K is singular: its rank is " in first["reasons"]["naswot(batch_size=64)"]
    assert second["naswot(batch_size=64)"] > 0 and "reasons" not in second
