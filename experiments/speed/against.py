"""Run commands that users run on two versions of the package, by turns: what a piece of code is worth, or cost.

    python experiments/speed/against.py BEFORE [--job gradients] [--repeats 5] [--data FOLDER]

BEFORE is a commit, checked out into a temporary folder; it is held against the working tree. Every run is a new process
of one thread on a new data directory, so nothing is read from a cache. Each version runs once untimed, so that compiled
functions are there. The ratios are medians over pairs of neighbours: above 1 the commit takes more than the working tree.

CONTRIBUTING.md says which code was deleted or kept by these figures, and against which commit.
"""

from __future__ import annotations

import argparse
import os
import resource
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median

sys.path += [str(Path(__file__).parent), str(Path(__file__).parents[1])]
from _common import data_options, markdown, prepare, say
from _measure import THREADS, Sample, alternate

HERE = Path(__file__).resolve().parents[2]
SIX = "grad_norm,snip,grasp,fisher,jacob_cov,synflow(estimator=sampled)"
SCORE = "score --sample 16 --benchmark nasbench201 --no-cache --json --dataset"
CELL = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|"
JOBS = {
    "gradients": f"{SCORE} mnist1d --proxies '{SIX}'",
    "images": f"{SCORE} cifar10 --proxies '{SIX}'",
    "heaviest": f"score '{CELL}' --dataset cifar10 --no-cache --json --proxies '{SIX}'",
    "grasp": f"{SCORE} cifar10 --proxies grasp",
    "epsilon": "score --all --no-cache --json --proxies epsilon",
    "synflow": "score --all --no-cache --json --proxies synflow",
    "ae": "run ae --warmup 3000 --scorer synflow --move synflow --no-cache --json --overwrite --out a.jsonl",
    "rl": "run rl --warmup 3000 --scorer synflow --move synflow --no-cache --json --overwrite --out a.jsonl",
    "start": "list strategies --json",
}
"""Arguments of the command `nassearch`."""


@contextmanager
def checkout(commit: str) -> Iterator[Path]:
    """Yield a temporary folder with the files of a commit."""
    with tempfile.TemporaryDirectory(prefix="nassearch-before-") as name:
        archive = subprocess.run(["git", "-C", HERE, "archive", commit], stdout=subprocess.PIPE, check=True)
        subprocess.run(["tar", "-x", "-C", name], input=archive.stdout, check=True)
        yield Path(name)


def run(tree: Path, job: str, home: Path) -> Sample:
    """Run a command by the package in a folder; return seconds by the clock and of the processor, and peak memory."""
    with tempfile.TemporaryDirectory(prefix="nassearch-") as data:
        shutil.copytree(home, data, dirs_exist_ok=True)
        start = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "nassearch", *shlex.split(job)],
            cwd=data,
            env={
                **os.environ,
                **dict.fromkeys(THREADS, "1"),
                "NASSEARCH_DATA": data,
                "PYTHONPATH": str(tree),
            },
            stdout=subprocess.DEVNULL,
        )
        used: resource.struct_rusage
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"nassearch {job} fails in {tree}")
    # Begins with what this process holds, which is less: it never imports torch.
    return Sample(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    data_options(parser)
    parser.add_argument("before", help="a commit")
    parser.add_argument("--job", choices=JOBS, nargs="+", default=["gradients"])
    parser.add_argument("--repeats", type=int, default=5, help="pairs; default: 5")
    args = parser.parse_args()
    home = prepare(args.data, args.home)
    rows = []
    with checkout(args.before) as tree:
        for name in args.job:
            works = [partial(run, folder, JOBS[name], home) for folder in (tree, HERE)]
            for work in works:
                work()
            before, after = alternate(*works, repeats=args.repeats)
            row = [name]
            for kind, unit in (("wall", "s"), ("cpu", "s"), ("peak", "MiB")):
                pairs = [(getattr(b, kind), getattr(a, kind)) for b, a in zip(before, after, strict=True)]
                old, new = (median(values) for values in zip(*pairs, strict=True))
                row.append(f"{old:.4g} / {new:.4g} {unit}, {median(b / a for b, a in pairs):.2f}")
            rows.append(row)
            say(" | ".join(row))
    load = os.getloadavg()[0]
    print(
        f"{args.before} / working tree, ratio; {os.cpu_count()} cores, load average at the end {load:.1f}.\n"
    )
    print(markdown(("job", "by the clock", "processor", "peak memory"), rows))


if __name__ == "__main__":
    main()
