"""What spaces and benchmarks remember is changed by none who asks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from recipes import GRU, LSTM, RNN

from nassearch import registry
from nassearch.spaces.darts.space import Darts
from nassearch.spaces.nasbench_nlp.recipes import to_arch
from nassearch.types import Arch

LISTS: dict[str, Callable[[], list[Arch]]] = {
    "nasbench-nlp": lambda: [to_arch(recipe) for recipe in (RNN, LSTM, GRU)],
    "nasbench301": lambda: Darts().sample_many(3, np.random.default_rng(2)),
}
"""Architectures for the spaces that are lists."""


@pytest.mark.parametrize("name", registry.names("benchmarks"))
def test_nobody_can_change_what_a_space_answers(name: str) -> None:
    """Answers are remembered: what a caller does with one must not be what the next caller gets."""
    part = registry.load("benchmarks", name)
    space = part.space_of(LISTS[name]()) if part.listed else part.make_space()
    arch = space.sample_many(1, np.random.default_rng(0))[0]
    near, drawn = list(space.neighbours(arch)), space.sample_many(5, np.random.default_rng(1))
    assert isinstance(space.neighbours(arch), tuple)
    graph = space.graph(arch)
    graph.adjacency[:] = ~graph.adjacency
    graph.ops[:] = 0
    list(space.all()).clear()
    space.sample_many(5, np.random.default_rng(1)).clear()
    part.datasets().clear()
    again = space.graph(arch)
    assert (again.adjacency == ~graph.adjacency).all() and again.ops.any()
    assert list(space.neighbours(arch)) == near and len(list(space.all())) == space.size
    assert space.sample_many(5, np.random.default_rng(1)) == drawn
    assert part.datasets()
