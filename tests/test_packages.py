"""Packages of other people: one that is broken harms no other, and is named with the reason."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest
from commands import call
from packages import offer, on_the_path

from nassearch import Experiment, registry
from nassearch.errors import BrokenPart, UnknownName
from nassearch.provenance import sources

GOOD = dedent("""
    from nassearch.proxies import proxy
    from nassearch.scorers import combination
    from nassearch.strategies import RandomSearch

    @proxy(reference="an example")
    def good(networks, batch=None, *, scale=1):
        "Count blocks; higher is better."
        return [scale * sum(1 for _ in n.blocks()) for n in networks]

    @combination(reference="an example")
    def least(parts, among):
        "The lowest score of several; higher is better."
        return parts.min(axis=0)

    class Good(RandomSearch):
        "Draw uniformly (an example)."
        name = "well"
""")
BROKEN = {
    "absent": ("", "there = nowhere_at_all:there", "ModuleNotFoundError: No module named 'nowhere_at_all'"),
    "syntax": ("def (:", "there = syntax:there", "SyntaxError"),
    "raising": ("raise RuntimeError('no licence\\nfor you')", "there = raising:there",
                "RuntimeError: no licence for you"),
    "leaving": ("import sys; sys.exit('bye')", "there = leaving:there", "it leaves the program (SystemExit: bye)"),
    "generating": ("raise GeneratorExit", "there = generating:there", "GeneratorExit"),
    "misnamed": ("", "there = misnamed:there", "AttributeError"),
    "deep": ("class A: pass", "there = deep:A.b.c", "AttributeError: type object 'A' has no attribute 'b'"),
    "function": ("def there(networks, batch=None): return [0]", "there = function:there",
                 "it is a function, not a Proxy, as its decorator makes one"),
    "whole_module": ("", "there = whole_module", "it is a module, not a Proxy"),
    "hyphen": ("from nassearch.proxies import proxy\n@proxy(reference='x')\ndef there(networks, batch=None): ...",
               "there-too = hyphen:there", "letters, digits and underscores"),
    "unwritable": ("class E(Exception):\n def __str__(self): raise ValueError\nraise E", "there = unwritable:there",
                   "E"),
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give a folder on the path with one package that is as it should be."""
    there = tmp_path / "packages"
    there.mkdir()
    offered = {
        "proxies": "good = fine:good",
        "combinations": "least = fine:least",
        "strategies": "well = fine:Good",
    }
    offer(there, "fine", offered, GOOD)
    with on_the_path(there, monkeypatch):
        yield there


@pytest.mark.parametrize("package", BROKEN)
def test_a_broken_proxy_is_named_and_the_rest_goes_on(package: str, folder: Path) -> None:
    source, point, reason = BROKEN[package]
    offer(folder, package, {"proxies": point}, source)
    listed = call("list", "proxies", "--json")
    assert listed.exit_code == 0
    assert {row["name"] for row in json.loads(listed.stdout)} == {*registry.BUILT_IN["proxies"], "good"}
    (line,) = listed.stderr.splitlines()
    name = point.partition(" ")[0]
    assert f"the proxy '{name}' of package {package} 1.0 cannot be used" in line
    assert reason in line and line.endswith(f"mend or uninstall {package}")
    assert "good" in call("list", "proxies").stdout
    scored = call("score", "--sample", "2", "--proxies", "params,good,least(params, good, among=9)")
    assert (scored.exit_code, scored.stderr) == (0, "")
    if name.isidentifier():
        used = call("score", "--sample", "2", "--proxies", name)
        assert (used.exit_code, used.stderr) == (1, f"{line}\n")
    with pytest.raises(BrokenPart, match=package):
        registry.load("proxies", name)


@pytest.mark.parametrize(
    ("kind", "source", "reason"),
    [
        ("strategies", "class There: pass", "it is a There, not a subclass of Strategy"),
        ("strategies", "there = There = 3", "it is a int, not a subclass of Strategy"),
        ("strategies", "from nassearch.strategies import Strategy\nclass There(Strategy): pass",
         "it does not define ask, tell"),
        ("combinations", "def There(parts, among): return parts[0]", "it is a function, not a Combination"),
        ("benchmarks", "class There: pass", "it is a There, not a subclass of Benchmark"),
        ("benchmarks", "from nassearch.benchmarks import Benchmark\nclass There(Benchmark): name = 'there'",
         "it does not define datasets, make_space, open, query"),
        ("benchmarks", "from nassearch.benchmarks import TabularBenchmark\nclass There(TabularBenchmark):\n"
         " @classmethod\n def datasets(cls): return {}", "it has no name: give the class one"),
        ("benchmarks", "from nassearch.benchmarks import TabularBenchmark\nclass There(TabularBenchmark):\n"
         " name = 'there'\n @classmethod\n def datasets(cls): return 1 / 0", "ZeroDivisionError"),
        *(("benchmarks", "from nassearch.benchmarks import TabularBenchmark\nclass There(TabularBenchmark):\n"
           f" name = 'there'\n @classmethod\n def datasets(cls): return {given}", "gives no data sets by name")
          for given in ("{}", "['toy']", "{'toy': 3}", "None")),
        ("strategies", "from nassearch.strategies import RandomSearch\nclass There(RandomSearch):\n"
         " def __init__(self, space, rng, *, of={1}, **g): super().__init__(space, rng, **g)",
         "TypeError: Object of type set is not JSON"),
    ],
)  # fmt: skip
def test_a_broken_part_of_any_kind_is_named(kind: str, source: str, reason: str, folder: Path) -> None:
    offer(folder, "odd", {kind: "there = odd:There"}, source)
    listed = call("list", kind, "--json")
    assert listed.exit_code == 0
    names = {row["name"] for row in json.loads(listed.stdout)}
    assert set(registry.BUILT_IN[kind]) <= names and "there" not in names
    assert "of package odd 1.0 cannot be used" in listed.stderr and reason in listed.stderr
    assert call("bench", "list").exit_code == 0


LEAVING = """
    import sys
    from nassearch.proxies import proxy
    from nassearch.scorers import combination
    from nassearch.strategies import RandomSearch

    @proxy(reference="an example")
    def leaves(networks, batch=None):
        "Leave the program."
        sys.exit(0)

    @combination(reference="an example")
    def leaving(parts, among):
        "Leave the program."
        sys.exit(0)

    class Leaves(RandomSearch):
        "Leave the program."
        name = "goes"
        def ask(self):
            sys.exit(0)
"""


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (("score", "--sample", "2", "--proxies", "leaves"), "the proxy leaves fails: SystemExit: 0"),
        (
            ("score", "--sample", "2", "--proxies", "leaving(params)"),
            "the combination leaving fails for 1 scorers",
        ),
        (("run", "goes", "--budget", "2", "--rounds", "1"), "SystemExit: 0"),
        (("run", "goes", "--budget", "2", "--rounds", "2", "--workers", "2"), "SystemExit: 0"),
    ],
    ids=str,
)
def test_a_part_that_leaves_the_program_is_an_error(
    line: tuple[str, ...], told: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command that ends with status 0 has done its work."""
    monkeypatch.chdir(folder)
    offers = {
        "proxies": "leaves = leaver:leaves",
        "combinations": "leaving = leaver:leaving",
        "strategies": "goes = leaver:Leaves",
    }
    offer(folder, "leaver", offers, LEAVING)
    left = call(*line)
    assert left.exit_code == 1 and told in left.stderr, left.stderr


def test_what_a_module_prints_is_none_of_the_output(folder: Path) -> None:
    offer(
        folder, "chatty", {"proxies": "loud = chatty:loud"}, "print('hello')\n" + GOOD.replace("good", "loud")
    )
    assert "loud" in {row["name"] for row in json.loads(call("list", "proxies", "--json").stdout)}


def test_two_packages_with_one_name_are_both_named(folder: Path) -> None:
    for package in ("first", "second"):
        offer(folder, package, {"strategies": f"twice = {package}:Good"}, GOOD)
    listed = call("list", "strategies")
    assert listed.exit_code == 0 and "well" in listed.stdout and "twice" not in listed.stdout
    assert "first 1.0 and second 1.0 both offer a strategy called 'twice': uninstall one" in listed.stderr
    with pytest.raises(BrokenPart, match="both offer"):
        Experiment("twice")
    assert Experiment("well").label == "well"


def test_one_package_that_is_found_twice_offers_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = folder / "old"
    old.mkdir()
    offer(old, "fine", {"proxies": "good = elsewhere:good\ngone = fine:gone"}, version="0.1")
    monkeypatch.syspath_prepend(old)
    monkeypatch.syspath_prepend(folder)
    registry._known.cache_clear()
    assert registry.load("proxies", "good").options == {"scale": 1}
    with pytest.raises(UnknownName):
        registry.load("proxies", "gone")


@pytest.mark.parametrize("kind", ["proxies", "combinations"])
def test_what_is_built_in_keeps_its_name_among_all_scorers(kind: str, folder: Path) -> None:
    offer(folder, "taker", {kind: "rank = taker:good\nsynflow = taker:good"}, GOOD)
    listed = call("list", kind)
    assert listed.exit_code == 0
    assert (
        f"the {registry.SINGULAR[kind]} 'rank' of package taker 1.0 is not used: nassearch has its own"
        in listed.stderr
    )
    scored = call("score", "--sample", "3", "--proxies", "rank(params, flops),synflow")
    assert (scored.exit_code, scored.stderr) == (0, "")
    assert registry.load("proxies", "synflow").reference.startswith("Tanaka")


@pytest.mark.parametrize(
    "text", [b"[nassearch.proxies]\nthere\n", b"[nassearch.proxies]\nthere = \xff:there\n"]
)
def test_entry_points_that_cannot_be_read_harm_nobody(text: bytes, folder: Path) -> None:
    offer(folder, "garbled", {"proxies": "there = garbled:there"})
    (folder / "garbled-1.0.dist-info" / "entry_points.txt").write_bytes(text)
    listed = call("list", "proxies")
    assert listed.exit_code == 0 and "good" in listed.stdout
    assert "the entry points of package garbled cannot be read" in listed.stderr
    assert call("list", "strategies").stderr == ""
    used = call("score", "--sample", "2", "--proxies", "good,params")
    assert (used.exit_code, used.stderr) == (
        0,
        "",
    )  # the version of the package of good is looked up among all
    assert sources.version_of("fine") == "1.0"


def test_metadata_that_cannot_be_read_harms_nobody(folder: Path) -> None:
    offer(folder, "bare", {"proxies": "there = bare:there"}, GOOD.replace("good", "there"))
    (folder / "bare-1.0.dist-info" / "METADATA").unlink()
    assert "there" in call("list", "proxies").stdout
    (folder / "bare.py").write_text("1 / 0")
    import sys

    sys.modules.pop("bare")
    listed = call("list", "proxies")
    assert listed.exit_code == 0 and "ZeroDivisionError" in listed.stderr and str(folder) in listed.stderr


def test_parts_of_one_function_are_told_apart_by_their_names(folder: Path) -> None:
    """Scores are kept under a name, so two proxies from one decorated function must not share it."""
    source = """
        from nassearch.proxies import proxy

        def make(factor):
            @proxy(reference="an example")
            def blocks(networks, batch=None):
                "Count blocks."
                return [factor * sum(1 for _ in n.blocks()) for n in networks]
            return blocks

        one, two = make(1), make(2)
    """
    offer(folder, "maker", {"proxies": "one = maker:one\ntwo = maker:two"}, source)
    assert registry.load("proxies", "one").name == "one"
    assert registry.load("proxies", "two").__doc__ == "Count blocks."
    for _ in range(2):  # computed, then read
        (row,) = json.loads(call("score", "6111", "--proxies", "one,two", "--json").stdout)
        assert row["two"] == 2 * row["one"]


def test_a_strategy_says_what_the_command_line_takes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = """
        from dataclasses import replace

        from nassearch.strategies import AgingEvolution

        class Two(AgingEvolution):
            "Two edits at a time (an example)."
            name = "two"
            guidance = replace(AgingEvolution.guidance, moves=("child", "parent", "grandchild"))

            def __init__(self, space, rng, *, patience=3, **guidance):
                super().__init__(space, rng, **guidance)

            def ask(self):
                arch = super().ask()
                return self.space.mutate(arch, self.rng) if self.move_at == "grandchild" else arch
    """
    offer(folder, "pairing", {"strategies": "two = pairing:Two"}, source)
    monkeypatch.chdir(folder)
    (row,) = [row for row in json.loads(call("list", "strategies", "--json").stdout) if row["name"] == "two"]
    assert row["moves"] == ["child", "parent", "grandchild"] and row["scorer_settings"] == ["fitness"]
    assert list(row["settings"]) == ["patience", "pool", "tournament", "population", "fitness"]
    size = ("--budget", 8, "--rounds", 1, "--set", "pool=4", "--set", "tournament=2", "--set", "patience=1")
    ran = call("run", "two", "--move", "params", "--move-at", "grandchild", *size)
    assert ran.exit_code == 0, ran.stderr
    assert "move params at grandchild" in ran.stdout
    refused = call("run", "two", "--move", "params", "--move-at", "draw", *size)
    assert refused.exit_code == 1 and "it takes child or parent or grandchild" in refused.stderr
