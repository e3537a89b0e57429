"""A torch module as the network of an architecture; no torch is needed to know one from another network."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, eq=False)
class ModuleNetwork:
    """A torch module, and what it is built for.

    Proxies take it as one more kind of network: each is for it what `nassearch.score` gives of the module.

    Attributes:
        module: a torch.nn.Module with fresh weights; None where there is none.
        input_shape: of one input, `(channels, *size)`, or None where nobody has said.
        classes: number of logits it should give, or None.
        words: how many words there are, where inputs are words.
        fault: why there is no module.
    """

    module: Any
    input_shape: tuple[int, ...] | None = None
    classes: int | None = None
    words: int | None = None
    fault: str = ""


def is_module(value: Any) -> bool:
    """Say whether this is a torch module; where nobody has imported torch nothing is."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.nn.Module)


def as_network(value: Any) -> Any:
    """Return a torch module as a network, and anything else as it is."""
    return ModuleNetwork(value) if is_module(value) else value
