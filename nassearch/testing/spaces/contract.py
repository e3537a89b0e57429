"""What every search space has to keep: what belongs to it, and how people and other processes name it."""

from __future__ import annotations

import pickle
from itertools import islice

import numpy as np
import pytest

from nassearch.errors import InvalidArch
from nassearch.spaces.base import SearchSpace
from nassearch.testing.spaces.moves import MovesContract
from nassearch.testing.spaces.networks import NetworksContract
from nassearch.testing.spaces.setting import AROUND, DRAWS
from nassearch.testing.surroundings import elsewhere
from nassearch.types import Arch

LISTED = 500_000
"""Architectures up to which all are listed; of more, so many of the first."""


class SpaceContract(MovesContract, NetworksContract):
    """Tests of one space. A subclass overrides `space`, and `task` where networks are not built for images.

    What it may declare besides, `symmetric`, `uniform`, `free`, `partial` and `unseen`, is in
    `nassearch.testing.spaces.setting`.
    """

    def test_is_named_and_explained(self, space: SearchSpace) -> None:
        assert space.name, "a space has a name, which results and errors show"
        assert type(space).__doc__, "a space has a docstring that says what its architectures are"
        assert space.rule(), "rule() says in a line what makes an architecture valid"

    def test_all_are_valid_different_and_as_many_as_it_says(self, space: SearchSpace) -> None:
        archs = list(islice(space.all(), LISTED))
        assert len(set(archs)) == len(archs), "all() yields every architecture once"
        assert len(archs) == min(LISTED, space.size), "size is the number of architectures that all() yields"
        step = max(1, len(archs) // 1000)
        for place in range(0, len(archs), step):
            assert space.is_valid(archs[place]), "what all() yields is valid"
            assert space.index(archs[place]) == place, "index() is the place in all()"
        assert archs[::step] == list(islice(space.all(), LISTED))[::step], "all() has one order"
        places = {space.index(arch) for arch in set(self.some(space))}
        assert len(places) == len(set(self.some(space))), "index() tells architectures apart"
        assert 0 <= min(places) <= max(places) < space.size, "index() is from 0 to size - 1"

    def test_architectures_are_tuples_of_plain_integers(self, space: SearchSpace) -> None:
        some = self.some(space)
        some += [near for arch in self.lonely(space) for near in space.neighbours(arch)]
        some += [space.mutate(arch, np.random.default_rng(1)) for arch in some[:AROUND]]
        for arch in some:
            assert type(arch) is tuple, "an architecture is a tuple"
            assert {type(option) for option in arch} <= {int}, "an architecture is of Python's own integers"

    def test_what_is_not_of_the_space_is_refused(self, space: SearchSpace) -> None:
        for foreign in ((-1,), (), tuple([10**6] * 40)):
            assert not space.is_valid(foreign), f"{foreign} is not valid"
            with pytest.raises(InvalidArch, match=space.name):  # an error names the space
                space.check(foreign)
            with pytest.raises(InvalidArch):
                space.index(foreign)

    def test_text_goes_there_and_back(self, space: SearchSpace) -> None:
        for arch in self.some(space):
            assert space.parse(space.format(arch)) == arch, "parse() reads what format() writes"

    def test_nonsense_is_refused_as_text(self, space: SearchSpace) -> None:
        good = space.format(self.some(space, 1)[0])
        for text in ("", "nonsense", "-1", good + "x", good[:-1] + "\u00e9", good * 2):
            with pytest.raises(InvalidArch):
                space.parse(text)

    def test_decisions_mean_architectures_or_nothing(self, space: SearchSpace) -> None:
        if space.options is None:
            return
        rng = np.random.default_rng(6)
        meant = [space.decide(tuple(rng.integers(space.options).tolist())) for _ in range(DRAWS)]
        assert any(arch is not None for arch in meant), "some decisions mean an architecture"
        assert all(space.is_valid(arch) for arch in meant if arch is not None), (
            "what decisions mean is valid, or None"
        )
        for arch in self.some(space, 50):
            assert space.decide(arch) == arch, "an architecture is the decisions that mean it"

    def test_another_process_has_the_same_space(self, space: SearchSpace) -> None:
        archs = self.some(space, 20)
        (there,) = elsewhere(_facts, [(space, archs)])
        assert there == _facts((space, archs)), (
            "keys, texts, places, neighbours and draws are the same in every process: no hash() of texts, no id(), "
            "and nothing remembered that the pickled space lacks"
        )
        copy = pickle.loads(pickle.dumps(space))
        assert [copy.key(arch) for arch in archs] == [space.key(arch) for arch in archs]


def _facts(given: tuple[SearchSpace, list[Arch]]) -> list[object]:
    space, archs = given
    facts: list[object] = [space.sample_many(20, np.random.default_rng(0))]
    for arch in archs:
        facts += [space.key(arch), space.format(arch), space.index(arch)]
    smallest = min(archs, key=lambda arch: len(space.neighbours(arch)))
    return [*facts, list(space.neighbours(smallest))]
