"""REINFORCE: rewards, controllers, degenerate cases, a golden trace."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from commands import call, install
from fakes import FakeBenchmark, flat, score, trace, worth

from nassearch import Experiment
from nassearch.errors import InvalidSetting, UnknownName
from nassearch.search.guidance import MOVE, WARMUP, score_ahead
from nassearch.search.records import round_line
from nassearch.search.runner import run_round, run_rounds
from nassearch.spaces.base import SearchSpace
from nassearch.spaces.nasbench101.space import NASBench101
from nassearch.spaces.nasbench201 import NASBench201
from nassearch.strategies.base import Guidance, Strategy
from nassearch.strategies.rl.strategy import Advantages, Controller, Reinforce, SoftmaxController
from nassearch.testing import StrategyContract
from nassearch.types import Arch, Floats

SPACE = NASBench201()
UNIFORM = math.log(SPACE.size)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def controller_of(name: str, options: tuple[int, ...], rate: float, weight: float) -> Controller:
    if name == "softmax":
        return SoftmaxController(options, rate, weight)
    pytest.importorskip("torch").set_num_threads(1)
    from nassearch.strategies.rl.controller import LSTMController

    return LSTMController(options, rate, weight, seed=0)


@pytest.mark.slow
class TestLSTM(StrategyContract):
    budget = 60
    warmed_by = 150

    @pytest.fixture
    def strategy_class(self) -> type[Strategy]:
        pytest.importorskip("torch").set_num_threads(1)
        return Reinforce

    @pytest.fixture
    def settings(self) -> dict[str, Any]:
        return {"controller": "lstm"}


def test_advantages_are_mapped_to_the_ends_so_far_less_the_average() -> None:
    advantage = Advantages(decay=0.75)
    # Rewards 0 (one value), 1 (the new end), 0 (the middle), -1 (the low end); the average moves a quarter each time.
    assert [advantage(value) for value in (10.0, 30.0, 20.0, 10.0)] == [0.0, 1.0, -0.25, -1.1875]


def test_advantages_do_not_depend_on_the_unit() -> None:
    values = rng(0).normal(size=50)
    # Powers of two and zero shifts leave no rounding behind; accuracies as fractions, percent or negated losses do.
    for scale, shift, exact in ((2.0**40, 0.0, True), (100.0, 0.0, False), (0.01, -7.0, False)):
        one, other = (Advantages(0.9), Advantages(0.9))
        pairs = [(one(value), other(value * scale + shift)) for value in values.tolist()]
        first, second = np.array(pairs).T
        # Rounding of the shift by 7 to 53 bits, over a width of about 0.05: some 1e-13.
        np.testing.assert_allclose(first, second, rtol=0, atol=0.0 if exact else 1e-11)


def test_what_is_no_number_is_the_lowest_reward_and_moves_no_end() -> None:
    advantage = Advantages(decay=1.0)  # the average stays at the first reward
    assert [advantage(value) for value in (0.0, math.nan, -math.inf, math.inf)] == [0.0, -1.0, -1.0, 1.0]
    assert (advantage.low, advantage.high) == (0.0, 0.0)
    assert Advantages(0.9)(math.nan) == 0  # the first: equal to its own average
    wide = Advantages(1.0)
    assert [wide(value) for value in (0.0, 1.7e308, -1.7e308)] == [0.0, 1.0, -1.0]


def test_equal_values_have_no_advantage() -> None:
    advantage = Advantages(0.9)
    assert {advantage(value) for value in [47.0] * 20} == {0.0}


def test_the_gradient_is_that_of_the_objective() -> None:
    options, arch, advantage, weight = (3, 2, 4), (2, 0, 1), 0.7, 0.3
    controller = SoftmaxController(options, 0.01, weight)
    start = rng(1).normal(size=controller.logs.shape)
    controller.logs += start
    controller._refresh()

    def objective(logits: Floats) -> float:
        total = 0.0
        for row, size, option in zip(logits, options, arch, strict=True):
            logs = row[:size] - np.log(np.exp(row[:size]).sum())
            total += advantage * logs[option] - weight * float((np.exp(logs) * logs).sum())
        return total

    gradient = np.zeros_like(start)
    for place in np.ndindex(start.shape):
        step = np.zeros_like(start)
        step[place] = 1e-6
        gradient[place] = (objective(start + step) - objective(start - step)) / 2e-6
    controller.learn(arch, advantage)
    # Central differences of width 1e-6 err by about 1e-10; the mean of Adam's first step is a tenth of the gradient.
    np.testing.assert_allclose(controller._mean * 10, gradient, rtol=0, atol=1e-8)


@pytest.mark.parametrize("name", ["softmax", "lstm"])
def test_a_controller_begins_uniform_and_follows_rewards(name: str) -> None:
    controller, other = (controller_of(name, (3, 2, 4), 0.05, 0.0) for _ in range(2))
    assert controller.entropy() == pytest.approx(math.log(24), abs=1e-12)  # rounding alone
    for _ in range(30):
        controller.learn((1, 1, 2), 1.0)
        other.learn((1, 1, 2), -1.0)
    assert controller.argmax() == (1, 1, 2)
    assert controller.entropy() < 1.5
    assert controller.draw(np.full(3, 0.5)) == (1, 1, 2)
    assert all(option != worst for option, worst in zip(other.argmax(), (1, 1, 2), strict=True))


@pytest.mark.parametrize("name", ["softmax", "lstm"])
def test_draws_are_options_that_exist(name: str) -> None:
    options = (3, 2, 4, 1)
    controller = controller_of(name, options, 0.05, 0.01)
    just_below_one = np.nextafter(1.0, 0.0)
    for uniform in (0.0, just_below_one):
        drawn = controller.draw(np.full(4, uniform))
        assert drawn == tuple(0 if uniform == 0 else size - 1 for size in options)
        controller.learn(drawn, 0.5)
    assert all(
        option < size
        for uniforms in rng(2).random((50, 4))
        for option, size in zip(controller.draw(uniforms), options, strict=True)
    )


def test_the_lstm_tells_decisions_by_those_before() -> None:
    controller = controller_of("lstm", (2, 2), 0.05, 0.0)
    for _ in range(60):  # pays where both are equal: no product of independent decisions does that
        for arch in ((0, 0), (1, 1), (0, 1), (1, 0)):
            controller.learn(arch, 1.0 if arch[0] == arch[1] else -1.0)
    drawn = [controller.draw(np.array([first, 0.5])) for first in (0.05, 0.95)]
    assert drawn == [(0, 0), (1, 1)]


def test_with_learning_rate_zero_it_inverts_uniform_numbers_step_by_step() -> None:
    searching = Reinforce(SPACE, rng(3), learning_rate=0, move=score, move_ratio=2)
    searching.warm_up(score, 50, rng(4))
    uniforms = rng(3).random((3 * 40, 6))
    expected = [tuple(map(int, row)) for row in np.floor(uniforms * 5)]
    assert trace(searching, 40) == expected[2::3]  # two scored, then one trained


def test_with_learning_rate_zero_it_is_random_search_in_distribution() -> None:
    asked = trace(Reinforce(SPACE, rng(5), learning_rate=0), 5000)
    for decision in range(6):
        counts = Counter(arch[decision] for arch in asked)
        # Binomial, 5000 draws of probability 0.2: a standard deviation of 28.3, and five of them on either side fail
        # one seed in 58,000 over these 30 counts; this seed is fixed.
        assert all(abs(counts[option] - 1000) < 5 * 28.3 for option in range(5))


@pytest.mark.parametrize("weight", [0.0, 0.1])
def test_a_constant_scorer_leaves_the_policy_as_it_was(weight: float) -> None:
    searching = Reinforce(SPACE, rng(6), entropy_weight=weight, move=flat, move_ratio=3)
    searching.warm_up(flat, 200, rng(7))
    assert isinstance(searching.controller, SoftmaxController)
    # Without advantage the entropy's gradient is left, 0 at the uniform policy but for rounding of some 1e-17, which
    # Adam enlarges by at most 1 / 1e-8 and 200 steps of the learning rate: below 1e-6.
    np.testing.assert_allclose(searching.controller.shares, 0.2, rtol=0, atol=1e-6 if weight else 0.0)
    for _ in range(5):
        searching.ask()
    np.testing.assert_allclose(searching.controller.shares, 0.2, rtol=0, atol=1e-6 if weight else 0.0)


def test_an_entropy_bonus_alone_leads_back_to_the_uniform_policy() -> None:
    controller = SoftmaxController((5, 5), 0.05, 1.0)
    controller.logs += rng(8).normal(size=(2, 5))
    controller._refresh()
    for _ in range(500):
        controller.learn((0, 0), 0.0)
    # Adam circles its target within about one step of 0.05 in the logits, thus 0.05 squared in entropy.
    assert controller.entropy() == pytest.approx(2 * math.log(5), abs=0.01)


def test_a_warm_up_of_nothing_but_nan_is_refused_and_moves_leave_numbers() -> None:
    def nothing(archs: Sequence[Arch]) -> Floats:
        return np.full(len(archs), np.nan)

    searching = Reinforce(SPACE, rng(9), move=nothing)
    with pytest.raises(InvalidSetting, match="none of the 100 architectures of a warm-up has a score"):
        searching.warm_up(nothing, 100, rng(10))
    trace(searching, 30)
    assert isinstance(searching.controller, SoftmaxController)
    assert np.isfinite(searching.controller.shares).all()


def test_a_warm_up_may_be_larger_than_the_space() -> None:
    assert Experiment("rl", warmup=SPACE.size + 5).warmup == SPACE.size + 5
    with pytest.raises(InvalidSetting, match="from 0 to 15625"):
        Experiment("rand", warmup=SPACE.size + 5)


def test_a_warm_up_and_a_move_lead_to_what_is_scored_high() -> None:
    plain, warm, moved = (
        Reinforce(SPACE, rng(13)),
        Reinforce(SPACE, rng(13)),
        Reinforce(SPACE, rng(13), move=score),
    )
    warm.warm_up(score, 1000, rng(14))
    first, second, third = (
        np.mean([worth(arch) for arch in trace(each, 50)]) for each in (plain, warm, moved)
    )
    # Of random architectures the mean is 20.4, of the best 54; a fixed seed, and margins far inside what is met.
    assert first < 30
    assert second > 35
    assert third > first + 3


def test_the_first_move_is_before_the_first_model_and_is_rewarded() -> None:
    seen: list[Arch] = []

    def spy(archs: Sequence[Arch]) -> Floats:
        seen.extend(archs)
        return score(archs)

    searching = Reinforce(SPACE, rng(15), move=spy, move_ratio=10)
    searching.ask()
    assert len(seen) == 10
    assert isinstance(searching.controller, SoftmaxController)
    assert searching.controller.entropy() < UNIFORM


def test_the_report_shows_how_a_long_warm_up_narrows_the_policy() -> None:
    searching = Reinforce(SPACE, rng(16))
    searching.warm_up(score, 5000, rng(17))
    trace(searching, 23)
    report = searching.report()
    assert list(report) == ["warm_up", "search"]
    warm_up, search = report["warm_up"], report["search"]
    assert warm_up["scored"] == list(range(0, 5001, 500))
    assert warm_up["entropy"][0] == pytest.approx(UNIFORM)
    assert warm_up["entropy"][-1] == search["entropy"][0] < UNIFORM / 2
    assert warm_up["distinct"][-1] < 4000
    assert search["models"] == [0, 1, 2, 5, 10, 20, 23]
    assert SPACE.parse(warm_up["argmax"][-1]) == (3,) * 6  # the scorer's favourite
    assert searching.report() == report


@pytest.mark.parametrize("controller", ["softmax", pytest.param("lstm", marks=pytest.mark.slow)])
def test_workers_change_no_byte(controller: str) -> None:
    if controller == "lstm":
        pytest.importorskip("torch").set_num_threads(1)
    make = partial(Reinforce, SPACE, controller=controller, move=score, move_ratio=2)
    budget = 20 if controller == "softmax" else 3
    one = [round_line(run_round(FakeBenchmark(), make, budget, 0, i, (score, 15))) for i in range(4)]
    two = run_rounds(FakeBenchmark(), make, budget, 0, range(4), (score, 15), workers=2)
    assert [round_line(number) for number in two] == one
    assert len(set(one)) == 4


class Constrained(NASBench201):
    """A space where some combinations of options are no architecture."""

    @property
    def options(self) -> None:  # type: ignore[override]
        return None


@pytest.mark.parametrize(
    ("space", "settings", "message"),
    [
        (SPACE, {"learning_rate": -0.1}, "learning_rate is a number of at least 0, not -0.1"),
        (SPACE, {"learning_rate": math.nan}, "learning_rate is a number of at least 0, not nan"),
        (SPACE, {"entropy_weight": "much"}, "entropy_weight is a number of at least 0, not 'much'"),
        (SPACE, {"baseline_decay": 1.1}, "baseline_decay is a number from 0 to 1, not 1.1"),
        (SPACE, {"baseline_decay": True}, "baseline_decay is a number from 0 to 1, not True"),
        (
            SPACE,
            {"move": score, "move_at": "child"},
            "a move at 'child' has no meaning for rl: it takes reward",
        ),
        (SPACE, {"move": score, "explore": 0.5}, "rl with a move at reward has none: leave it out"),
        (Constrained(), {}, "architectures of nasbench201 are not made of options: use ae or rand"),
    ],
)
def test_settings_that_cannot_be_right(space: SearchSpace, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidSetting, match=message):
        Reinforce(space, rng(), **settings)


def test_an_unknown_controller_is_refused() -> None:
    with pytest.raises(UnknownName, match="did you mean lstm"):
        Reinforce(SPACE, rng(), controller="lstn")


RUN = ("run", "rl", "--dataset", "cifar10", "--rounds", "4", "--budget", "30", "--scorer", "params")


def test_run_and_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install()
    monkeypatch.chdir(tmp_path)
    options = ("--warmup", "50", "--move", "params", "--move-ratio", "3", "--set", "entropy_weight=0.2")
    for out, more in (("a.jsonl", ()), ("b.jsonl", ("--workers", "2", "--no-cache"))):
        found = call(*RUN, *options, *more, "--out", out, "--json")
        assert found.exit_code == 0, found.stderr
        assert json.loads(found.stdout)["experiment"]["move_ratio"] == 3
    assert Path("a.jsonl").read_bytes() == Path("b.jsonl").read_bytes()
    text = call("show", "a.jsonl").stdout
    assert "rl, warm-up 50 by params, move params, ratio 3, entropy_weight=0.2, 4 rounds, budget 30" in text
    assert "warm up" in text
    assert "entropy" in text
    shown = json.loads(call("show", "a.jsonl", "--json").stdout)
    assert [each["search"]["models"] for each in shown["rounds"]] == [[0, 1, 2, 5, 10, 20, 30]] * 4
    first = shown["report"]["warm_up"][0]
    assert first["entropy"]["median"] == pytest.approx(UNIFORM)
    assert first["argmax"]["share"] == 1
    (alone,) = json.loads(call("show", "a.jsonl", "--round", "2", "--json").stdout)["rounds"]
    assert alone == shown["rounds"][2]
    refused = call("show", "a.jsonl", "--round", "4")
    assert "holds rounds 0 to 3, not 4" in refused.stderr


@pytest.mark.parametrize(
    ("warming", "steps", "ahead"),
    [(15_624, 0, []), (15_625, 0, [WARMUP]), (0, 15_625, [MOVE]), (20_000, 20_000, [WARMUP, MOVE])],
)
def test_what_is_scored_for_most_of_the_space_is_scored_ahead(
    warming: int, steps: int, ahead: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, int]] = []

    def compute(role: str, archs: Sequence[Arch], **options: Any) -> None:
        if archs:
            asked.append((role, len(set(archs))))

    monkeypatch.setattr("nassearch.search.guidance.compute_scores", compute)
    scorers = {
        role: SimpleNamespace(leaves=role, workers=1, executor="processes", progress=None)
        for role in (WARMUP, MOVE)
    }
    monkeypatch.setattr("nassearch.search.guidance.refuse_silent", lambda *asked: None)
    search = SimpleNamespace(space=SPACE, move_ratio=None, guidance=Guidance())
    roles = {WARMUP: "a", MOVE: "b"}
    score_ahead(scorers, roles, lambda rng: search, {}, 1, warming, steps)  # type: ignore[arg-type]
    assert asked == [(role, SPACE.size) for role in ahead]


def test_golden_trace() -> None:
    # See test_golden_traces of test_strategies.py for what to do when this breaks.
    searches = {
        "plain": Reinforce(SPACE, rng(42)),
        "move": Reinforce(SPACE, rng(42), move=score),
    }
    traces = {name: code(trace(search, 12)) for name, search in searches.items()}
    warm = Reinforce(SPACE, rng(42))
    warm.warm_up(score, 300, rng(43))
    assert {**traces, "warm-up": code(trace(warm, 12))} == GOLDEN


def code(archs: Sequence[Arch]) -> str:
    return " ".join("".join(map(str, arch)) for arch in archs)


GOLDEN = {
    "plain": "324304 330214 342120 433144 302003 341221 020324 314411 300033 332200 322332 210212",
    "move": "322332 100214 040034 030321 333231 303302 433331 131244 204333 323232 320420 323333",
    "warm-up": "333314 331333 333332 333343 323023 342332 232333 333333 322033 333322 333333 330323",
}


def test_decisions_that_mean_nothing_are_unlearnt() -> None:
    # The more edges the better: left alone the controller would soon draw ever more of them, and of 21 nine may stay.
    space, draws = NASBench101(), 0
    strategy = Reinforce(space, np.random.default_rng(0), entropy_weight=0.0)
    draw = strategy.controller.draw

    def counted(uniforms: Floats) -> tuple[int, ...]:
        nonlocal draws
        draws += 1
        return draw(uniforms)

    strategy.controller.draw = counted  # type: ignore[method-assign]

    def edges(archs: Sequence[Arch]) -> Floats:
        return np.array([float(sum(arch[:21])) for arch in archs])

    drawn = strategy.warm_up(edges, 1000, np.random.default_rng(1))
    assert all(map(space.is_valid, drawn))
    assert np.mean(edges(drawn[-50:])) > np.mean(edges(drawn[:50])) + 0.5
    # 1,139 draws for 1,000 cells when written; without the punishment 56,488.
    assert draws < 2 * len(drawn)
    asked = [strategy.ask() for _ in range(20)]
    for arch in asked:
        strategy.tell(arch, 1.0)
    assert all(map(space.is_valid, asked))
