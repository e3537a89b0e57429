"""TransNAS-Bench-101's file and sheets: a table for each task, and nothing in a file runs."""

from __future__ import annotations

import math
import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import call

from nassearch.benchmarks import TransNASMacroBenchmark, TransNASMicroBenchmark
from nassearch.benchmarks.read.formats.base import Reading, Training
from nassearch.benchmarks.read.formats.transnas import METRICS, TransNASFile
from nassearch.benchmarks.read.importing import import_file
from nassearch.benchmarks.read.layout import find_layout
from nassearch.errors import BadData, InvalidSetting
from nassearch.search.quantity import Quantity
from nassearch.spaces import TransNASMacro, TransNASMicro

MICRO, MACRO = TransNASMicro(), TransNASMacro()
CELL, SKELETON = "64-41414-1_02_333", "64-1234-basic"


def training(task: str, **curves: list[Any]) -> dict[str, Any]:
    """Return what the file holds of one training, as the authors' interface reads it."""
    metric = METRICS[task]
    sign = -1 if task == "room_layout" else 1
    made = {f"{part}_{metric}": [sign * 0.1, sign * value] for part, value in (("valid", 0.3), ("test", 0.4))}
    if task == "segmentsemantic":
        made |= {"valid_acc": [90.0, 94.0], "test_acc": [90.0, 95.0]}
    made |= {f"train_{metric}": [0.0, 1.0], "time_elapsed": [100.0, 200.0], **curves}
    info = {"inference_time": 0.1, "encoder_params": 22.5, "model_params": 22.5}
    return {"encoder_str": CELL, "total_epochs": 2, "model_info": info, "metrics": made}


def whole(micro: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "metrics_dict": {task: [f"valid_{metric}", f"test_{metric}"] for task, metric in METRICS.items()},
        "info_names": ["inference_time", "encoder_params"],
        "task_list": list(METRICS),
        "data": {
            "macro": {SKELETON: {task: training(task) for task in METRICS}},
            "micro": micro if micro is not None else {CELL: {task: training(task) for task in METRICS}},
        },
    }


def saved(value: Any, path: Path, zipped: bool = True) -> Path:
    """Write as torch does since version 1.6, or as it did before."""
    if zipped:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("archive/data.pkl", pickle.dumps(value, protocol=2))
            archive.writestr("archive/version", "3\n")
    else:
        torch = pytest.importorskip("torch")
        torch.save(value, path, _use_new_zipfile_serialization=False)
    return path


def read(path: Path, kind: str = "micro") -> list[Training]:
    space = MICRO if kind == "micro" else MACRO
    fmt = TransNASFile(kind, {"segmentsemantic": "acc"} if kind == "macro" else None)
    assert fmt.recognises(path)
    return [each for _, found in fmt.read(path, Reading(space)) for each in found]


@pytest.mark.parametrize("zipped", [True, False])
def test_the_last_epoch_of_every_task(tmp_path: Path, zipped: bool) -> None:
    path = saved(whole(), tmp_path / "transnas.pth", zipped)
    found = {each.dataset: each for each in read(path)}
    assert found.keys() == METRICS.keys()
    assert found["jigsaw"] == Training(MICRO.parse(CELL), "jigsaw", 0, 0.3, 0.4, 200.0)
    assert (found["room_layout"].valid, found["room_layout"].test) == (-0.3, -0.4)
    assert (found["segmentsemantic"].valid, found["segmentsemantic"].test) == (0.3, 0.4)
    macro = {each.dataset: each for each in read(path, "macro")}
    assert macro["segmentsemantic"][:1] == (MACRO.parse(SKELETON),)
    assert (macro["segmentsemantic"].valid, macro["segmentsemantic"].test) == (94.0, 95.0)


def test_other_files_are_not_taken_for_it(tmp_path: Path) -> None:
    path = saved({"meta_archs": ["|nor_conv_3x3~0|+"]}, tmp_path / "other.pth")
    assert not TransNASFile("micro").recognises(path)
    assert not TransNASFile("micro").recognises(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({CELL: {"jigsaw": training("normal")}}, "has no valid_top1 and test_top1 for jigsaw"),
        ({CELL: {"jigsaw": training("jigsaw", valid_top1=[])}}, "has no valid_top1"),
        ({CELL: {"jigsaw": training("jigsaw", valid_top1=["9"])}}, "has no valid_top1"),
        ({CELL: {"jigsaw": training("jigsaw", valid_top1=5)}}, "has no valid_top1"),  # type: ignore[arg-type]
        ({CELL: {"jigsaw": {"metrics": [1]}}}, "the metrics of a training are"),
        ({CELL: {"jigsaw": 3}}, "has no valid_top1"),
        ({CELL: [1]}, "is no architecture with its tasks"),
        ({5: {}}, "is no architecture with its tasks"),
        ({"64-41414-1_02_334": {"jigsaw": training("jigsaw")}}, "'4' in"),
        (5, "holds no data of the space micro"),
    ],
)
def test_content_that_is_not_what_it_should_be(tmp_path: Path, content: Any, message: str) -> None:
    with pytest.raises(BadData, match=message):
        read(saved(whole(content), tmp_path / "transnas.pth"))


@pytest.mark.parametrize("seconds", [None, "1 h", -1.0, math.nan])
def test_times_that_are_none_are_unknown(tmp_path: Path, seconds: Any) -> None:
    content = {CELL: {"jigsaw": training("jigsaw", time_elapsed=[seconds])}}
    (only,) = read(saved(whole(content), tmp_path / "transnas.pth"))
    assert math.isnan(only.seconds)


@pytest.mark.parametrize("value", [10**400, -(10**400), math.inf, -math.inf])
def test_infinite_values_end_the_import(tmp_path: Path, value: Any) -> None:
    content = {CELL: {"jigsaw": training("jigsaw", test_top1=[value])}}
    path = saved(whole(content), tmp_path / "transnas.pth")
    with pytest.raises(BadData, match="which is not finite"):
        import_file(TransNASMicroBenchmark, path)


def test_other_epochs_and_half_a_space(tmp_path: Path) -> None:
    path = saved(whole(), tmp_path / "transnas.pth")
    with pytest.raises(InvalidSetting, match="leave epochs out"):
        import_file(TransNASMicroBenchmark, path, epochs=1)
    with pytest.raises(
        BadData, match="lacks 4095 of the 4096 architectures of transnas-micro for class_scene"
    ):
        import_file(TransNASMicroBenchmark, path)


def test_any_truncation_is_refused(tmp_path: Path) -> None:
    path = saved(whole(), tmp_path / "transnas.pth", zipped=False)
    content = path.read_bytes()
    for cut in np.linspace(0, len(content) - 1, 40).astype(int).tolist():
        path.write_bytes(content[:cut])
        with pytest.raises(BadData):
            import_file(TransNASMicroBenchmark, path)


class Payload:
    """Code that leaves a mark where it runs."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return os.mkdir, (str(self.marker),)


def test_nothing_in_a_file_runs(tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    pickle.loads(pickle.dumps(Payload(marker)))
    marker.rmdir()  # so it would have
    content = {CELL: {"jigsaw": training("jigsaw", valid_top1=[Payload(marker)])}}
    path = saved(whole(content), tmp_path / "transnas.pth")
    with pytest.raises(BadData, match="reading data must not run code"):
        import_file(TransNASMicroBenchmark, path)
    assert not marker.exists()


def sheet(path: Path, columns: str, row: str) -> Path:
    path.write_text("\n".join([columns, *(row.format(arch=MACRO.format(arch)) for arch in MACRO.all())]))
    return path


def test_skeletons_without_test_values_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    sheet(tmp_path / "macro.csv", "arch,task,valid", "{arch},room_layout,-0.5")
    shown = call("bench", "import", "transnas-macro", "macro.csv")
    assert "best valid -0.5" in shown.output
    assert "room_layout: test values: none published" in " ".join(shown.output.split())
    benchmark = TransNASMacroBenchmark.open("room_layout")
    assert (benchmark.validated, benchmark.tested) == (True, False)
    assert "test" in benchmark.info()
    quantity = Quantity.of(benchmark)
    assert quantity.metrics("test", "valid") == ("valid", "valid")
    assert quantity.fields()["untested"] is True
    args = ("--benchmark", "transnas-macro", "--dataset", "room_layout")
    shown = call("run", "rand", *args, "--rounds", "2", "--budget", "5", "--out", "a.jsonl")
    assert "validation negative loss (negated squared error) of the best so far by validation" in shown.output
    assert "there are no test values" in shown.output
    assert "there are no test values" in call("compare", "a.jsonl").output
    assert "validation negative loss at the end: -0.5" in call("show", "a.jsonl").output
    shown = call("correlate", *args, "--sample", "20", "--proxies", "params", "--no-cache")
    assert "mean valid negative loss" in shown.output


def test_skeletons_with_test_values_have_them(tmp_path: Path) -> None:
    path = sheet(tmp_path / "macro.csv", "arch,task,valid,test", "{arch},jigsaw,50,60")
    (made,) = import_file(TransNASMacroBenchmark, path).tables
    assert (made.validated, made.tested, made.best_valid, made.best_test) == (True, True, 50, 60)


def test_one_column_for_both_is_what_it_was_not_mapped_to() -> None:
    datasets = TransNASMacroBenchmark.datasets()
    columns = ["arch", "dataset", "valid", "test"]
    assert find_layout(columns, datasets).groups[0].only is None
    assert find_layout(columns, datasets, {"test": "valid"}).groups[0].only == "valid"
    assert find_layout(columns, datasets, {"valid": "test"}).groups[0].only == "test"
    both = {"valid": "acc", "test": "acc"}
    assert find_layout(["arch", "dataset", "acc"], datasets, both).groups[0].only == "test"
    wide = ["arch", "jigsaw/valid/10"]
    (group,) = find_layout(wide, datasets, {"jigsaw/test": "jigsaw/valid/10"}, epochs=10).groups
    assert group.only == "valid"
