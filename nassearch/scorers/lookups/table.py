"""A scorer that is a table: precomputed scores of others guide and are judged as proxies are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from nassearch.errors import BadData
from nassearch.scorers.lookups.base import Place, Scores, lookup
from nassearch.scorers.lookups.files import content_digest, read_scores
from nassearch.types import Arch, Floats


@lookup(
    reference="the tables of Krishnakumar et al., NAS-Bench-Suite-Zero (2022), among others",
    digest=content_digest,
)
def table(
    place: Place,
    file: str,
    column: str,
    *,
    higher_is_better: bool = True,
    arch: str | None = None,
    dataset: str | None = None,
) -> Scores:
    """Look a score up in a file: of another program, or as it was published.

    The file is CSV (compressed too), Parquet, JSON lines, a JSON list of rows, or the JSON of NAS-Bench-Suite-Zero,
    told apart by its content. A row is an architecture, as the space writes it, by its place in the official order, or
    as NASLib writes it, a tuple of numbers such as `(4, 0, 3, 1, 4, 3)`. Nothing stands for another architecture, an
    isomorphic one neither. An empty cell or NaN is no score, and so is an architecture that the file lacks.

    Args:
        file: its path, in quotes where it holds a comma, a bracket or a quote.
        column: whose numbers are the scores; of NAS-Bench-Suite-Zero the name of a proxy.
        higher_is_better: false where a lower number is better; its sign is turned then.
        arch: column of the architectures; `arch`, `architecture` or else `index` where it is not given.
        dataset: whose rows, where the file has several data sets; that of the search where it is not given.
    """
    found, rows = read_scores(Path(file), column, place, arch=arch, dataset=dataset)
    known = {each: score for each, score in found.items() if not math.isnan(score)}
    if not known:
        raise BadData(
            f"{file} has {rows} rows and no score in {column} for any architecture of {place.space.name}: name another "
            "column, or another file"
        )
    sign = 1.0 if higher_is_better else -1.0
    return partial(_looked_up, {each: sign * score for each, score in known.items()})


def _looked_up(scores: Mapping[Arch, float], archs: Sequence[Arch]) -> Floats:
    return np.array([scores.get(arch, math.nan) for arch in archs], np.float64)
