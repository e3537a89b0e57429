"""The table of speeds: every part of this folder but the GPU's, one after the other, in one run.

    python experiments/speed/table.py --data FOLDER [--only epsilon search] [--out FILE] [--quick]

FOLDER is described in experiments/README.md. Times are medians [least to most] of samples that ours and plain take by
turns; the ratio is of wall times unless a part says otherwise. About 40 minutes on 2 cores; `gpu.py` has a command of its
own.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from importlib import import_module
from pathlib import Path

import _measure

REPEATS = {
    "epsilon": 3, "synflow": 3, "gradients": 3, "search": 7, "learners": 1, "commands": 5, "training": 3, "growth": 1,
}  # fmt: skip
"""The parts in order, and how often each is timed."""


def main() -> None:
    from _common import data_options, markdown, prepare, say

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    data_options(parser)
    parser.add_argument("--only", nargs="+", choices=REPEATS, default=list(REPEATS), metavar="PART")
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that it runs")
    parser.add_argument("--out", type=Path, help="write the table here too, part by part")
    args = parser.parse_args()
    prepare(args.data, args.home)
    text = ""
    for name in args.only:
        part, load, start = import_module(name), os.getloadavg()[0], time.monotonic()
        args.repeats = 1 if args.quick else REPEATS[name]
        found = part.lines(args) if hasattr(part, "lines") else map(_measure.cells, part.rows(args))
        table = markdown(getattr(part, "HEAD", _measure.HEAD), list(found))
        where = f"Python {platform.python_version()}, {os.cpu_count()} cores, load average before {load:.1f}"
        text += f"### {name}\n\n{where}; took {time.monotonic() - start:.0f} s.\n\n{table}\n"
        say(text.rpartition("### ")[2])
        if args.out is not None:
            args.out.parent.mkdir(parents=True, exist_ok=True)
            args.out.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
