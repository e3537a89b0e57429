"""The public Python works as it is written down: objects where names go, tables for notebooks, names that are found."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import public_face as face
import pytest

import nassearch as ns
from nassearch import registry
from nassearch.errors import BadData, BrokenPart, InvalidSetting, MissingData, UnknownName
from nassearch.strategies import AgingEvolution, RandomSearch, Strategy
from nassearch.types import Arch, Batch

SMALL: dict[str, Any] = {"rounds": 2, "budget": 70}


@pytest.fixture(autouse=True)
def nothing_registered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(registry, "_registered", {kind: {} for kind in registry.BUILT_IN})
    yield


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> list[ns.Outcome]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NASSEARCH_DATA", str(tmp_path_factory.mktemp("data")))
        return face.searches(tmp_path_factory.mktemp("results"))


def test_all_of_it_in_one_file(results: list[ns.Outcome]) -> None:
    face.reports(results)
    face.registered()
    face.modules()


def test_a_search_by_objects_is_the_search_by_names(tmp_path: Path) -> None:
    given: dict[str, Any] = {"warmup": 60, "move": "params", "settings": {"fitness": True}, **SMALL}
    named = ns.Experiment("ae", scorer="params", **given)
    objects = ns.Experiment(
        AgingEvolution,
        benchmark=ns.load_benchmark("nasbench201", "mnist1d"),
        scorer=ns.load("proxies", "params"),
        **{**given, "move": ns.load("proxies", "params")},
    )
    assert objects.header().line() == named.header().line() and objects.file_name == named.file_name
    named.run(tmp_path / "a.jsonl")
    objects.run(tmp_path / "b.jsonl", workers=2)
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()
    assert objects.run(tmp_path / "a.jsonl").found == 2


def test_functions_give_one_result_for_any_number_of_workers(tmp_path: Path) -> None:
    scale = 2.0

    def scaled(archs: Any) -> list[float]:
        return [scale * value for value in face.convolutions(archs)]

    search = ns.Experiment("ae", scorer=scaled, warmup=60, move=True, settings={"fitness": scaled}, **SMALL)
    search.run(tmp_path / "one.jsonl")
    search.run(tmp_path / "two.jsonl", workers=2)
    assert (tmp_path / "one.jsonl").read_bytes() == (tmp_path / "two.jsonl").read_bytes()
    assert search.label == "ae, warm-up 60 by scaled, move scaled, fitness=scaled"
    scale = 3.0  # a closure of another value is another scorer: it may score otherwise
    with pytest.raises(InvalidSetting, match="code of the fitness scorer"):
        search.run(tmp_path / "one.jsonl")


def test_a_benchmark_that_was_made_otherwise_is_another(tmp_path: Path) -> None:
    one, other = (ns.Experiment("rand", face.Toy(best), rounds=1, budget=5) for best in (1, 2))
    one.run(tmp_path / "a.jsonl")
    assert ns.Experiment("rand", face.Toy(1), rounds=1, budget=5).run(tmp_path / "a.jsonl").found == 1
    with pytest.raises(InvalidSetting, match="code of the benchmark"):
        other.run(tmp_path / "a.jsonl")
    assert one.oracle is one.benchmark


@pytest.mark.parametrize(
    "change",
    [
        {"strategy": RandomSearch},
        {"benchmark": "nasbench201"},
        {"scorer": face.blocks, "move": face.convolutions},
        {"settings": {"fitness": face.blocks, "pool": 32}},
        {"batch": Batch(np.zeros((4, 1, 40), np.float32))},
    ],
    ids=["strategy", "benchmark", "scorers", "settings", "batch"],
)
def test_experiments_with_objects_are_values(change: dict[str, Any]) -> None:
    one = ns.Experiment(AgingEvolution, warmup=9, scorer=face.convolutions)
    other = replace(one, **change)
    assert (other == replace(one, **change)) and hash(other) == hash(replace(one, **change))
    assert all(getattr(other, name) == value for name, value in change.items())
    for again in (copy.deepcopy(other), pickle.loads(pickle.dumps(other)), copy.copy(other)):
        assert again == other and hash(again) == hash(other) and again.header() == other.header()


def test_every_proxy_can_be_hashed() -> None:
    assert len({ns.load("proxies", name) for name in ns.names("proxies")}) == len(ns.names("proxies"))
    assert ns.Experiment("ae", scorer=ns.load("proxies", "snip")) in {
        ns.Experiment("ae", scorer=ns.load("proxies", "snip"))
    }


class Called:
    """A scorer that is an object."""

    def __call__(self, archs: Any) -> Any:
        return np.arange(len(archs))


NAMES: list[tuple[Any, str]] = [
    (face.convolutions, "convolutions"),
    (face.blocks, "blocks"),
    (partial(partial(face.convolutions)), "convolutions"),
    (Called(), "Called"),
    (lambda archs: [1.0] * len(archs), "lambda"),
]


@pytest.mark.parametrize(("given", "name"), NAMES, ids=[name for _, name in NAMES])
def test_results_name_a_scorer_as_its_function_is_called(given: Any, name: str) -> None:
    told = ns.Experiment("ae", scorer=given, warmup=9)
    assert told.label == f"ae, warm-up 9 by {name}"
    assert told.header().experiment["scorer"] == name


def test_a_class_without_a_name_of_its_own_is_called_as_it_is() -> None:
    assert ns.Experiment(face.Twice).label == "twice"
    assert ns.Experiment(AgingEvolution).label == "ae"


def test_a_made_scorer_stands_for_what_it_was_made_of() -> None:
    for given in ("rank(params, flops)", face.convolutions, face.blocks):
        made: Any = ns.make_scorer(given, cache=False)
        named, objects = (ns.Experiment("ae", scorer=scorer, warmup=9) for scorer in (given, made))
        assert named.header() == objects.header()


ARCHS: list[Arch] = [(0,) * 6, (1,) * 6, (2,) * 6]
WRONG: list[tuple[Callable[[Any], Any], str]] = [
    (lambda archs: [1.0], "one number for each"),
    (lambda archs: 1.0, "one number for each"),
    (lambda archs: None, "one number for each"),
    (lambda archs: ["high"] * len(archs), "one number for each"),
    (lambda archs: [[1.0], [2.0, 3.0], []], "one number for each"),
    (lambda archs: np.zeros((len(archs), 2)), "one number for each"),
    (lambda archs: archs[0].layers, "one of networks is declared by @proxy"),
    (lambda: None, "one of networks is declared by @proxy"),
]


@pytest.mark.parametrize(("function", "message"), WRONG)
def test_a_function_that_does_not_score_is_told_of(function: Callable[[Any], Any], message: str) -> None:
    with pytest.raises(BrokenPart, match=message):
        ns.make_scorer(function)(ARCHS)
    with pytest.raises(BrokenPart, match=message):
        ns.Experiment("ae", scorer=function, warmup=3, **SMALL).run()


def test_scores_of_functions_are_floats_and_what_is_infinite_is_none() -> None:
    scores = ns.make_scorer(lambda archs: [True, float("inf"), np.float32(2)])(ARCHS)
    np.testing.assert_array_equal(scores, [1.0, np.nan, 2.0])
    assert scores.dtype == np.float64
    assert ns.make_scorer(lambda archs: [])([]).shape == (0,)
    with pytest.raises(InvalidSetting, match="scores none of 119 architectures"):
        ns.Experiment("ae", scorer=lambda archs: [np.nan] * len(archs), warmup=60, **SMALL).run()
    with pytest.raises(InvalidSetting, match="scores none"):
        ns.Experiment("ae", move=lambda archs: [-np.inf] * len(archs), **SMALL).run()


NO_PARTS: list[tuple[dict[str, Any], str]] = [
    ({"strategy": dict}, "dict cannot be used as a strategy: it is a dict, not a subclass of Strategy"),
    ({"strategy": Strategy}, "it does not define ask, tell"),
    ({"strategy": face.convolutions}, "or a subclass of Strategy"),
    ({"benchmark": face.Widths}, "a subclass of Benchmark, or one that is open"),
    ({"benchmark": face.Widths()}, "a subclass of Benchmark, or one that is open"),
    ({"benchmark": face.Benchmark}, "it does not define"),
    ({"scorer": Called}, "a proxy or a function of architectures"),
    ({"scorer": np.zeros(3)}, "a proxy or a function of architectures"),
    ({"move": [face.convolutions]}, "a proxy or a function of architectures"),
    ({"settings": {"pool": face.convolutions}}, "pool of ae takes no scorer"),
    ({"settings": {"fitness": [face.convolutions]}}, "fitness of ae takes one scorer"),
]


@pytest.mark.parametrize(("values", "message"), NO_PARTS, ids=range(len(NO_PARTS)))
def test_an_object_that_is_no_such_part_is_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidSetting) as caught:
        ns.Experiment(**{"strategy": "ae", **values})
    assert message in str(caught.value)


def test_a_benchmark_is_open_on_one_data_set() -> None:
    bench = ns.load_benchmark()
    assert ns.load_benchmark(bench) is bench and ns.load_benchmark(bench, "mnist1d") is bench
    for use in (ns.load_benchmark, partial(ns.make_scorer, "params")):
        with pytest.raises(InvalidSetting, match="is open on mnist1d, and dataset is cifar10"):
            use(bench, "cifar10")
    with pytest.raises(UnknownName, match="data set of nasbench201"):
        ns.load_benchmark("nasbench201", "cifar9")
    with pytest.raises(UnknownName, match="did you mean nasbench201"):
        ns.load_benchmark("nasbench202")
    with pytest.raises(MissingData, match="nassearch bench import"):
        ns.load_benchmark("nasbench101")


def test_a_batch_may_be_given_itself() -> None:
    own = ns.load_benchmark().batch()
    assert own is not None
    named, objects = (ns.Experiment("ae", scorer="epsilon", warmup=9, batch=batch) for batch in (None, own))
    assert named.header().experiment["batch"] == objects.header().experiment["batch"] == own.digest()
    with pytest.raises(BadData, match="the batch: inputs are"):
        ns.make_scorer("epsilon", batch=Batch(np.zeros((4, 3, 8, 8), np.float32)))


CELL = """
class Searcher(Base):
    '''A strategy of a notebook.'''
    width = {width}
"""


def cell(width: int, name: str = "__main__") -> Any:
    """Return what a cell of a notebook defines."""
    names = {"Base": RandomSearch, "__name__": name}
    exec(CELL.format(width=width), names)
    return names["Searcher"]


def test_a_cell_that_is_run_again_replaces_what_it_registered() -> None:
    first, second = cell(1), cell(2)
    assert ns.register("strategies", first) is first
    assert ns.Experiment("searcher").header().experiment["strategy"] == "searcher"
    ns.register("strategies", second)
    assert ns.load("strategies", "searcher") is second
    ns.register("strategies", first, name="another")
    assert {"another", "searcher"} <= set(ns.names("strategies"))
    with pytest.raises(InvalidSetting, match=r"'searcher' is registered already, as __main__\.Searcher"):
        ns.register("strategies", cell(1, "elsewhere"))


def test_registered_names_work_wherever_names_do(tmp_path: Path) -> None:
    face.registered()
    scorer = ns.make_scorer("rank(blocks(scale=2), weakest(params, flops))", cache=False)
    assert scorer(ARCHS).shape == (3,)
    renamed = ns.register("proxies", face.blocks, name="pieces")
    assert renamed.name == "pieces" and face.blocks.name == "blocks"
    found = ns.correlate("nasbench201", ["pieces", "blocks", face.steepest], sample=5, draws=5, cache=False)
    assert [report.proxy for report in found.reports] == ["pieces", "blocks", "steepest"]
    ns.Experiment("downhill", "toy", rounds=1, budget=5).run(tmp_path / "toy.jsonl")
    (compared,) = ns.compare(ns.read(tmp_path / "toy.jsonl")).rows
    assert compared["label"] == "downhill"


REFUSED: list[tuple[str, Any, str | None, str]] = [
    ("strategies", AgingEvolution, None, "nassearch has a strategy called 'ae'"),
    ("strategies", face.Downhill, "rl", "nassearch has a strategy called 'rl'"),
    ("proxies", face.blocks, "synflow", "nassearch has a proxy called 'synflow'"),
    ("proxies", face.blocks, "rank", "nassearch has a proxy called 'rank'"),
    ("combinations", face.weakest, "params", "nassearch has a combination called 'params'"),
    ("proxies", face.blocks, "two words", "letters, digits and underscores"),
    ("proxies", face.blocks, 3, "its name is no text but 3"),
    ("proxies", face.convolutions, None, "it is a function, not a Proxy, as its decorator makes one"),
    ("proxies", face.weakest, None, "it is a Combination, not a Proxy"),
    ("strategies", face.Toy, None, "it is a Toy, not a subclass of Strategy"),
    ("strategies", Strategy, None, "it does not define ask, tell"),
    ("benchmarks", face.Toy(), None, "it is a Toy, not a subclass of Benchmark"),
]


@pytest.mark.parametrize(("kind", "part", "name", "message"), REFUSED)
def test_what_cannot_be_registered_is_refused(kind: str, part: Any, name: Any, message: str) -> None:
    before = {kind: ns.names(kind) for kind in registry.BUILT_IN}
    with pytest.raises(InvalidSetting) as caught:
        ns.register(kind, part, name)
    assert message in str(caught.value)
    assert before == {kind: ns.names(kind) for kind in registry.BUILT_IN}


def test_a_kind_that_is_none_is_told_of() -> None:
    with pytest.raises(UnknownName, match="did you mean proxies"):
        ns.register("proxy", face.blocks)
    ns.register("proxies", face.blocks)
    with pytest.raises(InvalidSetting, match="'blocks' is registered already"):
        ns.register("combinations", face.weakest, name="blocks")


@pytest.mark.parametrize("kind", ["proxy", 3, None, ["proxies"]])
def test_names_and_parts_of_no_kind_are_told_of(kind: Any) -> None:
    for ask in (
        lambda: ns.names(kind),
        lambda: ns.load(kind, "params"),
        lambda: ns.register(kind, face.blocks),
    ):
        with pytest.raises(UnknownName, match="no kind of part is called"):
            ask()


@pytest.mark.parametrize("name", [3, None, ["params"]])
def test_a_name_that_is_no_text_is_unknown(name: Any) -> None:
    with pytest.raises(UnknownName, match="no proxy is called"):
        ns.load("proxies", name)


@pytest.mark.parametrize("spec", ["params", "rank(params, flops)", face.convolutions, len])
def test_architectures_may_be_an_array_or_come_one_by_one(spec: Any) -> None:
    bench = ns.load_benchmark("nasbench201", "mnist1d")
    scorer = ns.make_scorer(spec, bench) if spec is not len else ns.make_scorer(decisions, bench)
    archs = list(bench.space.all())[:20]
    for given in (np.array(archs), iter(archs), tuple(archs)):
        np.testing.assert_array_equal(scorer(given), scorer(archs))
    for wrong in (None, 3, "abc", archs[0][0]):
        with pytest.raises(InvalidSetting, match="a scorer is called with a list of architectures, not with"):
            scorer(wrong)


def decisions(archs: Any) -> list[float]:
    return [float(sum(arch)) for arch in archs if isinstance(arch, tuple)]


@pytest.mark.parametrize("out", [3, "", ["a.jsonl"], True])
def test_a_result_goes_to_a_path(out: Any) -> None:
    with pytest.raises(InvalidSetting, match="out is the path of a file, not"):
        ns.Experiment("rand", rounds=1, budget=2).run(out)


def test_no_proxy_is_no_question() -> None:
    with pytest.raises(InvalidSetting, match=r"proxies are a list such as .*, not \[\]"):
        ns.correlate("nasbench201", [], sample=5)
    with pytest.raises(InvalidSetting, match=r"proxies are a list such as .*, not \[\]"):
        ns.score(None, np.ones((2, 3)), [])


def test_results_are_read_by_path_folder_pattern_or_list(results: list[ns.Outcome]) -> None:
    folder = Path(str(results[0].path)).parent
    both = [folder / "ae.jsonl", folder / "mine.jsonl"]
    for given in (folder, str(folder), f"{folder}/*.jsonl", both, [f"{folder}/m*", folder], iter(both)):
        assert sorted(str(each.path) for each in ns.read(given)) == list(map(str, both))
    for one in (both[0], str(both[0])):
        (again,) = ns.read(one)
        assert repr(again) == repr(results[0])
        np.testing.assert_array_equal(again.curve().values, results[0].curve().values)
        assert again.frame().equals(results[0].frame())


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ("nothing*.jsonl", MissingData, "no file is called nothing*.jsonl"),
        ("nothing.jsonl", MissingData, "nothing.jsonl"),
        (".", MissingData, "has no .jsonl file"),
        (3, InvalidSetting, "not from 3"),
        ([3], InvalidSetting, "not from 3"),
        ("", InvalidSetting, "not from ''"),
        (b"x", InvalidSetting, "not from"),
    ],
)
def test_what_cannot_be_read_is_said(
    given: Any, error: type[Exception], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error) as caught:
        ns.read(given)
    assert message in str(caught.value)


def test_read_leaves_out_what_has_no_first_line(results: list[ns.Outcome], tmp_path: Path) -> None:
    whole = results[0].header.line()
    (tmp_path / "a.jsonl").touch()
    (tmp_path / "b.jsonl").write_bytes(whole[:40])
    for name, message in (
        ("a", "a.jsonl is not a result of nassearch run yet: it is empty"),
        ("b", "b.jsonl .* is cut off within its first line"),
    ):
        with pytest.raises(BadData, match=message):
            ns.read(tmp_path / f"{name}.jsonl")
    (tmp_path / "c.jsonl").write_bytes(whole)
    with pytest.warns(
        RuntimeWarning, match=r"left out: .*(a.jsonl .* is empty|b.jsonl .* is cut off)"
    ) as seen:
        (found,) = ns.read(tmp_path)
    assert found.path == tmp_path / "c.jsonl" and len(seen) == 2
    (tmp_path / "d.jsonl").write_text("no result")
    with pytest.raises(BadData, match=r"d\.jsonl is not a result"):
        ns.read(tmp_path)


def test_compare_says_what_is_wrong(results: list[ns.Outcome], tmp_path: Path) -> None:
    toy = ns.Experiment("rand", face.Toy, rounds=1, budget=5).run()
    for given, message in (
        ([], "one or more"),
        (3, "one or more"),
        (["ae.jsonl"], "one or more"),
        ([*results, toy], "toy, signals and|from different data"),
    ):
        with pytest.raises(InvalidSetting, match=message):
            ns.compare(given)  # type: ignore[arg-type]
    for options in ({"target": "73"}, {"target": float("nan")}, {"labels": ["a"]}, {"labels": ["a", "a"]}):
        with pytest.raises(InvalidSetting):
            ns.compare(results, **options)  # type: ignore[arg-type]
    with pytest.raises(UnknownName, match="no result is called 'bp'"):
        ns.compare(results, baseline="bp")
    with pytest.raises(BadData, match="no complete round yet"):
        ns.compare([replace(results[0], rounds=[])])
    assert "no complete round yet" in repr(replace(results[0], rounds=[]))


def test_compare_takes_labels_and_baselines(results: list[ns.Outcome]) -> None:
    assert ns.compare({"one": results[0], "two": results[1]}).frame()["label"].tolist() == ["one", "two"]
    other = ns.compare(results, 90, baseline=results[1])
    assert (other.baseline, other.target) == (results[1].label, 90)
    assert other.rows[1]["speedup"] == 1.0
    twins = ns.compare([results[0], replace(results[0], path=None)], labels=None)
    assert [row["label"] for row in twins.rows] == [
        "ae, warm-up 100 by params, move params [ae]",
        "ae, warm-up 100 by params, move params [2]",
    ]
    # What was read and what was run are the same, where the benchmark is installed.
    assert results[0].path is not None
    assert ns.compare(ns.read(results[0].path)).rows == ns.compare(results[:1]).rows


def test_names_in_tables_of_notebooks_do_nothing(results: list[ns.Outcome]) -> None:
    nasty = "<script>alert(1)</script>\x1b[31m"
    for told in (ns.compare({nasty: results[0]}), replace(results[0], header=_named(results[0], nasty))):
        assert "<script>" not in told._repr_html_() and "\x1b" not in told._repr_html_() + repr(told)
        assert "&lt;script&gt;" in told._repr_html_()


def _named(result: ns.Outcome, name: str) -> Any:
    return replace(result.header, experiment={**result.header.experiment, "strategy": name})


def test_frames_without_pandas_say_what_to_install(
    results: list[ns.Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    for table in (results[0], results[0].curve(), ns.compare(results)):
        with pytest.raises(InvalidSetting, match="pip install pandas"):
            table.frame()


def test_a_frame_holds_every_model(results: list[ns.Outcome]) -> None:
    found = results[0].frame()
    assert list(found) == ["round", "model", "arch", "valid", "test", "seconds", "best"]
    first = results[0].rounds[1]
    row = found[(found["round"] == 1) & (found["model"] == 3)].iloc[0]
    assert (row["arch"], row["valid"], row["test"]) == (first.archs[2], first.valid[2], first.test[2])
    last = found.groupby("round")["best"].last()
    np.testing.assert_array_equal(last, results[0].curve().values[:, -1])


def test_scores_of_a_correlation_are_a_frame() -> None:
    found = ns.correlate("nasbench201", ["params", face.convolutions], sample=20, draws=5)
    table = found.scores()
    assert list(table) == ["arch", "test accuracy", "params", "convolutions"]
    assert table["convolutions"].tolist() == face.convolutions(found.archs)
    assert found.reports[1].seconds is not None and found.reports[1].seconds >= 0
    with pytest.raises(InvalidSetting, match="proxies are a list"):
        ns.correlate("nasbench201", "params", sample=5)
    with pytest.raises(InvalidSetting, match="convolutions is there twice"):
        ns.correlate("nasbench201", [face.convolutions, face.convolutions], sample=5)


NOUNS = ("benchmarks", "datasets", "proxies", "scorers", "spaces", "strategies", "training")


@pytest.mark.parametrize("noun", NOUNS)
def test_every_public_name_of_a_noun_is_there(noun: str) -> None:
    package = import_module(f"nassearch.{noun}")
    assert dir(package) == sorted(package.__all__)
    assert all(getattr(package, name) is not None for name in package.__all__)
    with pytest.raises(AttributeError, match=f"module 'nassearch.{noun}' has no attribute 'nothing'"):
        _ = package.nothing


def test_a_public_name_is_of_one_noun() -> None:
    names = [name for noun in NOUNS for name in import_module(f"nassearch.{noun}").__all__]
    assert len(set(names)) == len(names)


def test_public_nouns_do_without_torch_until_it_is_needed() -> None:
    code = "import sys; from nassearch import " + ", ".join(NOUNS)
    code += (
        "; from nassearch.strategies import AgingEvolution, Reinforce; from nassearch.proxies import proxy"
    )
    code += "; print({'torch', 'matplotlib', 'pandas'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=100)
    assert (done.stdout, done.stderr) == ("set()\n", "")


def test_a_scorer_that_was_made_on_another_batch_is_refused() -> None:
    made, own = (ns.make_scorer("epsilon", batch=batch, cache=False) for batch in ("grey", None))
    small: dict[str, Any] = {"warmup": 3, "rounds": 1, "budget": 2}
    with pytest.raises(
        InvalidSetting, match="epsilon was made on another batch than this search has: give the search"
    ):
        ns.Experiment("rand", scorer=made, **small).run(cache=False)
    ns.Experiment("rand", scorer=own, **small).run(cache=False)


def test_what_one_has_in_hand_says_what_it_is() -> None:
    bench = ns.load_benchmark()
    made = [
        ns.make_scorer(given, cache=False) for given in ("synflow", "rank(params, flops)", face.convolutions)
    ]
    assert [repr(each) for each in (bench, bench.space, *made)] == [
        "NASBench201Benchmark(nasbench201, mnist1d)",
        "NASBench201(nasbench201)",
        "ProxyScorer(synflow on NASBench201(nasbench201))",
        "CombinedScorer(rank(params, flops))",
        "FunctionScorer(convolutions)",
    ]
