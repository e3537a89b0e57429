"""A scorer that scores nothing is refused before a search spends anything on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np

from nassearch.errors import InvalidSetting
from nassearch.scorers.combined import CombinedScorer
from nassearch.scorers.function import FunctionScorer
from nassearch.scorers.proxy import ProxyScorer
from nassearch.scorers.spec import AnyScorer
from nassearch.spaces.base import SearchSpace
from nassearch.types import Arch

LOOKS = (10, 100, 1000)
"""Architectures looked at for the first that has a score. A proxy that scores one in a hundred of them is found to
score none once in 20,000 times."""


def refuse_silent(scorer: AnyScorer, spec: str, role: str, archs: Sequence[Arch]) -> None:
    """Raise `InvalidSetting` where a scorer, or one that it is made of, scores none of the first thousand.

    Few are scored where one of the first has a score, as with most proxies.

    Args:
        scorer: what is asked.
        spec: its text.
        role: what it is for, as in "warm-up".
        archs: what it will be asked for, or draws of the space.
    """
    for leaf in scorer.leaves:
        name = spec if leaf is scorer else f"{leaf.proxy.name}, of {spec},"
        if not any(part and _scores_any(leaf, part) for part in _looks(archs)):
            raise InvalidSetting(
                f"{name} scores none of {min(len(archs), LOOKS[-1])} architectures, so it cannot guide the {role}"
                f"{_why(leaf)}: use another scorer"
            )
    # One architecture alone cannot be compared with others.
    if isinstance(scorer, FunctionScorer) and not any(_scores_any(scorer, part) for part in _looks(archs)):
        raise InvalidSetting(
            f"{spec} scores none of {min(len(archs), LOOKS[-1])} architectures, so it cannot guide the {role}: it "
            "returns NaN or an infinite value for each of them"
        )
    whole = not isinstance(scorer, CombinedScorer) or len(archs) == 1
    if not whole and not any(len(part) > 1 and _scores_any(scorer, part) for part in _looks(archs)):
        raise InvalidSetting(
            f"{spec} scores none of {min(len(archs), LOOKS[-1])} architectures, so it cannot guide the {role}: "
            "its parts have no architecture in common that they score; use another scorer"
        )


def _looks(archs: Sequence[Arch]) -> Iterator[Sequence[Arch]]:
    return (archs[start:end] for start, end in pairwise((0, *LOOKS)))


def refuse_silent_rounds(scorer: AnyScorer, spec: str, draws: Mapping[int, Sequence[Arch]]) -> None:
    """Raise `InvalidSetting` where a round's warm-up has no architecture with a score.

    Of a combined scorer, whose scores take longer, its parts are asked; `Strategy.warm_up` asks the whole.
    """
    for number, archs in draws.items():
        asked: list[AnyScorer] = [*scorer.leaves] or [scorer]
        if not any(_scores_any(leaf, archs) for leaf in asked):
            why = _why(scorer.leaves[0]) if scorer.leaves else ""
            raise InvalidSetting(
                f"{spec} scores none of the {len(archs)} architectures of the warm-up of round {number}{why}: "
                "raise the warm-up, or use another scorer"
            )


def draws_of(space: SearchSpace) -> list[Arch]:
    """Return architectures to look at, the same in every run, from a stream that no search uses."""
    return space.sample_many(LOOKS[-1], np.random.default_rng(0))


def _scores_any(scorer: AnyScorer, archs: Sequence[Arch]) -> bool:
    return not np.isnan(scorer(archs)).all()


def _why(leaf: ProxyScorer) -> str:
    return f"; the first: {leaf.failure}" if leaf.failure else ""
