"""A search that trains as an outcome, from its first model on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from nassearch.benchmarks.trained.entry import Entry
from nassearch.errors import Unbegun
from nassearch.search.outcome import Outcome
from nassearch.search.records import Header
from nassearch.search.runner import Round

UNTOLD = (
    "strategy",
    "scorer",
    "warmup",
    "move",
    "move_at",
    "explore",
    "move_ratio",
    "settings",
    "seed",
    "budget",
)


def outcome_of(folder: Any, path: Path) -> Outcome:
    """Return the result of a `SearchFolder`, or what a result of what it has trained so far would be.

    A search under way has more models than the result that it wrote when it paused. A training that came to no
    network counts as chance, which is what strategies are told.

    Raises:
        Unbegun: nothing has been trained.
    """
    told = told_of(folder)
    if not told:
        raise Unbegun(f"{path} has no trained model yet: wait for it, or run the search again to go on")
    result: Outcome | None = folder.result
    if result is not None and result.rounds and len(result.rounds[0].archs) >= len(told):
        return Outcome(result.header, result.rounds, path=path)
    made, data = folder.made, folder.made["data"]
    chance = 100.0 / max(1, len(data.get("classes") or ()))
    valid = np.array([chance if entry.valid is None else entry.valid for entry in told])
    seconds, shares = np.array([e.seconds for e in told]), np.array([entry.share for entry in told])
    archs = [entry.arch for entry in told]
    revisits = len(archs) - len(set(zip(archs, shares.tolist(), strict=True)))
    fields = {name: made[name] for name in UNTOLD if made.get(name) is not None}
    about = {"benchmark": "train", "dataset": str(data.get("name")), "rounds": 1, "untested": True}
    header = Header({**fields, **about}, folder.package, str(data.get("digest")), folder.code)
    costs = None if (shares == 1.0).all() else shares
    return Outcome(header, [Round(0, archs, valid, valid, seconds, revisits, {}, costs)], path=path)


def told_of(folder: Any) -> list[Entry]:
    """Return the training behind each answer that the strategy got, in order, one that it asked for again too."""
    whole = folder.made["recipe"].get("epochs")
    known = {(entry.arch, entry.recipe.get("epochs")): entry for entry in folder.entries}
    keys = [(each.arch, each.epochs or whole) for each in folder.events if each.kind == "tell"]
    return [known[key] for key in keys if key in known]
