"""A benchmark that is no table, but computes its answers, works in every command."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import call
from packages import offer, on_the_path

from nassearch import Experiment, registry

SOURCE = """
    from nassearch.benchmarks import Benchmark, Dataset
    from nassearch.spaces import Builder, Choices, Network
    from nassearch.types import Metrics, Task

    TASK = Task(input_shape=(3, 8, 8), classes=4)

    class Depths(Choices):
        "Two widths (an example, 2026)."
        name = "two-widths"
        choices = (("4", "8", "16"), ("4", "8", "16"))

        def network(self, arch, task):
            b = Builder(task.input_shape)
            x = 0
            for option, known in zip(self.check(arch), self.choices):
                x = b.relu(b.batch_norm(b.conv(x, int(known[option]), kernel=3)))
            b.linear(b.global_pool(x), task.classes)
            return Network(((b.done(), 1),))

    class Computed(Benchmark):
        "A formula in the place of a training (an example, 2026)."
        name = "computed"

        def __init__(self, dataset):
            self.space, self.dataset = Depths(), dataset

        @classmethod
        def datasets(cls):
            return {
                "toy": Dataset("toy", TASK, note="a formula and noise"),
                "toy-loss": Dataset("toy-loss", TASK, note="the same as a loss", unit="nats", quantity="loss",
                                    higher_is_better=False),
            }

        @classmethod
        def make_space(cls, dataset=None):
            return Depths()

        @classmethod
        def open(cls, dataset=None):
            return cls(cls.find(dataset))

        def query(self, arch, rng):
            reached = self.dataset.sign * (50 + self.dataset.sign * (10 * arch[0] + arch[1]))
            return Metrics(reached + 0.1 * rng.normal(), reached, 1.0)
"""


@pytest.fixture(autouse=True)
def computed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    folder = tmp_path / "packages"
    folder.mkdir()
    offer(folder, "formula", {"benchmarks": "computed = formula:Computed"}, SOURCE)
    monkeypatch.chdir(tmp_path)
    with on_the_path(folder, monkeypatch):
        yield


def ok(*args: object) -> str:
    result = call(*args)
    wrong = [line for line in result.stderr.splitlines() if not line.startswith("scores: ")]
    assert (result.exit_code, wrong) == (0, []), result.stderr
    return result.stdout


ON = ("--benchmark", "computed")


def test_it_is_listed() -> None:
    (row,) = [row for row in json.loads(ok("list", "benchmarks", "--json")) if row["name"] == "computed"]
    assert (row["datasets"], row["installed"]) == (["toy", "toy-loss"], ["toy", "toy-loss"])
    rows = [row for row in json.loads(ok("bench", "list", "--json")) if row["benchmark"] == "computed"]
    assert [(row["installed"], row["batch"], row["better"]) for row in rows] == [
        (True, None, "higher"),
        (True, None, "lower"),
    ]
    assert "computed" in ok("bench", "list") and "computed" in ok("list", "benchmarks")


def test_it_says_what_is_known_of_it() -> None:
    facts = json.loads(ok("bench", "info", "toy-loss", *ON, "--json"))
    assert (facts["architectures"], facts["better"], facts["best_test"]) == (9, "lower", None)
    assert "best_test: -" in ok("bench", "info", *ON)
    refused = call("bench", "info", "toi", *ON)
    assert refused.exit_code == 1 and "did you mean toy" in refused.stderr


@pytest.mark.parametrize("dataset", ["toy", "toy-loss"])
def test_searches_run_and_are_shown(dataset: str) -> None:
    for strategy, *guide in (["ae", "--set", "pool=4", "--set", "tournament=2"], ["rand", "--warmup", "5"]):
        told = ok(
            "run",
            strategy,
            *ON,
            "--dataset",
            dataset,
            "--rounds",
            3,
            "--budget",
            8,
            "--scorer",
            "params",
            *guide,
        )
        assert "best there is: unknown" in told
    results = sorted(Path("results").glob("*.jsonl"))
    assert len(results) == 2
    ok("show", results[0])
    ok("compare", *results)
    (first, second) = json.loads(ok("compare", *results, "--json"))["rows"]
    assert first["regret"] is second["regret"] is None
    best = 50 + 22 if dataset == "toy" else 50 - 22
    # Nine architectures: 8 draws meet the best in half of the rounds or so, and never anything beyond it.
    assert (
        abs(first["at"]["8"] - best) <= 12
        and (best - first["at"]["8"]) * (1 if dataset == "toy" else -1) >= 0
    )
    ok("plot", *results, "-o", "curves.svg")
    ok("plot", *results, "-o", "times.svg", "--x", "seconds")


def test_its_architectures_are_scored_and_proxies_judged() -> None:
    rows = json.loads(ok("score", *ON, "--all", "--proxies", "params,synflow", "--json"))
    assert len(rows) == 9
    judged = json.loads(
        ok("correlate", *ON, "--all", "--proxies", "params", "--json", "--plot", "scatter.svg")
    )
    (params,) = judged["proxies"]
    assert params["dropped"]["rho"]["value"] > 0.5
    refused = call("score", *ON, "--all", "--proxies", "naswot")
    assert refused.exit_code == 1
    assert (
        "computed has no batch of toy: give one by --batch FILE.npz, or do without by --batch grey"
        in refused.stderr
    )
    assert "bench import" not in refused.stderr
    ok("score", *ON, "--all", "--proxies", "naswot(batch_size=8)", "--batch", "normal")
    refused = call("score", *ON, "--dataset", "no", "--all", "--proxies", "params")
    assert refused.exit_code == 1 and "no data set of computed is called 'no'" in refused.stderr


def test_what_it_cannot_is_said() -> None:
    Path("mine.csv").write_text("arch,valid,test\n4:4,1,1\n")
    refused = call("bench", "import", "computed", "mine.csv")
    assert (
        refused.exit_code == 1 and "computed is no table: there is nothing to import for it" in refused.stderr
    )
    for more in ([], ["--list"]):
        refused = call("bench", "fetch", "computed", *more)
        assert refused.exit_code == 1 and "computed has no published files to fetch" in refused.stderr


def test_results_of_two_that_compute_are_not_taken_for_one_another() -> None:
    part = registry.load("benchmarks", "computed")
    digests = {part.open(name).digest for name in ("toy", "toy-loss")}
    assert len(digests) == 2
    assert Experiment("rand", benchmark="computed").header().data in digests
    with_data = type("Data", (part,), {"digest": "of its own"})
    assert with_data.open().digest == "of its own"


def test_workers_change_nothing() -> None:
    rounds = [
        Experiment("rand", benchmark="computed", budget=5, rounds=4).run(workers=workers, cache=False).rounds
        for workers in (1, 2)
    ]
    assert [each.archs for each in rounds[0]] == [each.archs for each in rounds[1]]
