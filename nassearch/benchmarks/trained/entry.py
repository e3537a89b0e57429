"""One line of a ledger: a training, and what became of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from nassearch.errors import UnknownName, quoted
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
        if not isinstance(found, dict) or not {"arch", "text", "seed", "recipe"} <= found.keys():
            raise ValueError("a training has arch, text, seed and recipe")
        known = {each.name: found[each.name] for each in fields(cls) if each.name in found}
        for name, value in known.items():
            is_one, rule = _KINDS[name]
            if not is_one(value):
                raise ValueError(f"{name} is {rule}, not {quoted(value)}")
        return cls(**{**known, "arch": tuple(known["arch"])})


def _is_whole(value: Any) -> bool:
    return type(value) is int and value >= 0


def _is_history(value: Any) -> bool:
    if not isinstance(value, dict) or not all(isinstance(column, list) for column in value.values()):
        return False
    alike = len({len(column) for column in value.values()}) <= 1
    return alike and all(is_number(each) for column in value.values() for each in column)


def _or_none(is_one: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or is_one(value)


_TEXT = lambda value: isinstance(value, str), "a text"
_COUNT = _or_none(_is_whole), "a whole number or null"
_NUMBER = _or_none(is_number), "a number or null"
_WORD = _or_none(_TEXT[0]), "a text or null"
_KINDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "arch": (
        lambda value: isinstance(value, list) and all(type(option) is int for option in value),
        "a list of whole numbers",
    ),
    "text": _TEXT,
    "seed": (_is_whole, "a whole number"),
    "recipe": (lambda value: isinstance(value, dict), "an object"),
    "share": (lambda value: is_number(value) and value > 0, "a number above 0"),
    "status": (lambda value: value in STATUSES, f"one of {', '.join(STATUSES)}"),
    "valid": _NUMBER,
    "seconds": (is_number, "a number"),
    "history": (_is_history, "columns of numbers of one length, by name"),
    "params": _COUNT,
    "flops": _COUNT,
    "latency": _NUMBER,
    "memory": _COUNT,
    "scores": (
        lambda value: isinstance(value, dict) and all(map(_NUMBER[0], value.values())),
        "numbers or null by name",
    ),
    "batch_size": _COUNT,
    "accumulate": (_is_whole, "a whole number"),
    "weights": _WORD,
    "note": _WORD,
    "device": _WORD,
    "threads": (_is_whole, "a whole number"),
}


def key_of(arch: Arch, seed: int, recipe: Mapping[str, Any]) -> str:
    """Return what tells a training from others on the same data and in the same space, 16 hex digits."""
    facts = json.dumps([list(arch), seed, dict(recipe)], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(facts.encode()).hexdigest()[:16]
