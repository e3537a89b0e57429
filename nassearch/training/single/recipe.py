"""A recipe says how one network is trained; everything in it has a name and can be set."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from nassearch.checks import LARGEST, number, positive, share, whole
from nassearch.datasets import OwnDataset
from nassearch.errors import InvalidSetting, UnknownName, quoted
from nassearch.types import is_number, plain

PRECISIONS = ("auto", "float32", "bfloat16")
PADDED = 8
"""An image is shifted by up to an eighth of its size: 4 of 32 pixels, which is what CIFAR's recipes do."""

BATCHES, STEPS = (64, 32, 16), 10


@dataclass(frozen=True)
class Recipe:
    """Stochastic gradient descent with Nesterov momentum, a warm-up and a cosine.

        Recipe(epochs=20, learning_rate=0.05)
        Recipe.of({"epochs": "20", "flip": "false"})   # as the command line has it

    The hyperparameters are those of NAS-Bench-201 (Dong and Yang, 2020) and of table 8 of "Zero-cost proxies for
    lightweight NAS" (2021), at a smaller batch and fewer epochs, and with a warm-up; unlike there the decay spares
    biases and the gains of normalisation.

    Attributes:
        epochs: passes over the training set.
        batch_size: examples in a step; `"auto"` for 64, or for 32 or 16 where an epoch would have fewer than ten steps.
            What is left over at the end of an epoch is dropped, and the order is another one in each epoch.
        learning_rate: highest rate.
        momentum, nesterov: of the descent.
        weight_decay: of parameters with two axes or more, so not of biases, nor of gains and shifts of normalisation.
        warmup: share of all steps in which the rate rises from 0 in a straight line.
        anneal: epochs at whose end the cosine would be at 0; None for `epochs`. More than those stop before.
        label_smoothing: share of a label that is spread over all classes.
        crop: pixels by which an image is shifted at random, at most, with zeros coming in; `"auto"` for an eighth of
            its size where images are natural, and 0 elsewhere; False for 0, True for an eighth.
        flip: whether every second image is mirrored, at random; `"auto"` where images are natural.
        size: pixels to which images, or signals, are shrunk along each axis by averages; None for all they have.
        channels: width of the first stage of the network, the others in proportion; None for the widths there are.
        precision: `"auto"` for bfloat16 on a GPU that has it and float32 elsewhere, or one of these two.

    Raises:
        InvalidSetting: a value out of range.
    """

    epochs: int = 12
    batch_size: int | str = "auto"
    learning_rate: float = 0.1
    momentum: float = 0.9
    nesterov: bool = True
    weight_decay: float = 5e-4
    warmup: float = 0.05
    anneal: int | None = None
    label_smoothing: float = 0.0
    crop: int | bool | str = "auto"
    flip: bool | str = "auto"
    size: int | None = None
    channels: int | None = None
    precision: str = "auto"

    def __post_init__(self) -> None:
        for name, check in _CHECKS.items():
            object.__setattr__(self, name, check(name, plain(getattr(self, name))))
        if self.nesterov and not self.momentum:
            raise InvalidSetting(
                "nesterov needs a momentum above 0: set nesterov=false too, or another momentum"
            )
        if self.anneal is not None and self.anneal < self.epochs:
            raise InvalidSetting(
                f"anneal is a number of epochs of at least epochs, {self.epochs}, not {self.anneal}: the rate would be "
                "0 before the end"
            )

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Recipe:
        """Return the recipe with these settings, which may be texts as on a command line.

        Raises:
            UnknownName: there is no such setting; the message offers the nearest.
            InvalidSetting: a value is of another kind, or out of range.
        """
        if not isinstance(given, Mapping):
            raise InvalidSetting(
                f"a recipe is settings by name, such as {{'epochs': 20}}, not {quoted(given)}"
            )
        known = [field.name for field in fields(cls)]
        for name in given:
            if name not in known:
                raise UnknownName("setting of a recipe", name, known)
        return cls(**{name: _read(value) for name, value in given.items()})

    def as_dict(self) -> dict[str, Any]:
        """Return the settings as plain JSON values."""
        return asdict(self)

    def resolved(self, data: OwnDataset) -> Recipe:
        """Return the recipe for these data, with nothing left open but the precision.

        Raises:
            InvalidSetting: it has a setting that these data have no use for, and the message says which.
        """
        axes = len(data.shape) - 1
        image = data.kind == "image"
        shortest = min(data.shape[1:], default=0)
        size = None if set(data.shape[1:]) == {self.size} else self.size  # what they have already
        if size is not None and (not axes or size > shortest):
            raise InvalidSetting(
                f"size is the pixels to which examples are shrunk, at most {shortest} here, not {size}: leave it out, "
                "or open the data with another size"
                if axes
                else f"size shrinks images and signals, and {data.name} has vectors: leave it out"
            )
        crop, flip = self.crop, self.flip
        if crop == "auto":
            crop = image and data.natural
        if crop is True:
            crop = max(1, round((size or shortest) / PADDED))
        if flip == "auto":
            flip = image and data.natural
        if (crop or flip) and not axes:
            raise InvalidSetting(
                f"crop and flip are for images and signals, and {data.name} has vectors: set both to false"
            )
        if int(crop) >= (size or shortest or 1):
            raise InvalidSetting(f"crop is less than the size of an example, {size or shortest}, not {crop}")
        batch = _batch_for(len(data.train)) if self.batch_size == "auto" else self.batch_size
        return replace(self, batch_size=batch, crop=int(crop), flip=bool(flip), size=size)

    def rate(self, step: int, steps: int) -> float:
        """Return the learning rate of a step, the first being 0, where an epoch has so many steps."""
        rise, end = self.warmup * self.epochs * steps, (self.anneal or self.epochs) * steps
        if step < rise:
            return self.learning_rate * min(1.0, (step + 1) / rise)
        return self.learning_rate * (1 + math.cos(math.pi * (step - rise) / (end - rise))) / 2


def _batch_for(examples: int) -> int:
    """Return a batch of which an epoch has enough: with few large ones the statistics of batch norm come too late.

    Of 210 images of three shapes, 12 epochs of four cells of NAS-Bench-201 got 73 % right by 64, and 78 % by 32 or 16.
    """
    return next((size for size in BATCHES if examples >= STEPS * size), BATCHES[-1])


def _read(value: Any) -> Any:
    """Return what a text of a command line means; what is no text stays as it is."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    words = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False, "none": None}
    if text.lower() in words:
        return words[text.lower()]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _whole(name: str, value: Any) -> int:
    return whole(name, int(value) if isinstance(value, float) and value.is_integer() else value)


def _batch(name: str, value: Any) -> int | str:
    if isinstance(value, str) and value == "auto":
        return value
    return whole(name, _whole(name, value), least=2)


def _whole_or_none(name: str, value: Any) -> int | None:
    return None if value is None else _whole(name, value)


def _below_one(name: str, value: Any) -> float:
    if not is_number(value) or not 0 <= value < 1:
        raise InvalidSetting(f"{name} is a number of at least 0 and below 1, not {quoted(value)}")
    return float(value)


def _truth(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise InvalidSetting(f"{name} is true or false, not {quoted(value)}")
    return value


def _flip(name: str, value: Any) -> bool | str:
    if not isinstance(value, bool) and not (isinstance(value, str) and value == "auto"):
        raise InvalidSetting(f"{name} is true, false or auto, not {quoted(value)}")
    return value


def _crop(name: str, value: Any) -> int | bool | str:
    if isinstance(value, bool) or (isinstance(value, str) and value == "auto"):
        return value
    if not isinstance(value, int) or not 0 <= value <= LARGEST:
        raise InvalidSetting(f"{name} is a whole number of pixels, true, false or auto, not {quoted(value)}")
    return value


def _precision(name: str, value: Any) -> str:
    if not isinstance(value, str) or value not in PRECISIONS:
        raise UnknownName(f"value of {name}", value, PRECISIONS)
    return str(value)


_CHECKS: dict[str, Callable[[str, Any], Any]] = {
    "epochs": _whole,
    "batch_size": _batch,
    "learning_rate": positive,
    "momentum": _below_one,
    "nesterov": _truth,
    "weight_decay": lambda name, value: float(number(name, value)),
    "warmup": lambda name, value: float(share(name, value)),
    "anneal": _whole_or_none,
    "label_smoothing": _below_one,
    "crop": _crop,
    "flip": _flip,
    "size": _whole_or_none,
    "channels": _whole_or_none,
    "precision": _precision,
}
