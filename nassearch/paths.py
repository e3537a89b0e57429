"""Where a user's tables, batches and cached scores are kept."""

from __future__ import annotations

import os
from importlib import resources
from pathlib import Path

import platformdirs


def data_dir() -> Path:
    """Return `$NASSEARCH_DATA`, or the platform's usual place for a user's data. It may not exist yet."""
    return Path(os.environ.get("NASSEARCH_DATA") or platformdirs.user_data_dir("nassearch"))


def embedded(name: str) -> Path:
    """Return where a file of the package `nassearch.benchmarks_data` lies, installed or in a checkout."""
    checkout = Path(__file__).resolve().parents[1] / "benchmarks_data" / name
    try:
        installed = Path(str(resources.files("nassearch.benchmarks_data").joinpath(name)))
    except ModuleNotFoundError:
        return checkout
    return installed if installed.exists() or not checkout.exists() else checkout
