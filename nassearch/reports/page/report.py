"""A page from results in one call."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nassearch.checks import SEEDS, whole
from nassearch.errors import InvalidSetting, quoted
from nassearch.files.bounded import refuse_special
from nassearch.files.data_folder import write_whole
from nassearch.files.inert import inert
from nassearch.reports.page.document import render
from nassearch.reports.page.inputs import gather
from nassearch.reports.page.sections import collect
from nassearch.types import is_number, plain

TITLE = "Search report"
SUFFIXES = (".html", ".htm")


class Page:
    """What searches came to, as one page.

        page = nassearch.report(["results/*.jsonl", "results/my_images"])
        page.save("report.html")

    Attributes:
        data: all that the page says, as plain JSON values: sections by data set, with curves, leaderboard, best
            architectures, settings, and trainings of searches that train. Values are as published.
        title: of the page.
    """

    def __init__(self, data: Mapping[str, Any], title: str) -> None:
        self.data, self.title = data, title

    def html(self) -> str:
        """Return the page as a text.

        Raises:
            InvalidSetting: plotly or Jinja2 is not installed.
        """
        return render(self.data, self.title)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page into a file, whole or not at all, and return its path.

        Raises:
            InvalidSetting: it does not end in .html, or plotly or Jinja2 is not installed.
            NassearchError: it cannot be written.
        """
        path = check_path(path)
        write_whole(path, self.html().encode(), "choose another -o")
        return path

    def __repr__(self) -> str:
        told = "; ".join(
            f"{section['subject']}: {', '.join(each['label'] for each in section['searches'])}"
            for section in self.data["sections"]
        )
        return inert(f"Page({told})")


def report(
    results: Any,
    *,
    baseline: str | None = None,
    target: float | None = None,
    title: str = TITLE,
    seed: int = 0,
    show: str | Sequence[str] = (),
) -> Page:
    """Put searches on one page that needs no network: curves, tables, trainings, cells, settings.

        nassearch.report("results/*.jsonl", baseline="rand").save("report.html")

    Searches of one data set share a section. The same files give the same bytes.

    Args:
        results: results of searches on tables and folders of searches that train: paths, patterns, outcomes, several
            of these, or such by label. A folder stands for the results and searches in it. Searches without a model are
            left out, with a warning and a line on the page, where there are others.
        baseline: label or path of the search that speed-ups are over; None for the first of each section.
        target: value whose models are counted, as published; None for the final median of the baseline.
        title: of the page.
        seed: of the bootstrap behind intervals.
        show: further metrics, such as "edgegpu_latency" or "params", that the curves and the leaderboard of each
            section can be switched to; see `Outcome.curve`.

    Raises:
        InvalidSetting: no results or what is none, or a target that is no number.
        MissingData, BadData: a file is not there, is no result, or is damaged.
        UnknownName: no search is called like the baseline, or show names what no search has.
    """
    shown = (show,) if isinstance(show, str) else show
    if not isinstance(shown, list | tuple) or not all(isinstance(name, str) and name for name in shown):
        raise InvalidSetting(f"show is names of metrics, such as ['params'], not {quoted(show)}")
    if target is not None and not is_number(target := plain(target)):
        raise InvalidSetting(f"target is a number that curves may reach, not {quoted(target)}")
    if not isinstance(title, str) or not title.strip():
        raise InvalidSetting(f"title is a text, not {quoted(title)}")
    seed = whole("seed", seed, least=0, largest=SEEDS)
    return Page(collect(gather(results), baseline, target, seed, shown), title)


def check_path(path: str | os.PathLike[str]) -> Path:
    """Return where a page is to be written; raise where that cannot be, before any work."""
    if not isinstance(path, str | os.PathLike) or Path(path).suffix.lower() not in SUFFIXES:
        raise InvalidSetting(
            f"a page is written as .html, not as {quoted(os.fspath(path) if isinstance(path, os.PathLike) else path)}"
        )
    refuse_special(Path(path), "choose another -o")
    return Path(path)
