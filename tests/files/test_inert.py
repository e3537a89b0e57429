"""Text from outside does nothing to whoever reads it: no markup, no escape sequence, no link, no formula."""

from __future__ import annotations

import ast
import json
import re
import unicodedata
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result
from commands import ROOT, call
from joblib.externals.loky import get_reusable_executor
from readers import HARMFUL, NASTY, WRITTEN, Space, every_command, installed, lines, write_inputs

from nassearch.files.inert import inert, inert_json
from nassearch.workers import progress
from nassearch.workers.spread import in_order

FILE = NASTY.replace("/", ";")
LINES = lines(NASTY, FILE)
OURS = re.compile(r"\x1b\[(0|1|22)m")
"""What rich itself writes to a terminal: bold heads of tables."""


@pytest.fixture(scope="module", params=["piped", "terminal"])
def ran(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Result]]:
    """Run every line in turn."""
    folder = tmp_path_factory.mktemp("inert")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NASSEARCH_DATA", str(folder / "data"))
        if request.param == "terminal":
            patch.setenv("FORCE_COLOR", "1")
            patch.setattr(progress, "PATIENCE", 0.0)
        else:
            patch.setattr(progress, "SECONDS_BETWEEN_LINES", 0.0)
        (folder / "here").mkdir()
        patch.chdir(folder / "here")
        with installed(patch):
            write_inputs(NASTY)
            yield {repr(line): call(*line) for group in LINES.values() for line in group}


def test_every_command_is_here() -> None:
    """Add lines for a new command, in every format it has, to `readers.lines`."""
    assert set(LINES) == {name for name, _ in every_command()}


def harm(text: str) -> set[str]:
    """Return the characters of a text that would act on a terminal."""
    text = OURS.sub("", text)
    return {c for c in text if c in HARMFUL or (unicodedata.category(c)[0] == "C" and c != "\n")}


def test_nothing_acts_on_a_terminal(ran: dict[str, Result]) -> None:
    for line, result in ran.items():
        assert result.exit_code == 0, (line, result.stderr)
        assert not harm(result.stdout), line
        # Bars move the cursor: of them, what is written must still be the words alone.
        assert not harm(re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "", result.stderr)), line
        assert "\x1b[31m" not in result.stderr
        assert "\x1b]8" not in result.stderr
        assert "💯" not in result.stdout + result.stderr, line


def test_all_of_it_is_shown_as_it_is(ran: dict[str, Result]) -> None:
    shown = 0
    for result in ran.values():
        text = "".join(OURS.sub("", result.stdout).split())
        shown += "".join(WRITTEN.split()) in text or NASTY in str(result.stdout_bytes)
    assert shown >= 12
    archs = next(result.stdout for line, result in ran.items() if "'--json'" in line and "'score'" in line)
    assert [row["arch"] for row in json.loads(archs)] == [Space().format(arch) for arch in Space().all()]


def test_pictures_hold_the_letters_and_no_formula(ran: dict[str, Result], tmp_path: Path) -> None:
    texts = [path.read_text() for path in Path().glob("*.svg")]
    assert len(texts) >= 3
    for text in texts:
        assert not harm(text.replace("\t", ""))
        assert "x_{$" in text


@pytest.mark.parametrize(
    "line",
    [
        ["nonsense" + NASTY],
        ["show", "a.jsonl", NASTY],
        ["show", NASTY],
        ["show", "a.jsonl", f"--nonsense{NASTY}"],
        ["show", "a.jsonl", "--round", NASTY],
        ["show", "a.jsonl", "--choose", NASTY],
        ["compare", NASTY, f"{NASTY}2"],
        ["plot", "a.jsonl", "-o", f"{NASTY}.xyz"],
        ["run", NASTY],
        ["run", "rand", "--dataset", NASTY],
        ["run", "rand", "--benchmark", NASTY],
        ["run", "rand", "--scorer", NASTY, "--warmup", "3"],
        ["run", "rand", "--set", NASTY],
        ["run", "rand", "--set", f"{NASTY}=1"],
        ["run", "ae", "--set", f"pool={NASTY}"],
        ["run", "rand", "--batch", NASTY, "--scorer", "epsilon", "--warmup", "3"],
        ["run", "rand", "--executor", NASTY],
        ["score", NASTY, "--proxies", "params"],
        ["score", "1", "--proxies", NASTY],
        ["score", "1", "--proxies", f"synflow(estimator={NASTY})"],
        ["score", "--model", f"{NASTY}:f", "--input", "3,8,8", "--classes", "2", "--proxies", "params"],
        ["correlate", "--all", "--proxies", NASTY],
        ["bench", NASTY],
        ["bench", "info", NASTY],
        ["bench", "import", NASTY, NASTY],
        ["bench", "import", "nasbench201", NASTY],
        ["bench", "import", "nasbench201", "text.csv"],
        ["bench", "fetch", NASTY],
        ["list", NASTY],
        ["show", "text.csv"],
    ],
    ids=lambda line: " ".join(line).replace(NASTY, "NASTY"),
)
def test_errors_quote_it_inert(line: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("text.csv").write_text(f"{NASTY},{NASTY}\n{NASTY},1\n", newline="")
    result = call(*line)
    assert result.exit_code
    assert not harm(result.stderr) and not result.stdout, result.stderr
    assert re.search(r"\[red\]|%\(a\)s|text\.csv", result.stderr), result.stderr


def test_results_of_one_name_in_two_folders_are_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`[/absolute/path]` after a label is no markup."""
    monkeypatch.setenv("NASSEARCH_DATA", str(tmp_path / "data"))
    with installed(monkeypatch):
        paths = [tmp_path / folder / "a.jsonl" for folder in ("one", "two")]
        about = ["--benchmark", "losses", "--rounds", "3", "--budget", "5"]
        for path in paths:
            assert call("run", "rand", *about, "--out", path).exit_code == 0
        result = call("compare", *paths)
        assert result.exit_code == 0
        assert all(f"rand [{path}]" in result.stdout for path in paths)


def beware(number: int) -> int:
    warnings.warn(NASTY, stacklevel=1)
    return number


def test_warnings_of_workers_are_inert(capfd: pytest.CaptureFixture[str]) -> None:
    get_reusable_executor().shutdown()  # workers of an earlier test write to where that test looked
    assert list(in_order(beware, range(3), workers=2)) == [0, 1, 2]
    shown = capfd.readouterr().err
    assert f"nassearch: {WRITTEN}" in shown
    assert not harm(shown)


def test_a_line_is_one_line() -> None:
    assert inert("a\nb\r\n\u2028c\x85") == r"a\nb\r\n\u2028c\x85"
    assert inert("\ud83d 中文 äß é \xa0😀") == "\\ud83d 中文 äß é \xa0😀"
    assert inert(Path("[b]/$x")) == "[b]/$x"


def test_json_keeps_its_value() -> None:
    value = {NASTY: [NASTY, "\U000e0041", "\ud83d", 1.5]}
    text = inert_json(json.dumps(value, indent=1, ensure_ascii=False))
    assert json.loads(text) == value
    assert not harm(text)


def test_text_reaches_the_terminal_by_one_way() -> None:
    """Only `nassearch.cli.common` prints, and what is written in pictures is made plain there."""
    printers = re.compile(r"^(click\.(echo|secho|style|echo_via_pager)|print|sys\.(stdout|stderr)\.write)$")
    for path in (ROOT / "nassearch").rglob("*.py"):
        calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        found = [node.lineno for node in calls if printers.match(ast.unparse(node.func))]
        assert not found or path.name in ("common.py", "inert.py"), (
            f"{path}, lines {found}: echo of nassearch.cli.common prints"
        )
        for node in calls:
            name = getattr(node.func, "attr", "")
            if (
                name in ("set_title", "suptitle", "set_xlabel", "set_ylabel", "text", "annotate")
                and node.args
            ):
                argument = node.args[0]
                safe = isinstance(argument, ast.Constant) or ast.unparse(argument).startswith("plain(")
                assert safe or path.name not in ("plots.py", "scatter.py"), (
                    f"{path}, line {node.lineno}: plain()"
                )
