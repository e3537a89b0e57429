"""nassearch serve"""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from pathlib import Path

import click


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
def serve(folder: Path) -> None:
    """Ask and tell the search in FOLDER by lines of JSON, in one process: a request a line, an answer a line.

    Requests come from standard input, and answers go to standard output. What is wrong with one is its answer, and the
    next is taken. Several processes may serve one folder, beside nassearch ask and tell.

    \b
    Examples:
      echo '{"ask": 2}' | nassearch serve results/mine
      my_scheduler | nassearch serve results/mine

    \b
    Requests:
      {"ask": 2, "worker": "w1", "again": 3600}
      {"tell": 7, "value": 93.1, "metrics": {"energy": 3.1}, "seconds": 340, "note": "of 3 seeds"}
      {"tell": 8, "failed": true}
      {"tell": "TEXT OF AN ARCHITECTURE", "value": 71.5}
      {"forget": 9}
      {"status": true}
    """
    from nassearch.search.asking.ask_tell import AskTell
    from nassearch.search.asking.talk import talk

    out = sys.stdout

    def answer(line: str) -> None:
        out.write(line + "\n")
        out.flush()

    with redirect_stdout(sys.stderr):  # what code of the user's prints is no answer
        talk(AskTell.open(folder), sys.stdin.buffer, answer)
