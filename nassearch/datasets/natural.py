"""Whether images mean the same when they are mirrored or shifted a little."""

from __future__ import annotations

COLOURED, GREY = 24, 64
"""Pixels of the shorter side from which images are taken for photographs."""


def is_natural(kind: str, shape: tuple[int, ...], classes: tuple[str, ...]) -> tuple[bool, list[str]]:
    """Return the answer, and a sentence where images are small or of letters.

    Photographs do; a mirrored letter or digit is another one or none. Nobody can see that in an array, so it is
    guessed: images whose classes are called by single letters are of letters, and other images are natural from
    `COLOURED` pixels on a side in colours, from `GREY` in grey.
    """
    if kind != "image":
        return False, []
    letters = all(len(name) == 1 and name.isalpha() for name in classes)
    natural = not letters and min(shape[1:]) >= (COLOURED if shape[0] >= 3 else GREY)
    if natural:
        return True, [
            "Taken for photographs, which training shifts and mirrors; say flip=false for letters and digits."
        ]
    return False, [
        "Taken for letters or signs, which training neither shifts nor mirrors; say flip=true where that is right."
    ]
