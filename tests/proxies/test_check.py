"""Proxies refuse values of options that have no meaning wherever they are asked; what a space decides is filled in."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

import nassearch
from nassearch import registry
from nassearch.errors import InvalidSetting
from nassearch.proxies.base import Proxy, proxy
from nassearch.proxies.model import model_proxy
from nassearch.scorers import ProxyScorer
from nassearch.spaces.nasbench201 import NASBench201
from nassearch.types import Batch, Task

TASK = Task((3, 8, 8), 4)
BATCH = Batch(np.random.default_rng(0).standard_normal((8, 3, 8, 8), np.float32), np.arange(8) % 4)
WRONG: list[tuple[str, Mapping[str, Any], str]] = [
    ("jacob_cov", {"k": -1.0}, "k"),
    ("js", {"range": (1, 0)}, "the lower first"),
    ("sns", {"amplitude": 0.0}, "amplitude"),
    ("lnsc", {"root": -2.0}, "root"),
    ("mnjs", {"amplitudes": ()}, "amplitudes"),
    ("pjs", {"k": 0.0}, "k"),
    ("pjsc", {"root": 0.0}, "root"),
    ("cv", {"initialisations": 1}, "at least 2"),
    ("cv", {"bias": "zero"}, "leave out bias"),
    ("epsilon", {"weights": (1.0, 1.0)}, "two different positive numbers"),
    ("epsilon", {"weights": (0.0, 1.0)}, "two different positive numbers"),
]


@pytest.mark.parametrize(("name", "options", "rule"), WRONG)
def test_no_way_of_asking_takes_a_value_without_meaning(
    name: str, options: Mapping[str, Any], rule: str
) -> None:
    asked: Proxy = registry.load("proxies", name)
    space = NASBench201()
    network = space.network(space.sample(np.random.default_rng(0)), TASK)
    for ask in (
        lambda: asked.check(options, BATCH),
        lambda: ProxyScorer(asked, space, TASK, BATCH, options),
        lambda: asked([network], BATCH, **options),
        lambda: asked.of_model(None, BATCH, **options),
    ):
        with pytest.raises(InvalidSetting, match=rule):
            ask()


@pytest.mark.parametrize("declare", [proxy, model_proxy])
def test_a_check_sees_every_option_with_its_default(declare: Any) -> None:
    seen: list[Mapping[str, Any]] = []
    reads = {"reads": ()} if declare is model_proxy else {}

    @declare(reference="an example; baseline", check=seen.append, **reads)
    def given(first: Any, batch: Any = None, *, power: int = 3, root: float = 2.0) -> Any:
        """Give what it was given."""
        return [1.0]

    given.check({"root": 5.0}, BATCH)
    assert seen[0]["power"] == 3 and seen[0]["root"] == 5.0
    assert ("batch_size" in seen[0]) == (declare is model_proxy)


def test_proxies_of_one_factory_are_themselves_in_a_worker_and_differ_by_their_default() -> None:
    amplitudes = {name: registry.load("proxies", name).options["amplitude"] for name in NOISY}
    assert amplitudes == {"sns": 0.1, "snsc": 0.1, "lns": 10.0, "lnsc": 10.0}
    for name in NOISY:
        made = registry.load("proxies", name)
        assert made.name == made.function.__name__ == name
        assert pickle.loads(pickle.dumps(made)) is made


NOISY = ("sns", "snsc", "lns", "lnsc")


def test_none_is_taken_where_an_option_says_so_whatever_its_default_is() -> None:
    nassearch.make_scorer("vkdnw(passes=none)", batch="normal")
    with pytest.raises(InvalidSetting, match="each of vkdnw is a number, not None"):
        nassearch.make_scorer("vkdnw(each=none)", batch="normal")
