"""Scorers: keys, caches on disk in every state of health, workers, and the text form."""

from __future__ import annotations

import multiprocessing
import pickle
import sqlite3
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nassearch.errors import InvalidArch, InvalidSetting, UnknownName
from nassearch.networks.counting import parameters
from nassearch.networks.graph import Network
from nassearch.proxies.base import proxy
from nassearch.scorers import ProxyScorer, build_scorer, parse_spec
from nassearch.scorers.cache.file import _write_ahead
from nassearch.scorers.cache.scores import VERSION, ScoreCache
from nassearch.spaces.nasbench201 import NASBench201
from nassearch.types import Batch, Floats, Task

SPACE = NASBench201()
TASK = Task((1, 12), 4, (3, 4), 1, "pool")
ARCHS = SPACE.sample_many(40, np.random.default_rng(0))
BATCH = Batch(np.random.default_rng(0).normal(size=(16, 1, 12)).astype(np.float32))
CALLS: list[int] = []


@proxy(reference="a test", higher_is_better=False, per_key=True, chunk=4)
def depth(networks: Sequence[Network], batch: Batch | None, *, stop_after: int = 10**9) -> Floats:
    """Count layers; the empty cells are not scorable."""
    if len(CALLS) >= stop_after:
        raise KeyboardInterrupt
    CALLS.append(len(networks))
    layers = [sum(len(block) for block in network.blocks()) for network in networks]
    return np.array([np.nan if count < 25 else count for count in layers], np.float64)


@proxy(reference="a test", per_key=True, chunk=64)
def odd(networks: Sequence[Network], batch: Batch | None) -> Floats:
    """Give values that a careless cache would change."""
    values = [np.nan, 1e300, 5e-324, -1 / 3, 0.1 + 0.2, 1e47 / 3]
    return np.array([values[k % len(values)] for k in range(len(networks))])


@pytest.fixture(autouse=True)
def no_calls() -> None:
    CALLS.clear()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "scores.sqlite"


def distinct(n: int) -> list[tuple[int, ...]]:
    return list({SPACE.key(arch): arch for arch in SPACE.all()}.values())[:n]


def test_one_key_is_scored_once() -> None:
    scorer = ProxyScorer(depth, SPACE, TASK)
    seen: dict[str, tuple[int, ...]] = {}
    second = next(arch for arch in SPACE.all() if seen.setdefault(SPACE.key(arch), arch) != arch)
    first = seen[SPACE.key(second)]
    scores = scorer([first, second, first])
    assert sum(CALLS) == 1
    assert len(set(scores[~np.isnan(scores)])) <= 1
    np.testing.assert_array_equal(scores, scores[[0, 0, 0]])


def test_counts_see_dead_layers() -> None:
    scorer = build_scorer("params", SPACE, TASK)
    dead, clean = scorer([(0, 0, 0, 3, 3, 3), (0, 0, 0, 3, 0, 0)])
    assert dead > clean


def test_lower_is_better_turns_the_sign_and_keeps_nan() -> None:
    scores = ProxyScorer(depth, SPACE, TASK)(ARCHS)
    assert scores.dtype == np.float64
    raw = depth([SPACE.network(SPACE.representative(arch), TASK) for arch in ARCHS])
    assert (scores[~np.isnan(scores)] < 0).all()
    assert 0 < np.isnan(scores).sum() < len(scores)
    assert np.isnan(scores).sum() == np.isnan(raw).sum()


def test_the_disk_gives_back_what_was_computed(path: Path) -> None:
    archs = distinct(24)
    computed = ProxyScorer(odd, SPACE, TASK, cache=path)(archs)
    read = ProxyScorer(odd, SPACE, TASK, cache=path)(archs)
    assert read.tobytes() == computed.tobytes() or _same_but_sign_of_nan(read, computed)
    assert np.isnan(computed).any()
    again = ProxyScorer(depth, SPACE, TASK, cache=path)
    again(archs)
    calls = sum(CALLS)
    ProxyScorer(depth, SPACE, TASK, cache=path)(archs)
    assert sum(CALLS) == calls == len(archs)


@proxy(reference="a test")
def endless(networks: Sequence[Network], batch: Batch | None) -> Floats:
    """Be infinite where there are parameters, one way or the other."""
    counts = np.array([parameters(network) for network in networks], np.float64)
    return np.where(counts % 3 == 0, np.inf, np.where(counts % 3 == 1, -np.inf, counts))


@proxy(reference="a test")
def talkative(networks: Sequence[Network], batch: Batch | None) -> list[float | str]:
    """Say why a network has no score."""
    return [float(n) if (n := parameters(network)) % 2 else "an even number" for network in networks]


def test_what_is_infinite_is_no_score_and_says_so(path: Path) -> None:
    archs = distinct(24)
    raw = endless([SPACE.network(arch, TASK) for arch in archs])
    assert set(np.sign(raw[np.isinf(raw)])) == {1.0, -1.0}
    for _ in range(2):  # the second time from the disk, where only scores are
        with pytest.warns(RuntimeWarning, match="endless could not score .* its value is infinite"):
            scores = ProxyScorer(endless, SPACE, TASK, cache=path)(archs)
        np.testing.assert_array_equal(scores, np.where(np.isinf(raw), np.nan, raw))


def test_a_text_in_the_place_of_a_score_is_the_reason() -> None:
    archs = distinct(24)
    with pytest.warns(RuntimeWarning, match="talkative could not score .* an even number"):
        scores = ProxyScorer(talkative, SPACE, TASK)(archs)
    assert 0 < np.isnan(scores).sum() < len(scores)
    np.testing.assert_array_equal(scores, talkative([SPACE.network(arch, TASK) for arch in archs]))


def _same_but_sign_of_nan(a: np.ndarray, b: np.ndarray) -> bool:
    valid = ~np.isnan(a)
    return a[valid].tobytes() == b[valid].tobytes() and bool((valid == ~np.isnan(b)).all())


def test_what_scores_depend_on_is_in_the_key(path: Path) -> None:
    other_batch = Batch(BATCH.inputs + 1)
    other_task = Task((1, 12), 4, (4, 4), 1, "pool")
    scorers = [
        build_scorer("epsilon", SPACE, TASK, BATCH, cache=path),
        build_scorer("epsilon", SPACE, TASK, other_batch, cache=path),
        build_scorer("epsilon", SPACE, other_task, BATCH, cache=path),
        build_scorer("epsilon(literal=True)", SPACE, TASK, BATCH, cache=path),
        build_scorer("epsilon(weights=(1e-3, 1))", SPACE, TASK, BATCH, cache=path),
        build_scorer("synflow", SPACE, TASK, BATCH, cache=path),
        build_scorer("synflow(estimator=sampled)", SPACE, TASK, cache=path),
        build_scorer("synflow(estimator=sampled, seed=1)", SPACE, TASK, cache=path),
    ]
    assert len({scorer.context for scorer in scorers}) == len(scorers)
    apart = [build_scorer_like(scorer)(ARCHS) for scorer in scorers]
    for scorer, expected in zip(scorers, apart, strict=True):
        np.testing.assert_array_equal(scorer(ARCHS), expected)
    # What does not matter is not: a batch that synflow never sees, and defaults written out.
    assert build_scorer("synflow(seed=0)", SPACE, TASK).context == scorers[5].context
    assert build_scorer("epsilon(weights=(1e-7, 1))", SPACE, TASK, BATCH).context == scorers[0].context


def build_scorer_like(scorer: ProxyScorer) -> ProxyScorer:
    return ProxyScorer(scorer.proxy, SPACE, scorer.task, scorer.batch, scorer.options)


def test_automatic_weights_stand_in_the_key_as_the_pair_they_are() -> None:
    scorer = build_scorer("epsilon(weights=auto)", SPACE, TASK, BATCH)
    low, high = scorer.options["weights"]
    assert low < high
    assert build_scorer(f"epsilon(weights=({low}, {high}))", SPACE, TASK, BATCH).context == scorer.context


def test_an_interruption_loses_the_chunk_in_flight_only(path: Path) -> None:
    archs = distinct(20)
    scorer = ProxyScorer(depth, SPACE, TASK, options={"stop_after": 3}, cache=path)
    with pytest.raises(KeyboardInterrupt):
        scorer(archs)
    assert len(ScoreCache(path, scorer.context).get([SPACE.key(arch) for arch in archs])) == 12


def test_progress_counts_what_is_computed() -> None:
    seen: list[tuple[int, int]] = []
    scorer = ProxyScorer(depth, SPACE, TASK, progress=lambda done, total: seen.append((done, total)))
    scorer(distinct(10))
    assert seen == [(4, 10), (8, 10), (10, 10)]
    scorer(distinct(10))
    assert len(seen) == 3


def test_workers_change_nothing(path: Path) -> None:
    alone = build_scorer("epsilon", SPACE, TASK, BATCH)(ARCHS)
    together = build_scorer("epsilon", SPACE, TASK, BATCH, workers=2, cache=path)(ARCHS)
    assert _same_but_sign_of_nan(alone, together)


def test_a_scorer_can_be_pickled(path: Path) -> None:
    scorer = build_scorer("synflow", SPACE, TASK, cache=path, progress=lambda done, total: None)
    scores = scorer(ARCHS[:20])
    copy = pickle.loads(pickle.dumps(scorer))
    np.testing.assert_array_equal(copy(ARCHS[:20]), scores)
    assert copy(ARCHS).shape == (40,)


def test_a_warm_memory_is_fast() -> None:
    scorer = build_scorer("params", SPACE, TASK)
    archs = SPACE.sample_many(3000, np.random.default_rng(1))
    scorer(archs)
    seconds = []
    for _ in range(20):
        start = time.perf_counter()
        scorer(archs)
        seconds.append(time.perf_counter() - start)
    # 0.3 ms when measured; the best of 20 on a busy machine has ten times that.
    assert min(seconds) < 3e-3


def test_an_architecture_of_another_space_is_refused() -> None:
    with pytest.raises(InvalidArch, match="six operations"):
        build_scorer("params", SPACE, TASK)([(1, 2, 3)])


def test_no_archs_no_scores() -> None:
    assert build_scorer("params", SPACE, TASK)([]).shape == (0,)


# ---- a cache in bad health


def test_a_damaged_cache_is_set_aside(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"this is not a database, however long it is" * 100)
    with pytest.warns(RuntimeWarning, match="damaged"):
        scores = ProxyScorer(depth, SPACE, TASK, cache=path)(ARCHS)
    np.testing.assert_array_equal(scores, ProxyScorer(depth, SPACE, TASK)(ARCHS))
    assert path.with_name("scores.sqlite.corrupt").read_bytes().startswith(b"this is not")
    CALLS.clear()
    ProxyScorer(depth, SPACE, TASK, cache=path)(ARCHS)
    assert not CALLS


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_truncated_cache_never_gives_a_wrong_score(path: Path, share: float) -> None:
    archs = distinct(3000)
    expected = build_scorer("params", SPACE, TASK, cache=path)(archs)
    whole = path.read_bytes()
    for journal in ("-wal", "-shm"):
        path.with_name(path.name + journal).unlink(missing_ok=True)
    path.write_bytes(whole[: int(len(whole) * share)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        np.testing.assert_array_equal(build_scorer("params", SPACE, TASK, cache=path)(archs), expected)
    np.testing.assert_array_equal(build_scorer("params", SPACE, TASK, cache=path)(archs), expected)


@pytest.mark.parametrize("version", [0, VERSION + 1])
def test_a_cache_of_another_version_is_set_aside(path: Path, version: int) -> None:
    build_scorer("params", SPACE, TASK, cache=path)(ARCHS)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE scores SET score = 7")
        connection.execute(f"PRAGMA user_version = {version}")
    connection.close()
    with pytest.warns(RuntimeWarning, match=f"has format {version}"):
        scores = build_scorer("params", SPACE, TASK, cache=path)(ARCHS)
    assert not (scores == 7).any()
    assert path.with_name(f"scores.sqlite.version{version}").exists()


def test_a_place_that_cannot_be_written_costs_caching_only(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    scorer = ProxyScorer(depth, SPACE, TASK, cache=tmp_path / "file" / "scores.sqlite")
    with pytest.warns(RuntimeWarning, match="not cached") as caught:
        scores = scorer(ARCHS)
    assert len(caught) == 1
    np.testing.assert_array_equal(scores, ProxyScorer(depth, SPACE, TASK)(ARCHS))


def test_a_full_disk_costs_caching_only(path: Path) -> None:
    scorer = build_scorer("params", SPACE, TASK, cache=path)
    cache = scorer._cache
    assert cache is not None
    connection = cache._open()
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(
        f"PRAGMA max_page_count = {pages}"
    )  # SQLite then fails as it does when the disk is full
    archs = list(SPACE.all())[:3000]
    with pytest.warns(RuntimeWarning, match="full") as caught:
        scores = scorer(archs)
    assert len(caught) == 1
    np.testing.assert_array_equal(scores, build_scorer("params", SPACE, TASK)(archs))


def test_several_processes_share_a_cache(path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    with context.Pool(3) as pool:
        results = pool.map(_score_part, [(str(path), start) for start in (0, 10, 20)])
    expected = build_scorer("params", SPACE, TASK)(ARCHS)
    for start, part in zip((0, 10, 20), results, strict=True):
        assert part == expected[start : start + 20].tolist()
    cache = ScoreCache(path, build_scorer("params", SPACE, TASK).context)
    assert len(cache.get([SPACE.format(arch) for arch in ARCHS])) == len({SPACE.format(a) for a in ARCHS})


def _score_part(work: tuple[str, int]) -> list[float]:
    path, start = work
    scorer = build_scorer("params", SPACE, TASK, cache=path)
    return [float(scorer([arch])[0]) for arch in ARCHS[start : start + 20]]


# ---- the text form


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("synflow", ("synflow", [], {})),
        (" synflow() ", ("synflow", [], {})),
        ("synflow(estimator=sampled, seed=3)", ("synflow", [], {"estimator": "sampled", "seed": 3})),
        ("epsilon(weights=(1e-7, 1))", ("epsilon", [], {"weights": (1e-7, 1)})),
        ("a(x=-1.5, y='b c', z=true, w=None)", ("a", [], {"x": -1.5, "y": "b c", "z": True, "w": None})),
        ("rank(synflow, epsilon(literal=True))", ("rank", ["synflow", "epsilon(literal=True)"], {})),
        ("rank(a(x=1), f(b, c), log=true)", ("rank", ["a(x=1)", "f(b, c)"], {"log": True})),
    ],
)
def test_specs_are_read(text: str, expected: object) -> None:
    assert parse_spec(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "synflow(",
        "synflow(3)",
        "a.b",
        "a(x=__import__('os'))",
        "a(**b)",
        "1",
        "a + b",
        "a()()",
        "a(x=[1, f(2)])",
    ],
)
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(InvalidSetting, match="is not a scorer"):
        parse_spec(text)


def test_wrong_specs_offer_what_is_near() -> None:
    with pytest.raises(UnknownName, match=r"did you mean .*synflow"):
        build_scorer("sinflow", SPACE, TASK)
    with pytest.raises(UnknownName, match="did you mean estimator"):
        build_scorer("synflow(estimater=sampled)", SPACE, TASK)
    with pytest.raises(InvalidSetting, match="needs a batch"):
        build_scorer("epsilon", SPACE, TASK)
    with pytest.raises(InvalidSetting, match="takes options only"):
        build_scorer("synflow(epsilon)", SPACE, TASK)
    with pytest.raises(InvalidSetting, match="two numbers"):
        build_scorer("epsilon(weights=wide)", SPACE, TASK, BATCH)


def test_a_cache_that_answers_with_another_key_is_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Misled:
        """A file whose index leads to another row."""

        def execute(self, *_: object) -> Any:
            return Rows([("b", 1.0)])

    class Rows(list[Any]):
        def fetchone(self) -> tuple[int]:
            return (1,)

    cache = ScoreCache(tmp_path / "scores.sqlite", "context")
    cache.put({"a": 1.0})
    opened = cache._open
    answers = iter([Misled()])
    monkeypatch.setattr(cache, "_open", lambda: next(answers, None) or opened())
    with pytest.warns(RuntimeWarning, match="is damaged .*a score of another key than was asked for"):
        assert cache.get(["a"]) == {}
    cache.put({"a": 1.0})
    assert cache.get(["a"]) == {"a": 1.0}


@pytest.mark.parametrize(("error", "tries"), [("database is locked", 3), ("disk I/O error", 1)])
def test_a_locked_cache_is_waited_for(error: str, tries: int) -> None:
    class Busy:
        """A file that others hold twice."""

        asked = 0

        def execute(self, _: str) -> None:
            self.asked += 1
            if self.asked < 3:
                raise sqlite3.OperationalError(error)

    connection: Any = Busy()
    if tries == 3:
        _write_ahead(connection)
    else:
        with pytest.raises(sqlite3.OperationalError, match=error):
            _write_ahead(connection)
    assert connection.asked == tries
