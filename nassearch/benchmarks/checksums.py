"""Checksums as they were published: `"sha256:4c39..."`, `"md5:55e8..."`, or the last digits of one."""

from __future__ import annotations

import hashlib
from pathlib import Path

from nassearch.bounded import CHUNK, Bounded, guarded
from nassearch.limits import PICKLE


def digest(path: Path, like: str) -> str:
    """Return the checksum of a file by the algorithm of another, `"md5:..."` in full."""
    kind = like.partition(":")[0]
    found = hashlib.new(kind, usedforsecurity=False)
    with guarded(path), Bounded(path, PICKLE) as file:
        while chunk := file.read(CHUNK):
            found.update(chunk)
    return f"{kind}:{found.hexdigest()}"


def agree(found: str, published: str) -> bool:
    """Say whether a checksum in full is the published one, or ends in it.

    >>> agree("md5:55e847143ce1f7c2d89b676f6b096897", "md5:096897")
    True
    """
    kind, _, digits = published.partition(":")
    return bool(digits) and found.startswith(f"{kind}:") and found.endswith(digits)
