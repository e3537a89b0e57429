"""Code of a user's own: what it raises is told, and what the user presses is not taken for it."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from nassearch.cli.ending import Ended
from nassearch.errors import BadData, BrokenPart, InvalidModel, InvalidSetting
from nassearch.provenance.from_here import import_from_here
from nassearch.provenance.their_code import their_code


@pytest.mark.parametrize(
    "error", [ValueError("no"), SystemExit(0), KeyboardInterrupt(), GeneratorExit(), MemoryError()]
)
def test_what_the_code_raises_is_told(error: BaseException) -> None:
    with pytest.raises(BrokenPart, match=r"looking failed: .*; mend it there"), their_code("looking"):
        raise error


def test_errors_of_ours_and_signals_pass() -> None:
    for error in (BadData("ours"), Ended(signal.SIGTERM)):
        with pytest.raises(type(error)) as met, their_code("looking"):
            raise error
        assert met.value is error


@pytest.mark.posix
def test_ctrl_c_of_the_user_passes_and_the_handler_is_set_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), their_code("looking"):
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_what_it_prints_goes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    with their_code("looking"):
        print("hello")
    assert capsys.readouterr() == ("", "hello\n")


def test_a_module_that_fails_is_the_fault_that_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "leaving_at_once.py").write_text("import sys\nsys.exit(3)\n")
    (tmp_path / "with_one_name.py").write_text("def here(): ...\n")
    with pytest.raises(InvalidModel, match="--model x: importing leaving_at_once failed: SystemExit"):
        import_from_here("leaving_at_once:x", "--model x", InvalidModel)
    with pytest.raises(InvalidSetting, match="there is no 'there' in with_one_name"):
        import_from_here("with_one_name:there", "it")
    assert import_from_here("with_one_name:here", "it").__name__ == "here"
