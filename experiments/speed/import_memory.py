"""Memory and time of reading NAS-Bench-201's official file, on a made-up one of the same structure.

    python experiments/speed/import_memory.py --size 780 [--zip] [--keep FILE]

The file is written with the classes of the official package (`pip install nas-bench-201`), which hold the loss, the
accuracy and the seconds of every epoch: 200 on four data sets for one to three seeds, and 12. The real one has 15,625
architectures, 4.7 GB and one pickle in torch's format from before version 1.6; `--zip` writes the newer one. Each way
of reading runs in a process of its own. Processor seconds; memory is the highest resident size, and what importing the
libraries takes is given apart.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1]))  # for _common
from _common import markdown, say

SETS = {
    "cifar10-valid": ("x-valid", "ori-test"),
    "cifar10": ("ori-test",),
    "cifar100": ("ori-test", "x-valid", "x-test"),
    "ImageNet16-120": ("ori-test", "x-valid", "x-test"),
}
SEEDS = (888, 777, 999)
REAL_SIZE = 15_625
WAYS = ("torch.load", "official API", "nassearch")


def write(path: Path, size: int, zipped: bool = False) -> None:
    """Write a file of so many architectures, all numbers drawn at random."""
    import torch
    from nas_201_api.api_utils import ArchResults

    from nassearch.spaces.nasbench201 import NASBench201

    rng, space = random.Random(0), NASBench201()
    names = [space.format(arch) for arch in space.all()]
    infos = {}
    for index, name in enumerate(names[:size]):
        full, less = ArchResults(index, name), ArchResults(index, name)
        # As published: 14 % of the architectures with one seed, 35 % with two, 51 % with three.
        for seed in SEEDS[: rng.choices((1, 2, 3), (14, 35, 51))[0]]:
            for dataset in SETS:
                full.update(dataset, seed, _result(rng, dataset, name, seed, 200))
        for dataset, seed in [*((dataset, 777) for dataset in SETS), ("cifar10-valid", 111)]:
            less.update(dataset, seed, _result(rng, dataset, name, seed, 12))
        infos[index] = {"full": full.state_dict(), "less": less.state_dict()}
    whole = {"meta_archs": names, "total_archs": len(names), "basestr": "C16-N5", "arch2infos": infos}
    whole["evaluated_indexes"] = set(range(size))
    torch.save(whole, path, _use_new_zipfile_serialization=zipped)


def _result(rng: random.Random, dataset: str, arch: str, seed: int, epochs: int) -> Any:
    from nas_201_api.api_utils import ResultsCount

    def column(keys: Any) -> dict[Any, float]:
        return {key: 100 * rng.random() for key in keys}

    keys = [f"{name}@{epoch}" for name in SETS[dataset] for epoch in range(epochs)]
    top1, top5, losses, seconds = (column(range(epochs)) for _ in range(4))
    config = {"channel": 16, "num_cells": 5, "arch_str": arch, "class_num": 10}
    result = ResultsCount(dataset, None, top1, losses, 0.8, 120.5, config, str(seed), epochs, None)
    result.update_train_info(top1, top5, losses, seconds)
    result.update_eval(column(keys), column(keys), column(keys))
    result.update_latency([rng.random()])
    return result


def read(way: str, path: Path) -> int:
    """Read the file in one way and return the number of architectures."""
    if way == "torch.load":
        import torch

        return len(torch.load(path, map_location="cpu", weights_only=False)["arch2infos"])
    if way == "official API":
        from nas_201_api import NASBench201API

        return len(NASBench201API(str(path), verbose=False).arch2infos_dict)
    from nassearch.benchmarks.read.formats.base import Reading
    from nassearch.benchmarks.read.formats.nasbench201_pth import NASBench201File
    from nassearch.spaces.nasbench201 import NASBench201

    return len(list(NASBench201File().read(path, Reading(NASBench201()))))


def measure(way: str, path: Path) -> dict[str, float]:
    """Return what reading costs this process."""
    if way != "nassearch":
        import nas_201_api  # noqa: F401

    base, start = peak(), time.process_time()
    count = read(way, path)
    return {"architectures": count, "seconds": time.process_time() - start, "base": base, "peak": peak()}


def peak() -> float:
    """Return the highest resident size of this process so far, in MB."""
    # Not getrusage: its figure is inherited from the process that started this one.
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def child(*arguments: str) -> str:
    return subprocess.run(
        [sys.executable, __file__, *arguments], check=True, stdout=subprocess.PIPE, text=True
    ).stdout


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=int, default=REAL_SIZE // 20, help="architectures in the file")
    parser.add_argument("--zip", action="store_true", help="torch's newer format")
    parser.add_argument("--keep", type=Path, help="write the file here, or use the one that is there")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS)
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        way, path = args.child
        if way == "write":
            write(Path(path), args.size, args.zip)
        else:
            print(json.dumps(measure(way, Path(path))))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = args.keep or Path(folder) / "made-up.pth"
        if not path.exists():
            say(f"writing {args.size} architectures")
            child("--size", str(args.size), *(["--zip"] if args.zip else []), "--child", "write", str(path))
        megabytes, rows = path.stat().st_size / 1e6, []
        for way in args.ways:
            say(way)
            found = json.loads(child("--child", way, str(path)))
            scale = REAL_SIZE / found["architectures"]
            grown = found["peak"] - found["base"]
            rows.append(
                [
                    way,
                    found["seconds"],
                    megabytes / found["seconds"],
                    found["peak"],
                    grown,
                    grown * scale / 1000,
                ]
            )
        head = [
            "way",
            "seconds",
            "MB/s",
            "peak MB",
            "of it for the file",
            f"GB for {REAL_SIZE:,} at this rate",
        ]
        print(f"{found['architectures']} architectures, {megabytes:.0f} MB\n\n{markdown(head, rows)}")


if __name__ == "__main__":
    main()
