"""Cases that take many seconds are for the slow run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def lasting(names: Iterable[str], *slow: str) -> list[Any]:
    """Return sorted names as parameters, and mark those that take long as slow."""
    return [pytest.param(name, marks=pytest.mark.slow) if name in slow else name for name in sorted(names)]
