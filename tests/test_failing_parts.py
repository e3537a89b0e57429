"""Benchmarks, spaces and strategies of other packages that raise: one error names the part and its package."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from commands import call
from joblib.externals.loky import get_reusable_executor
from packages import offer, on_the_path

import nassearch
from nassearch import registry
from nassearch.errors import BrokenPart, MissingData
from nassearch.provenance.blame import blamed
from nassearch.strategies import RandomSearch

SOURCE = """
    import os
    from nassearch.benchmarks import Benchmark, Dataset
    from nassearch.spaces import NASBench201
    from nassearch.strategies import RandomSearch
    from nassearch.types import Metrics, Task

    def fail(where):
        if os.environ.get("FAILS") == where:
            raise {"SystemExit": SystemExit, "OSError": OSError}.get(os.environ.get("AS"), ValueError)("no licence")

    class Space(NASBench201):
        "A space of someone else's."
        name = "odd space"
        def sample(self, rng):
            fail("sample")
            return super().sample(rng)
        def network(self, arch, task):
            fail("network")
            return super().network(arch, task)

    class Toy(Benchmark):
        "A benchmark of someone else's."
        name = "toy"
        def __init__(self):
            self.space, self.dataset = Space(), self.datasets()["toy"]
        @classmethod
        def datasets(cls):
            return {"toy": Dataset("toy", Task((3, 8, 8), 4, channels=(2, 3, 4), cells=1), "accuracy", "percent")}
        @classmethod
        def make_space(cls, dataset=None):
            fail("make_space")
            return Space()
        @classmethod
        def open(cls, dataset=None):
            fail("open")
            return cls()
        @classmethod
        def find_batch(cls, dataset):
            fail("find_batch")
            return None
        def query(self, arch, rng):
            fail("query")
            return Metrics(sum(arch), sum(arch), 1.0)
        def info(self):
            fail("info")
            return super().info()

    class Odd(RandomSearch):
        "A strategy of someone else's."
        name = "odd"
        def ask(self):
            fail("ask")
            return super().ask()
        def tell(self, arch, value):
            fail("tell")
            return super().tell(arch, value)
        def warm_up(self, *given):
            fail("warm_up")
            return super().warm_up(*given)
        def report(self):
            fail("report")
            return super().report()
"""
RUN = (
    "run",
    "odd",
    "--benchmark",
    "toy",
    "--budget",
    "4",
    "--rounds",
    "2",
    "--no-cache",
)
SCORE = (
    "score",
    "--benchmark",
    "toy",
    "--sample",
    "3",
    "--proxies",
    "params",
    "--no-cache",
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    with on_the_path(tmp_path, monkeypatch):
        offer(
            tmp_path,
            "oddities",
            {"benchmarks": "toy = oddities:Toy", "strategies": "odd = oddities:Odd"},
            SOURCE,
        )
        yield tmp_path


def test_they_work_unless_they_fail() -> None:
    for line in (RUN, (*RUN, "--warmup", "5", "--scorer", "params"), SCORE):
        done = call(*line)
        assert done.exit_code == 0, done.stderr


@pytest.mark.parametrize("kind", ["ValueError", "SystemExit", "OSError"])
@pytest.mark.parametrize(
    ("line", "where", "part"),
    [
        (RUN, "open", "the benchmark 'toy'"),
        (RUN, "query", "the benchmark 'toy'"),
        (RUN, "ask", "the strategy 'odd'"),
        (RUN, "tell", "the strategy 'odd'"),
        (RUN, "report", "the strategy 'odd'"),
        ((*RUN, "--warmup", "5", "--scorer", "params"), "warm_up", "the strategy 'odd'"),
        (SCORE, "make_space", "the benchmark 'toy'"),
        (SCORE, "network", "the space 'odd space'"),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_a_part_that_raises_is_named_with_its_package(
    line: tuple[str, ...], where: str, part: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAILS", where)
    monkeypatch.setenv("AS", kind)
    failed = call(*line)
    assert (failed.exit_code, failed.stdout) == (1, "")
    assert failed.stderr.splitlines()[-1].startswith(
        f"nassearch: {part} of package oddities 1.0 fails in {where}(): {kind}: no licence ("
    ), failed.stderr
    assert failed.stderr.endswith("); mend or uninstall oddities\n") and "oddities.py:" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_a_space_that_raises_within_a_strategy_of_ours_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAILS", "sample")
    for strategy in ("rand", "ae"):
        failed = call("run", strategy, "--benchmark", "toy", "--budget", "70", "--rounds", "1")
        assert failed.exit_code == 1
        assert "the space 'odd space' of package oddities 1.0 fails in sample(): ValueError" in failed.stderr


def test_it_is_named_by_workers_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAILS", "query")
    get_reusable_executor().shutdown(wait=True)  # workers of other tests do not see what is set now
    failed = call(*RUN, "--workers", "2")
    get_reusable_executor().shutdown(wait=True)
    assert failed.exit_code == 1
    assert (
        "the benchmark 'toy' of package oddities 1.0 fails in query(): ValueError: no licence"
        in failed.stderr
    )


def test_what_else_a_package_raises_is_one_line_of_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAILS", "info")
    failed = call("bench", "info", "--benchmark", "toy")
    assert failed.exit_code == 1
    assert failed.stderr.startswith(
        "nassearch: package oddities 1.0 fails in info(): ValueError: no licence ("
    )


def test_python_gets_the_cause_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAILS", "ask")
    with pytest.raises(
        BrokenPart, match=r"the strategy 'odd' of package oddities 1\.0 fails in ask\(\)"
    ) as caught:
        nassearch.Experiment("odd", "toy", "toy", rounds=1, budget=3).run()
    assert isinstance(caught.value.__cause__, ValueError)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


class Own(RandomSearch):
    """A strategy of a script."""

    def ask(self, more: int) -> tuple[int, ...]:  # type: ignore[override]
        return (more,)


def test_a_class_of_a_script_is_named_by_its_module() -> None:
    with pytest.raises(
        BrokenPart, match=rf"the strategy 'own' of module {__name__} fails: TypeError: .*; mend it"
    ):
        nassearch.Experiment(Own, rounds=1, budget=3).run()


def test_what_is_built_in_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def query(*_: object) -> None:
        raise ValueError("a mistake of ours")

    monkeypatch.setattr(registry.load("benchmarks", "nasbench201"), "query", query)
    with pytest.raises(ValueError, match="a mistake of ours"):
        call("run", "rand", "--budget", "3", "--rounds", "1", "--no-cache")


def test_errors_of_nassearch_and_a_lack_of_memory_pass() -> None:
    own = Own(registry.load("benchmarks", "nasbench201").make_space(), np.random.default_rng(0))
    for error in (MissingData("fetch it"), MemoryError(), KeyboardInterrupt()):
        with pytest.raises(type(error)) as caught, blamed(own):
            raise error
        assert caught.value is error
