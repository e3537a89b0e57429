"""Batches: normalised as the data set says, shrunk by averages, shifted and mirrored example by example."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from made_up import blobs, data_of

from nassearch.training import Recipe
from nassearch.training.single import feed as feeds
from nassearch.training.single.feed import Feed

CPU = torch.device("cpu")


def feed(data: object, **settings: object) -> Feed:
    return Feed(data, "train", Recipe(**settings).resolved(data), CPU)  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", [(3, 8, 8), (2, 40), (6,)])
def test_batches_are_what_the_data_set_says(shape: tuple[int, ...]) -> None:
    data, places = blobs(shape), np.array([5, 0, 17])
    inputs, labels = feed(data, crop=0, flip=False).batch(places)
    assert np.array_equal(inputs.numpy(), data.inputs("train", places))
    assert np.array_equal(labels.numpy(), data.train.labels[places])


def test_what_is_not_held_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    places = np.array([5, 0, 17])
    held = feed(blobs(), size=4).batch(places, np.random.default_rng(0))[0]
    monkeypatch.setattr(feeds, "HELD", 0)
    feeds._held.clear()
    assert torch.equal(feed(blobs(), size=4).batch(places, np.random.default_rng(0))[0], held)


def test_what_is_held_stays_within_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three data sets of 96 x 3 x 8 x 8 bytes, of which two have room; the same content is not read again."""
    feeds._held.clear()
    monkeypatch.setattr(feeds, "HELD", 2 * 96 * 192)
    for seed in (0, 1, 0, 2):
        feed(blobs(seed=seed))
    assert [key[0] for key in feeds._held] == [blobs(seed=seed).digest for seed in (0, 2)]
    first = feed(blobs(seed=2))._raw
    assert feed(blobs(seed=2))._raw is first
    feeds._held.clear()


def test_shrinking_averages() -> None:
    data = blobs()
    raw = data.train.take(np.arange(4)).astype(np.float64)
    means = raw.reshape(4, 3, 4, 2, 4, 2).mean((3, 5))
    wanted = (means.round() / 255 - data.mean.reshape(-1, 1, 1)) / data.std.reshape(-1, 1, 1)
    inputs, _ = feed(data, size=4, crop=0, flip=False).batch(np.arange(4))
    assert inputs.shape == (4, 3, 4, 4)
    # Halves are rounded one way in float32 and may be in float64 the other: one grey value.
    assert np.abs(inputs.numpy() - wanted).max() <= 1.01 / (255 * data.std.min())


def test_every_shift_and_mirror_is_one_of_the_example() -> None:
    """Each moved image is a window of its own image in a frame of zeros, and all windows come."""
    images = np.arange(1, 1 + 200 * 16, dtype=np.int64).reshape(200, 1, 4, 4) % 251 + 1
    data = data_of(images.astype(np.uint8), np.arange(200) % 2, (180, 20, 0))
    raw = data.train.take(np.arange(180))
    moved = feed(data, crop=1, flip=True)._moved(raw, np.random.default_rng(0))
    seen = set()
    for image, found in zip(raw, moved, strict=True):
        padded = np.pad(image, [(0, 0), (1, 1), (1, 1)])
        windows = {(y, x, flip): padded[:, y : y + 4, x : x + 4][..., :: -1 if flip else 1]
                   for y in range(3) for x in range(3) for flip in (False, True)}  # fmt: skip
        fits = [key for key, window in windows.items() if np.array_equal(window, found)]
        assert len(fits) == 1
        seen.add(fits[0])
    # The chance that one of 18 never comes in 180 draws is below 18 * (17/18)^180 = 6e-4, and the seed is fixed.
    assert len(seen) == 18


def test_signals_are_shifted_in_time() -> None:
    data = blobs((1, 16))
    raw = data.train.take(np.arange(50))
    moved = feed(data, crop=3)._moved(raw, np.random.default_rng(1))
    for signal, found in zip(raw, moved, strict=True):
        padded = np.pad(signal, [(0, 0), (3, 3)])
        assert any(np.array_equal(padded[:, start : start + 16], found) for start in range(7))
