"""The page on benchmarks of one's own: its package, installed as a new user would, prints what the page shows."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import ROOT, call

from nassearch import registry

PAGE = (ROOT / "docs" / "own-benchmark.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.S)


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Lay out what `pip install .` of the page's package does, and work in a folder with its table."""
    (tmp_path / "widths.py").write_text(blocks("python")[0])
    metadata = tmp_path / "widths-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: widths\nVersion: 1.0\n")
    group, line = re.findall(r"^(nassearch\.\w+) =\n    (.*)$", blocks("ini")[0], re.M)[0]
    (metadata / "entry_points.txt").write_text(f"[{group}]\n{line}\n")
    shutil.copy(ROOT / "docs" / "widths.csv", tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    registry._known.cache_clear()
    yield
    registry._known.cache_clear()
    sys.modules.pop("widths", None)


def test_the_package_is_short() -> None:
    assert len(blocks("python")[0].splitlines()) < 100


def test_the_commands_print_what_the_page_shows(data_dir: Path) -> None:
    for block in blocks("console"):
        ((line, printed),) = re.findall(r"\$ nassearch (.*)\n((?:.*\n)*)", block)
        result = call(*line.split())
        assert result.exit_code == 0, result.output
        # The page leaves out what depends on the machine: a time, and the folder of the user's data.
        told = [row.rstrip() for row in result.stdout.splitlines() if not row.startswith("seconds per")]
        told = [row.replace(str(data_dir), "~/.local/share/nassearch") for row in told]
        assert told == printed.rstrip().splitlines()


def test_its_contracts_hold(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("bench", "import", "widths", "widths.csv").exit_code == 0
    (tmp_path / "test_widths.py").write_text(blocks("python")[2])
    with capsys.disabled():
        code = pytest.main(
            ["-q", "-p", "no:cacheprovider", "-p", "no:hypothesispytest", str(tmp_path / "test_widths.py")]
        )
    assert code == 0
