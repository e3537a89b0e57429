"""Commands read results into one group per data set, and each search gets a label of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from nassearch.cli.common import echo
from nassearch.errors import BadData, InvalidSetting, Unbegun, UnknownName

if TYPE_CHECKING:
    from nassearch.search.curves import Curve
    from nassearch.search.outcome import Outcome
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
    quantity: Quantity
    outcome: Outcome

    def about(self) -> dict[str, Any]:
        """Return which quantity of which data its values are, for scripts."""
        fields, quantity = self.header.experiment, self.quantity
        return {
            "benchmark": fields.get("benchmark"),
            "dataset": fields.get("dataset"),
            "data": self.header.data,
            "quantity": quantity.name,
            "unit": quantity.unit,
            "lower_is_better": quantity.sign < 0,
        }


def read(paths: Sequence[Path], show: str, choose: str, x: str = "models") -> list[list[Search]]:
    """Read results in groups that can stand in one table: of one quantity on the same data.

    One that has no complete round yet, as a search that was interrupted early leaves it, is told of and left out; so is
    one without a whole first line, as a full disk leaves it.

    Raises:
        BadData: a file is no result, or none has a complete round.
    """
    from nassearch.search.outcome import Outcome, unique
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
    groups: dict[Any, list[Outcome]] = {}
    opened: Any = {}
    for result in found:
        outcome = Outcome(result.header, result.rounds, path=result.path, opened=opened)
        fields = result.header.experiment
        about = fields.get("benchmark"), fields.get("dataset"), result.header.data
        with named(result.path):
            groups.setdefault((*map(str, about), outcome.quantity_of(show)), []).append(outcome)
    searches = []
    for (*_, quantity), group in groups.items():
        names = unique([each.label for each in group], [each.path for each in group])
        searches.append(
            [
                Search(name, each.header, each.rounds, each.curve(show, choose, x), each.path, quantity, each)
                for name, each in zip(names, group, strict=True)
                if each.path is not None
            ]
        )
    return searches


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Say of which result a metric is not known."""
    try:
        yield
    except UnknownName as error:
        raise InvalidSetting(f"{path}: {error}") from error


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
