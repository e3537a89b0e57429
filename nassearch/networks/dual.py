"""Interpreter: dual numbers on one channel, which give synflow without a backward pass and without sampling.

With absolute weights and an input of ones every signal is positive, so ReLU is the identity, and without batch norm
the summed logits R are multilinear in the layers' weights. The sum over all weights of theta * dR/dtheta is then the
derivative of R(t * theta) at t = 1: one forward pass of (value, tangent), where a layer y = W x has the tangent
y' = W (x' + x).

Weights of different layers are independent, so the expectation over PyTorch's default initialisation is the value of
the network whose weights all equal E|theta| = 1 / (2 sqrt(fan_in)), and there all channels of a layer are equal:
one is enough.

What is left of a block is linear: a sum over its paths, each a word of window sums (`polynomial`) with a factor per
weighted layer. A path through m weighted layers contributes its value m times to the tangent. Blocks with one
polynomial compute one function, and such networks get one score, bit for bit. `lumping` runs words on few numbers.

Behind a concatenation channels differ. Everything above is linear and treats all channels alike, so the mean over
the channels is followed in their place.

Max pooling is not linear: the expectation of a maximum is more than the maximum of expectations. With max pooling the
score is that of the network of mean weights all the same, and no longer quite the expectation. In that network the
maximum is the innermost position of a window (see `lumping`), which takes value and tangent along, and which is the
rule for equal values too.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np

from nassearch.errors import InvalidSetting
from nassearch.networks.graph import LEFT_OUT, Block, Layer, Network
from nassearch.networks.lumping import Lumping, Op, Size, Word
from nassearch.types import Floats

Term = tuple[Word, tuple[float, ...]]
"""The windows along a path, and the factors of its weighted layers in ascending order."""
Terms = dict[Term, float]
Polynomial = tuple[tuple[Term, float], ...]
"""The terms of a block in a fixed order, and how many paths have each; one of some of the channels is a part of one."""
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
FEW = 3
"""Equal blocks in a row for which the matrix of the whole block is not worth its making."""


def expected_synflow(networks: Sequence[Network]) -> Floats:
    """Return the expectation of synflow over PyTorch's default initialisation, float64 `[N]`.

    Batch norm is left out, the input is ones, the logits are summed, and no logarithm is taken. Where there is max
    pooling it is synflow of the network whose weights all equal E|theta|, which is not quite the expectation.

    Raises:
        InvalidSetting: a network has a layer whose output on positive signals is not a sum over paths, max pooling
            besides windows without a mirror image, or a truncation of channels that differ.
    """
    return np.array([_score(network) for network in networks], np.float64)


def _score(network: Network) -> float:
    chain = tuple((polynomial(block), repeats) for block, repeats in network.chain)
    sizes = tuple((block[0].size, block[-1].size) for block, _ in network.chain)
    return network.chain[-1][0][-1].channels * _tangent(chain, sizes)


@lru_cache(maxsize=16384)
def _tangent(chain: tuple[tuple[Polynomial, int], ...], sizes: tuple[tuple[Size, Size], ...]) -> float:
    words = [frozenset(word for (word, _), _ in terms) for terms, _ in chain]
    lumping = Lumping.of(sizes, words)
    x = np.array([[1.0, 0.0]])
    for place, (terms, repeats) in enumerate(chain):
        x = x[lumping.entry(place)]
        if 1 < repeats <= FEW:
            x = _by_words(lumping, place, terms, repeats, x)
            continue
        # What stands alone in the chain is usually the same in every network of a space, repeated cells are not.
        both, offset = (_shared if repeats == 1 else _matrices)(lumping, place, terms)
        classes = len(offset)
        for _ in range(repeats):
            images = both @ x
            x = images[:classes] + offset
            x[:, 1] += images[classes:, 0]
    return float(x[:, 1].sum())


def _by_words(lumping: Lumping, place: int, terms: Polynomial, repeats: int, x: Floats) -> Floats:
    """Return (value, tangent) `[classes, 2]` after equal blocks in a row, by each word of the block for itself."""
    offset, words = np.zeros((lumping.shape(place)[0], 2)), []
    for word, (value, tangent) in _totals(terms).items():
        matrix = lumping.matrix(place, word)
        if word and word[0].kind == "ones":
            offset += matrix * (value, tangent)
        else:
            words.append((matrix, np.array([[value, tangent], [0.0, value]])))
    for _ in range(repeats):
        y = offset.copy()
        for matrix, scales in words:
            y += matrix @ (x @ scales)
        x = y
    return x


def _totals(terms: Polynomial) -> dict[Word, list[float]]:
    """Return for each word what it adds to values, and what values on it add to tangents."""
    weights: dict[Word, list[float]] = {}
    for (word, factors), paths in terms:
        total = weights.setdefault(word, [0.0, 0.0])
        product = paths * math.prod(factors)
        total[0] += product
        total[1] += product * len(factors)
    return weights


def _matrices(lumping: Lumping, place: int, terms: Polynomial) -> tuple[Floats, Floats]:
    """Return what makes values, above what values add to tangents, and the biases' (value, tangent)."""
    rows, columns = lumping.shape(place)
    both, part, offset = np.empty((2, rows, columns)), np.empty((rows, columns)), np.zeros((rows, 2))
    begun = [False, False]
    for word, total in _totals(terms).items():
        matrix = lumping.matrix(place, word)
        if word and word[0].kind == "ones":
            offset += matrix * total
            continue
        for k, scale in enumerate(total):
            if scale and begun[k]:
                both[k] += np.multiply(matrix, scale, out=part)
            elif scale:
                np.multiply(matrix, scale, out=both[k])
                begun[k] = True
    for k in range(2):
        if not begun[k]:
            both[k] = 0
    return both.reshape(2 * rows, columns), offset


_shared = lru_cache(maxsize=1024)(_matrices)


@lru_cache(maxsize=16384)
def polynomial(block: Block) -> Polynomial:
    """Return the block on positive signals, without batch norm, as the sum over its paths, by the mean of channels."""
    terms: list[Terms] = []
    for layer in block:
        op, inputs = layer.op, layer.inputs
        if op == "input":
            y: Terms = {((), ()): 1}
        elif op in LEFT_OUT:
            y = terms[inputs[0]]
        elif op in ("add", "zeros"):
            y = _sum((terms[i], 1) for i in inputs)
        elif op == "concat":
            y = _sum((terms[i], block[i].channels / layer.channels) for i in inputs)
        elif op == "truncate":
            if not _alike(block, inputs[0]):
                raise InvalidSetting(
                    "expected synflow cannot truncate channels that differ: use estimator=sampled"
                )
            y = terms[inputs[0]]
        elif op in KINDS:
            y = _path(layer, block[inputs[0]].channels // layer.groups, terms[inputs[0]])
        else:
            raise InvalidSetting(f"expected synflow knows no layer {op!r}")
        terms.append(y)
    return tuple(sorted(terms[-1].items()))


def _alike(block: Block, position: int) -> bool:
    """Say whether a layer's channels are all equal, as far as the block alone can tell."""
    layer = block[position]
    if layer.op in ("conv", "linear", "zeros"):
        return True
    return layer.op not in ("input", "concat") and all(_alike(block, i) for i in layer.inputs)


def _sum(parts: Iterable[tuple[Terms, float]]) -> Terms:
    y: Terms = {}
    for part, share in parts:
        for term, paths in part.items():
            y[term] = y.get(term, 0) + share * paths
    return y


def _path(layer: Layer, width: int, read: Terms) -> Terms:
    mean_weight = 1 / (2 * math.sqrt(width * layer.kernel ** len(layer.size)))
    # A word does not name what changes nothing: linear layers, and convolutions that read each position alone.
    weighted = layer.op in WEIGHTED
    named = layer.op != "linear" and (not weighted or layer.kernel > 1 or layer.stride > 1)
    window = (KINDS[layer.op], layer.size, layer.kernel, layer.stride, layer.padding, 1.0, layer.dilation)
    ops = (_op(*window),) if named else ()
    y: Terms = {}
    for (word, factors), paths in read.items():
        longer = tuple(sorted((*factors, width * mean_weight))) if weighted else factors
        term = (word + ops, longer)
        y[term] = y.get(term, 0) + paths
    if layer.bias:  # distributed as the weights are, and not scored: a factor that no tangent counts
        term = ((Op("ones", layer.size, scale=mean_weight),), ())
        y[term] = y.get(term, 0) + 1
    return y


_op = lru_cache(maxsize=1024)(Op)
