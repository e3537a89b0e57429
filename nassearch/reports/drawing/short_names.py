"""Names of searches made short without losing what tells them apart."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from nassearch.reports.drawing.looks import LONGEST_NAME

SHORTEST = 12
"""Characters under which a line of a name is not wrapped."""


def shorten(names: Sequence[str], room: int) -> tuple[list[str], str]:
    """Return the names as they fit, and what is left out of all of them.

    Where one has more than `room` characters, the parts between commas that all have in common are left out of each.
    What is still longer loses what it begins and ends with as every other does, in whole words. Of a name that no
    picture has room for, the middle is left out, but for the place where it parts from the name most like it.

    >>> shorten(["ae, warm-up 3000 by epsilon, pool=9", "ae, pool=9, move epsilon"], 30)
    (['warm-up 3000 by epsilon', 'move epsilon'], 'ae, pool=9')
    >>> shorten(["rand", "ae"], 30)
    (['rand', 'ae'], '')
    """
    if max(map(len, names)) <= room:
        return list(names), ""
    if len(names) == 1:
        return _cut(names), ""
    parts = [_parts(name) for name in names]
    common = [part for part in parts[0] if all(part in other for other in parts)]
    rest = [", ".join(part for part in each if part not in common) for each in parts]
    if not all(rest) or len(set(rest)) < len(set(names)):
        common, rest = [], list(names)
    if max(map(len, rest)) > room:
        rest = _without_ends(rest)
    return _cut(rest), ", ".join(common)


def wrap(name: str, room: int) -> str:
    """Return a name in lines of at most so many characters, split between words where there are any.

    >>> wrap("warm-up 3000 by epsilon, move epsilon", 24)
    'warm-up 3000 by epsilon,\\nmove epsilon'
    """
    lines = [
        textwrap.wrap(line, max(room, SHORTEST), break_on_hyphens=False) or [""] for line in name.split("\n")
    ]
    return "\n".join(part for wrapped in lines for part in wrapped)


def _parts(name: str) -> list[str]:
    """Split at the commas outside brackets.

    >>> _parts("ae, move rank(epsilon, synflow)")
    ['ae', 'move rank(epsilon, synflow)']
    """
    found, depth = [""], 0
    for character in name:
        depth += (character in "([") - (character in ")]")
        if character == "," and depth == 0:
            found.append("")
        else:
            found[-1] += character
    return [part.strip() for part in found]


def _without_ends(names: Sequence[str]) -> list[str]:
    """Leave out the words that all begin with and all end with, but for the last and the first of them."""
    words = [name.split(" ") for name in names]
    shortest = min(map(len, words))
    first = next((i for i in range(shortest) if len({each[i] for each in words}) > 1), shortest)
    last = next((i for i in range(shortest - first) if len({each[-1 - i] for each in words}) > 1), 0)
    short = [
        ("… " if first else "") + " ".join(each[first : len(each) - last]) + (" …" if last else "")
        for each in words
    ]
    return short if len(set(short)) == len(set(names)) and all(s.strip("… ") for s in short) else list(names)


def _common(name: str, other: str) -> int:
    """Return how many characters two names have in common from their beginning."""
    return next(
        (i for i, (a, b) in enumerate(zip(name, other, strict=False)) if a != b), min(len(name), len(other))
    )


def _cut(names: Sequence[str]) -> list[str]:
    """Leave out the middle of the longest names, and number them where that makes them equal."""
    found = []
    for number, name in enumerate(names):
        others = [*names[:number], *names[number + 1 :]]
        parting = max((_common(name, other) for other in others), default=0)
        half, third = LONGEST_NAME // 2 - 1, LONGEST_NAME // 3 - 1
        if len(name) <= LONGEST_NAME:
            found.append(name)
        elif half <= parting < len(name) - half:
            start = parting - third // 3
            found.append(f"{name[:third]}…{name[start : start + third]}…{name[-third:]}")
        else:
            found.append(f"{name[:half]}…{name[-half:]}")
    if len(set(found)) < len(set(names)):
        return [f"{number}: {name[: LONGEST_NAME - 5]}" for number, name in enumerate(found, start=1)]
    return found
