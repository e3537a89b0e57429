"""What a data set of one's own is: three parts that share no example, and what was found out about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nassearch.datasets.examples import Examples
from nassearch.errors import InvalidSetting, UnknownName, quoted
from nassearch.types import Batch, Task, plain

PARTS = ("train", "valid", "test")
BLACK_TO_WHITE = np.float32(255)


@dataclass(frozen=True, eq=False)
class Split:
    """One part of a data set: examples in the order of their source, read when they are asked for.

    Attributes:
        examples: of the whole data set.
        places: int64 `[N]`, which of them are here.
        labels: int64 `[N]`, numbers of classes.
        contents: uint8 `[N, 16]`, a hash of what each example holds.
    """

    examples: Examples
    places: NDArray[np.int64]
    labels: NDArray[np.int64]
    contents: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.places)

    def __repr__(self) -> str:
        return f"Split({len(self)} examples {list(self.examples.shape)})"

    def take(self, places: Any) -> NDArray[Any]:
        """Return examples as they are stored: uint8 or float32 `[B, C, *size]`, in C order, not normalised.

        Args:
            places: whole numbers from 0 to the length of this part, in any order, some perhaps twice.

        Raises:
            InvalidSetting: a place is none of this part.
            BadData: a file has changed since the data set was opened, or is gone.
        """
        given = np.asarray(places if isinstance(places, np.ndarray) else list(places))
        if given.ndim != 1 or (given.dtype.kind not in "iu" and given.size):
            raise InvalidSetting(f"places are whole numbers in a list, not {quoted(places)}")
        wanted = given.astype(np.int64)
        if wanted.size and not 0 <= wanted.min() <= wanted.max() < len(self):
            raise InvalidSetting(
                f"places are 0 to {len(self) - 1}, as this part has {len(self)} examples, "
                f"not {wanted.min()} to {wanted.max()}"
            )
        return self.examples.take(self.places[wanted])


@dataclass(frozen=True, eq=False)
class OwnDataset:
    """A data set of one's own, as `open_dataset` finds it; equal where its digest is.

    Attributes:
        name: a short one, from the source.
        kind: `"image"`, `"signal"` or `"vector"`.
        classes: names of the classes; a label is a place in them.
        shape: of one example, `(C, *size)`; `(C,)` for a vector.
        train, valid, test: the parts; `test` may be empty.
        mean, std: float32 `[C]`, of the examples of `train`; on the scale 0 to 1 where they are uint8. A channel that
            is constant has the deviation 1.
        natural: whether images mean the same when they are mirrored, or shifted a little: photographs do.
        digest: 16 hex digits of what every example holds, its class, and which part it is in at which place.
        source: the path, or `module:function`.
        notes: sentences about what was found and done, worst first.
    """

    name: str
    kind: str
    classes: tuple[str, ...]
    shape: tuple[int, ...]
    train: Split
    valid: Split
    test: Split
    mean: NDArray[np.float32]
    std: NDArray[np.float32]
    natural: bool
    digest: str
    source: str
    notes: tuple[str, ...] = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OwnDataset) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name} {len(self.part(name))}" for name in PARTS)
        return (
            f"OwnDataset({self.name}: {self.kind} {list(self.shape)}, {len(self.classes)} classes, {sizes})"
        )

    def part(self, name: str | Split) -> Split:
        """Return a part by its name, `train`, `valid` or `test`; a part gives itself.

        Raises:
            UnknownName: there is no such part.
        """
        if isinstance(name, Split):
            return name
        if name not in PARTS:
            raise UnknownName("part of a data set", name, PARTS)
        found: Split = getattr(self, name)
        return found

    def inputs(self, split: str | Split, places: Any) -> NDArray[np.float32]:
        """Return examples as networks take them: float32 `[B, C, *size]`, normalised by `mean` and `std` of `train`.

        Raises:
            InvalidSetting, UnknownName: there is no such place, or no such part.
            BadData: a file has changed since the data set was opened, or is gone.
        """
        raw = self.part(split).take(places)
        scale = BLACK_TO_WHITE if raw.dtype == np.uint8 else np.float32(1)
        by_channel = (-1, *(1 for _ in self.shape[1:]))
        inputs = raw.astype(np.float32)
        inputs -= (self.mean * scale).reshape(by_channel)
        inputs /= (self.std * scale).reshape(by_channel)
        return inputs

    def batch(self, n: int) -> Batch:
        """Return n examples of `train`, or all where it has no more, the same every time: what proxies look at.

        The classes take turns, and within a class a hash of the content decides. So a smaller batch is the beginning
        of a larger one, and it depends neither on names of files nor on their order.

        Raises:
            InvalidSetting: n is no whole number of at least 2.
        """
        count = plain(n)
        if not isinstance(count, int) or isinstance(count, bool) or count < 2:
            raise InvalidSetting(f"a batch has a whole number of at least 2 examples, not {quoted(n)}")
        places = _in_turns(self.train.labels, self.train.contents)[:count]
        return Batch(self.inputs("train", places), self.train.labels[places])

    def task(self, **skeleton: Any) -> Task:
        """Return what networks for these data are built for; `skeleton` are the other fields of a `Task`."""
        return Task(input_shape=self.shape, classes=len(self.classes), **skeleton)

    def as_dict(self) -> dict[str, Any]:
        """Return what there is to know, as plain JSON values."""
        return {
            "source": self.source,
            "name": self.name,
            "kind": self.kind,
            "classes": list(self.classes),
            "shape": list(self.shape),
            "sizes": {name: len(self.part(name)) for name in PARTS},
            "mean": self.mean.tolist(),
            "std": self.std.tolist(),
            "natural": self.natural,
            "digest": self.digest,
            "notes": list(self.notes),
        }


def _in_turns(labels: NDArray[np.int64], contents: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return all places: the first example of each class by its content, then the second of each, and so on."""
    keys: list[NDArray[Any]] = [contents[:, column] for column in reversed(range(contents.shape[1]))]
    order = np.lexsort([*keys, labels])
    sizes = np.bincount(labels)
    turn = np.arange(len(labels)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    found: NDArray[np.int64] = order[np.lexsort([labels[order], turn])]
    return found
