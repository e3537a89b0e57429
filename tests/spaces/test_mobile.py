"""The space of networks for phones: its texts, its networks, and searches in what nobody can list."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

import nassearch as ns
from nassearch import registry
from nassearch.benchmarks import Benchmark, Dataset
from nassearch.errors import InvalidArch
from nassearch.networks.constant.collapsed import collapsed_outputs
from nassearch.networks.counting import macs, parameters
from nassearch.networks.modules.network import TorchNetwork, constant_outputs
from nassearch.networks.tracing.macs import module_macs
from nassearch.scorers.spec import build_scorer
from nassearch.spaces import Mobile, SearchSpace, open_space
from nassearch.spaces.mobile import inverted_residual, rounded
from nassearch.types import Arch, Batch, Metrics, Task

SPACE = Mobile()
FIRST = ":".join(["d1_w0.75_k3_e3_plain_relu"] * 5)
MIXED = (
    "d1_w1_k3_e3_plain_relu:d2_w1_k5_e4_se_relu:d3_w1_k3_e6_plain_hard_swish:d4_w0.75_k7_e3_se_swish:"
    "d2_w1.25_k5_e6_se_hard_swish"
)


def sizes(shape: tuple[int, ...], **skeleton: Any) -> list[tuple[int, ...]]:
    """Return the sizes between the blocks."""
    network = SPACE.network(SPACE.parse(FIRST), Task(shape, 10, **skeleton))
    return [block[-1].size for block, _ in network.chain]


def test_texts_are_stages() -> None:
    assert SPACE.format((0,) * 30) == FIRST
    assert SPACE.parse(MIXED)[:12] == (0, 1, 0, 0, 0, 0, 1, 1, 1, 1, 1, 0)
    assert SPACE.format(SPACE.parse(f"  {MIXED}\n")) == MIXED
    assert SPACE.size == 648**5


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (FIRST + ":" + FIRST, "has 10 stages between colons, mobile has 5"),
        (FIRST.replace("_relu", "", 1), "has not 6 parts"),
        (FIRST.replace("k3", "k9", 1), "'9' .*is none of 3, 5, 7"),
        (FIRST.replace("d1", "1", 1), "does not begin with d"),
        (FIRST.replace("relu", "relu6", 1), "is none of relu, hard_swish, swish"),
        (FIRST.replace("w0.75", "w0.750", 1), "is none of 0.75"),
        ("", "1 stages"),
    ],
)
def test_wrong_texts_say_where(text: str, words: str) -> None:
    with pytest.raises(InvalidArch, match=words):
        SPACE.parse(text)


def test_places_and_keys_need_no_list() -> None:
    assert SPACE.index((0,) * 30) == 0
    last = tuple(count - 1 for count in SPACE.options)
    assert SPACE.index(last) == SPACE.size - 1
    assert SPACE.of_key(MIXED) == SPACE.parse(MIXED)
    assert SPACE.of_key("nothing") is None and SPACE.of_key(f" {MIXED}") is None


@pytest.mark.parametrize(
    ("side", "halvings", "left"),
    [
        (224, 5, 7),
        (192, 5, 6),
        (128, 5, 4),
        (96, 4, 6),
        (64, 4, 4),
        (48, 3, 6),
        (32, 3, 4),
        (28, 2, 7),
        (8, 1, 4),
    ],
)
def test_strides_follow_the_input(side: int, halvings: int, left: int) -> None:
    found = sizes((3, side, side))
    assert found[-2] == (left, left) and side / left == 2**halvings


def test_the_last_strides_are_kept() -> None:
    # Stem, five stages of one block, head.
    assert [size[0] for size in sizes((3, 224, 224))[:-1]] == [112, 56, 28, 14, 14, 7]
    assert [size[0] for size in sizes((3, 32, 32))[:-1]] == [32, 32, 16, 8, 8, 4]
    assert sizes((1, 20, 50))[:-1] == [(20, 50), (20, 50), (20, 50), (10, 25), (10, 25), (5, 13)]
    assert sizes((4, 100))[:-1] == [(100,), (50,), (25,), (13,), (13,), (7,)]
    assert sizes((2, 3, 3))[:-1] == [(3, 3)] * 6


def test_widths_are_those_of_mobilenet_v3() -> None:
    network = SPACE.network(SPACE.parse(FIRST.replace("w0.75", "w1")), Task((3, 32, 32), 10))
    assert [block[-1].channels for block, _ in network.chain] == [16, 24, 40, 80, 112, 160, 10]
    half = SPACE.network(SPACE.parse(FIRST.replace("w0.75", "w1")), Task((3, 32, 32), 10, width=0.5))
    assert [block[-1].channels for block, _ in half.chain] == [8, 12, 20, 40, 56, 80, 10]
    assert open_space("mobile(width=0.5)").skeleton == {"width": 0.5}


def test_options_of_a_width_differ_also_where_networks_are_narrow() -> None:
    for usual in (24, 40, 80, 112, 160):
        for factor in (0.25, 0.35, 0.5, 0.75, 1, 1.4, 2):
            assert len({rounded(usual * factor * share) for share in (0.75, 1, 1.25)}) == 3


def test_parameters_of_a_block_by_hand() -> None:
    block = inverted_residual((16, 8, 8), 16, 1, 5, 4, True, "swish")
    # 16 to 64 channels, 64 windows of 25, 64 to 16 and back by biases, 64 to 16; three batch norms.
    expected = 16 * 64 + 64 * 25 + (64 * 16 + 16 + 16 * 64 + 64) + 64 * 16 + 2 * (64 + 64 + 16)
    from nassearch.networks.graph import Network

    assert parameters(Network(((block, 1),))) == expected
    assert block[-1].op == "add"
    assert inverted_residual((16, 8, 8), 24, 1, 5, 4, True, "swish")[-1].op == "batch_norm"
    assert inverted_residual((16, 8, 8), 16, 2, 5, 4, True, "swish")[-1].op == "batch_norm"


@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 28, 40), (4, 9, 17), (2, 60)])
def test_networks_of_random_architectures(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(6, *shape)).astype(np.float32)
    task = Task(shape, 7, width=0.25)
    for arch in SPACE.sample_many(3, rng):
        network = SPACE.network(arch, task)
        model = TorchNetwork(network, torch.Generator().manual_seed(0))
        assert parameters(network) == sum(p.numel() for p in model.parameters())
        assert macs(network) == module_macs(model, shape)
        full = constant_outputs(network, torch.from_numpy(x), 1.0).numpy()
        found = collapsed_outputs([network], x, (1.0,))[0, 0]
        # Float32 with additions in another order, through up to 23 blocks.
        np.testing.assert_allclose(found, full, rtol=1e-3, atol=1e-3 * np.abs(full).max())


@pytest.mark.parametrize("name", registry.names("proxies"))
def test_every_proxy_scores_them_or_says_why(name: str) -> None:
    rng = np.random.default_rng(1)
    task = Task((3, 16, 12), 4, width=0.25)
    batch = Batch(rng.normal(size=(8, 3, 16, 12)).astype(np.float32), rng.integers(4, size=8))
    proxy = registry.load("proxies", name)
    quick = {"batch_size": 8, "initialisations": 3, "repeats": 1}
    options = ", ".join(f"{option}={value}" for option, value in quick.items() if option in proxy.options)
    archs = [SPACE.parse(FIRST), SPACE.parse(FIRST.replace("relu", "swish"))]
    archs = archs if name in ("ntk_cond", "vkdnw", "cv") else [*archs, *SPACE.sample_many(1, rng)]
    scorer = build_scorer(f"{name}({options})", SPACE, task, batch)
    found = scorer(archs)
    silent = {"linear_regions": 3, "naswot": 2, "swap": 1, "lswag": 1}
    assert np.isnan(found).sum() <= silent.get(name, 0), f"{name}: {found}"


class Phones(Benchmark):
    """A formula in the place of a training (an example, 2026)."""

    name = "phones"
    digest = "0123456789abcdef"

    def __init__(self, dataset: Dataset) -> None:
        self.space, self.dataset = SPACE, dataset

    @classmethod
    def datasets(cls) -> dict[str, Dataset]:
        return {"toy": Dataset("toy", Task((3, 32, 32), 10, width=0.25), note="a formula")}

    @classmethod
    def make_space(cls, dataset: str | None = None) -> SearchSpace:
        return SPACE

    @classmethod
    def open(cls, dataset: str | None = None) -> Benchmark:
        return cls(cls.find(dataset))

    def query(self, arch: Arch, rng: np.random.Generator) -> Metrics:
        features = SPACE.features(arch)
        value = 90 - 100 / (1 + sum(features[f"size {stage}"] for stage in range(1, 6)))
        return Metrics(value + 0.1 * rng.normal(), value, 1.0)


def first_few(space: Mobile) -> Iterator[Arch]:
    """Yield an architecture or two, which anyone may look at."""
    yield from [(0,) * 30, (1,) * 30]
    pytest.fail("nobody can list this space")


QUICK: dict[str, dict[str, Any]] = {
    "ae": {"pool": 10, "tournament": 3},
    "bp": {
        "width": 16,
        "depth": 2,
        "epochs": 3,
        "warm_up_epochs": 3,
        "batch": 10,
        "points": 20,
        "iterations": 2,
    },
    "gp": {"draws": 50, "looks": 4},
    "bananas": {"epochs": 3, "encoding": "choices"},
    "npenas": {"epochs": 3},
    "robot": {"candidates": 20},
}


@pytest.mark.parametrize("name", sorted({*registry.names("strategies")} - {"sh"}))
def test_strategies_search_what_cannot_be_listed(
    name: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every strategy but the one that needs shorter trainings, as it is and, where it can, warmed up."""
    monkeypatch.setattr(registry, "_registered", {kind: {} for kind in registry.BUILT_IN})
    monkeypatch.setattr(Mobile, "all", first_few)
    ns.register("benchmarks", Phones)
    settings = {
        k: v for k, v in QUICK.get(name, {}).items() if k in registry.load("strategies", name).settings()
    }
    kinds: list[dict[str, Any]] = [{}, {"warmup": 30, "scorer": "params"}][: 1 if name == "robot" else 2]
    for number, more in enumerate(kinds):
        search = ns.Experiment(
            name, benchmark="phones", batch="grey", rounds=1, budget=25, settings=settings, **more
        )
        (found,) = search.run(tmp_path / f"{number}.jsonl").rounds
        assert len(found.archs) == 25


def test_correlations_of_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Mobile, "all", first_few)
    found = ns.correlate(Phones.open(), ["params", "synflow(log=true)"], sample=60, cache=False)
    rows = {row["proxy"]: row for row in found.frame().to_dict("records")}
    # The formula is of depth, expansion and width, which make parameters.
    assert all(row["coverage"] == 1 for row in rows.values()) and rows["params"]["rho"] > 0.3
