"""The pages of the documentation: their blocks of code, and a reader who does what they show, from top to bottom.

A comment before a block says what is special about it:

    <!-- file: NAME -->      the block is this file; one named test_... is run by pytest
    <!-- not run: WHY -->    its commands are looked at, not run
    <!-- real: FOLDER -->    its commands read files of this folder of the real data
"""

from __future__ import annotations

import glob
import os
import re
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest
from commands import ROOT, call

from nassearch import registry
from nassearch.cli.main import cli

PAGES = {
    path.relative_to(ROOT).as_posix(): path
    for path in [
        *ROOT.glob("*.md"),
        ROOT / "experiments" / "README.md",
        *sorted((ROOT / "docs").rglob("*.md")),
    ]
}
_BLOCK = re.compile(
    r"(?:^<!-- (?P<mark>[^\n]*) -->\n)?^```(?P<language>[\w{}-]*)\n(?P<text>.*?)^```$", re.M | re.S
)


@dataclass(frozen=True)
class Block:
    """A block of code: its language, its text, and what the comment before it says."""

    language: str
    text: str
    mark: str = ""
    value: str = ""

    @property
    def file(self) -> str:
        return self.value if self.mark == "file" else ""

    def commands(self) -> list[str]:
        """Return the command lines of a block: what follows a `$ `, or all lines of a block of shell."""
        lines = self.text.splitlines()
        if self.language == "console":
            return [line[2:] for line in lines if line.startswith("$ ")]
        if self.language == "sh":
            return [part.strip() for line in lines for part in line.split("&&")]
        return []


def blocks(page: str, language: str = "") -> list[Block]:
    """Return the blocks of a page, of one language where asked."""
    found = []
    for match in _BLOCK.finditer(PAGES[page].read_text()):
        mark, _, value = (match["mark"] or "").partition(": ")
        found.append(Block(match["language"], match["text"], mark, value))
    return [block for block in found if not language or block.language == language]


def words_of(line: str) -> list[str]:
    """Return the arguments of a `nassearch` command line, patterns of files filled in; empty for other commands."""
    words = shlex.split(line, comments=True)
    while words and re.fullmatch(r"\w+=\S*", words[0]):
        del words[0]
    if not words or Path(words[0]).name != "nassearch":
        return []
    return [each for word in words[1:] for each in (sorted(glob.glob(word)) if "*" in word else [word])]


def unknown_options(line: str) -> list[str]:
    """Return what a `nassearch` command line holds that the command does not know."""
    words = words_of(line)
    command: click.Command = cli
    context = click.Context(cli)
    while isinstance(command, click.Group) and words:
        if words[0].startswith("-"):
            break
        name = words.pop(0)
        found = command.get_command(context, name)
        if found is None:
            return [name]
        command = found
    known = {"-h", "--help"} | {opt for p in command.params for opt in (*p.opts, *p.secondary_opts)}
    return [word for word in words if re.match(r"--?[a-z]", word) and word.partition("=")[0] not in known]


def differences(shown: list[str], printed: list[str]) -> str:
    """Say where what a command printed is not what a page shows; "" where it is.

    A line `...` stands for any lines, and `...` within a line for any text.
    """
    any_text = re.escape("...")
    pattern = "\n".join(
        "(?:.*\n)*?.*" if line.strip() == "..." else re.escape(line).replace(any_text, ".*") for line in shown
    )
    if re.fullmatch(pattern, "\n".join(printed)):
        return ""
    return "\n".join(["the page shows:", *shown, "", "the command prints:", *printed])


class Reader:
    """Somebody who works in an empty folder, in the order of a page.

    Args:
        page: which one.
        folder: an empty folder, the current one.
        data: the user's data directory, which pages call by its usual name.
        real: the folder of real data, for blocks that need it; None to pass these over.
    """

    def __init__(self, page: str, folder: Path, data: Path, real: Path | None = None) -> None:
        self.page, self.folder, self.data, self.real = page, folder, data, real
        self.names: dict[str, object] = {"__name__": "__main__"}
        for path in PAGES[page].parent.glob("*.csv"):
            shutil.copy(path, folder)

    def read(self) -> None:
        for block in blocks(self.page):
            if block.mark == "not run" or (block.mark == "real") != (self.real is not None):
                continue
            if self.real is not None:
                for path in (self.real / block.value).iterdir():
                    (self.folder / path.name).symlink_to(path)
            if block.file:
                (self.folder / block.file).write_text(block.text)
            if block.language == "python":
                self._python(block)
            elif block.language == "ini" and "entry_points" in block.text:
                self._install(block.text)
            else:
                self._shell(block)

    def _python(self, block: Block) -> None:
        if not block.file:
            exec(compile(block.text, self.page, "exec"), self.names)
        elif block.file.startswith("test_"):
            options = ["-q", "-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-c", os.devnull]
            code = pytest.main([*options, f"--rootdir={self.folder}", str(self.folder / block.file)])
            assert code == 0, f"{self.page}: {block.file} fails"

    def _install(self, text: str) -> None:
        """Lay out what `pip install .` does with the entry points of a setup.cfg."""
        for group, points in re.findall(r"^(nassearch\.\w+) =\n((?:    .*\n?)+)", text, re.M):
            name = points.split("=")[1].split(":")[0].strip()
            metadata = self.folder / f"{name}-1.0.dist-info"
            metadata.mkdir(exist_ok=True)
            (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
            (metadata / "entry_points.txt").write_text(f"[{group}]\n{points.replace('    ', '')}")
        registry._known.cache_clear()

    def _shell(self, block: Block) -> None:
        shown = _answers(block) if block.language == "console" else iter([])
        for line in block.commands():
            expected = next(shown, None)
            if not (words := words_of(line)):
                continue
            result = call(*words)
            assert result.exit_code == 0, f"{self.page}: {line}\n{result.output}"
            if expected is not None:
                wrong = differences(self._told(expected), self._told(result.stdout))
                assert not wrong, f"{self.page}: {line}\n{wrong}"

    def _told(self, text: str) -> list[str]:
        """Return lines without what depends on the machine: times, and the place of the user's data."""
        text = text.replace(str(self.data), "~/.local/share/nassearch").replace(os.sep, "/")
        rows = [row.rstrip() for row in text.splitlines()]
        return [row for row in rows if not row.startswith("seconds per architecture")]


def _answers(block: Block) -> Iterator[str]:
    """Yield what a block shows after each of its commands."""
    yield from re.split(r"^\$ .*\n", block.text, flags=re.M)[1:]
