"""Commands read results into one group per data set, and each search gets a label of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from nassearch.cli.common import echo
from nassearch.errors import BadData, InvalidSetting, Unbegun

if TYPE_CHECKING:
    from nassearch.search.curves import Curve
    from nassearch.search.quantity import Quantity
    from nassearch.search.runner import Round
    from nassearch.search.store import Header


paths_argument = click.argument("results", nargs=-1, required=True, type=click.Path(path_type=Path))


class Search(NamedTuple):
    """One result: how it is called beside others, and what it holds."""

    label: str
    header: Header
    rounds: list[Round]
    curve: Curve
    path: Path

    def about(self) -> dict[str, Any]:
        """Return which quantity of which data its values are, for scripts."""
        fields, quantity = self.header.experiment, quantity_of(self.header)
        return {
            "benchmark": fields.get("benchmark"),
            "dataset": fields.get("dataset"),
            "data": self.header.data,
            "quantity": quantity.name,
            "unit": quantity.unit,
        }


def quantity_of(header: Header) -> Quantity:
    """Return what the values of a result are."""
    from nassearch.search.quantity import Quantity

    return Quantity.of_result(header)


def read(paths: Sequence[Path], show: str, choose: str, x: str = "models") -> list[list[Search]]:
    """Read results in groups that can stand in one table: of one quantity on the same data.

    One that has no complete round yet, as a search that was interrupted early leaves it, is told of and left out; so is
    one without a whole first line, as a full disk leaves it.

    Raises:
        BadData: a file is no result, or none has a complete round.
    """
    from nassearch.search.guidance import label
    from nassearch.search.outcome import unique
    from nassearch.search.pareto.curve import curve_of
    from nassearch.search.store import read_result

    found, left_out = [], []
    for path in dict.fromkeys(paths):
        try:
            result = read_result(path)
        except Unbegun as error:
            left_out.append(str(error))
            continue
        if result.rounds:
            found.append(result)
        else:
            left_out.append(
                f"{path} has no complete round yet: wait for it, or run the search again to go on"
            )
    if left_out and not found:
        raise BadData(left_out[0])
    for told in left_out:
        echo(f"nassearch: left out: {told}", err=True)
    groups: dict[Any, list[Any]] = {}
    for result in found:
        fields = result.header.experiment
        about = fields.get("benchmark"), fields.get("dataset"), result.header.data
        groups.setdefault((*map(str, about), quantity_of(result.header)), []).append(result)
    searches = []
    for group in groups.values():
        names = unique([label(result.header.experiment) for result in group], [r.path for r in group])
        searches.append(
            [
                Search(name, r.header, r.rounds, curve_of(r.header, r.rounds, show, choose, x), r.path)
                for name, r in zip(names, group, strict=True)
            ]
        )
    return searches


def read_one_subject(paths: Sequence[Path], show: str, choose: str, x: str = "models") -> list[Search]:
    """Read results of one data set; see `read`.

    Raises:
        InvalidSetting: they are of several.
    """
    groups = read(paths, show, choose, x)
    if len(groups) > 1:
        first, other = groups[0][0], groups[1][0]
        raise InvalidSetting(
            f"{other.path} is about {subject(other.header)} and {first.path} about "
            f"{subject(first.header)}, from different data: give results of one data set"
        )
    return groups[0]


def subject(header: Header) -> str:
    """Return what a result is about, in two words."""
    from nassearch.search.outcome import subject as of

    return of(header)
