"""How far a search that is asked and told has come, as its file says: for whoever looks, in whatever process."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nassearch.search.asking.book import PENDING, Book, Key, Values
from nassearch.search.asking.calendar import age
from nassearch.search.asking.result import book_of, signs_of
from nassearch.search.asking.steps import FILE, Asked, read_asked
from nassearch.search.asking.wanted import Wanted
from nassearch.search.guidance import label
from nassearch.search.quantity import Quantity, plain_quantity
from nassearch.spaces.base import SearchSpace


@dataclass(frozen=True)
class Overview:
    """What was told, what is pending, what is best.

    Attributes:
        asked: what the file holds.
        book: what its steps have come to.
        space: whose architectures.
    """

    asked: Asked
    book: Book
    space: SearchSpace

    @classmethod
    def of(cls, path: Path) -> Overview:
        """Read the folder of a search.

        Raises:
            MissingData: there is none.
            BadData: it is damaged.
            NassearchError: its space cannot be opened here.
        """
        asked = read_asked(path / FILE)
        return cls(asked, book_of(asked), Wanted.of(asked.made).oracle().space)

    @property
    def names(self) -> list[str]:
        """Return what the objectives are called, in their order."""
        several = self.asked.header.experiment.get("objectives") or ()
        return [each["name"] for each in several] or [self.quantity.name]

    @property
    def quantity(self) -> Quantity:
        """Return what is trained for."""
        return plain_quantity(self.asked.header)

    @property
    def best(self) -> tuple[Key, Values] | None:
        """Return the whole training that was told the best value of what is trained for, the first of equals."""
        several = self.asked.header.experiment.get("objectives") or [{"trained": True}]
        place = next(number for number, each in enumerate(several) if each["trained"])
        sign, best = signs_of(self.asked.header)[place], None
        for key, step in self.book.known.items():
            value = step.values[place]
            if value is None or key[1] is not None:
                continue
            if best is None or sign * value > best[0]:
                best = sign * value, (key, step.values)
        return None if best is None else best[1]

    @property
    def over(self) -> bool:
        """Say whether the budget is used up, and nothing is pending."""
        spent = self.book.spent
        return self.book.budget is not None and spent >= self.book.budget and not self.book.pending

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        best = self.best
        named = {"id": "number", "worker": "worker"}
        pending = [
            {**{name: getattr(each, at) for name, at in named.items()}, "text": self.space.format(each.key[0]),
             "epochs": each.key[1], "seconds": age(each.time)}
            for each in self.book.pending
        ]  # fmt: skip
        return {
            "search": label(self.asked.header.experiment),
            "made": dict(self.asked.made),
            "told": len(self.book.known),
            "failed": sum(step.values[0] is None for step in self.book.known.values()),
            "models": self.book.spent,
            "budget": self.book.budget,
            "over": self.over,
            "pending": pending,
            "best": None if best is None else {
                "id": next((ask.number for ask in self.book.asks if ask.key == best[0] and ask.state != PENDING), None),
                "text": self.space.format(best[0][0]),
                "values": dict(zip(self.names, best[1], strict=True)),
            },
        }  # fmt: skip

    def headline(self) -> str:
        """Return it in one line."""
        told, best, pending = len(self.book.known), self.best, len(self.book.pending)
        of = "" if self.book.budget is None else f" of {self.book.budget}"
        parts = [f"{self.book.spent:g}{of} models asked for", f"{told} told", f"{pending} pending"]
        if best is not None:
            values = ", ".join(f"{name} {value:.6g}" for name, value in zip(self.names, best[1], strict=True))
            parts.append(f"best {values} ({self.quantity.unit}): {self.space.format(best[0][0])}")
        return "; ".join(parts)
