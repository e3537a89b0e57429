"""What a page is made of: results, searches that train, and what was left out of it."""

from __future__ import annotations

import glob
import os
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from nassearch.errors import BadData, InvalidSetting, Unbegun, quoted
from nassearch.search.outcome import Outcome, read
from nassearch.search.store import is_asked

MARK = "search.json"
"""The file by which the folder of a search that trains is known; to ask its module would import torch."""


class Source(NamedTuple):
    """One search of a page.

    Attributes:
        name: given by the user; None to say what it is.
        where: the file or the folder; "" where it is in memory alone.
        outcome: its rounds.
        folder: what it trained, see `nassearch.search.trained.folder.SearchFolder`; None for a search on a table.
    """

    name: str | None
    where: str
    outcome: Outcome
    folder: Any = None


class Gathered(NamedTuple):
    """The searches of a page, each once, and in words those that were left out."""

    sources: list[Source]
    left_out: list[str]


def gather(results: Any) -> Gathered:
    """Read what is given: paths, patterns and folders, outcomes, or several of these, also by name.

    Raises:
        InvalidSetting: nothing that can be read is given.
        MissingData, BadData: see `nassearch.search.outcome.read`; a search without a model is left out where there
            are others.
    """
    names: list[str | None] = []
    if isinstance(results, Mapping):
        names, results = list(map(str, results)), list(results.values())
    elif isinstance(results, str | os.PathLike | Outcome):
        results = [results]
    if not isinstance(results, Iterable):
        raise InvalidSetting(f"a page is made of results: paths or outcomes, not {quoted(results)}")
    given = list(results)
    found: list[Source] = []
    left_out: list[str] = []
    seen: set[Path] = set()
    for name, one in zip(names or [None] * len(given), given, strict=True):
        sources = _outcome(one) if isinstance(one, Outcome) else _read(one, seen, left_out)
        found += [source._replace(name=name) for source in sources]
    if not found:
        raise (
            BadData(left_out[0])
            if left_out
            else InvalidSetting(
                "a page is made of one result or more: name files of nassearch run, or folders of nassearch search"
            )
        )
    for told in left_out:
        warnings.warn(f"left out: {told}", RuntimeWarning, stacklevel=3)
    return Gathered(found, left_out)


def _outcome(outcome: Outcome) -> list[Source]:
    if not outcome.rounds:
        raise BadData(
            f"{outcome.path or outcome.label} has no complete round yet: run the search again to go on"
        )
    return [Source(None, str(outcome.path or ""), outcome)]


def _read(given: Any, seen: set[Path], left_out: list[str]) -> list[Source]:
    found = []
    for path in _paths(given):
        if path in seen:
            continue
        seen.add(path)
        try:
            found += _folder(path) if path.is_dir() else _file(path)
        except Unbegun as error:
            left_out.append(str(error))
    return found


def _paths(given: Any) -> list[Path]:
    """Return the files of results and the folders of searches that are meant."""
    if not isinstance(given, str | os.PathLike) or not os.fspath(given):
        raise InvalidSetting(f"a page is made of paths or outcomes, not of {quoted(given)}")
    path = Path(given)
    matches = not path.exists() and glob.has_magic(os.fspath(given))
    paths = sorted(map(Path, glob.glob(os.fspath(given), recursive=True))) if matches else [path]
    if path.is_dir() and not (path / MARK).exists():
        within = [
            one for one in path.iterdir() if one.suffix == ".jsonl" or (one / MARK).exists() or is_asked(one)
        ]
        paths = sorted(within) or [path]
    homes = [one.parent if (one.parent / MARK).exists() else one for one in paths]
    return list(dict.fromkeys(homes)) or [path]


def _file(path: Path) -> list[Source]:
    (outcome,) = read(path)
    if not outcome.rounds:
        raise Unbegun(f"{path} has no complete round yet: wait for it, or run the search again to go on")
    return [Source(None, str(path), outcome)]


def _folder(path: Path) -> list[Source]:
    if not (path / MARK).exists():
        return [Source(None, str(each.path), each) for each in read(path) if each.rounds]
    from nassearch.reports.page.unfinished import outcome_of
    from nassearch.search.trained.folder import SearchFolder

    folder = SearchFolder.open(path)
    return [Source(None, str(path), outcome_of(folder, path), folder)]
