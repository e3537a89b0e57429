"""A block on positive signals as the sum over its paths, without batch norm: what `expected` runs.

A path is a word of window operations (see `classes`) and a product of factors, one for each weighted layer on it. A
layer that reads w channels with a kernel of k positions has the factor::

    w * E|theta| = w / (2 sqrt(w k)) = sqrt(w / k) / 2

So the product over a path is the root of a fraction, divided by a power of 2. It is kept as these whole numbers: equal
products are equal exactly.

An example: two linear layers, of 2 and of 3 inputs, make one path with the factor sqrt(2 * 3) / 4 = 0.612. Values are
multiplied by this. Two weights lie on the path, so tangents get 2 * 0.612 times the value:

>>> from nassearch.networks.graph import Builder
>>> build = Builder((2,))
>>> _ = build.linear(build.linear(0, 3, bias=False), 1, bias=False)
>>> [(round(value, 3), round(tangent, 3)) for value, tangent in Paths().function(build.done()).counts]
[(0.612, 1.225)]

Blocks of many networks consist of the same few terms. So a term is a number here, and a layer is a table from terms to
terms.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import NamedTuple

from nassearch.errors import InvalidSetting
from nassearch.networks.graph import GATED_OPS, LEFT_OUT, Block, Layer
from nassearch.networks.positive.classes import Operation, Size, Word
from nassearch.networks.positive.scaled import LIMIT, Scaled, largest, root, times, total

WEIGHTED = ("conv", "linear", "frame_conv")
KINDS = {
    "conv": "sum",
    "linear": "sum",
    "frame_conv": "frame_conv",
    "avg_pool": "mean",
    "max_pool": "max",
    "global_pool": "mean",
}
"""What layers do to the positions of a signal."""
PASSED_ON = frozenset(LEFT_OUT)
CURVED = frozenset(GATED_OPS) - PASSED_ON
"""What is no sum over paths: activations that depend on how large a signal is, and products."""

Term = tuple[Word, int, int, int]
"""The word of a path, how many weighted layers, and the product of their factors doubled and squared, as a fraction."""
Terms = dict[int, float]
"""How many paths have each term; one of some of the channels is a part of one."""


class Function(NamedTuple):
    """What a block does to the value and the tangent of a signal.

    Attributes:
        before, after: size of the signal.
        words: numbers of W words, the words ascending.
        counts: `[W]`, (value, tangent): to values, values through the word are added `value` times; to tangents,
            tangents through the word `value` times and values `tangent` times. A word that begins with `ones` is
            added for itself.
        power: all counts are to be multiplied by 2 ** power, which is 0 unless float64 is too small for them.
    """

    before: Size
    after: Size
    words: tuple[int, ...]
    counts: tuple[tuple[float, float], ...]
    power: int


class _LayerTable(dict[int, int]):
    """What a layer makes of each term: one operation more on its word, or the factor root(width / positions) / 2."""

    def __init__(self, paths: Paths, op: Operation | None, width: int, positions: int) -> None:
        self._paths, self._op, self._width, self._positions = paths, op, width, positions

    def __missing__(self, term: int) -> int:
        word, layers, above, below = self._paths.terms[term]
        if self._op is not None:
            word = (*word, self._op)
        if self._width:
            factor = Fraction(above * self._width, below * self._positions)
            layers, above, below = layers + 1, factor.numerator, factor.denominator
        self[term] = self._paths.number((word, layers, above, below))
        return self[term]


class Paths:
    """The functions of blocks, and the numbers of the words and terms met so far.

    Attributes:
        words: by number.
        terms: by number.
    """

    def __init__(self) -> None:
        self.words: list[Word] = []
        self.terms: list[Term] = []
        self._totals: list[tuple[int, float, float, int]] = []
        self._words: dict[Word, int] = {}
        self._numbers: dict[Term, int] = {}
        self._steps: dict[tuple[int, int], tuple[_LayerTable, int | None, Layer]] = {}
        # By identity, as hashing a layer costs as much as this, and kept, so that no other layer takes its place.
        self._start = self.number(((), 0, 1, 1))

    def number(self, term: Term) -> int:
        """Return the number of a term, a new one where it is new."""
        found = self._numbers.setdefault(term, len(self.terms))
        if found == len(self.terms):
            word, layers, above, below = term
            place = self._words.setdefault(word, len(self.words))
            if place == len(self.words):
                self.words.append(word)
            value, power = root(above, below, layers)
            self.terms.append(term)
            self._totals.append((place, value, value * layers, power))
        return found

    def function(self, block: Block) -> Function:
        """Return what a block does to positive signals, by the mean of channels.

        Raises:
            InvalidSetting: it has a layer that is not a sum over paths, or truncates channels that differ.
        """
        terms = self._polynomial(block)
        # So many layers, each reading up to 16 others, have fewer than 2 ** LIMIT paths.
        in_range = len(block) <= LIMIT / 4 and not any(self._totals[term][3] for term in terms)
        words, counts, power = self._counts(terms) if in_range else self._scaled_counts(terms)
        return Function(block[0].size, block[-1].size, words, counts, power)

    def _counts(self, terms: Terms) -> tuple[tuple[int, ...], tuple[tuple[float, float], ...], int]:
        values: dict[int, list[float]] = {}
        tangents: dict[int, list[float]] = {}
        for term, paths in terms.items():
            word, value, tangent, _ = self._totals[term]
            values.setdefault(word, []).append(paths * value)
            tangents.setdefault(word, []).append(paths * tangent)
        words = tuple(sorted(values, key=self.words.__getitem__))
        # These sums do not depend on the order: the same paths in another order are the same function.
        return words, tuple((math.fsum(values[word]), math.fsum(tangents[word])) for word in words), 0

    def _scaled_counts(self, terms: Terms) -> tuple[tuple[int, ...], tuple[tuple[float, float], ...], int]:
        """Return words, counts and their power where float64 is too small for one of the counts."""
        values: dict[int, list[Scaled]] = {}
        tangents: dict[int, list[Scaled]] = {}
        for term, paths in terms.items():
            word, value, tangent, power = self._totals[term]
            values.setdefault(word, []).append(times(paths, Scaled(value, power)))
            tangents.setdefault(word, []).append(times(paths, Scaled(tangent, power)))
        words = tuple(sorted(values, key=self.words.__getitem__))
        most = largest([*values.values(), *tangents.values()])
        most = most if abs(most) > LIMIT or any(self._totals[term][3] for term in terms) else 0
        return words, tuple((total(values[word], most), total(tangents[word], most)) for word in words), most

    def _polynomial(self, block: Block) -> Terms:
        terms: list[Terms] = []
        for layer in block:
            op, inputs = layer.op, layer.inputs
            if op in PASSED_ON:
                y = terms[inputs[0]]
            elif op in KINDS:
                y = self._path(layer, block[inputs[0]].channels // layer.groups, terms[inputs[0]])
            elif op in ("add", "zeros"):
                y = {}
                for i in inputs:
                    for term, paths in terms[i].items():
                        y[term] = y.get(term, 0) + paths
            elif op == "concat":
                y = {}
                for i in inputs:
                    share = block[i].channels / layer.channels
                    for term, paths in terms[i].items():
                        y[term] = y.get(term, 0) + share * paths
            elif op == "input":
                y = {self._start: 1}
            elif op == "truncate":
                if not _alike(block, inputs[0]):
                    raise InvalidSetting(
                        "expected synflow cannot truncate channels that differ: use estimator=sampled"
                    )
                y = terms[inputs[0]]
            else:
                raise InvalidSetting(f"expected synflow knows no layer {op!r}")
            terms.append(y)
        return terms[-1]

    def _path(self, layer: Layer, width: int, read: Terms) -> Terms:
        found = self._steps.get((id(layer), width))
        if found is None:
            found = self._steps[id(layer), width] = (*self._step(layer, width), layer)
        step, bias, _ = found
        y = {step[term]: paths for term, paths in read.items()}
        if bias is not None:
            y[bias] = y.get(bias, 0) + 1
        return y

    def _step(self, layer: Layer, width: int) -> tuple[_LayerTable, int | None]:
        positions = layer.kernel ** len(layer.size)
        # A word does not name what changes nothing: linear layers, and convolutions that read each position alone.
        weighted = layer.op in WEIGHTED
        named = layer.op != "linear" and (not weighted or layer.kernel > 1 or layer.stride > 1)
        window = (KINDS[layer.op], layer.size, layer.kernel, layer.stride, layer.padding, 1.0, layer.dilation)
        step = _LayerTable(self, Operation(*window) if named else None, width if weighted else 0, positions)
        if not layer.bias:
            return step, None
        # Distributed as the weights are, and not scored: no layer that a tangent counts.
        bias = Operation("ones", layer.size, scale=1 / (2 * math.sqrt(width * positions)))
        return step, self.number(((bias,), 0, 1, 1))


def _alike(block: Block, position: int) -> bool:
    """Say whether a layer's channels are all equal, as far as the block alone can tell."""
    layer = block[position]
    if layer.op in ("conv", "linear", "zeros") and layer.groups == 1:
        return True
    return layer.op not in ("input", "concat") and all(_alike(block, i) for i in layer.inputs)
