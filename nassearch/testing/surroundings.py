"""A part leaves its surroundings as it found them, and gives the same in another process."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np

from nassearch.workers.spread import in_order

T = TypeVar("T")
R = TypeVar("R")


def surroundings() -> dict[str, Any]:
    """Return the state of what all of a process shares: the generators of Python, numpy and torch, and its settings."""
    found: dict[str, Any] = {
        "Python's generator (random)": random.getstate(),
        "numpy's generator (numpy.random)": str(np.random.get_state(legacy=False)),
        "numpy's error settings": np.geterr(),
    }
    if "torch" in sys.modules:
        torch: Any = sys.modules["torch"]
        found |= {
            "torch's generator": torch.get_rng_state().numpy().tobytes(),
            "torch's number of threads": torch.get_num_threads(),
            "torch's default dtype": torch.get_default_dtype(),
            "torch's switch of gradients": torch.is_grad_enabled(),
            "torch's switch of deterministic algorithms": torch.are_deterministic_algorithms_enabled(),
        }
    return found


@contextmanager
def left_as_found(who: str) -> Iterator[None]:
    """Fail where what all of a process shares is not as it was before, generators first of all."""
    before = surroundings()
    yield
    after = surroundings()
    moved = [name for name, state in before.items() if after[name] != state]
    assert not moved, (
        f"{who} leaves {' and '.join(moved)} otherwise than found: draw from generators that are passed in, or made "
        "from a seed, and put settings back"
    )


def elsewhere(function: Callable[[T], R], items: Sequence[T]) -> list[R]:
    """Return `function(item)` of each item as another process computes it, with other hashes of texts and no cache."""
    return list(in_order(function, items, workers=2))


def module_state(model: Any) -> dict[str, Any]:
    """Return all of a torch module that a user could see change: tensors bit for bit and by identity, modes, hooks."""

    def bits(tensor: Any) -> bytes | None:
        return None if tensor is None else tensor.detach().contiguous().cpu().numpy().tobytes()

    tensors = [*model.named_parameters(), *model.named_buffers()]
    return {
        "tensors": [(n, id(t), t.dtype, t.requires_grad, t.is_leaf, bits(t)) for n, t in tensors],
        "gradients": [(n, id(p.grad), bits(p.grad)) for n, p in model.named_parameters()],
        "modules": [(n, id(m), m.training, sorted(m.__dict__)) for n, m in model.named_modules()],
        "hooks": [
            [list(v.items()) for k, v in sorted(m.__dict__.items()) if "hook" in k and isinstance(v, dict)]
            for m in model.modules()
        ],
    }


def equal(one: Any, other: Any) -> bool:
    """Say whether two arrays of scores have the same bits, NaN being NaN."""
    return np.array_equal(np.asarray(one), np.asarray(other), equal_nan=True)


def plain_json(value: Any, nan: bool = False) -> bool:
    """Say whether a value comes back from JSON as it went in; NaN only where that is allowed."""
    try:
        text = json.dumps(value, allow_nan=nan)
    except (TypeError, ValueError):
        return False
    return bool(json.loads(text) == value) or (nan and json.dumps(json.loads(text)) == text)
