"""What a search leaves: its rounds, with what they are the rounds of; from a run, or read from files."""

from __future__ import annotations

import glob
import os
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from nassearch.benchmarks.base import Benchmark
from nassearch.errors import InvalidSetting, MissingData, Unbegun, quoted
from nassearch.files.inert import inert
from nassearch.files.tables import frame, html
from nassearch.scorers.compute import Tally
from nassearch.search.curves import Curve, milestones
from nassearch.search.guidance import label
from nassearch.search.pareto.curve import curve_of, plain_quantity
from nassearch.search.quantity import METRIC, Quantity
from nassearch.search.records import Header
from nassearch.search.runner import Round
from nassearch.search.store import is_asked, is_search, read_result, result_in


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
    """

    header: Header
    rounds: list[Round]
    found: int = 0
    scores: Tally = field(default_factory=Tally)
    path: Path | None = None
    oracle: Benchmark | None = None

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
        """Return what its values are: their name, unit and direction as published."""
        return Quantity.of_result(self.header)

    def curve(self, show: str | None = None, choose: str | None = None, x: str = "models") -> Curve:
        """Return the rounds as a curve, as the experiment says unless told otherwise; see `Curve.from_rounds`.

        Higher is better: a loss is negated.

        Raises:
            BadData: there is no complete round.
            InvalidSetting: show or choose is neither test nor valid, or x neither models nor distinct.
        """
        said = self.header.experiment
        asked = show or said.get("show", "test"), choose or said.get("choose", "valid")
        return curve_of(self.header, self.rounds, *asked, x)

    def frame(self) -> Any:
        """Return a row for each model trained, as a pandas.DataFrame.

        Columns: `round` from 0, `model` from 1, `arch`, `valid` and `test` as published, `seconds` of its training, and
        `best`: what the curve shows after it, as published. With shorter trainings `share`: what each cost of a whole
        one.

        Raises:
            InvalidSetting: pandas is not installed.
            BadData: there is no complete round.
        """
        curve, sign = self.curve(), self.quantity.sign
        each_alone = ([replace(done, shares=None)] for done in self.rounds)
        best = [curve_of(self.header, alone, curve.show, curve.choose).values[0] for alone in each_alone]
        published = plain_quantity(self.header).sign
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
                **{
                    name: np.concatenate([done.further[name] for done in self.rounds])
                    for name in self.rounds[0].further
                },
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
        curve = self.curve()
        low, median, high = (values[-1] for values in self.quantity.band(*curve.band()))
        write = self.quantity.writer([low, median, high])
        return inert(
            f"Outcome({self.label}; {self.subject}; {_counted(curve)}; {METRIC[curve.show]} {self.quantity.name} "
            f"{write(median)} {self.quantity.unit}, quartiles {write(low)} and {write(high)})"
        )

    def _repr_html_(self) -> str:
        if not self.rounds:
            return html(repr(self), [], [])
        curve, quantity = self.curve(), self.quantity
        low, median, high = quantity.band(*curve.band())
        rows = [[m, low[m - 1], median[m - 1], high[m - 1]] for m in milestones([curve])]
        write = quantity.writer([value for _, *values in rows for value in values])
        return html(
            f"{self.label}; {self.subject}; {_counted(curve)}; {METRIC[curve.show]} {quantity.name} "
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
