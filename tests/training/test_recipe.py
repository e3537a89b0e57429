"""A recipe: its settings, their checks, what is left open until there are data, and the learning rate."""

from __future__ import annotations

import math

import numpy as np
import pytest
from made_up import blobs, data_of

from nassearch.errors import InvalidSetting, UnknownName
from nassearch.training import Recipe


def test_settings_are_read_from_texts() -> None:
    given = {
        "epochs": "20",
        "learning_rate": "5e-2",
        "flip": "false",
        "nesterov": "no",
        "size": "none",
        "crop": "auto",
    }
    assert Recipe.of(given) == Recipe(epochs=20, learning_rate=0.05, flip=False, nesterov=False)
    assert Recipe.of({"crop": "2", "batch_size": "128.0", "label_smoothing": "0"}) == Recipe(
        crop=2, batch_size=128
    )
    assert Recipe.of(Recipe(epochs=3, channels=4).as_dict()) == Recipe(epochs=3, channels=4)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", "0"),
        ("epochs", "many"),
        ("epochs", "2.5"),
        ("epochs", "true"),
        *(
            (name, value)
            for name in ("epochs", "batch_size", "anneal", "size", "channels")
            for value in ("nan", "inf", "9" * 5000)
        ),
        ("batch_size", "1"),
        ("batch_size", "small"),
        ("learning_rate", "0"),
        ("learning_rate", "nan"),
        ("learning_rate", "inf"),
        ("momentum", "1"),
        ("nesterov", "1"),
        ("weight_decay", "-1"),
        ("warmup", "2"),
        ("anneal", "3"),
        ("label_smoothing", "1"),
        ("crop", "-1"),
        ("crop", "some"),
        ("flip", "2"),
        ("size", "0"),
        ("channels", "1.5"),
        ("precision", "float16"),
    ],
)
def test_what_has_no_meaning_is_refused_by_its_name(name: str, value: str) -> None:
    with pytest.raises((InvalidSetting, UnknownName), match=name):
        Recipe.of({name: value})


def test_an_unknown_setting_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="did you mean epochs"):
        Recipe.of({"epoch": 3})


def test_nesterov_needs_momentum() -> None:
    with pytest.raises(InvalidSetting, match="nesterov"):
        Recipe(momentum=0)
    assert Recipe(momentum=0, nesterov=False).momentum == 0


def test_the_rate_rises_in_a_line_and_falls_along_a_cosine() -> None:
    recipe, steps = Recipe(epochs=10, warmup=0.2, learning_rate=0.5), 10
    rates = [recipe.rate(step, steps) for step in range(100)]
    assert rates[:20] == pytest.approx([0.025 * (step + 1) for step in range(20)])
    assert rates[20] == 0.5
    assert rates[60] == pytest.approx(0.25)
    assert rates[99] == pytest.approx(0.25 * (1 + math.cos(math.pi * 79 / 80)))
    assert Recipe(epochs=10, warmup=0).rate(0, 10) == 0.1


def test_the_rate_may_end_above_zero() -> None:
    short, long = Recipe(epochs=20, anneal=40, warmup=0), Recipe(epochs=40, warmup=0)
    assert [short.rate(step, 5) for step in range(100)] == [long.rate(step, 5) for step in range(100)]


def test_a_warmup_of_everything_only_rises() -> None:
    rates = [Recipe(epochs=1, warmup=1).rate(step, 4) for step in range(4)]
    assert rates == pytest.approx([0.025, 0.05, 0.075, 0.1])


def test_what_is_left_open_depends_on_the_data() -> None:
    photographs, signals, vectors = blobs((3, 32, 32)), blobs((2, 40)), blobs((6,))
    assert (Recipe().resolved(photographs).crop, Recipe().resolved(photographs).flip) == (4, True)
    assert Recipe(size=16).resolved(photographs).crop == 2
    assert Recipe(size=32).resolved(photographs).size is None
    for data in (signals, vectors):
        assert (Recipe().resolved(data).crop, Recipe().resolved(data).flip) == (0, False)
    assert Recipe(crop=True).resolved(signals).crop == 5


@pytest.mark.parametrize(
    ("examples", "batch"), [(5, 16), (319, 16), (320, 32), (639, 32), (640, 64), (50_000, 64)]
)
def test_few_examples_are_taken_in_small_batches(examples: int, batch: int) -> None:
    data = data_of(
        np.zeros((examples + 1, 1), np.float32), np.arange(examples + 1) % 2, (examples, 1, 0), kind="vector"
    )
    assert Recipe().resolved(data).batch_size == batch
    assert Recipe(batch_size=64).resolved(data).batch_size == 64


@pytest.mark.parametrize(
    ("shape", "settings", "words"),
    [
        ((3, 8, 8), {"size": 16}, "at most 8 here, not 16"),
        ((3, 8, 8), {"crop": 8}, "less than the size of an example, 8"),
        ((6,), {"size": 3}, "vectors"),
        ((6,), {"crop": True}, "vectors"),
        ((6,), {"flip": True}, "vectors"),
    ],
)
def test_what_the_data_have_no_use_for_is_refused(shape: tuple[int, ...], settings: dict, words: str) -> None:
    with pytest.raises(InvalidSetting, match=words):
        Recipe(**settings).resolved(blobs(shape))
