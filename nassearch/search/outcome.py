"""What a search leaves: its rounds, with what they are the rounds of; from a run, or read from files."""

from __future__ import annotations

import glob
import os
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from nassearch.benchmarks.base import Benchmark
from nassearch.errors import InvalidSetting, MissingData, NassearchError, Unbegun, quoted
from nassearch.files.inert import inert
from nassearch.files.sheets.tables import frame, html
from nassearch.scorers.compute import Tally
from nassearch.search.curves import Curve, milestones
from nassearch.search.guidance import label
from nassearch.search.metrics.shown import Opened, metric_of, values_of
from nassearch.search.pareto.curve import curve_of
from nassearch.search.quantity import METRIC, Quantity, plain_quantity
from nassearch.search.records import Header
from nassearch.search.runner import Round
from nassearch.search.store import is_asked, is_search, read_result, result_in
from nassearch.types import Floats


@dataclass(frozen=True, eq=False, repr=False)
class Outcome:
    """The rounds of a search.

        result = nassearch.Experiment("ae").run("ae.jsonl")
        result.curve().median(), result.frame(), nassearch.read("ae.jsonl")

    Attributes:
        header: what they are the rounds of, as plain values.
        rounds: those that are complete, 0 to `len(rounds) - 1`.
        found: how many were there before it ran.
        scores: how many scores it read from the cache, and how many it computed.
        path: the file that holds them; None where they are in memory alone.
        oracle: the benchmark, where it is open: after a run.
        opened: takes benchmarks that are opened to look metrics up, and gives those that were; several may share one.
    """

    header: Header
    rounds: list[Round]
    found: int = 0
    scores: Tally = field(default_factory=Tally)
    path: Path | None = None
    oracle: Benchmark | None = None
    opened: Opened = field(default_factory=dict)

    @property
    def label(self) -> str:
        """Return the search in words, such as "ae, warm-up 3000 by epsilon"."""
        return label(self.header.experiment)

    @property
    def subject(self) -> str:
        """Return what it is about: the benchmark and the data set."""
        return subject(self.header)

    @property
    def quantity(self) -> Quantity:
        """Return what the values of its curve are: their name, unit and direction as published.

        Raises:
            UnknownName, MissingData: the experiment shows a metric that is not known here.
        """
        return self.quantity_of(None)

    def quantity_of(self, show: str | None) -> Quantity:
        """Return what the values of a curve are that shows a metric; None for the one that the experiment says."""
        if (name := self._shows(show)) in METRIC:
            return Quantity.of_result(self.header)
        return Quantity.of_metric(metric_of(self.header, name, self.oracle), plain_quantity(self.header))

    def metric(self, name: str) -> list[Floats]:
        """Return a further metric of every model, as published: `[T]` for each round, NaN where it is not known.

        It is that of the result where it holds it, as of objectives; else it is looked up in the benchmark or in the
        record of the trainings, or counted, as `params` is.

        Raises:
            UnknownName: the benchmark declares no such metric.
            MissingData: it is not here; the message has the remedy.
        """
        if name not in self._metrics:
            how: dict[str, Any] = {"path": self.path, "oracle": self.oracle, "opened": self.opened}
            self._metrics[name] = values_of(self.header, self.rounds, name, **how)
        return self._metrics[name]

    @cached_property
    def _metrics(self) -> dict[str, list[Floats]]:
        return {}

    def _shows(self, show: str | None) -> str:
        return show or str(self.header.experiment.get("show", "test"))

    def _further(self, name: str) -> list[Floats] | None:
        """Return a further metric of every model, higher is better; None for the two that are trained for."""
        if name in METRIC:
            return None
        sign = self.quantity_of(name).sign
        return [sign * values for values in self.metric(name)]

    def curve(self, show: str | None = None, choose: str | None = None, x: str = "models") -> Curve:
        """Return the rounds as a curve, as the experiment says unless told otherwise; see `Curve.from_rounds`.

        `show` may be a further metric, such as "edgegpu_latency" or "params": what the best so far has of it, see
        `metric`. Higher is better: a loss or a latency is negated.

        Raises:
            BadData: there is no complete round.
            InvalidSetting: choose is neither test nor valid, or x neither models nor distinct.
            UnknownName, MissingData: show is no metric that is known here.
        """
        name, said = self._shows(show), self.header.experiment
        choose = choose or str(said.get("choose", "valid"))
        return curve_of(self.header, self.rounds, name, choose, x, self._further(name))

    def frame(self, show: str | None = None, choose: str | None = None) -> Any:
        """Return a row for each model trained, as a pandas.DataFrame.

        Columns: `round` from 0, `model` from 1, `arch`, `valid` and `test` as published, `seconds` of its training, and
        `best`: what the curve shows after it, as published. Then further metrics as published, by their names: those
        that the result holds, and the one that is shown. With shorter trainings `share`: what each cost of a whole one.

        Args:
            show, choose: as for `curve`.

        Raises:
            InvalidSetting: pandas is not installed.
            BadData: there is no complete round.
            UnknownName, MissingData: show is no metric that is known here.
        """
        curve, sign = self.curve(show, choose), self.quantity_of(show).sign
        given = self._further(curve.show)
        best = []
        for place, done in enumerate(self.rounds):
            alone, own = [replace(done, shares=None)], None if given is None else [given[place]]
            best.append(curve_of(self.header, alone, curve.show, curve.choose, further=own).values[0])
        published = plain_quantity(self.header).sign
        further = dict.fromkeys((*self.rounds[0].further, *([] if given is None else [curve.show])))
        each = [len(done.archs) for done in self.rounds]
        archs = np.empty(sum(each), dtype=object)
        archs[:] = [arch for done in self.rounds for arch in done.archs]
        return frame(
            {
                "round": np.repeat([done.round for done in self.rounds], each),
                "model": np.concatenate([np.arange(1, count + 1) for count in each]),
                "arch": archs,
                "valid": published * np.concatenate([done.valid for done in self.rounds]),
                "test": published * np.concatenate([done.test for done in self.rounds]),
                "seconds": np.concatenate([done.seconds for done in self.rounds]),
                "best": sign * np.concatenate(best),
                **{name: np.concatenate(self.metric(name)) for name in further},
                **self._shares(),
            }
        )

    def _shares(self) -> dict[str, Any]:
        """Return a column of shares where there are shorter trainings."""
        shares = [np.ones(len(done.archs)) if done.shares is None else done.shares for done in self.rounds]
        return (
            {"share": np.concatenate(shares)} if any(done.shares is not None for done in self.rounds) else {}
        )

    def __repr__(self) -> str:
        if not self.rounds:
            return inert(f"Outcome({self.label}; {self.subject}; no complete round yet)")
        try:
            curve, quantity = self.curve(), self.quantity
        except NassearchError as error:  # it shows a metric that is not here
            return inert(f"Outcome({self.label}; {self.subject}; {error})")
        low, median, high = (values[-1] for values in quantity.band(*curve.band()))
        write = quantity.writer([low, median, high])
        return inert(
            f"Outcome({self.label}; {self.subject}; {_counted(curve)}; {quantity.titled(curve.show)} "
            f"{write(median)} {quantity.unit}, quartiles {write(low)} and {write(high)})"
        )

    def _repr_html_(self) -> str:
        if not self.rounds:
            return html(repr(self), [], [])
        try:
            curve, quantity = self.curve(), self.quantity
        except NassearchError:
            return html(repr(self), [], [])
        low, median, high = quantity.band(*curve.band())
        rows = [[m, low[m - 1], median[m - 1], high[m - 1]] for m in milestones([curve])]
        write = quantity.writer([value for _, *values in rows for value in values])
        return html(
            f"{self.label}; {self.subject}; {_counted(curve)}; {quantity.titled(curve.show)} "
            f"({quantity.unit}) of the best so far{quantity.chosen_by(curve.show, curve.choose)}",
            ["models", "lower quartile", "median", "upper quartile"],
            [[m, *map(write, values)] for m, *values in rows],
        )


def _counted(curve: Curve) -> str:
    return f"{curve.rounds} round{'' if curve.rounds == 1 else 's'} of {curve.budget} models"


Paths = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]


def read(paths: Paths) -> list[Outcome]:
    """Read results, finished or still being written.

        results = nassearch.read("results/*.jsonl")
        nassearch.compare(results), nassearch.plot(results)

    Args:
        paths: a path, a pattern such as "results/*.jsonl", whose files come in the order of their names, a folder,
            which stands for the .jsonl files in it, or for the result of `nassearch search`, or several of these.

    Returns:
        One for each file, each once; a search that was interrupted early may have no round yet. A file without a whole
        first line, as a full disk leaves it, is warned of and left out, if there are others.

    Raises:
        MissingData: there is no such file, or none that fits the pattern.
        BadData: a file is no result, or is damaged; the message has the line.
        InvalidSetting: paths are no paths.
    """
    if isinstance(paths, str | os.PathLike):
        paths = [paths]
    elif not isinstance(paths, Iterable):
        raise InvalidSetting(
            f"results are read from a path, a pattern or a list of these, not from {quoted(paths)}"
        )
    found = dict.fromkeys(path for given in paths for path in _files(given))
    results, unbegun = [], []
    for path in found:
        try:
            results.append(read_result(path))
        except Unbegun as error:
            unbegun.append(error)
    if unbegun and not results:
        raise unbegun[0]
    for each in unbegun:
        warnings.warn(f"left out: {each}", RuntimeWarning, stacklevel=2)
    return [Outcome(each.header, each.rounds, len(each.rounds), path=each.path) for each in results]


def _files(given: Any) -> Sequence[Path]:
    """Return the files that a path, a folder or a pattern stands for."""
    if not isinstance(given, str | os.PathLike) or not os.fspath(given):
        raise InvalidSetting(f"a result is read from a path or a pattern, not from {quoted(given)}")
    path = Path(given)
    if is_search(path) or is_asked(path):
        return [result_in(path)]
    if path.is_dir():
        found = sorted(path.glob("*.jsonl"))
        where = f"the folder {path} has no .jsonl file"
    elif path.exists() or not glob.has_magic(os.fspath(given)):
        return [path]
    else:
        found = sorted(map(Path, glob.glob(os.fspath(given), recursive=True)))
        where = f"no file is called {os.fspath(given)}"
    if not found:
        raise MissingData(f"{where}: nassearch run writes results, and so does Experiment.run(path)")
    return found


def subject(header: Header) -> str:
    """Return what a result is about, in two words."""
    return f"{header.experiment.get('benchmark')}, {header.experiment.get('dataset')}"


def unique(labels: Sequence[str], paths: Sequence[Path | None]) -> list[str]:
    """Return the labels; after those that are not unique the file's name, its path, or at last a number.

    >>> unique(["rand", "ae", "ae"], (Path("a/x"), Path("a/y"), Path("b/z")))
    ['rand', 'ae [y]', 'ae [z]']
    >>> unique(["ae", "ae"], (None, None))
    ['ae [1]', 'ae [2]']
    """
    names = list(labels)
    places = [str(number) for number in range(1, len(names) + 1)]
    tails = ([p.stem if p else n for p, n in zip(paths, places, strict=True)],
             [str(p) if p else n for p, n in zip(paths, places, strict=True)],
             places)  # fmt: skip
    for tail in tails:
        if len(set(names)) < len(names):
            names = [
                name if names.count(name) == 1 else f"{label} [{mark}]"
                for name, label, mark in zip(names, labels, tail, strict=True)
            ]
    return names
