"""What the pages show is so: every command runs and prints what is shown, every block of Python runs, options exist."""

from __future__ import annotations

import ast
import configparser
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import ROOT
from pages import PAGES, Reader, blocks, differences, unknown_options, words_of

import nassearch
from nassearch import registry
from nassearch.cli.commands.correlate import NAMES

RUN = {"python", "console", "sh", "ini"}
READ = [
    page
    for page in PAGES
    if any(b.language in RUN and b.mark not in ("not run", "real") for b in blocks(page))
]
REAL = [page for page in PAGES if any(block.mark == "real" for block in blocks(page))]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Work in an empty folder that modules can be imported from, and forget those afterwards."""
    place = tmp_path / "work"
    place.mkdir()
    monkeypatch.chdir(place)
    monkeypatch.syspath_prepend(place)
    registry._known.cache_clear()
    before = set(sys.modules)
    yield place
    registry._known.cache_clear()
    for name in {path.stem for path in place.glob("*.py")} & (set(sys.modules) - before):
        del sys.modules[name]


@pytest.mark.parametrize("page", READ)
def test_a_page_does_what_it_shows(page: str, folder: Path, data_dir: Path) -> None:
    Reader(page, folder, data_dir).read()


@pytest.mark.slow
@pytest.mark.parametrize("page", REAL)
def test_a_page_does_what_it_shows_with_real_data(
    page: str, folder: Path, data_dir: Path, real_data: Path
) -> None:
    Reader(page, folder, data_dir, real_data).read()


def test_a_reader_sees_what_differs() -> None:
    assert not differences(["a", "...", "d"], ["a", "b", "c", "d"])
    assert not differences(["..."], ["a", "b"])
    assert not differences(["a ... s", "b"], ["a 3.2 s", "b"])
    assert differences(["a ... s", "b"], ["a 3.2 s", "c", "b"])
    assert differences(["a", "c"], ["a", "b"])
    assert differences(["a", "...", "d"], ["a", "b", "c"])
    assert words_of("RAY_ADDRESS=auto .venv/bin/nassearch run ae  # a comment") == ["run", "ae"]
    assert unknown_options("nassearch run ae --nonsense 3 --budget 2") == ["--nonsense"]
    assert unknown_options("nassearch bench ask") == ["ask"]


def shown_lines(page: str) -> Iterator[str]:
    """Yield every command line of a page, in blocks and in the text."""
    for block in blocks(page):
        yield from block.commands()
    yield from re.findall(r"`((?:nassearch|python|pytest) [^`]*)`", PAGES[page].read_text())


@pytest.mark.parametrize("page", PAGES)
def test_options_and_files_of_shown_commands_exist(page: str) -> None:
    for line in shown_lines(page):
        if line.startswith("nassearch ") and not re.search(r"[|\[]", line):
            assert not unknown_options(line), f"{page}: {line}"
        for path in re.findall(r"\b(?:examples|experiments|tests)/[\w/]+\.py", line):
            assert (ROOT / path).is_file(), f"{page}: {line}"
        if match := re.match(r"python (experiments/[\w/]+\.py)(.*)", line):
            code = "".join(p.read_text() for p in [ROOT / match[1], *(ROOT / "experiments").rglob("_*.py")])
            for option in re.findall(r"--[a-z][a-z0-9-]*", match[2]):
                assert f'"{option}"' in code, f"{page}: {line}"


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_imports_is_public(page: str) -> None:
    """A third party imports from `nassearch`, `nassearch.<noun>` or `nassearch.integrations.<tool>`."""
    for block in blocks(page, "python"):
        for node in ast.walk(ast.parse(block.text)):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            own = [name.replace(".integrations.", ".") for name in names]  # each tool is a noun
            deep = [name for name in own if name.startswith("nassearch.") and name.count(".") > 1]
            assert not deep, f"{page} imports {deep}"


def test_the_readme_fits_a_few_screens() -> None:
    text = PAGES["README.md"].read_text()
    assert len(text.splitlines()) <= 130
    assert f"| proxies | {len(registry.BUILT_IN['proxies'])}, and combinations" in text


@pytest.mark.parametrize("page", PAGES)
def test_no_page_installs_from_an_index_what_is_in_none(page: str) -> None:
    assert not re.search(r"pip install [^`&\n]*\bnassearch\b", PAGES[page].read_text())


def test_every_extra_is_explained() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    page = PAGES["docs/quickstart.md"].read_text()
    assert not [extra for extra in setup["options.extras_require"] if f"`{extra}`" not in page]


def test_the_citation_is_of_this_version() -> None:
    assert f"\nversion: {nassearch.__version__}\n" in (ROOT / "CITATION.cff").read_text()


def test_every_row_of_correlate_is_defined() -> None:
    page = PAGES["docs/reference/correlate.md"].read_text()
    headings = re.findall(r"^## (.*)$", page, re.M)
    rows = ["coverage", *NAMES.values(), "seconds per architecture"]
    assert [heading for heading in headings if heading in rows] == rows
    for short in ["coverage", *NAMES, "seconds"]:
        assert f"\n`{short}`," in page, f"say under which name -o writes {short}"


def test_papers_have_names() -> None:
    numbered = re.compile(r"\bdocument ?00\d|\b00[0-4]/\d")
    told = [*PAGES.values(), *(ROOT / "nassearch").rglob("*.py"), *(ROOT / "experiments").rglob("*.py")]
    assert not [str(path) for path in told if numbered.search(path.read_text())]
