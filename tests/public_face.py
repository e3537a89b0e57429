"""All of the public Python in one file that `mypy --strict` passes, and that tests/test_public_face.py runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure

import nassearch as ns
from nassearch.benchmarks import Batch, Benchmark, Dataset, Metrics, Task
from nassearch.proxies import Probe, Proxy, model_proxy, proxy
from nassearch.scorers import combination
from nassearch.spaces import Builder, Choices, Network, SearchSpace
from nassearch.strategies import AgingEvolution, Strategy
from nassearch.testing import (
    BenchmarkContract,
    CombinationContract,
    ProxyContract,
    SpaceContract,
    StrategyContract,
)
from nassearch.types import Arch, Floats, Scorer

CONTRACTS = (BenchmarkContract, CombinationContract, ProxyContract, SpaceContract, StrategyContract)
SMALL: dict[str, Any] = {"rounds": 3, "budget": 70}


def convolutions(archs: Sequence[Arch]) -> list[float]:
    """Count the convolutions of a cell of NAS-Bench-201: a scorer that is a plain function."""
    return [float(sum(option in (2, 3) for option in arch)) for arch in archs]


@proxy(reference="an example")
def blocks(networks: Sequence[Network], batch: Batch | None = None, *, scale: float = 1.0) -> Floats:
    """Count the blocks of a network; higher is better."""
    return np.array([scale * sum(1 for _ in network.blocks()) for network in networks], np.float64)


@model_proxy(reference="an example", reads=["gradients"], needs=["inputs", "labels"])
def steepest(probe: Probe) -> float:
    """Return the largest gradient; higher is better."""
    return max(float(gradient.abs().max()) for gradient in probe.gradients)


@combination(reference="an example", least=2)
def weakest(parts: Floats, among: Floats, *, scale: float = 1.0) -> Floats:
    """Return the lowest of the scores."""
    return np.asarray(scale * parts.min(axis=0))


class Widths(Choices):
    """Two layers of chosen widths."""

    name = "two-widths"
    choices = (("4", "8", "16"),) * 2

    def network(self, arch: Arch, task: Task) -> Network:
        build = Builder(task.input_shape)
        x = 0
        for option, names in zip(self.check(arch), self.choices, strict=True):
            x = build.relu(build.conv(x, int(names[option]), kernel=3, stride=2))
        build.linear(build.global_pool(x), task.classes)
        return Network(((build.done(), 1),))


class Toy(Benchmark):
    """A benchmark that computes its answers: the wider, the better, up to a point."""

    name = "toy"

    def __init__(self, best: int = 2) -> None:
        self.space, self.dataset, self.peak = Widths(), self.datasets()["signals"], best

    @classmethod
    def datasets(cls) -> dict[str, Dataset]:
        return {"signals": Dataset("signals", Task((1, 40), 10))}

    @classmethod
    def make_space(cls, dataset: str | None = None) -> SearchSpace:
        return Widths()

    @classmethod
    def open(cls, dataset: str | None = None) -> Toy:
        return cls()

    def query(self, arch: Arch, rng: np.random.Generator) -> Metrics:
        value = 90.0 - sum(abs(option - self.peak) for option in arch)
        return Metrics(value + float(rng.normal()), value, 1.0)


class Twice(AgingEvolution):
    """Aging evolution under another name."""


class Downhill(Strategy):
    """Take a neighbour of the best so far."""

    name = "downhill"

    def __init__(self, space: SearchSpace, rng: np.random.Generator, **guidance: Any) -> None:
        super().__init__(space, rng, **guidance)
        self.best: tuple[float, Arch] | None = None

    def start_from(self, ranking: Sequence[Arch]) -> None:
        self.best = (-np.inf, ranking[0])

    def ask(self) -> Arch:
        return self.space.sample(self.rng) if self.best is None else self.space.mutate(self.best[1], self.rng)

    def tell(self, arch: Arch, valid: float) -> None:
        if self.best is None or valid > self.best[0]:
            self.best = valid, arch


def searches(folder: Path) -> list[ns.Outcome]:
    """Run searches by name and by object, and read them again."""
    bench: Benchmark = ns.load_benchmark("nasbench201", "mnist1d")
    result: ns.Outcome = ns.Experiment(
        "ae", benchmark="nasbench201", dataset="mnist1d", warmup=100, move="params", scorer="params", **SMALL
    ).run(folder / "ae.jsonl", workers=2)
    mine = ns.Experiment(Downhill, benchmark=bench, scorer=convolutions, warmup=100, **SMALL)
    assert replace(mine, seed=0) == mine and hash(replace(mine, seed=0)) == hash(mine)
    other = mine.run(folder / "mine.jsonl", progress=True)
    ns.Experiment(Twice, scorer=blocks, warmup=50, settings={"fitness": convolutions}, **SMALL).run(workers=2)
    ns.Experiment("ae", move=convolutions, **SMALL).run(workers=2)
    ns.Experiment("rand", Toy, scorer=blocks, warmup=5, rounds=2, budget=5).run()
    ns.Experiment("rand", Toy(best=1), rounds=2, budget=5).run()
    curve: ns.Curve = result.curve()
    median: Floats = curve.median()
    assert median.shape == (70,) and len(result.frame()) == 3 * 70 and len(curve.frame()) == 70
    assert [each.path for each in ns.read(str(folder / "*.jsonl"))] == [
        folder / "ae.jsonl",
        folder / "mine.jsonl",
    ]
    return [result, other]


def reports(results: Sequence[ns.Outcome]) -> None:
    """Compare searches, judge scorers, make scorers."""
    compared: ns.Comparison = ns.compare(results, target=90)
    assert [row["label"] for row in compared.rows] == [each.label for each in results]
    assert len(compared.frame()) == 2
    bench = ns.load_benchmark()
    scorer: Scorer = ns.make_scorer("rank(params, flops)", bench)
    archs = bench.space.sample_many(10, np.random.default_rng(0))
    scores: Floats = scorer(archs)
    assert scores.shape == (10,) and bench.best.test > bench.query(archs[0], np.random.default_rng(0)).test
    found: ns.Correlation = ns.correlate(bench, ["params", convolutions, blocks], sample=50, draws=20)
    assert list(found.frame()["proxy"][::2]) == ["params", "convolutions", "blocks"]
    drawn: Figure = ns.plot(
        results, labels=["one", "two"], limits={"x": (0, 50)}, bands="lines", width="column"
    )
    assert len(drawn.axes) == 1 and len(ns.plot_scores(found).axes) == 4
    for each in (results[0], results[0].curve(), compared, found):
        assert "\n" not in repr(each) and "<table>" in each._repr_html_()


def registered() -> None:
    """Give parts names."""
    ns.register("proxies", blocks)
    ns.register("combinations", weakest)
    ns.register("strategies", Downhill)
    ns.register("benchmarks", Toy)
    made: Proxy = ns.load("proxies", "blocks")
    assert made is blocks and "downhill" in ns.names("strategies")
    ns.Experiment(
        "downhill", "toy", scorer="weakest(blocks(scale=2.0), params)", warmup=5, rounds=2, budget=5
    ).run()


def modules() -> None:
    """Score a torch module."""
    model = torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(48, 8), torch.nn.ReLU(), torch.nn.Linear(8, 4)
    )
    images, labels = (
        torch.randn(16, 3, 4, 4, generator=torch.Generator().manual_seed(0)),
        torch.arange(16) % 4,
    )
    found: dict[str, float] = ns.score(model, (images, labels), ["synflow", "snip", steepest])
    assert list(found) == ["synflow", "snip", "steepest"]
