"""Sheets of paths and labels, and of numbers and labels."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from own_data import everything, pixels, told, write, write_folder

from nassearch.datasets import open_dataset
from nassearch.datasets.sheets import paths as reading
from nassearch.errors import BadData


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_folder(tmp_path)


NAMES = [f"{name}/{number}.png" for name in ("cat", "dog", "emu") for number in range(10)]


def rows(head: str, row: str = "{path},{label}") -> str:
    lines = [row.format(path=name, label=name[:3], number=place) for place, name in enumerate(NAMES)]
    return "\n".join([*([head] if head else []), *lines]) + "\n"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", rows("path,label")),
        ("a.csv", rows("label,Image", "{label},{path}")),
        ("a.csv", rows("")),
        ("a.csv", rows("filename,species")),
        ("a.csv", rows("\ufefffile_name;class", "{path};{label}")),
        ("a.tsv", rows("id\timg\tcategory", "{number}\t{path}\t{label}")),
        ("a.csv", rows("number,which,label", "{number},{path},{label}")),
        ("a.txt", rows("path,label").replace("\n", "\r\n")),
        ("a.csv", rows("path,label", '"{path}"," {label} "')),
        ("a.csv", rows("path,label", "./{path},{label}")),
        ("a.csv", rows("path,label", "cat/../{path},{label}")),
        ("a.csv", rows("path,label").replace("/", "\\")),
    ],
)
def test_paths_and_labels(name: str, text: str, root: Path) -> None:
    (root / name).write_text(text, newline="")
    data = open_dataset(root / name)
    assert data.name == "a" and data.classes == ("cat", "dog", "emu") and data.shape == (3, 12, 12)
    assert data.digest == open_dataset(_alone(root)).digest


def _alone(root: Path) -> Path:
    """Return a folder without the sheet."""
    write_folder(root.parent / "alone")
    return root.parent / "alone"


def test_packed_and_absolute(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "a.csv.gz"
    elsewhere.write_bytes(gzip.compress(rows("path,label", f"{root}/{{path}},{{label}}").encode()))
    data = open_dataset(elsewhere)
    assert data.name == "a" and len(data.train) == 20


def test_parts_that_are_given(root: Path) -> None:
    text = "".join(
        f"{name},{name[:3]},{'train' if place % 10 < 6 else 'Val' if place % 10 < 8 else 'TEST'}\n"
        for place, name in enumerate(NAMES)
    )
    (root / "a.csv").write_text("path,label,split\n" + text)
    data = open_dataset(root / "a.csv")
    assert [len(part) for part in (data.train, data.valid, data.test)] == [18, 6, 6]
    np.testing.assert_array_equal(data.test.take([0])[0], pixels(8).transpose(2, 0, 1))
    (root / "b.csv").write_text("path,label,split\n" + text.replace("Val", "holdout"))
    with pytest.raises(BadData, match=r"b\.csv, line 8: 'holdout' is no part: write train, valid or test"):
        open_dataset(root / "b.csv")


def test_labels_that_are_missing(root: Path) -> None:
    (root / "a.csv").write_text(
        rows("path,label").replace("0.png,cat", "0.png,").replace("1.png,dog", "1.png, ")
    )
    data = open_dataset(root / "a.csv")
    assert told(data, "Left out") == "Left out, as without a label: 2 examples of 30."
    assert len(everything(data)) == 28


def test_labels_that_are_numbers(root: Path) -> None:
    text = rows("path,label")
    for name, number in (("cat", "10"), ("dog", "9"), ("emu", "-1")):
        text = text.replace(f",{name}", f",{number}")
    (root / "a.csv").write_text(text)
    data = open_dataset(root / "a.csv")
    assert data.classes == ("-1", "9", "10")
    assert told(data, "Labels are") and told(data, "Label -1 is a class like the others")


@pytest.mark.parametrize(
    ("labels", "classes", "count"),
    [
        (("3.0", "17.0", "-1.0"), ("-1", "3", "17"), 30),
        (("3.0", "17", "nan"), ("3", "17"), 20),
        (("3", "17", "NA"), ("3", "17"), 20),
        (("1e1", "9.", "+2.0"), ("2", "9", "10"), 30),
        (("003", "017", "1"), ("003", "017", "1"), 30),
        (("v1.5", "1.5", "2"), ("1.5", "2", "v1.5"), 30),
        (("NA", "EU", "AF"), ("AF", "EU", "NA"), 30),
    ],
)
def test_labels_that_are_written_as_numbers(
    labels: tuple[str, ...], classes: tuple[str, ...], count: int, root: Path
) -> None:
    text = rows("path,label")
    for name, label in zip(("cat", "dog", "emu"), labels, strict=True):
        text = text.replace(f",{name}", f",{label}")
    (root / "a.csv").write_text(text)
    data = open_dataset(root / "a.csv")
    assert data.classes == classes and len(everything(data)) == count
    assert ("Left out, as without a label: 10 examples of 30." in data.notes) == (count == 20)
    assert any(note.startswith("Label NA is a class") for note in data.notes) == ("NA" in classes)


def test_values_to_predict_are_no_classes(root: Path) -> None:
    text = rows("path,label", "{path},{number}").replace(",17", ",17.25")
    (root / "a.csv").write_text(text)
    with pytest.raises(
        BadData, match=r"a\.csv, line 19: the label 17\.25: .* values to predict are no classes"
    ):
        open_dataset(root / "a.csv")


def test_parquet(root: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    label = [None if name == "cat/3.png" else "cde".index(name[0]) * 2 for name in NAMES]
    parquet.write_table(
        pyarrow.table({"path": NAMES, "label": label, "more": [[1]] * 30}), root / "a.parquet"
    )
    data = open_dataset(root / "a.parquet")
    assert data.classes == ("0", "2", "4") and len(everything(data)) == 29
    assert told(data, "Left out") == "Left out, as without a label: 1 example of 30."


@pytest.mark.parametrize("cell", [{"bytes": b"x", "path": None}, b"x", 3, [1]])
def test_images_within_a_sheet(cell: Any, root: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    parquet.write_table(pyarrow.table({"image": [cell] * 4, "label": [0, 1, 0, 1]}), root / "a.parquet")
    with pytest.raises(
        BadData, match=r"a\.parquet, row 1: column 'image' holds no texts; it has to hold paths"
    ):
        open_dataset(root / "a.parquet")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,label\n", "has no row below its first line"),
        ("a,b\nx,y\n", "has no column of labels among 'a, b'"),
        ("path,size,colour\ncat/0.png,1,2\n", "has no column of labels among 'path, size, colour'"),
        ("path,label\n,cat\n", "line 2: no path; each row names an image"),
        ("path,label\nhttp://x/1.png,cat\n", "line 2: 'http://x/1.png' is an address: fetch the images"),
        (
            "path,label\nno.png,cat\n",
            "has no image that can be read: .*no\\.png cannot be read: No such file",
        ),
        ("path,label\ncat,cat\n", "it is a directory, not a file"),
        ("path,label\ncat/0.png\n", "1 cells, but the header has 2"),
        ("path,label\ncat/0.png,cat\n", "has one class, 'cat'"),
        ("path,path\nx,y\n", "two columns called 'path'"),
        ("a,label\nx,y\n", "column 'a': 'x', which is neither a finite number nor the path of an image"),
        ("label\na\nb\n", "has no column of paths of images among 'label'"),
    ],
)
def test_sheets_that_are_no_data_set(text: str, message: str, root: Path) -> None:
    (root / "a.csv").write_text(text)
    with pytest.raises(BadData, match=message):
        open_dataset(root / "a.csv")


def test_files_that_are_gone_are_left_out(root: Path) -> None:
    (root / "a.csv").write_text(rows("path,label") + "cat/none.png,cat\ndog/../../etc/passwd,dog\n")
    note = told(open_dataset(root / "a.csv"), "Left out, as they cannot be read: 2 images:")
    assert "none.png cannot be read: No such file" in note


def test_files_that_change_meanwhile(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "a.csv").write_text(rows("path,label"))
    look = reading.look_at

    def changing(*given: Any) -> Any:
        write(root / "cat" / "3.png", pixels(1234, 30, 30))
        return look(*given)

    monkeypatch.setattr(reading, "look_at", changing)
    with pytest.raises(BadData, match="have changed while they were read"):
        open_dataset(root / "a.csv")


class TestNumbers:
    @pytest.fixture
    def values(self) -> np.ndarray:
        return np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)

    def test_a_row_is_a_vector(self, values: np.ndarray, tmp_path: Path) -> None:
        lines = [
            f"{','.join(map(repr, row.tolist()))},{'abc'[place % 3]}" for place, row in enumerate(values)
        ]
        (tmp_path / "a.csv").write_text("\n".join(["p,q,r,s,species", *lines]))
        data = open_dataset(tmp_path / "a.csv")
        assert (data.kind, data.shape, data.classes) == ("vector", (4,), ("a", "b", "c"))
        assert {row.tobytes() for row in everything(data)} == {row.tobytes() for row in values}
        assert told(data, "Each row") == "Each row is a vector of 4 numbers: p, q, r, s."

    @pytest.mark.parametrize("name", ["", "Unnamed: 0"])
    def test_a_column_that_numbers_the_rows_is_no_input(
        self, name: str, values: np.ndarray, tmp_path: Path
    ) -> None:
        lines = [f"{5 * place},{row[0]},{row[1]},{place // 30}" for place, row in enumerate(values)]
        (tmp_path / "a.csv").write_text("\n".join([f"{name},p,q,label", *lines]))
        data = open_dataset(tmp_path / "a.csv")
        assert data.shape == (2,) and told(data, "Each row") == "Each row is a vector of 2 numbers: p, q."
        assert told(data, "Left out") == (
            "Left out, as it only tells rows apart by numbers: the column without a name."
        )
        (tmp_path / "a.csv").write_text("\n".join([f"{name},p,q,label", *lines[:-1], lines[-2]]))
        assert open_dataset(tmp_path / "a.csv").shape == (3,)

    @pytest.mark.parametrize("cell", ["", "nan", "inf", "1e99", "x", "None"])
    def test_cells_that_are_no_number(self, cell: str, values: np.ndarray, tmp_path: Path) -> None:
        lines = [f"{row[0]},{cell if place == 4 else row[1]},{place % 2}" for place, row in enumerate(values)]
        (tmp_path / "a.csv").write_text("\n".join(["p,q,label", *lines]))
        with pytest.raises(
            BadData, match=r"a\.csv, line 6, column 'q': .*, which is neither a finite number"
        ):
            open_dataset(tmp_path / "a.csv")
