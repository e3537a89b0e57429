"""Count the linear regions that samples lie in."""

from __future__ import annotations

import torch
from torch import Tensor

from nassearch.errors import InvalidModel
from nassearch.networks.graph import Network
from nassearch.networks.modules.initialise import initialised
from nassearch.networks.modules.network import TorchNetwork
from nassearch.networks.probe.activations.distinct import sample_patterns
from nassearch.networks.probe.probe import Probe
from nassearch.networks.thinned import thinned


def region_count(probe: Probe, samples: int, size: int, init: str, bias: str) -> int:
    """Return how many linear regions samples lie in: how many patterns of ReLUs they have.

    A network of a search space is cut down to one cell of one channel (`nassearch.networks.thinned`), with weights
    drawn by `init` and `bias`, and looks at `samples` crops of the batch. A module is looked at as it is, on the batch.

    Raises:
        InvalidModel: the network cannot be cut down, the inputs are smaller than a crop, or what its ReLUs see of each
            sample cannot be told.
    """
    if not isinstance(probe.model, TorchNetwork):
        return sample_patterns(pattern for pattern, _ in probe.relu_patterns)
    blocks = [(tuple(block.block), 1) for block in probe.model.blocks]  # type: ignore[arg-type]
    small = initialised(thinned(Network(tuple(blocks)), size), probe.seed, init, bias).train()
    patterns = small.relu_patterns(crops(probe.inputs.cpu(), samples, size, probe.generator()))
    return sample_patterns(pattern for pattern, _ in patterns)


def crops(inputs: Tensor, count: int, size: int, generator: torch.Generator) -> Tensor:
    """Return `[count, 1, size, ...]`: of inputs in turn, from a random place, the first channel.

    Raises:
        InvalidModel: the inputs are smaller.
    """
    lengths = inputs.shape[2:]
    if any(length < size for length in lengths):
        raise InvalidModel(
            f"it looks at crops of {size} along each axis, and inputs are of {list(lengths)}: give a smaller size"
        )
    found = inputs[torch.arange(count) % len(inputs), :1]
    for axis, length in enumerate(lengths, 2):
        start = torch.randint(0, length - size + 1, (count,), generator=generator)
        places = (start[:, None] + torch.arange(size)).view(
            count, *(size if a == axis else 1 for a in range(1, found.dim()))
        )
        shape = (*found.shape[:axis], size, *found.shape[axis + 1 :])
        found = found.gather(axis, places.expand(shape))
    return found
