"""Train an architecture of a search again, by the recipe of the search and what is changed of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from nassearch.errors import BadData
from nassearch.export.found import chosen
from nassearch.export.retraining import retrain
from nassearch.search.trained.folder import SearchFolder
from nassearch.training import Recipe


def train_again(
    folder: Path,
    settings: Mapping[str, Any],
    text: str | None = None,
    *,
    seed: int = 0,
    device: str = "auto",
    threads: int = 1,
    watch: Callable[[int, int, float], object] | None = None,
) -> dict[str, Any]:
    """Train the winner of a search, or another architecture of its space, see `nassearch.export.retraining.retrain`.

    Args:
        folder: of the search.
        settings: of the recipe, beside those that the search was made with.
        text: the architecture; None for the winner.
        seed, device, threads, watch: of the training.

    Raises:
        MissingData, BadData: there is no such search, or its data are gone or others.
        InvalidArch, InvalidSetting, UnknownName: something that was given has no meaning.
    """
    search = SearchFolder.open(folder)
    choice = chosen(folder, search, text)
    made = search.made["made"]
    given = {**made.get("recipe", {}), "anneal": None, **settings}
    recipe = Recipe.of(given)
    data = search.data()
    if data.digest != made["data"]["digest"]:
        raise BadData(
            f"the data are not those of the search: {data.source} has the content {data.digest}, and the search had "
            f"{made['data']['digest']}; bring back what was there, or search again"
        )
    task = data.task(**_tuples(made.get("skeleton", {})))
    looked = search.winner is not None and search.winner.get("test") is not None
    how: dict[str, Any] = {"seed": seed, "device": device, "threads": threads, "watch": watch}
    return retrain(folder, search.space(), choice.arch, task, data, recipe, looked=looked, **how)


def _tuples(skeleton: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in skeleton.items()}
