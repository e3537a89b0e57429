"""nassearch score --model: one torch module of the user's own."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from nassearch.cli.common import shared
from nassearch.errors import InvalidModel, InvalidSetting, NassearchError, told

model_options = shared(
    click.option("--model", default=None, metavar="MODULE:FUNCTION",
                 help="Score the torch module that this function returns, not architectures. It is your own code, "
                 "imported from the current directory and run."),
    click.option("--input", "input_shape", default=None, metavar="SHAPE",
                 help="Shape of one input of --model: 3,32,32 for images, 12 for vectors, words:35 for texts. "
                 "[default: that of --batch FILE]"),
    click.option("--vocabulary", type=int, default=None, metavar="N",
                 help="How many different words there are. [default: as many as --classes]"),
    click.option("--classes", type=int, default=None, help="Number of logits of --model."),
)  # fmt: skip


def model_table(
    model: str,
    input_shape: str | None,
    vocabulary: int | None,
    classes: int | None,
    proxies: list[str],
    batch: str | None,
    seed: int,
) -> tuple[list[str], list[list[Any]], dict[str, str]]:
    """Score the module that `module:function` gives.

    Returns:
        The columns model, batch and one per proxy, the one row, and by proxy why it has no score where it has none.
    """
    from nassearch.checks import SEEDS, whole
    from nassearch.scorers.model_batches import open_model_batch, read_input

    whole("seed", seed, least=0, largest=SEEDS)
    from nassearch.scorers.any_module import score_or_tell

    examples, told = open_model_batch(batch, read_input(input_shape, vocabulary, classes), proxies)
    module = _build(model, seed)
    with _their_code(f"--model {model}: scoring it"):
        scores, reasons = score_or_tell(module, examples, proxies, classes)
    return ["model", "batch", *proxies], [[model, told, *scores.values()]], reasons


@contextmanager
def _their_code(doing: str, remedy: str = "mend it there") -> Iterator[None]:
    """Run code of the user's: what it prints goes to standard error, and whatever it raises is told.

    Raises:
        InvalidModel: it has raised something, or tried to leave.
    """
    pressed: list[int] = []
    with redirect_stdout(sys.stderr), _noting(signal.SIGINT, pressed):
        try:
            yield
        except NassearchError:
            raise
        except BaseException as error:
            if pressed:  # by the user, not the code
                raise
            raise InvalidModel(f"{doing} failed: {told(error)}; {remedy}") from error


@contextmanager
def _noting(number: int, seen: list[int]) -> Iterator[None]:
    """Note each signal of a kind before it does what it did."""
    before = signal.getsignal(number)
    if not callable(before) or threading.current_thread() is not threading.main_thread():
        yield
        return

    def note(received: int, frame: Any) -> None:
        seen.append(received)
        before(received, frame)

    signal.signal(number, note)
    try:
        yield
    finally:
        signal.signal(number, before)


def _build(text: str, seed: int) -> Any:
    """Import and call what `module:function` names, with the global generators at a seed.

    Raises:
        InvalidSetting: there is no such function.
        InvalidModel: it fails, or gives something else than a torch module.
    """
    name, _, attribute = text.partition(":")
    if not name or not attribute or name.endswith(".py") or "/" in name:
        raise InvalidSetting(
            f"--model is MODULE:FUNCTION, such as models:small for the function small in models.py of the current "
            f"directory, not {text!r}"
        )
    import torch

    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        with _their_code(f"--model {text}: importing {name}"):
            found = _found(text, name, attribute, here)
    finally:
        if here in sys.path:
            sys.path.remove(here)
    if isinstance(found, torch.nn.Module):
        return found
    if not callable(found):
        raise InvalidSetting(
            f"--model {text}: a value of type {type(found).__name__}, not a function; name one without arguments "
            "that returns a torch.nn.Module"
        )
    from nassearch.networks.modules.isolation import isolated

    with _their_code(f"--model {text}: the function", "it is called without arguments"), isolated(seed):
        model = found()
    if not isinstance(model, torch.nn.Module):
        raise InvalidModel(
            f"--model {text}: the function returned a value of type {type(model).__name__}; "
            "let it return a torch.nn.Module"
        )
    return model


def _found(text: str, name: str, attribute: str, here: str) -> Any:
    """Import a module and return what a dotted name is in it.

    Raises:
        InvalidSetting: there is no such module, or nothing of that name.
    """
    try:
        found: Any = import_module(name)
    except ModuleNotFoundError as error:
        raise InvalidSetting(
            f"--model {text}: no module is called {error.name!r} in {here} or among what is installed; "
            "change to its folder, or name another"
        ) from error
    try:
        for part in attribute.split("."):
            found = getattr(found, part)
    except AttributeError as error:
        raise InvalidSetting(f"--model {text}: {error}; name a function that is there") from error
    return found
