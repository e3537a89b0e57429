"""Initial weights of a network's torch module."""

from __future__ import annotations

import torch

from nassearch.networks.graph import Network
from nassearch.networks.torch_module import TorchNetwork


def initialised(network: Network, seed: int, init: str = "default", bias: str = "default") -> TorchNetwork:
    """Build a network with weights drawn from a seed."""
    return TorchNetwork(network, torch.Generator().manual_seed(seed))
