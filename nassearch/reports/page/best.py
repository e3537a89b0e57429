"""The architectures that searches hand over, and how their cells are drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nassearch import registry
from nassearch.errors import InvalidArch, MissingData, UnknownName, told
from nassearch.reports.page.inputs import Source
from nassearch.reports.page.layout import layout
from nassearch.search.quantity import plain_quantity
from nassearch.spaces import open_space
from nassearch.spaces.base import SearchSpace
from nassearch.spaces.choices import Choices
from nassearch.spaces.own.values import pairs
from nassearch.statistics.medians import incumbents
from nassearch.types import Arch

TRAINED = "train"
"""The benchmark of results whose models were trained: they name their space."""
MOST = 6
"""Architectures that are drawn."""
MOST_VERTICES = 80
"""Of a cell that is drawn: beyond, nobody sees anything."""


Key = tuple[str, Arch]
"""An architecture, and which space it is of: on data of one's own searches of several stand side by side."""


def best_architectures(sources: Sequence[Source], labels: Sequence[str]) -> dict[str, Any]:
    """Return the best of the architectures that rounds end with, and of all that a search of one round trained.

    They are ranked by the mean of what was recorded of them when they were trained, all rounds of all searches
    together, in whole trainings where there are such: by validation, or by test where there is no other.

    Returns:
        `architectures`, each with `arch`, `text` (None where the space is not there), `valid` and `test` (means, as
        published), `trainings`, `rounds` (that end with it), `searches`, `cell` (see `layout`; None where it is
        not drawn) and `choices` (name and option of each, where the space has no cells); `of`, how many there are;
        `quantity`, what was trained for; and `notes`, why cells are not drawn.
    """
    quantity = plain_quantity(sources[0].outcome.header)
    _, choose = quantity.metrics("test", "valid")
    ends: dict[Key, list[str]] = {}
    trained: dict[Key, list[tuple[float, float]]] = {}
    found_by: dict[Key, list[str]] = {}
    homes = {_home(source): source for source in reversed(sources)}
    for source, label in zip(sources, labels, strict=True):
        home, entries = _home(source), [] if source.folder is None else source.folder.entries
        failed = {entry.arch for entry in entries if entry.valid is None}
        for each in source.outcome.rounds:
            whole = np.ones(len(each.archs), bool) if each.shares is None else each.shares == 1.0
            whole = whole if whole.any() else ~whole
            whole &= np.array([arch not in failed for arch in each.archs], bool)
            if not whole.any():
                continue
            values = np.where(whole, getattr(each, choose), np.nan)
            ends.setdefault((home, each.archs[int(incumbents(values)[-1])]), []).append(label)
            if len(source.outcome.rounds) == 1:
                for place in np.flatnonzero(whole).tolist():
                    found_by.setdefault((home, each.archs[place]), []).append(label)
            for place in np.flatnonzero(whole).tolist():
                pair = float(each.valid[place]), float(each.test[place])
                trained.setdefault((home, each.archs[place]), []).append(pair)
    column = ("valid", "test").index(choose)
    means = {
        key: [_mean([pair[i] for pair in trained[key]]) for i in (0, 1)]
        for key in (*ends, *(key for key in found_by if key not in ends))
        if key in trained
    }
    known = [key for key in means if not np.isnan(means[key][column])]
    ranked = sorted(known, key=lambda key: (-means[key][column], -len(ends.get(key, ())), key))
    spaces, closed = _spaces({home: homes[home] for home, _ in ranked[:MOST]})
    rows, notes = [], list[str]()
    for key in ranked[:MOST]:
        home, arch = key
        text, cell, note = _drawn(spaces.get(home), arch)
        text = _recorded(homes[home], arch) if text is None else text
        choices = _choices(spaces.get(home), text)
        notes += [why for why in (note, None if choices else closed.get(home)) if why]
        valid, test = (None if np.isnan(mean) else quantity.shown(mean) for mean in means[key])
        rows.append(
            {
                "arch": list(arch),
                "text": text,
                "space": home,
                "valid": valid if quantity.validated else None,
                "test": test if quantity.tested else None,
                "trainings": len(trained[key]),
                "rounds": len(ends.get(key, ())),
                "searches": list(dict.fromkeys(ends.get(key) or found_by[key])),
                "cell": cell,
                "choices": choices,
            }
        )
    about = {"name": quantity.name, "unit": quantity.unit}
    return {"architectures": rows, "notes": list(dict.fromkeys(notes)), "of": len(ranked), "quantity": about}


def _home(source: Source) -> str:
    """Return which space a search is of, in words."""
    if source.folder is not None:
        return str(source.folder.made.get("space"))
    fields = source.outcome.header.experiment
    return str(fields.get("space" if fields.get("benchmark") == TRAINED else "benchmark"))


def _spaces(homes: Mapping[str, Source]) -> tuple[dict[str, SearchSpace], dict[str, str]]:
    """Open the spaces that are there, and say of the others why they are not."""
    found, notes = {}, {}
    for home, source in homes.items():
        try:
            found[home] = _space_of(source)
        except Exception as error:  # a page is made without a space that is not there, or that fails
            notes[home] = f"cells of {home} are not drawn: {_why(error)}"
    return found, notes


def _space_of(source: Source) -> SearchSpace:
    if source.outcome.oracle is not None:
        return source.outcome.oracle.space
    fields = source.outcome.header.experiment
    named = fields.get("space") if source.folder is None else source.folder.made.get("space")
    if source.folder is None and fields.get("benchmark") != TRAINED:
        made = registry.load("benchmarks", str(fields.get("benchmark"))).make_space(fields.get("dataset"))
        return made  # type: ignore[no-any-return]
    if ":" in str(named):
        raise MissingData("that would import a module because a file names it")
    return open_space(str(named)).space


def names_of(source: Source, archs: Sequence[Arch]) -> list[str]:
    """Return architectures as texts, or their numbers where their space is not there."""
    try:
        space = _space_of(source)
        return [space.format(arch) for arch in archs]
    except Exception:  # the notes of `best_architectures` say why
        return [str(tuple(arch)) for arch in archs]


def _drawn(space: SearchSpace | None, arch: Arch) -> tuple[str | None, dict[str, Any] | None, str | None]:
    """Return an architecture as text, its drawing, and why there is none."""
    if space is None:
        return None, None, None
    try:
        text = space.format(space.check(arch))
        if isinstance(space, Choices) or not space.has_cells:
            return text, None, None
        graph = space.graph(arch)
        if len(graph.ops) > MOST_VERTICES:
            return text, None, f"cells of more than {MOST_VERTICES} vertices are not drawn"
        return text, layout(graph), None
    except Exception as error:  # of a part of someone else's, or an architecture of another version
        return None, None, f"a cell is not drawn: {_why(error)}"


def _recorded(source: Source, arch: Arch) -> str | None:
    """Return an architecture as its search has written it; None where nobody has."""
    entries = [] if source.folder is None else source.folder.entries
    return next((entry.text for entry in entries if entry.arch == arch), None)


def _choices(space: SearchSpace | None, text: str | None) -> list[list[str]] | None:
    """Return name and option of what is chosen in a space without cells, as the text of the architecture has them."""
    if text is None or not (space is None or isinstance(space, Choices) or not space.has_cells):
        return None
    if isinstance(space, Choices):
        return [[str(number), option] for number, option in enumerate(text.split(":"), start=1)]
    try:
        found = [[name, option] for name, option in pairs(text)]
    except InvalidArch:  # a space of a class of somebody's own writes as it likes
        return None
    return found if all(name.isidentifier() for name, _ in found) else None


def _mean(values: Sequence[float]) -> float:
    there = [value for value in values if not np.isnan(value)]
    return sum(there) / len(there) if there else float("nan")


def _why(error: Exception) -> str:
    if isinstance(error, UnknownName | MissingData | InvalidArch):
        return str(error)
    return told(error)
