"""Benchmarks on tables: the contract, the file, what a query says, batches."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nassearch import registry
from nassearch.benchmarks import nasbench201
from nassearch.benchmarks.base import Dataset
from nassearch.benchmarks.batches import KINDS, load_batch, save_batch, synthetic_batch
from nassearch.benchmarks.nasbench201 import MNIST1D_TASK, NASBench201Benchmark
from nassearch.benchmarks.npz import read_npz, write_npz
from nassearch.benchmarks.table import Table
from nassearch.errors import BadData, InvalidArch, InvalidSetting, MissingData, NassearchError, UnknownName
from nassearch.spaces.nasbench201 import NASBench201
from nassearch.testing import BenchmarkContract
from nassearch.types import Batch, Task

SPACE = NASBench201()
ARCHS = list(SPACE.all())
KEYED = list({SPACE.key(arch): arch for arch in ARCHS}.values())
SEEDS = 3


def make_table(name: str, by_key: bool, seeds: int, seconds: bool = True) -> Table:
    """Make up a whole table; every number differs from every other."""
    archs, rng = (KEYED if by_key else ARCHS), np.random.default_rng(len(name))
    valid, test, took = rng.uniform(1, 99, (3, seeds, len(archs)))
    dataset = NASBench201Benchmark.datasets()[name]
    return Table.build(
        SPACE, dataset, archs, valid, test, took if seconds else None, by_key=by_key, origin="made up"
    )


TABLES = {
    "mnist1d": make_table("mnist1d", by_key=True, seeds=SEEDS),
    "cifar10": make_table("cifar10", by_key=False, seeds=1),
    "cifar100": make_table("cifar100", by_key=False, seeds=SEEDS),
    "ImageNet16-120": make_table("ImageNet16-120", by_key=False, seeds=1, seconds=False),
}


@pytest.fixture
def embedded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the package's own files lie in an empty folder."""
    monkeypatch.setattr(nasbench201, "embedded", lambda name: tmp_path / "embedded" / name)
    return tmp_path / "embedded"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Write the tables once; the tests put copies where they are looked for."""
    path = tmp_path_factory.mktemp("tables") / "table.npz"
    contents = {}
    for name, table in TABLES.items():
        table.save(path)
        contents[name] = path.read_bytes()
    return contents


@pytest.fixture
def installed(embedded: Path, files: dict[str, bytes]) -> None:
    """Install a made-up table for every data set, and a batch for those that have one."""
    for name, content in files.items():
        path = NASBench201Benchmark.table_path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    for name in ("mnist1d", "cifar10"):
        task = NASBench201Benchmark.datasets()[name].task
        save_batch(NASBench201Benchmark.batch_path(name), synthetic_batch("normal", task, 8))


class TestNASBench201(BenchmarkContract):
    @pytest.fixture(params=list(TABLES))
    def benchmark(self, request: pytest.FixtureRequest, installed: None) -> NASBench201Benchmark:
        return NASBench201Benchmark.open(request.param)


@pytest.mark.parametrize("name", registry.names("benchmarks"))
def test_every_registered_benchmark_declares_itself(name: str) -> None:
    benchmark = registry.load("benchmarks", name)
    assert benchmark.name == name
    assert all(dataset.name == key and dataset.note for key, dataset in benchmark.datasets().items())
    with pytest.raises(UnknownName):
        benchmark.open("no such data set")


def test_data_sets_of_nasbench201() -> None:
    datasets = NASBench201Benchmark.datasets()
    assert list(datasets) == ["mnist1d", "cifar10", "cifar100", "ImageNet16-120"]
    assert datasets["mnist1d"].task == MNIST1D_TASK
    assert datasets["ImageNet16-120"].task == Task((3, 16, 16), 120)
    assert "cifar10-valid" in datasets["cifar10"].note
    assert list(NASBench201Benchmark.importable()) == ["cifar10", "cifar100", "ImageNet16-120"]


def test_opens_the_embedded_one_by_default(installed: None) -> None:
    assert NASBench201Benchmark.open().dataset.name == "mnist1d"
    assert NASBench201Benchmark.installed() == list(TABLES)


def test_embedded_files_lie_beside_the_package() -> None:
    path = nasbench201.embedded("a.npz")
    assert (path.parent.name, path.name) == ("benchmarks_data", "a.npz")


@pytest.mark.parametrize(
    ("name", "command"), [("mnist1d", "nassearch bench build"), ("cifar10", "nassearch bench import")]
)
def test_missing_table_names_the_command(embedded: Path, name: str, command: str) -> None:
    assert NASBench201Benchmark.installed() == []
    with pytest.raises(MissingData, match=f"the {name} table of nasbench201 is not installed .*{command}"):
        NASBench201Benchmark.open(name)


def test_a_query_shows_one_training_and_the_mean_of_test(installed: None) -> None:
    benchmark, table = NASBench201Benchmark.open("cifar100"), TABLES["cifar100"]
    assert table.seconds is not None
    rng, row = np.random.default_rng(0), 123
    seen = {(m.valid, m.seconds, m.test) for m in (benchmark.query(ARCHS[row], rng) for _ in range(100))}
    # A seed stays unseen with probability 3 * (2/3)^100, about 7e-18.
    assert {(valid, seconds) for valid, seconds, _ in seen} == {
        (table.valid[s, row], table.seconds[s, row]) for s in range(SEEDS)
    }
    # The mean may be summed in another order: roundings of float64.
    assert [test for *_, test in seen] == pytest.approx([sum(table.test[:, row]) / SEEDS] * SEEDS, rel=1e-12)


def test_every_query_takes_one_number_from_the_stream(installed: None) -> None:
    for name in TABLES:
        benchmark = NASBench201Benchmark.open(name)
        asked, plain = np.random.default_rng(0), np.random.default_rng(0)
        for arch in ARCHS[:5]:
            benchmark.query(arch, asked)
            plain.random()
        assert asked.random() == plain.random()


def test_isomorphic_architectures_share_a_row(installed: None) -> None:
    benchmark = NASBench201Benchmark.open("mnist1d")
    assert benchmark.table.valid.shape == (SEEDS, 4_930)
    first: dict[str, Any] = {}
    for arch in ARCHS:
        metrics = benchmark.query(arch, np.random.default_rng(0))
        assert metrics == first.setdefault(SPACE.key(arch), metrics)
    assert len({metrics.test for metrics in first.values()}) == 4_930


def test_the_shipped_table_keeps_its_own_rows() -> None:
    """It was trained when the key told 6,466 classes apart, which are finer than those of the key today."""
    table = NASBench201Benchmark.open("mnist1d").table
    assert table.valid.shape[1] == len(set(table.rows.tolist())) == 6_466
    keys: dict[int, set[str]] = {}
    for arch, row in zip(SPACE.all(), table.rows.tolist(), strict=True):
        keys.setdefault(row, set()).add(SPACE.key(arch))
    assert all(len(of_row) == 1 for of_row in keys.values())


def test_seconds_that_nobody_measured_are_nan(installed: None) -> None:
    benchmark = NASBench201Benchmark.open("ImageNet16-120")
    assert np.isnan(benchmark.query(ARCHS[0], np.random.default_rng(0)).seconds)
    assert np.isnan(benchmark.best.seconds)
    assert benchmark.info()["training_seconds"] is None


def test_architectures_with_fewer_seeds(embedded: Path) -> None:
    valid, test = np.full((2, 3, len(ARCHS)), 50.0)
    valid[:, 7], test[:, 7] = [np.nan, 1.0, np.nan], [np.nan, 2.0, np.nan]
    dataset = NASBench201Benchmark.datasets()["cifar10"]
    Table.build(SPACE, dataset, ARCHS, valid, test).save(NASBench201Benchmark.table_path("cifar10"))
    benchmark, rng = NASBench201Benchmark.open("cifar10"), np.random.default_rng(0)
    assert {(m.valid, m.test) for m in (benchmark.query(ARCHS[7], rng) for _ in range(20))} == {(1.0, 2.0)}
    assert benchmark.info()["trainings"] == 3 * 15_625 - 2


def test_wrong_architecture(installed: None) -> None:
    with pytest.raises(InvalidArch, match="six operations"):
        NASBench201Benchmark.open("cifar10").query((0, 0, 0, 0, 0, 9), np.random.default_rng(0))


def test_info_is_plain(installed: None) -> None:
    info = NASBench201Benchmark.open("mnist1d").info()
    assert (info["architectures"], info["rows"], info["seeds"]) == (15_625, 4_930, SEEDS)
    assert info["meta"]["origin"] == "made up"
    assert Path(info["file"]).exists()


def test_opening_does_not_import_torch(installed: None, data_dir: Path) -> None:
    import subprocess

    code = (
        "import sys; from nassearch.benchmarks import NASBench201Benchmark as B;"
        "B.open('cifar10'); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


class TestTableFile:
    def test_round_trip(self, tmp_path: Path) -> None:
        for name, table in TABLES.items():
            table.save(tmp_path / name)
            back = Table.load(tmp_path / name, "")
            assert back.digest == table.digest
            assert dict(back.meta) == dict(table.meta)
            for one, other in zip(
                (table.valid, table.test, table.seconds, table.rows),
                (back.valid, back.test, back.seconds, back.rows),
                strict=True,
            ):
                np.testing.assert_array_equal(one, other)

    def test_equal_tables_give_equal_bytes(self, tmp_path: Path) -> None:
        for folder in ("a", "b"):
            make_table("cifar10", by_key=True, seeds=2).save(tmp_path / folder / "t.npz")
        assert (tmp_path / "a" / "t.npz").read_bytes() == (tmp_path / "b" / "t.npz").read_bytes()
        assert [path.name for path in (tmp_path / "a").iterdir()] == ["t.npz"]

    def test_digest_changes_with_any_number_but_not_with_a_note(self) -> None:
        table = TABLES["cifar10"]
        valid = table.valid.copy()
        valid[0, 5] = np.nextafter(valid[0, 5], 0)
        assert replace(table, valid=valid).digest != table.digest
        assert replace(table, meta={**table.meta, "dataset": "cifar100"}).digest != table.digest
        assert replace(table, meta={**table.meta, "note": "reworded"}).digest == table.digest

    def test_order_of_the_architectures_does_not_matter(self) -> None:
        dataset, values = NASBench201Benchmark.datasets()["cifar10"], np.linspace(1, 90, len(ARCHS))
        plain = Table.build(SPACE, dataset, ARCHS, values, values)
        turned = Table.build(SPACE, dataset, ARCHS[::-1], values[::-1], values[::-1])
        assert turned.digest == plain.digest

    def test_a_failed_write_leaves_the_old_file(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write_npz(tmp_path / "t.npz", {"a": np.arange(3)})
        monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
        with pytest.raises(NassearchError, match="cannot be written: disk full"):
            write_npz(tmp_path / "t.npz", {"a": np.arange(4)})
        assert read_npz(tmp_path / "t.npz", "")["a"].tolist() == [0, 1, 2]
        assert len(list(tmp_path.iterdir())) == 1

    def test_any_truncation_is_bad_data(self, installed: None) -> None:
        path = NASBench201Benchmark.table_path("cifar10")
        data = path.read_bytes()
        for size in (0, 1, 100, len(data) // 2, len(data) - 1):
            path.write_bytes(data[:size])
            with pytest.raises(BadData, match=r"cifar10\.npz.*nassearch bench import"):
                NASBench201Benchmark.open("cifar10")

    def test_any_flipped_byte_is_noticed_or_harmless(self, installed: None) -> None:
        path = NASBench201Benchmark.table_path("cifar10")
        data, digest = path.read_bytes(), TABLES["cifar10"].digest
        refused = 0
        for place in np.random.default_rng(0).integers(len(data), size=40).tolist():
            damaged = bytearray(data)
            damaged[place] ^= 0xFF
            path.write_bytes(damaged)
            try:
                assert NASBench201Benchmark.open("cifar10").digest == digest
            except BadData:
                refused += 1
        assert refused > 30  # nearly every byte is compressed data under a checksum

    def test_python_objects_are_refused(self, tmp_path: Path) -> None:
        np.savez(tmp_path / "t.npz", meta=np.array([{"a": 1}], dtype=object))
        with pytest.raises(BadData, match="the remedy"):
            Table.load(tmp_path / "t.npz", "the remedy")

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"valid": None}, "not a table of nassearch"),
            ({"meta": np.frombuffer(b"{", np.uint8)}, "not a table of nassearch"),
            ({"meta": np.frombuffer(b"[]", np.uint8)}, "not a table of nassearch"),
            ({"meta": np.frombuffer(b'{"format": 99}', np.uint8)}, "format 99, this version reads 1"),
            (
                {"meta": np.frombuffer(b'{"format": 1, "space": "nasbench201"}', np.uint8)},
                "not a table of nassearch",
            ),
            ({"valid": np.zeros((1, 4))}, "same trainings"),
            ({"valid": np.zeros((1, 15_625), np.float32)}, "valid is float32"),
            (
                {"valid": np.full((1, 15_625), np.nan), "test": np.full((1, 15_625), np.nan)},
                "without any training",
            ),
            (
                {"valid": np.full((1, 15_625), np.inf), "test": np.full((1, 15_625), np.inf)},
                "not hold|infinite|without",
            ),
            ({"valid": np.full((1, 15_625), 101.0)}, "valid goes from 101 to 101"),
            ({"seconds": np.full((1, 15_625), -1.0)}, "not negative"),
            ({"seconds": np.ones((1, 3))}, "do not fit"),
            ({"rows": np.arange(15_625)}, "rows is int64"),
            ({"rows": np.arange(1, 15_626, dtype=np.int32)}, "rows 1 to 15625 in a table of 15625"),
            ({"rows": np.arange(3, dtype=np.int32)}, "knows 3 architectures, nasbench201 has 15625"),
        ],
    )
    def test_wrong_content(self, installed: None, change: dict[str, Any], message: str) -> None:
        path = NASBench201Benchmark.table_path("cifar10")
        arrays = {**read_npz(path, ""), **change}
        write_npz(path, {name: array for name, array in arrays.items() if array is not None})
        with pytest.raises(BadData, match=message) as caught:
            NASBench201Benchmark.open("cifar10")
        assert str(path) in str(caught.value)
        assert "nassearch bench import" in str(caught.value)

    def test_another_data_sets_table(self, installed: None) -> None:
        NASBench201Benchmark.table_path("cifar100").replace(NASBench201Benchmark.table_path("cifar10"))
        with pytest.raises(
            BadData, match="about nasbench201/cifar100/percent, not nasbench201/cifar10/percent"
        ):
            NASBench201Benchmark.open("cifar10")

    @pytest.mark.parametrize(
        ("archs", "by_key", "count", "message"),
        [
            (ARCHS[1:], False, 15_624, r"1 are missing, the first is \|avg_pool"),
            (KEYED[:-2], True, 6_464, "are missing"),
            ([*ARCHS, ARCHS[0]], False, 15_626, "1 of 15626 architectures are there twice"),
            (ARCHS, True, 15_625, "10695 of 15625 architectures are there twice"),
            (ARCHS, False, 3, r"valid is \[3\], not \[15625\]"),
        ],
    )
    def test_build_wants_a_whole_space(self, archs: Any, by_key: bool, count: int, message: str) -> None:
        dataset, values = NASBench201Benchmark.datasets()["cifar10"], np.ones(count)
        with pytest.raises(BadData, match=message):
            Table.build(SPACE, dataset, archs, values, values, by_key=by_key)


class TestBatches:
    task = Task((1, 40), 10)

    def test_round_trip(self, tmp_path: Path) -> None:
        for labels in (None, np.arange(4)):
            batch = Batch(np.random.default_rng(0).standard_normal((4, 1, 40), dtype=np.float32), labels)
            save_batch(tmp_path / "b.npz", batch)
            assert load_batch(tmp_path / "b.npz", self.task).digest() == batch.digest()

    @pytest.mark.parametrize(
        ("inputs", "labels", "message"),
        [
            (np.zeros((4, 1, 40)), None, "inputs are float64"),
            (np.zeros((4, 2, 40), np.float32), None, r"\[4, 2, 40\], not float32 \['B', 1, 40\]"),
            (np.zeros((0, 1, 40), np.float32), None, r"inputs are float32 \[0, 1, 40\]"),
            (np.full((4, 1, 40), np.nan, np.float32), None, "not a finite number"),
            (
                np.zeros((4, 1, 40), np.float32),
                np.zeros(3, np.int64),
                r"labels are int64 \[3\], not int64 \[4\]",
            ),
            (np.zeros((4, 1, 40), np.float32), np.zeros(4, np.uint8), "labels are uint8"),
            (np.zeros((4, 1, 40), np.float32), np.full(4, 10), "labels are 10 to 10, not within 0 to 9"),
        ],
    )
    def test_wrong_content(self, tmp_path: Path, inputs: Any, labels: Any, message: str) -> None:
        save_batch(tmp_path / "b.npz", Batch(inputs, labels))
        with pytest.raises(BadData, match=message):
            load_batch(tmp_path / "b.npz", self.task)

    def test_truncated_batch(self, tmp_path: Path) -> None:
        save_batch(tmp_path / "b.npz", synthetic_batch("normal", self.task, 4))
        (tmp_path / "b.npz").write_bytes((tmp_path / "b.npz").read_bytes()[:-30])
        with pytest.raises(BadData, match=r"b\.npz is damaged"):
            load_batch(tmp_path / "b.npz", self.task)

    @pytest.mark.parametrize("kind", KINDS)
    def test_synthetic(self, kind: str) -> None:
        task = Task((3, 8, 8), 10)
        batch = synthetic_batch(kind, task, 64, seed=1)
        assert batch.inputs.shape == (64, 3, 8, 8)
        assert batch.inputs.dtype == np.float32
        assert batch.labels is None
        assert batch.digest() == synthetic_batch(kind, task, 64, seed=1).digest()
        if kind != "grey":
            assert batch.digest() != synthetic_batch(kind, task, 64, seed=2).digest()

    def test_synthetic_ranges(self) -> None:
        task = Task((3, 8, 8), 10)
        grey, normal, uniform, positive = (synthetic_batch(kind, task, 64).inputs for kind in KINDS)
        assert (grey == grey[:, :1, :1, :1]).all()
        np.testing.assert_allclose(grey[:, 0, 0, 0], np.linspace(0, 1, 64), rtol=1e-6)  # float32
        # 12,288 draws: each bound is more than four standard errors away.
        assert abs(normal.mean()) < 0.04
        assert abs(normal.std() - 1) < 0.03
        assert -1 <= uniform.min() < -0.99
        assert 0.99 < uniform.max() <= 1
        assert 0 <= positive.min() < 0.01

    def test_synthetic_errors(self) -> None:
        with pytest.raises(UnknownName, match="did you mean grey"):
            synthetic_batch("gray", self.task)
        with pytest.raises(InvalidSetting, match="at least 2 inputs"):
            synthetic_batch("grey", self.task, 1)


def test_a_data_set_of_ones_own_unit() -> None:
    loss = Dataset("ptb", Task((1, 4), 2), "nats", False, "a test", highest=10, quantity="loss")
    values = np.full(len(ARCHS), -4.5)
    table = Table.build(SPACE, loss, ARCHS, values, values)
    assert NASBench201Benchmark(SPACE, loss, table).best.valid == -4.5
