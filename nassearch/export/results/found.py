"""What a result holds: the winner of a search that trained, or the best architecture of a search on a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from nassearch.benchmarks.trained.builder import task_for
from nassearch.benchmarks.trained.entry import TRAINED, Entry
from nassearch.constraints.limits import UNITS, written
from nassearch.errors import BadData, InvalidSetting, MissingData
from nassearch.export.results.kept import read_weights_of
from nassearch.export.results.named import of_table
from nassearch.export.results.retraining import best_retraining
from nassearch.export.subject import Subject, reading
from nassearch.search.store import is_asked, is_search
from nassearch.search.trained.folder import SearchFolder
from nassearch.training import Recipe
from nassearch.types import Arch, Task

ACCURACY = ("valid", "test", "test_interval", "test_examples")
FEWEST = 3
"""Models that a median is of."""
ALIKE = 0.25
"""Networks cost about the same whose parameters differ by less than this share."""
ONCE = "looked at once, for this network"
OFTEN = "looked at for {} winners of the search, which went on with another budget: once for this network"
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
    folder = path.parent if path.is_file() and is_search(path.parent) else path
    if folder.is_dir() and not is_asked(folder):
        search = SearchFolder.open(folder)
        return subject_of(search, chosen(search, text, retrained))
    if retrained:
        raise InvalidSetting(f"{path} is a search that trains nothing itself: leave --retrained out")
    return of_table(path, text)


def chosen(search: SearchFolder, text: str | None = None, retrained: bool = False) -> Choice:
    """Return what is meant of a search: an architecture, the winner, or the best so far where there is none yet.

    Raises:
        InvalidArch: the text is none of the space.
        InvalidSetting: nothing was trained later, and that is asked for.
        MissingData: nothing was trained, and the winner is asked for.
    """
    arch = None if text is None else search.space().parse(text)
    if retrained:
        found = best_retraining(search.path, arch)
        accuracy = {name: found[name] for name in ACCURACY}
        accuracy |= {"valid_note": "by which its best epoch was chosen", "test_note": found["test_note"]}
        how = found["recipe"], accuracy, found["seconds"], found["weights"]
        return Choice(tuple(found["arch"]), *how, "trained once more by nassearch retrain, after the search")
    winner = search.winner
    if winner is not None and arch in (None, tuple(winner["arch"])):
        accuracy = {name: winner.get(name) for name in ACCURACY}
        looks = winner.get("looks_at_test") or 1
        note = ONCE if looks < 2 else OFTEN.format(looks)
        accuracy |= {"valid_note": "by which it and its best epoch were chosen", "test_note": note}
        how = winner["recipe"], accuracy, winner["seconds"], winner["weights"]
        return Choice(tuple(winner["arch"]), *how, "of the trainings of the winner the best by validation")
    whole = [entry for entry in trained(search.entries) if arch in (None, entry.arch)]
    if not whole and arch is not None:
        return Choice(arch)
    if not whole:
        raise MissingData(f"{search.path} has no trained network yet: let the search go on")
    best = max(whole, key=lambda entry: entry.valid or 0.0)
    accuracy = {
        "valid": best.valid,
        "valid_note": "by which it and its best epoch were chosen",
        "test_note": NOT,
    }
    return Choice(best.arch, best.recipe, accuracy, best.seconds, best.weights, "its training in the search")


def trained(entries: Iterable[Entry]) -> list[Entry]:
    """Return the whole trainings that ended well."""
    return [
        entry
        for entry in entries
        if entry.status == TRAINED and entry.share == 1.0 and entry.valid is not None
    ]


def subject_of(search: SearchFolder, choice: Choice) -> Subject:
    """Return what is exported of a search."""
    data, text = search.made["data"], str(search.made["space"])
    facts: dict[str, Any] = {"data": data, "search": _search(search)}
    task, weights = task_of(search), None
    if choice.recipe is not None:
        task = task_for(task, Recipe.of(choice.recipe))
        weights = read_weights_of(search.path, choice.weights)
        training = {"recipe": dict(choice.recipe), "seconds": choice.seconds, "note": choice.note}
        guided = search.made.get("warmup") or search.made.get("move")
        beside = _beside(search.entries, choice.arch, search.made["strategy"] == "rand" and not guided)
        facts |= {"accuracy": dict(choice.accuracy), "training": training, "beside": beside}
    return Subject(search.space(), choice.arch, text, task, reading(task, data), weights, facts, search.data)


def task_of(search: SearchFolder) -> Task:
    """Return what the networks of a search are built for, whether its data are there or not."""
    data, skeleton = search.made["data"], search.made["skeleton"]
    fields: dict[str, Any] = {n: tuple(v) if isinstance(v, list) else v for n, v in skeleton.items()}
    try:
        return Task(tuple(data["shape"]), len(data["classes"]), **fields)
    except (TypeError, ValueError) as error:
        raise BadData(
            f"{search.path} does not say what its networks are built for ({error}); search again, in another folder"
        ) from None


def _search(search: SearchFolder) -> dict[str, Any]:
    made, entries = search.made, search.entries
    counts = Counter(entry.status for entry in entries)
    guide = (
        [f"{made['warmup']} architectures scored first, by {made['scorer']}"] if made.get("warmup") else []
    )
    guide += [f"moves by {made['move']}"] if made.get("move") else []
    most = made.get("constraints") or {}
    limits = [f"{name} at most {written(name, most[name])}" for name in UNITS if most.get(name)]
    limits += [f"latency by {most['latency_by']}"] if most.get("latency_by") else []
    return {
        "strategy": made["strategy"],
        "guide": ", ".join(guide) or "none",
        "space": made["space"],
        "models": ", ".join(f"{count} {status}" for status, count in counts.items()) or "none",
        "seconds of their training": f"{sum(entry.seconds for entry in entries):.1f}",
        "seconds of the search": f"{search.spent:.1f}",
        "limits": ", ".join(limits) or None,
        "seed": made["seed"],
        "nassearch": search.package,
    }


def _beside(entries: Sequence[Entry], arch: Arch, random: bool) -> dict[str, Any] | None:
    """Return how it stands to what was trained in the same search at about the same cost; None where that is unknown.

    All were trained by the recipe of the search, which the final training of a winner need not be.
    """
    whole = trained(entries)
    own = next((entry for entry in whole if entry.arch == arch), None)
    if own is None or own.valid is None or not own.params:
        return None
    alike = [entry for entry in whole if entry.params and abs(entry.params / own.params - 1) < ALIKE]
    others = [entry.valid for entry in alike if entry is not own and entry.valid is not None]
    which = "drawn at random" if random else "chosen by the search and so no random sample"
    return {
        "valid": own.valid,
        "median": median(others) if len(others) >= FEWEST else None,
        "models": len(others),
        "random": random,
        "sentence": f"In the search, by its recipe, it reached {own.valid:.2f} percent on validation. "
        + _told_beside(sorted(others), which),
    }


def _told_beside(others: list[float], which: str) -> str:
    """Say what models of the same size reached: a median where there are enough of them for one."""
    alike = f"the same number of parameters within {ALIKE:.0%}"
    if len(others) >= FEWEST:
        return f"The median of {len(others)} other models of {alike}, {which}, was {median(others):.2f}."
    reached = " and ".join(f"{value:.2f}" for value in others)
    if not others:
        return f"No other model of {alike} was trained, so that there is nothing to hold it against."
    count = "One other model" if len(others) == 1 else f"{len(others)} other models"
    return f"{count} of {alike}, {which}, reached {reached}: too few for a median."
