"""What the experiments share: the data, imported from its raw files, and tables."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from nassearch.benchmarks.nasbench201 import NASBench201Benchmark
from nassearch.benchmarks.read.importing import import_file

DATASETS = ("cifar10", "cifar100", "ImageNet16-120")
GREY = "ImageNet16-120"
"""The data set whose images are not at hand: epsilon looks at 256 solid greys of 16x16 in their place."""


def data_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data",
        type=Path,
        help="folder with nasbench201/nasbench201.csv.gz and images/{cifar10,cifar100}.npz",
    )
    parser.add_argument(
        "--home", type=Path, help="keep imported tables and scores here; default: a temporary folder"
    )


def prepare(data: Path | None, home: Path | None, epochs: int = 200) -> Path:
    """Import tables and batches into a data directory of these experiments, and make it the one in use."""
    path = Path(tempfile.mkdtemp(prefix="nassearch-")) if home is None else home
    os.environ["NASSEARCH_DATA"] = str(path.absolute())
    if data is None:
        return path
    table = data / "nasbench201" / "nasbench201.csv.gz"
    if not all(NASBench201Benchmark.table_path(name).exists() for name in DATASETS):
        import_file(NASBench201Benchmark, table, epochs=epochs)
    for name in DATASETS:
        images = data / "images" / f"{name}.npz"
        if images.exists() and not NASBench201Benchmark.batch_path(name).exists():
            NASBench201Benchmark.import_batch(images, name)
    return path


def markdown(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a Markdown table; numbers with two digits, None as `never`."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(map(cell, row)) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def cell(value: object) -> str:
    if value is None:
        return "never"
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def show(text: str, out: Path | None) -> None:
    """Print a page, and write it to a file where one is named."""
    print(text)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
