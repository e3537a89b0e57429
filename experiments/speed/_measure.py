"""What the parts of the table of speeds share: calls timed in turns, calls in processes of their own, rows.

A part is a module of this folder with `rows(args) -> list[Row]`; `run_part` makes a command of it.

Two things are timed in turns, ours, plain, ours, plain, so that what else the machine does meets both. Where something
is remembered from call to call, or memory is asked for, the call has to be `fresh`: it runs in a new process, which
times it itself, without the start of the interpreter.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))  # for _common

THREADS = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
"""Environment of a fresh process: one thread, here and there alike, so that wall times can be compared."""


class Sample(NamedTuple):
    """Seconds by the clock, seconds of processor time (with child processes that have ended), peak memory in MiB.

    `peak` is of the process, and NaN where it had done other things before.
    """

    wall: float
    cpu: float
    peak: float = float("nan")


Work = Callable[[], Any]
"""A call to time. One that returns a `Sample` has timed itself, as `fresh` does."""


class Row(NamedTuple):
    """A line of the table: samples of ours and of what it is held against, by turns; either may do more than one.

    Attributes:
        what: what is done.
        ours, plain: the samples in the order in which they were taken; plain empty where there is nothing to hold it against.
        each, plain_each: how many of the things that the row counts one sample does.
        unit: what the seconds are of, such as "an architecture".
        threads: of each process.
        target: seconds that ours may take, each; None for none.
    """

    what: str
    ours: Sequence[Sample]
    plain: Sequence[Sample] = ()
    each: int = 1
    plain_each: int = 1
    unit: str = ""
    threads: int = 1
    target: float | None = None


def clock(work: Work) -> Sample:
    """Return what a call took."""
    before, start = _processor(), time.perf_counter()
    answer = work()
    wall, cpu = time.perf_counter() - start, _processor() - before
    return answer if isinstance(answer, Sample) else Sample(wall, cpu)


def alternate(*works: Work, repeats: int) -> list[list[Sample]]:
    """Time calls in turns, each as often; return the samples of each."""
    rounds = [[clock(work) for work in works] for _ in range(repeats)]
    return [list(samples) for samples in zip(*rounds, strict=True)]


def fresh(call: str, *arguments: Any, threads: int = 1) -> Sample:
    """Call a function of a module of this folder, `"synflow:ours"`, in a new process; arguments are JSON values.

    The time is that of the call alone. A function that has to prepare something is marked by `prepares`, and returns the
    call to time.
    """
    limits = {name: str(threads) for name in THREADS}
    where = os.pathsep.join(filter(None, [str(HERE.parents[1]), os.environ.get("PYTHONPATH", "")]))
    done = subprocess.run(
        [sys.executable, __file__, call, json.dumps(arguments)],
        env={**os.environ, **limits, "PYTHONPATH": where},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return Sample(*json.loads(done.stdout.splitlines()[-1]))


def freshly(call: str, *arguments: Any, threads: int = 1) -> Work:
    """Return `fresh` of these as a call for `alternate`."""
    return partial(fresh, call, *arguments, threads=threads)


def peak() -> float:
    """Return the most memory that this process has held, in MiB."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:  # not Linux, where bytes are counted
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    # Not ru_maxrss, which begins with what the process held that started this one.
    (kib,) = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
    return int(kib) / 1024


def ratios(row: Row, of: str = "wall") -> list[float]:
    """Return how often ours goes into plain, for every pair that was timed side by side."""
    pairs = zip(row.ours, row.plain, strict=True)
    return [getattr(p, of) / row.plain_each / (getattr(o, of) / row.each) for o, p in pairs]


HEAD = ("what", "ours", "processor", "plain", "processor", "ratio", "threads", "peak MiB, ours / plain")


def cells(row: Row) -> list[str]:
    """Return a row as texts under `HEAD`: medians with [least to most], seconds by the clock and of the processor."""
    unit = f", {row.unit}" if row.unit else ""
    target = "" if row.target is None else f" (target {_number(row.target)} s)"
    ours = _seconds([s.wall / row.each for s in row.ours]) + target
    texts = [row.what + unit, ours, _seconds([s.cpu / row.each for s in row.ours])]
    if row.plain:
        texts += [_seconds([getattr(s, of) / row.plain_each for s in row.plain]) for of in ("wall", "cpu")]
        texts.append(_spread(ratios(row), " times"))
    else:
        texts += ["", "", ""]
    peaks = [median(s.peak for s in samples) for samples in (row.ours, row.plain) if samples]
    memory = " / ".join(f"{value:.0f}" for value in peaks if value == value)
    return [*texts, str(row.threads), memory]


def _seconds(values: Sequence[float]) -> str:
    return _spread(values, " s")


def _spread(values: Sequence[float], unit: str) -> str:
    if len(values) == 1:
        return f"{_number(values[0])}{unit}"
    return f"{_number(median(values))}{unit} [{_number(min(values))} to {_number(max(values))}]"


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def run_part(
    doc: str | None,
    rows: Callable[[argparse.Namespace], Sequence[Any]],
    repeats: int = 5,
    head: Sequence[str] = HEAD,
) -> None:
    """Print the rows of a part as a table, lists of cells under another head: what `python PART.py` does."""
    from _common import data_options, markdown, prepare

    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    data_options(parser)
    parser.add_argument("--repeats", type=int, default=repeats, help=f"times each; default: {repeats}")
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that it runs")
    args = parser.parse_args()
    prepare(args.data, args.home)
    found = [cells(row) if isinstance(row, Row) else row for row in rows(args)]
    load = os.getloadavg()[0]
    print(
        f"Python {platform.python_version()}, {os.cpu_count()} cores, load average at the end {load:.1f}.\n"
    )
    print(markdown(head, found))


def _processor() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _main() -> None:
    call, arguments = sys.argv[1:]
    sys.path.insert(0, str(HERE))
    module, name = call.split(":")
    function = getattr(import_module(module), name)
    work = partial(function, *json.loads(arguments))
    if getattr(function, "prepares", False):
        work = work()
    sample = clock(work)
    print(json.dumps([sample.wall, sample.cpu, peak()]))


def prepares(function: Callable[..., Work]) -> Callable[..., Work]:
    """Mark a function that returns the call to time, for `fresh`."""
    function.prepares = True  # type: ignore[attr-defined]
    return function


if __name__ == "__main__":
    _main()
