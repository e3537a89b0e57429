"""Archives and folders of arrays: names, axes, types, and what is damaged or dangerous in them."""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from own_data import everything, told, write_archive

from nassearch.datasets import open_dataset
from nassearch.datasets.arrays import archive
from nassearch.datasets.arrays.archive import read_archive
from nassearch.datasets.examples import Arrayed, OnDisk
from nassearch.errors import BadData, InvalidSetting

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (60, 8, 6, 3), dtype=np.uint8)
Y = np.arange(60) % 3


@pytest.mark.parametrize(
    ("x", "kind", "order"),
    [
        (IMAGES, "image", (2, 0, 1)),
        (IMAGES.transpose(0, 3, 1, 2), "image", (0, 1, 2)),
        (IMAGES[..., 0], "image", (0, 1)),
        (IMAGES[..., :1], "image", (2, 0, 1)),
        (RNG.random((60, 3, 8, 6)), "image", (0, 1, 2)),
        (RNG.random((60, 8, 6, 3)), "image", (2, 0, 1)),
        (RNG.random((60, 8, 8)), "image", (0, 1)),
        (RNG.random((60, 13, 9, 9)), "image", (0, 1, 2)),
        (RNG.random((60, 9, 9, 13)), "image", (2, 0, 1)),
        (RNG.random((60, 4, 4, 4)), "image", (0, 1, 2)),
        (RNG.integers(0, 256, (60, 4, 4, 4), dtype=np.uint8), "image", (2, 0, 1)),
        (RNG.random((60, 1, 40)), "signal", (0, 1)),
        (RNG.random((60, 9, 128)), "signal", (0, 1)),
        (RNG.random((60, 128, 9)), "signal", (1, 0)),
        (RNG.integers(0, 256, (60, 1, 40), dtype=np.uint8), "signal", (0, 1)),
        (RNG.integers(0, 256, (60, 4, 64), dtype=np.uint8), "image", (0, 1)),
        (RNG.random((60, 7)), "vector", (0,)),
        (RNG.integers(-5, 5, (60, 7)), "vector", (0,)),
    ],
    ids=lambda given: f"{given.dtype}{list(given.shape[1:])}" if hasattr(given, "shape") else "",
)
@pytest.mark.parametrize("packed", [True, False])
def test_axes(x: np.ndarray, kind: str, order: tuple[int, ...], packed: bool, tmp_path: Path) -> None:
    arrays = {"x_train": x, "y_train": Y, "x_test": x[:9] + 1, "y_test": Y[:9]}
    data = open_dataset(write_archive(tmp_path / "a.npz", packed, **arrays))
    expected = (x[4] + 1).transpose(order)
    expected = expected[None] if kind == "image" and expected.ndim == 2 else expected
    assert (data.kind, data.shape) == (kind, expected.shape)
    (taken,) = data.test.take([4])
    assert taken.dtype == (np.uint8 if x.dtype == np.uint8 else np.float32)
    np.testing.assert_array_equal(taken, expected.astype(taken.dtype))


def test_channels_come_first_whatever_was_first(tmp_path: Path) -> None:
    last, first = (
        open_dataset(write_archive(tmp_path / f"{place}.npz", x=x, y=Y))
        for place, x in enumerate([IMAGES, np.ascontiguousarray(IMAGES.transpose(0, 3, 1, 2))])
    )
    assert last.digest == first.digest
    np.testing.assert_array_equal(everything(last), everything(first))
    assert sorted(image.tobytes() for image in everything(last)) == sorted(
        np.ascontiguousarray(image.transpose(2, 0, 1)).tobytes() for image in IMAGES
    )


@pytest.mark.parametrize("dtype", [np.int64, np.int16, np.uint16, ">i4"])
def test_bytes_in_larger_numbers_are_bytes(dtype: Any, tmp_path: Path) -> None:
    data = open_dataset(write_archive(tmp_path / "a.npz", x=IMAGES.astype(dtype), y=Y))
    assert data.train.take([0]).dtype == np.uint8
    assert data.digest == open_dataset(write_archive(tmp_path / "b.npz", x=IMAGES, y=Y)).digest
    other = open_dataset(write_archive(tmp_path / "c.npz", x=IMAGES.astype(np.int32) * 2, y=Y))
    assert other.train.take([0]).dtype == np.float32 and everything(other).max() == 2.0 * IMAGES.max()


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f8", bool])
def test_numbers_become_float32(dtype: Any, tmp_path: Path) -> None:
    x = (RNG.random((60, 5)) > 0.5).astype(dtype) if dtype is bool else RNG.normal(size=(60, 5)).astype(dtype)
    data = open_dataset(write_archive(tmp_path / "a.npz", x=x + np.arange(60)[:, None], y=Y))
    assert everything(data).dtype == np.float32


@pytest.mark.parametrize(
    ("x", "y", "valid"),
    [
        ("x_{}", "y_{}", "val"),
        ("{}_images", "{}_labels", "val"),
        ("X_{}", "Y_{}", "valid"),
        ("images_{}", "labels_{}", "dev"),
    ],
)
def test_names(x: str, y: str, valid: str, tmp_path: Path) -> None:
    arrays: dict[str, Any] = {"index": np.arange(3)}
    for part, places in (("train", slice(40)), (valid, slice(40, 50)), ("test", slice(50, 60))):
        arrays |= {x.format(part): IMAGES[places], y.format(part): Y[places, None]}
    data = open_dataset(write_archive(tmp_path / "a.npz", **arrays))
    assert [len(part) for part in (data.train, data.valid, data.test)] == [40, 10, 10]
    np.testing.assert_array_equal(data.test.labels, Y[50:])
    assert told(data, "Not used") == "Not used: index."


def test_classes_have_names(tmp_path: Path) -> None:
    data = open_dataset(
        write_archive(tmp_path / "a.npz", x=IMAGES, y=Y, class_names=np.array(["ant", "bee", "cow"]))
    )
    assert data.classes == ("ant", "bee", "cow")
    assert open_dataset(write_archive(tmp_path / "b.npz", x=IMAGES, y=Y * 5 - 5)).classes == ("-5", "0", "5")
    note = told(open_dataset(tmp_path / "b.npz"), "Labels are")
    assert note == "Labels are -5, 0, 5, not 0 to 2: class 0 is label -5, and so on."
    missing = open_dataset(write_archive(tmp_path / "c.npz", x=IMAGES, y=np.where(Y == 2, np.nan, Y)))
    assert told(missing, "Left out") == "Left out, as without a label: 20 examples of 60."
    assert missing.classes == ("0", "1") and sum(map(len, (missing.train, missing.valid, missing.test))) == 40


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": IMAGES}, "holds 'x', and not arrays x_train and y_train"),
        ({"x_test": IMAGES, "y_test": Y}, "holds 'x_test, y_test', and not arrays x_train and y_train"),
        ({"x": IMAGES, "y": Y[:50]}, "x has 60 examples, and y 50 labels"),
        ({"x": IMAGES[:0], "y": Y[:0]}, "no example with a label"),
        ({"x": IMAGES[:1], "y": Y[:1]}, "has one class, '0'"),
        ({"x": IMAGES, "y": Y * 0}, "has one class, '0'"),
        ({"x": IMAGES[:, :0], "y": Y}, "its examples hold no number"),
        ({"x": Y, "y": Y}, "inputs are numbers [N, ...]"),
        ({"x": IMAGES[..., None, None], "y": Y}, "examples are images [N, height, width, channels]"),
        ({"x": IMAGES.astype(complex), "y": Y}, "complex128"),
        ({"x": IMAGES.astype(str), "y": Y}, "inputs are numbers"),
        ({"x": IMAGES, "y": RNG.random(60)}, "values to predict are no classes"),
        ({"x": IMAGES, "y": IMAGES[:, :, 0, 0]}, "labels are [N], or rows of zeros with a single one"),
        ({"x_train": IMAGES, "y_train": Y, "x_test": IMAGES[:, :5], "y_test": Y}, "bring them to one shape"),
        ({"x_train": IMAGES, "y_train": Y, "x_test": IMAGES / 255, "y_test": Y}, "bring them to one type"),
        (
            {"x_train": IMAGES.astype(int), "y_train": Y, "x_test": IMAGES / 255, "y_test": Y},
            "x_train is int64 and x_test float64: bring them to one type and scale",
        ),
        *(
            ({"x_train": one, "y_train": Y, "x_test": other, "y_test": Y}, "bring them to one shape")
            for one in (IMAGES, IMAGES[..., 0], IMAGES[..., 0, 0])
            for other in (IMAGES, IMAGES[..., 0], IMAGES[..., 0, 0])
            if one.ndim != other.ndim
        ),
        (
            {"x": np.where(np.arange(60)[:, None] == 17, np.nan, 1.0), "y": Y},
            "1 example of 60 with NaN or an infinite",
        ),
        (
            {"x": np.full((60, 2), 1e300), "y": Y},
            "60 examples of 60 with NaN or an infinite number, the first is x[0]",
        ),
        ({"x": np.ones((60, 4)), "y": Y}, "too few for validation: give at least two that differ"),
        ({"x": IMAGES, "y": Y, "class_names": np.array(["a", "b"])}, "names of 2 classes, and labels 0 to 2"),
        ({"x": IMAGES, "y": Y, "class_names": np.array([1, 2, 3])}, "names of classes are texts [classes]"),
    ],
)
def test_arrays_that_are_no_data_set(arrays: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(BadData) as caught:
        open_dataset(write_archive(tmp_path / "a.npz", **arrays))
    assert message in str(caught.value)


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    class Dangerous:
        def __reduce__(self) -> Any:
            return open, (str(tmp_path / "ran"), "w")

    for packed in (True, False):
        path = write_archive(tmp_path / "a.npz", packed, x=IMAGES, y=np.array([Dangerous()] * 60, object))
        with pytest.raises(BadData, match="y holds Python objects, which can run code and are never read"):
            open_dataset(path)
    (tmp_path / "b.pkl").write_bytes(pickle.dumps(Dangerous()))
    with pytest.raises(BadData, match="a Python pickle, which can run code and is never read"):
        open_dataset(tmp_path / "b.pkl")
    (tmp_path / "f").mkdir()
    np.save(tmp_path / "f" / "x_train.npy", IMAGES)
    np.save(tmp_path / "f" / "y_train.npy", np.array([Dangerous()] * 60, object))
    with pytest.raises(BadData, match="holds Python objects"):
        open_dataset(tmp_path / "f")
    assert not (tmp_path / "ran").exists()


class TestDamage:
    @pytest.mark.parametrize("packed", [True, False])
    def test_every_cut_and_every_changed_byte(self, packed: bool, tmp_path: Path) -> None:
        whole = write_archive(tmp_path / "a.npz", packed, x=IMAGES[:20], y=Y[:20]).read_bytes()
        digest = open_dataset(tmp_path / "a.npz").digest
        for place in RNG.integers(0, len(whole), 60).tolist():
            changed = whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :]
            for content in (whole[:place], changed):
                (tmp_path / "b.npz").write_bytes(content)
                try:
                    assert (
                        open_dataset(tmp_path / "b.npz").digest == digest
                    )  # a byte that says nothing, as a date
                except BadData as error:
                    assert "b.npz" in str(error)

    @pytest.mark.parametrize(
        ("descr", "shape"),
        [
            ("|u1", "(1000000000000, 3)"),
            ("<f8", "(-5, 3)"),
            ("|S0", "(10000000000000,)"),
            ("|u1", "(200, 1)"),
        ],
    )
    @pytest.mark.parametrize("kind", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
    def test_arrays_that_are_more_than_they_are(
        self, descr: str, shape: str, kind: int, tmp_path: Path
    ) -> None:
        header = (
            f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".encode().ljust(117) + b"\n"
        )
        with zipfile.ZipFile(tmp_path / "a.npz", "w", kind) as file:
            file.writestr(
                "x.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + b"\0" * 100
            )
        with pytest.raises(BadData, match=r"a\.npz.*(cut off|damaged)"):
            read_archive(tmp_path / "a.npz")

    @pytest.mark.parametrize(
        "header", ["{'descr': '|u1', (", "[" * 90, "{'descr': 3}", "x", "{'a': 1}", "\0", "'", "(1,"]
    )
    def test_headers_that_say_nothing(self, header: str, tmp_path: Path) -> None:
        with zipfile.ZipFile(tmp_path / "a.npz", "w") as file:
            file.writestr(
                "x.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", 100) + header.encode().ljust(99) + b"\n"
            )
        with pytest.raises(BadData, match=r"a\.npz: x does not say what it holds"):
            read_archive(tmp_path / "a.npz")

    def test_more_than_memory_should_hold(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = write_archive(tmp_path / "a.npz", x=np.zeros((60, 40, 40, 3), np.uint8), y=Y)
        monkeypatch.setattr(archive, "HELD", 1000)
        with pytest.raises(
            BadData, match=r"unpack to more than 1000 bytes.* numpy\.savez, which packs nothing"
        ):
            open_dataset(path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.png", b"\x89PNG\r\n", "is one image: give the folder"),
        ("a.npy", b"\x93NUMPY\x01\x00", "is one array: write inputs and labels to one file"),
        ("a.tar.gz", b"\x1f\x8b\x08", "is a tar archive: give the folder that it unpacks to"),
        ("a.h5", b"\x89HDF\r\n", "is HDF5: name a function that reads it, as module:function"),
        ("a.json", b"{}", "is JSON: name a function"),
        ("a.txt", b"hello", "has no row below its first line; name the columns path and label"),
        ("a.bin", b"\x00\x01\xff", "is not UTF-8 text"),
        ("a.csv", b"", "is empty"),
    ],
)
def test_files_that_are_no_data_set(name: str, content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadData) as caught:
        open_dataset(tmp_path / name)
    assert message in str(caught.value)


def test_a_zip_of_images(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr("cat/1.png", b"x")
    with pytest.raises(BadData, match=r"a zip with 0 arrays.* of an archive of images give the folder"):
        open_dataset(tmp_path / "a.zip")


@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_stay_on_the_disk(order: Any, tmp_path: Path) -> None:
    x = np.asarray(RNG.normal(size=(60, 2, 30)), np.float64, order=order)
    plain = open_dataset(write_archive(tmp_path / "a.npz", x_train=x, y_train=Y))
    mapped = open_dataset(write_archive(tmp_path / "b.npz", False, x_train=x, y_train=Y))
    (tmp_path / "c").mkdir()
    np.save(tmp_path / "c" / "x_train.npy", x)
    np.save(tmp_path / "c" / "y_train.npy", Y)
    folder = open_dataset(tmp_path / "c")
    assert plain.digest == mapped.digest == folder.digest
    for data in (mapped, folder):
        examples = data.train.examples
        assert isinstance(examples, Arrayed) and isinstance(examples.array, OnDisk)
        assert len(pickle.dumps(data)) < 20_000
        np.testing.assert_array_equal(everything(data), everything(plain))
    (tmp_path / "b.npz").write_bytes(b"")
    with pytest.raises(BadData, match=r"b\.npz has changed since it was opened, or is gone"):
        pickle.loads(pickle.dumps(mapped)).train.take([0])


def test_images_in_arrays_are_scaled_too(tmp_path: Path) -> None:
    x = np.repeat(np.repeat(IMAGES, 30, axis=1), 30, axis=2)  # 240 x 180
    data = open_dataset(write_archive(tmp_path / "a.npz", x=x, y=Y))
    assert data.shape == (3, 85, 64)
    assert told(data, "Images of") == "Images of 240 x 180 are scaled to 85 x 64; size= sets another."
    assert open_dataset(tmp_path / "a.npz", size=(8, 6)).shape == (3, 8, 6)
    floats = open_dataset(
        write_archive(
            tmp_path / "b.npz",
            x=np.full((60, 2, 9, 9), Y[:, None, None, None] + 0.5) + RNG.random((60, 1, 1, 1)),
            y=Y,
        ),
        size=4,
    )
    assert floats.shape == (2, 4, 4)
    assert all(np.ptp(image) == 0 for image in everything(floats))
    with pytest.raises(InvalidSetting, match="size is that of images, and these are vectors"):
        open_dataset(write_archive(tmp_path / "c.npz", x=RNG.random((60, 5)), y=Y), size=4)


def test_a_version_of_npy_with_a_long_header(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, IMAGES, version=(2, 0))
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as file:
        file.writestr("x.npy", buffer.getvalue())
        other = io.BytesIO()
        np.lib.format.write_array(other, Y, version=(3, 0))
        file.writestr("y.npy", other.getvalue())
    assert (
        open_dataset(tmp_path / "a.npz").digest
        == open_dataset(write_archive(tmp_path / "b.npz", x=IMAGES, y=Y)).digest
    )
