"""Pickles as NATS-Bench publishes them."""

from __future__ import annotations

import bz2
import pickle
from typing import Any


def dump(value: Any) -> bytes:
    return bz2.compress(pickle.dumps(value, protocol=4))
