"""Settings of successive halving that follow from the epochs of shorter trainings, where nobody gives them."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nassearch import registry
from nassearch.search.store import is_search
from nassearch.search.trained.folder import SearchFolder
from nassearch.strategies.base import Strategy

ETA = 3.0
ROUNDING = 1e-9


def halving(
    strategy: str | type[Strategy],
    settings: Mapping[str, Any],
    shares: Mapping[int, float],
    budget: float,
    folder: Path | None,
) -> dict[str, Any]:
    """Return `rungs` and `first` of a strategy that has them, so that a bracket and its whole trainings fit a budget.

    Args:
        strategy: of the search.
        settings: that are given; these stay.
        shares: of a whole training, by epochs of the shorter ones; none where there are none.
        budget: models.
        folder: of a search that may be gone on with, and then keeps what it began with.
    """
    made = registry.load("strategies", strategy) if isinstance(strategy, str) else strategy
    taken = inspect.signature(made).parameters
    if not shares or "rungs" not in taken or "rungs" in settings:
        return dict(settings)
    if folder is not None and is_search(folder):
        before = SearchFolder.open(folder).made.get("settings") or {}
        return {name: before[name] for name in ("rungs", "first") if name in before} | dict(settings)
    found: dict[str, Any] = {"rungs": tuple(sorted(shares))}
    if "first" in taken:
        eta = float(settings.get("eta", ETA))
        steps = [*(shares[epochs] for epochs in found["rungs"]), 1.0]
        most = int(budget / steps[0])
        found["first"] = next((n for n in range(most, 1, -1) if _cost(n, steps, eta) <= budget + ROUNDING), 1)
    return found | dict(settings)


def _cost(first: int, steps: Sequence[float], eta: float) -> float:
    """Return the models that a bracket costs, the best of which comes up to a whole training."""
    cost, count = 0.0, first
    for share in steps:
        cost += share * count
        count = max(1, int(count / eta))
    return cost
