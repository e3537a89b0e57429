"""Scorers that score nothing are refused before a search spends anything on them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from nassearch.errors import InvalidSetting
from nassearch.scorers.spec import AnyScorer
from nassearch.spaces.base import SearchSpace
from nassearch.types import Arch

LOOKS = (10, 100, 1000)
"""Architectures looked at for the first that has a score. A proxy that scores one in a hundred of them is found to
score none once in 20,000 times."""


def refuse_silent(scorer: AnyScorer, spec: str, role: str, archs: Sequence[Arch]) -> None:
    """Raise `InvalidSetting` where none of the first thousand of these architectures has a score.

    Few are scored where one of the first has a score, as with most proxies.

    Args:
        scorer: what is asked.
        spec: its text.
        role: what it is for, as in "warm-up".
        archs: what it will be asked for, or draws of the space.
    """
    start = 0
    for end in LOOKS:
        part = archs[start:end]
        # One architecture alone cannot be compared, and with it goes one that has been looked at.
        if part and _scores_any(scorer, part if len(part) > 1 else archs[:end]):
            return
        start = end
    raise InvalidSetting(
        f"{spec} scores none of {min(len(archs), LOOKS[-1])} architectures, so it guides no {role}{_why(scorer)}: "
        "use another scorer, or fallback(...) with one that scores the rest"
    )


def refuse_silent_rounds(scorer: AnyScorer, spec: str, draws: Mapping[int, Sequence[Arch]]) -> None:
    """Raise `InvalidSetting` where a round's warm-up has no architecture with a score.

    Of a combined scorer, whose scores take longer, its parts are asked; `Strategy.warm_up` asks the whole.
    """
    for round, archs in draws.items():
        if not any(_scores_any(leaf, archs) for leaf in scorer.leaves):
            raise InvalidSetting(
                f"{spec} scores none of the {len(archs)} architectures of the warm-up of round {round}{_why(scorer)}: "
                "raise the warm-up, or use another scorer"
            )


def draws_of(space: SearchSpace) -> list[Arch]:
    """Return architectures to look at, the same in every run, from a stream that no search uses."""
    return space.sample_many(LOOKS[-1], np.random.default_rng(0))


def _scores_any(scorer: AnyScorer, archs: Sequence[Arch]) -> bool:
    return not np.isnan(scorer(archs)).all()


def _why(scorer: AnyScorer) -> str:
    reasons: Iterable[str | None] = (leaf.failure for leaf in scorer.leaves)
    first = next(filter(None, reasons), None)
    return f"; the first: {first}" if first else ""
