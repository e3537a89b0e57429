"""What is kept in memory after a module has been scored: one small module after the other, by each proxy alone.

    python experiments/speed/leaks.py [--models 300] [--proxies naswot fisher ...] [--out FILE]

Each proxy scores in a process of its own. The memory of the process after a tenth of the models, in which allocator and caches
settle, is held against that at the end. A pass over one of these modules makes 21 MiB of signals, which is what a proxy
that let nothing go would add for each.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import warnings
from pathlib import Path

import _measure  # noqa: F401 - puts the folder of _common on the path

from nassearch import registry

PAGE = 4096


def resident() -> float:
    """Return the memory of this process, in MiB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE / 2**20


def growth(proxies: list[str], models: int) -> float:
    """Score so many modules by proxies, and return by how many MiB the process grows with each."""
    import numpy as np
    import torch
    from torch import nn

    import nassearch

    def module(seed: int) -> nn.Module:
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10),
        )  # fmt: skip

    rng = np.random.default_rng(0)
    batch = rng.normal(size=(64, 3, 32, 32)).astype(np.float32), np.arange(64) % 10
    before, settled = 0.0, max(2, models // 10)
    for number in range(settled + models):
        if number == settled:
            before = resident()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of those that have no score for a module
            nassearch.score(module(number), batch, proxies)
    return (resident() - before) / models


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", type=int, default=300)
    parser.add_argument("--proxies", nargs="+", help="default: every one that scores modules")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help="write the table here too")
    args = parser.parse_args()
    if args.one is not None:
        print(growth([args.one], args.models))
        return
    from _common import markdown, show

    rows = []
    for name in args.proxies or registry.names("proxies"):
        command = [sys.executable, __file__, "--models", str(args.models), "--one", name]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        rows.append(
            [f"`{name}`", f"{float(done.stdout):.3f}" if done.returncode == 0 else done.stderr.strip()[-80:]]
        )
        print(*rows[-1], flush=True)
    text = markdown(["proxy", f"MiB a module, over {args.models}"], rows)
    show(text, args.out)


if __name__ == "__main__":
    main()
