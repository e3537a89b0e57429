"""Functions that build modules in the ways that people write them, and in those that go wrong."""

from __future__ import annotations

import os
import random
import time
import warnings
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import nassearch as ns
from nassearch.errors import InvalidModel
from nassearch.networks.module_network import ModuleNetwork
from nassearch.scorers import ProxyScorer, compute_scores
from nassearch.spaces import ModuleSpace
from nassearch.spaces.built import built
from nassearch.types import Batch, Task

TASK = Task((3, 8, 8), 4)
RNG = np.random.default_rng(0)
BATCH = Batch(RNG.standard_normal((16, 3, 8, 8)).astype(np.float32), RNG.integers(0, 4, 16))


def net(width: int, *, classes: int = 4) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, width, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, classes)
    )


def scores(space: ModuleSpace, name: str = "snip", **options: Any) -> list[float]:
    scorer = ProxyScorer(ns.load("proxies", name), space, TASK, BATCH, options)
    return scorer([*space.all()]).tolist()  # type: ignore[no-any-return]


def space_of(build: Callable[..., Any]) -> ModuleSpace:
    return ns.Space({"width": [2, 4, 8]}, build)


def test_weights_follow_the_seed_and_nobodys_generator_moves() -> None:
    space = space_of(net)
    before = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()  # type: ignore[union-attr]
    first = scores(space)
    torch.rand(3)
    torch.set_rng_state(before[0])
    assert scores(space) == first == scores(space, seed=0)
    assert all(a != b for a, b in zip(first, scores(space, seed=1), strict=True))
    after = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()  # type: ignore[union-attr]
    assert torch.equal(before[0], after[0]) and before[1:] == after[1:]


def test_what_is_computed_together_is_what_is_computed_alone() -> None:
    space, archs = space_of(net), [(0,), (1,), (2,)]
    specs = [
        ("snip", {}),
        ("snip", {"seed": 1}),
        ("params", {}),
        ("synflow", {"seed": 1}),
        ("naswot", {"batch_size": 8}),
    ]
    scorers = [ProxyScorer(ns.load("proxies", name), space, TASK, BATCH, options) for name, options in specs]
    compute_scores(scorers, archs)
    for scorer, (name, options) in zip(scorers, specs, strict=True):
        assert scorer(archs).tolist() == scores(space, name, **options)
    assert scores(space, "params") == [float(w * 28 + 4 * w + 4) for w in (2, 4, 8)]


def reseeding(width: int) -> nn.Module:
    torch.manual_seed(7)
    np.random.seed(7)
    random.seed(7)
    return net(width)


def settings(width: int) -> nn.Module:
    torch.set_default_dtype(torch.float32)
    torch.set_grad_enabled(False)
    torch.set_num_threads(3)
    torch.use_deterministic_algorithms(True)
    return net(width)


def double(width: int) -> nn.Module:
    torch.set_default_dtype(torch.float64)
    return net(width)


def dropping(width: int) -> nn.Module:
    return nn.Sequential(nn.Dropout(0.5), net(width), nn.Dropout(0.1))


def lazy(width: int) -> nn.Module:
    return nn.Sequential(
        nn.LazyConv2d(width, 3), nn.LazyBatchNorm2d(), nn.ReLU(), nn.Flatten(), nn.LazyLinear(4)
    )


def printing(width: int) -> nn.Module:
    print("building", width)
    return net(width)


def slow(width: int) -> nn.Module:
    time.sleep(0.05)
    return net(width)


def own_weights(width: int) -> nn.Module:
    model = net(width)
    for parameter in model.parameters():
        nn.init.constant_(parameter, 0.1) if parameter.dim() == 1 else nn.init.orthogonal_(parameter)
    return model


def frozen(width: int) -> nn.Module:
    return net(width).requires_grad_(False)


class Made(nn.Module):
    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.body = net(width, classes=classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.body(x)  # type: ignore[no-any-return]


def evaluating(width: int) -> nn.Module:
    return net(width).eval()


@pytest.mark.parametrize(
    "build",
    [reseeding, settings, dropping, lazy, printing, slow, own_weights, frozen, Made, evaluating],
    ids=lambda build: build.__name__,
)
@pytest.mark.filterwarnings("error")
def test_odd_builds_are_scored_the_same_each_time(build: Any, capsys: pytest.CaptureFixture[str]) -> None:
    state = torch.get_num_threads(), torch.get_default_dtype(), torch.is_grad_enabled()
    drawn = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()  # type: ignore[union-attr]
    space = space_of(build)
    first = scores(space)
    assert np.isfinite(first).all() and scores(space_of(build)) == first
    assert (torch.get_num_threads(), torch.get_default_dtype(), torch.is_grad_enabled()) == state
    assert not torch.are_deterministic_algorithms_enabled()
    assert torch.equal(drawn[0], torch.get_rng_state())
    assert drawn[1:] == (np.random.get_state()[1].tolist(), random.getstate())  # type: ignore[union-attr]
    assert capsys.readouterr().out == "", "what build prints is no output of a command"


def test_a_module_of_the_callers_own_settings_is_like_any_other() -> None:
    expected = scores(space_of(net))
    with torch.no_grad():
        assert scores(space_of(net)) == expected
    with torch.inference_mode():
        assert scores(space_of(net)) == expected


SHARED = nn.Linear(4, 4)
ONE = net(4)


@lru_cache
def cached(width: int) -> nn.Module:
    return net(width)


def failing(width: int) -> nn.Module:
    raise ValueError("no such width")


def leaving(width: int) -> nn.Module:
    raise SystemExit(3)


def on_meta(width: int) -> nn.Module:
    with torch.device("meta"):
        return net(width)


def buffers_on_meta(width: int) -> nn.Module:
    model = net(width)
    model.register_buffer("table", torch.zeros(3, device="meta"))
    return model


WRONG: dict[str, tuple[Callable[..., Any], str]] = {
    "fails": (failing, r"none of 3 architectures .*build\(width=\d\) fails: ValueError: no such width \(.*py:\d+\)"),
    "leaves": (leaving, "fails: SystemExit: 3"),
    "no module": (lambda width: width, "returns 8: let it return a torch.nn.Module|returns .: let it return"),
    "a class": (lambda width: nn.ReLU, "let it return a torch.nn.Module"),
    "the same": (lambda width: ONE, "a module that it has returned before"),
    "cached": (cached, "a module that it has returned before"),
    "shared": (lambda width: nn.Sequential(net(width), SHARED), "modules that share 1.weight"),
    "classes": (lambda width: net(width, classes=7), "gives 7 logits, and the data have 4 classes: let build"),
    "input": (lambda width: nn.Sequential(nn.Flatten(), nn.Linear(12, 4)), "fails on inputs of shape .2, 3, 8, 8."),
    "vectors": (lambda width: nn.Linear(8, 4), "logits"),
    "tuple": (lambda width: nn.LSTM(8, 4), "fails|logits"),
    "no weights": (lambda width: nn.Flatten(), "has no parameters"),
    "meta": (on_meta, "is on the device meta"),
    "buffers on meta": (buffers_on_meta, "table of build.* is on the device meta"),
    "half": (lambda width: net(width).half(), "of dtype float16"),
    "lazy": (lambda width: nn.Sequential(nn.LazyLinear(4), nn.Linear(3, 4)), "has lazy layers and fails"),
}  # fmt: skip


@pytest.mark.parametrize("kind", WRONG)
def test_a_build_that_is_wrong_for_all_is_told_before_anything_is_scored(kind: str) -> None:
    build, message = WRONG[kind]
    with pytest.raises(InvalidModel, match=message):
        scores(space_of(build))


def test_weights_of_a_generator_of_its_own_are_told() -> None:
    def secret(width: int) -> nn.Module:
        model = net(width)
        nn.init.constant_(
            model[0].weight, int.from_bytes(os.urandom(2), "little") + random.SystemRandom().random()
        )  # type: ignore[index]
        return model

    with pytest.warns(RuntimeWarning, match="with one seed give 0.weight different weights"):
        space_of(secret).try_out(TASK)


def partly(width: int, *, classes: int) -> nn.Module:
    if width == 4:
        raise RuntimeError("4 is no width")
    return net(width, classes=classes + (width == 16))


def test_one_that_fails_for_some_has_no_score_and_a_reason() -> None:
    space = ns.Space({"width": [2, 4, 8, 16]}, partly)
    scorer = ProxyScorer(ns.load("proxies", "snip"), space, TASK, BATCH)
    archs = [*space.all()]
    with pytest.warns(RuntimeWarning, match="could not score 2 architectures"):
        found = scorer(archs)
    assert np.isnan(found).tolist() == [False, True, False, True]
    assert "RuntimeError: 4 is no width" in str(scorer.reason((1,)))
    assert "gives 5 logits, and the data have 4 classes" in str(scorer.reason((3,)))
    assert scorer.reason((0,)) is None


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_search_goes_on_where_some_have_no_module() -> None:
    from nassearch.benchmarks import FunctionBenchmark

    space = ns.Space(
        {"width": [2, 4, 8, 16], "other": [1, 2, 3]},
        lambda width, other, classes: partly(width, classes=classes),
    )
    bench = FunctionBenchmark(space, lambda arch: float(arch[0] in (1, 3)), TASK, batch=BATCH)
    result = ns.Experiment("gp", bench, budget=8, rounds=1, warmup=12, scorer="snip").run()
    assert len(result.rounds[0].archs) == 8


def test_a_proxy_without_a_meaning_is_refused_at_once() -> None:
    built_once: list[int] = []

    def counting(width: int) -> nn.Module:
        built_once.append(width)
        return net(width)

    with pytest.raises(
        ns.NassearchError, match=r"expressivity has no meaning for torch modules; these have one: .*zico"
    ):
        scores(space_of(counting), "expressivity")
    for name, options, message in (
        ("synflow", {"estimator": "expected"}, "estimator=sampled"),
        ("snip", {"init": "kaiming"}, "option init of snip has no meaning for torch modules"),
        ("epsilon", {"path": "collapsed"}, "path full alone"),
        ("epsilon", {"weights": "auto"}, "takes two numbers"),
    ):
        with pytest.raises(ns.NassearchError, match=message):
            scores(space_of(counting), name, **options)
    assert not built_once


def test_any_space_may_give_modules() -> None:
    from nassearch.spaces import Choices

    class Own(Choices):
        name = "own"
        choices = (("2", "4", "8"),)

        def network(self, arch: Any, task: Task) -> Any:
            return net((2, 4, 8)[arch[0]], classes=task.classes)

    network = built(Own(), (1,), TASK)
    assert isinstance(network, ModuleNetwork) and (network.input_shape, network.classes) == ((3, 8, 8), 4)
    for name in ("snip", "params", "synflow", "epsilon", "naswot"):
        scorer = ProxyScorer(ns.load("proxies", name), Own(), TASK, BATCH)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # epsilon has no value where nothing normalises
            np.testing.assert_array_equal(scorer([(0,), (1,), (2,)]), scores(space_of(net), name))
