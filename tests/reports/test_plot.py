"""`nassearch.plot` and `nassearch plot`: what people have in hand becomes a picture."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import call
from matplotlib.figure import Figure
from matplotlib.text import Text

import nassearch as ns
from nassearch.errors import InvalidSetting, UnknownName


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> list[ns.Outcome]:
    """Return two searches on the embedded benchmark, the second of fewer rounds."""
    folder = tmp_path_factory.mktemp("results")
    return [
        ns.Experiment("rand", rounds=3, budget=20).run(folder / "rand.jsonl", cache=False),
        ns.Experiment("ae", rounds=2, budget=20, settings={"pool": 8, "tournament": 4}).run(
            folder / "ae.jsonl", cache=False
        ),
    ]


def texts(figure: Figure) -> set[str]:
    return {each.get_text() for each in figure.findobj(Text)}


def lines(figure: Figure) -> dict[str, Any]:
    legend = figure.axes[0].get_legend()
    assert legend is not None
    named = zip(legend.get_texts(), legend.get_lines(), strict=True)
    return {text.get_text(): line for text, line in named}


def test_outcomes_results_that_were_read_and_curves_are_drawn_alike(outcomes: list[ns.Outcome]) -> None:
    paths = [str(outcome.path) for outcome in outcomes]
    ran, read = ns.plot(outcomes), ns.plot(ns.read(paths))
    assert texts(ran) == texts(read)
    assert {"rand (3 rounds)", "ae, pool=8, tournament=4 (2 rounds)", "best there is"} <= texts(ran)
    medians = [line.get_ydata() for line in ran.axes[0].lines if len(line.get_xdata()) == 20]
    assert any(np.array_equal(drawn, outcomes[0].curve().median()) for drawn in medians)
    bare = ns.plot({"mine": outcomes[0].curve(), "other": outcomes[1].curve()})
    assert "best there is" not in texts(bare) and any(text.startswith("mine") for text in texts(bare))
    beside = ns.plot([outcomes[0], outcomes[1].curve()])
    assert len(beside.axes) == 1 and "best there is" in texts(beside)


def test_options_reach_the_picture(outcomes: list[ns.Outcome]) -> None:
    figure = Figure()
    axes = figure.subplots()
    found = ns.plot(outcomes, axes, labels=["one", "two"], order=["two"], limits={"x": (0, 9)}, bands="none")
    assert found is figure and axes.get_xlim() == (0, 9) and not axes.collections
    assert list(lines(figure))[:2] == ["two (2 rounds)", "one (3 rounds)"]
    renamed = ns.plot(outcomes, labels={"rand": "chance"})
    assert "chance (3 rounds)" in texts(renamed)
    shown = ns.plot(outcomes, show="valid", choose="valid", x="distinct")
    assert {"best validation accuracy so far (%)", "different models trained"} <= texts(shown)
    assert any("training time" in text for text in texts(ns.plot(outcomes, x="seconds")))


@pytest.mark.parametrize(
    ("options", "error", "told"),
    [
        ({"x": "hours"}, InvalidSetting, "x is models, distinct, seconds, not 'hours'"),
        ({"labels": ["one"]}, InvalidSetting, "labels are one for each of 2 results"),
        ({"labels": {"ea": "one"}}, UnknownName, "ea"),
        ({"order": ["none"]}, UnknownName, "none"),
        ({"bands": "all"}, InvalidSetting, "bands is"),
        ({"order": [1]}, UnknownName, "no search is called '1'"),
        ({"limits": [0, 1]}, InvalidSetting, "limits are ends by axis, such as .* not \\[0, 1\\]"),
        (
            {"ax": Figure().add_subplot(projection="3d")},
            InvalidSetting,
            "plain axes of matplotlib, .* not 3d ones",
        ),
        ({"ax": Figure().add_subplot(projection="polar")}, InvalidSetting, "plain axes .* not polar ones"),
    ],
)
def test_what_cannot_be_is_refused(
    outcomes: list[ns.Outcome], options: dict[str, Any], error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        ns.plot(outcomes, **options)


def test_what_is_no_search_is_refused(outcomes: list[ns.Outcome]) -> None:
    with pytest.raises(
        InvalidSetting, match="plot takes outcomes, results that were read, or curves, not str"
    ):
        ns.plot(["a.jsonl"])
    with pytest.raises(InvalidSetting, match="at least one result"):
        ns.plot([])
    with pytest.raises(InvalidSetting, match="a Curve shows test by valid and counts models"):
        ns.plot(outcomes[0].curve(), show="valid")


def test_a_correlation_is_drawn_with_a_panel_for_each_proxy() -> None:
    found = ns.correlate("nasbench201", ["params", "flops"], sample=40, cache=False)
    figure = ns.plot_scores(found, labels={"params": "weights"}, order=["flops"], limits={"y": (80, None)})
    titles = [axes.get_title(loc="left").split("\n")[0] for axes in figure.axes[:2]]
    assert titles == ["flops", "weights"]
    assert all(axes.get_ylim()[0] == 80 for axes in figure.axes[:2])
    with pytest.raises(InvalidSetting, match="labels are one for each of 2 proxies"):
        ns.plot_scores(found, labels=["one"])


@pytest.mark.parametrize("width", [None, "column", "page"])
def test_nothing_around_scores_is_printed_over_another(width: str | None) -> None:
    found = ns.correlate("nasbench201", ["params", "flops", "synflow", "epsilon"], sample=60, cache=False)
    wide = {"a name of several words": 10.0, "zen(of=a, very=long, list=of, options=1)": 2.5e5, "tiny": 3e-7}
    rng = np.random.default_rng(0)
    signs = rng.choice([-1.0, 1.0], 60) * 10.0 ** rng.uniform(-20, 25, 60)  # on an axis of powers of ten
    more = [
        replace(found.reports[0], proxy=name, scores=rng.random(60) * most) for name, most in wide.items()
    ]
    more.append(replace(found.reports[0], proxy="both signs", scores=signs))
    figure = ns.plot_scores(replace(found, reports=[*found.reports, *more]), width=width)
    figure.draw_without_rendering()
    *panels, bar = figure.axes
    panels = [axes for axes in panels if axes.axison]
    assert len(panels) == 8
    titles = [axes._left_title.get_window_extent() for axes in panels]  # type: ignore[attr-defined]
    numbers = [
        label.get_window_extent()
        for axes in panels
        for label in axes.get_xticklabels()
        if label.get_text() and axes.get_xlim()[0] <= label.get_position()[0] <= axes.get_xlim()[1]
    ]
    assert not overlapping([*titles, *(axes.bbox for axes in panels), bar.get_tightbbox()])
    assert not overlapping(numbers)


def overlapping(boxes: list[Any]) -> list[tuple[Any, Any]]:
    return [(one, other) for n, one in enumerate(boxes) for other in boxes[:n] if one.overlaps(other)]


def test_two_proxies_cannot_share_a_name() -> None:
    found = ns.correlate("nasbench201", ["params", "flops"], sample=10, draws=5, cache=False)
    with pytest.raises(InvalidSetting, match="two proxies cannot both be called 'x'"):
        ns.plot_scores(found, labels=["x", "x"])


def test_the_command_takes_the_same_options(outcomes: list[ns.Outcome], tmp_path: Path) -> None:
    paths = [str(outcome.path) for outcome in outcomes]
    out = tmp_path / "a.svg"
    options = (
        "--label",
        "rand=chance",
        "--order",
        "final",
        "--ylim",
        "80:",
        "--width",
        "column",
        "--bands",
        "lines",
    )
    drawn = call("plot", *paths, "-o", out, *options)
    assert drawn.exit_code == 0, drawn.stderr
    text = out.read_text()
    assert "chance (3 rounds)" in text and "best there is" in text
    assert 'width="234pt"' in text, "3.25 inches"
    for wrong, told in (
        (("--ylim", "80"), "--ylim is LOW:HIGH, such as 90:95 or 90:, not '80'"),
        (("--xlim", "a:b"), "--xlim is LOW:HIGH"),
        (("--label", "chance"), "--label is OLD=NEW"),
        (("--label", "none=chance"), "none"),
        (("--order", "first"), "first"),
        (("--width", "book"), "width is column or page"),
    ):
        refused = call("plot", *paths, "-o", tmp_path / "b.svg", *wrong)
        assert refused.exit_code == 1 and told in refused.stderr, (wrong, refused.stderr)
        assert not (tmp_path / "b.svg").exists()


def test_a_search_is_renamed_by_its_file_or_a_name_with_equal_signs(
    outcomes: list[ns.Outcome], tmp_path: Path
) -> None:
    paths = [str(outcome.path) for outcome in outcomes]
    again = tmp_path / "again.jsonl"  # called as the first is, so that both names hold their files
    again.write_bytes(Path(paths[0]).read_bytes())
    options = ("--label", f"{again}=twin", "--label", "ae, pool=8, tournament=4=pool = 8")
    drawn = call("plot", *paths, again, "-o", tmp_path / "a.svg", *options)
    assert drawn.exit_code == 0, drawn.stderr
    text = (tmp_path / "a.svg").read_text()
    assert "twin (3 rounds)" in text and "pool = 8 (2 rounds)" in text


def test_pictures_of_scores_take_the_same_options(tmp_path: Path) -> None:
    line = ("correlate", "--proxies", "params,cv(batch_size=8)", "--sample", 20, "--draws", 5)
    out, shape = tmp_path / "a.svg", ("--width", "column", "--ylim", "50:", "--order", "name")
    drawn = call(*line, "--plot", out, *shape, "--label", "cv(batch_size=8)=own = mine")
    assert drawn.exit_code == 0, drawn.stderr
    text = out.read_text()
    assert text.index("own = mine") < text.index(">params<"), "in the order of the new names"
    assert 'width="234pt"' in text, "3.25 inches"
    for wrong, told in (
        ((*shape,), "are for a picture: add --plot FILE"),
        (("--plot", out, "--label", "flops=a"), "no proxy is called 'flops'"),
        (("--plot", out, "--ylim", "3:3"), "two different finite numbers"),
    ):
        refused = call(*line, *wrong)
        assert refused.exit_code == 1 and told in refused.stderr, (wrong, refused.stderr)
