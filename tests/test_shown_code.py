"""The Python that pages show passes lint, format and types as it is shown; tests/test_pages.py runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from commands import ROOT
from pages import PAGES, blocks


def name_of(page: str) -> str:
    """Return the name of the script that a page's blocks make which are no file of their own."""
    return f"script_{page.removesuffix('.md').replace('/', '_').replace('-', '_')}.py"


def files_of(page: str) -> dict[str, str]:
    """Return the files that the blocks of a page are, and a script of the others, one after another."""
    shown = blocks(page, "python")
    files = {block.file: block.text for block in shown if block.file}
    rest = "\n\n".join(block.text for block in shown if not block.file)
    return {**files, **({name_of(page): rest} if rest else {})}


LENIENT = (
    *("--allow-untyped-defs", "--allow-untyped-calls"),  # models of users have no types
    "--no-warn-unused-ignores",  # with them some of the package's are not used
    "--disable-error-code=import-not-found",  # what commands of a page write is imported by it
)
CODE = [(page, place) for page in PAGES for place in range(len(blocks(page, "python")))]


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the Python of every page."""
    folder = tmp_path_factory.mktemp("shown")
    for page in PAGES:
        for name, text in files_of(page).items():
            (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize(("page", "place"), CODE)
def test_lint_and_format(page: str, place: int) -> None:
    block = blocks(page, "python")[place]
    # What an earlier block of the page has defined is there.
    known = [] if block.file else ["--extend-ignore", "F821"]
    for command in (["check", *known], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--stdin-filename", "tests/shown.py", "-"],
            cwd=ROOT,
            input=block.text,
            capture_output=True,
            text=True,
            timeout=100,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_types(shown: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", *LENIENT, *map(str, sorted(shown.glob("*.py")))],
        cwd=ROOT,
        env={**os.environ, "MYPYPATH": str(shown)},
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.returncode == 0, done.stdout + done.stderr
