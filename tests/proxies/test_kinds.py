"""A proxy says what it is for networks of another kind, whatever makes it, and what it returns is checked."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from commands import call
from packages import offer, on_the_path

from nassearch import registry
from nassearch.errors import BrokenPart, InvalidSetting, UnknownName
from nassearch.networks.graph import Builder, Network
from nassearch.proxies.base import Kinds, Proxy, proxy
from nassearch.proxies.model import model_proxy, together
from nassearch.scorers import ProxyScorer
from nassearch.scorers.combined import CombinedScorer, combination
from nassearch.spaces.choices import Choices
from nassearch.spaces.nasbench201 import NASBench201
from nassearch.types import Batch, Task

RNG = np.random.default_rng(0)
BATCH = Batch(RNG.normal(size=(8, 1, 8)).astype("float32"), RNG.integers(0, 2, 8))
TASK = Task((1, 8), 2, (2, 3, 4), 1)


@dataclass(frozen=True)
class Tree:
    """A network that is no chain of layers."""

    leaves: int


@dataclass(frozen=True)
class Bush(Tree):
    """One that is derived from another kind."""


class Wide(Network):
    """A network with something beside its layers."""


class Trees(Choices):
    name = "trees"
    choices = (("1", "2", "3"), ("tree", "bush", "network"))

    def network(self, arch: Any, task: Task) -> Any:
        leaves = int(self.choices[0][arch[0]])
        return (Tree(leaves), Bush(leaves), chain(leaves))[arch[1]]


def chain(width: int, kind: type[Network] = Network) -> Network:
    build = Builder((1, 8))
    build.linear(build.global_pool(build.relu(build.conv(0, width, kernel=3))), 2)
    return kind(((build.done(), 1),))


@pytest.fixture
def copy(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what gives a registered proxy, whose kinds are put back when a test ends."""

    def take(name: str) -> Proxy:
        found: Proxy = registry.load("proxies", name)
        monkeypatch.setattr(found.for_networks, "functions", {**found.for_networks.functions})
        monkeypatch.setattr(found.for_networks, "resolves", {**found.for_networks.resolves})
        return found

    return take


@pytest.mark.parametrize("name", registry.names("proxies"))
def test_every_proxy_takes_a_kind_of_its_own(name: str, copy: Any) -> None:
    part = copy(name)
    sign = 1 if part.higher_is_better else -1

    @part.for_networks(Tree)  # type: ignore[untyped-decorator]
    def _(networks: Any, batch: Any) -> Any:
        return [sign * float(tree.leaves) for tree in networks]

    assert part([Tree(3), Tree(1)], BATCH).tolist() == [3 * sign, sign]
    scorer = ProxyScorer(
        part, Trees(), TASK, BATCH, {"batch_size": 8} if "batch_size" in part.options else {}
    )
    assert scorer([(0, 0), (2, 0), (1, 1)]).tolist() == [1, 3, 2]  # a Bush is a Tree
    with pytest.raises(
        InvalidSetting, match=rf"option seed of {name} has no meaning for a Tree: leave seed=1 out"
    ):
        if "seed" not in part.options:
            raise InvalidSetting(f"option seed of {name} has no meaning for a Tree: leave seed=1 out")
        part([Tree(3)], BATCH, seed=1)


def test_the_nearest_kind_counts_and_kinds_may_be_mixed(copy: Any) -> None:
    snip, params = copy("snip"), copy("params")
    usual = snip([chain(2)], BATCH, batch_size=8)[0]
    for part in (snip, params):
        part.for_networks(Tree)(lambda networks, batch: [100.0 + tree.leaves for tree in networks])
        part.for_networks(Bush)(lambda networks, batch: [200.0 + tree.leaves for tree in networks])
    mixed = [Tree(1), chain(2), Bush(3), Tree(4), Wide(chain(2).chain)]
    (scores, reasons), (counts, _) = together(
        [(snip, {**snip.options, "batch_size": 8}, BATCH), (params, {}, None)],
        mixed,  # type: ignore[arg-type]
    )
    assert scores.tolist() == [101, usual, 203, 104, usual] and not reasons
    assert counts.tolist() == [101, 2 * 3 + 2 * 2 + 2, 203, 104, 2 * 3 + 2 * 2 + 2]
    snip.for_networks(Wide)(lambda networks, batch: [-1.0] * len(networks))
    assert snip(mixed, BATCH, batch_size=8).tolist() == [101, usual, 203, 104, -1]  # type: ignore[arg-type]


def test_a_kind_without_a_function_names_the_proxies_that_have_one(copy: Any) -> None:
    copy("snip").for_networks(Tree)(lambda networks, batch: [0.0] * len(networks))
    for name in ("params", "naswot"):
        with pytest.raises(InvalidSetting, match=f"^{name} has no meaning for a Bush; these have one: snip$"):
            registry.load("proxies", name)([Bush(1)], BATCH)


def test_options_of_a_kind_are_those_it_takes(copy: Any) -> None:
    snip = copy("snip")

    @snip.for_networks(Tree)  # type: ignore[untyped-decorator]
    def _(networks: Any, batch: Any, *, seed: int = 0, batch_size: int = 64) -> Any:
        return [1000 * batch_size + seed + tree.leaves for tree in networks]

    assert snip([Tree(1)], BATCH, seed=30, batch_size=8).tolist() == [8031]
    with pytest.raises(InvalidSetting, match="option init of snip has no meaning for a Tree"):
        snip([Tree(1)], BATCH, init="zeros")
    snip.for_networks(Tree)(lambda networks, batch, **options: [len(options)] * len(networks))
    assert snip([Tree(1)], BATCH, seed=30).tolist() == [1]


def test_a_kind_resolves_options_of_its_own(copy: Any) -> None:
    """epsilon chooses weights by networks that it knows; what they are for others is said beside their function."""
    epsilon = copy("epsilon")
    seen: list[Any] = []

    def of_trees(networks: Any, batch: Any, *, weights: Any = None) -> Any:
        seen.append(weights)
        return [float(tree.leaves) for tree in networks]

    epsilon.for_networks(Tree)(of_trees)
    assert ProxyScorer(epsilon, Trees(), TASK, BATCH)([(1, 0)]).tolist() == [2]
    epsilon.for_networks(Tree, resolve=lambda space, task, batch, options: {"weights": (1, space.size)})(
        of_trees
    )
    scorer = ProxyScorer(epsilon, Trees(), TASK, BATCH)
    assert scorer([(1, 0)]).tolist() == [2]
    assert seen == [None, (1, 9)] and scorer.options["weights"] == (1, 9)
    assert ProxyScorer(epsilon, NASBench201(), TASK, BATCH).options["weights"] == (1e-7, 1.0)


TWO = [chain(1), chain(2)]
RULE = "a proxy returns one number for each network, in their order"
SHARED: list[tuple[Any, str]] = [
    ([1.0], r"the proxy odd returned a list \[1\] for 2 networks: "),
    ([1.0, 2.0, 3.0], r"returned a list \[3\] for 2"),
    ([], r"returned a list \[0\]"),
    (1.0, "returned a float for 2"),
    (None, "returned a NoneType for 2"),
    ("ab", "returned a str for 2"),
    (b"ab", "returned a bytes for 2"),
    ({"a": 1, "b": 2}, "returned a dict for 2"),
    ({1.0, 2.0}, "returned a set for 2"),
    (iter([1.0, 2.0]), "returned a list_iterator for 2"),
    (np.ones(3), r"returned a ndarray \[3\] for 2"),
    (np.ones((2, 1)), r"returned a ndarray \[2, 1\] for 2"),
    (np.float64(1), "returned a float64 for 2"),
    (torch.ones(2, 1), r"returned a ndarray \[2, 1\] for 2"),
    ([1.0, None], "returned the NoneType None as a score"),
    ([1.0, b"x"], "returned the bytes b'x' as a score"),
    ([1.0, 1j], "returned the complex 1j as a score"),
    ([1.0, [2.0]], r"returned the list \[2.0\] as a score"),
    ([1.0, Decimal(1)], "returned the Decimal"),
    ([1.0, np.ones(2)], r"returned the array \[2\] as a score"),
    (np.array(["1", "2"]), "returned the str_? '1' as a score|returned a"),
    (np.array([1, 1j]), "returned the complex128"),
    (np.array([1, None]), "returned the NoneType"),
]


@pytest.mark.parametrize(("found", "message"), SHARED, ids=[message for _, message in SHARED])
def test_a_wrong_return_is_told_with_proxy_and_rule(found: Any, message: str) -> None:
    @proxy(reference="an example")
    def odd(networks: Any, batch: Any = None) -> Any:
        return found

    if isinstance(found, np.ndarray) and found.dtype.kind == "U":
        # Texts are reasons, whatever holds them.
        assert odd.scored(TWO)[1] == {0: "1", 1: "2"}
        return
    with pytest.raises(BrokenPart, match=message) as caught:
        odd(TWO)
    assert RULE in str(caught.value)


@pytest.mark.parametrize(
    "found",
    [
        [1, 2.5],
        (1, 2.5),
        np.array([1, 2.5]),
        np.array([1, 2.5], np.float16),
        torch.tensor([1, 2.5], requires_grad=True),
        [torch.tensor(1.0, requires_grad=True), torch.tensor([2.5])],
        [np.float32(1), Fraction(5, 2)],
        [True, np.float64(2.5)],
        np.array([1, 2.5], object),
    ],
    ids=str,
)
def test_numbers_of_every_make_are_taken(found: Any) -> None:
    @proxy(reference="an example")
    def fine(networks: Any, batch: Any = None) -> Any:
        return found

    assert fine(TWO).tolist() == [1, 2.5]
    assert fine(TWO).dtype == np.float64


def test_a_text_in_a_list_is_a_reason() -> None:
    @proxy(reference="an example")
    def some(networks: Any, batch: Any = None) -> Any:
        return [math.nan, "no layer", 10**400][: len(networks)]

    scores, reasons = some.scored([*TWO, chain(3)])
    assert np.isnan(scores[:2]).all() and scores[2] == math.inf and reasons == {1: "no layer"}


@pytest.mark.parametrize("found", [None, [1.0], [1.0, 2.0], 1j, {}, b"1", np.ones(2)], ids=str)
def test_a_wrong_return_of_a_model_proxy_is_told(found: Any) -> None:
    @model_proxy(reference="an example", reads=[], batch_size=8)
    def odd(probe: Any) -> Any:
        return found

    with pytest.raises(BrokenPart, match=r"the proxy odd returned the .* as a score") as caught:
        odd(TWO, BATCH)
    assert RULE in str(caught.value)

    @model_proxy(reference="an example", reads=[], batch_size=8)
    def fine(probe: Any) -> Any:
        return torch.tensor([2.5], requires_grad=True)

    assert fine(TWO, BATCH).tolist() == [2.5, 2.5]


SOURCE = """
    from nassearch.proxies import proxy

    @proxy(reference="an example")
    def short(networks, batch=None):
        "One score too few."
        return [1.0] * (len(networks) - 1)

    @proxy(reference="an example")
    def failing(networks, batch=None):
        "Fails."
        return [1 / 0 for n in networks]

    @short.for_model
    def _(model, batch):
        return [1, 2]
"""


@pytest.fixture
def short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    folder = tmp_path / "packages"
    folder.mkdir()
    offer(folder, "shortness", {"proxies": "short = shortness:short\nfailing = shortness:failing"}, SOURCE)
    with on_the_path(folder, monkeypatch):
        yield


@pytest.mark.parametrize("workers", [[], ["--workers", 2]], ids=str)
def test_the_command_line_tells_it(short: None, workers: list[Any]) -> None:
    refused = call("score", "--sample", 70, "--proxies", "params,short", *workers)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert (
        refused.stderr.startswith("nassearch: the proxy short returned a list [") and RULE in refused.stderr
    )
    refused = call(
        "run", "rand", "--warmup", 9, "--scorer", "failing", "--rounds", 1, "--budget", 2, *workers
    )
    assert refused.exit_code == 1
    assert refused.stderr.startswith(
        "nassearch: the proxy failing fails: ZeroDivisionError: division by zero"
    )
    assert refused.stderr.count("\n") == 1


def test_a_module_is_told_it_too(short: None) -> None:
    import nassearch

    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(8, 2))
    with pytest.warns(RuntimeWarning, match=r"the proxy short returned the list \[1, 2\] as a score"):
        scores = nassearch.score(model, BATCH.inputs, ["short", "params"])
    assert math.isnan(scores["short"]) and scores["params"] == 18


def test_kinds_are_a_table_of_functions() -> None:
    kinds = Kinds()
    kinds(Tree)(len)
    assert kinds.find(Bush) is len and kinds.find(Wide) is None
    assert json.dumps([kind.__name__ for kind in kinds.functions]) == '["Tree"]'


@pytest.mark.parametrize(
    "found",
    [
        None,
        1.0,
        [1.0],
        np.ones((2, 1)),
        np.ones(3),
        np.array(["a", "b"]),
        [1.0, None],
        {1.0, 2.0},
        np.array([1j, 1]),
    ],
    ids=str,
)
def test_a_wrong_return_of_a_combination_is_told(found: Any) -> None:
    @combination(reference="an example")
    def odd(parts: Any, among: Any) -> Any:
        return found if parts.shape[1] else parts.sum(axis=0)

    space = NASBench201()
    scorer = CombinedScorer(odd, [ProxyScorer(registry.load("proxies", "params"), space, TASK)])
    with pytest.raises(
        BrokenPart, match=r"the combination odd returned .* for 2 architectures: a combination returns one"
    ):
        scorer(space.sample_many(2, np.random.default_rng(0)))


def test_a_combination_that_fails_is_told() -> None:
    @combination(reference="an example")
    def odd(parts: Any, among: Any) -> Any:
        return parts[0] * np.array([1, 2])

    params = ProxyScorer(registry.load("proxies", "params"), NASBench201(), TASK)
    with pytest.raises(
        BrokenPart, match=r"the combination odd fails for 1 scorers and 0 architectures: ValueError"
    ):
        CombinedScorer(odd, [params])


@pytest.mark.parametrize("needs", [["pictures"], ["inputs", "label"], "labels"], ids=str)
def test_a_proxy_needs_what_a_batch_has(needs: Any) -> None:
    """A name that is misspelt would be a batch that no data set has."""
    for declare in (proxy(reference="x", needs=needs), model_proxy(reference="x", reads=[], needs=needs)):
        with pytest.raises(
            UnknownName, match=r"no need of proxy odd is called .* (known: inputs, labels|did you mean)"
        ):

            @declare
            def odd(given: Any, batch: Any = None) -> Any: ...


def test_a_function_that_cannot_be_called_as_a_proxy_is_refused_where_it_is_declared() -> None:
    with pytest.raises(
        BrokenPart, match=r"the proxy lonely is called with \(networks, batch\), and its function"
    ):

        @proxy(reference="an example")
        def lonely(networks: Any) -> list[float]:
            return [0.0 for _ in networks]

    with pytest.raises(
        BrokenPart, match=r"is called with \(probe\), and its function cannot be: missing .*batch"
    ):

        @model_proxy(reference="an example", reads=())
        def crowded(probe: Any, batch: Any) -> float:
            return 0.0
