"""Parts that share a source and are not the same: closures, defaults, options, instances, notebooks, mixed modules."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nassearch import registry
from nassearch.benchmarks.nasbench201 import MNIST1D_TASK
from nassearch.errors import NassearchError
from nassearch.provenance.identity import Witness, identity
from nassearch.proxies.base import Proxy, proxy
from nassearch.proxies.synflow import synflow
from nassearch.scorers import ProxyScorer, compute_scores
from nassearch.scorers.combined import combination
from nassearch.spaces.nasbench201 import NASBench201
from nassearch.strategies.rand import RandomSearch

ARCHS = [(2, 0, 0, 0, 0, 0), (3, 3, 3, 3, 3, 3)]


def made(value: Any) -> Proxy:
    @proxy(reference="an example")
    def held(networks: Any, batch: Any = None) -> Any:
        return [float(np.sum(value)) for _ in networks]

    return held


def with_default(value: Any) -> Proxy:
    @proxy(reference="an example")
    def held(networks: Any, batch: Any = None, extra: Any = value) -> Any:
        return [float(np.sum(extra)) for _ in networks]

    return held


def with_partial(value: Any) -> Proxy:
    def held(networks: Any, batch: Any = None, *, extra: Any) -> Any:
        return [float(np.sum(extra)) for _ in networks]

    return proxy(reference="an example")(partial(held, extra=value))


def with_direction(value: Any) -> Proxy:
    return proxy(reference="an example", higher_is_better=value == 1)(
        lambda networks, batch=None: [1.0] * len(networks)
    )


def with_key(value: Any) -> Proxy:
    return proxy(reference="an example", per_key=lambda options: value == 1)(made(1).function)


def with_another(value: Any) -> Proxy:
    inner = made(value)
    return proxy(reference="an example")(lambda networks, batch=None: inner(networks, batch))


def with_kind(value: Any) -> Proxy:
    outer = made(1)
    outer.for_networks(int)(made(value).function)
    return outer


def combined(value: Any) -> Any:
    return combination(reference="an example")(lambda parts, among: parts[0] * value)


def space(value: Any) -> Any:
    class Own(NASBench201):
        def __init__(self) -> None:
            self.depth = value

    return Own()


def private(value: Any) -> Any:
    class Own(NASBench201):
        def __init__(self) -> None:
            self._weights = np.full(3, value)

    return Own()


def attribute(value: Any) -> Any:
    class Own(RandomSearch):
        width = value

    return Own


def method(value: Any) -> Any:
    class Own(RandomSearch):
        def ask(self) -> Any:
            return value

        @property
        def half(self) -> Any:
            return value / 2

    return Own


def base(value: Any) -> Any:
    class Own(attribute(value)):  # type: ignore[misc]
        pass

    return Own


MAKERS = [
    *(made, with_default, with_partial, with_direction, with_key, with_another, with_kind),
    *(combined, space, private, attribute, method, base),
]


@pytest.mark.parametrize("make", MAKERS)
def test_what_differs_in_a_value_differs(make: Callable[[Any], Any]) -> None:
    assert identity(make(1)) == identity(make(1))
    assert identity(make(1)) != identity(make(2))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (np.zeros(3), np.ones(3)),
        ({"a": 1}, {"a": 2}),
        ([1, [2]], [1, [3]]),
        ({"b", "a"}, {"b", "c"}),
        (partial(max, 1), partial(max, 2)),
        (np.float32(1), np.float64(1)),
        (1, True),
        (Path("a"), Path("b")),
        (np.random.default_rng(0), np.random.default_rng(1)),
        (np.sum, np.prod),
    ],
)
def test_values_of_many_kinds(one: Any, other: Any) -> None:
    assert identity(made(one)) != identity(made(other))


def test_names_and_memory_do_not_mix_two_of_one_name(tmp_path: Path) -> None:
    one, other = made(1), made(2)
    assert one.name == other.name
    scorers = [
        ProxyScorer(each, NASBench201(), MNIST1D_TASK, cache=tmp_path / "a.sqlite") for each in (one, other)
    ]
    compute_scores(scorers, ARCHS)
    assert [scorer(ARCHS).tolist() for scorer in scorers] == [[1.0, 1.0], [2.0, 2.0]]
    again = ProxyScorer(made(1), NASBench201(), MNIST1D_TASK, cache=tmp_path / "a.sqlite")
    assert again(ARCHS).tolist() == [1.0, 1.0]
    assert (len(again.read), len(again.computed)) == (2, 0)


def test_what_a_space_remembers_on_the_way_is_not_its_identity() -> None:
    own = space(1)
    before = identity(own)
    own.index(ARCHS[0])
    own._memo = {1: 2}
    assert identity(own) == before


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind in registry.BUILT_IN for name in registry.BUILT_IN[kind]]
)
def test_built_in_parts_are_known_by_their_revision(kind: str, name: str) -> None:
    assert identity(registry.load(kind, name)).startswith("revision ")


def test_another_package_that_teaches_a_built_in_proxy_a_kind_is_in_its_identity() -> None:
    before = identity(synflow)
    try:
        synflow.for_networks(int)(made(1).function)
        assert identity(synflow) != before
    finally:
        del synflow.for_networks.functions[int]
    assert identity(synflow) == before


CELL = """
import sys
from nassearch.proxies import proxy
from nassearch.provenance.identity import identity
LEVEL = {level}
def helper(n):
    return n {sign} LEVEL
@proxy(reference="an example")
def told(networks, batch=None):
    return [helper(1) for n in networks]
print(identity(told))
"""


def run(code: str, *args: str, folder: Path, path: str | None = None) -> str:
    """Run code as a notebook does, without a file, or as a script where it has a name."""
    environment = {**os.environ, "PYTHONHASHSEED": "random"}
    command = [sys.executable, "-"] if path is None else [sys.executable, path]
    if path is not None:
        (folder / path).write_text(textwrap.dedent(code))
    done = subprocess.run(
        [*command, *args],
        input=code if path is None else None,
        text=True,
        capture_output=True,
        cwd=folder,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("path", [None, "script.py"])
def test_code_without_a_file_and_scripts(tmp_path: Path, path: str | None) -> None:
    first = run(CELL.format(level=1, sign="+"), folder=tmp_path, path=path)
    assert first == run(CELL.format(level=1, sign="+"), folder=tmp_path, path=path)
    assert first != run(CELL.format(level=2, sign="+"), folder=tmp_path, path=path)
    assert first != run(CELL.format(level=1, sign="-"), folder=tmp_path, path=path)


def test_what_a_script_takes_from_its_arguments(tmp_path: Path) -> None:
    code = CELL.format(level="float(sys.argv[1])", sign="+")
    one, again, two = (run(code, arg, folder=tmp_path, path="script.py") for arg in ("1", "1", "2"))
    assert one == again != two


def test_a_file_that_changes_while_its_code_is_in_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "changing_part.py").write_text(CELL.format(level=1, sign="+").replace("print", "repr"))
    monkeypatch.syspath_prepend(tmp_path)
    import changing_part  # type: ignore[import-not-found]

    try:
        witness, before = Witness({"proxy": [changing_part.told]}), identity(changing_part.told)
        witness.check()
        scorer = ProxyScorer(changing_part.told, NASBench201(), MNIST1D_TASK, cache=tmp_path / "a.sqlite")
        (tmp_path / "changing_part.py").write_text(CELL.format(level=2, sign="+").replace("print", "repr"))
        with pytest.raises(NassearchError, match=r"changing_part\.py has changed while its code was in use"):
            witness.check()
        with pytest.raises(NassearchError, match="has changed"):
            scorer(ARCHS)
        # What is imported is the old code, what lies there the new: it is neither.
        assert identity(changing_part.told) != before
    finally:
        del sys.modules["changing_part"]


HOLDERS = {
    "namespace": "HELD = types.SimpleNamespace(level=LEVEL)\ndef level(): return HELD.level",
    "object": "class Held:\n    def __init__(self, level): self.level = level\nHELD = Held(LEVEL)\n"
    "def level(): return HELD.level",
    "slots": "class Held:\n    __slots__ = ('level',)\nHELD = Held(); HELD.level = LEVEL\n"
    "def level(): return HELD.level",
    "nested": "class Held: pass\nHELD = Held(); HELD.inner = Held(); HELD.inner.level = LEVEL\n"
    "def level(): return HELD.inner.level",
    "callable": "class Held:\n    def __init__(self, level): self.level = level\n"
    "    def __call__(self): return self.level\nlevel = Held(LEVEL)",
    "method": "class Held:\n    def __init__(self, level): self.level = level\n    def get(self): return self.level\n"
    "level = Held(LEVEL).get",
    "class": "class Held: inner = types.SimpleNamespace(level=LEVEL)\ndef level(): return Held.inner.level",
    "function": "def level(): return level.level\nlevel.level = LEVEL",
    "closures": "HELD = {'level': (lambda held: lambda: held)(LEVEL)}\ndef level(): return HELD['level']()",
    "deque": "HELD = collections.deque([LEVEL])\ndef level(): return HELD[0]",
    "fraction": "HELD = fractions.Fraction(LEVEL, 3)\ndef level(): return HELD",
    "path": "HELD = pathlib.Path(str(LEVEL))\ndef level(): return float(HELD.name)",
    "options": "HELD = argparse.Namespace(level=LEVEL)\ndef level(): return HELD.level",
    "run": "HELD = runpy.run_path(HERE / 'beside.txt')\ndef level(): return HELD['level']()",
    "by hand": "import importlib.util as u\nfrom importlib.machinery import SourceFileLoader\n"
    "loader = SourceFileLoader('beside', str(HERE / 'beside.txt'))\n"
    "held = u.module_from_spec(u.spec_from_loader('beside', loader)); loader.exec_module(held)\n"
    "def level(): return held.level()",
}
HOLDING = """
import argparse, collections, fractions, pathlib, runpy, sys, types
from nassearch.provenance.identity import identity
from nassearch.proxies import proxy
HERE = pathlib.Path(sys.argv[1])
LEVEL = int((HERE / "level.txt").read_text())
{held}
@proxy(reference="an example")
def holding(networks, batch=None):
    return [float(level()) for n in networks]
if __name__ == "__main__":
    print(holding.function([1])[0], identity(holding))
"""


@pytest.mark.parametrize("held", HOLDERS)
def test_whatever_holds_a_value_that_a_module_has_read(held: str, tmp_path: Path) -> None:
    """Nothing in the source changes: the value comes from a file at import."""
    found = []
    for level in (1, 1, 20):  # of another length: Python compiles again what has another size or second
        (tmp_path / "level.txt").write_text(str(level))
        (tmp_path / "beside.txt").write_text(f"def level(): return {level}\n")
        code = HOLDING.format(held=HOLDERS[held])
        found.append(run(code, str(tmp_path), folder=tmp_path, path="script.py").split(" ", 1))
    (first, code), (_, again), (other, changed) = found
    assert first != other
    assert code == again != changed


def test_what_an_object_of_a_module_remembers_is_not_its_identity(tmp_path: Path) -> None:
    memo = (
        "class Memo:\n    def __init__(self): self.seen, self.hits = {}, 0\n"
        "    def get(self):\n        self.hits += 1\n        return self.seen.setdefault(1, LEVEL)\n"
        "MEMO, LISTS = Memo(), {1: []}\n"
        "def level():\n    level.calls += 1\n    LISTS[1].append(1)\n    return MEMO.get()\nlevel.calls = 0"
    )
    (tmp_path / "level.txt").write_text("1")
    code = HOLDING.format(held=memo).replace(
        "    print(",
        "    before = identity(holding); holding.function([1]); print(before == identity(holding)); print(",
    )
    assert run(code, str(tmp_path), folder=tmp_path, path="script.py").startswith("True\n")
