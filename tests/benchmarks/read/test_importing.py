"""Importing tables and images: both layouts, every rule with its line, and the real files."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import lzma
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from letters import DATASETS, SPACE, LettersBenchmark

from nassearch.benchmarks.base import Dataset
from nassearch.benchmarks.batches import load_batch
from nassearch.benchmarks.nasbench201 import NASBench201Benchmark
from nassearch.benchmarks.read.importing import ImportReport, import_file
from nassearch.benchmarks.table import Table
from nassearch.errors import BadData, InvalidSetting, MissingData, NassearchError, UnknownName

LONG = """arch,dataset,valid,test,seconds
a,cifar10,10,11,1
b,cifar10,20,21,2
c,cifar10,30,31,3
d,cifar10,40,41,4
"""
PACKED = gzip.compress(LONG.encode(), mtime=0)
WIDE = """\
index,arch,cifar10/valid/12,cifar10/test/12,cifar10/valid/200,cifar10/test/200,cifar10/train_seconds/200
0,d,4,5,40,41,400
1,a,1,2,10,11,100
2,b,2,3,20,21,200
3,c,3,4,30,31,300
"""


@pytest.fixture
def take(tmp_path: Path) -> Callable[..., ImportReport]:
    """Import text or bytes written to a file."""

    def run(content: str | bytes, mapping: dict[str, str] | None = None, **options: Any) -> ImportReport:
        path = tmp_path / "given.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return import_file(LettersBenchmark, path, mapping, **options)

    return run


def table_of(report: ImportReport, name: str = "cifar10") -> Table:
    return Table.load(next(made.path for made in report.tables if made.dataset == name), "")


def by_letter(report: ImportReport, what: str = "test") -> dict[str, list[float]]:
    table = table_of(report)
    values = getattr(table, what)[:, table.rows].T.tolist()
    return {SPACE.format(arch): value for arch, value in zip(SPACE.all(), values, strict=True)}


TESTS = {"a": [11.0], "b": [21.0], "c": [31.0], "d": [41.0]}


class TestLayouts:
    def test_long(self, take: Callable[..., ImportReport], data_dir: Path) -> None:
        report = take(LONG)
        (made,) = report.tables
        assert made.path == data_dir / "letters" / "cifar10.npz"
        assert (made.dataset, made.trainings, made.seeds, made.epochs) == ("cifar10", 4, (), None)
        assert (made.best_valid, made.best_test, made.best_arch) == (40, 41, "d")
        assert made.seconds
        assert made.written
        assert report.ignored == ()
        assert by_letter(report) == TESTS
        assert by_letter(report, "valid") == {"a": [10], "b": [20], "c": [30], "d": [40]}
        assert by_letter(report, "seconds") == {"a": [1], "b": [2], "c": [3], "d": [4]}

    def test_wide_takes_the_most_epochs(self, take: Callable[..., ImportReport]) -> None:
        report = take(WIDE)
        assert by_letter(report) == TESTS
        assert by_letter(report, "seconds")["d"] == [400]
        assert report.tables[0].epochs == 200
        assert report.ignored == ("index",)
        assert report.tables[0].shorter == (12,)
        table = table_of(report)
        letters = [SPACE.format(arch) for arch in SPACE.all()]
        for name, values in (("valid", "1234"), ("test", "2345")):
            found = getattr(table.shorter[12], name)[0, table.rows]
            assert dict(zip(letters, found, strict=True)) == dict(zip("abcd", map(int, values), strict=True))

    def test_wide_at_chosen_epochs(self, take: Callable[..., ImportReport]) -> None:
        report = take(WIDE, epochs=12)
        assert by_letter(report) == {"a": [2], "b": [3], "c": [4], "d": [5]}
        assert not report.tables[0].seconds
        assert table_of(report).seconds is None

    def test_seeds_may_be_ragged(self, take: Callable[..., ImportReport]) -> None:
        report = take(
            "arch,dataset,valid,test,seed\na,cifar10,1,5,777\na,cifar10,2,6,888\nb,cifar10,3,7,888\n"
            "c,cifar10,4,8,777\nd,cifar10,5,9,999\n"
        )
        assert report.tables[0].seeds == (777, 888, 999)
        assert report.tables[0].trainings == 5
        assert {k: np.nansum(v) for k, v in by_letter(report).items()} == {"a": 11, "b": 7, "c": 8, "d": 9}
        assert report.tables[0].best_test == 9

    def test_mapping(self, take: Callable[..., ImportReport]) -> None:
        text = LONG.replace("arch,dataset,valid,test,seconds", "cell,data,val_acc,test_acc,t")
        names = {"arch": "cell", "dataset": "data", "valid": "val_acc", "test": "test_acc", "seconds": "t"}
        assert by_letter(take(text, names)) == TESTS
        wide = WIDE.replace("/valid/", "/x-valid/").replace("/test/", "/ori-test/")
        assert (
            by_letter(take(wide, {"valid": "x-valid", "test": "ori-test"}, epochs=200, force=True)) == TESTS
        )
        wide = WIDE.replace("cifar10/valid/200", "v").replace("cifar10/test/200", "t")
        assert by_letter(take(wide, {"cifar10/valid": "v", "cifar10/test": "t"}, force=True)) == TESTS

    def test_one_data_set_of_several(self, take: Callable[..., ImportReport], data_dir: Path) -> None:
        report = take(LONG + "x,cifar10-valid,-5,nan,\n", only=["cifar10"])
        assert [made.dataset for made in report.tables] == ["cifar10"]
        both = LONG + LONG.replace("cifar10", "cifar100").partition("\n")[2]
        assert [made.dataset for made in take(both).tables] == ["cifar10", "cifar100"]

    def test_no_column_of_data_sets(self, take: Callable[..., ImportReport]) -> None:
        text = LONG.replace("cifar10,", "").replace("dataset,", "")
        assert by_letter(take(text, only=["cifar10"])) == TESTS
        with pytest.raises(InvalidSetting, match=r"no column of data sets: say which .* cifar10, cifar100"):
            take(text)

    def test_fractions(self, take: Callable[..., ImportReport]) -> None:
        text = "arch,dataset,valid,test\n" + "".join(f"{a},cifar10,0.5,0.25\n" for a in "abcd")
        assert set(map(tuple, by_letter(take(text, scale=100)).values())) == {(25.0,)}

    @pytest.mark.parametrize(
        "pack",
        [
            gzip.compress,
            bz2.compress,
            lzma.compress,
            lambda data: b"\xef\xbb\xbf" + data,
            lambda data: data.replace(b",", b";"),
            lambda data: data.replace(b",", b"\t"),
            lambda data: data.replace(b"\n", b"\r\n"),
            lambda data: b"\n" + data.replace(b"\n", b"\n\n"),
            lambda data: data.replace(b"a,cifar10", b'"a","cifar10"'),
            lambda data: data.replace(b",", b" , "),
            lambda data: data.replace(b"arch,dataset", b"Arch,DATASET"),
        ],
        ids=["gz", "bz2", "xz", "bom", "semicolon", "tab", "crlf", "blank", "quoted", "spaces", "case"],
    )
    def test_any_usual_csv(self, take: Callable[..., ImportReport], pack: Callable[[bytes], bytes]) -> None:
        assert by_letter(take(pack(LONG.encode()))) == TESTS

    def test_parquet(self, take: Callable[..., ImportReport]) -> None:
        assert by_letter(take(to_parquet(LONG))) == TESTS
        assert by_letter(take(to_parquet(WIDE), force=True)) == TESTS


def to_parquet(text: str, change: Callable[[dict[str, list[Any]]], None] = lambda columns: None) -> bytes:
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    header, *rows = csv.reader(io.StringIO(text))
    columns: dict[str, list[Any]] = {}
    for i, name in enumerate(header):
        cells = [row[i] for row in rows]
        columns[name] = cells if name in ("arch", "dataset") else [float(cell) for cell in cells]
    change(columns)
    buffer = io.BytesIO()
    parquet.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


A = "a,cifar10,10,11,1"
ERRORS: list[tuple[Any, str, dict[str, Any]]] = [
    ("", "is empty", {}),
    (" \n\n", "is empty", {}),
    ('""\n', "is empty", {}),
    (",,\n", "is empty", {}),
    (LONG.partition("\n")[0], "has a header and no rows", {}),
    (LONG.replace("a,c", "q,c"), "line 2: 'q' is not one letter", {}),
    (LONG.replace("d,cifar10,40,41,4\n", ""), "lacks 1 of 4 architectures of letters for cifar10.*: d$", {}),
    (LONG + A + "\n", "line 6: a is there twice, first in line 2; .*seed column", {}),
    (
        "arch,dataset,valid,test,seed\na,cifar10,1,2,7\na,cifar10,1,2,7\n",
        "line 3: a with seed 7 is there twice, first in line 2",
        {},
    ),
    (LONG.replace("30,31", "x,31"), "line 4: valid is 'x', not a finite number", {}),
    (LONG.replace("30,31", "30,"), "line 4: test is empty, not a finite number", {}),
    (LONG.replace("30,31", "nan,31"), "line 4: valid is 'nan'", {}),
    (LONG.replace("30,31", "inf,31"), "line 4: valid is 'inf'", {}),
    (LONG.replace("30,31", "3_0,31"), "line 4: valid is '3_0'", {}),
    (LONG.replace("30,31", '"30,5",31'), r"line 4: valid is '30,5'.*decimal point as '\.'", {}),
    (LONG.replace("30,31", "130,31"), "line 4: valid is 130; cifar10 is in percent, 0 to 100", {}),
    (LONG.replace("30,31", "30,-1"), "line 4: test is -1; cifar10 is in percent", {}),
    (LONG, r"line 2: valid is 1000 \(after the scale of 100\)", {"scale": 100}),
    (LONG.replace("31,3", "31,-3"), "line 4: seconds is -3; training takes 0 seconds or more", {}),
    ("arch,dataset,valid,test,seed\na,cifar10,1,2,1.5\n", "line 2: seed is '1.5', not a whole number", {}),
    (
        LONG.replace("b,cifar10", "b,cifar11"),
        "line 3: no data set to import .*'cifar11'; did you mean cifar10",
        {},
    ),
    (LONG.replace("c,cifar10,30,31,3", "c,cifar10,30"), "line 4: 3 cells, but the header has 5", {}),
    (LONG.replace("c,cifar10,30", 'c,"cifar10,30'), "line 5: not CSV|line 6: not CSV", {}),
    (
        "arch,dataset,valid,test\n" + "".join(f"{a},cifar10,0.9,0.8\n" for a in "abcd"),
        "no valid value of cifar10 is above 1.*fractions.*scale=100",
        {},
    ),
    (LONG.replace("arch,", "cell,"), "no column for the architectures .*columns found: cell, dataset", {}),
    (
        LONG.replace(",test", ",tset"),
        "no column for test values .*columns found: arch, dataset, valid, tset",
        {},
    ),
    ("arch,foo\na,1\n", "no column for validation values .*DATASET/valid with one of cifar10, cifar100", {}),
    (WIDE.replace("cifar10/test", "cifar10/tset"), "no column for the test values of cifar10", {}),
    ("arch,cifar10/valid/12,cifar10/test/200\na,1,2\n", "valid and test of cifar10 at the same epochs", {}),
    (LONG.replace("valid,test", "test,test"), "two columns called 'test'", {}),
    (LONG.replace("c,cifar10", "c\xe9,cifar10").encode("latin-1"), "line 4: byte 0xe9 is not UTF-8", {}),
    (LONG.encode("utf-16"), "line 1: byte 0xff is not UTF-8", {}),
    (LONG.encode("utf-16-le"), "line 1: a zero byte", {}),
    (PACKED[:-12], "truncated or damaged gzip", {}),
    (PACKED[:5], "truncated or damaged gzip", {}),
    (PACKED + b"rubbish", "truncated or damaged gzip", {}),
    (bz2.compress(LONG.encode())[:-3], "truncated or damaged bzip2", {}),
    (lzma.compress(LONG.encode())[:-3], "truncated or damaged xz", {}),
    (b"PAR1 rubbish", "truncated or damaged Parquet", {}),
    (b"PK\x03\x04rubbish", "is a zip archive .*takes CSV or Parquet", {}),
    (b"\x80\x02}q\x00.", "is a Python pickle .*takes CSV or Parquet", {}),
    (b'{"a": 1}', "is JSON", {}),
    ("arch,dataset,valid,test\n" + "a" * 200_000 + ",cifar10,1,2\n", "not CSV .*field larger", {}),
    (LONG, "holds nothing about cifar100; it has cifar10", {"only": ["cifar100"]}),
]


@pytest.mark.parametrize(("content", "message", "options"), ERRORS)
def test_bad_file(
    take: Callable[..., ImportReport], data_dir: Path, content: Any, message: str, options: dict[str, Any]
) -> None:
    with pytest.raises(BadData, match=message) as caught:
        take(content, **options)
    assert "given.csv" in str(caught.value)
    assert not data_dir.exists()


@pytest.mark.parametrize(
    ("content", "mapping", "options", "kind", "message"),
    [
        (LONG, {"arhc": "a"}, {}, UnknownName, "no column role is called 'arhc'; did you mean arch"),
        (LONG, {"cifar10/tset": "a"}, {}, UnknownName, "did you mean .*cifar10/test"),
        (LONG, {"arch": "cell"}, {}, BadData, "arch, which the mapping calls 'cell'.*columns found"),
        (WIDE, {"cifar10/valid": "v"}, {}, BadData, "which the mapping calls 'v'"),
        (LONG, {"valid": "val"}, {}, BadData, "no column for validation values"),
        (LONG, None, {"only": ["cifar11"]}, UnknownName, "no data set to import is called 'cifar11'"),
        (LONG, None, {"scale": 0}, InvalidSetting, "scale is a positive factor, not 0"),
        (LONG, None, {"scale": float("nan")}, InvalidSetting, "scale is a positive factor"),
        (LONG, None, {"epochs": 200}, InvalidSetting, r"epochs \(200\) choose among columns"),
        (WIDE, None, {"epochs": 90}, InvalidSetting, "no columns for 90 epochs; found 12, 200"),
    ],
)
def test_bad_settings(
    take: Callable[..., ImportReport],
    data_dir: Path,
    content: str,
    mapping: dict[str, str] | None,
    options: dict[str, Any],
    kind: type[Exception],
    message: str,
) -> None:
    with pytest.raises(kind, match=message):
        take(content, mapping, **options)
    assert not data_dir.exists()


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(MissingData, match=r"there is no file .*none\.csv"):
        import_file(LettersBenchmark, tmp_path / "none.csv")
    with pytest.raises(BadData, match=r"cannot be read: .*directory"):
        import_file(LettersBenchmark, tmp_path)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("test", None, "row 3: test is empty"),
        ("test", 200.0, "row 3: test is 200; cifar10 is in percent"),
        ("arch", None, "row 3: 'None' is not one letter"),
        ("arch", "a", "row 3: a is there twice, first in row 1"),
    ],
)
def test_bad_parquet(take: Callable[..., ImportReport], name: str, value: Any, message: str) -> None:
    with pytest.raises(BadData, match=message):
        take(to_parquet(LONG, lambda columns: columns[name].__setitem__(2, value)))


def test_parquet_with_lists_for_cells(take: Callable[..., ImportReport]) -> None:
    def nest(columns: dict[str, list[Any]]) -> None:
        columns["valid"] = [[value] for value in columns["valid"]]

    with pytest.raises(BadData, match=r"row 1: .*neither text nor a number"):
        take(to_parquet(LONG, nest))


def test_parquet_without_pyarrow(take: Callable[..., ImportReport], monkeypatch: pytest.MonkeyPatch) -> None:
    content = to_parquet(LONG)
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(InvalidSetting, match=r"pip install 'nassearch\[parquet\]'"):
        take(content)


class TestKeeping:
    def test_again_changes_nothing(self, take: Callable[..., ImportReport]) -> None:
        (first,), (second,) = take(LONG).tables, take(LONG).tables
        assert first.written
        assert not second.written
        assert second.digest == first.digest

    def test_a_different_table_stays_unless_forced(self, take: Callable[..., ImportReport]) -> None:
        (first,) = take(LONG).tables
        other = LONG.replace("11", "12")
        before = first.path.read_bytes()
        with pytest.raises(InvalidSetting, match=r"already holds a different table .*--force"):
            take(other)
        assert first.path.read_bytes() == before
        (second,) = take(other, force=True).tables
        assert second.digest != first.digest
        assert Table.load(first.path, "").digest == second.digest

    def test_a_damaged_table_is_replaced(self, take: Callable[..., ImportReport]) -> None:
        (first,) = take(LONG).tables
        first.path.write_bytes(first.path.read_bytes()[:50])
        assert take(LONG).tables[0].written
        assert Table.load(first.path, "").digest == first.digest

    def test_one_bad_data_set_keeps_all_from_being_written(
        self, take: Callable[..., ImportReport], data_dir: Path
    ) -> None:
        with pytest.raises(BadData, match=r"lacks 3 of 4 architectures of letters for cifar100.*: c, d, b"):
            take(LONG + "a,cifar100,1,2,3\n")
        assert not data_dir.exists()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200))
def test_no_bytes_end_in_a_traceback(take: Callable[..., ImportReport], content: bytes) -> None:
    with pytest.raises(NassearchError):
        take(content)


CELLS = st.one_of(
    st.sampled_from(
        ["a", "b", "c", "d", "cifar10", "cifar100", "10", "0.5", "1e5", "-1", "nan", "", '"', "x,y", "\r"]
    ),
    st.text(max_size=5),
)
NAMES = st.sampled_from(
    [
        "arch",
        "dataset",
        "valid",
        "test",
        "seconds",
        "seed",
        "cifar10/valid/12",
        "cifar10/test/12",
        "cifar10/test",
        "",
    ]
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    header=st.lists(NAMES, min_size=1, max_size=7),
    rows=st.lists(st.lists(CELLS, max_size=7), max_size=6),
    delimiter=st.sampled_from([",", ";", "\t"]),
    cut=st.integers(0, 50),
)
def test_no_csv_ends_in_a_traceback(
    take: Callable[..., ImportReport], header: list[str], rows: list[list[str]], delimiter: str, cut: int
) -> None:
    text = "\n".join(delimiter.join(record) for record in [header, *rows])
    try:
        take(text[: len(text) - cut] if cut < len(text) else text, force=True)
    except NassearchError as error:
        assert "given.csv" in str(error) or isinstance(error, InvalidSetting)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, len(LONG) - 1), character=st.characters(codec="utf-8"))
def test_one_wrong_character(take: Callable[..., ImportReport], place: int, character: str) -> None:
    try:
        report = take(LONG[:place] + character + LONG[place + 1 :], force=True)
    except NassearchError:
        return
    table_of(report).check(SPACE, DATASETS["cifar10"])


class TestImages:
    datasets: ClassVar[dict[str, Dataset]] = NASBench201Benchmark.importable()

    def write(self, path: Path, **arrays: Any) -> Path:
        np.savez(path, **arrays)
        return path

    def make(self, name: str = "cifar10", images: Any = None, labels: Any = None, **options: Any) -> Path:
        images = np.zeros((6, 32, 32, 3), np.uint8) if images is None else images
        labels = np.zeros(6, np.uint8) if labels is None else labels
        path = self.write(options.pop("folder") / "images.npz", images=images, labels=labels)
        return NASBench201Benchmark.import_batch(path, name, **{"count": 4, **options})

    def test_normalised_by_hand(self, tmp_path: Path, data_dir: Path) -> None:
        images = np.random.default_rng(0).integers(256, size=(6, 32, 32, 3), dtype=np.uint8)
        target = self.make(images=images, labels=np.arange(6), folder=tmp_path)
        assert target == data_dir / "nasbench201" / "cifar10-batch.npz"
        batch = load_batch(target, self.datasets["cifar10"].task)
        assert batch.labels is not None
        assert batch.labels.tolist() == [0, 1, 2, 3]
        # red: mean 125.3/255, deviation 63.0/255; float32 rounding
        assert batch.inputs[1, 0, 5, 7] == pytest.approx((images[1, 5, 7, 0] - 125.3) / 63.0, rel=1e-6)
        assert batch.inputs[3, 2, 0, 9] == pytest.approx((images[3, 0, 9, 2] - 113.9) / 66.7, rel=1e-6)

    def test_other_names_of_the_arrays(self, tmp_path: Path) -> None:
        images, labels = np.zeros((6, 16, 16, 3), np.uint8), np.full(6, 119)
        path = self.write(tmp_path / "x.npz", x_train=images, y_train=labels, x_test=images)
        target = NASBench201Benchmark.import_batch(path, "ImageNet16-120", count=6)
        assert load_batch(target, self.datasets["ImageNet16-120"].task).inputs.shape == (6, 3, 16, 16)

    @pytest.mark.parametrize(
        ("change", "kind", "message"),
        [
            ({"images": np.zeros((6, 32, 32, 3))}, BadData, "uint8 .* not float64"),
            (
                {"images": np.zeros((6, 3, 32, 32), np.uint8)},
                BadData,
                r"\['N', 32, 32, 3\], not uint8 \[6, 3, 32",
            ),
            ({"images": np.zeros(6, np.uint8)}, BadData, r"not uint8 \[6\]"),
            ({"labels": np.zeros(5, np.uint8)}, BadData, r"labels is uint8 \[5\], not whole numbers \[6\]"),
            ({"labels": np.zeros(6)}, BadData, "labels is float64"),
            ({"labels": np.full(6, 10)}, BadData, "from 0 to 9, not 10 to 10"),
            ({"count": 7}, InvalidSetting, "count is 2 to 6"),
            ({"count": 1}, InvalidSetting, "count is 2 to 6"),
            ({"name": "mnist1d"}, UnknownName, "no data set with images is called 'mnist1d'"),
        ],
    )
    def test_errors(
        self, tmp_path: Path, data_dir: Path, change: dict[str, Any], kind: type[Exception], message: str
    ) -> None:
        with pytest.raises(kind, match=message):
            self.make(**change, folder=tmp_path)
        assert not data_dir.exists()

    def test_file_errors(self, tmp_path: Path) -> None:
        with pytest.raises(MissingData, match="there is no file"):
            NASBench201Benchmark.import_batch(tmp_path / "none.npz", "cifar10")
        path = self.write(tmp_path / "x.npz", x=np.zeros(3))
        with pytest.raises(BadData, match="neither x_train and y_train nor images and labels"):
            NASBench201Benchmark.import_batch(path, "cifar10")
        path.write_bytes(path.read_bytes()[:-10])
        with pytest.raises(BadData, match="is damaged"):
            NASBench201Benchmark.import_batch(path, "cifar10")

    def test_a_different_batch_stays_unless_forced(self, tmp_path: Path) -> None:
        first = self.make(folder=tmp_path).read_bytes()
        assert self.make(folder=tmp_path).read_bytes() == first
        with pytest.raises(InvalidSetting, match="different batch"):
            self.make(labels=np.ones(6, np.uint8), folder=tmp_path)
        assert self.make(labels=np.ones(6, np.uint8), folder=tmp_path, force=True).read_bytes() != first


class TestRealFiles:
    def test_all_three_data_sets(self, real_data: Path) -> None:
        space = NASBench201Benchmark.make_space()
        path = real_data / "nasbench201" / "nasbench201.csv.gz"
        report = import_file(NASBench201Benchmark, path)
        best = {
            made.dataset: (round(made.best_test, 2), space.index(space.parse(made.best_arch)))
            for made in report.tables
        }
        assert best == {"cifar10": (94.37, 6111), "cifar100": (73.51, 9930), "ImageNet16-120": (47.31, 857)}
        assert [round(made.best_valid, 2) for made in report.tables] == [91.61, 73.49, 46.73]
        assert {made.epochs for made in report.tables} == {200}
        with gzip.open(path, "rt", newline="") as file:
            rows = list(csv.DictReader(file))
        for name in best:
            benchmark, rng = NASBench201Benchmark.open(name), np.random.default_rng(0)
            for row in rows[::50]:
                metrics = benchmark.query(space.parse(row["arch"]), rng)
                assert metrics.valid == float(row[f"{name}/valid/200"])
                assert metrics.test == float(row[f"{name}/test/200"])
                assert metrics.seconds == float(row[f"{name}/train_seconds/200"])

    @pytest.mark.parametrize("name", ["cifar10", "cifar100"])
    def test_images(self, real_data: Path, name: str) -> None:
        path = real_data / "images" / f"{name}.npz"
        target = NASBench201Benchmark.import_batch(path, name)
        batch = load_batch(target, NASBench201Benchmark.datasets()[name].task)
        assert batch.inputs.shape == (256, 3, 32, 32)
        # Each colour is normalised over the whole set; the mean of one image varies by about 0.5, so the mean
        # of 256 has a standard error of about 0.03: five of them.
        np.testing.assert_allclose(batch.inputs.mean(axis=(0, 2, 3)), 0, atol=0.15)
        np.testing.assert_allclose(batch.inputs.std(axis=(0, 2, 3)), 1, atol=0.15)
