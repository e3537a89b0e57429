"""Architectures of a tree of choices: which there are, how many, and what is one edit away, without listing them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from math import prod

import numpy as np

from nassearch.spaces.own.choices import Choice, Choices
from nassearch.types import Arch

FEW = 64
"""Ways in which what an option brings can be made, up to which taking the option leads to every one of them."""
STEPS = 32
"""Options of a choice, up to which every other one is an edit."""
WORD = 2**63 - 1
"""What numpy draws from at once."""


def ways(choices: Choices) -> int:
    """Return how many architectures there are."""
    return prod(choice.ways for choice in choices)


def unrank(choices: Choices, number: int, into: list[int]) -> None:
    """Set the decisions of the architecture with this number, the last choice fastest."""
    for choice in reversed(choices):
        number, rest = divmod(number, choice.ways)
        option = bisect_right(choice.starts, rest) - 1
        into[choice.place] = option
        unrank(choice.below[option], rest - choice.starts[option], into)


def rank(choices: Choices, arch: Arch) -> int:
    """Return the number of an architecture."""
    number = 0
    for choice in choices:
        option = arch[choice.place]
        number = number * choice.ways + choice.starts[option] + rank(choice.below[option], arch)
    return number


def active(choices: Choices, arch: Sequence[int]) -> Iterator[Choice]:
    """Yield the choices that are there in an architecture, each before those it brings."""
    for choice in choices:
        yield choice
        yield from active(choice.below[arch[choice.place]], arch)


def draws(size: int, n: int, rng: np.random.Generator) -> list[int]:
    """Draw n numbers below `size`, however large, each equally often."""
    if size <= WORD:
        return rng.integers(size, size=n).tolist()  # type: ignore[no-any-return]
    bits = (size - 1).bit_length()
    found: list[int] = []
    while len(found) < n:
        number = int.from_bytes(rng.bytes(-(-bits // 8)), "little") & ((1 << bits) - 1)
        if number < size:
            found.append(number)
    return found


def others(choice: Choice, option: int) -> list[int]:
    """Return the options that are one edit from one: all, or where there are many those 1, 2, 4, ... places away."""
    count = len(choice.values)
    if count <= STEPS:
        return [other for other in range(count) if other != option]
    far = [1 << power for power in range(count.bit_length()) if 1 << power < count]
    return [place for step in reversed(far) if (place := option - step) >= 0] + [
        place for step in far if (place := option + step) < count
    ]


def neighbours(choices: Choices, arch: Arch) -> Iterator[Arch]:
    """Yield what is one edit away, each once.

    An edit takes another option of one choice. What that option brings is then made in every way where these are
    `FEW`; where they are more, each choice that was there before under the same name stays as it was, if it can, and
    the others take their first option.
    """
    for choice in active(choices, arch):
        for option in others(choice, arch[choice.place]):
            near = [*arch]
            for old in active(choice.below[arch[choice.place]], arch):
                near[old.place] = 0
            near[choice.place] = option
            new, count = choice.below[option], choice.starts[option + 1] - choice.starts[option]
            if count <= FEW:
                for number in range(count):
                    unrank(new, number, near)
                    yield tuple(near)
                    for placed in [*active(new, near)]:
                        near[placed.place] = 0
            else:
                held = {c.name: c.texts[arch[c.place]] for c in active(choices, arch)}
                _keep(new, held, near)
                yield tuple(near)


def _keep(choices: Choices, held: dict[str, str], into: list[int]) -> None:
    for choice in choices:
        text = held.get(choice.name)
        into[choice.place] = choice.texts.index(text) if text in choice.texts else 0
        _keep(choice.below[into[choice.place]], held, into)
