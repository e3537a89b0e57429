"""What every combination of scorers has to keep."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest

from nassearch import registry
from nassearch.errors import InvalidSetting, NassearchError, UnknownName
from nassearch.proxies.base import Proxy
from nassearch.scorers.combined import Combination, CombinedScorer
from nassearch.scorers.proxy import ProxyScorer
from nassearch.spaces.nasbench201 import NASBench201
from nassearch.testing.surroundings import elsewhere, equal, left_as_found
from nassearch.types import Floats, Task

ROUNDS = 20
"""Made-up scores that each law is held to: few architectures with ties, more with none, some without a score."""
NONSENSE = "no such value"


class CombinationContract:
    """Tests of one combination. A subclass overrides `combination`."""

    first_decides: ClassVar[bool] = False
    """Whether the order of the first part is kept exactly, and that of the next among what only it scores."""
    texts: ClassVar[tuple[str, ...]] = ()
    """Options that may be any text."""

    @pytest.fixture
    def combination(self) -> Combination:
        """Return the combination; a subclass overrides this."""
        raise NotImplementedError("override the fixture combination: it returns what @combination made")

    def made_up(self, combination: Combination, missing: float = 0.3) -> list[tuple[Floats, Floats]]:
        """Return scores of N architectures by P parts and of M to compare with, read-only, in many shapes."""
        made = []
        for seed in range(ROUNDS):
            rng = np.random.default_rng(seed)
            parts = max(combination.least, 1 + seed % 4)
            parts = min(parts, combination.most or parts)
            columns = rng.integers(3 + seed, size=(parts, 8 + 2 * seed)).astype(np.float64)
            columns[rng.random(columns.shape) < missing] = np.nan
            among = columns if seed % 2 else np.hstack([columns, rng.integers(9, size=(parts, 7)) + 0.5])
            for scores in (columns, among):
                scores.setflags(write=False)
            made.append((columns, among))
        return made

    def test_declares_what_it_is(self, combination: Combination) -> None:
        assert combination.name.isidentifier(), (
            "a combination has a name that can be written in a scorer's text"
        )
        assert combination.reference, "a combination says where it comes from"
        assert combination.__doc__, "a combination has a docstring that says what it does"
        assert 1 <= combination.least <= (combination.most or combination.least), (
            "least and most bound the parts"
        )
        if combination.default:
            assert combination.parts(()) == combination.default, "the default parts are as many as it takes"
        wrong = [combination.least - 1] if not combination.default else []
        for count in [*wrong, *([] if combination.most is None else [combination.most + 1])]:
            with pytest.raises(InvalidSetting, match="combines"):
                combination.parts(["params"] * count)

    def test_one_float_for_each_architecture(self, combination: Combination) -> None:
        for parts, among in self.made_up(combination):
            before = parts.tobytes(), among.tobytes()
            with left_as_found(combination.name):
                scores = combination.function(parts, among)
            assert isinstance(scores, np.ndarray) and scores.dtype == np.float64, "scores are float64"
            assert scores.shape == parts.shape[1:], "there is one score for each architecture"
            assert (parts.tobytes(), among.tobytes()) == before, "the parts' scores are not written to"
            assert equal(scores, combination.function(parts, among)), "the same scores give the same bits"

    def test_nan_where_nothing_is_known_and_nowhere_infinite(self, combination: Combination) -> None:
        for parts, among in self.made_up(combination):
            scores = combination.function(parts, among)
            assert np.isnan(scores[np.isnan(parts).all(axis=0)]).all(), "what no part can score has no score"
            assert np.isfinite(scores[~np.isnan(parts).any(axis=0)]).all(), (
                "what every part scores has a score"
            )
            assert not np.isinf(scores).any(), "a score is a number or NaN, never infinite"
        nothing = np.full((combination.least, 4), np.nan)
        assert np.isnan(combination.function(nothing, nothing)).all(), (
            "where no part scores anything all are NaN"
        )

    def test_higher_in_every_part_is_higher(self, combination: Combination) -> None:
        for parts, among in self.made_up(combination, missing=0):
            scores = combination.function(parts, among)
            above = (parts[:, :, None] > parts[:, None, :]).all(axis=0)
            not_below = (parts[:, :, None] >= parts[:, None, :]).all(axis=0)
            gaps = scores[:, None] - scores[None, :]
            assert (gaps[not_below] >= 0).all(), (
                "what no part scores lower is not scored lower: higher is better"
            )
            assert (gaps[above] > 0).all() or among is not parts, (
                "what every part scores higher is scored higher"
            )

    def test_order_and_company_mean_nothing(self, combination: Combination) -> None:
        for seed, (parts, among) in enumerate(self.made_up(combination)):
            rng = np.random.default_rng(seed)
            scores = combination.function(parts, among)
            order, others = rng.permutation(parts.shape[1]), rng.permutation(among.shape[1])
            assert equal(combination.function(parts[:, order], among), scores[order]), (
                "in another order every architecture has the same bits"
            )
            assert equal(combination.function(parts, among[:, others]), scores), (
                "the order of those that are compared with means nothing"
            )
            place = int(rng.integers(parts.shape[1]))
            assert equal(combination.function(parts[:, [place]], among), scores[[place]]), (
                "compared with the same, an architecture scores alone as among others"
            )

    def test_the_first_part_decides_where_that_is_declared(self, combination: Combination) -> None:
        if not self.first_decides:
            return
        for parts, among in self.made_up(combination):
            scores = combination.function(parts, among)
            unknown = np.ones(parts.shape[1], bool)
            for number, part in enumerate(parts):
                own = unknown & ~np.isnan(part)
                gaps = np.sign(part[own, None] - part[None, own])
                kept = np.sign(scores[own, None] - scores[None, own])
                assert (gaps == kept).all(), (
                    f"the order by part {number} is kept exactly, ties too, among what it is the first to score"
                )
                unknown &= ~own

    def test_options_are_those_it_lists(self, combination: Combination) -> None:
        defaults = {name: value for name, value in combination.options.items() if name != "among"}
        for parts, among in self.made_up(combination)[:3]:
            assert equal(
                combination.function(parts, among, **defaults), combination.function(parts, among)
            ), "an option that is given its default changes nothing"
        with pytest.raises(UnknownName, match="no_such_option"):
            combination.check({"no_such_option": 1})
        for wrong in (0, 1, True, "many", 2.5):
            with pytest.raises(InvalidSetting, match="among is a whole number"):
                combination.check({"among": wrong})

    def test_wrong_values_of_options_are_refused(self, combination: Combination) -> None:
        (parts, among), *_ = self.made_up(combination)
        taken = []
        for name in sorted(combination.options.keys() - {"among", *self.texts}):
            try:
                combination.check({name: NONSENSE})
                combination.function(parts, among, **{name: NONSENSE})
                taken.append(name)
            except NassearchError:
                continue
            except Exception as error:
                taken.append(f"{name} ({type(error).__name__})")
        assert not taken, (
            "a value that an option cannot have is refused by an InvalidSetting or UnknownName which says the rule; "
            f"the text {NONSENSE!r} was taken for {', '.join(taken)}"
        )

    def test_another_process_gives_the_same_scores(self, combination: Combination) -> None:
        parts, among = self.made_up(combination)[-1]
        (there,) = elsewhere(_combined, [(combination, parts, among)])
        assert equal(there, combination.function(parts, among)), (
            "a combination goes to another process and gives the same bits there"
        )

    def test_scorers_with_among_compare_beyond_one_call(self, combination: Combination) -> None:
        space, task = NASBench201(), Task((3, 8, 8), 4, (4,), 1)
        counts: list[Proxy] = [registry.load("proxies", name) for name in ("params", "flops")]
        some = [ProxyScorer(counts[i % 2], space, task) for i in range(max(combination.least, 1))]
        scorer = CombinedScorer(combination, some, {"among": 50})
        archs = space.sample_many(8, np.random.default_rng(0))
        scores = scorer(archs)
        assert equal(scores, np.concatenate([scorer([arch]) for arch in archs])), (
            "with among=M scores of different calls compare"
        )
        with pytest.raises(InvalidSetting, match="compares"):
            CombinedScorer(combination, some)(archs[:1])


def _combined(given: tuple[Combination, Floats, Floats]) -> Any:
    combination, parts, among = given
    return combination.function(parts, among)
