"""The group of commands, and what happens when one fails."""

from __future__ import annotations

import errno
import io
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from traceback import clear_frames
from typing import Any, NoReturn

import click

from nassearch import __version__
from nassearch.cli.common import echo
from nassearch.cli.ending import ending, status, told
from nassearch.errors import NassearchError
from nassearch.errors import told as cause
from nassearch.files.inert import inert, show_warning
from nassearch.provenance.blame import of_package

COMMANDS = {
    "search": "nassearch.cli.commands.search:search",
    "run": "nassearch.cli.commands.run:run",
    "begin": "nassearch.cli.commands.begin:begin",
    "ask": "nassearch.cli.commands.ask:ask",
    "tell": "nassearch.cli.commands.tell:tell",
    "serve": "nassearch.cli.commands.serve:serve",
    "watch": "nassearch.cli.commands.watch:watch",
    "compare": "nassearch.cli.commands.compare:compare",
    "show": "nassearch.cli.commands.show:show",
    "plot": "nassearch.cli.commands.plot:plot",
    "report": "nassearch.cli.commands.report:report",
    "score": "nassearch.cli.commands.score:score",
    "correlate": "nassearch.cli.commands.correlate:correlate",
    "export": "nassearch.cli.commands.export:export",
    "retrain": "nassearch.cli.commands.retrain:retrain",
    "data": "nassearch.cli.commands.data:data",
    "list": "nassearch.cli.commands.listing:listing",
    "bench": "nassearch.cli.commands.bench:bench",
    "cache": "nassearch.cli.commands.cache:cache",
}


class Commands(click.Group):
    """Commands that are imported when they are called, and errors without a traceback."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        return getattr(import_module(module), name)  # type: ignore[no-any-return]

    def make_context(self, *args: Any, **more: Any) -> click.Context:
        with _inert_errors():
            return super().make_context(*args, **more)

    def invoke(self, ctx: click.Context) -> Any:
        # Names of files are bytes, and some are no text: what a terminal cannot show is shown as \\udc83.
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
                stream.reconfigure(errors="backslashreplace")
        try:
            with ending(), _inert_errors(), _inert_warnings():
                return super().invoke(ctx)
        except NassearchError as error:
            fail(str(error))
        except OSError as error:
            if error.errno in (None, errno.EPIPE):  # click ends quietly where the reader of a pipe went away
                raise
            place = f"{error.filename}: " if error.filename else ""
            fail(f"{place}{error.strerror}")
        except SystemExit as error:  # of a part of someone else's: click leaves by exceptions of its own
            fail(f"{cause(error)}: a part of another package does not do that; mend it there")
        except MemoryError:
            fail("this takes more memory than there is: give less at once, or a machine with more")
        except RecursionError as error:
            fail(f"something that was given is nested too deeply ({error})")
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            if broken := of_package(error):
                fail(str(broken))
            raise
        except KeyboardInterrupt as error:
            clear_frames(
                error.__traceback__
            )  # closes what hands out work, wherever that was, and so ends workers
            safe = error.args[0] if error.args else "what is finished is kept"
            fail(f"{told(error)}; {safe}: run the same command to go on", status(error))


def fail(message: str, status: int = 1) -> NoReturn:
    """Tell what went wrong, on standard error, and exit."""
    echo(f"nassearch: {message}", err=True)
    raise click.exceptions.Exit(status)


@contextmanager
def _inert_errors() -> Iterator[None]:
    """Let click quote what it was given on the command line, which may be the name of anybody's file, but inert."""
    try:
        yield
    except click.ClickException as error:
        lines = error.format_message().split("\n")
        # Click sets lists of choices in with tabs.
        message = "\n".join(inert(re.sub("^\t", "  ", line)) for line in lines)
        error.format_message = lambda: message  # type: ignore[method-assign]
        raise


@contextmanager
def _inert_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.showwarning = show_warning
        yield


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__)
def cli() -> None:
    """Find good neural architectures while training as few as possible.

    \b
    Examples:
      nassearch run ae --warmup 3000 --move epsilon
      nassearch run rand --rounds 100 && nassearch compare results/*.jsonl
      nassearch list proxies
    """
