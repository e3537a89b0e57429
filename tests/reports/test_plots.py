"""Plots: the data they collect, the files they write."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fakes import FakeBenchmark

from nassearch.errors import InvalidSetting, NassearchError
from nassearch.reports.plot_curves import LEGEND_INSIDE, collect, draw_curves, time_scale, value_limits
from nassearch.search.curves import Curve
from nassearch.search.quantity import Quantity
from nassearch.search.runner import run_rounds
from nassearch.strategies.rand import RandomSearch

SIGNATURES = {".png": b"\x89PNG\r\n", ".svg": b"<?xml", ".pdf": b"%PDF"}


def curve(seed: int = 0, show: str = "test", choose: str = "valid") -> Curve:
    benchmark = FakeBenchmark()
    rounds = list(run_rounds(benchmark, lambda rng: RandomSearch(benchmark.space, rng), 40, seed, range(6)))
    return Curve.from_rounds(rounds, show, choose)


def test_collects_the_band_by_models() -> None:
    one = curve()
    data = collect({"rand": one}, title="fake", best=56.0)
    (line,) = data.lines
    assert line.label == "rand"
    assert line.x.tolist() == list(range(1, 41))
    for drawn, expected in zip((line.low, line.median, line.high), one.band(), strict=True):
        assert drawn.tolist() == expected.tolist()
    assert (data.x_label, data.y_label) == ("models trained", "test accuracy of the best by validation (%)")
    assert data.title == "fake\nmedian and quartiles of 6 rounds"


def test_labels_say_what_is_shown_and_how_it_was_chosen() -> None:
    assert collect({"a": curve(choose="test")}).y_label == "best test accuracy so far (%)"
    assert (
        collect({"a": curve(show="valid")}, quantity=Quantity(unit="points")).y_label
        == "best validation accuracy so far (points)"
    )
    assert "by test" in collect({"a": curve(show="valid", choose="test")}).y_label


def test_collects_training_time() -> None:
    one = curve()
    data = collect({"rand": one}, x="seconds")
    assert data.x_label == "training time (minutes)"
    assert data.lines[0].x.tolist() == (one.time_axis() / 60).tolist()
    assert time_scale(100) == (1.0, "seconds")
    assert time_scale(1e6) == (86400.0, "days")


def test_what_cannot_be_shown_together_is_refused() -> None:
    with pytest.raises(InvalidSetting, match="one quantity"):
        collect({"a": curve(), "b": curve(choose="test")})
    with pytest.raises(InvalidSetting, match="at least one curve"):
        collect({})
    with pytest.raises(InvalidSetting, match="models or seconds, not 'hours'"):
        collect({"a": curve()}, x="hours")


def test_value_axis_leaves_out_the_first_steep_models() -> None:
    values = np.tile(np.r_[0.0, np.linspace(70, 74, 99)], (3, 1))
    low, high = value_limits(collect({"a": Curve(values, np.ones_like(values))})) or (0.0, 0.0)
    assert 69 < low < 71
    assert 74 < high < 75
    assert value_limits(collect({"a": Curve(np.ones((2, 9)), np.ones((2, 9)))})) is None


@pytest.mark.parametrize("suffix", sorted(SIGNATURES))
def test_writes_the_same_file_twice(tmp_path: Path, suffix: str) -> None:
    data = collect({"random search": curve()}, best=56.0)
    one, other = (draw_curves(data, tmp_path / f"{name}{suffix}").read_bytes() for name in "ab")
    assert one == other
    assert one.startswith(SIGNATURES[suffix])
    different = collect({"random search": curve(seed=1)}, best=56.0)
    assert draw_curves(different, tmp_path / f"c{suffix}").read_bytes() != one


def test_text_of_a_vector_image_is_text(tmp_path: Path) -> None:
    # More than there are colours, and one that matplotlib would take for its own.
    labels = ["_mine", *(f"search {number}" for number in range(LEGEND_INSIDE + 4))]
    data = collect({label: curve() for label in labels}, title="fake & <more>")
    drawn = draw_curves(data, tmp_path / "new" / "many.svg").read_text()
    long = draw_curves(collect({"x" * 300 + "y" * 300: curve()}), tmp_path / "long.svg").read_text()
    assert f">{'x' * 45}…{'y' * 45}<" in long
    assert all(f">{text}<" in drawn for text in [*labels, data.x_label, data.y_label])


def test_other_formats_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting, match=r"\.png, \.svg, \.pdf, not as 'curve.gif'"):
        draw_curves(collect({"a": curve()}), tmp_path / "curve.gif")
    (tmp_path / "file").write_text("")
    with pytest.raises(NassearchError, match="cannot be written"):
        draw_curves(collect({"a": curve()}), tmp_path / "file" / "curve.png")
