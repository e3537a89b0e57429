"""The tests of a proxy share networks, a batch, and the scores with the reasons for those that are missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import pytest

from nassearch.proxies.base import Proxy
from nassearch.proxies.model import ModelProxy, read_one, together
from nassearch.proxies.scores import Scores
from nassearch.spaces.base import SearchSpace
from nassearch.spaces.nasbench201 import NASBench201
from nassearch.types import Arch, Batch, Floats, Task

Options = Mapping[str, Any]
SAMPLES = 10
"""In a batch; model proxies look at the first `PART` of them."""
PART = 6


class ProxySetting:
    """The fixtures and declarations of `ProxyContract`."""

    texts: ClassVar[tuple[str, ...]] = ()
    """Options that may be any text."""

    @pytest.fixture
    def proxy(self) -> Proxy:
        """Return the proxy; a subclass overrides this."""
        raise NotImplementedError("override the fixture proxy: it returns what @proxy or @model_proxy made")

    @pytest.fixture
    def space(self) -> SearchSpace:
        """Return a space whose networks the proxy scores."""
        return NASBench201()

    @pytest.fixture
    def task(self) -> Task:
        """Return a small task for them."""
        return Task((3, 8, 8), 4, (3, 4), 1)

    @pytest.fixture
    def archs(self, space: SearchSpace) -> list[Arch]:
        """Return four random architectures, the same ones every time."""
        return space.sample_many(4, np.random.default_rng(4))

    @pytest.fixture
    def networks(self, space: SearchSpace, task: Task, archs: list[Arch]) -> list[Any]:
        """Return their networks."""
        return [space.network(arch, task) for arch in archs]

    @pytest.fixture
    def batch(self, task: Task) -> Batch:
        """Return a batch that cannot be written to, as the one that workers share."""
        return made_up_batch(task)

    @pytest.fixture
    def options(self, proxy: Proxy, space: SearchSpace) -> Options:
        """Return the options that the tests score with: the space's, and for a model proxy few samples."""
        chosen = dict(space.proxy_defaults.get(proxy.name, {}))
        return chosen | ({"batch_size": PART} if isinstance(proxy, ModelProxy) else {})


def made_up_batch(task: Task, seed: int = 0) -> Batch:
    """Return random inputs and labels of a task, read-only."""
    rng = np.random.default_rng(seed)
    shape = (SAMPLES, *task.input_shape)
    inputs = (
        rng.integers(task.words, size=shape)
        if task.words is not None
        else rng.standard_normal(shape).astype(np.float32)
    )
    labels = rng.integers(task.classes, size=SAMPLES)
    inputs.setflags(write=False)
    labels.setflags(write=False)
    return Batch(inputs, labels)


def ask(proxy: Proxy, networks: Sequence[Any], batch: Batch | None, options: Options) -> Scores:
    """Return raw scores `[N]` and what went wrong by position, as a scorer asks for them."""
    ((scores, failures),) = together([(proxy, options, batch)], networks)
    return scores, failures


def scores_of(given: tuple[Proxy, Sequence[Any], Batch | None, Options]) -> Floats:
    """Return raw scores alone; a function of one thing, for other processes."""
    return ask(*given)[0]


def takes_modules(proxy: Proxy) -> bool:
    """Say whether a proxy is defined for torch modules."""
    return isinstance(proxy, ModelProxy) or proxy.model_function is not None


def of_module(proxy: Proxy, model: Any, batch: Batch, options: Options) -> float | str:
    """Return the raw score of a module, or what went wrong as text; of options those that a module has."""
    if isinstance(proxy, ModelProxy):
        return read_one([(proxy, options)], model, batch)[0]
    return proxy.of_model(model, batch)


def modules() -> dict[str, tuple[Any, Batch]]:
    """Return small torch modules, each with a batch: one of images, and one of words, which carry no gradient."""
    import torch
    from torch import nn

    class Words(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding, self.inner, self.end = nn.Embedding(9, 6), nn.Linear(6, 12), nn.Linear(12, 4)

        def forward(self, x: Any) -> Any:
            return self.end(torch.relu(self.inner(self.embedding(x.long()).mean(1))))

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layers: list[nn.Module] = [nn.Conv2d(3, 6, 3, bias=False), nn.BatchNorm2d(6), nn.ReLU(inplace=True)]
        layers += [nn.Dropout(0.3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 4)]
        images, words = nn.Sequential(*layers).eval(), Words()
    images[-1].weight.grad = torch.ones(4, 6)
    of_words = made_up_batch(Task((5,), 9, words=9))
    assert of_words.labels is not None
    return {
        "images": (images, made_up_batch(Task((3, 8, 8), 4))),
        "words": (words, Batch(of_words.inputs.astype(np.float32), of_words.labels % 4)),
    }
