"""What files of other people call data sets, and the line by which Excel is told the separator."""

from __future__ import annotations

import bz2
import gzip
import itertools
from pathlib import Path
from typing import Any

import pytest
from commands import call

from nassearch.benchmarks.base import Dataset
from nassearch.benchmarks.nasbench201 import NASBench201Benchmark
from nassearch.benchmarks.read.importing import ImportReport, import_file
from nassearch.benchmarks.read.naming import named
from nassearch.benchmarks.table import Table
from nassearch.benchmarks.tabular import TabularBenchmark
from nassearch.errors import BadData
from nassearch.files.sheets.columns import read_sheet
from nassearch.spaces.choices import Choices
from nassearch.types import Task


class Pairs(Choices):
    name = "pairs"
    choices = (("a", "b"), ("c", "d"))

    def network(self, arch: Any, task: Task) -> Any:
        raise NotImplementedError


class PairsBenchmark(TabularBenchmark):
    name = "pairs"

    @classmethod
    def datasets(cls) -> dict[str, Dataset]:
        task = Task((1, 4), 2)
        return {
            "cifar10": Dataset("cifar10", task, note="made up", aliases=("cifar10-valid",)),
            "cifar100": Dataset("cifar100", task, note="made up"),
            "ImageNet16-120": Dataset("ImageNet16-120", task, note="made up"),
        }

    @classmethod
    def make_space(cls, dataset: str | None = None) -> Pairs:
        return Pairs()


def rows(*names: str, start: int = 10) -> str:
    """Return a long sheet: for each name four architectures with values that are those of no other name."""
    lines = ["arch,dataset,valid,test"]
    for place, name in enumerate(names):
        for k, arch in enumerate(Pairs().all()):
            lines.append(
                f"{Pairs().format(arch)},{name},{start + 10 * place + k},{start + 10 * place + k + 0.5}"
            )
    return "\n".join(lines) + "\n"


def take(folder: Path, text: str, *only: str) -> ImportReport:
    (folder / "mine.csv").write_text(text)
    return import_file(PairsBenchmark, folder / "mine.csv", only=only or None, folder=folder / "kept")


def best(report: ImportReport) -> dict[str, float]:
    return {table.dataset: Table.load(table.path, "").test.max() for table in report.tables}


@pytest.mark.parametrize(
    ("name", "known"),
    [
        *(
            (name, "cifar10")
            for name in ("cifar10", "CIFAR-10", "CIFAR10", "Cifar_10", "cifar 10", "cifar10-valid")
        ),
        *((name, "cifar10") for name in ("CIFAR10_Valid", "CIFAR-10-VALID")),
        *((name, "cifar100") for name in ("CIFAR-100", "Cifar100")),
        *((name, "ImageNet16-120") for name in ("imagenet16-120", "ImageNet-16-120", "IMAGENET16_120")),
        *((name, None) for name in ("cifar", "cifar1", "cifar-10-test", "imagenet", "", "cifar10000")),
    ],
)
def test_names_are_those_of_data_sets(name: str, known: str | None, tmp_path: Path) -> None:
    assert named(name, PairsBenchmark.datasets()) == known
    if known is None:
        with pytest.raises(BadData, match=r"line 2: no data set to import is called"):
            take(tmp_path, rows(name))
        return
    for only in ((), (known,)):
        assert best(take(tmp_path, rows(name), *only)) == {known: 13.5}


def test_what_a_file_holds_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadData, match=r"holds nothing about cifar10; it has CIFAR-100, svhn$"):
        take(tmp_path, rows("CIFAR-100", "svhn"), "cifar10")
    with pytest.raises(BadData, match=r"it has no rows"):
        take(tmp_path, rows(), "cifar10")
    wide = "arch,CIFAR-100/valid,CIFAR-100/test\na:c,1,2\n"
    with pytest.raises(BadData, match=r"cifar10.*columns found: arch, CIFAR-100/valid, CIFAR-100/test"):
        take(tmp_path, wide, "cifar10")


def test_a_name_of_its_own_comes_before_others_that_were_not_asked_for(tmp_path: Path) -> None:
    for names in itertools.permutations(["cifar10-valid", "cifar10", "svhn"]):
        report = take(tmp_path, rows(*names), "cifar10")
        assert best(report) == {"cifar10": 13.5 + 10 * names.index("cifar10")}
        report.tables[0].path.unlink()


@pytest.mark.parametrize(
    ("names", "only"),
    [
        (["cifar10", "cifar10-valid"], ()),
        (["CIFAR-10", "cifar10-valid"], ("cifar10",)),
        (["CIFAR-10", "CIFAR10"], ("cifar10",)),
        (["cifar10", "CIFAR10"], ()),
    ],
)
def test_two_names_of_one_data_set_are_told_apart(
    names: list[str], only: tuple[str, ...], tmp_path: Path
) -> None:
    with pytest.raises(BadData, match=f"'{min(names)}' and '{max(names)}' both mean cifar10 here"):
        take(tmp_path, rows(*names), *only)


def test_columns_of_a_wide_sheet_are_called_alike(tmp_path: Path) -> None:
    head = "arch,CIFAR-10/Valid/12,CIFAR-10/test/12,imagenet16_120/valid,imagenet16_120/test"
    lines = [f"{Pairs().format(arch)},5,{k},6,{10 + k}" for k, arch in enumerate(Pairs().all())]
    report = take(tmp_path, "\n".join([head, *lines]))
    assert best(report) == {"cifar10": 3, "ImageNet16-120": 13}
    with pytest.raises(
        BadData, match="columns 'cifar10/valid' and 'CIFAR-10/valid' both hold the valid values"
    ):
        take(tmp_path, "arch,cifar10/valid,CIFAR-10/valid,cifar10/test\na:c,1,2,3\n")


def test_the_case_of_a_newcomer(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("arch,dataset,valid,test\n6111,CIFAR10,91.6,94.3\n")
    refused = call("bench", "import", "nasbench201", tmp_path / "mine.csv", "--dataset", "cifar10")
    assert (
        refused.exit_code == 1
        and "lacks 15624 of 15625 architectures of nasbench201 for cifar10" in refused.stderr
    )
    assert named("cifar10-valid", NASBench201Benchmark.datasets()) == "cifar10"


SHEET = "arch;dataset;valid;test\n6111;cifar10;91.6;94.3\n"
CELLS = [(("arch", "dataset", "valid", "test")), ["6111", "cifar10", "91.6", "94.3"]]


@pytest.mark.parametrize(
    "first", ["sep=;", "SEP=;", '"sep=;"', "Sep=;;;;", "sep=; ", "\n\nsep=;", "sep=", "sep=;\n\n"]
)
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_the_line_that_tells_excel_the_separator(first: str, mark: str, end: str, tmp_path: Path) -> None:
    text = f"{mark}{first}\n{SHEET}".replace("\n", end)
    for name, content in (("plain", text.encode()), ("gzip", gzip.compress(text.encode())),
                          ("bz2", bz2.compress(text.encode()))):  # fmt: skip
        (tmp_path / name).write_bytes(content)
        sheet = read_sheet(tmp_path / name)
        ((line, cells),) = sheet.rows
        assert [sheet.columns, cells] == CELLS
        assert line == 3 + first.count("\n")


@pytest.mark.parametrize(
    ("said", "delimiter"), [(",", ","), ("\t", "\t"), ("\\t", "\t"), ("|", "|"), (":", ":")]
)
def test_every_separator_may_be_told(said: str, delimiter: str, tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text(f"sep={said}\n{SHEET.replace(';', delimiter)}")
    sheet = read_sheet(tmp_path / "mine.csv")
    assert [sheet.columns, *(cells for _, cells in sheet.rows)] == CELLS


def test_the_line_is_none_where_it_is_none(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("sep=;\nsep=,\n1\n")
    assert read_sheet(tmp_path / "mine.csv").columns == ("sep=,",)
    (tmp_path / "mine.csv").write_text("separator,x\n1,2\n")
    assert read_sheet(tmp_path / "mine.csv").columns == ("separator", "x")
    (tmp_path / "mine.csv").write_text("sep=;\n \n")
    with pytest.raises(BadData, match="is empty"):
        read_sheet(tmp_path / "mine.csv")


def test_a_sheet_of_excel_is_imported(tmp_path: Path) -> None:
    text = "sep=;\r\n" + rows("CIFAR-10").replace(",", ";").replace("\n", "\r\n")
    assert best(take(tmp_path, "\ufeff" + text)) == {"cifar10": 13.5}
