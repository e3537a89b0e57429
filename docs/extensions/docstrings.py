"""Docstrings and help texts as reStructuredText.

They are written to be read where they stand: code is in single backticks or indented, and stars, bars and underscores
are themselves. This turns them into what Sphinx reads.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

BACKTICKS = re.compile(r"(``.+?``|`[^`]+`)")


def escaped(line: str) -> str:
    """Return a line of text in which nothing outside backticks is markup.

    >>> print(escaped("Sum |W * g| of `a|b`; x_"))
    Sum \\|W \\* g\\| of `a|b`; x\\_
    >>> print(escaped("it `put`s"))
    it `put`\\ s
    """
    parts = BACKTICKS.split(line)
    parts[::2] = [re.sub(r"[*|\\]|_\b|_$", r"\\\g<0>", part) for part in parts[::2]]
    parts[2::2] = [re.sub(r"^(?=\w)", r"\\ ", part) for part in parts[2::2]]
    return "".join(parts)


def restructured(lines: list[str]) -> list[str]:
    """Return the lines of a docstring with its indented blocks as code and the rest escaped.

    An indented block after an empty line is code. One after a line such as `Args:` is the section of that name.
    """
    found: list[str] = []
    code = False
    for place, line in enumerate(lines):
        before = lines[place - 1] if place else ""
        if not line.strip():
            found.append(line)
            continue
        indented = line.startswith("    ")
        if indented and not before.strip() and not code and not _in_section(lines[:place]):
            found += ["::", ""]
            code = True
        elif not indented:
            code = False
        example = line.lstrip().startswith((">>>", "...")) or _answers(lines[:place])
        found.append(line if code or example else escaped(line))
    return found


def _in_section(lines: list[str]) -> bool:
    """Say whether the last line that is not indented names a section."""
    plain = [line for line in lines if line.strip() and not line.startswith(" ")]
    return bool(plain) and re.fullmatch(r"[A-Z]\w+:", plain[-1]) is not None


def _answers(lines: list[str]) -> bool:
    """Say whether the next line is what an example prints."""
    for line in reversed(lines):
        if not line.strip():
            return False
        if line.lstrip().startswith(">>>"):
            return True
    return False


def _docstring(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    lines[:] = restructured(lines)


def _help(app: Sphinx, context: Any, lines: list[str]) -> None:
    """Turn a command's help, in which sphinx-click begins the lines of an example with a bar."""
    found: list[str] = []
    for line in lines:
        if not line.startswith("| "):
            found.append(escaped(line))
        elif line.rstrip().endswith(":") and not line.startswith("|  "):
            found += [f"{line[2:].rstrip()}:", ""]
        else:
            found.append(f"   {line[2:]}")
    lines[:] = found


def _options(app: Sphinx, context: Any, lines: list[str]) -> None:
    lines[:] = [line if line.lstrip().startswith((".. ", ":")) else escaped(line) for line in lines]


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("autodoc-process-docstring", _docstring, priority=100)  # before napoleon reads the sections
    app.connect("sphinx-click-process-description", _help)
    app.connect("sphinx-click-process-options", _options)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
