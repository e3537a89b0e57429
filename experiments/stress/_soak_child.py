"""A command under observation: it writes down each unit of work as it begins, and can kill itself at a file operation.

    python _soak_child.py PLAN.json COMMAND...

PLAN.json holds `trace` (file for the units), `life` (number of the process), `place` (folder whose operations count), `die_at` (number of the operation
at which it sends itself SIGKILL, 0 for never) and `spoil` (lose what was told to be kept, to see that the soak notices).
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

MEMBERS = 128
"""Networks of the made-up folder of NATS-Bench."""
OPERATIONS = ("open", "os.rename", "os.remove", "os.truncate", "os.mkdir", "sqlite3.connect")


def scores(jobs: Any, item: tuple[int, list[Any]]) -> list[str]:
    """Name the scores of a chunk as the cache does: by key, or by text for proxies that tell isomorphic cells apart."""
    space, _, requests = jobs[item[0]]
    names = {True: space.key, False: space.format}
    return [
        f"{proxy.name} {names[proxy.is_per_key(options)](arch)}"
        for proxy, options, _ in requests
        for arch in item[1]
    ]


FUNCTIONS: dict[str, tuple[str, str, Callable[..., list[str]]]] = {
    # kind of unit: module, function that works some off, names of what a call works off
    "round": ("nassearch.search.runner", "run_round", lambda benchmark, make, budget, seed, number, warmup: [str(number)]),
    "rounds": ("nassearch.search.runner", "_run_batch", lambda *args: [str(number) for number in args[-1]]),
    "score": ("nassearch.scorers.compute", "_score_chunk", scores),
    "group": ("nassearch.benchmarks.build.building", "run_unit", lambda unit, **_: [f"{unit.seed} {unit.first}"]),
    "member": ("nassearch.benchmarks.read.formats.nats", "_read_member", lambda file, origin, *_: [origin]),
}  # fmt: skip


class Trace:
    """Lines of (life, kind, units) in a file; the number of the life tells orphans of a killed process from the next."""

    def __init__(self, path: str, life: int) -> None:
        self.path, self.life = path, life

    def write(self, kind: str, units: list[str]) -> None:
        """Append a line in one go, from whichever process."""
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(descriptor, json.dumps([self.life, kind, units]).encode() + b"\n")
        os.close(descriptor)


class Traced:
    """A function that writes down what it is called for. Worker processes import the original by its name."""

    def __init__(self, trace: Trace, kind: str) -> None:
        self.trace, self.kind = trace, kind
        self.module, self.name, self.units = FUNCTIONS[kind]
        self.function = getattr(import_module(self.module), self.name)

    def __reduce__(self) -> Any:
        return Traced, (self.trace, self.kind)

    def __call__(self, *args: Any, **options: Any) -> Any:
        self.trace.write(self.kind, self.units(*args, **options))
        return self.function(*args, **options)


def trace_all(trace: Trace, args: list[str]) -> None:
    """Put `Traced` functions in place of those that this command works by."""
    kinds = {"run": ["round", "score"], "bench build": ["group"], "bench import": ["member"]}
    chosen = kinds.get(" ".join(args[:2]), kinds.get(args[0], ["score"]))
    for kind in chosen:
        kind += "s" * (kind == "round" and "--workers" in args)
        traced = Traced(trace, kind)
        setattr(import_module(traced.module), traced.name, traced)
    if "score" in chosen:
        trace_kept(trace)


def trace_kept(trace: Trace) -> None:
    """Write down rounds and scores once they are said to be kept; scores that workers keep themselves are left out."""
    from nassearch.scorers.cache.scores import ScoreCache
    from nassearch.search.store import Store

    append, put = Store.append, ScoreCache.put

    def appended(self: Store, finished: Any) -> None:
        append(self, finished)
        trace.write("kept", [str(finished.round)])

    def stored(self: ScoreCache, values: Any) -> None:
        put(self, values)
        proxy = json.loads(self.context)["proxy"]
        trace.write("kept", [f"{proxy} {key}" for key in values])

    Store.append, ScoreCache.put = appended, stored  # type: ignore[method-assign]


def watch_files(trace: Trace, place: str, die_at: int) -> None:
    """Count operations on files below a place; kill this process at one of them, or write down at the end how many."""
    seen, main = [0], os.getpid()

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if (
            event not in OPERATIONS
            or os.getpid() != main
            or not isinstance(args[0], str | bytes | os.PathLike)
        ):
            return
        path = os.path.abspath(os.fsdecode(args[0]))
        if path.startswith(place) and path != trace.path:
            seen[0] += 1
            if seen[0] == die_at:
                os.kill(main, signal.SIGKILL)

    sys.addaudithook(hook)
    atexit.register(lambda: trace.write("operations", [str(seen[0])]))


def spoil() -> None:
    """Make the product lose work, as it would if it kept lines and scores back in memory."""
    from nassearch.benchmarks.worklog import WorkLog
    from nassearch.scorers.cache.scores import ScoreCache
    from nassearch.search.store import Store

    held: dict[int, list[Any]] = {}

    def late(function: Callable[[Any, Any], None], of: int) -> Callable[[Any, Any], None]:
        def held_back(self: Any, value: Any) -> None:
            waiting = held.setdefault(id(self), [])
            waiting.append(value)
            if len(waiting) == of:
                for each in waiting:
                    function(self, each)
                waiting.clear()

        return held_back

    def closing(self: Store) -> None:
        for line in held.pop(id(self), []):
            write_line(self, line)
        close(self)

    write_line, close = Store._write, Store.close
    Store._write, Store.close = late(write_line, 8), closing  # type: ignore[method-assign]
    ScoreCache.put = lambda self, scores: None  # type: ignore[method-assign]
    WorkLog._write = late(WorkLog._write, 4)  # type: ignore[method-assign]


def small_build() -> None:
    """Leave of `bench build` the cells without 3x3 operations, 40 examples and one epoch."""
    from nassearch.benchmarks.build import building, mnist1d
    from nassearch.benchmarks.nasbench201 import NASBench201Benchmark
    from nassearch.spaces.nasbench201 import NASBench201
    from nassearch.training.loop import Training

    class Without3x3(NASBench201):
        def all(self) -> Iterator[tuple[int, ...]]:
            return (arch for arch in super().all() if 3 not in arch and 4 not in arch)

    Without3x3.size = len(list(Without3x3().all()))
    NASBench201Benchmark.make_space = classmethod(lambda cls, dataset=None: Without3x3())  # type: ignore
    sizes = dict.fromkeys(("train", "valid", "test"), 40)
    mnist1d.RECIPE = replace(mnist1d.RECIPE, sizes=sizes, training=Training(epochs=1, batch_size=20), group=2)
    building.time = SimpleNamespace(perf_counter=lambda: 0.0)  # seconds of training are in the table


def small_space() -> None:
    """Leave of NATS size the networks that the made-up folder holds."""
    from nassearch.benchmarks.nats_size import NATSSizeBenchmark
    from nassearch.spaces.nats_size import NATSSize

    widths = NATSSize.choices[0]
    some = (widths[:1], widths[:1], widths[: MEMBERS // 64], widths, widths)
    part = type("Part", (NATSSize,), {"choices": some})
    NATSSizeBenchmark.make_space = classmethod(lambda cls, dataset=None: part())  # type: ignore[method-assign]


def main() -> None:
    plan, args = json.loads(Path(sys.argv[1]).read_text()), sys.argv[2:]
    trace = Trace(plan["trace"], plan["life"])
    watch_files(trace, plan["place"], plan["die_at"])
    if args[:2] == ["bench", "build"]:
        small_build()
    if args[:3] == ["bench", "import", "nats-size"]:
        small_space()
    if plan["spoil"]:
        spoil()
    trace_all(trace, args)
    from nassearch.cli import main as command

    sys.argv[1:] = args
    command()


if __name__ == "__main__":
    from _soak_child import main as importable  # workers import classes by this name, not from __main__

    importable()
