"""What the networks of both spaces of TransNAS-Bench-101 have in common: the stem and the classifier."""

from __future__ import annotations

from functools import lru_cache

from nassearch.networks.graph import Block, Builder
from nassearch.spaces.edge_cells import relu_conv_bn
from nassearch.types import Task


@lru_cache(maxsize=64)
def stem(task: Task) -> Block:
    """Return two convolutions that halve the image each, to half the base width and to the base width."""
    build, width = Builder(task.input_shape), task.channels[0]
    first = build.batch_norm(build.conv(0, max(1, width // 2), kernel=3, stride=2))
    relu_conv_bn(build, first, width, 3, stride=2)
    return build.done()


@lru_cache(maxsize=256)
def head(shape: tuple[int, ...], task: Task) -> Block:
    """Return the mean over the image and a linear layer, which reads it once for each piece of a jigsaw."""
    build = Builder(shape)
    features = build.concat([build.global_pool(0)] * (task.pieces or 1))
    build.linear(features, task.classes)
    return build.done()
