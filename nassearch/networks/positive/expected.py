"""Interpreter: expected synflow, by value and tangent of one channel, without sampling and without a backward pass.

Synflow is the sum over all weights theta of |theta * dR/dtheta|, where R is the sum of the logits, all weights are
replaced by their absolute values, the input is ones and batch norm is left out (Tanaka et al., 2020, eq. 4). Every
signal is then positive and ReLU is the identity, so R is a product of one weight per layer, summed over all paths.
Hence::

    synflow = d/dt R(t * theta) at t = 1

and one forward pass of (value, tangent) gives it. A weighted layer y = W x has the tangent y' = W (x' + x).

Weights of different layers are independent. So the expectation over PyTorch's default initialisation is the synflow of
the network whose weights all equal::

    E|theta| = 1 / (2 sqrt(fan_in))

In this network all channels of a layer are equal, and one of them is enough.

An example: 2 inputs, a layer of 3 units, one logit, no biases. E|theta| is 0.354 in the first layer, 0.289 in the
second. There are 2 * 3 paths, so R = 6 * 0.354 * 0.289 = 0.612. Each path has two weights, so synflow is 2 R:

>>> from nassearch.networks.graph import Builder
>>> build = Builder((2,))
>>> _ = build.linear(build.linear(0, 3, bias=False), 1, bias=False)
>>> expected_synflow([Network(((build.done(), 1),))]).round(3)
array([1.225])

A block is written as the sum over its paths: each path is a word of window operations, with a factor for each weighted
layer (see `words`). A path through m weighted layers adds its value m times to the tangent. `classes` computes words on
few numbers. Many networks run side by side, but each is summed by itself, in the order of its own words: a score does
not depend on what it is computed with, and networks of one function get one score, bit for bit.

Behind a concatenation channels differ. All operations are linear and treat channels alike, so their mean is followed.

Max pooling is not linear: the expectation of a maximum is more than the maximum of expectations. With max pooling the
score is still that of the network of mean weights, which is then not quite the expectation. In this network the maximum
is at the innermost position of a window (see `classes`). Value and tangent are taken from there, ties included.

Swish, sigmoids and products of layers are not linear either, and make no words. The score is that of the network of
mean weights again, by values and gradients of one channel (see `mean_network`). Signals of synflow are mostly so large
that swish hands them on and gates stand open. The upper end of ReLU6 is left out, as no gradient comes through it from
such signals.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nassearch.networks.graph import Network
from nassearch.networks.positive.classes import PositionClasses, Rows, Size, Word, alphabet
from nassearch.networks.positive.mean_network import is_curved, mean_synflow
from nassearch.networks.positive.scaled import Scaled
from nassearch.networks.positive.words import Function, Paths
from nassearch.types import Floats

MOST = 1 << 16
"""Networks, functions and terms that are remembered before all is forgotten."""

SIDE_BY_SIDE = 64
"""Networks run together at most, so that their signals stay in the cache."""

LEAST = 1e-290
"""Below it tangents are computed again, scaled: signals on their way may have left float64."""

Powers = NDArray[np.intc]
NOWHERE = -(10**6)
"""The power of two of a signal that is 0."""
Chain = tuple[int, ...]
"""The parts of a network by number."""
Operations = tuple[Size, Size, frozenset[Word]]
"""What the classes of positions depend on in a part: size before and after, and the operations."""


class _Part(NamedTuple):
    """Equal blocks in a row in a network.

    Attributes:
        function: of each of them.
        repeats: how many there are.
        operations: in them.
        kind: a number for all parts that differ in counts only.
    """

    function: Function
    repeats: int
    operations: Operations
    kind: int


class _Memory:
    """The parts and the tangents met so far."""

    def __init__(self) -> None:
        self.paths = Paths()
        self.parts: list[_Part] = []
        self.tangents: dict[Chain, Scaled] = {}
        self._numbers: dict[tuple[Function, int], int] = {}
        self._kinds: dict[tuple[object, ...], int] = {}

    def number(self, function: Function, repeats: int) -> int:
        """Return the number of a part, a new one where it is new."""
        found = self._numbers.setdefault((function, repeats), len(self.parts))
        if found == len(self.parts):
            words = frozenset(self.paths.words[word] for word in function.words)
            operations = function.before, function.after, alphabet(words, function.before)
            kind = self._kinds.setdefault((*function[:3], repeats), len(self._kinds))
            self.parts.append(_Part(function, repeats, operations, kind))
        return found

    def joins(self, chain: Chain) -> bool:
        """Say whether a path leads through all parts of a network; otherwise its tangent is 0."""
        return all(self.parts[number].function.words for number in chain)

    @property
    def full(self) -> bool:
        return max(len(self.tangents), len(self.parts), len(self.paths.terms)) > MOST


_memory = _Memory()


def expected_synflow(networks: Sequence[Network]) -> Floats:
    """Return `scaled_synflow` as float64 `[N]`: infinite, or 0, where that is out of range."""
    return np.array([score.value for score in scaled_synflow(networks)], np.float64)


def scaled_synflow(networks: Sequence[Network]) -> list[Scaled]:
    """Return the expectation of synflow over PyTorch's default initialisation, of N networks.

    Batch norm is left out, the input is ones, the logits are summed, and no logarithm is taken. Where there is max
    pooling, swish, sigmoids or products it is synflow of the network whose weights all equal E|theta|, which is not
    quite the expectation.

    Raises:
        InvalidSetting: a network has a layer whose output on positive signals is not known, max pooling besides windows
            without a mirror image, or a truncation of channels that differ.
    """
    curved = {place for place, network in enumerate(networks) if is_curved(network)}
    of_paths = iter(_by_paths([network for place, network in enumerate(networks) if place not in curved]))
    return [
        mean_synflow(network) if place in curved else next(of_paths) for place, network in enumerate(networks)
    ]


def _by_paths(networks: Sequence[Network]) -> list[Scaled]:
    global _memory
    if _memory.full:
        _memory = _Memory()
    memory = _memory
    # By identity: networks share those blocks that are not theirs alone, and hashing one costs as much as this.
    numbers: dict[tuple[int, int], int] = {}
    chains: list[Chain] = []
    for network in networks:
        chain = []
        for block, repeats in network.chain:
            number = numbers.get((id(block), repeats))
            if number is None:
                number = memory.number(memory.paths.function(block), repeats)
                numbers[id(block), repeats] = number
            chain.append(number)
        chains.append(tuple(chain))
    alike: dict[tuple[int, ...], list[Chain]] = {}
    for each in dict.fromkeys(chains):
        if each not in memory.tangents:
            alike.setdefault(tuple(memory.parts[number].kind for number in each), []).append(each)
    for group in alike.values():
        for start in range(0, len(group), SIDE_BY_SIDE):
            some = group[start : start + SIDE_BY_SIDE]
            with np.errstate(over="ignore", invalid="ignore"):
                memory.tangents.update(zip(some, _tangents(memory, some), strict=True))
            out = [c for c in some if not LEAST < memory.tangents[c].mantissa < math.inf and memory.joins(c)]
            if out:
                memory.tangents.update(zip(out, _tangents(memory, out, scaled=True), strict=True))
    outputs = [network.chain[-1][0][-1].channels for network in networks]
    found = [memory.tangents[chain] for chain in chains]
    return [Scaled(n * value, power) for n, (value, power) in zip(outputs, found, strict=True)]


def _tangents(memory: _Memory, chains: Sequence[Chain], scaled: bool = False) -> list[Scaled]:
    """Return the tangents of the outputs of N networks that have the same words at each place.

    Signals are `[classes + 1, 2, N]`: of each class of positions value and tangent, and a 0 at the end. They are to
    be multiplied by powers of two `[N]`, which are 0 unless they are `scaled` and float64 is too small for them.
    """
    classes = PositionClasses.of(tuple(memory.parts[number].operations for number in chains[0]))
    x = np.zeros((2, 2, len(chains)))
    x[0, 0] = 1
    powers = np.zeros(len(chains), np.intc)
    for place, column in enumerate(zip(*chains, strict=True)):
        x = x.take([*classes.entry(place), len(x) - 1], axis=0)
        parts = [memory.parts[number] for number in column]
        words = [memory.paths.words[number] for number in parts[0].function.words]
        counts = np.array([part.function.counts for part in parts]).reshape(len(parts), len(words), 2)
        steps, offset = _plan(classes, place, words, counts.transpose(1, 2, 0).copy())
        more = np.array([part.function.power for part in parts], np.intc)
        scaled = scaled or bool(more.any())
        for _ in range(parts[0].repeats):
            if not scaled:
                x, powers = _run(steps, offset, x), powers + more
                continue
            x, powers = _run_scaled(steps, offset, x, powers)
            powers = powers + more
    return list(map(Scaled, x[:, 1].sum(axis=0).tolist(), powers.tolist()))


class _Prefix(NamedTuple):
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
    classes: PositionClasses, place: int, words: Sequence[Word], counts: Floats
) -> tuple[list[_Prefix], Floats]:
    """Return the steps in which words with counts `[W, 2, N]` are computed, and what they add of themselves."""
    offset = np.zeros((classes.shape(place)[0] + 1, 2, counts.shape[-1]))
    steps: dict[Word, _Prefix] = {(): _Prefix(0, None, None)}
    for word, count in zip(words, counts, strict=True):
        if word and word[0].kind == "ones":
            offset[:-1] += classes.constant(place, word)[:, :, None] * count
        elif classes.keeps(place):  # words that begin alike have the beginning in common
            for n in range(1, len(word)):
                steps.setdefault(word[:n], _Prefix(n, classes.rows(place, word[n - 1 : n]), None))
            steps[word] = _Prefix(len(word), classes.rows(place, word[-1:]) if word else None, count)
        else:
            steps[word] = _Prefix(1, classes.rows(place, word), count)
    return list(steps.values()), offset


def _run(steps: Sequence[_Prefix], offset: Floats, x: Floats) -> Floats:
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


def _run_scaled(steps: Sequence[_Prefix], offset: Floats, x: Floats, powers: Powers) -> tuple[Floats, Powers]:
    """Do what `_run` does to signals that are to be multiplied by powers of two `[N]`, each brought into range."""
    signals = [(x, powers)]
    terms = [_in_range(offset + np.zeros_like(x[:1]), np.zeros_like(powers))]
    for depth, rows, counts in steps:
        if rows is not None:
            z, power = signals[depth - 1]
            signals[depth:] = [_in_range(rows.apply(z), power)]
        if counts is not None:
            z, power = signals[depth]
            y = z * counts[0]
            y[:, 1] += z[:, 0] * counts[1]
            terms.append(_in_range(y, power))
    unit = np.max([power for _, power in terms], axis=0)
    return np.sum([np.ldexp(y, power - unit) for y, power in terms], axis=0), unit


def _in_range(x: Floats, powers: Powers) -> tuple[Floats, Powers]:
    """Return signals whose largest is between 1/2 and 1, and their powers; those of nothing are below all others."""
    exponents = np.frexp(x.max(axis=(0, 1)))[1]
    nothing = x.max(axis=(0, 1)) == 0
    return np.ldexp(x, -exponents), np.where(nothing, NOWHERE, powers + exponents).astype(np.intc)
