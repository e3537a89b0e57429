"""Where a user's tables, batches and cached scores are kept."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def data_dir() -> Path:
    """Return `$NASSEARCH_DATA`, or the platform's usual place for a user's data. It may not exist yet."""
    return Path(os.environ.get("NASSEARCH_DATA") or platformdirs.user_data_dir("nassearch"))
