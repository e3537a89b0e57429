"""Give the command hostile and unlucky inputs, each in a process of its own: tracebacks, hangs, memory and seconds.

    python experiments/stress/hostile.py --command .venv/bin/nassearch [--only WORD] [--out hostile.md]

The inputs are made by `_hostile_inputs.py`: archives and sheets that unpack to gigabytes, lines and quotes without an
end, things that are no plain files, results of odd types, folders that go while they are written to. Each run has
`--seconds` (60) and `--gigabytes` (6) of address space; what takes more seconds is a hang, what takes more memory ends
as the program ends it. A traceback is one on standard error, or an end by a signal. Run it with the command of two
versions to compare them.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

sys.path.append(str(Path(__file__).parents[1]))  # for _common
import _hostile_newer  # noqa: F401 - adds its cases
from _common import markdown, say
from _hostile_inputs import CASES, Case

TRACEBACK = ("Traceback (most recent call last)", "MemoryError", "Fatal Python error", "core dumped")


class Outcome(NamedTuple):
    """How a run ended."""

    status: int
    seconds: float
    megabytes: float
    hang: bool
    traceback: bool
    last: str
    wrong: bool = False


def attempt(command: list[str], arguments: list[str], folder: Path, seconds: float, memory: int) -> Outcome:
    """Run the command in a folder, and measure it."""
    errors = folder / "standard-error"

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    environment = {**os.environ, "NASSEARCH_DATA": str(folder / "data"), "OMP_NUM_THREADS": "1"}
    environment.pop("PYTHONPATH", None)
    with errors.open("wb") as stream:
        start = time.monotonic()
        child = subprocess.Popen(
            [*command, *arguments], cwd=folder, stdout=subprocess.DEVNULL, stderr=stream, stdin=subprocess.DEVNULL,
            preexec_fn=limited, env=environment, start_new_session=True,
        )  # fmt: skip
        late = threading.Timer(seconds, lambda: os.killpg(child.pid, 9))
        late.start()
        _, status, used = os.wait4(child.pid, 0)
        late.cancel()
        took = time.monotonic() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    hang = child.returncode == -9 and took >= seconds
    text = errors.read_text(errors="replace")
    ended = child.returncode < 0 and not hang
    lines = [line for line in text.splitlines() if line.strip()]
    return Outcome(
        child.returncode, took, used.ru_maxrss / 1024, hang, ended or any(sign in text for sign in TRACEBACK),
        lines[-1][:150] if lines else "",
    )  # fmt: skip


def run(
    case: Case, command: list[str], seconds: float, gigabytes: float, runner: ProcessPoolExecutor
) -> list[Outcome]:
    """Make the inputs of a case, and give each of them to the command."""
    folder = Path(tempfile.mkdtemp(prefix="nassearch-hostile-"))
    try:
        found = []
        for arguments in case.make(folder):
            memory = int(gigabytes * 2**30)
            outcome = runner.submit(attempt, command, arguments, folder, seconds, memory).result()
            found.append(outcome._replace(wrong=case.wrong(folder, outcome.status)))
        return found
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--command", type=Path, default=Path(sys.executable).parent / "nassearch")
    parser.add_argument("--only", action="append", default=[], help="cases with this in kind or name")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--gigabytes", type=float, default=6)
    parser.add_argument("--out", type=Path, help="write the tables here too")
    args = parser.parse_args()
    command = [str(args.command.absolute())]
    # A process counts the memory of the one that it was forked from, so a small one starts them all.
    runner = ProcessPoolExecutor(1)
    runner.submit(os.getpid).result()
    rows: list[list[object]] = []
    sums: dict[str, list[float]] = {}
    for case in CASES:
        if args.only and not any(word in f"{case.kind} {case.name}" for word in args.only):
            continue
        found = run(case, command, args.seconds, args.gigabytes, runner)
        worst = max(found, key=lambda each: (each.traceback, each.hang, each.megabytes))
        row: list[object] = [
            case.kind,
            case.name,
            len(found),
            sum(each.traceback for each in found),
            sum(each.hang for each in found),
            sum(each.wrong for each in found),
            round(max(each.megabytes for each in found)),
            round(max(each.seconds for each in found), 1),
            worst.last.replace("|", "\\|"),
        ]
        rows.append(row)
        say(f"{case.kind}: {case.name}: {row[2:8]} {worst.last[:100]}")
        total = sums.setdefault(case.kind, [0, 0, 0, 0, 0, 0])
        for place, outcome in enumerate((len(found), *row[3:6])):
            total[place] += float(str(outcome))
        total[4] = max(total[4], float(str(row[6])))
        total[5] = max(total[5], float(str(row[7])))
    runner.shutdown()
    head = ["kind", "runs", "tracebacks", "hangs", "well without a result", "most MB", "most s"]
    summary = [[kind, *(f"{value:g}" for value in total)] for kind, total in sums.items()]
    everything = [*(f"{sum(total[i] for total in sums.values()):g}" for i in range(4)), *(f"{max(total[i] for total in sums.values()):g}" for i in (4, 5))]  # fmt: skip
    text = markdown(head, [*summary, ["all", *everything]])
    text += "\n" + markdown(["kind", "input", *head[1:], "last line of the worst"], rows)
    if args.out:
        args.out.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
