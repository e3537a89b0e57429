"""The time of day, which several machines share: for when something was handed out, and for nothing else."""

from __future__ import annotations

import time


def now() -> int:
    """Return the seconds since 1970. Where a clock is set, an ask is handed out again too early or too late."""
    return int(time.time())


def age(then: int) -> int:
    """Return the seconds since then, 0 for what lies ahead by the clock of another machine."""
    return max(0, now() - then)
