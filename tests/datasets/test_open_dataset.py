"""What an open data set offers, whatever its source: the contract of `OwnDataset`."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import call
from own_data import everything, pixels, write, write_archive, write_folder

from nassearch.datasets import OwnDataset, open_dataset
from nassearch.datasets.images import pictures
from nassearch.errors import BadData, InvalidSetting, MissingData, UnknownName
from nassearch.types import Task

RNG = np.random.default_rng(0)
Y = np.arange(90) % 3


def folder(place: Path) -> Path:
    return write_folder(place / "toys", count=30)


def lazy(place: Path) -> Path:
    return write_folder(place / "toys", count=30)


def packed(place: Path) -> Path:
    return write_archive(place / "toys.npz", x=RNG.integers(0, 256, (90, 6, 6, 3), dtype=np.uint8), y=Y)


def mapped(place: Path) -> Path:
    return write_archive(place / "toys.npz", False, x=RNG.integers(0, 256, (90, 6, 6), dtype=np.uint8), y=Y)


def numbers(place: Path) -> Path:
    return write_archive(place / "toys.npz", x=RNG.normal(3, 2, (90, 3, 6, 6)), y=Y)


def signals(place: Path) -> Path:
    return write_archive(place / "toys.npz", x=RNG.normal(size=(90, 2, 40)), y=Y)


def vectors(place: Path) -> Path:
    return write_archive(place / "toys.npz", x=RNG.normal(5, 1, (90, 7)), y=Y)


def sheet(place: Path) -> Path:
    root = write_folder(place / "toys", count=30)
    rows = [f"{path.relative_to(place)},{path.parent.name}" for path in sorted(root.rglob("*.png"))]
    (place / "toys.csv").write_text("\n".join(["path,label", *rows]))
    return place / "toys.csv"


def table(place: Path) -> Path:
    rows = [",".join(map(str, [*RNG.normal(size=4), "abc"[place % 3]])) for place in range(90)]
    (place / "toys.csv").write_text("\n".join(["p,q,r,s,label", *rows]))
    return place / "toys.csv"


def function(place: Path) -> str:
    (place / "to.py").write_text(
        "import numpy as np\n"
        "def ys():\n"
        "    rng = np.random.default_rng(0)\n"
        "    return [(rng.normal(size=(3, 6, 6)).astype('float32'), place % 3) for place in range(90)]\n"
    )
    return "to:ys"


SOURCES = [folder, lazy, packed, mapped, numbers, signals, vectors, sheet, table, function]


@pytest.fixture(params=SOURCES, ids=lambda make: make.__name__)
def data(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OwnDataset:
    monkeypatch.chdir(tmp_path)
    if request.param is lazy:
        monkeypatch.setattr(pictures, "HELD", 3 * 12 * 12 * 4)  # four images
        monkeypatch.setattr("nassearch.datasets.images.gallery.HELD", 1)
    return open_dataset(request.param(tmp_path))


class TestContract:
    def test_parts_and_classes(self, data: OwnDataset) -> None:
        assert data.name in ("toys", "to-ys") and data.kind in ("image", "signal", "vector")
        assert [len(data.part(name)) for name in ("train", "valid", "test")] == [62, 14, 14]
        for part in (data.train, data.valid, data.test):
            assert part.labels.dtype == np.int64
            assert set(np.bincount(part.labels, minlength=3)) <= {len(part) // 3, len(part) // 3 + 1}

    def test_it_says_what_it_is(self, data: OwnDataset) -> None:
        assert repr(data.valid) == f"Split(14 examples {list(data.shape)})"
        assert repr(data).endswith(f"{data.kind} {list(data.shape)}, 3 classes, train 62, valid 14, test 14)")

    def test_what_is_stored(self, data: OwnDataset) -> None:
        taken = data.train.take([5, 0, 5])
        assert taken.shape == (3, *data.shape) and taken.dtype in (np.uint8, np.float32)
        assert taken.flags.c_contiguous
        np.testing.assert_array_equal(taken[0], taken[2])
        np.testing.assert_array_equal(data.train.take(np.array([0])), taken[1:2])
        assert data.train.take([]).shape == (0, *data.shape)

    def test_what_networks_take(self, data: OwnDataset) -> None:
        inputs = data.inputs("train", np.arange(62))
        assert inputs.dtype == np.float32 and inputs.shape == (62, *data.shape) and inputs.flags.c_contiguous
        axes = (0, *range(2, inputs.ndim))
        # Of float32 sums of some thousand numbers near 1.
        np.testing.assert_allclose(inputs.mean(axis=axes), 0, atol=1e-5)
        np.testing.assert_allclose(inputs.std(axis=axes), 1, atol=1e-5)
        np.testing.assert_array_equal(data.inputs(data.train, [3]), inputs[3:4])

    def test_mean_and_deviation_are_those_of_train(self, data: OwnDataset) -> None:
        raw = data.train.take(np.arange(62)).astype(np.float64)
        raw /= 255 if data.train.take([0]).dtype == np.uint8 else 1
        axes = (0, *range(2, raw.ndim))
        assert data.mean.dtype == data.std.dtype == np.float32
        np.testing.assert_allclose(data.mean, raw.mean(axis=axes), rtol=1e-6)  # float32 has seven digits
        np.testing.assert_allclose(data.std, raw.std(axis=axes), rtol=1e-6)

    def test_the_batch(self, data: OwnDataset) -> None:
        batch = data.batch(12)
        assert batch.labels is not None
        np.testing.assert_array_equal(batch.labels, [0, 1, 2] * 4)
        larger = data.batch(10_000)
        assert len(larger.inputs) == 62 and larger.first(12) == batch
        assert data.batch(12) == batch

    def test_the_task(self, data: OwnDataset) -> None:
        assert data.task(cells=2) == Task(data.shape, 3, cells=2)

    def test_it_is_plain_json(self, data: OwnDataset) -> None:
        said = json.loads(json.dumps(data.as_dict()))
        assert said["sizes"] == {"train": 62, "valid": 14, "test": 14}
        assert said["shape"] == list(data.shape) and said["digest"] == data.digest
        assert len(said["mean"]) == len(said["std"]) == data.shape[0]

    def test_it_travels(self, data: OwnDataset) -> None:
        again = pickle.loads(pickle.dumps(data))
        assert again == data and hash(again) == hash(data)
        np.testing.assert_array_equal(everything(again), everything(data))

    def test_no_example_is_in_two_parts(self, data: OwnDataset) -> None:
        kept = [part.contents for part in (data.train, data.valid, data.test)]
        assert len(np.unique(np.concatenate(kept), axis=0)) == 90
        assert not [note for note in data.notes if "Leakage" in note or "Copies" in note]

    @pytest.mark.parametrize("places", [[62], [-1], [0.5], [[0]], "ab", [True]])
    def test_places_that_are_none(self, data: OwnDataset, places: Any) -> None:
        with pytest.raises(InvalidSetting, match="places are"):
            data.train.take(places)

    def test_parts_that_are_none(self, data: OwnDataset) -> None:
        with pytest.raises(UnknownName, match="did you mean valid"):
            data.part("valida")

    @pytest.mark.parametrize("n", [1, 0, 2.5, "4", True, None])
    def test_batches_that_are_none(self, data: OwnDataset, n: Any) -> None:
        with pytest.raises(InvalidSetting, match="at least 2"):
            data.batch(n)


@pytest.mark.parametrize("make", SOURCES, ids=lambda make: make.__name__)
def test_the_same_data_have_one_digest(
    make: Callable[[Path], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    source = make(tmp_path)
    first, again, other = (open_dataset(source, seed=seed) for seed in (0, 0, 1))
    assert first.digest == again.digest != other.digest
    assert len({open_dataset(source, valid=share).digest for share in (0.15, 0.3)}) == 2


def test_data_that_memory_does_not_hold_are_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Images are decoded as they are asked for; the oldest are let go of."""
    root = write_folder(tmp_path / "toys", count=30)
    write(root / "cat" / "grey.png", pixels(9)[..., 0])
    held = open_dataset(root)
    monkeypatch.setattr(pictures, "HELD", 3 * 12 * 12 * 4)
    monkeypatch.setattr("nassearch.datasets.images.gallery.HELD", 1)
    found = open_dataset(root)
    assert found.digest == held.digest
    np.testing.assert_array_equal(everything(found), everything(held))
    assert isinstance(found.train.examples, pictures.Pictures) and len(found.train.examples._kept) == 4


def test_a_file_that_changes_is_not_taken_for_what_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write_folder(tmp_path / "toys")
    monkeypatch.setattr("nassearch.datasets.images.gallery.HELD", 1)
    data = open_dataset(root)
    files = sorted(root.rglob("*.png"))
    write(files[3], pixels(77))
    with pytest.raises(BadData, match=r"3\.png has changed since the data set was opened: open it again"):
        everything(data)
    files[3].unlink()
    with pytest.raises(BadData, match=r"3\.png cannot be read: No such file"):
        everything(data)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"valid": 0}, "valid is a share above 0"),
        ({"valid": 0.6, "test": 0.4}, "leaves something beside test for training, not 0.6 and 0.4"),
        ({"valid": 2}, "valid is a share from 0 to 1, not 2"),
        ({"test": float("nan")}, "test is a share from 0 to 1, not nan"),
        ({"seed": -1}, "seed is a whole number of at least 0, not -1"),
        ({"seed": 2**63}, "seed is a whole number of at most"),
        ({"size": 0}, "size is a whole number from 1 to 4096, not 0"),
        ({"size": "64"}, "size is a whole number"),
        ({"size": (8, 8, 3)}, r"height and width, not \(8, 8, 3\)"),
    ],
)
def test_settings_are_looked_at_first(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidSetting, match=message):
        open_dataset("nowhere", **options)


def test_a_path_of_other_bytes_than_text_is_refused() -> None:
    with pytest.raises(InvalidSetting, match="the path of a data set is text in UTF-8"):
        open_dataset("nowhere\udcff")


@pytest.mark.parametrize("source", ["s3://bucket/x", "HTTP://x/y", "git+ssh://x", "file:///x"])
def test_an_address_is_no_source(source: str) -> None:
    with pytest.raises(InvalidSetting, match="is an address: download it first"):
        open_dataset(source)


@pytest.mark.parametrize("source", [3, None, "", b"x"])
def test_what_is_no_source(source: Any) -> None:
    with pytest.raises(InvalidSetting, match="a data set is a folder of images"):
        open_dataset(source)


def test_home_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    write_folder(tmp_path / "toys")
    assert open_dataset("~/toys").source == str(tmp_path / "toys")


def test_what_is_not_there() -> None:
    for source in ("nowhere", "./nowhere:f", "nowhere.npz"):
        with pytest.raises(MissingData, match=r"there is no data set .*nowhere"):
            open_dataset(source)


def test_the_command_shows_what_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_folder(tmp_path / "toys", [f"class {number}" for number in range(25)])
    found = open_dataset("toys")
    said = json.loads(call("data", "toys", "--json").stdout)
    assert said == {**found.as_dict(), "counts": said["counts"]}
    assert sum(sum(each.values()) for each in said["counts"].values()) == 250
    counts_of = ("train", "valid", "test")
    shown = call("data", "toys").stdout
    assert f"digest {found.digest}" in shown and found.classes[18] in shown
    assert not any(f"{name} " in shown for name in found.classes[19:])
    left = [sum(counts[part] for counts in list(said["counts"].values())[19:]) for part in counts_of]
    assert [line.split() for line in shown.splitlines() if "more" in line] == [["6", "more", *map(str, left)]]
    assert json.loads(call("data", "toys", "--json", "--size", "8,10").stdout)["shape"] == [3, 8, 10]
    assert json.loads(call("data", "toys", "--json", "--valid", "0.5").stdout)["sizes"]["valid"] == 125
    for size in ("8x9", "9" * 5000):
        assert "--size is a number" in call("data", "toys", "--size", size).stderr
    asked = "toys --size 8,10 --test 0.2 --seed 3"
    assert f"next: nassearch search {asked} --hours 1" in call("data", *asked.split()).stdout
    rows = "".join(f"{number},{number % 2}\n" for number in range(40))
    (tmp_path / "a.csv").write_text(f"number,label\n{rows}")
    assert "next: nassearch search a.csv --space mymodels:space --hours 1" in call("data", "a.csv").stdout


@pytest.mark.slow
def test_real_images_open_within_seconds(real_data: Path) -> None:
    data = open_dataset(real_data / "images" / "cifar10.npz")
    assert [len(part) for part in (data.train, data.valid, data.test)] == [10200, 1800, 4000]
    assert data.shape == (3, 32, 32) and data.natural
    # Those of all 50,000 training images, which these are a random part of.
    np.testing.assert_allclose(data.mean, [0.4914, 0.4822, 0.4465], atol=0.004)
    np.testing.assert_allclose(data.std, [0.2470, 0.2435, 0.2616], atol=0.004)
