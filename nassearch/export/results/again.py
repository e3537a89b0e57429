"""Train an architecture of a search again, by the recipe of the search and what is changed of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from nassearch.export.results.found import chosen, task_of
from nassearch.export.results.retraining import retrain
from nassearch.search.trained.folder import SearchFolder
from nassearch.training import Recipe


def train_again(
    folder: Path,
    settings: Mapping[str, Any],
    text: str | None = None,
    *,
    seed: int | None = None,
    device: str | None = None,
    threads: int | None = None,
    watch: Callable[[int, int, float], object] | None = None,
    every: float = 30.0,
) -> dict[str, Any]:
    """Train the winner of a search, or another architecture of its space; see `retrain`.

    Args:
        folder: of the search.
        settings: of the recipe, beside those that the search was made with.
        text: the architecture; None for the winner.
        seed, device, threads: of the training; None for those of the search, threads for those of its final training.
        watch, every: see `nassearch.training.train_model`.

    Raises:
        MissingData, BadData: there is no such search, or its data are gone or others.
        InvalidArch, InvalidSetting, UnknownName: something that was given has no meaning.
    """
    search = SearchFolder.open(folder)
    choice, data = chosen(search, text), search.data()
    recipe = Recipe.of({**search.made["recipe"], "anneal": None, **settings})
    winner = search.winner
    looked = winner is not None and winner.get("test") is not None
    asked = {"seed": seed, "device": device, "threads": threads}
    usual = {**search.made, "threads": (search.final or search.made)["threads"]}
    how: dict[str, Any] = {name: usual[name] if value is None else value for name, value in asked.items()}
    how |= {"looked": looked, "watch": watch, "every": every}
    return retrain(folder, search.space(), choice.arch, task_of(search), data, recipe, **how)
