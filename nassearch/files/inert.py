"""Make text from outside inert: it can be read and does nothing else."""

from __future__ import annotations

import re
import sys
import unicodedata
from typing import Any


def _acts(character: str) -> bool:
    """Tell control, format and bidirectional characters, ends of lines, lone surrogates and what is unassigned."""
    return not character.isprintable() and unicodedata.category(character) != "Zs"


def inert(text: object) -> str:
    r"""Return a text as one line in which every character that acts on a terminal is written out.

    Names of architectures, data sets and files, labels, settings and messages of other programs pass through here
    before anybody reads them. What is printable, in any script, stays as it is.

    >>> inert("64:100:32 [bold]")
    '64:100:32 [bold]'
    >>> print(inert("a\x1b[31mb\nc\u202ed"))
    a\x1b[31mb\nc\u202ed
    """
    text = str(text)
    if text.isprintable():
        return text
    return "".join(repr(c)[1:-1] if _acts(c) else c for c in text)


def tell(line: object) -> None:
    """Write a line to standard error."""
    sys.stderr.write(f"{inert(line)}\n")


def show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    """Stand in for `warnings.showwarning`: tell users what, and not which line of whose code, in inert text."""
    sys.stderr.write(f"nassearch: {inert(message)}\n")


def inert_json(text: str) -> str:
    r"""Return JSON of the same value, with `\u` escapes for what acts on a terminal; ends of lines stay.

    >>> inert_json('"\x9b1m"')
    '"\\u009b1m"'
    """
    return re.sub(r"[^\n\x20-\x7e]", lambda found: _escaped(found[0]) if _acts(found[0]) else found[0], text)


def _escaped(character: str) -> str:
    units = character.encode("utf-16-be", errors="surrogatepass")
    return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))
