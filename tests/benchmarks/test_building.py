"""Building the embedded benchmark: its data, its work file, its resumption, and the table that is shipped."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from commands import call

pytest.importorskip("numba", reason="building needs nassearch[build]")
pytest.importorskip("mnist1d", reason="building needs nassearch[build]")

from nassearch.benchmarks.build import building, mnist1d
from nassearch.benchmarks.build.building import (
    Recipe,
    WorkFile,
    collect,
    representatives,
    train_space,
    units,
)
from nassearch.benchmarks.nasbench201 import NASBench201Benchmark
from nassearch.errors import BadData
from nassearch.networks.counting import parameters
from nassearch.spaces.nasbench201 import NASBench201
from nassearch.training.loop import Training, train
from nassearch.types import Arch, Batch

SPACE = NASBench201()
ARCHS = [(3, 1, 3, 2, 4, 3), (0, 0, 0, 1, 0, 0), (2, 3, 0, 0, 3, 4), (1, 1, 1, 1, 1, 1), (4, 4, 4, 4, 4, 4)]
TINY = Recipe(
    mnist1d.RECIPE.task,
    Training(epochs=1, batch_size=32),
    sizes={"train": 100, "valid": 50, "test": 100},
    seeds=2,
    group=2,
)


@pytest.fixture(scope="module")
def splits() -> dict[str, Batch]:
    return mnist1d.splits(TINY)


def built(path: Path, splits: dict[str, Batch], recipe: Recipe = TINY) -> dict[str, np.ndarray]:
    work = WorkFile(path, recipe, ARCHS)
    train_space(SPACE, ARCHS, recipe, splits, work)
    return collect(ARCHS, recipe, work)


def same(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> bool:
    return all(np.array_equal(a[name], b[name]) for name in ("valid", "test"))


def test_splits_are_balanced_apart_and_leave_the_global_generators_alone() -> None:
    np.random.seed(3)
    random.seed(3)
    before = np.random.get_state()[1].copy(), random.getstate()
    train_set, test = mnist1d.split("train", 100), mnist1d.split("test", 100)
    assert np.array_equal(before[0], np.random.get_state()[1]) and before[1] == random.getstate()
    assert train_set.inputs.shape == (100, 1, 40) and train_set.inputs.dtype == np.float32
    assert np.array_equal(np.bincount(train_set.labels), [10] * 10)
    assert train_set.digest() == mnist1d.split("train", 100).digest() != test.digest()
    assert not (set(map(bytes, train_set.inputs)) & set(map(bytes, test.inputs)))


def test_one_representative_per_key_without_dead_layers() -> None:
    archs = representatives(SPACE, parameters, TINY.task)
    assert len(archs) == 4930 == len({SPACE.key(arch) for arch in archs})
    assert archs == sorted(archs)
    cheapest: dict[str, int] = {}
    for arch in SPACE.all():
        count = parameters(SPACE.network(arch, TINY.task))
        cheapest[SPACE.key(arch)] = min(count, cheapest.get(SPACE.key(arch), count))
    assert all(parameters(SPACE.network(arch, TINY.task)) == cheapest[SPACE.key(arch)] for arch in archs)


def test_a_build_does_not_depend_on_grouping_or_interruption(
    tmp_path: Path, splits: dict[str, Batch]
) -> None:
    whole = built(tmp_path / "whole.jsonl", splits)
    assert whole["test"].shape == (2, 5)
    assert same(whole, built(tmp_path / "groups.jsonl", splits, replace(TINY, group=3)))
    lines = (tmp_path / "whole.jsonl").read_bytes().splitlines(keepends=True)
    torn = tmp_path / "torn.jsonl"
    torn.write_bytes(b"".join(lines[:3]) + lines[3][:20])  # killed while it wrote the third unit
    again = built(torn, splits)
    assert same(whole, again)
    assert torn.read_bytes().splitlines()[:3] == [line.rstrip() for line in lines[:3]]  # nothing done twice


def test_more_seeds_continue_a_build(tmp_path: Path, splits: dict[str, Batch]) -> None:
    path = tmp_path / "work.jsonl"
    one = built(path, splits, replace(TINY, seeds=1))
    two = built(path, splits)
    assert np.array_equal(one["test"][0], two["test"][0])
    assert np.array_equal(built(path, splits, replace(TINY, seeds=1))["test"], one["test"])


def test_other_recipes_and_other_files_are_refused(tmp_path: Path, splits: dict[str, Batch]) -> None:
    path = tmp_path / "work.jsonl"
    built(path, splits)
    with pytest.raises(BadData, match="another recipe"):
        WorkFile(path, replace(TINY, training=Training(epochs=2)), ARCHS)
    with pytest.raises(BadData, match="another list of architectures"):
        WorkFile(path, TINY, ARCHS[::-1])
    path.write_text('{"no": "recipe"}\nnot json\n')
    with pytest.raises(BadData, match="not a work file"):
        WorkFile(path, TINY, ARCHS)


def test_an_unfinished_build_gives_no_table(tmp_path: Path) -> None:
    with pytest.raises(BadData, match="10 of 10 trainings are not done yet"):
        collect(ARCHS, TINY, WorkFile(tmp_path / "work.jsonl", TINY, ARCHS))


def test_kill_and_resume(tmp_path: Path, splits: dict[str, Batch]) -> None:
    script = textwrap.dedent("""
        import sys
        from pathlib import Path
        sys.path[:0] = sys.argv[2:]
        from test_building import *
        splits = mnist1d.splits(TINY)
        while True:
            built(Path(sys.argv[1]), splits)
            print("done", flush=True)
    """)
    path = tmp_path / "work.jsonl"
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(path), str(Path(__file__).parent), *sys.path]
    )
    deadline = time.monotonic() + 120
    while not path.exists() or path.read_bytes().count(b"\n") < 3:
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert same(built(path, splits), built(tmp_path / "undisturbed.jsonl", splits))
    keys = [(line["seed"], line["first"]) for line in map(json.loads, path.read_text().splitlines()[1:])]
    assert keys == [(unit.seed, unit.first) for unit in units(ARCHS, TINY)]


class Pools(NASBench201):
    """The cells of none, skip and pooling, which train in no time."""

    def all(self) -> Iterator[Arch]:
        return (arch for arch in super().all() if set(arch) <= {0, 1, 4})

    @property
    def size(self) -> int:
        return 3**6


@pytest.fixture
def small_build(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `bench build` train these on 40 examples, one at a time, in no measurable time."""
    monkeypatch.setattr(NASBench201Benchmark, "make_space", classmethod(lambda cls, dataset=None: Pools()))
    sizes = dict.fromkeys(("train", "valid", "test"), 40)
    training = Training(epochs=1, batch_size=40)
    monkeypatch.setattr(mnist1d, "RECIPE", replace(mnist1d.RECIPE, sizes=sizes, training=training, group=1))
    monkeypatch.setattr(building, "time", SimpleNamespace(perf_counter=lambda: 0.0))


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.usefixtures("small_build")
def test_a_build_on_a_full_disk_goes_on_once_there_is_room(
    small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = ["bench", "build", "--seeds", "1", "--out"]
    assert call(*line, tmp_path / "whole").exit_code == 0
    whole = files(tmp_path / "whole")
    work, table, batch = "nasbench201-mnist1d.work.jsonl", "nasbench201-mnist1d.npz", "mnist1d-batch.npz"
    assert whole.keys() == {work, table, batch}
    pages = {name: -(-len(content) // 4096) for name, content in whole.items()}
    assert pages[work] > 1
    trained: list[Arch] = []
    run_unit = building.run_unit
    monkeypatch.setattr(
        building, "run_unit", lambda unit, **more: trained.extend(unit.archs) or run_unit(unit, **more)
    )
    out, ballast = small_disk / "out", small_disk / "ballast"
    # Room for half of the work, for all of it, and for the table too.
    stages = (pages[work] // 2, work), (pages[work], table), (pages[work] + pages[table], batch)
    for room, stopped_at in stages:
        used = sum(-(-path.stat().st_size // 4096) for path in out.glob("*"))
        ballast.write_bytes(bytes(os.statvfs(small_disk).f_bavail * 4096 - 4096 * (room - used)))
        result = call(*line, out)
        assert (result.exit_code, result.stdout) == (1, "")
        assert f"{out / stopped_at} cannot be written: No space left on device" in result.stderr
        assert "make room" in result.stderr and result.stderr.startswith("nassearch: ")
        left = files(out)
        assert left.keys() == {work}  # the table and the batch come together
        assert whole[work].startswith(left[work]) and left[work].endswith(b"\n")
        ballast.unlink()
    assert call(*line, out).exit_code == 0
    assert files(out) == whole
    assert len(trained) == len(set(trained)) + 1  # the one whose line did not fit is trained twice


def test_the_recipe_is_that_of_the_shipped_table() -> None:
    info = NASBench201Benchmark.open("mnist1d").info()
    assert info["meta"]["recipe"] == {**mnist1d.RECIPE.as_dict(), "seeds": info["seeds"]}


@pytest.mark.slow
def test_retrained_architectures_agree_with_the_shipped_table() -> None:
    """Twenty architectures trained anew, by the torch program and from seeds of their own, against the table."""
    benchmark = NASBench201Benchmark.open("mnist1d")
    recipe = Recipe(**{**mnist1d.RECIPE.__dict__, "engine": "grouped"})
    data = mnist1d.splits(recipe)
    archs = benchmark.space.sample_many(20, np.random.default_rng(0))
    networks = [benchmark.space.network(arch, recipe.task) for arch in archs]
    held_out = {"test": data["test"]}
    anew = train(networks, list(range(1000, 1020)), 1000, recipe.training, data["train"], held_out)["test"]
    table = benchmark.table
    rows = [table.rows[benchmark.space.index(arch)] for arch in archs]
    seeds = table.test.shape[0]
    noise = np.sqrt(table.test.var(axis=0, ddof=1).mean())
    difference = (anew - table.test[:, rows].mean(axis=0)) / (noise * np.sqrt(1 + 1 / seeds))
    # Were they draws of one distribution, the mean of 20 would pass 3.9 standard errors once in 10,000 runs.
    assert abs(difference.mean()) < 3.9 / np.sqrt(20)
    # The noise differs between architectures and has long tails, so a single one may be far off; half may not.
    assert np.median(abs(difference)) < 1.5
