"""Trainings of NAS-Bench-301 from made-up files in the published layout, and from sheets of genotypes."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from genotypes import V2

import nassearch as ns
from nassearch.benchmarks import NASBench301Benchmark
from nassearch.benchmarks.read.importing import import_file
from nassearch.errors import BadData, InvalidArch, InvalidSetting, NassearchError
from nassearch.spaces import Darts
from nassearch.spaces.darts.cells import OPS
from nassearch.spaces.darts.texts import PREFIX
from nassearch.types import Arch

SPACE = Darts()
ARCHS = SPACE.sample_many(12, np.random.default_rng(4))


def training(arch: Arch, valid: object, test: object, **changes: Any) -> dict[str, Any]:
    """Return a file as Auto-PyTorch wrote it."""
    settings: dict[str, Any] = {
        f"{PREFIX}init_channels": 32,
        f"{PREFIX}layers": 8,
        f"{PREFIX}auxiliary": "True",
        "OptimizerSelector:optimizer": "sgd",
    }
    for kind, edges in zip(("normal", "reduce"), SPACE.edges(arch), strict=True):
        start = 0
        for node, pair in enumerate(edges):
            settings |= {f"{PREFIX}edge_{kind}_{start + source}": OPS[op] for source, op in pair}
            if node:
                settings[f"{PREFIX}inputs_node_{kind}_{node + 2}"] = "_".join(
                    str(source) for source, _ in pair
                )
            start += 2 + node
    found = {
        "optimized_hyperparamater_config": settings | changes.pop("settings", {}),
        "budget": 98.0,
        "info": [{"train_accuracy": 95.0, "val_accuracy": valid, "model_parameters": 1}],
        "test_accuracy": test,
        "runtime": 3600,
    }
    return found | changes


def usual() -> dict[str, object]:
    """Return files by name: two trainings of the first genotype, and some that are to be left out."""
    files: dict[str, object] = {
        f"nb_301/rs/run_{n}/results_fidelity_0/results_{n}.json": training(arch, 90.0 + n, 91.0 + n)
        for n, arch in enumerate(ARCHS[:8])
    }
    files["nb_301/de/results_fidelity_0/again.json"] = training(ARCHS[0], 92.5, 93.0, runtime=1800.5)
    files["nb_301/other/large.json"] = training(ARCHS[8], 97.0, 97.0, settings={f"{PREFIX}layers": 20})
    files["nb_301/other/short.json"] = training(ARCHS[8], 80.0, 80.0, budget=12)
    files["nb_301/other/failed.json"] = training(ARCHS[9], None, 80.0)
    files["nb_301/configspace.json"] = {"hyperparameters": []}
    return files


def write(path: Path, files: Mapping[str, object]) -> Path:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content if isinstance(content, str) else json.dumps(content))
        return path
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(content if isinstance(content, str) else json.dumps(content))
    return path


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NASSEARCH_DATA", str(tmp_path / "home"))


@pytest.mark.parametrize("name", ["nb_301.zip", "unpacked"])
def test_an_archive_and_its_folder_are_one_table(name: str, tmp_path: Path) -> None:
    report = import_file(NASBench301Benchmark, write(tmp_path / name, usual()))
    (table,) = report.tables
    assert (table.architectures, table.trainings, table.seconds) == (8, 9, True)
    assert dict(report.dropped) == {
        "trainings of other networks than 32 channels and 8 cells": 1,
        "trainings without both accuracies and a number of epochs": 1,
        "JSON files that are no trainings": 1,
        "trainings of another number of epochs than 98": 1,
    }
    bench = NASBench301Benchmark.open()
    assert set(bench.space.all()) == set(ARCHS[:8]) and bench.validated and bench.tested
    found = {bench.query(ARCHS[0], np.random.default_rng(seed)) for seed in range(20)}
    assert {(m.valid, m.test, m.seconds) for m in found} == {(90.0, 92.0, 3600.0), (92.5, 92.0, 1800.5)}
    assert bench.query(ARCHS[7], np.random.default_rng(0)).valid == 97.0
    with pytest.raises(InvalidArch, match="one of the 8 genotypes of its list"):
        bench.query(ARCHS[8], np.random.default_rng(0))


def test_shorter_trainings_and_single_files(tmp_path: Path) -> None:
    path = write(tmp_path / "a.zip", usual())
    (table,) = import_file(NASBench301Benchmark, path, epochs=12).tables
    assert (table.architectures, table.best_test) == (1, 80.0)
    with pytest.raises(InvalidSetting, match="trainings of 12, 98 epochs, none of 50"):
        import_file(NASBench301Benchmark, path, epochs=50)
    single = tmp_path / "results_0.json"
    single.write_text(json.dumps(training(ARCHS[3], 93.1, 92.9)))
    (table,) = import_file(NASBench301Benchmark, single, force=True).tables
    assert (table.architectures, table.best_valid) == (1, 93.1)


def test_fractions_are_no_percent(tmp_path: Path) -> None:
    files: dict[str, object] = {f"{n}.json": training(arch, 0.9, 0.91) for n, arch in enumerate(ARCHS[:3])}
    with pytest.raises(
        BadData, match="look like fractions and percent is expected; the file is not as it was"
    ):
        import_file(NASBench301Benchmark, write(tmp_path / "a.zip", files))
    assert not NASBench301Benchmark.installed()


def test_a_search_goes_through_the_list(tmp_path: Path) -> None:
    import_file(NASBench301Benchmark, write(tmp_path / "a.zip", usual()))
    search = ns.Experiment("ls", benchmark="nasbench301", budget=6, rounds=2, warmup=5, scorer="params")
    result = search.run(tmp_path / "result.jsonl")
    assert all(set(each.archs) <= set(ARCHS[:8]) for each in result.rounds)


def test_a_sheet_of_genotypes(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    rows = [f'"{SPACE.format(arch)}",cifar10,{80 + n},{81 + n},{n}' for n, arch in enumerate(ARCHS)]
    path.write_text("\n".join(["arch,dataset,valid,test,seconds", *rows, f'"{V2}",cifar10,97,96,5', ""]))
    (table,) = import_file(NASBench301Benchmark, path).tables
    assert (table.architectures, table.best_test) == (13, 96.0)
    assert NASBench301Benchmark.open().query(SPACE.parse(V2), np.random.default_rng(0)).seconds == 5


def changed(**changes: Any) -> Callable[[], dict[str, Any]]:
    return lambda: training(ARCHS[0], 90.0, 91.0, **changes)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (
            changed(settings={f"{PREFIX}edge_normal_0": "none"}),
            "'none' in the normal cell is not an operation",
        ),
        (
            changed(settings={f"{PREFIX}edge_normal_0": "__import__('os').system('touch here')"}),
            "is not an operation",
        ),
        (changed(settings={f"{PREFIX}edge_normal_0": 3}), "3 in the normal cell is not an operation"),
        (changed(settings={f"{PREFIX}edge_reduce_99": "skip_connect"}), "is no edge"),
        (changed(settings={f"{PREFIX}edge_normal_\u0660": "skip_connect"}), "is no edge"),
        (changed(settings={f"{PREFIX}inputs_node_normal_3": "7_9"}), "inputs_node_normal_3 is '7_9'"),
        (changed(info=[]), "info is not a list of what was measured"),
        (changed(info="x" * 100), "info is .* not of type list"),
        (changed(test_accuracy="91"), "test_accuracy is '91', not a number"),
        (changed(test_accuracy=True), "test_accuracy is True, not a number"),
        (changed(test_accuracy=10**400), "test_accuracy is .*not a number"),
        (changed(test_accuracy=1e9), "test goes from"),
        (changed(runtime=-5), "seconds are finite and not negative"),
        (changed(optimized_hyperparamater_config=[]), "is .* not of type dict"),
        (lambda: '{"optimized_hyperparamater_config": ' + "[" * 100_000, "is not JSON"),
        (lambda: '{"optimized_hyperparamater_config": {}, "test_accuracy": Infinity', "is not JSON"),
        (lambda: '["optimized_hyperparamater_config"]', "is not a JSON object"),
        (lambda: '{"optimized_hyperparamater_config": {}}' + " " * (1 << 20), "has more than 1048576 bytes"),
    ],
)
def test_damaged_files_say_where_and_write_nothing(
    make: Callable[[], object], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = write(tmp_path / "a.zip", usual() | {"nb_301/rs/bad.json": make()})
    with pytest.raises(BadData, match=words):
        import_file(NASBench301Benchmark, path)
    assert not NASBench301Benchmark.installed() and not (tmp_path / "here").exists()


def test_archives_that_are_cut_or_hold_nothing(tmp_path: Path) -> None:
    whole = write(tmp_path / "a.zip", usual()).read_bytes()
    cut = tmp_path / "cut.zip"
    for length in (0, 10, len(whole) // 2, len(whole) - 4):
        cut.write_bytes(whole[:length])
        with pytest.raises(NassearchError):
            import_file(NASBench301Benchmark, cut)
    empty = write(tmp_path / "empty.zip", {"readme.txt": "none"})
    with pytest.raises(NassearchError):
        import_file(NASBench301Benchmark, empty)
