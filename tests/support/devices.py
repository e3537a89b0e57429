"""Made-up devices of the embedded benchmark: what each cell costs on them, as a data set declares it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from nassearch.benchmarks.base import Metric
from nassearch.benchmarks.nasbench201 import NASBench201Benchmark
from nassearch.benchmarks.read.further import import_metrics
from nassearch.spaces.nasbench201 import NASBench201
from nassearch.types import Arch

SPACE = NASBench201()
DEVICE = (
    Metric("toy_latency", "latency on a toy", "ms"),
    Metric("toy_energy", "energy on a toy", "mJ"),
    Metric("toy_comfort", "comfort of a toy", "stars", higher_is_better=True, decimals=1),
)
DATASETS = NASBench201Benchmark.datasets()


def latency(arch: Arch) -> float:
    return 1.0 + sum((0, 0.5, 2, 5, 1)[option] for option in arch)


def comfort(arch: Arch) -> float:
    return 6.0 - arch.count(0)


def declare_devices(
    monkeypatch: pytest.MonkeyPatch, folder: Path, metrics: tuple[Metric, ...] = DEVICE
) -> Path:
    """Declare devices on MNIST-1D, import their metrics, and return the sheet that they come from."""
    declared = {**DATASETS, "mnist1d": replace(DATASETS["mnist1d"], metrics=metrics)}
    monkeypatch.setattr(NASBench201Benchmark, "datasets", classmethod(lambda cls: declared))
    sheet = folder / "device.csv"
    rows = [
        f'"{SPACE.format(arch)}",{latency(arch)},{"-1" if arch[0] == 4 else sum(arch) + 1},{comfort(arch)},x'
        for arch in SPACE.all()
    ]
    sheet.write_text("\n".join(["arch,toy_latency,toy_energy,toy_comfort,remark", *rows]) + "\n")
    import_metrics(NASBench201Benchmark, sheet, "mnist1d")
    return sheet
