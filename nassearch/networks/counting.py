"""Interpreter: what a network holds and costs, counted without running it."""

from __future__ import annotations

from functools import lru_cache
from math import prod

from nassearch.networks.graph import GATED_OPS, Block, Layer, Network, live_positions

WITH_WEIGHTS = frozenset({"conv", "linear", "frame_conv", "lstm"})


def parameters(network: Network) -> int:
    """Count the trainable numbers: weights and biases of convolutions and classifier, gain and shift of batch norm.

    Layers that the output does not depend on count too, as they do in published tables.
    """
    return sum(repeats * _count(block)[0] for block, repeats in network.chain)


def macs(network: Network) -> int:
    """Count the multiply-accumulates of one input in convolutions and classifier, the usual meaning of FLOPs."""
    return sum(repeats * _count(block)[1] for block, repeats in network.chain)


def layers(network: Network) -> int:
    """Count the layers with weights, normalisation not among them, that lie on a path from the input to the output."""
    counts = [(repeats, *_on_paths(block)) for block, repeats in network.chain]
    return sum(repeats * count for repeats, count, _ in counts) if all(passes for *_, passes in counts) else 0


@lru_cache(maxsize=65536)
def _on_paths(block: Block) -> tuple[int, bool]:
    """Return how many layers with weights lie on paths, and whether there is a path."""
    reached: set[int] = set()
    for place, layer in enumerate(block):
        if layer.op == "input" or not reached.isdisjoint(layer.inputs):
            reached.add(place)
    count = sum(block[place].op in WITH_WEIGHTS for place in live_positions(block) if place in reached)
    return count, len(block) - 1 in reached


def operations(network: Network) -> int:
    """Count as `macs`, and the layers without weights too.

    Batch norm counts 2 per number, activations and products 1, pooling the size of its window per output, and global
    pooling of size s a window of s + 1 along each axis. This odd last rule is that of the counter behind the CIFAR-10
    column of MACs that circulates for NAS-Bench-201, which this function meets exactly; additions count nothing there.
    """
    return sum(repeats * _count(block)[2] for block, repeats in network.chain)


def activations(network: Network) -> int:
    """Count the most numbers that layers hold at a time for one input, each layer's until the last that reads it."""
    return max(_held(block) for block, _ in network.chain)


@lru_cache(maxsize=65536)
def _held(block: Block) -> int:
    sizes = [layer.channels * prod(layer.size) for layer in block]
    last = {place: place for place in live_positions(block)}
    for place in last:
        last.update((read, place) for read in block[place].inputs)
    last[len(block) - 1] = len(block)
    return max(sum(sizes[held] for held, until in last.items() if held <= place <= until) for place in last)


@lru_cache(maxsize=65536)
def _count(block: Block) -> tuple[int, int, int]:
    counts = [_of_layer(layer, [block[i] for i in layer.inputs]) for layer in block]
    parameters, macs, others = map(sum, zip(*counts, strict=True))
    return parameters, macs, macs + others


def _of_layer(layer: Layer, inputs: list[Layer]) -> tuple[int, int, int]:
    """Return parameters, multiply-accumulates, and operations of other kinds."""
    numbers = layer.channels * prod(layer.size)
    if layer.op == "batch_norm":
        return 2 * layer.channels, 0, 2 * numbers
    if layer.op == "relu" or layer.op in GATED_OPS:
        return 0, 0, numbers
    if layer.op in ("avg_pool", "max_pool"):
        return 0, 0, numbers * layer.kernel ** len(layer.size)
    if layer.op == "global_pool":
        return 0, 0, numbers * prod(size + 1 for size in inputs[0].size)
    if layer.op == "layer_norm":
        return 2 * layer.channels, 0, 2 * numbers
    if layer.op == "lstm":
        weights = 4 * (inputs[0].channels + layer.channels)
        return (weights + 4) * layer.channels, weights * numbers, 0
    if layer.op not in ("conv", "linear", "frame_conv"):
        return 0, 0, 0
    weights = inputs[0].channels // layer.groups * layer.kernel ** len(layer.size)
    return (weights + layer.bias) * layer.channels, weights * numbers, 0
