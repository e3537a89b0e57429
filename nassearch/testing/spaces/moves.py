"""What every search space has to keep of its draws, its neighbours and its mutations."""

from __future__ import annotations

from collections import Counter, deque
from itertools import pairwise

import numpy as np

from nassearch.spaces.base import SearchSpace
from nassearch.testing.chance import UNLIKELY, draws_for_all, unevenness
from nassearch.testing.spaces.setting import WHOLE, SpaceSetting
from nassearch.testing.surroundings import left_as_found

BINS, PER_BIN = 100, 100
"""Stretches of `all()` that draws are counted in, and draws for each."""
ALONE = 1_000
"""Architectures up to which single draws are made until every one must have come."""
CONNECTED = 2_000
"""Architectures up to which a way is looked for from one to all others."""


class MovesContract(SpaceSetting):
    """The part of `SpaceContract` on moving within the space."""

    def test_samples_follow_their_stream(self, space: SearchSpace) -> None:
        with left_as_found("sampling"):
            first, again, other = (space.sample_many(50, np.random.default_rng(seed)) for seed in (1, 1, 2))
        assert first == again, "the same stream draws the same architectures"
        assert first != other, "another stream draws others"
        assert all(map(space.is_valid, first)), "what is drawn is valid"
        assert space.is_valid(space.sample(np.random.default_rng(3))), "what is drawn is valid"
        assert space.sample_many(0, np.random.default_rng(4)) == [], "no draws are an empty list"

    def test_every_architecture_is_drawn(self, space: SearchSpace) -> None:
        if not self.uniform or space.size > WHOLE:
            return
        rng, draws = np.random.default_rng(5), draws_for_all(space.size)
        seen = set()
        for start in range(0, draws, 20_000):
            seen |= set(space.sample_many(min(20_000, draws - start), rng))
            if len(seen) == space.size:
                return
        missing = next(arch for arch in space.all() if arch not in seen)
        # A uniform draw misses one with probability below 1e-10, see `draws_for_all`.
        raise AssertionError(
            f"sampling reaches every architecture: {space.size - len(seen)} of {space.size} are not among {draws} "
            f"draws, such as {space.format(missing)}"
        )

    def test_every_architecture_is_drawn_alone(self, space: SearchSpace) -> None:
        if not self.uniform or space.size > ALONE:
            return
        rng = np.random.default_rng(9)
        seen = {space.sample(rng) for _ in range(draws_for_all(space.size))}
        assert len(seen) == space.size, (  # by chance once in 1e10, see `draws_for_all`
            f"sample() reaches every architecture: {space.size - len(seen)} of {space.size} are not among "
            f"{draws_for_all(space.size)} draws"
        )

    def test_draws_are_uniform(self, space: SearchSpace) -> None:
        if not self.uniform:
            return
        for bins, how in ((min(space.size, BINS), "sample_many"), (min(space.size, BINS // 5), "sample")):
            rng, n = np.random.default_rng(6), bins * PER_BIN
            archs = (
                space.sample_many(n, rng) if how == "sample_many" else [space.sample(rng) for _ in range(n)]
            )
            counts = Counter(space.index(arch) * bins // space.size for arch in archs)
            if bins == 1:
                return
            starts = [-(-place * space.size // bins) for place in range(bins + 1)]
            shares = [(end - start) / space.size for start, end in pairwise(starts)]
            uneven = unevenness([counts[place] for place in range(bins)], shares)
            assert uneven < UNLIKELY, (  # by chance once in 1e12
                f"{how}() draws uniformly: the counts over {bins} stretches of all() are {uneven:.0f} standard "
                "deviations from even"
            )

    def test_neighbours_are_others_each_once_and_in_a_fixed_order(self, space: SearchSpace) -> None:
        for arch in self.some(space, 20):
            near = list(space.neighbours(arch))
            assert near == list(space.neighbours(arch)), "neighbours have a fixed order"
            assert near, "an architecture has a neighbour"
            assert len(near) == len(set(near)), "each neighbour is there once"
            assert arch not in near, "an architecture is no neighbour of itself"
            assert all(map(space.is_valid, near)), "neighbours belong to the space"

    def test_nobody_can_change_what_neighbours_returns(self, space: SearchSpace) -> None:
        (arch, *_) = self.lonely(space)
        given = space.neighbours(arch)
        before = list(given)
        if isinstance(given, list):
            given.pop()
        after = list(space.neighbours(arch))
        if isinstance(given, list):
            given[:] = before  # where it was the space's own, so that the other tests see what they should
        assert after == before, (
            "whoever changes the list that neighbours() returned changes nothing for others: return a new list, or a "
            "tuple"
        )

    def test_one_edit_undoes_another(self, space: SearchSpace) -> None:
        if self.symmetric:
            for arch in self.lonely(space):
                for near in space.neighbours(arch):
                    assert arch in space.neighbours(near), (
                        f"one edit undoes another: {space.format(near)} is a neighbour of {space.format(arch)}, "
                        "not the other way round; declare symmetric = False where that is meant"
                    )

    def test_another_option_of_one_decision_is_one_edit(self, space: SearchSpace) -> None:
        if space.options is None or not self.free:
            return
        for arch in self.lonely(space):
            near = set(space.neighbours(arch))
            for place, options in enumerate(space.options):
                for option in range(options):
                    meant = space.decide((*arch[:place], option, *arch[place + 1 :]))
                    assert meant is None or meant == arch or meant in near, (
                        f"all that are one edit away are neighbours: {space.format(meant)} is another option of "
                        f"decision {place} of {space.format(arch)}; declare free = False where that is no edit"
                    )

    def test_edits_lead_from_everywhere_to_everywhere(self, space: SearchSpace) -> None:
        if not self.symmetric or space.size > CONNECTED:
            return
        first = next(iter(space.all()))
        reached, ahead = {first}, deque([first])
        while ahead:
            fresh = [near for near in space.neighbours(ahead.popleft()) if near not in reached]
            reached.update(fresh)
            ahead.extend(fresh)
        assert len(reached) == space.size, (
            f"edits lead from every architecture to every other: {len(reached)} of {space.size} are reached"
        )

    def test_a_mutation_is_a_neighbour_and_every_neighbour_is_one(self, space: SearchSpace) -> None:
        rng = np.random.default_rng(5)
        for arch in self.lonely(space):
            near = list(space.neighbours(arch))
            found = Counter(space.mutate(arch, rng) for _ in range(30 * len(near)))
            assert found.keys() <= set(near), (
                "a mutation is one of the neighbours, and never the same architecture"
            )
            # One of n is missed by 30 n uniform draws with probability n * exp(-30), below 1e-10 for n under 1000.
            assert found.keys() == set(near), "every neighbour is a mutation"
            uneven = unevenness([found[other] for other in near]) if len(near) > 1 else 0.0
            assert uneven < UNLIKELY, (
                "a mutation is a uniform draw from the neighbours"
            )  # by chance once in 1e12

    def test_mutations_follow_their_stream(self, space: SearchSpace) -> None:
        some = self.some(space, 20)
        with left_as_found("a mutation"):
            first, again = (
                [space.mutate(arch, rng) for arch in some]
                for rng in (np.random.default_rng(7), np.random.default_rng(7))
            )
        assert first == again, "the same stream gives the same mutations"
