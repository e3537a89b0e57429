"""A text names a space and its skeleton."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nassearch import registry
from nassearch.errors import BrokenPart, InvalidSetting, UnknownName
from nassearch.networks.counting import parameters
from nassearch.networks.modules.network import TorchNetwork
from nassearch.spaces import NATSSize, SearchSpace, open_space
from nassearch.types import Task


@pytest.mark.parametrize(
    ("text", "skeleton"),
    [
        ("nasbench201", {}),
        (" nasbench201( ) ", {}),
        ("nasbench201(channels=8, cells=2)", {"channels": (8, 16, 32), "cells": 2}),
        ("nasbench201(channels=(8, 12), reduction=pool)", {"channels": (8, 12), "reduction": "pool"}),
        ("nats-size(width=.5, depth=2, stem_stride=2)", {"width": 0.5, "depth": 2, "stem_stride": 2}),
        ("nasbench101(channels=16)", {"channels": (16, 32, 64), "cells": 3}),
        ("transnas-micro", {"channels": (64,), "cells": 2}),
    ],
)
def test_options_become_fields_of_a_task(text: str, skeleton: dict[str, object]) -> None:
    choice = open_space(text)
    assert choice.space.name == text.strip().partition("(")[0]
    assert choice.skeleton == skeleton
    task = Task((1, 40, 24), 7, **choice.skeleton)
    network = choice.space.network(choice.space.sample(np.random.default_rng(0)), task)
    assert network.input_shape == (1, 40, 24)


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("nasbench2001", UnknownName, "did you mean nasbench201"),
        ("nasbench201(cell=2)", UnknownName, "did you mean cells"),
        (
            "nasbench201(cells=0)",
            InvalidSetting,
            "cells of nasbench201 is a whole number of at least 1, not 0",
        ),
        ("nasbench201(cells=true)", InvalidSetting, "not True"),
        ("nasbench201(cells=1e3)", InvalidSetting, "not 1000.0"),
        ("nasbench201(cells=100000)", InvalidSetting, "at most 1000"),
        ("nasbench201(channels=())", InvalidSetting, "one number or more"),
        ("nasbench201(channels=(8, x))", InvalidSetting, "not 'x'"),
        ("nasbench201(reduction=max)", InvalidSetting, "residual or pool"),
        ("nats-size(width=0)", InvalidSetting, "above 0"),
        ("nats-size(width=65)", InvalidSetting, "at most 64"),
        ("nats-size(2)", InvalidSetting, "is not a space"),
        ("nats-size(width=2, width=3)", InvalidSetting, "is not a space"),
        ("nats-size(width=__import__('os'))", InvalidSetting, "is not a space"),
        ("nats-size" + "(" * 2000, InvalidSetting, "is not a space"),
        ("", InvalidSetting, "is not a space"),
    ],
)
def test_what_cannot_be_meant_is_refused(text: str, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        open_space(text)


@pytest.mark.parametrize("name", registry.names("spaces"))
def test_inputs_that_no_window_fits_are_refused(name: str) -> None:
    choice = open_space(name)
    for shape in [(12,), *[(1, 3)] * (name == "nasbench101")]:
        arch = choice.space.sample(np.random.default_rng(0))
        with pytest.raises(
            InvalidSetting,
            match=r"gives nothing.*(take larger ones|of your own)|are for images, signals and volumes",
        ):
            choice.space.network(arch, Task(shape, 10, **choice.skeleton))


@pytest.mark.parametrize("shape", [(1, 41), (3, 33, 27), (2, 7, 8), (1, 1, 5), (4, 9, 10, 11)])
@pytest.mark.parametrize("text", ["nasbench201(channels=4, cells=1)", "nats-size(width=.25)"])
def test_inputs_of_any_size(text: str, shape: tuple[int, ...]) -> None:
    space, skeleton = open_space(text)
    rng = np.random.default_rng(0)
    network = space.network(space.sample(rng), Task(shape, 3, **skeleton))
    inputs = torch.from_numpy(rng.normal(size=(4, *shape)).astype(np.float32))
    with torch.no_grad():
        assert TorchNetwork(network, torch.Generator().manual_seed(0))(inputs).shape == (4, 3)


def test_cells_of_nats_size_at_another_width_and_depth() -> None:
    """Half the widths of 16 are the widths of 8; a second cell in a stage adds what one cell of one shape holds."""
    space, small, large = NATSSize(), (0, 0, 0, 0, 0), (1, 1, 1, 1, 1)
    task = Task((3, 32, 32), 10)
    half = Task((3, 32, 32), 10, width=0.5)
    assert space.network(large, half) == space.network(small, task)
    # Five convolutions of 8 to 8 channels, 3x3, each with batch norm: three stages of cells.
    more = parameters(space.network(small, Task((3, 32, 32), 10, depth=2))) - parameters(
        space.network(small, task)
    )
    assert more == 3 * 5 * (8 * 8 * 9 + 16)


def test_a_space_of_another_package_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing(NATSSize):
        name = "failing"

        def __init__(self) -> None:
            raise RuntimeError("no list")

    monkeypatch.setattr(registry, "_registered", {kind: {} for kind in registry.BUILT_IN})
    registry.register("spaces", Failing)
    with pytest.raises(BrokenPart, match=r"'failing' .*RuntimeError: no list"):
        open_space("failing")
    assert issubclass(registry.load("spaces", "failing"), SearchSpace)
