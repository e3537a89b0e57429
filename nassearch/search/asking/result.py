"""A search that is asked and told as a result of one round, so that all that reads results reads it."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from nassearch.errors import BadData
from nassearch.search.asking.book import Book, Model
from nassearch.search.asking.steps import Asked, parsed
from nassearch.search.records import Header
from nassearch.search.runner import Round


def book_of(asked: Asked) -> Book:
    """Return what the steps of a file say, without its strategy.

    Raises:
        BadData: a step cannot follow on those before it.
    """
    made = asked.made
    book = Book(
        made.get("budget"), made.get("epochs"), max(1, len(asked.header.experiment.get("objectives") or ()))
    )
    for step in asked.steps:
        book.take(step)
    return book


def signs_of(header: Header) -> list[float]:
    """Return by objective what turns a published value into one where higher is better, and back."""
    said = header.experiment
    each = [one["lower_is_better"] for one in said.get("objectives") or ()] or [
        said.get("lower_is_better", False)
    ]
    return [-1.0 if lower else 1.0 for lower in each]


def result_of(path: Path, text: bytes) -> tuple[Header, list[Round]]:
    """Return the header and the one round of a file; no round before something was told.

    Raises:
        BadData: the file is damaged.
    """
    asked = parsed(path, text)
    try:
        models = book_of(asked).models
    except BadData as error:
        raise BadData(f"{path} is damaged: {error}") from None
    spent = max(1, math.ceil(math.fsum(each.share for each in models)))
    header = Header({**asked.header.experiment, "budget": spent}, *_rest(asked.header))
    return header, [_round(header, models)] if models else []


def _rest(header: Header) -> tuple[str, str, dict[str, str]]:
    return header.package, header.data, dict(header.code)


def _round(header: Header, models: list[Model]) -> Round:
    objectives = header.experiment.get("objectives") or [{"name": "", "trained": True}]
    values = np.array([[math.nan if v is None else v for v in each.values] for each in models], np.float64)
    trained = next(place for place, each in enumerate(objectives) if each["trained"])
    valid = signs_of(header)[trained] * values[:, trained]
    further = {each["name"]: values[:, place] for place, each in enumerate(objectives) if not each["trained"]}
    archs, shares = [each.key[0] for each in models], [each.share for each in models]
    revisits = len(archs) - len(set(zip(archs, shares, strict=True)))
    costs = None if set(shares) == {1.0} else np.array(shares)
    seconds = np.array([each.seconds for each in models])
    return Round(0, archs, valid, valid.copy(), seconds, revisits, {}, costs, further)
