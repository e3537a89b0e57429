"""Build and probe each model once for all proxies that read from it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from nassearch.checks import whole
from nassearch.errors import BrokenPart, InvalidSetting, NassearchError, told
from nassearch.networks.graph import Network
from nassearch.networks.modules.initialise import check_init, initialised
from nassearch.networks.modules.isolation import isolated
from nassearch.networks.modules.memory import give_back
from nassearch.networks.modules.network import one_thread
from nassearch.networks.probe.probe import Probe
from nassearch.networks.probe.reads import READS
from nassearch.networks.probe.tape.probe import TapeProbe
from nassearch.networks.probe.tape.tape import fits
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

    Without a batch they look at noise, N(0, 1) drawn from the seed.

    Returns one pair per reader: scores `[N]`, and by position what went wrong where there is none.

    Raises:
        InvalidSetting, UnknownName: a setting has no meaning, which is so for all networks alike.
    """
    check_init(init, bias)
    scores = np.full((len(readers), len(networks)), np.nan)
    failures: list[dict[int, str]] = [{} for _ in readers]
    for place, network in enumerate(networks):
        model = initialised(network, seed, init, bias)
        looked_at = noise(network.input_shape, batch_size, seed) if batch is None else batch
        values = read_model(model, looked_at, readers, reads, batch_size=batch_size, seed=seed, owned=True)
        for row, value in enumerate(values):
            if isinstance(value, str):
                failures[row][place] = value
            else:
                scores[row, place] = value
    give_back()
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

    Raises:
        InvalidSetting: the batch or an option has no meaning.
    """
    # A reader's own `reads`, where it has them, are all it can read, whatever its company has asked for.
    inputs, labels = _first(batch, batch_size)
    answers: list[float | str] = []
    # Fused attention has no second derivative, which grasp needs; and callers may have turned derivatives off.
    with one_thread(), torch.inference_mode(False), sdpa_kernel(SDPBackend.MATH), isolated(seed):
        try:
            kind: Any = TapeProbe if fits(model) else Probe
            probe = kind(model, inputs, labels, seed=seed, reads=reads, owned=owned)
        except (Exception, SystemExit) as error:  # whatever a user's model raises when it is copied
            return [_reason(error)] * len(readers)
        for reader in readers:
            probe.allowed = frozenset(getattr(reader, "reads", READS))
            try:
                answers.append(float(reader(probe)))
            except (Exception, SystemExit) as error:  # whatever a user's model raises: the other scores stay
                answers.append(_reason(error))
    return answers


def noise(shape: tuple[int, ...], count: int, seed: int) -> Batch:
    """Return inputs `[count, *shape]` from N(0, 1) without labels.

    Raises:
        InvalidSetting: count below 2.
    """
    whole("batch_size", count, least=2)
    return Batch(np.random.default_rng(seed).standard_normal((count, *shape), np.float32))


def _reason(error: BaseException) -> str:
    """Return what went wrong as text.

    Raises:
        InvalidSetting, BrokenPart: the error is one, and so not of this model alone.
    """
    if isinstance(error, InvalidSetting | BrokenPart):
        raise error
    return str(error) if isinstance(error, NassearchError) else told(error)


def _first(batch: Batch | None, size: int) -> tuple[Tensor, Tensor | None]:
    if batch is None:
        raise InvalidSetting("a model proxy looks at data and needs a batch")
    batch = batch.first(size)
    # Copies: what comes from another process is mapped memory that torch must not write to.
    labels = None if batch.labels is None else torch.tensor(batch.labels)
    return torch.tensor(batch.inputs), labels
