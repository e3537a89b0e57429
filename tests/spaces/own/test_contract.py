"""Spaces of a user's own modules keep the contract of spaces."""

from __future__ import annotations

import pytest
from own_space import space as pair
from torch import nn

from nassearch.spaces import ModuleSpace, SearchSpace
from nassearch.testing import SpaceContract
from nassearch.types import Task


class TestModules(SpaceContract):
    @pytest.fixture
    def space(self) -> SearchSpace:
        return ModuleSpace(*pair)

    @pytest.fixture
    def task(self) -> Task:
        return Task((2, 6, 6), 3)


def grid(rate: float, *, classes: int) -> nn.Module:
    return nn.Sequential(
        nn.Flatten(), nn.Linear(4, 4 + round(1e4 * rate)), nn.Linear(4 + round(1e4 * rate), classes)
    )


class TestFineGrid(SpaceContract):
    """A choice between a thousand numbers has far fewer edits than options."""

    free = False

    @pytest.fixture
    def space(self) -> SearchSpace:
        return ModuleSpace({"rate": [k / 10000 for k in range(1000)]}, grid)

    @pytest.fixture
    def task(self) -> Task:
        return Task((4,), 3)


def some(size: int, *, classes: int) -> nn.Module:
    if size == 3:
        raise ValueError("3 is too many")
    return nn.Sequential(nn.Flatten(), nn.Linear(4, size), nn.Linear(size, classes))


class TestSomeFail(SpaceContract):
    partial = True

    @pytest.fixture
    def space(self) -> SearchSpace:
        return ModuleSpace({"size": [1, 2, 3, 4, 5, 6]}, some)

    @pytest.fixture
    def task(self) -> Task:
        return Task((4,), 3)


def three(a: int, b: int, c: int, *, classes: int) -> nn.Module:
    return nn.Sequential(
        nn.Flatten(), nn.Linear(4, a), nn.Linear(a, b), nn.Linear(b, c), nn.Linear(c, classes)
    )


class TestManyOptions(SpaceContract):
    """Choices with too many options in all for labels of their own are drawn in a row."""

    @pytest.fixture
    def space(self) -> SearchSpace:
        return ModuleSpace({name: list(range(1, 15)) for name in "abc"}, three)

    @pytest.fixture
    def task(self) -> Task:
        return Task((4,), 3)
