"""Open the folder and the oracle of a search: new ones, or those that are gone on with."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from nassearch import __version__
from nassearch.benchmarks.trained.benchmark import TrainedBenchmark
from nassearch.datasets import OwnDataset
from nassearch.errors import InvalidSetting
from nassearch.files.bounded import check_folder
from nassearch.search.store import is_search
from nassearch.search.trained.asked import BUDGET, Search
from nassearch.search.trained.folder import EVENTS, MADE, SearchFolder
from nassearch.search.trained.trial import MODELS, plan, seconds_of_an_epoch, usual_threads
from nassearch.search.trained.winner import PART, TIMES
from nassearch.training import Recipe
from nassearch.types import plain

LONGEST = 100
"""Characters of the name of a folder."""


def open_folder(
    asked: Search, oracle: TrainedBenchmark, path: Path, tell: Callable[[str], None]
) -> tuple[SearchFolder, TrainedBenchmark]:
    """Return the folder of a search and the oracle that keeps its trainings there; what was planned before stays.

    Args:
        asked: the search.
        oracle: what `asked.oracle` gives.
        path: of the folder.
        tell: gets a line for what is planned.

    Raises:
        InvalidSetting, BadData, Unreadable: the folder holds something else, or is a file.
    """
    check_folder(path, "choose another folder by --out")
    there = SearchFolder.open(path) if is_search(path) else None
    recipe, threads = oracle.given, _threads(asked, there, oracle)
    if asked.hours is not None and "epochs" not in asked.recipe:
        if there is not None:
            recipe = replace(recipe, epochs=there.made["recipe"]["epochs"])
        else:
            recipe = _planned(asked, oracle.again(threads=threads), tell)
    bench = oracle.again(recipe=recipe, threads=threads, folder=path, fidelity=asked.fidelity)
    bench.space.try_out(bench.task)
    experiment = asked.experiment(bench, asked.budget or BUDGET)
    header = experiment.header()
    made = {
        **{name: header.experiment[name] for name in ("strategy", "settings", "scorer", "warmup", "move")},
        "constraints": header.experiment.get("constraints"),
        "objectives": list(experiment.objectives) if experiment.objectives else None,
        "seed": asked.seed,
        "budget": asked.budget,
        "hours": asked.hours,
        "space": asked.space,
        "skeleton": bench.skeleton,
        "data": {
            **bench.data.as_dict(),
            "path": bench.data.source,
            "seed": asked.seed,
            "valid": asked.valid,
            "test": asked.test,
            "size": asked.size,
        },
        "recipe": bench.recipe.as_dict(),
        "fidelity": list(bench.fidelity),
        "final_epochs": asked.final_epochs,
        "device": asked.device,
        "threads": bench.threads,
        "workers": asked.workers,
    }
    folder = SearchFolder(path, plain(made), __version__, dict(header.code))
    if there is not None:
        _refuse_other(there, folder)
    elif path.exists() and any(not _begun(each.name) for each in path.iterdir()):
        raise InvalidSetting(
            f"{path} holds other things than a search: give an empty folder, or a new one, by --out"
        )
    return folder, bench


def _begun(name: str) -> bool:
    """Say whether a file is what a search leaves that is killed before it has written what was asked for."""
    return name in (EVENTS, f"{EVENTS}.lock") or name.startswith(f".{MADE}.")


def _threads(asked: Search, there: SearchFolder | None, bench: TrainedBenchmark) -> int:
    if asked.threads is None and there is not None:
        return int(there.made["threads"])
    return usual_threads(bench, asked.workers, asked.seed) if asked.threads is None else asked.threads


def folder_name(data: OwnDataset) -> str:
    """Return the usual name of the folder of a search: that of the data, as every file system takes it."""
    return re.sub(r"[^A-Za-z0-9._=-]+", "-", data.name).strip("-.")[:LONGEST] or "data"


def _refuse_other(there: SearchFolder, wanted: SearchFolder) -> None:
    found = _difference(there.made, wanted.made)
    if found is None and there.code != wanted.code:
        parts = [part for part in wanted.code if wanted.code[part] != there.code.get(part)]
        found = f"code of the {' and the '.join(parts)}", "that of then", "that of now"
    if found is not None:
        name, before, now = found
        raise InvalidSetting(
            f"{there.path} holds a search with {name} {before!r}, and this one has {now!r}: give it another --out"
        )


def _difference(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> tuple[str, Any, Any] | None:
    """Return the first thing in which two searches differ that can not be gone on with, and both values."""
    before, now = dict(found), json.loads(json.dumps(dict(wanted)))
    for made in (before, now):
        made["data"] = made["data"].get("digest")  # which may lie elsewhere by now
    for name in (*now, *(name for name in before if name not in now)):
        if name not in FREE and before.get(name) != now.get(name):
            return name, before.get(name), now.get(name)
    return None


FREE = frozenset({"budget", "hours", "workers", "executor", "final_epochs"})
"""What a search that goes on may have anew."""


def _planned(asked: Search, bench: TrainedBenchmark, tell: Callable[[str], None]) -> Recipe:
    assert asked.hours is not None
    epoch, seconds = seconds_of_an_epoch(bench, asked.seed), 3600 * asked.hours
    if asked.by_the_clock:
        recipe = plan(bench.given, seconds, epoch, asked.workers, 1 - PART)
        final = "as many as fit into the rest of the time, which is half of it"
    elif asked.final_epochs is None:
        at_once = min(asked.workers, MODELS)
        recipe = plan(bench.given, seconds, epoch, asked.workers, 1 / (1 + TIMES * at_once / MODELS))
        final = str(TIMES * recipe.epochs)
    else:
        recipe = plan(bench.given, seconds - asked.final_epochs * epoch, epoch, asked.workers, 1.0)
        final = str(asked.final_epochs)
    tell(
        f"plan: an epoch takes about {epoch:.1f} seconds here, so trainings have {recipe.epochs} "
        f"epoch{'s' if recipe.epochs > 1 else ''}, the final one {final}"
    )
    return recipe
