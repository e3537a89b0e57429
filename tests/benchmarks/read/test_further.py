"""Sheets of further metrics: what is read, and what is refused."""

from __future__ import annotations

import gzip
import math
from pathlib import Path

import numpy as np
import pytest

from nassearch.benchmarks.nasbench201 import NASBench201Benchmark
from nassearch.benchmarks.read.further import holds_metrics, import_metrics
from nassearch.errors import BadData, InvalidSetting, UnknownName
from nassearch.spaces.edge_cells import EDGES
from nassearch.spaces.nasbench201 import NASLIB_OPS, NASBench201

SPACE = NASBench201()


def naslib(arch: tuple[int, ...]) -> str:
    """Return the numbers by which NASLib writes a cell."""
    by_edge = dict(zip(EDGES, arch, strict=True))
    return str(tuple(NASLIB_OPS.index(by_edge[edge]) for edge in sorted(EDGES)))


def sheet(path: Path, rows: list[str], header: str = "net,edgegpu_latency,fpga_energy") -> Path:
    with gzip.open(path, "wt") as file:
        file.write("\n".join([header, *rows]) + "\n")
    return path


ROWS = [
    f'"{naslib(arch)}",{place + 1},{"-1" if place == 3 else 0.5}' for place, arch in enumerate(SPACE.all())
]


def test_numbers_of_naslib_are_read(tmp_path: Path) -> None:
    path = sheet(tmp_path / "hw.csv.gz", ROWS[::-1])
    assert holds_metrics(NASBench201Benchmark, path)
    made = import_metrics(NASBench201Benchmark, path, "cifar10")
    assert (made.metrics, made.ranges, made.written) == (
        ("edgegpu_latency", "fpga_energy"),
        ((1.0, 15625.0), (0.5, 0.5)),
        True,
    )
    assert not import_metrics(NASBench201Benchmark, path, "cifar10").written
    with np.load(made.path) as found:
        assert found["edgegpu_latency"].tolist() == list(range(1, 15626))
        assert math.isnan(found["fpga_energy"][3]) and np.isfinite(found["fpga_energy"]).sum() == 15624


def test_names_of_columns_may_be_in_capitals(tmp_path: Path) -> None:
    path = sheet(tmp_path / "hw.csv.gz", [f"{row},x" for row in ROWS], "NET,EdgeGPU_Latency,FPGA_ENERGY,Note")
    assert holds_metrics(NASBench201Benchmark, path)
    made = import_metrics(NASBench201Benchmark, path, "cifar10", {"arch": "Net"})
    assert (made.metrics, made.ignored) == (("edgegpu_latency", "fpga_energy"), ("Note",))
    twice = sheet(tmp_path / "twice.csv.gz", ROWS, "net,fpga_energy,FPGA_Energy")
    with pytest.raises(BadData, match="two columns are called 'fpga_energy'"):
        import_metrics(NASBench201Benchmark, twice, "cifar10")


def test_other_values_need_force(tmp_path: Path) -> None:
    import_metrics(NASBench201Benchmark, sheet(tmp_path / "one.csv.gz", ROWS), "cifar10")
    other = sheet(tmp_path / "two.csv.gz", [row.replace(",0.5", ",0.6") for row in ROWS])
    with pytest.raises(InvalidSetting, match="other values of fpga_energy; nothing was written"):
        import_metrics(NASBench201Benchmark, other, "cifar10")
    assert import_metrics(NASBench201Benchmark, other, "cifar10", force=True).written
    more = sheet(
        tmp_path / "three.csv.gz", [f"{row.rpartition(',')[0]}" for row in ROWS], "net,raspi4_latency"
    )
    made = import_metrics(NASBench201Benchmark, more, "cifar10")
    with np.load(made.path) as found:
        assert {"edgegpu_latency", "fpga_energy", "raspi4_latency"} <= set(found.files)


@pytest.mark.parametrize(
    ("rows", "header", "met"),
    [
        (ROWS[1:], None, "lacks 1 of the 15625 architectures"),
        ([*ROWS, ROWS[0]], None, "is there twice"),
        (['"(1, 2, 3)",1,1', *ROWS], None, "six numbers from 0 to 4"),
        (
            [ROWS[0].replace(",1,", ",fast,"), *ROWS[1:]],
            None,
            "edgegpu_latency is a finite number of at least 0, not 'fast'",
        ),
        ([ROWS[0].replace(",1,", ",inf,"), *ROWS[1:]], None, "not 'inf'"),
        ([ROWS[0].replace(",1,", ",-2,"), *ROWS[1:]], None, "not '-2'"),
        ([f"{row.rpartition(',')[0]},-1" for row in ROWS], None, "no value of fpga_energy"),
        (ROWS, "cell,edgegpu_latency,fpga_energy", "no column of architectures"),
        (ROWS, "net,speed,power", "no column of metrics"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, rows: list[str], header: str | None, met: str) -> None:
    path = sheet(tmp_path / "hw.csv.gz", rows, *([header] if header else []))
    with pytest.raises(BadData, match=met):
        import_metrics(NASBench201Benchmark, path, "cifar10")
    assert not NASBench201Benchmark.metrics_path("cifar10").exists()


def test_other_files_are_not_taken_for_metrics(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="cifar11"):
        import_metrics(NASBench201Benchmark, sheet(tmp_path / "hw.csv.gz", ROWS), "cifar11")
    trainings = sheet(tmp_path / "t.csv.gz", [], "arch,cifar10/valid/200,cifar10/test/200,edgegpu_latency")
    damaged = tmp_path / "damaged.csv.gz"
    damaged.write_bytes(b"\x1f\x8bnothing")
    for path in (trainings, damaged, tmp_path, tmp_path / "nowhere.csv"):
        assert not holds_metrics(NASBench201Benchmark, path)


def test_real_latencies(real_data: Path) -> None:
    path = real_data / "hw_nas/hw_cifar10.csv.gz"
    if not path.exists():
        pytest.skip("no latencies there")
    made = import_metrics(NASBench201Benchmark, path, "cifar10")
    assert len(made.metrics) == 10 and not made.ignored
    with np.load(made.path) as found:
        place = SPACE.index(SPACE.from_naslib((4, 3, 3, 0, 0, 0)))  # the first row of the file
        assert found["edgegpu_latency"][place] == 5.807418537139893
        assert int(np.isnan(found["edgetpu_latency"]).sum()) == 4699
