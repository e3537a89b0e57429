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

from nassearch.networks.graph import Network
from nassearch.networks.lumping import Lumping, Rows, Size, Word, alphabet
from nassearch.networks.paths import Function, Paths
from nassearch.types import Floats

MOST = 1 << 17
"""Networks, functions and terms that are remembered before all is forgotten."""

Chain = tuple[tuple[int, int], ...]
"""The functions of a network by number, and how often each stands there in a row."""
Operations = tuple[Size, Size, frozenset[Word]]
"""What a lumping has to know of a function: size before and after, and the operations."""


class _Memory:
    """The functions and tangents met so far.

    Attributes:
        functions, operations, kinds: by number of a function; the kind is one for all of the same words and sizes.
    """

    def __init__(self) -> None:
        self.paths = Paths()
        self.numbers: dict[Function, int] = {}
        self.functions: list[Function] = []
        self.operations: list[Operations] = []
        self.kinds: list[int] = []
        self._kinds: dict[tuple[object, ...], int] = {}
        self.tangents: dict[Chain, float] = {}

    def number(self, function: Function) -> int:
        found = self.numbers.setdefault(function, len(self.functions))
        if found == len(self.functions):
            words = frozenset(self.paths.words[word] for word in function.words)
            self.functions.append(function)
            self.operations.append((function.before, function.after, alphabet(words, function.before)))
            self.kinds.append(self._kinds.setdefault(function[:3], len(self._kinds)))
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
    alike: dict[tuple[tuple[int, int], ...], list[Chain]] = {}
    for chain in dict.fromkeys(chains):
        if chain not in memory.tangents:
            kind = tuple((memory.kinds[number], repeats) for number, repeats in chain)
            alike.setdefault(kind, []).append(chain)
    for group in alike.values():
        memory.tangents.update(zip(group, _tangents(memory, group).tolist(), strict=True))
    outputs = [network.chain[-1][0][-1].channels for network in networks]
    return np.array([n * memory.tangents[c] for n, c in zip(outputs, chains, strict=True)], np.float64)


def _tangents(memory: _Memory, chains: Sequence[Chain]) -> Floats:
    """Return the tangents `[N]` of the outputs of N networks that have the same words at each place.

    Signals are `[classes + 1, 2, N]`: of each class of positions value and tangent, and a 0 at the end.
    """
    lumping = Lumping.of(tuple(memory.operations[number] for number, _ in chains[0]))
    x = np.zeros((2, 2, len(chains)))
    x[0, 0] = 1
    for place, column in enumerate(zip(*chains, strict=True)):
        x = x.take([*lumping.entry(place), len(x) - 1], axis=0)
        functions = [memory.functions[number] for number, _ in column]
        words = [memory.paths.words[number] for number in functions[0].words]
        counts = np.array([f.counts for f in functions]).reshape(len(functions), len(words), 2)
        steps, offset = _plan(lumping, place, words, counts.transpose(1, 2, 0).copy())
        for _ in range(column[0][1]):
            x = _run(steps, offset, x)
    return np.asarray(x[:, 1].sum(axis=0))


class _Step(NamedTuple):
    """A word, or the beginning of some.

    Attributes:
        depth: how many steps lead from the signal to it; with none it is the signal itself.
        rows: its last operation.
        counts: `[2, N]`, the value and the tangent of the word, or None where it only is the beginning of others.
    """

    depth: int
    rows: Rows | None
    counts: Floats | None


def _plan(
    lumping: Lumping, place: int, words: Sequence[Word], counts: Floats
) -> tuple[list[_Step], Floats]:
    """Return the steps in which words with counts `[W, 2, N]` are computed, and what they add of themselves."""
    offset = np.zeros((lumping.shape(place)[0] + 1, 2, counts.shape[-1]))
    steps = {(): _Step(0, None, None)}
    for word, count in zip(words, counts, strict=True):
        if word and word[0].kind == "ones":
            offset[:-1] += lumping.constant(place, word)[:, :, None] * count
        elif lumping.keeps(place):  # words that begin alike have the beginning in common
            for n in range(1, len(word)):
                steps.setdefault(word[:n], _Step(n, lumping.rows(place, word[n - 1 : n]), None))
            steps[word] = _Step(len(word), lumping.rows(place, word[-1:]) if word else None, count)
        else:
            steps[word] = _Step(1, lumping.rows(place, word), count)
    return list(steps.values()), offset


def _run(steps: Sequence[_Step], offset: Floats, x: Floats) -> Floats:
    y = offset.copy()
    signals = [x]
    for depth, rows, counts in steps:
        if rows is not None:
            signals[depth:] = [rows.apply(signals[depth - 1])]
        if counts is not None:
            z = signals[depth]
            y += z * counts[0]
            y[:, 1] += z[:, 0] * counts[1]
    return y
