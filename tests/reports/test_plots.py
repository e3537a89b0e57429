"""Plots: the data they collect, the files they write."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import FakeBenchmark
from matplotlib import rc_context, rcParams
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Text

from nassearch.errors import InvalidSetting, NassearchError, UnknownName
from nassearch.reports.curve_data import Line, PlotData, collect, ordered, renamed, time_scale, value_limits
from nassearch.reports.curve_figure import COLOURS, FILLED, INSIDE, STYLES, draw, draw_curves, look
from nassearch.reports.drawing.end_labels import EndLabels, spread
from nassearch.reports.drawing.short_names import shorten
from nassearch.reports.drawing.ticks import SparsePowers
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
    assert data.title == "fake" and line.rounds == 6


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
    labels = ["_mine", *(f"search {number}" for number in range(len(COLOURS) + 1))]
    data = collect({label: curve() for label in labels}, title="fake & <more>")
    drawn = draw_curves(data, tmp_path / "new" / "many.svg").read_text()
    long = draw_curves(collect({"x" * 300 + "y" * 300: curve()}), tmp_path / "long.svg").read_text()
    assert "…" in long and "x" * 100 not in long, (
        "the middle of a name that no picture has room for is left out"
    )
    assert all(f">{text}<" in drawn for text in [*labels, data.x_label, data.y_label])


def test_other_formats_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting, match=r"\.png, \.svg, \.pdf, not as 'curve.gif'"):
        draw_curves(collect({"a": curve()}), tmp_path / "curve.gif")
    (tmp_path / "file").write_text("")
    with pytest.raises(NassearchError, match="cannot be written"):
        draw_curves(collect({"a": curve()}), tmp_path / "file" / "curve.png")


def panel(count: int, rounds: int | list[int] = 20, best: float | None = None) -> PlotData:
    """Return a panel of lines that end close to each other, so that names have to move."""
    x = np.arange(1.0, 31.0)
    numbers = [rounds] * count if isinstance(rounds, int) else rounds
    lines = [
        Line(f"search {i}", x, x / 10 + 90 + i / 50, x / 10 + 91 + i / 50, x / 10 + 92 + i / 50, numbers[i])
        for i in range(count)
    ]
    return PlotData(tuple(lines), "models trained", "test accuracy (%)", "panel", best)


def texts(figure: Figure) -> list[str]:
    return [each.get_text() for each in figure.findobj(Text) if each.get_text()]


def end_labels(figure: Figure) -> list[EndLabels]:
    figure.draw_without_rendering()
    return [each for each in figure.axes[0].get_children() if isinstance(each, EndLabels)]


@pytest.mark.parametrize("width", [None, "column", "page"])
@pytest.mark.parametrize("count", [5, 12])
def test_from_five_searches_on_names_stand_at_the_ends_and_cover_nothing(
    count: int, width: str | None
) -> None:
    figure = draw(panel(count, best=96.0), width=width)
    (labels,) = end_labels(figure)
    boxes = labels.boxes(figure._get_renderer())  # type: ignore[attr-defined]
    assert len(boxes) == count + 1
    assert figure.axes[0].get_legend() is None
    whole = figure.bbox
    for number, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:number])
        assert whole.x0 <= box.x0 and box.x1 <= whole.x1 and whole.y0 <= box.y0 and box.y1 <= whole.y1
        assert box.x0 > figure.axes[0].bbox.x1, "beside the axes, not on a line"


def test_with_fewer_a_legend_within_the_axes_covers_no_line() -> None:
    figure = draw(panel(INSIDE))
    assert not end_labels(figure)
    legend = figure.axes[0].get_legend()
    assert legend is not None and [text.get_text() for text in legend.get_texts()] == [
        f"search {i}" for i in range(INSIDE)
    ]
    crowded = [
        Line(str(i), np.array([1.0, 2.0, 3.0]), *(np.array([0.0, 0.0, 9.0]) + i,) * 3) for i in range(3)
    ]
    full = np.linspace(0, 9, 60)
    zigzag = Line("zigzag", full, *(np.where(np.arange(60) % 2, 0.0, 11.0),) * 3)
    covered = draw(PlotData((*crowded, zigzag), "x", "y"))
    assert end_labels(covered) and covered.axes[0].get_legend() is None


def test_names_that_move_are_led_to_their_ends() -> None:
    wanted, heights = np.array([10.0, 10.0, 11.0]), np.array([4.0, 4.0, 4.0])
    places = spread(wanted, heights, 0.0, 100.0)
    assert np.diff(np.sort(places)).min() > 4.0 - 1e-9 and places[0] > places[1]
    assert places.mean() == pytest.approx(wanted.mean())
    (labels,) = end_labels(draw(panel(6)))
    assert any(len(set(leader.get_ydata())) > 1 for leader in labels.leaders), "one is moved, with a leader"


def test_bands_are_filled_for_up_to_three_searches() -> None:
    def filled(count: int, bands: str | None = None) -> int:
        return len(draw(panel(count), bands=bands).axes[0].collections)

    assert [filled(count) for count in (1, FILLED, FILLED + 1)] == [1, FILLED, 0]
    assert filled(FILLED + 1, "fill") == FILLED + 1 and filled(2, "none") == 0
    thin = draw(panel(5), bands="lines").axes[0].lines
    assert sum(line.get_linewidth() < 1 and line.get_alpha() is not None for line in thin) == 10


def test_numbers_of_rounds_are_said_per_line_where_they_differ() -> None:
    said = texts(draw(panel(3, [5, 20, 1])))
    assert {"search 0 (5 rounds)", "search 1 (20 rounds)", "search 2 (1 round)"} <= set(said)
    assert any("of 1 to 20 rounds" in text for text in said)
    assert {"search 0", "search 1"} <= set(texts(draw(panel(2, 20))))


def test_lines_are_told_apart_in_grey() -> None:
    looks = [look(number) for number in range(len(COLOURS) * len(STYLES))]
    assert len({(each["color"], str(each["linestyle"])) for each in looks}) == len(looks)
    weights = np.array([0.2126, 0.7152, 0.0722])
    linear = [(np.array(to_rgb(colour)) ** 2.2) @ weights for colour in COLOURS]
    lightness = np.sort(116 * np.cbrt(linear) - 16)
    assert np.diff(lightness).min() > 9, "CIE L*: what a printer without colours leaves"
    first = looks[: len(COLOURS)]
    assert len({str(each["linestyle"]) for each in first}) == len(first)


def test_lines_that_coincide_are_all_seen() -> None:
    one = panel(1).lines[0]
    same = PlotData((one, replace(one, label="same"), replace(one, label="again")), "x", "y")
    widths = sorted(line.get_linewidth() for line in draw(same).axes[0].lines if len(line.get_xdata()) > 5)
    beneath = [width for width in widths if width > widths[0] + 1]
    assert len(beneath) == 2 and beneath[0] < beneath[1], "each line beneath is wider than those above it"


def test_given_axes_are_drawn_on_and_others_left_alone() -> None:
    figure = Figure(figsize=(8, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot([1, 2], [3, 4])
    before = left.get_xlim(), left.get_ylim(), len(left.get_children())
    assert draw(panel(2), right, limits={"x": (0, 10), "y": (None, 95)}) is figure
    assert (left.get_xlim(), left.get_ylim(), len(left.get_children())) == before
    assert right.get_xlim() == (0, 10) and right.get_ylim()[1] == 95
    with pytest.raises(InvalidSetting, match="2 panels takes as many axes, not 1"):
        draw([panel(2), panel(2)], right)
    with pytest.raises(InvalidSetting, match="ax takes axes of matplotlib"):
        draw(panel(2), "right")


def test_a_figure_belongs_to_no_pyplot_and_keeps_the_users_settings() -> None:
    from matplotlib import pyplot

    with rc_context({"font.size": 13.0}):
        before = dict(rcParams)
        figure = draw(panel(2))
        assert dict(rcParams) == before
    assert pyplot.get_fignums() == []
    sizes = {each.get_size() for each in figure.findobj(Text) if each.get_text() == "models trained"}
    assert sizes == {13.0}


def test_several_data_sets_share_one_legend_below() -> None:
    figure = draw([panel(3), panel(2), panel(4)])
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [f"search {i}" for i in range(4)]
    assert not any(axes.get_legend() for axes in figure.axes)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"bands": "wide"}, "bands is fill, lines, none, or not given, not 'wide'"),
        ({"legend": "left"}, "legend is ends, inside, below, or not given, not 'left'"),
        ({"width": "book"}, "width is column or page, or 2 to 40 inches, not 'book'"),
        ({"width": True}, "width is column or page, or 2 to 40 inches, not True"),
        ({"limits": {"z": (0, 1)}}, "limits are those of x and y, not of 'z'"),
        ({"limits": {"x": (1, 1)}}, r"limits of x are two different finite numbers, not \(1, 1\)"),
        ({"limits": {"y": 3}}, "limits of y are two numbers, or None for one, not 3"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidSetting, match=told):
        draw(panel(2), **options)


def test_lines_are_renamed_and_put_in_order() -> None:
    named = renamed([panel(3)], {"search 0": "mine"})
    assert [line.label for line in named[0].lines] == ["mine", "search 1", "search 2"]
    assert [line.label for line in ordered(named, "final")[0].lines] == ["search 2", "search 1", "mine"]
    falling = [replace(named[0], falling=True)]
    assert [line.label for line in ordered(falling, "final")[0].lines] == ["mine", "search 1", "search 2"]
    assert [line.label for line in ordered(named, ["search 2"])[0].lines] == ["search 2", "mine", "search 1"]
    with pytest.raises(UnknownName, match="search 9"):
        renamed([panel(3)], {"search 9": "mine"})
    with pytest.raises(UnknownName, match="search 9"):
        ordered([panel(3)], ["search 9"])
    with pytest.raises(InvalidSetting, match="two searches cannot both be called 'search 1'"):
        renamed([panel(3)], {"search 0": "search 1"})
    with pytest.raises(InvalidSetting, match="order is given, final, name, or labels, not 'best'"):
        ordered([panel(3)], "best")


def test_what_all_names_have_in_common_is_left_out_of_each() -> None:
    names = [f"ae, warm-up 3000 by epsilon, pool=64, tournament={i}, move synflow" for i in range(3)]
    short, common = shorten(names, 30)
    assert short == [f"tournament={i}" for i in range(3)]
    assert common == "ae, warm-up 3000 by epsilon, pool=64, move synflow"
    assert shorten(["rand", "ae"], 30) == (["rand", "ae"], "")
    alike = ["x" * 80 + f"{i}" + "y" * 80 for i in range(3)]
    assert len(set(shorten(alike, 30)[0])) == 3


@pytest.mark.parametrize("ends", [(-1e30, 1e12), (0.0, 1e40), (-1e-3, 1e3), (-5e8, 5e8)])
@pytest.mark.parametrize("width", [1.5, 3.0, 7.0])
def test_ticks_over_many_powers_of_ten_do_not_touch(ends: tuple[float, float], width: float) -> None:
    figure = Figure(figsize=(width, 2.0))
    axes = figure.subplots()
    axes.set_xscale("symlog", linthresh=1e-3, linscale=4)
    axes.xaxis.set_major_locator(SparsePowers(1e-3, 10.0))
    axes.set_xlim(ends)
    figure.draw_without_rendering()
    boxes = [label.get_window_extent() for label in axes.get_xticklabels() if label.get_text()]
    assert boxes
    assert not any(box.overlaps(other) for box, other in pairwise(boxes))
