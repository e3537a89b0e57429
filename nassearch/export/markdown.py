"""Markdown in which text from outside is text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from nassearch.files.inert import inert

ACTING = re.compile(r"([\\`*_{}\[\]<>|~&@#!$]|(?<=www)\.|:(?=//)|(?<=mailto):|(?<=xmpp):)", re.I)
"""What may begin a mark, a link, a mention, HTML or an entity; all may have a backslash before them."""


def said(text: object) -> str:
    r"""Return a text from outside as one line of Markdown that reads as the text and does nothing else.

    >>> print(said("<b>cat</b> `x` | https://a.b"))
    \<b\>cat\</b\> \`x\` \| https\://a.b
    """
    return ACTING.sub(r"\\\1", inert(text).strip())


def item(text: object) -> str:
    """Return a text from outside as an item of a list, which begins no list or heading within."""
    return "- " + re.sub(r"^(\d*)([-+=.)])", r"\1\\\2", said(text))


def fenced(text: object) -> list[str]:
    """Return a text from outside as lines of a block of code."""
    line = inert(text)
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", line)), default=0))
    return [f"{fence}text", line, fence]


def rows(head: Sequence[str], lines: Iterable[Sequence[str]]) -> list[str]:
    """Return a table; its cells are Markdown already."""
    marks = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return [*marks, *("| " + " | ".join(line) + " |" for line in lines)]
