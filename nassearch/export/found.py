"""What a result holds: the winner of a search that trained, or the best architecture of a search on a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

from nassearch.benchmarks.trained.builder import task_for
from nassearch.benchmarks.trained.entry import TRAINED
from nassearch.errors import InvalidSetting, MissingData
from nassearch.export.kept import read_weights_of
from nassearch.export.named import of_table
from nassearch.export.retraining import best_retraining
from nassearch.export.subject import Subject, reading
from nassearch.search.trained.folder import SearchFolder
from nassearch.training import Recipe
from nassearch.types import Arch, Task

if TYPE_CHECKING:
    from torch import Tensor

MARK = "search.json"
ALIKE = 0.25
"""Networks cost about the same whose parameters differ by less than this share."""
ONCE = "looked at once, for this network"
NOT = "it is looked at when a search ends, for its winner"


class Choice(NamedTuple):
    """A trained architecture of a search, as plain JSON says it.

    Attributes:
        arch: which.
        recipe: of its training, nothing left open; None where it was not trained.
        accuracy: `valid`, and perhaps `test`, `test_interval` and `test_examples`.
        seconds: of its training.
        weights: their file, from the folder of the search.
        note: what the training was.
    """

    arch: Arch
    recipe: Mapping[str, Any] | None = None
    accuracy: Mapping[str, Any] = {}
    seconds: float = 0.0
    weights: Any = None
    note: str = ""


def found_in(path: Path, text: str | None = None, retrained: bool = False) -> Subject:
    """Return the winner of a search, or another architecture of its space.

    Args:
        path: the folder of a search that trained, or the result of a search on a table.
        text: an architecture; None for the winner.
        retrained: whether the weights are those of the best later training.

    Raises:
        MissingData, BadData: there is no such result, or it is damaged.
        InvalidArch: the text is none of the space.
        InvalidSetting: nothing was trained later.
    """
    folder = path.parent if path.is_file() and (path.parent / MARK).is_file() else path
    if folder.is_dir():
        search = SearchFolder.open(folder)
        return subject_of(folder, search, chosen(folder, search, text, retrained))
    if retrained:
        raise InvalidSetting(f"{path} is a search on a table, which trains nothing: leave --retrained out")
    return of_table(path, text)


def chosen(folder: Path, search: SearchFolder, text: str | None, retrained: bool = False) -> Choice:
    """Return what is meant of a search: an architecture, the winner, or the best so far where there is none yet."""
    arch = None if text is None else search.space().parse(text)
    if retrained:
        found = best_retraining(folder, arch)
        notes = {"valid_note": "by which the best epoch was chosen", "test_note": found["test_note"]}
        accuracy = {name: found[name] for name in ("valid", "test", "test_interval", "test_examples")}
        how = found["recipe"], {**accuracy, **notes}, found["seconds"], found["weights"]
        return Choice(tuple(found["arch"]), *how, "trained longer by nassearch retrain, after the search")
    winner = search.winner
    if winner is not None and (arch is None or list(arch) == list(winner["arch"])):
        names = ("valid", "test", "test_interval", "test_examples")
        accuracy = {name: winner.get(name) for name in names}
        accuracy |= {"valid_note": "by which it and its best epoch were chosen", "test_note": ONCE}
        how = winner["recipe"], accuracy, winner["seconds"], winner["weights"]
        return Choice(tuple(winner["arch"]), *how, "the final training of the winner")
    whole = [
        entry
        for entry in search.entries
        if entry["status"] == TRAINED and entry.get("share", 1.0) == 1.0 and arch in (None, tuple(entry["arch"]))
    ]
    if not whole and arch is not None:
        return Choice(arch)
    if not whole:
        raise MissingData(f"{folder} has no trained network yet: let the search go on")
    best = max(whole, key=lambda entry: entry["valid"])
    accuracy = {"valid": best["valid"], "valid_note": "by which it and its best epoch were chosen", "test_note": NOT}
    how = best["recipe"], accuracy, best["seconds"], best["weights"]
    return Choice(tuple(best["arch"]), *how, "its training in the search")


def subject_of(folder: Path, search: SearchFolder, choice: Choice) -> Subject:
    """Return what is exported of a search."""
    made, data, space = search.made["made"], search.made["made"]["data"], search.space()
    skeleton = {name: tuple(v) if isinstance(v, list) else v for name, v in made.get("skeleton", {}).items()}
    task = Task(tuple(data["shape"]), len(data["classes"]), **skeleton)
    facts: dict[str, Any] = {"data": data, "search": _search(search)}
    weights: Mapping[str, Tensor] | None = None
    if choice.recipe is not None:
        task = task_for(task, Recipe.of(choice.recipe))
        weights = read_weights_of(folder, choice.weights)
        training = {"recipe": dict(choice.recipe), "seconds": choice.seconds, "note": choice.note}
        beside = _beside(search.entries, choice.arch, str(made.get("strategy")))
        facts |= {"accuracy": dict(choice.accuracy), "training": training, "beside": beside}
    reads = reading(task, data)
    return Subject(space, choice.arch, str(made["space"]), task, reads, weights, facts, search.data)


def _search(search: SearchFolder) -> dict[str, Any]:
    made, entries = search.made["made"], search.entries
    counts: dict[str, int] = {}
    for entry in entries:
        counts[entry["status"]] = counts.get(entry["status"], 0) + 1
    told = ", ".join(f"{count} {status}" for status, count in counts.items())
    limits = made.get("constraints") or {}
    return {
        "strategy": made.get("strategy"),
        "guide": made.get("scorer"),
        "space": made.get("space"),
        "models": told or None,
        "seconds of their training": round(sum(entry["seconds"] for entry in entries), 1),
        "seconds of the search": (search.winner or {}).get("seconds_of_search"),
        "limits": ", ".join(f"{name} at most {value:g}" for name, value in limits.items() if value) or None,
        "seed": made.get("seed"),
        "nassearch": search.made.get("package"),
    }


def _beside(entries: Sequence[Mapping[str, Any]], arch: Arch, strategy: str) -> dict[str, Any] | None:
    """Return how it stands to what was trained in the same search at about the same cost; None where that is unknown.

    All were trained by the recipe of the search, which the final training of a winner need not be.
    """
    whole = [e for e in entries if e["status"] == TRAINED and e.get("share", 1.0) == 1.0 and e["valid"] is not None]
    own = next((entry for entry in whole if tuple(entry["arch"]) == arch), None)
    if own is None or not own.get("params"):
        return None
    others = [
        entry
        for entry in whole
        if entry is not own and entry.get("params") and abs(entry["params"] / own["params"] - 1) < ALIKE
    ]
    if not others:
        return None
    middle = median(entry["valid"] for entry in others)
    drawn = "drawn at random" if strategy == "rand" else "that this search chose to train, which are no random sample"
    return {
        "valid": own["valid"],
        "median": middle,
        "models": len(others),
        "random": strategy == "rand",
        "sentence": (
            f"In the search, by its recipe, it reached {own['valid']:.2f} percent on validation; the median of the "
            f"{len(others)} other models {drawn} and that have the same number of parameters within {ALIKE:.0%} "
            f"reached {middle:.2f}."
        ),
    }
