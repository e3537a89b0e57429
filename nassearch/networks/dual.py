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
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from nassearch.errors import InvalidSetting
from nassearch.networks.graph import Block, Layer, Network
from nassearch.networks.lumping import Lumping, Op, Size, Word
from nassearch.types import Floats

Term = tuple[Word, tuple[float, ...]]
"""The windows along a path, and the factors of its weighted layers in ascending order."""
Polynomial = tuple[tuple[Term, int], ...]
"""The terms of a block and how many paths have each, in a fixed order."""


def expected_synflow(networks: Sequence[Network]) -> Floats:
    """Return the expectation of synflow over PyTorch's default initialisation, float64 `[N]`.

    Batch norm is left out, the input is ones, the logits are summed, and no logarithm is taken.

    Raises:
        InvalidSetting: a network has a layer whose output on positive signals is not a sum over paths.
    """
    return np.array([_score(network) for network in networks], np.float64)


def _score(network: Network) -> float:
    chain = tuple((polynomial(block), repeats) for block, repeats in network.chain)
    sizes = tuple((block[0].size, block[-1].size) for block, _ in network.chain)
    return network.chain[-1][0][-1].channels * _tangent(chain, sizes)


@lru_cache(maxsize=65536)
def _tangent(chain: tuple[tuple[Polynomial, int], ...], sizes: tuple[tuple[Size, Size], ...]) -> float:
    words = [frozenset(word for (word, _), _ in terms) for terms, _ in chain]
    lumping = Lumping.of(sizes, words)
    x = np.array([[1.0, 0.0]])
    for place, (terms, repeats) in enumerate(chain):
        x = x[lumping.entry(place)]
        # What stands alone in the chain is usually the same in every network of a space, repeated cells are not.
        both, offset = (_shared if repeats == 1 else _matrices)(lumping, place, terms)
        classes = len(offset)
        for _ in range(repeats):
            images = both @ x
            x = images[:classes] + offset
            x[:, 1] += images[classes:, 0]
    return float(x[:, 1].sum())


def _matrices(lumping: Lumping, place: int, terms: Polynomial) -> tuple[Floats, Floats]:
    """Return what makes values, above what values add to tangents, and the biases' (value, tangent)."""
    weights: dict[Word, list[float]] = {}
    for (word, factors), paths in terms:
        total = weights.setdefault(word, [0.0, 0.0])
        product = paths * math.prod(factors)
        total[0] += product
        total[1] += product * len(factors)
    rows, columns = lumping.shape(place)
    both, part, offset = np.zeros((2, rows, columns)), np.empty((rows, columns)), np.zeros((rows, 2))
    for word, total in weights.items():
        matrix = lumping.matrix(place, word)
        if word and word[0].kind == "ones":
            offset += matrix * total
            continue
        for scale, into in zip(total, both, strict=True):
            if scale:
                into += np.multiply(matrix, scale, out=part)
    return both.reshape(2 * rows, columns), offset


_shared = lru_cache(maxsize=1024)(_matrices)


@lru_cache(maxsize=65536)
def polynomial(block: Block) -> Polynomial:
    """Return the block on positive signals, without batch norm, as the sum over its paths."""
    terms: list[dict[Term, int]] = []
    for layer in block:
        read = [terms[i] for i in layer.inputs]
        y: dict[Term, int] = {}
        if layer.op == "input":
            y = {((), ()): 1}
        elif layer.op in ("relu", "batch_norm"):
            y = read[0]
        elif layer.op in ("add", "zeros"):
            for part in read:
                for term, paths in part.items():
                    y[term] = y.get(term, 0) + paths
        elif layer.op in ("conv", "linear", "avg_pool", "global_pool"):
            y = _path(layer, block[layer.inputs[0]].channels, read[0])
        else:
            raise InvalidSetting(f"expected synflow knows no layer {layer.op!r}")
        terms.append(y)
    return tuple(sorted(terms[-1].items()))


def _path(layer: Layer, width: int, read: dict[Term, int]) -> dict[Term, int]:
    weighted = layer.op in ("conv", "linear")
    plain = layer.op == "linear" or (layer.op == "conv" and layer.kernel == layer.stride == 1)
    kind = "sum" if weighted else "mean"
    op = Op(kind, layer.size, layer.kernel, layer.stride, layer.padding)
    mean_weight = 1 / (2 * math.sqrt(width * layer.kernel ** len(layer.size)))
    y: dict[Term, int] = {}
    for (word, factors), paths in read.items():
        longer = tuple(sorted((*factors, width * mean_weight))) if weighted else factors
        term = (word if plain else (*word, op), longer)
        y[term] = y.get(term, 0) + paths
    if (
        layer.bias
    ):  # it has the distribution of the weights, and is not scored: a factor that no tangent counts
        term = ((Op("ones", layer.size, scale=mean_weight),), ())
        y[term] = y.get(term, 0) + 1
    return y
