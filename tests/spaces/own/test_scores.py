"""Scores of a user's space: those of the modules, kept for as long as the user's code stays, on any workers."""

from __future__ import annotations

import json
import math
import pickle
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import pytest
import torch
from own_space import space as pair
from torch import nn

import nassearch as ns
from nassearch import registry
from nassearch.benchmarks import FunctionBenchmark
from nassearch.provenance.identity import identity
from nassearch.scorers import ProxyScorer, compute_scores
from nassearch.spaces import ModuleSpace
from nassearch.spaces.built import built
from nassearch.types import Batch, Task

SPACE = ModuleSpace(*pair)
TASK = Task((2, 8, 8), 3)
RNG = np.random.default_rng(0)
BATCH = Batch(RNG.standard_normal((32, 2, 8, 8)).astype(np.float32), RNG.integers(0, 3, 32))
QUICK = {"cv": {"initialisations": 3}}
OF_BLOCKS = {"expressivity", "progressivity", "trainability"}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    ("text", "seed"),
    [("block=plain,norm=BatchNorm2d", 0), ("block=inner,expansion=2,gate=False,norm=None", 3)],
)
def test_scores_are_those_that_nassearch_score_gives_of_the_same_weights(text: str, seed: int) -> None:
    arch = SPACE.parse(f"depth=2,width=8,{text}")
    scorers, asked = {}, {}
    for name in set(registry.BUILT_IN["proxies"]) - OF_BLOCKS:
        proxy, options = registry.load("proxies", name), dict(QUICK.get(name, {}))
        drawn = {"seed": seed} if "seed" in proxy.options and seed else {}
        scorers[name] = ProxyScorer(proxy, SPACE, TASK, BATCH, options | drawn)
        # Of a module synflow and its like take the weights that there are.
        own = options | ({} if name in ("synflow", "logsynflow", "synflow_bn") else drawn)
        asked[name] = f"{name}({', '.join(f'{k}={v}' for k, v in own.items())})" if own else name
    compute_scores([*scorers.values()], [arch])
    expected = ns.score(built(SPACE, arch, TASK, seed).module, BATCH, [*asked.values()])
    # In a space vkdnw looks at noise, since it needs no batch; nassearch.score shows it the batch that it is given.
    assert math.isfinite(scorers.pop("vkdnw")([arch])[0])
    for name, scorer in scorers.items():
        found, right = scorer([arch])[0], expected[asked[name]]
        assert found == right or (math.isnan(found) and math.isnan(right)), (name, found, right)
    assert sum(map(math.isfinite, expected.values())) > 30


def test_a_smaller_batch_than_usual_is_looked_at_whole() -> None:
    arch = SPACE.parse("0")
    few = BATCH.first(10)
    found = ProxyScorer(registry.load("proxies", "snip"), SPACE, TASK, few)([arch])[0]
    assert found == ns.score(built(SPACE, arch, TASK).module, few, ["snip"])["snip"]
    with pytest.raises(ns.NassearchError, match="batch_size is a whole number from 2 to 10"):
        ProxyScorer(registry.load("proxies", "snip"), SPACE, TASK, few, {"batch_size": 64})


MINE = """
    from torch import nn
    from helper_of_mine import inner

    FACTOR = 1

    def build(width, norm=None, *, classes, input_shape):
        layers = [nn.Conv2d(input_shape[0], FACTOR * width, 3), nn.ReLU()]
        return nn.Sequential(*layers, inner(), nn.Flatten(), nn.Linear(FACTOR * width, classes))

    space = ({"width": [2, 4, 8, 16], "norm": [None, nn.BatchNorm2d]}, build)
"""
HELPER = "from torch import nn\ndef inner():\n    return nn.AdaptiveAvgPool2d(1)\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mymodels.py").write_text(textwrap.dedent(MINE))
    (tmp_path / "helper_of_mine.py").write_text(HELPER)
    return tmp_path


def command(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "nassearch", "score", "--space", "mymodels:space", *words],
        cwd=folder, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


SCORED = ("--input", "2,8,8", "--classes", "3", "--all", "--proxies", "snip,params", "--json")


def test_the_command_scores_a_space_and_any_number_of_workers_score_it_alike(folder: Path) -> None:
    alone = command(folder, *SCORED, "--no-cache")
    assert alone.returncode == 0, alone.stderr
    rows = json.loads(alone.stdout)
    assert [row["arch"] for row in rows][:2] == ["width=2,norm=None", "width=2,norm=BatchNorm2d"]
    assert rows[0]["params"] == 2 * 2 * 9 + 2 + 2 * 3 + 3
    assert command(folder, *SCORED, "--no-cache", "--workers", "2").stdout == alone.stdout


def test_scores_are_kept_until_the_code_changes(folder: Path) -> None:
    first = command(folder, *SCORED)
    assert "0 read from the cache, 16 computed" in first.stderr
    assert "16 read from the cache, 0 computed" in command(folder, *SCORED).stderr
    for file, text in (
        ("mymodels.py", textwrap.dedent(MINE).replace("FACTOR = 1", "FACTOR = 2")),
        ("helper_of_mine.py", HELPER.replace("AdaptiveAvgPool2d(1)", "AdaptiveMaxPool2d(1)")),
    ):
        (folder / file).write_text(text)
        assert "0 read from the cache, 16 computed" in command(folder, *SCORED).stderr
        assert "16 read from the cache, 0 computed" in command(folder, *SCORED).stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--input", "2,8,8", "--all"), "needs its number of logits, such as --classes 10"),
        (("--classes", "3", "--all"), "needs the shape of one input"),
        (("--input", "2,2,2", "--classes", "3", "--all"), "gives a module that works"),
        (("--input", "2,8,8", "--classes", "3", "width=3"), "does not say norm|is no option"),
        (("--input", "2,8,8", "--classes", "3", "--all", "--data", "."), "--data says what inputs there are"),
        (("--input", "2,8,8", "--classes", "3"), "give architectures, or --sample"),
        (("--input", "2,8,8", "--classes", "3", "--all", "--dataset", "cifar10"), "of no --dataset"),
    ],
)
def test_what_the_command_cannot_do_is_told_in_a_line(
    folder: Path, words: tuple[str, ...], message: str
) -> None:
    done = command(folder, *words, "--proxies", "params")
    assert done.returncode != 0 and "Traceback" not in done.stderr
    assert any(part in " ".join(done.stderr.split()) for part in message.split("|")), done.stderr


def test_a_function_of_a_script_is_a_space_on_workers_too(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(
            """
            import nassearch as ns
            from nassearch.benchmarks import FunctionBenchmark, Task
            from torch import nn

            def build(width, *, classes):
                return nn.Sequential(nn.Flatten(), nn.Linear(8, width), nn.ReLU(), nn.Linear(width, classes))

            if __name__ == "__main__":
                space = ns.Space({"width": [2, 3, 4, 5, 6, 7]}, build)
                bench = FunctionBenchmark(space, lambda arch: float(arch[0]), Task((8,), 2))
                search = ns.Experiment("ls", bench, budget=6, rounds=4, warmup=5, scorer="params")
                one, two = (search.run(workers=workers, cache=False) for workers in (1, 2))
                assert [r.archs for r in one.rounds] == [r.archs for r in two.rounds]
                print(max(r.valid.max() for r in one.rounds))
            """
        )
    )
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.stdout.strip() == "5.0", done.stderr


def test_identities_follow_choices_code_and_values() -> None:
    choices, build = pair
    one = identity(ModuleSpace(choices, build))
    assert one == identity(ModuleSpace(dict(choices), build)) and "own_space" in one
    assert one != identity(ModuleSpace({**choices, "depth": [1, 2]}, build))
    assert one != identity(ModuleSpace({**choices, "norm": [None]}, build))

    def made(factor: int) -> Any:
        return lambda width: factor * width

    library = identity(ModuleSpace({"in_features": [4], "out_features": [3]}, nn.Linear))
    assert library.startswith(f"torch {torch.__version__}"), "a version says which code of a library it is"
    given = {"width": [1, 2]}
    space = ModuleSpace(given, made(1))
    given["width"].append(3)
    assert pickle.loads(cloudpickle.dumps(space)).size == space.size == 2

    closures = {identity(ModuleSpace({"width": [1]}, made(factor))) for factor in (1, 2)}
    assert len(closures) == 2


def test_a_function_is_a_benchmark() -> None:
    values: dict[Any, int] = {}

    def accuracy(arch: Any) -> float:
        values[arch] = values.get(arch, 0) + 1
        return 10.0 + sum(arch)

    bench = FunctionBenchmark(SPACE, accuracy, TASK, batch=BATCH)
    result = ns.Experiment("ae", bench, budget=70, rounds=1, warmup=64, scorer="params", move="params").run()
    assert max(values.values()) == 1, "nothing is asked twice"
    assert result.rounds[0].valid.max() == max(10.0 + sum(arch) for arch in result.rounds[0].archs)
    found = ns.correlate(bench, ["params"], sample=30, draws=20)
    assert len(found.reports) == 1 and found.accuracies.shape == (30,)
    for function, message in (
        (lambda arch: "good", "returned 'good' for depth="),
        (lambda arch: 1 / 0, "fails for depth=.*ZeroDivisionError"),
        (lambda arch: float("inf"), "returned inf"),
    ):
        with pytest.raises(ns.NassearchError, match=message):
            FunctionBenchmark(SPACE, function, TASK).query(SPACE.parse("0"), RNG)  # type: ignore[arg-type]
    assert math.isnan(
        FunctionBenchmark(SPACE, lambda arch: math.nan, TASK).query(SPACE.parse("0"), RNG).valid
    )
    for wrong in ((None, accuracy, TASK), (SPACE, None, TASK), (SPACE, accuracy, None)):
        with pytest.raises(ns.NassearchError, match="not None"):
            FunctionBenchmark(*wrong)  # type: ignore[arg-type]
