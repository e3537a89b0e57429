"""What the tests share: where the real data lies, and a data directory of their own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

BESIDE = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Return the folder with real benchmark tables and images, or skip."""
    folder = Path(os.environ.get("NASSEARCH_TEST_DATA", BESIDE))
    if not folder.is_dir():
        pytest.skip("no real benchmark data at hand: set NASSEARCH_TEST_DATA to its folder")
    return folder


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give every test an empty user data directory."""
    monkeypatch.setenv("NASSEARCH_DATA", str(tmp_path / "data"))
    return tmp_path / "data"
