"""Run code that others wrote, such as a model's forward, without a change to global generators and hooks."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch.nn.modules import module as torch_module

GLOBAL_HOOKS: list[dict[Any, Any]] = [
    value
    for name, value in vars(torch_module).items()
    if name.startswith("_global") and isinstance(value, dict)
]
"""Where torch keeps hooks that run for every module."""


@contextmanager
def isolated(seed: int) -> Iterator[None]:
    """Set the global generators of torch, numpy and Python to a seed, and keep off hooks registered for all modules.

    Generators and hooks are afterwards as they were before. What draws from a generator of its own is not touched.
    """
    python, numpy = random.getstate(), np.random.get_state()
    hooks = [dict(kept) for kept in GLOBAL_HOOKS]
    # A process that has not used CUDA yet must not find its generators seeded when it does.
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    try:
        with torch.random.fork_rng(devices=devices):
            (torch.manual_seed if devices else torch.default_generator.manual_seed)(seed)
            np.random.seed(seed % 2**32)  # numpy's limit
            random.seed(seed)
            for kept in GLOBAL_HOOKS:
                kept.clear()
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
        for kept, before in zip(GLOBAL_HOOKS, hooks, strict=True):
            kept.clear()
            kept.update(before)


class Outside:
    """The global generators of torch (on the CPU), numpy and Python as they were when this was made.

    Inside `isolated`, a block of `with outside.again():` sees and moves them, and `outside.restore()` after it keeps
    what was drawn there: code of others may draw from them and must not begin anew each time.
    """

    def __init__(self) -> None:
        self._states = _read()

    @contextmanager
    def again(self) -> Iterator[None]:
        """Run with these generators, and put those back that were there."""
        inside = _read()
        self.restore()
        try:
            yield
        finally:
            self._states = _read()
            _write(inside)

    def restore(self) -> None:
        """Set the global generators to these."""
        _write(self._states)


def _read() -> tuple[Any, Any, torch.Tensor]:
    return random.getstate(), np.random.get_state(), torch.get_rng_state()


def _write(states: tuple[Any, Any, torch.Tensor]) -> None:
    random.setstate(states[0])
    np.random.set_state(states[1])
    torch.set_rng_state(states[2])
