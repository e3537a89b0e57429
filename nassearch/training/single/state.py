"""A training on the disk: all that decides what comes next, written whole, so that a kill costs seconds."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from nassearch.errors import NassearchError
from nassearch.files.bounded import read_bytes
from nassearch.files.data_folder import write_whole
from nassearch.files.limits import GB, Limits
from nassearch.files.plain_json import read_json

WEIGHTS = Limits(64 * GB, 64 * GB, 3600)
"""Of files with weights of one network."""
COLUMNS = ("epoch", "rate", "train_loss", "valid_loss", "valid")
REMEDY = "make room"


@dataclass
class Place:
    """Where a training is.

    Attributes:
        epoch, step: what comes next, from 0.
        loss: sum of the losses of this epoch so far; read where the network is, see `Course`.
        history: columns, a row for each epoch that has ended.
        best: number of the best epoch so far, from 0; None before the first has ended.
        seconds: spent on it.
        accumulate: parts in which a batch is computed.
    """

    epoch: int = 0
    step: int = 0
    loss: float = 0.0
    history: dict[str, list[Any]] = field(default_factory=lambda: {name: [] for name in COLUMNS})
    best: int | None = None
    seconds: float = 0.0
    accumulate: int = 1


@dataclass
class Course:
    """A training that goes on.

    Attributes:
        module, optimizer: what is trained, and how.
        place: where it is.
        weights: of the best epoch so far, in the processor's memory; None before the first has ended.
    """

    module: nn.Module
    optimizer: torch.optim.SGD
    place: Place
    weights: dict[str, Tensor] | None = None

    def keep(self, path: Path, facts: Mapping[str, Any]) -> None:
        """Write all of it, with what it is the training of.

        Raises:
            NassearchError: it cannot be written; what was there is left as it was.
        """
        tensors = {f"module.{name}": tensor for name, tensor in _tensors(self.module).items()}
        for name, parameter in self.module.named_parameters():
            momentum = self.optimizer.state.get(parameter, {}).get("momentum_buffer")
            if momentum is not None:
                tensors[f"momentum.{name}"] = momentum
        tensors |= {f"best.{name}": tensor for name, tensor in (self.weights or {}).items()}
        tensors = {name: _plain(tensor) for name, tensor in tensors.items()}
        tensors["random.cpu"] = torch.get_rng_state()
        if _device(self.module).type == "cuda":
            tensors["random.cuda"] = torch.cuda.get_rng_state(_device(self.module))
        notes = {"facts": facts, "place": asdict(self.place), "random": _generators()}
        write_whole(path, _saved(tensors, {"training": json.dumps(notes)}), REMEDY)

    def go_on(self, path: Path, facts: Mapping[str, Any]) -> bool:
        """Take up what `keep` wrote; say False, and change nothing, where there is none of this training."""
        before = _generators(), torch.get_rng_state()
        with suppress(OSError, NassearchError, SafetensorError, ValueError, KeyError, TypeError):
            content = read_bytes(path, WEIGHTS)
            notes = _notes(content)
            if notes["facts"] != json.loads(json.dumps(facts)):
                return False
            tensors = load(content)
            place = Place(**notes["place"])
            own = _tensors(self.module)
            kept = {name: tensors[f"module.{name}"] for name in own}
            if any(
                kept[name].shape != own[name].shape or kept[name].dtype != own[name].dtype for name in own
            ):
                return False
            best = _part(tensors, "best.")
            if (place.best is None) != (not best):
                return False
            _set_generators(notes["random"])
            torch.set_rng_state(tensors["random.cpu"])
            if "random.cuda" in tensors:
                torch.cuda.set_rng_state(tensors["random.cuda"], _device(self.module))
            self._take(place, kept, _part(tensors, "momentum."), best or None)
            return True
        _set_generators(before[0])
        torch.set_rng_state(before[1])
        return False

    @torch.no_grad()
    def _take(
        self,
        place: Place,
        kept: Mapping[str, Tensor],
        momenta: Mapping[str, Tensor],
        best: dict[str, Tensor] | None,
    ) -> None:
        for name, tensor in _tensors(self.module).items():
            tensor.copy_(kept[name])
        for name, parameter in self.module.named_parameters():
            if name in momenta:
                self.optimizer.state[parameter]["momentum_buffer"] = torch.empty_like(parameter).copy_(
                    momenta[name]
                )
        self.place, self.weights = place, best


def weights_of(module: nn.Module) -> dict[str, Tensor]:
    """Return a copy of a module's weights and statistics, by the names of `state_dict`, in the processor's memory."""
    return {
        name: _plain(tensor).clone()
        for name, tensor in module.state_dict().items()
        if isinstance(tensor, Tensor)
    }


def weights_bytes(weights: Mapping[str, Tensor]) -> bytes:
    """Return what a file of weights holds: equal weights give equal bytes.

    Raises:
        NassearchError: a tensor is of a kind that such files do not have, complex numbers for one.
    """
    return _saved(dict(weights), {"format": "pt"})


def _saved(tensors: dict[str, Tensor], notes: dict[str, str]) -> bytes:
    try:
        return bytes(save(tensors, notes))
    except (SafetensorError, KeyError, ValueError, RuntimeError) as error:
        raise NassearchError(f"the network has a tensor that safetensors cannot hold: {error}") from error


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read a file of weights.

    Raises:
        NassearchError: there is none, or it is damaged.
    """
    content = read_bytes(path, WEIGHTS)
    return dict(load(content))


def _notes(content: bytes) -> Any:
    """Return what stands beside the tensors in a file of safetensors: its header is JSON behind 8 bytes of length."""
    length = int.from_bytes(content[:8], "little")
    if length > len(content):
        raise ValueError("no header")
    return read_json(read_json(content[8 : 8 + length])["__metadata__"]["training"])


def _generators() -> list[Any]:
    """Return the states of the global generators of Python and numpy, from which modules of others may draw."""
    version, numbers, normal = random.getstate()
    kind, keys, *rest = np.random.get_state()
    return [[version, list(numbers), normal], [kind, np.asarray(keys).tolist(), *rest]]


def _set_generators(states: list[Any]) -> None:
    (version, numbers, normal), (kind, keys, *rest) = states
    random.setstate((version, tuple(numbers), normal))
    np.random.set_state((kind, np.array(keys, np.uint32), *rest))


def _tensors(module: nn.Module) -> dict[str, Tensor]:
    """Return parameters and buffers by name; buffers that a module does not put into its files are among them."""
    return {**dict(module.named_parameters()), **dict(module.named_buffers())}


def _plain(tensor: Tensor) -> Tensor:
    return tensor.detach().cpu().contiguous()


def _part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _device(module: nn.Module) -> torch.device:
    return next((parameter.device for parameter in module.parameters()), torch.device("cpu"))
