"""Successive halving on data of one's own: its rungs are the epochs that are given, and a bracket fits the budget."""

from __future__ import annotations

from pathlib import Path

import pytest
from searches import SPACE, write_images

from nassearch.search.trained.asked import Search, halving
from nassearch.search.trained.folder import SearchFolder
from nassearch.search.trained.searching import run_search


@pytest.mark.parametrize(
    ("shares", "budget", "first"),
    [({3: 0.25}, 20, 35), ({2: 1 / 6, 4: 1 / 3}, 20, 53), ({3: 0.25}, 1, 1), ({3: 0.25}, 5, 8)],
)
def test_a_bracket_fits_the_budget(shares: dict[int, float], budget: int, first: int) -> None:
    found = halving("sh", {}, shares, budget, None)
    assert found == {"rungs": tuple(shares), "first": first}


def test_what_is_given_stays_and_others_get_nothing() -> None:
    assert halving("sh", {"rungs": (3,)}, {3: 0.25, 6: 0.5}, 20, None) == {"rungs": (3,)}
    assert halving("sh", {"first": 9}, {3: 0.25}, 20, None) == {"rungs": (3,), "first": 9}
    assert halving("ae", {"pool": 5}, {3: 0.25}, 20, None) == {"pool": 5}
    assert halving("sh", {}, {}, 20, None) == {}


@pytest.mark.slow
def test_a_search_by_halving_ends_with_a_winner_and_goes_on_with_more(tmp_path: Path) -> None:
    images = write_images(tmp_path / "images.npz")
    how = {"strategy": "sh", "fidelity": (1,), "recipe": {"epochs": 2}, "final_epochs": 0, "threads": 1}
    for budget in (2, 3):
        found = run_search(Search(images, SPACE, budget=budget, **how), tmp_path / "out")  # type: ignore[arg-type]
    folder = SearchFolder.open(tmp_path / "out")
    assert folder.made["settings"]["first"] == 2, (
        "that of the first budget: two halves and a whole one fit it"
    )
    assert {entry.share for entry in folder.entries} == {0.5, 1.0}
    assert found.winner is not None
