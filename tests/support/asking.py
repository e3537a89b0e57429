"""Workers that ask and tell one folder, and are killed at random moments.

python asking.py FOLDER SEED KILLS WORKERS
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

from nassearch import AskTell
from nassearch.types import Arch


def value(arch: Arch) -> float:
    """Return what a training reaches: a function of the architecture."""
    return 50.0 + sum((place + 2) * option for place, option in enumerate(arch)) % 37


def work(folder: Path, name: str, seconds: float = 0.0) -> None:
    """Ask, train and tell until there is nothing more."""
    search = AskTell.open(folder)
    while True:
        asks = search.ask(1, worker=name)
        if not asks and not search.course().pending:
            return
        for ask in asks:
            time.sleep(seconds)
            search.tell(ask.id, value(ask.arch), seconds=1.0)
        if not asks:
            time.sleep(0.01)


def child(folder: Path, name: str, seconds: float = 0.0) -> int:
    """Work in a process of its own, and return its number."""
    number = os.fork()
    if not number:
        status = 1
        try:
            work(folder, name, seconds)
            status = 0
        finally:
            os._exit(status)
    return number


def main(folder: Path, seed: int, kills: int, workers: int) -> None:
    """Kill workers so often, give each the same name again, and let them come to the end."""
    rng = random.Random(seed)
    running = {child(folder, f"w{number}"): f"w{number}" for number in range(workers)}
    killed = 0
    while killed < kills:
        time.sleep(rng.uniform(0, 0.08))
        victim = rng.choice(list(running))
        os.kill(victim, signal.SIGKILL)
        ended = os.waitstatus_to_exitcode(os.waitpid(victim, 0)[1])
        assert ended in (-signal.SIGKILL, 0), ended
        name = running.pop(victim)
        if ended == 0:  # there was nothing left to do
            break
        killed += 1
        running[child(folder, name)] = name
    failed = [victim for victim in running if os.waitpid(victim, 0)[1]]
    print(json.dumps({"kills": killed, "failed": len(failed)}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
