"""Tell whether two networks are the same function of their input, however they are written down."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np

from nassearch.networks.graph import Network
from nassearch.networks.module_network import is_module
from nassearch.testing.surroundings import equal
from nassearch.types import Batch, Floats, Task

SAMPLES = 8
NORMS = ("batch_norm", "layer_norm")
ROUNDING = 1e-6
"""Of logits in float64, relative to the largest: sums of equal numbers in another order differ by some 1e-13, and
batch norm over 8 samples makes that a thousand times more where a channel hardly varies."""


def same_function(one: Any, other: Any, task: Task) -> bool:
    """Say whether two networks give the same logits where layers that look alike have the same weights.

    Weights are a random function of what a layer is: its operation, shapes and kernel. So layers that one network
    computes once and the other twice agree, and all that is told apart by operation or shape differs. Networks of
    another kind are compared by every registered proxy that has one value per key.
    """
    if one == other:
        return True
    if is_module(one) and is_module(other):
        return _same_outputs(one, other, task)
    if type(one) is not Network or type(other) is not Network:
        return _same_scores([one, other], task)
    logits = [_logits(network, task) for network in (one, other)]
    scale = max(np.abs(logits[0]).max(), np.abs(logits[1]).max(), 1e-300)
    return bool(np.abs(logits[0] - logits[1]).max() <= ROUNDING * scale)


def _same_outputs(one: Any, other: Any, task: Task) -> bool:
    """Say whether two torch modules give the same logits where all their weights are one number."""
    from nassearch.networks.modules.foreign import module_outputs

    inputs = np.random.default_rng(0).standard_normal((SAMPLES, *task.input_shape), np.float32)
    rows = [module_outputs(module, inputs, [0.1])[0].astype(np.float64) for module in (one, other)]
    return bool(np.abs(rows[0] - rows[1]).max() <= 1e-3 * max(np.abs(rows[0]).max(), 1e-300))


def _logits(network: Network, task: Task) -> Floats:
    import torch

    from nassearch.networks.modules.network import TorchBlock, TorchNetwork

    model = TorchNetwork(network, torch.Generator().manual_seed(0)).double()
    with torch.no_grad():
        for block in model.blocks:
            assert isinstance(block, TorchBlock)
            for layer, module in zip(block.block, block.layers, strict=True):
                if layer.op in NORMS:
                    continue
                width = block.block[layer.inputs[0]].channels if layer.inputs else 0
                for name, parameter in module.named_parameters():
                    what = f"{layer._replace(inputs=())} {width} {name}"
                    generator = torch.Generator().manual_seed(zlib.crc32(what.encode()))
                    parameter.uniform_(-1, 1, generator=generator).div_(max(1, width) ** 0.5)
        inputs = np.random.default_rng(0).standard_normal((SAMPLES, *task.input_shape))
        found: Floats = model.train()(torch.tensor(inputs)).numpy()
    return found


def _same_scores(networks: list[Any], task: Task) -> bool:
    from nassearch import registry

    rng = np.random.default_rng(0)
    inputs = rng.integers(task.words or 9, size=(SAMPLES, *task.input_shape))
    batch = Batch(inputs if task.tokens else inputs.astype(np.float32))
    for name in registry.BUILT_IN["proxies"]:
        proxy = registry.load("proxies", name)
        if type(networks[0]) in proxy.for_networks.functions and proxy.is_per_key(proxy.options):
            scores = proxy(networks, batch)
            if not equal(scores[0], scores[1]) and not np.isclose(scores[0], scores[1], rtol=1e-3):
                return False
    return True
