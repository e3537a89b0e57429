"""Interpreter: dual numbers on one channel, which give synflow without a backward pass and without sampling.

With absolute weights and an input of ones every signal is positive, so ReLU is the identity, and without batch norm
the summed logits R are multilinear in the layers' weights. The sum over all weights of theta * dR/dtheta is then the
derivative of R(t * theta) at t = 1: one forward pass of (value, tangent), where a layer y = W x has the tangent
y' = W (x' + x).

Weights of different layers are independent, so the expectation over PyTorch's default initialisation is the value of
the network whose weights all equal E|theta| = 1 / (2 sqrt(fan_in)), and there all channels of a layer are equal:
one is enough.

What is left of a block is linear: a sum over its `paths`, each a word of window sums with a factor per weighted layer.
A path through m weighted layers contributes its value m times to the tangent. Networks of one function get one
score, bit for bit. `lumping` runs words on few numbers, for many networks side by side: each is added up by itself and
in an order of its own words, so that a score does not depend on what it is computed with.

Behind a concatenation channels differ. Everything above is linear and treats all channels alike, so the mean over
the channels is followed in their place.

Max pooling is not linear: the expectation of a maximum is more than the maximum of expectations. With max pooling the
score is that of the network of mean weights all the same, and no longer quite the expectation. In that network the
maximum is the innermost position of a window (see `lumping`), which takes value and tangent along, and which is the
rule for equal values too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nassearch.networks.graph import Network
from nassearch.networks.lumping import Lumping, Rows, Size, Word, alphabet
from nassearch.networks.paths import Function, Paths
from nassearch.types import Floats

SIDE_BY_SIDE = 64
"""Networks run together: enough for numpy to be busy, few enough for their signals to stay in the cache."""
MOST = 1 << 17
"""Networks, functions and terms that are remembered before all is forgotten."""

Chain = tuple[tuple[int, int], ...]
"""The functions of a network by number, and how often each stands there in a row."""
Operations = tuple[Size, Size, frozenset[Word]]
"""What a lumping has to know of a function: size before and after, and the operations."""
Columns = NDArray[np.intp]


class _Memory:
    """The functions and tangents met so far, and functions and their operations as numbers."""

    def __init__(self) -> None:
        self.paths = Paths()
        self.numbers: dict[Function, int] = {}
        self.functions: list[Function] = []
        self.operations: list[Operations] = []
        self.tangents: dict[Chain, float] = {}

    def number(self, function: Function) -> int:
        found = self.numbers.setdefault(function, len(self.functions))
        if found == len(self.functions):
            words = frozenset(word for word, _, _ in function.words)
            self.functions.append(function)
            self.operations.append((function.before, function.after, alphabet(words, function.before)))
        return found

    @property
    def full(self) -> bool:
        return max(len(self.tangents), len(self.functions), len(self.paths.terms)) > MOST


_memory = _Memory()


def expected_synflow(networks: Sequence[Network]) -> Floats:
    """Return the expectation of synflow over PyTorch's default initialisation, float64 `[N]`.

    Batch norm is left out, the input is ones, the logits are summed, and no logarithm is taken. Where there is max
    pooling it is synflow of the network whose weights all equal E|theta|, which is not quite the expectation.

    Raises:
        InvalidSetting: a network has a layer whose output on positive signals is not a sum over paths, max pooling
            besides windows without a mirror image, or a truncation of channels that differ.
    """
    global _memory
    if _memory.full:
        _memory = _Memory()
    memory = _memory
    numbers: dict[int, int] = {}  # of blocks by identity: networks share those that are not theirs alone
    chains: list[Chain] = []
    for network in networks:
        for block, _ in network.chain:
            if id(block) not in numbers:
                numbers[id(block)] = memory.number(memory.paths.function(block))
        chains.append(tuple((numbers[id(block)], repeats) for block, repeats in network.chain))
    alike: dict[tuple[tuple[Operations, int], ...], list[Chain]] = {}
    for chain in dict.fromkeys(chains):
        if chain not in memory.tangents:
            kind = tuple((memory.operations[number], repeats) for number, repeats in chain)
            alike.setdefault(kind, []).append(chain)
    for group in alike.values():
        for start in range(0, len(group), SIDE_BY_SIDE):
            part = group[start : start + SIDE_BY_SIDE]
            memory.tangents.update(zip(part, _tangents(memory, part).tolist(), strict=True))
    outputs = [network.chain[-1][0][-1].channels for network in networks]
    return np.array([n * memory.tangents[c] for n, c in zip(outputs, chains, strict=True)], np.float64)


def _tangents(memory: _Memory, chains: Sequence[Chain]) -> Floats:
    """Return the tangents `[N]` of the outputs of N networks with the same operations at each place.

    Signals are `[classes + 1, 2, N]`: of each class of positions value and tangent, and a 0 at the end.
    """
    lumping = Lumping.of(tuple(memory.operations[number] for number, _ in chains[0]))
    x = np.zeros((2, 2, len(chains)))
    x[0, 0] = 1
    for place, column in enumerate(zip(*chains, strict=True)):
        x = x.take([*lumping.entry(place), len(x) - 1], axis=0)
        steps, offset = _plan(lumping, place, [memory.functions[number] for number, _ in column])
        for _ in range(column[0][1]):
            x = _run(steps, offset, x)
    return np.asarray(x[:, 1].sum(axis=0))


class _Step(NamedTuple):
    """A word, or the beginning of some, at one place of some of the networks.

    Attributes:
        depth: how many steps lead from the signal to it; with none it is the signal itself.
        rows: its last operation.
        going: columns of the step before that go on to it, None for all.
        ending: columns of it in which it is a word, None for all.
        columns: networks in which it is a word, None for all.
        value, tangent: `[n]`, what the word counts in these; n is 0 where it is none.
    """

    depth: int
    rows: Rows | None
    going: Columns | None
    ending: Columns | None
    columns: Columns | None
    value: Floats
    tangent: Floats


def _plan(lumping: Lumping, place: int, functions: Sequence[Function]) -> tuple[list[_Step], Floats]:
    """Return the steps in which N functions at one place are computed, and what they add of themselves."""
    offset = np.zeros((lumping.shape(place)[0] + 1, 2, len(functions)))
    everywhere = range(len(functions))
    through: dict[tuple[Word, ...], Sequence[int]] = {(): everywhere}
    ending: dict[tuple[Word, ...], dict[int, tuple[float, float]]] = {}
    for column, function in enumerate(functions):
        begun: set[tuple[Word, ...]] = {()}
        for word, *counts in function.words:
            if word and word[0].kind == "ones":
                offset[:-1, :, column] += lumping.constant(place, word) * counts
                continue
            way = lumping.way(place, word)
            ending.setdefault(way, {})[column] = (counts[0], counts[1])
            begun.update(way[:n] for n in range(1, len(way) + 1))
        for way in begun - {()}:
            through.setdefault(way, []).append(column)  # type: ignore[attr-defined]
    steps = []
    for way in sorted(through):
        columns, ends = through[way], ending.get(way, {})
        steps.append(
            _Step(
                len(way),
                lumping.rows(place, way[-1]) if way else None,
                _among(columns, through[way[:-1]]),
                _among(list(ends), columns),
                _among(list(ends), everywhere),
                *np.array(list(ends.values())).reshape(-1, 2).T.copy(),
            )
        )
    return steps, offset


def _among(some: Sequence[int], all: Sequence[int]) -> Columns | None:
    return None if len(some) == len(all) else np.searchsorted(all, some)


def _run(steps: Sequence[_Step], offset: Floats, x: Floats) -> Floats:
    y = offset.copy()
    signals = [x]
    for step in steps:
        z = signals[max(0, step.depth - 1)]
        if step.going is not None:
            z = z.take(step.going, axis=2)
        if step.rows is not None:
            z = step.rows.apply(z)
        signals[step.depth :] = [z]
        if len(step.value):
            if step.ending is not None:
                z = z.take(step.ending, axis=2)
            part = z * step.value
            part[:, 1] += z[:, 0] * step.tangent
            if step.columns is None:
                y += part
            else:
                y[:, :, step.columns] += part
    return y
