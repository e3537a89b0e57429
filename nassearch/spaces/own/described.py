"""What predictors see of an architecture of a user's space: a graph of its choices, and numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from nassearch.spaces.base import CellGraph
from nassearch.spaces.own.choices import Choice, Choices, every
from nassearch.spaces.own.tree import active
from nassearch.types import Arch

FEW, BASE = 16, 8
"""Up to so many options each has a label; more are written as digits of this base."""
MOST = 40
"""Labels in all up to which each choice has its own; with more, choices share them and stand in a chain."""
LARGEST = 1e300
"""What a float holds with room to spare; numbers beyond are options like texts."""
ENDS = ("input", "output")


class _Labels(NamedTuple):
    """How the options of a choice are labelled: base and number of digits, and the first label."""

    base: int
    digits: int
    start: int


class Description:
    """Reads architectures of a tree of choices.

    Every choice that is there is a vertex labelled by its option, or a vertex for each digit of its option where there
    are many. Where labels are few, a vertex lies between the choice that brings it, or the input, and the output;
    where they are many, all vertices stand in a row. Choices that are not there leave no trace.
    """

    def __init__(self, choices: Choices) -> None:
        self._choices = choices
        sizes = {choice.place: _size(len(choice.values)) for choice in every(choices)}
        own = sum(base * digits for base, digits in sizes.values())
        self._own = own <= MOST
        self._labels: dict[int, _Labels] = {}
        names: list[str] = []
        for choice in every(choices):
            base, digits = sizes[choice.place]
            self._labels[choice.place] = _Labels(base, digits, len(names) if self._own else 0)
            if self._own:
                names += _names(choice, base, digits)
        if not self._own:
            names = [f"digit {digit}" for digit in range(max(base for base, _ in sizes.values()))]
        self.names = (*names, *ENDS)
        self._numbers = {choice.place for choice in every(choices) if _is_number(choice)}
        self._columns = {name: place for place, name in enumerate(_columns(choices))}

    def graph(self, arch: Arch) -> CellGraph:
        """Return the choices that are there as a graph."""
        ops = [len(self.names) - 2]
        edges: list[tuple[int, int]] = []
        leaves = self._lay(self._choices, arch, [0], ops, edges)
        edges += [(leaf, len(ops)) for leaf in leaves]
        ops.append(len(self.names) - 1)
        adjacency = np.zeros((len(ops), len(ops)), dtype=bool)
        if self._own:
            adjacency[tuple(np.array(edges).T)] = True
        else:
            adjacency |= np.eye(len(ops), k=1, dtype=bool)
        return CellGraph(adjacency, np.array(ops), self.names)

    def _lay(
        self,
        choices: Choices,
        arch: Arch,
        feeding: Sequence[int],
        ops: list[int],
        edges: list[tuple[int, int]],
    ) -> list[int]:
        """Write the vertices of choices and of what they bring; return those that nothing reads yet."""
        leaves: list[int] = []
        for choice in choices:
            here, option = [], arch[choice.place]
            base, digits, start = self._labels[choice.place]
            for digit in range(digits):
                label = option // base**digit % base
                here.append(len(ops))
                ops.append(start + (digit * base if self._own else 0) + label)
            edges += [(source, target) for source in feeding for target in here]
            below = choice.below[option]
            leaves += self._lay(below, arch, here, ops, edges) if below else here
        return leaves

    def features(self, arch: Arch) -> dict[str, float]:
        """Return numbers as such, other options one by one where they are few, and which choices are there."""
        found = dict.fromkeys(self._columns, 0.0)
        for choice in active(self._choices, arch):
            option = arch[choice.place]
            if not choice.always:
                found[_there_name(choice)] = 1.0
            if choice.place in self._numbers:
                found[_name(choice)] = float(choice.values[option])
            elif (name := f"{_name(choice)}={choice.texts[option]}") in found:
                found[name] = 1.0
        return found


def _size(count: int) -> tuple[int, int]:
    """Return base and digits that tell so many options apart."""
    if count <= FEW:
        return count, 1
    digits = 1
    while BASE**digits < count:
        digits += 1
    return BASE, digits


def _names(choice: Choice, base: int, digits: int) -> list[str]:
    name = f"{choice.place} {choice.name}"  # two branches may have choices of one name
    if digits == 1:
        return [f"{name}={text}" for text in choice.texts]
    return [f"{name} digit {digit}={value}" for digit in range(digits) for value in range(base)]


def _name(choice: Choice) -> str:
    return choice.name if choice.always else f"{choice.place} {choice.name}"


def _there_name(choice: Choice) -> str:
    return f"{_name(choice)} is there"


def _is_number(choice: Choice) -> bool:
    return all(
        isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST
        for value in choice.values
    )


def _columns(choices: Choices) -> Iterator[str]:
    for choice in every(choices):
        if not choice.always:
            yield _there_name(choice)
        if _is_number(choice):
            yield _name(choice)
        elif len(choice.texts) <= FEW:
            yield from (f"{_name(choice)}={text}" for text in choice.texts)
