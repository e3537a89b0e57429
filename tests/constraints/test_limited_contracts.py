"""The part of a space that meets limits is a search space: it keeps the contract of all."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from nassearch.constraints import Constraints, constrained
from nassearch.constraints.space import ConstrainedSpace
from nassearch.spaces.base import SearchSpace
from nassearch.spaces.nasbench201 import NASBench201
from nassearch.spaces.nats_size import NATSSize
from nassearch.testing import SpaceContract
from nassearch.types import Task

TASK = Task((3, 8, 8), 10, (4, 8, 8), 1)
LIMITS = {
    "half": (NASBench201, {"params": 3918}),
    "few": (NASBench201, {"params": 2600, "flops": "28k"}),
    "memory": (NASBench201, {"memory": "18kB"}),
    "sizes": (NATSSize, {"params": "260k", "flops": "5M"}),
}


@pytest.fixture(scope="module", params=LIMITS)
def made(request: pytest.FixtureRequest) -> SearchSpace:
    kind, limits = LIMITS[request.param]
    space = constrained(kind(), TASK, Constraints(**limits))
    assert isinstance(space, ConstrainedSpace) and 100 < space.size < 0.7 * kind().size
    return space


class TestConstrained(SpaceContract):
    @pytest.fixture
    def space(self, made: SearchSpace) -> SearchSpace:
        return made


@pytest.fixture(scope="module")
def large() -> Iterator[SearchSpace]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nassearch.constraints.space.ENUMERATED", 1000)
        space = constrained(NASBench201(), TASK, Constraints(params=3000))
        # An estimate, which draws cannot be counted against.
        space.__dict__["size"] = sum(1 for _ in space.all())
        assert space.size < 15_625
        yield space


class TestThrownAway(SpaceContract):
    """A space that is not looked at whole."""

    @pytest.fixture
    def space(self, large: SearchSpace) -> SearchSpace:
        return large
