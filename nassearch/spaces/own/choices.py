"""The choices of a user's space: a dictionary, read into a tree of decisions.

    choices = {
        "depth": [1, 2, 3],
        "width": range(16, 129, 16),
        "block": {"basic": {}, "bottleneck": {"expansion": [2, 4]}},
    }

A choice has a list of options. Where an option brings choices of its own, the options are the keys of a dictionary, and
the value of each is the dictionary of the choices that exist with it alone.
"""

from __future__ import annotations

import keyword
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import prod
from typing import Any

import numpy as np

from nassearch.errors import InvalidSetting, quoted
from nassearch.spaces.own.values import text_of
from nassearch.types import plain

GIVEN = ("classes", "input_shape")
"""What build gets besides choices, where its signature has it."""
MOST_OPTIONS = 1_000_000
DEEPEST = 50
EXAMPLE = 'such as {"depth": [1, 2, 3], "block": {"basic": {}, "bottleneck": {"expansion": [2, 4]}}}'


@dataclass(frozen=True, eq=False)
class Choice:
    """One choice.

    Attributes:
        name: by which build gets it.
        place: of its decision in an architecture.
        values: its options.
        texts: how they are written.
        below: by option the choices that it brings.
        starts: by option how many ways there are before it, of making the choice and what it brings; all at the end.
        always: whether it is there in every architecture.
    """

    name: str
    place: int
    values: tuple[Any, ...]
    texts: tuple[str, ...]
    below: tuple[tuple[Choice, ...], ...]
    starts: Sequence[int]
    always: bool

    @property
    def ways(self) -> int:
        """Return in how many ways it and what it brings can be made."""
        return self.starts[-1]


Choices = tuple[Choice, ...]


def read_choices(given: Any) -> Choices:
    """Read a dictionary of choices.

    Raises:
        InvalidSetting: it is none, or one of the choices has a name or options that mean nothing.
    """
    if not isinstance(given, Mapping) or not given:
        raise InvalidSetting(f"choices are a dictionary of options by name, {EXAMPLE}, not {quoted(given)}")
    places = iter(range(10**9))
    return tuple(_read(name, options, places, (), True) for name, options in _named(given, ()))


def _named(given: Mapping[Any, Any], above: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    for name, options in given.items():
        if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name):
            raise InvalidSetting(
                f"a choice is called by a name that build can have as a parameter, such as 'depth', not {quoted(name)}"
            )
        if name in GIVEN:
            raise InvalidSetting(f"{name} is what build is told of the data: give the choice another name")
        if name in above:
            raise InvalidSetting(
                f"the choice {name} stands within itself, so that build would get two: give the inner one another name"
            )
        yield name, options


def _read(name: str, given: Any, places: Iterator[int], above: tuple[str, ...], always: bool) -> Choice:
    place = next(places)
    if len(above) > DEEPEST:
        raise InvalidSetting(f"choices stand in each other {DEEPEST} deep at most; {name} stands deeper")
    options = _options(name, given)
    texts = tuple(text_of(plain(value)) for value in options)
    seen: set[str] = set()
    for text in texts:
        if text in seen:
            raise InvalidSetting(f"two options of {name} are written {text}: an option is there once")
        seen.add(text)
    below: list[Choices] = []
    for value, text in zip(options, texts, strict=True):
        brought = given[value] if isinstance(given, Mapping) else {}
        if brought is not None and not isinstance(brought, Mapping):
            raise InvalidSetting(
                f"option {text} of {name} brings {quoted(brought)}, and what an option brings is a dictionary of "
                f"choices, {{}} for none: {EXAMPLE}"
            )
        path = (*above, name)
        below.append(tuple(_read(n, some, places, path, False) for n, some in _named(brought or {}, path)))
    starts: Sequence[int] = range(len(texts) + 1)
    if any(below):
        starts = (0, *accumulate(prod(choice.ways for choice in some) for some in below))
    return Choice(name, place, tuple(map(plain, options)), texts, tuple(below), starts, always)


def _options(name: str, given: Any) -> Sequence[Any]:
    if isinstance(given, Mapping):
        options: Any = list(given)
    elif isinstance(given, np.ndarray) and given.ndim == 1:
        options = given.tolist()
    elif isinstance(given, list | tuple | range):
        options = given
    else:
        hint = f": for one option, [{quoted(given)}]" if isinstance(given, str | int | float | None) else ""
        raise InvalidSetting(f"options of {name} are a list, {EXAMPLE}, not {quoted(given)}{hint}")
    if not 1 <= len(options) <= MOST_OPTIONS:
        raise InvalidSetting(f"{name} has {len(options)} options, and a choice has from 1 to {MOST_OPTIONS}")
    return options  # type: ignore[no-any-return]


def every(choices: Iterable[Choice]) -> Iterator[Choice]:
    """Yield every choice of a tree, in the order of their places."""
    for choice in choices:
        yield choice
        for some in choice.below:
            yield from every(some)


def always_there(choices: Choices) -> set[str]:
    """Return the names of what is there in every architecture: also what every option of a choice brings."""
    found = {choice.name for choice in choices}
    return found.union(*(set.intersection(*map(always_there, choice.below)) for choice in choices))


def check_exclusive(choices: Choices) -> None:
    """Raise `InvalidSetting` where two choices of one name can be there at once."""

    def names(group: Choices) -> set[str]:
        found: set[str] = set()
        for choice in group:
            inner = set().union(*map(names, choice.below)) | {choice.name}
            if both := found & inner:
                raise InvalidSetting(
                    f"two choices called {min(both)} can be there at once, and build would get one: give one of them "
                    "another name"
                )
            found |= inner
        return found

    names(choices)
