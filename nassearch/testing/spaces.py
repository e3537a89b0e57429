"""What every search space has to keep."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from nassearch.errors import InvalidArch
from nassearch.spaces.base import SearchSpace
from nassearch.types import Arch

DRAWS = 200
"""Random architectures looked at where looking at all would take too long."""
AROUND = 3
"""Architectures around which every mutation is waited for."""


class SpaceContract:
    """Tests of one space. A subclass overrides `space`; everything else is inherited."""

    symmetric = True
    """Whether an architecture is a neighbour of all its neighbours, as it is where one edit undoes another."""

    @pytest.fixture
    def space(self) -> SearchSpace:
        raise NotImplementedError("return the search space")

    def some(self, space: SearchSpace, n: int = DRAWS) -> list[Arch]:
        """Return random architectures, the same ones every time."""
        return space.sample_many(n, np.random.default_rng(0))

    def lonely(self, space: SearchSpace) -> list[Arch]:
        """Return those of a few random architectures that have the fewest neighbours, quickest to go round."""
        return sorted(self.some(space, 5 * AROUND), key=lambda arch: len(space.neighbours(arch)))[:AROUND]

    def test_is_named_and_explained(self, space: SearchSpace) -> None:
        assert space.name
        assert type(space).__doc__
        assert space.rule()

    def test_all_are_valid_different_and_as_many_as_it_says(self, space: SearchSpace) -> None:
        archs = list(space.all())
        assert len(archs) == len(set(archs)) == space.size
        step = max(1, space.size // 1000)
        for place in range(0, space.size, step):
            assert space.is_valid(archs[place])
            assert space.index(archs[place]) == place
        assert archs[::step] == list(space.all())[::step]

    def test_architectures_are_tuples_of_plain_integers(self, space: SearchSpace) -> None:
        some = self.some(space)
        some += [near for arch in self.lonely(space) for near in space.neighbours(arch)]
        some += [space.mutate(arch, np.random.default_rng(1)) for arch in some[:AROUND]]
        for arch in some:
            assert type(arch) is tuple
            assert {type(option) for option in arch} <= {int}

    def test_what_is_not_of_the_space_is_refused(self, space: SearchSpace) -> None:
        for foreign in ((-1,), (), tuple([10**6] * 40)):
            assert not space.is_valid(foreign)
            with pytest.raises(InvalidArch, match=space.name):
                space.check(foreign)
            with pytest.raises(InvalidArch):
                space.index(foreign)

    def test_samples_follow_their_stream(self, space: SearchSpace) -> None:
        first, again, other = (space.sample_many(50, np.random.default_rng(seed)) for seed in (1, 1, 2))
        assert first == again
        assert first != other
        assert all(map(space.is_valid, first))
        assert space.is_valid(space.sample(np.random.default_rng(3)))
        assert space.sample_many(0, np.random.default_rng(4)) == []

    def test_text_goes_there_and_back(self, space: SearchSpace) -> None:
        for arch in self.some(space):
            assert space.parse(space.format(arch)) == arch

    def test_nonsense_is_refused_as_text(self, space: SearchSpace) -> None:
        good = space.format(self.some(space, 1)[0])
        for text in ("", "nonsense", "-1", good + "x", good[:-1] + "\u00e9", good * 2):
            with pytest.raises(InvalidArch):
                space.parse(text)

    def test_neighbours_are_others_each_once_and_in_a_fixed_order(self, space: SearchSpace) -> None:
        for arch in self.some(space, 50):
            near = space.neighbours(arch)
            assert near == space.neighbours(arch)
            assert len(near) == len(set(near)) > 0
            assert arch not in near
            assert all(map(space.is_valid, near))

    def test_one_edit_undoes_another(self, space: SearchSpace) -> None:
        if self.symmetric:
            for arch in self.lonely(space):
                assert all(arch in space.neighbours(near) for near in space.neighbours(arch))

    def test_a_mutation_is_a_neighbour_and_every_neighbour_is_one(self, space: SearchSpace) -> None:
        rng = np.random.default_rng(5)
        for arch in self.lonely(space):
            near = space.neighbours(arch)
            # One of n is missed by 30 n uniform draws with probability n * exp(-30), below 1e-10 for n under 1000.
            assert {space.mutate(arch, rng) for _ in range(30 * len(near))} == set(near)

    def test_keys_are_texts_that_stay(self, space: SearchSpace) -> None:
        again = pickle.loads(pickle.dumps(space))
        for arch in self.some(space):
            assert space.key(arch)
            assert space.key(arch) == again.key(arch)
            assert again.index(arch) == space.index(arch)

    def test_decisions_mean_architectures_or_nothing(self, space: SearchSpace) -> None:
        if space.options is None:
            return
        rng = np.random.default_rng(6)
        meant = [space.decide(tuple(rng.integers(space.options).tolist())) for _ in range(DRAWS)]
        assert any(arch is not None for arch in meant)
        assert all(space.is_valid(arch) for arch in meant if arch is not None)
        for arch in self.some(space, 50):
            assert space.decide(arch) == arch

    def test_a_graph_has_an_operation_on_every_vertex(self, space: SearchSpace) -> None:
        names = set()
        for arch in self.some(space, 20):
            graph = space.graph(arch)
            vertices = len(graph.ops)
            assert graph.adjacency.shape == (vertices, vertices)
            assert graph.adjacency.dtype == bool
            assert not np.tril(graph.adjacency).any(), "edges go from earlier to later vertices"
            assert graph.ops.min() >= 0 and graph.ops.max() < len(graph.names)
            names.add(graph.names)
        assert len(names) == 1, "the predictor reads the graphs of a space by one list of names"
