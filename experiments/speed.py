"""Times beside their targets, each part measured in one go.

    python experiments/speed.py [--data FOLDER] [--only ae startup] [--out FILE]

Parts: `ae`, 100 rounds x 300 models on cached scores; `growth`, how that grows; `learners`, the same of `rl` and `bp`; `synflow`, the whole space;
`epsilon`, per architecture; `oracle`, opening and asking the tables; `startup`, `nassearch --help`; `first`, the
first command of the README in an empty data directory; `training`, the engines of `nassearch bench build`. Wall time is what the targets are about; processor time (all
processes) beside it says how much of it another program on the machine may have cost. Without --data, what needs it
is left out.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from _common import data_options, markdown, prepare, say

from nassearch.benchmarks.nasbench201 import MNIST1D_TASK, NASBench201Benchmark
from nassearch.experiment import Experiment, Outcome, open_batch
from nassearch.networks.training import Training, train
from nassearch.proxies.epsilon import epsilon as proxy
from nassearch.runner import run_rounds
from nassearch.scorers import ProxyScorer, build_scorer
from nassearch.strategies.ae import AgingEvolution
from nassearch.types import Batch

Rows = list[list[object]]
QUERIES = 30_000
WEIGHTS = (1e-7, 1.0)


def clock(work: Callable[[], Any]) -> tuple[float, float]:
    """Return wall and processor seconds of a call; the latter with child processes that have ended."""
    before, start = processor(), time.perf_counter()
    work()
    return time.perf_counter() - start, processor() - before


def processor() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def medians(work: Callable[[], Any], repeats: int) -> tuple[float, float]:
    wall, cpu = np.median([clock(work) for _ in range(repeats)], axis=0).tolist()
    return wall, cpu


UNKNOWN = float("nan")
"""Processor time of worker processes that live on: the system tells it only once they end."""


def row(what: str, seconds: tuple[float, float], target: float | None = None, per: int = 1) -> list[object]:
    wall, cpu = (value / per for value in seconds)
    met = "" if target is None else ("yes" if wall <= target else f"no, {wall / target:.2f} times")
    return [
        what,
        f"{wall:.3g} s",
        "" if np.isnan(cpu) else f"{cpu:.3g} s",
        "" if target is None else f"{target:g} s",
        met,
    ]


def python(code: str) -> tuple[float, float]:
    """Run code in a process of its own; return the wall and processor seconds that it prints."""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    wall, cpu = map(float, done.stdout.split())
    return wall, cpu


def dataset() -> str:
    return "cifar100" if "cifar100" in NASBench201Benchmark.installed() else "mnist1d"


def searches(rounds: int, budget: int) -> Callable[[], Any]:
    """Return 100 rounds of the guided search as a call, benchmark open and scores in memory."""
    oracle = NASBench201Benchmark.open(dataset())
    scorer = build_scorer("synflow", oracle.space, oracle.dataset.task)
    scorer(list(oracle.space.all()))
    make = partial(AgingEvolution, oracle.space)
    return lambda: list(run_rounds(oracle, make, budget, 0, range(rounds), (scorer, 3000)))


def ae(args: argparse.Namespace) -> Rows:
    name = f"AE, warm-up 3000, 100 rounds x 300 models, {dataset()}"
    experiment = Experiment("ae", dataset=dataset(), warmup=3000, scorer="synflow")
    experiment.run()  # fills the score cache
    outcomes: dict[int, Outcome] = {}

    def run(workers: int) -> None:
        outcomes[workers] = experiment.run(workers=workers)

    def same(a: Outcome, b: Outcome) -> bool:
        pairs = zip(a.rounds, b.rounds, strict=True)
        return all(x.archs == y.archs and x.valid.tobytes() == y.valid.tobytes() for x, y in pairs)

    rows = [
        row(f"{name}, scores in memory, 1 worker", medians(searches(100, 300), args.repeats), 1.0),
        row("the same, scores read from the cache file, 1 worker", medians(lambda: run(1), args.repeats)),
        row("the same, 2 workers", (medians(lambda: run(2), args.repeats)[0], UNKNOWN)),
    ]
    equal = "identical" if same(outcomes[1], outcomes[2]) else "DIFFERENT"
    return [
        *rows,
        ["results of 1 and 2 workers", equal, "", "identical", "yes" if equal == "identical" else "no"],
    ]


def learners(args: argparse.Namespace) -> Rows:
    """Time the strategies that learn, once for each number of workers."""
    rows: Rows = []
    for strategy, warmup, budget, target in (
        ("rl", 3000, 300, 60.0),
        ("bp", 0, 100, 900.0),
        ("bp", 512, 100, 900.0),
    ):
        experiment = Experiment(strategy, dataset=dataset(), warmup=warmup, scorer="synflow", budget=budget)
        for workers in (1, 2):
            wall, cpu = clock(partial(experiment.run, workers=workers))
            what = f"{strategy}, warm-up {warmup}, 100 rounds x {budget} models, {workers} workers"
            rows.append(row(what, (wall, cpu if workers == 1 else UNKNOWN), target))
    return rows


def growth(args: argparse.Namespace) -> Rows:
    rows: Rows = []
    for what, sizes in (
        ("rounds, at 300 models", [(n, 300) for n in (30, 100, 300, 1000)]),
        ("models, in 30 rounds", [(30, n) for n in (300, 1000, 3000, 10000)]),
    ):
        seconds = [clock(searches(*size))[1] for size in sizes]
        counts = [size[0] if what.startswith("rounds") else size[1] for size in sizes]
        exponent = float(np.polyfit(np.log(counts), np.log(seconds), 1)[0])
        listed = ", ".join(f"{n}: {s:.2f}" for n, s in zip(counts, seconds, strict=True))
        rows.append([f"AE, warm-up 3000, time by {what}: exponent {exponent:.2f}", "", f"{listed} s", "", ""])
    return rows


def synflow(args: argparse.Namespace) -> Rows:
    code = (
        "import time; from nassearch.scorers import build_scorer;"
        "from nassearch.benchmarks.nasbench201 import NASBench201Benchmark as B;"
        "start, cpu = time.perf_counter(), time.process_time(); space = B.make_space();"
        "build_scorer('synflow', space, B.datasets()['cifar10'].task)(list(space.all()));"
        "print(time.perf_counter() - start, time.process_time() - cpu)"
    )
    runs: list[tuple[float, float]] = []
    whole = medians(lambda: runs.append(python(code)), args.repeats)
    wall, cpu = np.median(runs, axis=0).tolist()
    return [
        row("expected synflow, all 15,625, nothing cached, in a fresh process", (wall, cpu), 5.0),
        row("the same with starting the process", whole),
    ]


def epsilon(args: argparse.Namespace) -> Rows:
    if args.data is None:
        return [["epsilon", "left out: it needs --data", "", "", ""]]
    space, task = NASBench201Benchmark.make_space(), NASBench201Benchmark.datasets()["cifar10"].task
    batch = open_batch(None, NASBench201Benchmark, "cifar10", "epsilon")
    draws = space.sample_many(400, np.random.default_rng(0))
    archs = list({space.key(arch): arch for arch in draws}.values())[: args.archs]

    def score(archs: list[Any], workers: int = 1, **options: Any) -> None:
        ProxyScorer(proxy, space, task, batch, options, workers=workers)(archs)

    score(archs[:2])
    score(archs[:32], workers=2)  # starts the workers
    few = archs[: args.full]
    rows = [
        row(f"epsilon, batch 256 of 32x32, both weights, per architecture ({len(archs)}), 2 workers",
            (clock(lambda: score(archs, workers=2))[0], UNKNOWN), 0.08, len(archs)),
        row("the same, 1 worker", clock(lambda: score(archs)), None, len(archs)),
    ]  # fmt: skip
    collapsed, full = clock(lambda: score(few)), clock(lambda: score(few, path="full"))
    rows.append(row(f"the same, 1 worker, {len(few)} of them", collapsed, None, len(few)))
    rows.append(row("the same on the full-width path, torch on all cores", full, None, len(few)))
    ratio = full[1] / collapsed[1]
    return [*rows, ["full width over one channel, processor time", "", f"{ratio:.0f} times", "", ""]]


def oracle(args: argparse.Namespace) -> Rows:
    rows = []
    for name in NASBench201Benchmark.installed():
        benchmark, rng = NASBench201Benchmark.open(name), np.random.default_rng(0)
        archs = benchmark.space.sample_many(QUERIES, rng)
        opening = medians(lambda name=name: NASBench201Benchmark.open(name), args.repeats)
        asking = medians(lambda b=benchmark, a=archs, r=rng: [b.query(arch, r) for arch in a], args.repeats)
        rows.append(row(f"open the {name} table", opening, 0.3))
        rows.append(row(f"one query of {name}", asking, None, QUERIES))
    return rows


def startup(args: argparse.Namespace) -> Rows:
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "check": True}
    rows = []
    for what, command, target in (
        ("nassearch --help, median of 10 processes", ["-m", "nassearch", "--help"], 0.5),
        ("for comparison: python importing numpy", ["-c", "import numpy"], None),
    ):
        rows.append(
            row(what, medians(lambda c=command: subprocess.run([sys.executable, *c], **quiet), 10), target)
        )
    return rows


def first(args: argparse.Namespace) -> Rows:
    command = [sys.executable, "-m", "nassearch", "run", "ae", "--warmup", "3000", "--move", "epsilon"]
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "NASSEARCH_DATA": f"{folder}/data"}
        path = [str(Path(__file__).resolve().parents[1]), os.environ.get("PYTHONPATH", "")]
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, path))
        call = partial(
            subprocess.run, command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, check=True
        )
        cold = clock(call)
        again = clock(partial(subprocess.run, [*command, "--seed", "1"], **call.keywords))
    return [
        row("nassearch run ae --warmup 3000 --move epsilon, nothing cached", cold, 60.0),
        row("the same with --seed 1 afterwards, scores cached", again),
    ]


def training(args: argparse.Namespace) -> Rows:
    """Train random cells of the embedded benchmark by its recipe, on noise in place of signals."""
    task, space, rng = MNIST1D_TASK, NASBench201Benchmark.make_space(), np.random.default_rng(0)
    noise = {
        n: Batch(rng.standard_normal((n, *task.input_shape)).astype(np.float32), rng.integers(10, size=n))
        for n in (5_000, 15_000)
    }
    networks = [space.network(arch, task) for arch in space.sample_many(40, rng)]
    rows = []
    for engine, count in (("compiled", len(networks)), ("grouped", len(networks)), ("grouped", 1)):
        work = partial(
            train,
            networks[:count],
            range(count),
            0,
            Training(),
            noise[5_000],
            {"": noise[15_000]},
            engine=engine,
        )
        if engine == "compiled":
            work()  # compiles
        rows.append(
            row(f"train and evaluate a network, {engine}, {count} together, each", clock(work), per=count)
        )
    return rows


PARTS: dict[str, Callable[[argparse.Namespace], Rows]] = {
    "ae": ae,
    "learners": learners,
    "growth": growth,
    "synflow": synflow,
    "epsilon": epsilon,
    "oracle": oracle,
    "startup": startup,
    "first": first,
    "training": training,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    data_options(parser)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--archs", type=int, default=96, help="architectures for epsilon")
    parser.add_argument("--full", type=int, default=4, help="of them on the full-width path")
    parser.add_argument("--out", type=Path, help="write the table here too")
    args = parser.parse_args()
    prepare(args.data, args.home)
    cores, load = os.cpu_count(), os.getloadavg()[0]
    rows: Rows = []
    for name in args.only:
        say(name)
        rows += (found := PARTS[name](args))
        say("\n".join(" | ".join(map(str, one)) for one in found))
    where = f"Python {platform.python_version()}, {cores} cores, load average at the start {load:.1f}, "
    text = where + f"medians of {args.repeats} where repeated.\n\n"
    text += markdown(["what", "wall", "processor", "target", "met"], rows)
    print(text)
    if args.out is not None:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(text)


if __name__ == "__main__":
    main()
