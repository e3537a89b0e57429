"""What a trial was scored, in its user attributes: plain JSON, so that every storage and dashboard reads it."""

from __future__ import annotations

import math
from collections.abc import Container, Mapping
from typing import Any

from nassearch.integrations.modules import Measured, ModuleScorer

SCORE = "nassearch_score"
"""The score, higher is better; None where there is none."""
SCORER = "nassearch_scorer"
"""The text of the scorer."""
SCORES = "nassearch_scores"
"""Of a combination: the score by each proxy."""
PROPOSALS = "nassearch_proposals"
"""How many proposals were made for the trial."""
DISTINCT = "nassearch_distinct"
"""How many different ones among them were compared."""
REASON = "nassearch_reason"
"""Why there is no score."""


def attributes(
    scorer: ModuleScorer,
    measured: Measured,
    score: float,
    proposals: int,
    distinct: int,
    there: Container[str] = (),
) -> dict[str, Any]:
    """Return the user attributes of a trial of one module; what another scorer left `there` is None."""
    found: dict[str, Any] = {SCORE: _plain(score), SCORER: scorer.name}
    if scorer.compares:
        found[SCORES] = {name: _plain(value) for name, value in measured.scores.items()}
    found |= {PROPOSALS: proposals, DISTINCT: distinct}
    if math.isnan(score):
        alone = f"{scorer.name} compares modules, and here is one alone"
        found[REASON] = measured.reason or alone
    # No storage takes an attribute away.
    return found | {key: None for key in (SCORES, REASON) if key in there and key not in found}


def scores_of(attrs: Mapping[str, Any]) -> dict[str, float]:
    """Return the scores by proxy in the attributes of a trial, under the scorer's name where it is one proxy."""
    told = attrs.get(SCORES)
    found = told if isinstance(told, Mapping) else {str(attrs.get(SCORER)): attrs.get(SCORE)}
    return {name: _number(value) for name, value in found.items()}


def _plain(score: float) -> float | None:
    return None if math.isnan(score) else float(score)


def _number(value: Any) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if number and math.isfinite(value) else math.nan
