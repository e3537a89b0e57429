"""Checksums as they were published: `"sha256:4c39..."`, `"md5:55e8..."`, or the last digits of one."""

from __future__ import annotations

import hashlib
from pathlib import Path

from nassearch.errors import InvalidSetting
from nassearch.files.bounded import CHUNK, Bounded, guarded
from nassearch.files.limits import PICKLE


def digest(path: Path, like: str) -> str:
    """Return the checksum of a file by the algorithm of another, `"md5:..."` in full.

    Raises:
        InvalidSetting: there is no such algorithm.
    """
    kind = _kind(like)
    if kind not in hashlib.algorithms_available or kind.startswith("shake"):
        raise InvalidSetting(f"a checksum is such as md5:55e8..., sha256:4c39..., not {like!r}")
    found = hashlib.new(kind, usedforsecurity=False)
    with guarded(path), Bounded(path, PICKLE) as file:
        while chunk := file.read(CHUNK):
            found.update(chunk)
    return f"{kind}:{found.hexdigest()}"


def agree(found: str, published: str) -> bool:
    """Say whether a checksum in full is the published one, or ends in it; upper and lower case are one.

    >>> agree("md5:55e847143ce1f7c2d89b676f6b096897", "MD5:0968 97")
    True
    """
    digits = "".join(published.partition(":")[2].split()).lower()
    return bool(digits) and _kind(found) == _kind(published) and found.lower().endswith(digits)


def _kind(checksum: str) -> str:
    """Return the algorithm as hashlib calls it: `SHA-256` is `sha256`."""
    kind = checksum.partition(":")[0].strip().lower()
    return kind.replace("-", "") if kind.startswith("sha-") else kind
