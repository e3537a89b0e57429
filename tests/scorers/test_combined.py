"""Combined scorers: ranks, majorities and fallbacks against slow ones, nesting, and use in place of a scorer."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kendalltau, rankdata

from nassearch import registry
from nassearch.errors import InvalidSetting, NassearchError, UnknownName
from nassearch.networks.graph import Network
from nassearch.proxies.base import proxy
from nassearch.scorers import CombinedScorer, ProxyScorer, build_scorer
from nassearch.scorers.combinations import AT_ONCE, fallback, pair_accuracy, rank, share, vote
from nassearch.scorers.combined import Combination
from nassearch.scorers.spec import check_scorer, needs, needs_batch
from nassearch.spaces.nasbench201 import NASBench201
from nassearch.strategies.ae import AgingEvolution
from nassearch.types import Batch, Floats, Task

SPACE = NASBench201()
TASK = Task((1, 12), 4, (3, 4), 1, "pool")
ARCHS = list(dict.fromkeys(SPACE.sample_many(60, np.random.default_rng(0))))
BATCH = Batch(np.random.default_rng(0).normal(size=(16, 1, 12)).astype(np.float32))
NAN = float("nan")


@proxy(reference="a test", per_key=False)
def half(networks: Sequence[Network], batch: Batch | None) -> Floats:
    """Count layers; the largest networks are not scorable."""
    counts = [sum(len(block) for block in network.blocks()) for network in networks]
    return np.array([NAN if count > 36 else count for count in counts], np.float64)


def columns(parts: int, count: int, seed: int, missing: float = 0.3, values: int = 12) -> Floats:
    """Return scores `[parts, count]` with ties, infinities and NaN."""
    rng = np.random.default_rng(seed)
    scores = rng.integers(values, size=(parts, count)).astype(np.float64)
    scores[scores == 0] = -np.inf
    scores[scores == values - 1] = 1e47
    scores[rng.random(scores.shape) < missing] = NAN
    return scores


# ---- ranks


def test_a_rank_by_hand() -> None:
    scores = np.array([[1.0, 2, 3, 4], [40.0, NAN, 20, 10]])
    # Ranks as shares: 1/4 2/4 3/4 4/4, and of the three that the second scores 1, -, 2/3, 1/3.
    np.testing.assert_allclose(rank.function(scores, scores), [5 / 8, 1 / 2, 17 / 24, 2 / 3])
    weighted = rank.function(scores, scores, weights=(3, 1))
    np.testing.assert_allclose(weighted, [(3 / 4 + 1) / 4, 1 / 2, (9 / 4 + 2 / 3) / 4, (3 + 1 / 3) / 4])
    last = rank.function(scores, scores, missing="last")
    np.testing.assert_allclose(
        last, [(1 / 4 + 1) / 2, (2 / 4 + 1 / 4) / 2, (3 / 4 + 3 / 4) / 2, (1 + 2 / 4) / 2]
    )
    logs = rank.function(scores, scores, log=True)
    np.testing.assert_allclose(logs[0], np.log(1 / 4) / 2)


def test_logarithmic_ranks_are_those_of_az_nas() -> None:
    scores = columns(4, 50, 1, missing=0)
    theirs = sum(np.log(rankdata(row) / 50) for row in scores)
    np.testing.assert_allclose(rank.function(scores, scores, log=True), np.asarray(theirs) / 4)


@given(st.integers(0, 10**6), st.integers(1, 40))
@settings(max_examples=60, deadline=None)
def test_shares_are_the_mean_ranks_of_scipy(seed: int, count: int) -> None:
    (scores,) = columns(1, count, seed)
    known = ~np.isnan(scores)
    found = share(scores, scores)
    assert (np.isnan(found) == ~known).all()
    np.testing.assert_allclose(found[known] * known.sum(), rankdata(scores[known]))


def test_one_part_keeps_its_order_and_its_nan() -> None:
    (scores,) = part = columns(1, 80, 2)
    known = ~np.isnan(scores)
    for function in (rank.function, vote.function):
        found = function(part, part)
        assert (np.isnan(found) == ~known).all()
        np.testing.assert_array_equal(rankdata(found[known]), rankdata(scores[known]))


@pytest.mark.parametrize(
    ("combined", "options"),
    [
        (rank, {}),
        (rank, {"log": True}),
        (rank, {"missing": "last"}),
        (vote, {}),
        (fallback, {}),
        (fallback, {"place": "last"}),
    ],
)
def test_coverage_is_where_one_part_has_a_score(combined: Combination, options: dict[str, object]) -> None:
    parts = columns(3, 200, 3, missing=0.6)
    found = combined.function(parts, parts, **options)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(parts).all(axis=0))
    nothing = np.full((3, 5), NAN)
    assert np.isnan(combined.function(nothing, nothing, **options)).all()


# ---- majorities


def slow_wins(parts: Floats, among: Floats) -> list[float]:
    wins = []
    for i in range(parts.shape[1]):
        count = 0.0
        for j in range(among.shape[1]):
            lead = sum(int(p[i] > q[j]) - int(p[i] < q[j]) for p, q in zip(parts, among, strict=True))
            count += 1 if lead > 0 else 0.5 if lead == 0 else 0
        wins.append(NAN if np.isnan(parts[:, i]).all() else count)
    return wins


@pytest.mark.parametrize("parts", [1, 2, 3, 5])
def test_wins_are_those_of_a_loop_over_pairs(parts: int) -> None:
    own, others = columns(parts, 25, parts), columns(parts, 40, 10 + parts)
    np.testing.assert_array_equal(vote.function(own, own), slow_wins(own, own))
    np.testing.assert_array_equal(vote.function(own, others), slow_wins(own, others))


def test_a_majority_may_go_round_in_a_circle() -> None:
    # Condorcet's paradox: a > b > c by the first, b > c > a by the second, c > a > b by the third.
    parts = np.array([[3.0, 2, 1], [1.0, 3, 2], [2.0, 1, 3]])
    assert vote.function(parts, parts).tolist() == [1.5, 1.5, 1.5]
    # a beats b, b beats c, c beats a: two of the three pairs agree with any order that follows the circle.
    assert pair_accuracy(parts, np.array([3.0, 2.0, 1.0])) == pytest.approx(2 / 3)
    assert pair_accuracy(parts, np.array([1.0, 2.0, 3.0])) == pytest.approx(1 / 3)


def test_majorities_are_counted_in_pieces() -> None:
    count = 3000
    assert count * count > 4 * AT_ONCE
    parts = columns(3, count, 5, values=2000)
    whole = vote.function(parts, parts)
    picked = [0, 1, count // 2, count - 1]
    np.testing.assert_array_equal(whole[picked], slow_wins(parts[:, picked], parts))


def test_pair_accuracy_of_one_scorer_is_tau() -> None:
    rng = np.random.default_rng(6)
    scores, accuracies = rng.normal(size=(2, 300))
    tau = kendalltau(scores, accuracies)[0]
    assert pair_accuracy(scores[None], accuracies) == pytest.approx((tau + 1) / 2)


def test_pairs_that_are_undecided_count_half_and_equal_models_do_not() -> None:
    assert pair_accuracy(np.array([[1.0, NAN, 2.0]]), np.array([1.0, 2.0, 3.0])) == pytest.approx(2 / 3)
    assert pair_accuracy(np.array([[1.0, 2.0, 3.0]]), np.array([1.0, 1.0, 3.0])) == 1.0
    assert np.isnan(pair_accuracy(np.ones((1, 2)), np.ones(2)))


# ---- fallbacks


def test_a_fallback_by_hand() -> None:
    first = [5.0, NAN, 9.0, NAN, 7.0]
    second = [50.0, 40, 30, 20, 10]
    scores = np.array([first, second])
    # The second puts the three that the first can score in places 5, 3 and 1; the first orders them 9, 7, 5.
    interleaved = fallback.function(scores, scores)
    assert rankdata(interleaved).tolist() == [1, 4, 5, 2, 3]
    assert rankdata(fallback.function(scores, scores, place="last")).tolist() == [3, 2, 5, 1, 4]


@pytest.mark.parametrize("place", ["interleave", "last"])
def test_a_fallback_keeps_both_orders(place: str) -> None:
    rng = np.random.default_rng(8)
    scores = np.array([rng.permutation(300), rng.permutation(300)], np.float64)
    scores[0, rng.random(300) < 0.4] = NAN
    found = fallback.function(scores, scores, place=place)
    known = ~np.isnan(scores[0])
    for these, by in ((known, scores[0]), (~known, scores[1])):
        np.testing.assert_array_equal(rankdata(found[these]), rankdata(by[these]))
    if place == "last":
        assert found[known].min() > found[~known].max()
    else:
        np.testing.assert_array_equal(rankdata(found)[~known], rankdata(scores[1])[~known])


@pytest.mark.parametrize("place", ["interleave", "last"])
def test_a_fallback_that_is_never_needed_changes_nothing(place: str) -> None:
    scores = columns(3, 100, 9, missing=0)
    found = fallback.function(scores, scores, place=place)
    np.testing.assert_array_equal(rankdata(found), rankdata(scores[0]))


@pytest.mark.parametrize("place", ["interleave", "last"])
def test_a_fallback_where_the_next_scores_less(place: str) -> None:
    scores = np.array([[5.0, 4, 0], [NAN, NAN, 1]])
    assert rankdata(fallback.function(scores, scores, place=place)).tolist() == [3, 2, 1]


def in_order(values: Floats, scores: Floats) -> bool:
    """Say whether values follow scores exactly, ties included, wherever there is a score."""
    known = ~np.isnan(scores)
    return rankdata(values[known], "dense").tolist() == rankdata(scores[known], "dense").tolist()


@settings(max_examples=300, deadline=None)
@given(
    st.integers(2, 4),
    st.integers(1, 40),
    st.integers(0, 40),
    st.integers(0, 2**32),
    st.floats(0, 1),
    st.sampled_from(["interleave", "last"]),
)
def test_a_fallback_keeps_each_order_among_what_it_decides(
    parts: int, count: int, others: int, seed: int, missing: float, place: str
) -> None:
    scores = columns(parts, count, seed, missing, values=60)
    among = columns(parts, others, seed + 1, missing, values=60) if others else scores
    found = fallback.function(scores, among, place=place)
    undecided = np.full(count, True)
    for part in scores:
        assert in_order(found, np.where(undecided, part, NAN))
        undecided &= np.isnan(part)
    assert np.isnan(found[undecided]).all() and not np.isnan(found[~undecided]).any()


def test_a_fallback_chooses_the_child_that_its_first_scorer_chooses() -> None:
    first, both = scorer("synflow"), scorer("fallback(synflow, epsilon)")
    for arch in ARCHS[:40]:
        children = SPACE.neighbours(arch)
        assert in_order(both(children), first(children))


# ---- scorers


def scorer(text: str) -> ProxyScorer | CombinedScorer:
    return build_scorer(text, SPACE, TASK, BATCH)


def test_texts_become_what_they_say() -> None:
    parts = np.array([scorer("epsilon")(ARCHS), scorer("synflow")(ARCHS)])
    assert np.isnan(parts[0]).any()
    for text, expected in (
        ("rank(epsilon, synflow)", rank.function(parts, parts)),
        (
            "rank(epsilon, synflow, weights=(1, 2), log=true)",
            rank.function(parts, parts, weights=(1, 2), log=True),
        ),
        ("fallback(epsilon, synflow)", fallback.function(parts, parts)),
        ("vote(epsilon, synflow)", vote.function(parts, parts)),
    ):
        np.testing.assert_array_equal(scorer(text)(ARCHS), expected)


def test_they_nest() -> None:
    inner, flops = scorer("fallback(epsilon, synflow)")(ARCHS), scorer("flops")(ARCHS)
    both = np.array([inner, flops])
    nested = scorer("rank(fallback(epsilon, synflow), flops)")
    np.testing.assert_array_equal(nested(ARCHS), rank.function(both, both))
    assert [leaf.proxy.name for leaf in nested.leaves] == ["epsilon", "synflow", "flops"]
    assert scorer("synflow").leaves[0].proxy.name == "synflow"


def test_scores_are_relative_to_the_call_and_repeats_count_once() -> None:
    both = scorer("rank(synflow, flops)")
    whole, some = both(ARCHS), both(ARCHS[:20])
    assert not np.array_equal(whole[:20], some)
    np.testing.assert_array_equal(both(ARCHS[:20] + ARCHS[:5] * 3), np.concatenate([some, *[some[:5]] * 3]))
    assert both([]).shape == (0,)
    with pytest.raises(InvalidSetting, match="scored alone"):
        both(ARCHS[:1])


@pytest.mark.parametrize(
    "text", ["rank(epsilon, flops, among=200)", "vote(epsilon, flops, among=200)",
             "rank(fallback(epsilon, flops), synflow, among=200)", "fallback(epsilon, rank(flops, synflow), among=200)"]
)  # fmt: skip
def test_among_makes_scores_of_different_calls_compare(text: str) -> None:
    build = scorer(text)
    together = build(ARCHS)
    np.testing.assert_array_equal([float(build([arch])[0]) for arch in ARCHS], together)
    assert len(np.unique(together[~np.isnan(together)])) > 20
    # The draws themselves have the scores that they have among each other.
    draws = list(dict.fromkeys(SPACE.sample_many(200, np.random.default_rng(0))))
    alone = scorer(text.replace(", among=200", ""))(draws)
    np.testing.assert_array_equal(build(draws), alone)


def test_a_fitness_by_ranks_needs_others_to_compare_with() -> None:
    rng = np.random.default_rng(0)
    search = AgingEvolution(SPACE, rng, pool=4, tournament=2, fitness=scorer("rank(synflow, flops)"))
    with pytest.raises(InvalidSetting, match="among=1000"):
        search.tell(search.ask(), 50.0)
    search = AgingEvolution(
        SPACE, rng, pool=4, tournament=2, fitness=scorer("rank(synflow, flops, among=100)")
    )
    for _ in range(6):
        search.tell(search.ask(), 50.0)


def test_a_part_may_have_its_own_among() -> None:
    inner = scorer("rank(flops, synflow, among=100)")(ARCHS)
    columns_ = np.array([inner, scorer("params")(ARCHS)])
    outer = scorer("rank(rank(flops, synflow, among=100), params)")
    np.testing.assert_array_equal(outer(ARCHS), rank.function(columns_, columns_))


def test_workers_and_the_disk_change_nothing(tmp_path: Path) -> None:
    text, path = "rank(epsilon, fallback(epsilon, synflow), flops)", tmp_path / "scores.sqlite"
    expected = scorer(text)(ARCHS)
    two = build_scorer(text, SPACE, TASK, BATCH, workers=2, cache=path)
    np.testing.assert_array_equal(two(ARCHS), expected)
    seen: list[tuple[int, int]] = []
    again = build_scorer(text, SPACE, TASK, BATCH, cache=path, progress=lambda *done: seen.append(done))
    np.testing.assert_array_equal(again(ARCHS), expected)
    assert not seen


def test_parts_are_computed_once_however_often_they_are_named() -> None:
    seen: list[tuple[int, int]] = []
    text = "rank(synflow, fallback(epsilon, synflow), synflow)"
    build_scorer(text, SPACE, TASK, BATCH, progress=lambda *done: seen.append(done))(ARCHS)
    keys = {SPACE.key(arch) for arch in ARCHS}
    assert seen[-1] == (2 * len(keys), 2 * len(keys))


def test_a_combined_scorer_goes_to_other_processes() -> None:
    build = build_scorer("rank(synflow, flops, among=50)", SPACE, TASK, progress=lambda done, total: None)
    expected = build(ARCHS)
    copy = pickle.loads(pickle.dumps(build))
    np.testing.assert_array_equal(copy(ARCHS), expected)
    assert copy.progress is None


def test_third_parties_combine_their_own_scorers() -> None:
    parts = [ProxyScorer(half, SPACE, TASK), scorer("flops")]
    assert isinstance(parts[0], ProxyScorer)
    found = CombinedScorer(fallback, parts)(ARCHS)
    assert 0 < np.isnan(parts[0](ARCHS)).sum() < len(ARCHS)
    assert not np.isnan(found).any()


def test_a_search_takes_one_where_it_takes_a_scorer() -> None:
    guide = scorer("rank(synflow, flops)")
    rng = np.random.default_rng(0)
    search = AgingEvolution(SPACE, rng, pool=4, tournament=2, move=guide, explore=0.0)
    ranking = search.warm_up(guide, 40, rng)
    drawn = SPACE.sample_many(40, np.random.default_rng(1))
    best = search.warm_up(guide, 40, np.random.default_rng(1))[0]
    assert guide(drawn)[drawn.index(best)] == guide(drawn).max()
    for _ in range(6):
        search.tell(search.ask(), 50.0)
    assert len(ranking) == 40


# ---- what is said of them


def test_needs_are_found_through_nesting() -> None:
    assert needs("rank(flops, fallback(epsilon, synflow))") == {"inputs"}
    assert needs("vote") == {"inputs", "labels"}
    assert needs_batch("vote") and not needs_batch("rank(synflow, flops)")


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("rank(epsilon, sinflow)", UnknownName, "did you mean .*synflow"),
        ("fallbak(epsilon, synflow)", UnknownName, "did you mean fallback"),
        ("rank(rank(flops, parms))", UnknownName, "did you mean params"),
        ("rank(flops, wieghts=(1,))", UnknownName, "did you mean weights"),
        ("rank(flops, synflow(estimater=sampled))", UnknownName, "did you mean estimator"),
        ("rank", InvalidSetting, "at least 1 scorers"),
        ("fallback(epsilon)", InvalidSetting, "at least 2 scorers"),
        ("rank(flops, among=1)", InvalidSetting, "among is a whole number"),
        ("rank(flops, among=true)", InvalidSetting, "among is a whole number"),
        ("synflow(epsilon)", InvalidSetting, "takes options only.*fallback or rank or vote"),
    ],
)
def test_wrong_texts_are_refused_before_any_work(
    text: str, error: type[NassearchError], message: str
) -> None:
    with pytest.raises(error, match=message):
        check_scorer(text)
    with pytest.raises(error, match=message):
        scorer(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rank(flops, synflow, weights=(1,))", "one positive number for each of 2"),
        ("rank(flops, synflow, weights=(1, -2))", "one positive number"),
        ("rank(flops, weights=heavy)", "one positive number"),
        ("rank(flops, missing=first)", "skip or last"),
        ("fallback(epsilon, flops, place=first)", "interleave or last"),
    ],
)
def test_wrong_options_are_refused_when_built(text: str, message: str) -> None:
    with pytest.raises(InvalidSetting, match=message):
        scorer(text)


def test_no_name_is_both_a_proxy_and_a_combination() -> None:
    assert not set(registry.names("proxies")) & set(registry.names("combinations"))
    for name in registry.names("combinations"):
        part = registry.load("combinations", name)
        assert part.name == name and part.reference and part.__doc__
