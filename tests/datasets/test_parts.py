"""Parts, leakage, classes and labels, whatever the examples are."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from own_data import pixels, told, write, write_archive, write_folder
from PIL import Image

from nassearch.datasets import open_dataset
from nassearch.datasets.classes import classes_of
from nassearch.datasets.copies import tell_copies
from nassearch.datasets.divide import divide
from nassearch.datasets.examples import Arrayed
from nassearch.datasets.labels import label_of, labels_of
from nassearch.datasets.moments import moments
from nassearch.errors import BadData

SIZES = st.lists(st.integers(1, 60), min_size=2, max_size=12)


def contents(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 16), dtype=np.uint8)


@given(sizes=SIZES, valid=st.floats(0.05, 0.45), test=st.floats(0, 0.45), seed=st.integers(0, 2**63 - 1))
@settings(max_examples=60, deadline=None)
def test_shares(sizes: list[int], valid: float, test: float, seed: int) -> None:
    labels = np.repeat(np.arange(len(sizes)), sizes)
    free = np.full(len(labels), -1)
    divisible = sum(size for size in sizes if size > 1)
    if not divisible:
        return
    parts, _ = divide(labels, contents(len(labels)), free, valid, test, seed, "toys")
    assert all((parts[labels == label] == 0).any() for label in range(len(sizes)))
    few = sum(size >= 5 for size in sizes)
    for number, share in ((1, valid), (2, test)):
        count = int((parts == number).sum())
        # Rounding moves it by less than 1, and each class of five or more adds one at most.
        assert share * divisible - len(sizes) - 1 <= count <= share * divisible + few + 1
        for label, size in enumerate(sizes):
            here = int((parts[labels == label] == number).sum())
            assert abs(here - share * size) < 2
            if size >= 5 and share > 0:
                assert here >= 1


@given(sizes=SIZES, seed=st.integers(0, 100))
@settings(max_examples=30, deadline=None)
def test_parts_depend_on_content_alone(sizes: list[int], seed: int) -> None:
    labels = np.repeat(np.arange(len(sizes)), sizes)
    if max(sizes) < 2:
        return
    each, free = contents(len(labels)), np.full(len(labels), -1)
    parts, _ = divide(labels, each, free, 0.2, 0.2, seed, "toys")
    order = np.random.default_rng(seed).permutation(len(labels))
    again, _ = divide(labels[order], each[order], free, 0.2, 0.2, seed, "toys")
    np.testing.assert_array_equal(again, parts[order])


@given(sizes=SIZES, distinct=st.integers(2, 30), seed=st.integers(0, 100))
@settings(max_examples=60, deadline=None)
def test_copies_stay_together(sizes: list[int], distinct: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(sizes)), sizes)
    each = contents(distinct)[rng.integers(distinct, size=len(labels))]
    try:
        parts, _ = divide(labels, each, np.full(len(labels), -1), 0.25, 0.25, seed, "toys")
    except BadData as error:
        assert "too few for validation" in str(error)
        return
    where = [set(parts[(each == content).all(axis=1)].tolist()) for content in np.unique(each, axis=0)]
    assert all(len(found) == 1 for found in where)
    classes = tuple(map(str, range(len(sizes))))
    notes = tell_copies(each, labels, parts, classes, str)
    assert not [note for note in notes if "Leakage" in note]


def test_every_example_twice() -> None:
    labels, each = np.repeat([0, 1], 8), contents(8).repeat(2, axis=0)
    parts, _ = divide(labels, each, np.full(16, -1), 0.15, 0.15, 0, "toys")
    assert np.bincount(parts).tolist() == [8, 4, 4]
    assert all(np.bincount(labels[parts == number]).tolist() == [2, 2] for number in (1, 2))


def test_a_part_that_is_given_stays(tmp_path: Path) -> None:
    x = np.stack([pixels(seed) for seed in range(60)])
    y = np.arange(60) % 3
    path = write_archive(tmp_path / "a.npz", x_train=x[:40], y_train=y[:40], x_valid=x[40:], y_valid=y[40:])
    data = open_dataset(path)
    np.testing.assert_array_equal(data.valid.take(range(20)), x[40:].transpose(0, 3, 1, 2))
    np.testing.assert_array_equal(data.valid.labels, y[40:])
    assert [len(data.train), len(data.test)] == [34, 6]
    assert len(open_dataset(path, test=0).test) == 0
    # One more image moves no other.
    more = write_archive(tmp_path / "b.npz", x=np.concatenate([x, pixels(99)[None]]), y=np.append(y, 0))
    less = write_archive(tmp_path / "c.npz", x=x, y=y)
    sets = [{tuple(each) for each in open_dataset(source).train.contents.tolist()} for source in (more, less)]
    assert len(sets[0] ^ sets[1]) <= 3


class TestLeakage:
    def test_it_is_told_with_counts_and_names(self, tmp_path: Path) -> None:
        root = tmp_path / "toys"
        for start, part in ((0, "train"), (5000, "val"), (9000, "test")):
            write_folder(root / part, count=6, seed=start)
        assert not [note for note in open_dataset(root).notes if "Leakage" in note]
        shutil.copy(root / "train" / "cat" / "0.png", root / "test" / "cat" / "again.png")
        write(root / "test" / "dog" / "other.bmp", Image.open(root / "train" / "dog" / "1.png"))
        write(root / "test" / "dog" / "twice.tiff", Image.open(root / "train" / "dog" / "1.png"))
        shutil.copy(root / "test" / "emu" / "0.png", root / "val" / "emu" / "x.png")
        data = open_dataset(root)
        notes = [note for note in data.notes if note.startswith("Leakage")]
        assert notes == [
            "Leakage: 3 examples of 21 in test also in train, such as test/cat/again.png and train/cat/0.png: "
            "accuracy there is too high. Keep one of each.",
            "Leakage: 1 example of 21 in test also in validation, such as test/emu/0.png and val/emu/x.png: "
            "accuracy there is too high. Keep one of each.",
        ]
        assert data.notes[:2] == tuple(notes)  # the worst first
        assert (len(data.train), len(data.valid), len(data.test)) == (18, 19, 21)  # nothing is taken out

    def test_one_pixel_makes_another_image(self, tmp_path: Path) -> None:
        root = write_folder(tmp_path / "train", count=6).parent
        write_folder(root / "test", count=6, seed=9000)
        almost = pixels(0)
        almost[3, 3, 0] ^= 1
        write(root / "test" / "cat" / "almost.png", almost)
        assert not [note for note in open_dataset(root).notes if "Leakage" in note]

    def test_one_image_with_two_labels(self, tmp_path: Path) -> None:
        root = write_folder(tmp_path / "toys")
        shutil.copy(root / "cat" / "0.png", root / "dog" / "zero.png")
        data = open_dataset(root)
        assert told(data, "The same with two labels") == (
            "The same with two labels: 1 example, such as cat/0.png as cat and dog/zero.png as dog: no network is "
            "right on both."
        )
        assert not [note for note in data.notes if "Leakage" in note]

    def test_arrays(self, tmp_path: Path) -> None:
        x, y = np.random.default_rng(0).normal(size=(60, 5)), np.arange(60) % 2
        path = write_archive(
            tmp_path / "a.npz", x_train=x, y_train=y, x_test=x[:4], y_test=y[:4], x_val=x[:1] + 1, y_val=y[:1]
        )
        assert told(open_dataset(path), "Leakage") == (
            "Leakage: 4 examples of 4 in test also in train, such as x_test[0] and x_train[0]: accuracy there is too "
            "high. Keep one of each."
        )


@pytest.mark.parametrize(
    ("labels", "names", "classes", "found"),
    [
        ([0, 1, 2], None, ("0", "1", "2"), [0, 1, 2]),
        ([10, 2, 10], None, ("2", "10"), [1, 0, 1]),
        ([-1, 1, 1], None, ("-1", "1"), [0, 1, 1]),
        (["10", "9", "2"], None, ("2", "9", "10"), [2, 1, 0]),
        ([1, "1", 2, "2", None], None, ("1", "2"), [0, 0, 1, 1, -1]),
        ([1, "1", "x"], None, ("1", "x"), [0, 0, 1]),
        ([1, "0"], ("ant", "bee"), ("ant", "bee"), [1, 0]),
        (["b", "a"], ("a", "b", "c"), ("a", "b"), [1, 0]),
        (["10", "9", "x"], None, ("10", "9", "x"), [0, 1, 2]),
        (["b", None, "a"], None, ("a", "b"), [1, -1, 0]),
        ([0, 2, 2], ("ant", "bee", "cow"), ("ant", "cow"), [0, 1, 1]),
    ],
)
def test_classes(labels: list[Any], names: Any, classes: tuple[str, ...], found: list[int]) -> None:
    texts, numbers, _ = classes_of(labels, names, "toys")
    assert texts == classes and numbers.tolist() == found


@pytest.mark.parametrize(
    ("labels", "names", "message"),
    [
        ([1, 1], None, "toys has one class, '1'"),
        ([None], None, "no example with a label"),
        (list(range(100_001)), None, "100001 classes; at most 100000 are taken: are these labels?"),
        ([0, 3], ("a", "b"), "names of 2 classes, and labels 0 to 3"),
        (["a", "x"], ("a", "b"), "labels are places in that list"),
        ([0, 1], ("a", "a"), "calls several classes 'a'"),
        (["a" * 1001, "b"], None, "(1001 characters); names have at most 1000: are these labels?"),
    ],
)
def test_classes_that_are_none(labels: list[Any], names: Any, message: str) -> None:
    with pytest.raises(BadData) as caught:
        classes_of(labels, names, "toys")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("given", "labels"),
    [
        (np.array([0, 2], np.uint8), [0, 2]),
        (np.array([[3], [4]]), [3, 4]),
        (np.array([True, False]), [1, 0]),
        (np.array([1.0, np.nan, 3.0]), [1, None, 3]),
        (np.array(["a", " b ", ""]), ["a", "b", None]),
        (np.array([b"a", "\u00e9".encode()]), ["a", "\u00e9"]),
        (np.eye(3)[[2, 0]], [2, 0]),
        (np.array([], np.int64), []),
    ],
)
def test_labels(given: np.ndarray, labels: list[Any]) -> None:
    assert labels_of(given, "y") == labels


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (np.array([0.5, 1]), "y holds 0.5: labels are whole numbers or texts"),
        (np.array([1, np.inf]), "y holds inf"),
        (np.array([[0.2, 0.8]]), "rows of zeros with a single one"),
        (np.array([[1, 1]]), "rows of zeros with a single one"),
        (np.array([1j]), "complex128 [1]"),
        (np.zeros((2, 2, 2)), "float64 [2, 2, 2]"),
        (np.array(["2026-01-01"], "datetime64[D]"), "datetime64"),
    ],
)
def test_labels_that_are_none(given: np.ndarray, message: str) -> None:
    with pytest.raises(BadData) as caught:
        labels_of(given, "y")
    assert message in str(caught.value)


def test_one_label() -> None:
    given = (3, np.int32(3), np.array(3), True, "a", None, 2.0, float("nan"), "")
    assert [label_of(value, "x") for value in given] == [3, 3, 3, 1, "a", None, 2, None, None]
    for value in (object(), [[1]], {"a": 1}, 0.5):
        with pytest.raises(BadData, match="x"):
            label_of(value, "x")


def test_moments_of_bytes_are_exact() -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (500, 9, 7, 3), dtype=np.uint8)
    mean, std = moments(Arrayed(image, (3, 1, 2), "bytes"), np.arange(500))
    exact = image.reshape(-1, 3).astype(np.int64)
    total = len(exact)
    np.testing.assert_array_equal(mean, (exact.sum(axis=0) / total / 255).astype(np.float32))
    variance = exact.astype(np.float64).var(axis=0) / 255**2
    np.testing.assert_allclose(std, np.sqrt(variance), rtol=2e-7)  # the last digit of float32


def test_moments_far_from_zero_and_of_constants() -> None:
    rng = np.random.default_rng(0)
    numbers = np.stack([rng.normal(1e4, 1, 3000), np.full(3000, 7.7), np.zeros(3000)], axis=1)
    mean, std = moments(Arrayed(numbers, (1,)), np.arange(3000))
    np.testing.assert_allclose(mean, [1e4, 7.7, 0], rtol=1e-5)
    np.testing.assert_allclose(std[0], 1, rtol=0.05)  # of 3,000 draws: 1.3 % is one deviation
    np.testing.assert_array_equal(std[1:], [1, 1])


def test_deviations_that_float32_does_not_hold_are_those_of_a_constant() -> None:
    numbers = np.where(np.arange(30) % 2, np.float32(1e-45), 0)[:, None]
    _, std = moments(Arrayed(numbers, (1,)), np.arange(30))
    assert std.tolist() == [1]
