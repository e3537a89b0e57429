"""What the pages for contributors show passes lint, types and tests as it is shown."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from commands import ROOT

PAGES = {
    "CONTRIBUTING.md": ["convolutions.py", "test_convolutions.py"],
    "docs/own-benchmark.md": ["widths.py", "make_table.py", "test_widths.py"],
    "docs/any-model.md": ["models.py", "score_it.py"],
}
"""The files that a page's blocks of Python are, in their order."""


def run(folder: Path, *command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env={**os.environ, "MYPYPATH": str(folder), "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with every block of the pages as a file."""
    folder = tmp_path_factory.mktemp("shown")
    for page, names in PAGES.items():
        blocks = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.S)
        assert len(blocks) == len(names), f"name the {len(blocks)} blocks of {page} above"
        for name, block in zip(names, blocks, strict=True):
            (folder / name).write_text(block)
    return folder


@pytest.mark.parametrize("name", [name for names in PAGES.values() for name in names])
def test_lint_and_format(shown: Path, name: str) -> None:
    for command in ("check", "format --check"):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command.split(), "--stdin-filename", f"tests/{name}", "-"],
            cwd=ROOT,
            input=(shown / name).read_text(),
            capture_output=True,
            text=True,
            timeout=100,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_types(shown: Path) -> None:
    run(shown, "mypy", "--strict", *(str(shown / name) for names in PAGES.values() for name in names))


def test_the_proxy_keeps_its_contract(shown: Path) -> None:
    run(
        shown,
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(shown),
        str(shown / "test_convolutions.py"),
    )
