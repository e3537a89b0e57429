"""Addresses are shown without the passwords and keys in them."""

from __future__ import annotations

import re
from urllib.parse import unquote_plus

HIDDEN = "***"
_SECRET = re.compile(r"pass|pwd|secret|token|key|sig|auth|cred|session|jwt|code", re.I)


def shown(url: str) -> str:
    """Return an address without what only its owner should know.

    That is what stands before the last @ of its host, and the value of each parameter that sounds like a secret. What
    is no address that can be taken apart is treated alike.

    >>> shown("https://me:secret@example.org/a.tar?id=7&X-Amz-Signature=0af1#part")
    'https://***@example.org/a.tar?id=7&X-Amz-Signature=***#part'
    """
    scheme, slashes, rest = url.partition("//")
    if not slashes:
        scheme, rest = "", url
    end = re.search(r"[/?#\\]", rest)
    host, path = (rest[: end.start()], rest[end.start() :]) if end else (rest, "")
    if "@" in host:
        host = f"{HIDDEN}@{host.rpartition('@')[2]}"
    elif "@" in path and ":" in host and not host.rpartition(":")[2].isdigit() and "]" not in host:
        # A password with a slash that nobody has quoted: its end is the @.
        host, path = f"{HIDDEN}@", path.rpartition("@")[2]
    return f"{scheme}{slashes}{host}{re.sub(r'([?&;#])([^=&;#]*)=([^&;#]*)', _parameter, path)}"


def _parameter(match: re.Match[str]) -> str:
    mark, name, value = match.groups()
    return f"{mark}{name}={HIDDEN if value and _SECRET.search(unquote_plus(name)) else value}"
