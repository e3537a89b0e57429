"""What a search has trained, as a page shows it: models, histories, proxies against what was reached, the front."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nassearch.benchmarks.trained.entry import Entry
from nassearch.statistics.correlation import ranked
from nassearch.statistics.intervals import Resampling, rho, tau
from nassearch.types import Floats, is_number

HISTORY = ("epoch", "train_loss", "valid_loss", "valid")
COSTS = ("params", "flops", "latency", "memory")
UNITS = {"params": "parameters", "flops": "FLOPs", "latency": "ms", "memory": "bytes", "accuracy": "%"}
MOST_HISTORIES = 200
"""That are drawn: those of the best models. A line of a page for every one of thousands would be grey all over."""
MOST_EPOCHS = 300
"""Of one history; of more, every so many are drawn, and the last."""
HOW = Resampling(draws=500)


def trainings(folder: Any, label: str, where: str) -> dict[str, Any]:
    """Return what a `SearchFolder` holds, as plain values; models are counted from 1, in the order told."""
    entries: list[Entry] = folder.entries
    whole = [n for n, entry in enumerate(entries) if entry.share == 1.0 and entry.valid is not None]
    ranked = sorted(whole, key=lambda n: (-float(entries[n].valid or 0.0), n))
    objectives = [str(name) for name in folder.made.get("objectives") or ("accuracy",)]
    return {
        "label": label,
        "where": where,
        "winner": folder.winner,
        "wall_clock": folder.spent,
        "statuses": dict(Counter(entry.status for entry in entries)),
        "models": [_model(n, entry) for n, entry in enumerate(entries, start=1)],
        "ranked": [n + 1 for n in ranked],
        "histories": _histories(entries, ranked),
        "proxies": _proxies([entries[n] for n in whole], whole, folder.made),
        "fronts": fronts([entries[n] for n in whole], whole, objectives),
        "objectives": objectives,
        "notes": [str(note) for note in folder.made["data"].get("notes") or ()],
    }


def _model(number: int, entry: Entry) -> dict[str, Any]:
    names = (
        "text",
        "status",
        "valid",
        "seconds",
        "share",
        *COSTS,
        "note",
        "seed",
        "batch_size",
        "accumulate",
    )
    found = {name: getattr(entry, name) for name in names}
    return {"model": number, "arch": list(entry.arch), "epochs": entry.recipe.get("epochs"), **found}


def _histories(entries: Sequence[Entry], ranked: Sequence[int]) -> dict[str, Any]:
    """Return the histories of the best models, then of others that have one; how many there are of each."""
    rest = [n for n in range(len(entries)) if n not in set(ranked)]
    there = [n for n in (*ranked, *rest) if _columns(entries[n].history)]
    lines = []
    for n in there[:MOST_HISTORIES]:
        columns = _columns(entries[n].history)
        length = len(columns["epoch"])
        step = -(-length // MOST_EPOCHS)
        kept = sorted({*range(0, length, step), length - 1})
        line = {name: [values[i] for i in kept] for name, values in columns.items()}
        lines.append(
            {"model": n + 1, "text": entries[n].text, **line, "thinned": length if step > 1 else None}
        )
    return {"lines": lines, "of": len(there)}


def _columns(history: Mapping[str, Sequence[Any]]) -> dict[str, list[float | None]]:
    """Return the columns that are drawn, cut to the shortest; none where there is no epoch."""
    there = {name: history[name] for name in HISTORY if isinstance(history.get(name), list)}
    length = min(map(len, there.values()), default=0)
    if "epoch" not in there or not length:
        return {}
    return {name: [_number(value) for value in values[:length]] for name, values in there.items()}


def _number(value: Any) -> float | None:
    return value if is_number(value) and math.isfinite(value) else None


def _proxies(
    entries: Sequence[Entry], places: Sequence[int], made: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Return scores against accuracies: by each scorer of the search, and by the numbers of parameters and FLOPs."""
    roles = dict.fromkeys(role for entry in entries for role in entry.scores)
    columns: dict[str, list[float | None]] = {}
    for role in roles:
        columns.setdefault(_scorer(role, made), [_number(entry.scores.get(role)) for entry in entries])
    for name in ("params", "flops"):
        counted = [_number(getattr(entry, name)) for entry in entries]
        if name not in columns and any(value is not None for value in counted):
            columns[name] = counted
    reached = np.array([entry.valid for entry in entries], np.float64)
    return [_proxy(name, column, reached, places) for name, column in columns.items()]


def _scorer(role: str, made: Mapping[str, Any]) -> str:
    """Return the scorer that plays a part in a search, as `nassearch.search.guidance.roles` names the parts.

    >>> made = {"scorer": "synflow", "move": None, "settings": {"guide": "snip", "features": ["naswot"]}}
    >>> [_scorer(role, made) for role in ("warmup", "guide", "features naswot", "epsilon")]
    ['synflow', 'snip', 'naswot', 'epsilon']
    """
    settings = made.get("settings")
    named = dict(settings) if isinstance(settings, Mapping) else {}
    named |= {"warmup": made.get("scorer"), "move": made.get("move")}
    if isinstance(named.get(role), str):
        return str(named[role])
    setting, _, one = role.partition(" ")
    return one if one and setting in named else role


def _proxy(
    name: str, column: Sequence[float | None], reached: Floats, places: Sequence[int]
) -> dict[str, Any]:
    scores = np.array([math.nan if value is None else value for value in column], np.float64)
    there = np.isfinite(scores) & np.isfinite(reached)
    x, y, _ = ranked(scores[there], reached[there])
    figures = {
        name: _ends(judge(x, y, HOW)) if len(x) > 1 else None for name, judge in (("rho", rho), ("tau", tau))
    }
    return {
        "proxy": name,
        **figures,
        "scored": int(there.sum()),
        "trained": len(column),
        "scores": scores[there].tolist(),
        "valid": reached[there].tolist(),
        "models": [place + 1 for place, known in zip(places, there.tolist(), strict=True) if known],
    }


def _ends(estimate: Any) -> list[float] | None:
    return None if math.isnan(estimate.value) else [_finite(value) for value in estimate]


def _finite(value: float) -> Any:
    return None if math.isnan(value) else value


def fronts(
    entries: Sequence[Entry], places: Sequence[int], objectives: Sequence[str]
) -> list[dict[str, Any]]:
    """Return accuracy against each cost that is known, with the models that no other is better than in both.

    Costs that are objectives of the search come first, and are marked `wanted`.
    """
    asked = [name for name in objectives if name in COSTS]
    found = []
    for name in (*asked, *(name for name in COSTS if name not in asked)):
        costs = [_number(getattr(entry, name)) for entry in entries]
        kept = [i for i, cost in enumerate(costs) if cost is not None]
        if not kept:
            continue
        pairs = [(float(costs[i] or 0.0), float(entries[i].valid or 0.0)) for i in kept]
        found.append(
            {
                "cost": name,
                "unit": UNITS[name],
                "wanted": name in asked,
                "costs": [cost for cost, _ in pairs],
                "valid": [valid for _, valid in pairs],
                "models": [places[i] + 1 for i in kept],
                "front": [places[kept[i]] + 1 for i in front(pairs)],
            }
        )
    return found


def front(pairs: Sequence[tuple[float, float]]) -> list[int]:
    """Return the places of the pairs (cost, worth) that none beats: by cost, one of each that are equal.

    >>> front([(2.0, 5.0), (1.0, 5.0), (1.0, 4.0), (3.0, 6.0)])
    [1, 3]
    """
    best, found = -math.inf, []
    for i in sorted(range(len(pairs)), key=lambda i: (pairs[i][0], -pairs[i][1], i)):
        if pairs[i][1] > best:
            best = pairs[i][1]
            found.append(i)
    return found
