"""What a server says of a file, and whether a download that broke off can go on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from requests import Response


@dataclass(frozen=True)
class Begun:
    """A download that broke off: which file the server had, and how much of it is here."""

    url: str
    tag: str = ""
    total: int | None = None
    offset: int = 0

    def continued_by(self, response: Response) -> bool:
        """Say whether an answer to a request for the rest goes on from here, or is the whole file or a refusal."""
        if response.status_code == 416:
            return False  # what is here is longer than the file that is there now
        if response.status_code != 206:
            return True
        here = response.headers.get("Content-Range", "").startswith(f"bytes {self.offset}-")
        same = (
            tag_of(response) == self.tag
            if self.tag
            else self.total is not None and total_of(response) == self.total
        )
        return here and same


def tag_of(response: Response) -> str:
    """Return what names these very bytes, "" where the server does not say; a weak tag does not promise them."""
    tag: str = response.headers.get("ETag", "")
    return response.headers.get("Last-Modified", "") if not tag or tag.startswith("W/") else tag


def total_of(response: Response) -> int | None:
    """Return the length of the whole file, of which a partial answer is the end."""
    name, pattern = (
        ("Content-Range", r"bytes \d+-\d+/(\d+)")
        if response.status_code == 206
        else ("Content-Length", r"(\d+)")
    )
    found = re.fullmatch(pattern, response.headers.get(name, ""))
    return int(found.group(1)) if found else None


def is_ended(response: Response) -> bool:
    """Return whether a body without a length says where it ends, so that one that breaks off is seen to."""
    return "chunked" in response.headers.get("Transfer-Encoding", "").lower()


def refusal(response: Response) -> str | None:
    """Return why an answer is not the file, or None where it may be."""
    if not response.ok:
        return f"the server answered {response.status_code} {response.reason}"
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind in ("text/html", "application/xhtml+xml"):
        # Google Drive does so when too many have asked for a file.
        return "the answer is a web page and not the file"
    sent = f"{response.headers.get('Content-Encoding', '')},{response.headers.get('Transfer-Encoding', '')}"
    encodings = {word.strip().lower() for word in sent.split(",")} - {"", "identity", "chunked"}
    if encodings:
        # Unpacked it would have another length and checksum than the server says, and packed it would be another file.
        return f"the server sends it encoded ({', '.join(sorted(encodings))}), which was not asked for"
    return None


def in_words(count: int) -> str:
    """Return a size as people read it.

    >>> in_words(499), in_words(4_700_000_000)
    ('499 bytes', '4.70 GB')
    """
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:.2f} {unit}"
    return f"{count} bytes"
