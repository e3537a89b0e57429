"""One line of a ledger: a training, and what became of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from nassearch.errors import UnknownName
from nassearch.types import Arch, is_number

STATUSES = ("trained", "diverged", "out of memory", "failed", "died")
TRAINED = "trained"


@dataclass(frozen=True)
class Entry:
    """A training, and what became of it.

    Attributes:
        arch, text: the architecture, and how it is written.
        seed: of the training.
        recipe: it was trained by, nothing in it left open.
        share: what it costs of a whole training.
        status: `"trained"`, `"diverged"`, `"out of memory"` and `"failed"` as in `nassearch.training.Trained`;
            `"died"` where the process that trained it did.
        valid: validation accuracy of its best epoch, in percent; None where none has ended.
        seconds: that the training took.
        history: columns `epoch`, `rate`, `train_loss`, `valid_loss`, `valid`.
        params, flops: numbers in all parameters, and multiply-accumulates of one example; None where nobody counted.
        latency, memory: milliseconds and bytes; None where nobody measured.
        scores: by scorer.
        batch_size, accumulate: examples in a step, and parts in which it was computed.
        weights: file of those of the best epoch, from the folder of the ledger; None where there is none.
        note: what there is to say of it.
        device, threads: what it was trained on, and by how many threads.
    """

    arch: Arch
    text: str
    seed: int
    recipe: Mapping[str, Any]
    share: float = 1.0
    status: str = TRAINED
    valid: float | None = None
    seconds: float = 0.0
    history: Mapping[str, list[Any]] = field(default_factory=dict)
    params: int | None = None
    flops: int | None = None
    latency: float | None = None
    memory: int | None = None
    scores: Mapping[str, float | None] = field(default_factory=dict)
    batch_size: int | None = None
    accumulate: int = 1
    weights: str | None = None
    note: str | None = None
    device: str | None = None
    threads: int = 1

    def __post_init__(self) -> None:
        if self.status not in STATUSES:
            raise UnknownName("status of a training", self.status, STATUSES)

    @property
    def key(self) -> str:
        """Return what tells this training from others of its ledger, 16 hex digits."""
        return key_of(self.arch, self.seed, self.recipe)

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {**asdict(self), "arch": list(self.arch)}

    @classmethod
    def of(cls, found: Any) -> Entry:
        """Return the entry of a line that was read.

        Raises:
            ValueError: it is none.
        """
        names = {each.name for each in fields(cls)}
        if not isinstance(found, dict) or not {"arch", "text", "seed", "recipe"} <= found.keys():
            raise ValueError("a training has arch, text, seed and recipe")
        arch, valid, seconds = found["arch"], found.get("valid"), found.get("seconds", 0.0)
        if not isinstance(arch, list) or not all(type(option) is int for option in arch):
            raise ValueError("arch is no list of whole numbers")
        if not isinstance(found["recipe"], dict) or type(found["seed"]) is not int:
            raise ValueError("recipe is no object, or seed no whole number")
        if not (valid is None or is_number(valid)) or not is_number(seconds):
            raise ValueError("valid or seconds is no number")
        if found.get("status", TRAINED) not in STATUSES:
            raise ValueError(f"status is none of {', '.join(STATUSES)}")
        known = {name: value for name, value in found.items() if name in names}
        return cls(**{**known, "arch": tuple(arch)})


def key_of(arch: Arch, seed: int, recipe: Mapping[str, Any]) -> str:
    """Return what tells a training from others on the same data and in the same space, 16 hex digits."""
    facts = json.dumps([list(arch), seed, dict(recipe)], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(facts.encode()).hexdigest()[:16]
