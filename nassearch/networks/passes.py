"""Passes over models: each model is built and probed once for all who read from it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from nassearch.errors import InvalidSetting
from nassearch.networks.graph import Network
from nassearch.networks.initialise import initialised
from nassearch.networks.probe import Probe
from nassearch.networks.torch_module import one_thread
from nassearch.types import Batch, Floats

Reader = Callable[[Probe], float]
"""Maps a probe to a score."""


def read_networks(
    networks: Sequence[Network],
    batch: Batch | None,
    readers: Sequence[Reader],
    reads: Collection[str],
    *,
    batch_size: int,
    seed: int,
    init: str,
    bias: str,
) -> list[tuple[Floats, dict[int, str]]]:
    """Probe each network once, with freshly drawn weights, and let every reader read.

    Returns one pair per reader: scores `[N]`, and by position what went wrong where there is none.
    """
    scores = np.full((len(readers), len(networks)), np.nan)
    failures: list[dict[int, str]] = [{} for _ in readers]
    for place, network in enumerate(networks):
        model = initialised(network, seed, init, bias)
        values = read_model(model, batch, readers, reads, batch_size=batch_size, seed=seed, owned=True)
        for row, value in enumerate(values):
            if isinstance(value, str):
                failures[row][place] = value
            else:
                scores[row, place] = value
    return list(zip(scores, failures, strict=True))


def read_model(
    model: nn.Module,
    batch: Batch | None,
    readers: Sequence[Reader],
    reads: Collection[str],
    *,
    batch_size: int,
    seed: int,
    owned: bool = False,
) -> list[float | str]:
    """Probe one model, which is left as it was unless it is owned, and let every reader read.

    Returns for each reader its score, or what went wrong.
    """
    inputs, labels = _first(batch, batch_size)
    answers: list[float | str] = []
    with one_thread():
        probe = Probe(model, inputs, labels, seed=seed, reads=reads, owned=owned)
        for reader in readers:
            try:
                answers.append(float(reader(probe)))
            except (RuntimeError, ValueError, TypeError, ArithmeticError) as error:
                answers.append(f"{type(error).__name__}: {error}")
    return answers


def _first(batch: Batch | None, size: int) -> tuple[Any, Any]:
    if batch is None:
        raise InvalidSetting("a model proxy looks at data and needs a batch")
    if not isinstance(size, int) or not 2 <= size <= len(batch.inputs):
        raise InvalidSetting(
            f"batch_size is a whole number from 2 to {len(batch.inputs)}, what the batch holds, not {size!r}"
        )
    labels = None if batch.labels is None else torch.from_numpy(batch.labels[:size])
    return torch.from_numpy(batch.inputs[:size]), labels
