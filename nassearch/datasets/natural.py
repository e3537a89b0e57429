"""Whether images mean the same when they are mirrored or shifted a little."""

from __future__ import annotations

from collections.abc import Sequence

COLOURED, GREY = 24, 64
"""Pixels of the shorter side from which images are taken for photographs."""


def is_natural(kind: str, shape: tuple[int, ...], names: Sequence[str]) -> tuple[bool, list[str]]:
    """Return the answer, and a sentence where images are small or of letters.

    Photographs do; a mirrored letter or digit is another one or none. Nobody can see that in an array, so it is
    guessed: images whose classes are called by single letters and digits are of these, and other images are natural
    from `COLOURED` pixels on a side in colours, from `GREY` in grey.

    Args:
        kind, shape: of the examples.
        names: of the classes, where they have any; a number of a class is no name.
    """
    if kind != "image":
        return False, []
    signs = bool(names) and all(len(name) == 1 and name.isalnum() for name in names)
    natural = not signs and min(shape[1:]) >= (COLOURED if shape[0] >= 3 else GREY)
    if natural:
        return True, [
            "Taken for photographs, which training shifts and mirrors; say flip=false for letters and digits."
        ]
    return False, [
        "Taken for letters or signs, which training neither shifts nor mirrors; say flip=true where that is right."
    ]
