"""Folders of images as people have them: which files are examples, of which class, in which part."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from own_data import everything, pixels, told, write, write_folder

from nassearch.datasets import OwnDataset, open_dataset
from nassearch.datasets.images import listing, pictures, sizes
from nassearch.errors import BadData


def sizes_of(data: OwnDataset) -> list[int]:
    return [len(part) for part in (data.train, data.valid, data.test)]


def place(folder: Path, names: str, start: int = 0) -> Path:
    """Write images at these places, three at each."""
    for number, name in enumerate(names.split()):
        for copy in range(3):
            write(folder / name / f"{copy}.png", pixels(start + 10 * number + copy))
    return folder


@pytest.mark.parametrize(
    ("names", "classes", "expected"),
    [
        ("a b c", "abc", [7, 1, 1]),
        ("a/deep/er b/x b/y", "ab", [7, 1, 1]),
        ("train/a train/b", "ab", [4, 1, 1]),
        ("train/a train/b val/a val/b test/a test/b", "ab", [6, 6, 6]),
        ("Training/a Training/b VALIDATION/a VALIDATION/b testing/a testing/b", "ab", [6, 6, 6]),
        ("train/a train/b test/a test/b", "ab", [5, 1, 6]),
        ("train/a train/b dev/a dev/b", "ab", [5, 6, 1]),
        ("train/a train/b val/a val/b valid/a valid/b", "ab", [5, 12, 1]),
        ("a/train a/test b/train b/test", "ab", [5, 1, 6]),
        ("wrapped/in/a wrapped/in/b", "ab", [4, 1, 1]),
        ("wrapped/train/a wrapped/train/b wrapped/test/a wrapped/test/b", "ab", [5, 1, 6]),
        ("train bus", ["bus", "train"], [4, 1, 1]),
        ("10 9 2", ["2", "9", "10"], [7, 1, 1]),
        ("10 9 02", ["02", "10", "9"], [7, 1, 1]),
    ],
)
def test_layouts(names: str, classes: Any, expected: list[int], tmp_path: Path) -> None:
    data = open_dataset(place(tmp_path / "toys", names))
    assert data.classes == tuple(classes)
    assert sizes_of(data) == expected


def test_a_test_part_without_labels_is_none(tmp_path: Path) -> None:
    root = place(tmp_path / "toys", "train/a train/b test")
    data = open_dataset(root)
    assert sizes_of(data) == [4, 1, 1]
    assert told(data, "Left out, as in no folder") == (
        "Left out, as in no folder of a class: 3 images, such as test/0.png."
    )


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("", "has no image"),
        (".", "has 3 images and no folders of classes: lay out a folder for each class"),
        ("a", "has one class, 'a': a network learns to tell two classes or more apart"),
        ("train/a train/b test/a test/c", "train has no example of class c, and other parts have 3"),
        ("valid/a valid/b test/a test/b", "has test, valid, and no train: add it"),
        ("train/a test/a test/b", "train has no example of class b"),
    ],
)
def test_what_nothing_is_learnt_from(names: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "toys").mkdir()
    with pytest.raises(BadData) as caught:
        open_dataset(place(tmp_path / "toys", names))
    assert message in str(caught.value)


def test_formats_that_are_not_read_are_named(tmp_path: Path) -> None:
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / "photo.heic").write_bytes(b"x")
    with pytest.raises(
        BadData, match=r"has no image \(such as .*photo\.heic is none; PNG, JPEG, .* are read\)"
    ):
        open_dataset(tmp_path)


def test_a_sheet_beside_images_is_named(tmp_path: Path) -> None:
    write(tmp_path / "1.png", pixels(1))
    (tmp_path / "labels.csv").write_text("path,label\n1.png,cat\n")
    with pytest.raises(BadData, match=r"or give .*labels\.csv, if that lists paths and labels"):
        open_dataset(tmp_path)


def test_one_image_and_one_for_each_class(tmp_path: Path) -> None:
    write(tmp_path / "a" / "1.png", pixels(1))
    with pytest.raises(BadData, match="has one class"):
        open_dataset(tmp_path)
    write(tmp_path / "b" / "1.png", pixels(2))
    with pytest.raises(BadData, match="has 2 examples to divide, too few for validation"):
        open_dataset(tmp_path)
    write(tmp_path / "b" / "2.png", pixels(2))  # a copy, which stays with the other
    with pytest.raises(BadData, match="too few for validation: give at least two that differ"):
        open_dataset(tmp_path)
    write(tmp_path / "b" / "2.png", pixels(3))
    data = open_dataset(tmp_path)
    assert sizes_of(data) == [2, 1, 0]
    assert told(data, "There are too few") and told(data, "Validation has no example of class a")


def test_folders_without_an_image(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "toys")
    digest = open_dataset(root).digest
    (root / "empty" / "deep").mkdir(parents=True)
    (root / "texts").mkdir()
    (root / "texts" / "1.txt").write_text("x")
    (root / "broken").mkdir()
    (root / "broken" / "1.png").write_bytes(b"x")
    data = open_dataset(root)
    assert data.digest == digest and data.classes == ("cat", "dog", "emu")
    assert told(data, "Folders without") == (
        "Folders without an image that can be read are no classes: broken, empty, texts."
    )


def test_what_is_no_image_is_left_out(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "toys")
    digest = open_dataset(root).digest
    for name in ("Thumbs.db", "desktop.ini", ".DS_Store", "._0.png", ".hidden/1.png", "__MACOSX/cat/0.png"):
        (root / "cat" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "cat" / name).write_bytes(b"x")
    data = open_dataset(root)
    assert data.digest == digest and not [note for note in data.notes if "Left out" in note]
    for name in ("labels.csv", "model.pt", "movie.mp4"):
        (root / "dog" / name).write_bytes(b"x")
    data = open_dataset(root)
    assert data.digest == digest
    assert told(data, "Left out") == (
        f"Left out, as no images by their names: 3 files, such as {root / 'dog' / 'labels.csv'}."
    )


@pytest.mark.posix
def test_links(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "toys")
    secret = write(tmp_path / "elsewhere" / "secret.png", pixels(9999))
    digest = open_dataset(root).digest
    for link, target in (
        ("cat/out.png", secret),
        ("cat/relative.png", Path("../../elsewhere/secret.png")),
        ("folder", secret.parent),
        ("cat/up", Path("..")),
        ("cat/self", Path(".")),
        ("cat/dead.png", Path("nowhere.png")),
        ("cat/first.png", Path("second.png")),
        ("cat/second.png", Path("first.png")),
    ):
        (root / link).symlink_to(target)
    os.mkfifo(root / "cat" / "pipe.png")
    data = open_dataset(root)
    assert data.digest == digest
    assert "3 files" in told(data, "Left out, as links lead out of the folder")
    assert "2 files" in told(data, "Left out, as folders lie too deep or lead back up")
    (root / "cat" / "within.png").symlink_to("0.png")
    assert told(open_dataset(root), "Copies") == "Copies of others in the same part: 1 example."
    (tmp_path / "link").symlink_to(root)
    assert open_dataset(tmp_path / "link").digest == open_dataset(root).digest


def test_the_order_of_the_file_system_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = place(tmp_path / "toys", "train/b train/a test/b test/a")
    digest = open_dataset(root).digest
    scandir = os.scandir

    class Shuffled:
        def __init__(self, path: Any) -> None:
            self.found = scandir(path)

        def __enter__(self) -> Any:
            entries = list(self.found)
            random.Random(7).shuffle(entries)
            return iter(entries)

        def __exit__(self, *_: object) -> None:
            self.found.close()

    monkeypatch.setattr(listing.os, "scandir", Shuffled)
    assert open_dataset(root).digest == digest
    monkeypatch.undo()
    shutil.copytree(root, tmp_path / "copy")
    assert open_dataset(tmp_path / "copy").digest == digest


def test_names_that_differ_in_bytes_alone_are_one_class(tmp_path: Path) -> None:
    """As macOS and Linux write an e with an accent."""
    write_folder(tmp_path, ["caf\u00e9", "cafe\u0301", "tea"])
    assert open_dataset(tmp_path).classes == ("caf\u00e9", "tea")


@pytest.mark.posix
def test_names_that_are_no_text(tmp_path: Path) -> None:
    name = os.fsdecode(b"\xff\xfe")
    try:
        write_folder(tmp_path, [name, "tea"])
    except OSError:
        pytest.skip("this file system takes no such name")
    data = open_dataset(tmp_path)
    assert data.classes == ("\\xff\\xfe", "tea")
    assert data.as_dict()["classes"][0].encode() == b"\\xff\\xfe"


def test_a_folder_that_changes_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write_folder(tmp_path / "toys")
    decode = pictures.peek

    def copying(path: Path, small: int) -> Any:
        if path.name == "5.png":
            write(root / "dog" / "new.png", pixels(1234))
        return decode(path, small)

    monkeypatch.setattr(pictures, "peek", copying)
    with pytest.raises(BadData, match="has changed while it was read: open it again when it is complete"):
        open_dataset(root)


def test_thousands_of_classes(tmp_path: Path) -> None:
    for number in range(1200):
        for copy in range(1 + number % 3):
            write(tmp_path / f"{number:04}" / f"{copy}.bmp", pixels(10 * number + copy, 2, 2))
    data = open_dataset(tmp_path)
    assert len(data.classes) == 1200 and sum(sizes_of(data)) == 2400
    assert len(np.unique(data.train.labels)) == 1200
    # Shares of the 2,000 that are not the only one of their class.
    assert len(data.valid) == len(data.test) == 300
    assert "900 classes: " in told(data, "Validation has no example of")


class TestSizes:
    def test_one_size_stays(self, tmp_path: Path) -> None:
        data = open_dataset(write_folder(tmp_path, height=128, width=20))
        assert data.shape == (3, 128, 20) and not [note for note in data.notes if "scaled" in note]

    def test_large_ones_keep_their_proportions(self, tmp_path: Path) -> None:
        data = open_dataset(write_folder(tmp_path, count=3, height=150, width=300))
        assert data.shape == (3, 64, 128)
        assert told(data, "Images of") == "Images of 150 x 300 are scaled to 64 x 128; size= sets another."

    def test_sizes_that_differ_become_a_square(self, tmp_path: Path) -> None:
        for number, (height, width) in enumerate([(30, 50), (60, 40), (20, 90), (45, 45), (500, 300)] * 2):
            write(tmp_path / "ab"[number % 2] / f"{number}.png", pixels(number, height, width))
        data = open_dataset(tmp_path)
        assert data.shape == (3, 40, 40)  # shorter sides are 20, 30, 40, 45 and 300
        assert told(data, "Images of 5 sizes, 20 x 90 to 500 x 300, are scaled to 40 x 40")
        assert open_dataset(tmp_path, size=16).shape == (3, 16, 16)
        assert open_dataset(tmp_path, size=(16, 24)).shape == (3, 16, 24)

    @pytest.mark.parametrize("numbers", [np.uint8, np.float32])
    def test_the_middle_is_kept_and_means_are(self, numbers: Any) -> None:
        image = np.zeros((40, 20, 3), numbers)
        image[10:30] = 200
        small = sizes.fit(image, (10, 10))
        assert small.dtype == numbers and (small[1:-1] == 200).all()
        flat = sizes.fit(np.full((37, 91), 77, numbers), (12, 5))
        assert flat.shape == (12, 5) and (flat == 77).all()
        halves = np.repeat(np.array([[0, 100]], numbers), 50, axis=1).repeat(100, axis=0)
        assert abs(float(sizes.fit(halves, (4, 4)).mean()) - 50) <= 0.5  # of whole numbers

    @pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 300), (3, 2)])
    def test_tiny_ones(self, height: int, width: int, tmp_path: Path) -> None:
        data = open_dataset(write_folder(tmp_path, height=height, width=width))
        assert data.shape == (3, *((height, width) if width <= 128 else (1, 300)))
        assert open_dataset(tmp_path, size=4).shape == (3, 4, 4)

    def test_photographs_and_signs(self, tmp_path: Path) -> None:
        assert open_dataset(write_folder(tmp_path / "p", height=24, width=40)).natural
        assert not open_dataset(write_folder(tmp_path / "s", height=23, width=40)).natural
        assert not open_dataset(write_folder(tmp_path / "l", "AB9", height=32, width=32)).natural
        for name in ("up", "down"):
            for number in range(9):
                write(
                    tmp_path / "g" / name / f"{number}.png", pixels(number + 50 * len(name), 40, 40)[..., 0]
                )
        assert not open_dataset(tmp_path / "g").natural
        assert open_dataset(tmp_path / "g", size=64).natural


def test_many_threads_read_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write_folder(tmp_path / "toys", count=40)
    (root / "cat" / "3.png").write_bytes(b"broken")
    alone = open_dataset(root)
    monkeypatch.setattr(pictures, "LARGE", 0)
    monkeypatch.setattr(pictures.os, "cpu_count", lambda: 8)
    together = open_dataset(root)
    assert together.digest == alone.digest and together.notes == alone.notes
    np.testing.assert_array_equal(everything(together), everything(alone))
