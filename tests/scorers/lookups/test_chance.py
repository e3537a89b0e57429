"""Baselines of chance: the random guide knows nothing, the oracle everything."""

from __future__ import annotations

import numpy as np
import pytest

import nassearch as ns
from nassearch.errors import InvalidSetting
from nassearch.scorers import build_scorer
from nassearch.types import Task

TASK = Task((3, 32, 32), 10)
BENCH = ns.load_benchmark("nasbench201", "mnist1d")
ARCHS = list(BENCH.space.all())[:2000]


def test_a_random_guide_gives_the_same_bytes_wherever_it_is_asked() -> None:
    one, other = (build_scorer(text, BENCH.space, TASK) for text in ("random", "random(seed=1)"))
    scores = one(ARCHS)
    # The first 53 bits of what `printf '0 nasbench201 4 2 1 2 1 1' | sha256sum` gives, and so on.
    assert scores[:3].tolist() == [0.9765686084807507, 0.22121625609579365, 0.8722454210682455]
    np.testing.assert_array_equal(one(ARCHS[::-1])[::-1], scores)
    assert len(set(scores)) == len(ARCHS) and (scores != other(ARCHS)).all()


def test_a_random_guide_knows_nothing() -> None:
    # Of 2,000 uniform independent numbers these differ from their expectation by 4.5 deviations once in 10^5.
    scores = build_scorer("random", BENCH.space, TASK)(ARCHS)
    reached = np.array([BENCH.expected(arch).test for arch in ARCHS])
    assert abs(scores.mean() - 0.5) < 4.5 / np.sqrt(12 * len(ARCHS))
    assert abs(np.corrcoef(scores, reached)[0, 1]) < 4.5 / np.sqrt(len(ARCHS))


@pytest.mark.parametrize("metric", ["test", "valid"])
def test_an_oracle_says_what_the_benchmark_says(metric: str) -> None:
    scorer = ns.make_scorer(f"oracle(metric={metric})", BENCH)
    wanted = [getattr(BENCH.expected(arch), metric) for arch in ARCHS[:50]]
    assert scorer(ARCHS[:50]).tolist() == wanted
    assert ns.make_scorer("oracle", "nasbench201", "mnist1d")(ARCHS[:1]) == [BENCH.expected(ARCHS[0]).test]


def test_an_oracle_without_a_benchmark_is_refused() -> None:
    with pytest.raises(InvalidSetting, match="oracle asks a benchmark, and there is none here"):
        build_scorer("oracle", BENCH.space, TASK)
    with pytest.raises(InvalidSetting, match="metric of oracle is test or valid, not 'loss'"):
        build_scorer("oracle(metric=loss)", BENCH.space, TASK, benchmark=BENCH)
    with pytest.raises(InvalidSetting, match="looks up architectures of a search space"):
        ns.score(object(), np.zeros((2, 3, 8, 8), np.float32), ["oracle"])


def test_a_search_lies_between_chance_and_the_oracle() -> None:
    found = {
        guide: ns.Experiment(
            "rand", benchmark=BENCH, rounds=10, budget=10, warmup=500, scorer=guide, choose="test"
        ).run(workers=2 if guide == "oracle" else None)
        for guide in ("random", "params", "oracle")
    }
    ends = {guide: each.curve().median()[0] for guide, each in found.items()}
    assert ends["random"] < ends["params"] < ends["oracle"]
    assert found["oracle"].header.experiment["scorer"] == "oracle"
