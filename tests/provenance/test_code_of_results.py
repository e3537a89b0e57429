"""Rounds of one code are never gone on with by another, and never read as if they were computed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result
from commands import call

from nassearch import Experiment, registry
from nassearch.benchmarks.nasbench201 import NASBench201Benchmark
from nassearch.errors import InvalidSetting
from nassearch.proxies.base import Proxy, proxy
from nassearch.scorers.combined import Combination, combination
from nassearch.search.store import read_result
from nassearch.spaces.nasbench201 import NASBench201
from nassearch.strategies.rand import RandomSearch


def strategy(value: int) -> type[RandomSearch]:
    class Own(RandomSearch):
        name = "own"
        level = value

    return Own


def scorer(value: int) -> Proxy:
    @proxy(reference="an example")
    def own(networks: Any, batch: Any = None) -> Any:
        return np.arange(len(networks)) * float(value)

    return own


def together(value: int) -> Combination:
    @combination(reference="an example", least=2)
    def both(parts: Any, among: Any) -> Any:
        return parts.sum(axis=0) * value

    return both


def benchmark(value: int) -> type[NASBench201Benchmark]:
    class Own(NASBench201Benchmark):
        level = value

    return Own


def spaced(value: int) -> type[NASBench201Benchmark]:
    class Space(NASBench201):
        level = value

    class Own(NASBench201Benchmark):
        @classmethod
        def make_space(cls, dataset: str | None = None) -> NASBench201:
            return Space()

    return Own


PARTS: dict[str, tuple[str, str, Callable[[int], Any], list[str]]] = {
    "strategy": ("strategies", "own", strategy, ["own"]),
    "warmup scorer": ("proxies", "own", scorer, ["rand", "--warmup", "20", "--scorer", "own"]),
    "move scorer": ("combinations", "both", together, ["rand", "--move", "both(params, flops)"]),
    "benchmark": ("benchmarks", "own", benchmark, ["rand", "--benchmark", "own"]),
    "space": ("benchmarks", "own", spaced, ["rand", "--benchmark", "own"]),
}


@pytest.fixture
def put(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, int], list[str]]:
    names, load = registry.names, registry.load

    def put(part: str, value: int) -> list[str]:
        kind, name, make, line = PARTS[part]
        made = make(value)
        monkeypatch.setattr(registry, "names", lambda k: [*names(k), name] if k == kind else names(k))
        monkeypatch.setattr(registry, "load", lambda k, n: made if (k, n) == (kind, name) else load(k, n))
        return line

    return put


def run(line: list[str], path: Path, *more: str) -> Result:
    return call("run", *line, "--budget", "5", "--out", path, "--json", *more)


@pytest.mark.parametrize("part", PARTS)
def test_rounds_of_another_code_are_refused_and_overwritten_on_request(
    part: str, put: Callable[[str, int], list[str]], tmp_path: Path
) -> None:
    path = tmp_path / "a.jsonl"
    line = put(part, 1)
    assert json.loads(run(line, path, "--rounds", "2").stdout)["rounds"] == {"read": 0, "computed": 2}
    assert json.loads(run(line, path, "--rounds", "3").stdout)["rounds"] == {"read": 2, "computed": 1}
    before = path.read_bytes()
    line = put(part, 2)
    refused = run(line, path, "--rounds", "4")
    assert refused.exit_code == 1
    told = {"space": "benchmark"}.get(
        part, part
    )  # a benchmark that makes another space is another one, and comes first
    assert f"holds rounds with code of the {told} '" in refused.stderr
    assert "choose another --out, or --overwrite to start afresh" in refused.stderr
    assert path.read_bytes() == before
    afresh = run(line, path, "--rounds", "4", "--overwrite")
    assert json.loads(afresh.stdout)["rounds"] == {"read": 0, "computed": 4}
    assert len(read_result(path).rounds) == 4
    assert read_result(path).header.code[part] not in before.decode()


def test_a_revision_is_code_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(["rand"], tmp_path / "a.jsonl", "--rounds", "2")
    monkeypatch.setattr(registry.load("strategies", "rand"), "revision", 99)
    refused = run(["rand"], tmp_path / "a.jsonl", "--rounds", "2")
    assert "code of the strategy 'revision 1', and this run has 'revision 99'" in refused.stderr


def test_a_result_from_before_code_was_told_is_read_and_not_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    run(["rand"], path, "--rounds", "2")
    first, rest = path.read_bytes().split(b"\n", 1)
    header = json.loads(first)
    del header["code"]
    path.write_bytes(json.dumps(header).encode() + b"\n" + rest)
    assert call("show", path).exit_code == 0
    assert len(read_result(path).rounds) == 2
    refused = run(["rand"], path, "--rounds", "3")
    assert "code of the benchmark 'not known'" in refused.stderr and "--overwrite" in refused.stderr
    assert json.loads(run(["rand"], path, "--rounds", "3", "--overwrite").stdout)["rounds"]["computed"] == 3


@pytest.mark.parametrize(
    "content", [b"my notes\n", b'{"format": "another"}\n', b"\0" * 100, b'["nassearch result"]\n']
)
def test_what_is_no_result_is_not_overwritten(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(content)
    refused = run(["rand"], path, "--rounds", "2", "--overwrite")
    assert refused.exit_code == 1 and "is not a result of nassearch run" in refused.stderr
    assert path.read_bytes() == content


@pytest.mark.parametrize("cut", [0, 1, 20])
def test_a_damaged_or_other_result_is_overwritten(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "a.jsonl"
    run(["rand"], path, "--rounds", "2")
    path.write_bytes(path.read_bytes()[: -cut or None] + b"damaged\n{")
    assert (
        run(
            ["ae", "--set", "pool=2", "--set", "tournament=1"], path, "--rounds", "1", "--overwrite"
        ).exit_code
        == 0
    )
    assert [len(read_result(path).rounds), read_result(path).header.experiment["strategy"]] == [1, "ae"]


@pytest.mark.parametrize("code", [7, ["x"], {"strategy": 7}, {"strategy": "\ud800"}, None])
def test_a_header_whose_code_is_of_another_type_is_damaged(tmp_path: Path, code: Any) -> None:
    path = tmp_path / "a.jsonl"
    run(["rand"], path, "--rounds", "1")
    first, rest = path.read_bytes().split(b"\n", 1)
    path.write_bytes(json.dumps({**json.loads(first), "code": code}).encode() + b"\n" + rest)
    result = call("show", path)
    assert result.exit_code == 1 and "line 1 of" in result.stderr


def test_overwrite_in_python_and_rounds_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    Experiment("rand", rounds=2, budget=4).run(path)
    with pytest.raises(InvalidSetting, match="budget 4"):
        Experiment("rand", rounds=2, budget=5).run(path)
    outcome = Experiment("rand", rounds=2, budget=5).run(path, overwrite=True)
    assert (outcome.found, len(outcome.rounds)) == (0, 2)
    assert Experiment("rand", rounds=2, budget=5).run(path).found == 2
    assert [r.archs for r in Experiment("rand", rounds=2, budget=5).run().rounds] == [
        r.archs for r in outcome.rounds
    ]
