"""The backward pass that collects what fisher sums over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from nassearch.errors import InvalidModel
from nassearch.networks.modules.network import TorchNetwork
from nassearch.networks.probe import salience
from nassearch.networks.probe.patterns import few_of, grows
from nassearch.networks.probe.salience import Call, Key, Saliency
from nassearch.networks.tracing.backward import Product, products
from nassearch.networks.tracing.biases import with_biases
from nassearch.networks.tracing.recording import Recording
from nassearch.networks.tracing.weights import layer_weights


@contextmanager
def salient(
    recording: Recording, model: nn.Module, batch: int, record: Callable[[Tensor], Recording]
) -> Iterator[dict[Key, Saliency]]:
    """Yield what is filled, when the block ends, by a backward pass inside it.

    Args:
        recording: the forward pass.
        model: of the pass.
        batch: how many samples the whole batch has.
        record: runs the model on other inputs of the same number.

    Raises:
        InvalidModel: see `nassearch.networks.probe.salience.layouts` and `call_of`.
    """
    size = len(recording.inputs)
    found = _products(recording, model)
    calls = [salience.call_of(each) for each in found]
    keys = levels(recording.nodes, found, [call.key for call in calls])
    few = None if isinstance(model, TorchNetwork) else few_of(recording, model, record)
    if few is not None and grows(len(found), len(_products(few, model)), size):
        raise InvalidModel(f"{salience.MIXED}; here layers see one at a time: give the model a batch at once")
    inner = salience.layouts(calls, size, lambda: _look(recording.inputs, model, record))
    sums: dict[Key, tuple[Tensor, int]] = {}

    def arrived(place: int, gradients: tuple[Any, ...]) -> None:
        call, bias = calls[place], found[place].bias
        with torch.no_grad():
            each = salience.per_sample(call, bias, gradients[0], size, inner[place])
            before = sums.get(keys[place])
            sums[keys[place]] = (each if before is None else before[0] + each, call.weights)

    handles = [each.node.register_prehook(partial(arrived, n)) for n, each in enumerate(found)]
    filled: dict[Key, Saliency] = {}
    try:
        yield filled
        filled.update(salience.saliencies(sums, batch))
    finally:
        # What hangs on a node and leads back to it is never collected.
        for handle in handles:
            handle.remove()


def levels(nodes: list[Any], found: list[Product], keys: list[Key]) -> list[Key]:
    """Return keys of calls, told apart where one call of a weight depends on another.

    Calls that do not are one call on more positions, written as a loop.
    """
    repeated = {key for key, count in Counter(keys).items() if count > 1}
    key_of = {each.node: key for each, key in zip(found, keys, strict=True) if key in repeated}
    depths: dict[Any, dict[Key, int]] = {}
    for node in nodes:
        depth: dict[Key, int] = {}
        for read, _ in node.next_functions:
            if read is not None and depths[read] is not depth:
                there = depths[read]
                if not depth:
                    depth = there
                elif there:
                    depth = {k: max(depth.get(k, 0), there.get(k, 0)) for k in depth.keys() | there.keys()}
        if node in key_of:
            depth = {**depth, key_of[node]: depth.get(key_of[node], 0) + 1}
        depths[node] = depth
    return [(key, depths[each.node].get(key, 0)) for each, key in zip(found, keys, strict=True)]


def _products(recording: Recording, model: nn.Module) -> list[Product]:
    """Return where weights multiply signals in a pass of a model, with the biases that are added there."""
    layers = layer_weights(model)
    found = products(recording.nodes, list(model.parameters()), layers)
    if isinstance(
        model, TorchNetwork
    ):  # what its weights are is known: the LSTM of speech networks is left out
        found = [product for product in found if all(id(p) in layers for p in product.parameters)]
    return with_biases(recording.nodes, found)


def _look(
    inputs: Tensor, model: nn.Module, record: Callable[[Tensor], Recording]
) -> tuple[list[Tensor], list[Tensor]]:
    """Return the signals of a batch, and of one whose first sample is another, batch norm being still."""
    inputs = inputs.detach()
    other = inputs.clone()
    different = (inputs != inputs[:1]).flatten(1).any(1).nonzero().flatten()
    if len(different):
        other[0] = inputs[different[0]]
    with salience.still(model):
        return tuple(_signals(record(x), model) for x in (inputs, other))  # type: ignore[return-value]


def _signals(recording: Recording, model: nn.Module) -> list[Tensor]:
    return [_signal(salience.call_of(each)) for each in _products(recording, model)]


def _signal(call: Call) -> Tensor:
    return call.signal.detach()
