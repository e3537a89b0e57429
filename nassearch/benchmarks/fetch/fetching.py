"""Fetch published files over HTTP: resume a broken download, check it, and put it in place when whole."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from filelock import Timeout

from nassearch import registry
from nassearch.benchmarks.fetch.addresses import ADDRESSES, Address
from nassearch.benchmarks.fetch.checksums import agree, digest
from nassearch.benchmarks.fetch.resuming import Begun, in_words, is_ended, refusal, tag_of, total_of
from nassearch.benchmarks.fetch.shown_addresses import shown
from nassearch.errors import BadData, Busy, InvalidSetting, MissingData, NassearchError, UnknownName
from nassearch.files.bounded import read_bytes
from nassearch.files.data_folder import data_dir
from nassearch.files.limits import NOTE
from nassearch.files.locks import held
from nassearch.files.plain_json import read_json
from nassearch.types import Progress

if TYPE_CHECKING:
    from requests import Response

CHUNK = 1 << 16
"""Bytes at a time; of a connection that breaks, fewer than these are lost."""
PATIENCE = (15.0, 60.0)
"""Seconds to wait for a connection, and for the next bytes."""


def fetch(
    benchmark: str,
    folder: Path | None = None,
    *,
    url: str | None = None,
    which: str | None = None,
    progress: Progress | None = None,
    announce: Callable[[str], None] | None = None,
) -> Path:
    """Download the published files of a benchmark, and return the file, or their folder where they are several.

    What is there already is checked and not fetched again. A fetch that broke off leaves `FILE.part`, and the next one
    goes on from its end if the server still has the same file.

    Args:
        benchmark: its name.
        folder: where to put them, by default `downloads/BENCHMARK` in the data directory.
        url: take the file from here instead.
        which: name of one file, of `addresses_of(benchmark)`; with `url` any other name too.
        progress: called with (bytes there, bytes in all).
        announce: called with a line before each download: what, how large, from where, to where.

    Raises:
        UnknownName: no such benchmark or file.
        MissingData: there is no network, no such address, no space, or the connection broke.
        BadData: the file is not the published one; it is kept as `FILE.bad`.
        Busy: another process is fetching it.
    """
    folder = data_dir() / "downloads" / benchmark if folder is None else folder
    chosen = _chosen(benchmark, url, which)
    say = announce or (lambda line: None)
    paths = [_Download(benchmark, address, folder / address.file, progress, say).run() for address in chosen]
    return paths[0] if len(paths) == 1 else folder


def addresses_of(benchmark: str) -> tuple[Address, ...]:
    """Return the known files of a benchmark.

    Raises:
        UnknownName: there is no such benchmark.
        InvalidSetting: nothing was published for it.
    """
    if benchmark not in ADDRESSES and benchmark in registry.names("benchmarks"):
        raise InvalidSetting(
            f"{benchmark} has no published files to fetch; those that do: {', '.join(ADDRESSES)}"
        )
    if benchmark not in ADDRESSES:
        raise UnknownName("benchmark with files to fetch", benchmark, ADDRESSES)
    return ADDRESSES[benchmark]


def _chosen(benchmark: str, url: str | None, which: str | None) -> list[Address]:
    known = {address.file: address for address in addresses_of(benchmark)}
    if url is not None and not url.lower().startswith(("http://", "https://")):
        raise InvalidSetting(f"an address begins with http:// or https://, not {shown(url)!r}")
    if which is None:
        chosen = [address for address in known.values() if address.wanted]
        if url is not None and len(chosen) > 1:
            raise InvalidSetting(
                f"{shown(url)} is one file, and {benchmark} has several: name it, of {', '.join(known)}"
            )
    elif which in known:
        chosen = [known[which]]
    elif url is None:
        raise UnknownName(f"file of {benchmark}", which, known)
    elif Path(which).name != which or not which.strip("."):
        raise InvalidSetting(f"a file is named without a folder, not {which!r}")
    else:
        chosen = [Address(which, url)]
    return chosen if url is None else [replace(chosen[0], url=url)]


@dataclass
class _Download:
    benchmark: str
    address: Address
    target: Path
    progress: Progress | None
    announce: Callable[[str], None]

    def __post_init__(self) -> None:
        self.part = self.target.with_name(self.target.name + ".part")
        self.state = self.target.with_name(self.target.name + ".part.json")
        self.place = shown(self.address.url)

    def run(self) -> Path:
        with self._full_disk():
            self.target.parent.mkdir(parents=True, exist_ok=True)
            try:
                with held(self.target):
                    return self._locked()
            except Timeout:
                raise Busy(f"another process is fetching {self.target}; wait for it to end") from None

    def _locked(self) -> Path:
        if self.target.exists():
            self._check(self.target, f"remove it, or import it as it is: {self._import()}")
            self.announce(f"{self.target} is there already")
            return self.target
        begun = self._begun()
        if not begun.offset or begun.offset != begun.total:
            with self._asked(begun) as response:
                offset = begun.offset if response.status_code == 206 else 0
                total = total_of(response)
                if total is None and offset:
                    total = begun.total
                self._room(total, offset)
                self._tell(response, total, offset)
                if not offset:  # before the note of another file is written beside it
                    self.part.unlink(missing_ok=True)
                state = asdict(Begun(self.place, tag_of(response), total))
                self.state.write_text(json.dumps(state))
                self._receive(response, total, offset)
        self._check(self.part, "fetch it again, or from another place by --url")
        os.replace(self.part, self.target)
        self.state.unlink(missing_ok=True)
        return self.target

    def _begun(self) -> Begun:
        """Return what is known of the part that is here, nothing where there is none of this address."""
        try:
            begun = Begun(**read_json(read_bytes(self.state, NOTE)))
            if begun.url == self.place:
                return replace(begun, offset=self.part.stat().st_size)
        except (OSError, TypeError, ValueError):
            pass
        return Begun(self.place)

    @contextmanager
    def _asked(self, begun: Begun) -> Iterator[Response]:
        """Ask for the rest of the file. The answer may be all of it: its status says which."""
        import requests

        # Compressed on the way, lengths and offsets would be those of something else.
        headers = {"Accept-Encoding": "identity"}
        if begun.offset:
            headers["Range"] = f"bytes={begun.offset}-"
            if begun.tag:
                headers["If-Range"] = begun.tag
        try:
            with requests.get(self.address.url, headers=headers, stream=True, timeout=PATIENCE) as response:
                if not begun.offset or begun.continued_by(response):
                    if (why := refusal(response)) is not None:
                        self._fail(why)
                    yield response
                    return
        except NassearchError:
            raise
        except (requests.RequestException, ValueError) as error:  # the latter where an address is none
            there = self.part.stat().st_size if self.part.exists() else 0
            kept = f" after {in_words(there)}, which are kept: run it again to go on" if there else ""
            self._fail(f"no answer, or a connection that broke{kept} ({type(error).__name__})", error)
        with self._asked(Begun(self.place)) as response:
            yield response

    def _room(self, total: int | None, offset: int) -> None:
        free = shutil.disk_usage(self.target.parent).free
        if total is not None and free < total - offset:
            self._fail(
                f"{in_words(total - offset)} are to come, and {self.target.parent} has room for {in_words(free)}"
            )

    def _tell(self, response: Response, total: int | None, offset: int) -> None:
        size = self.address.about or "of unknown size" if total is None else in_words(total)
        place, end = self.place, shown(response.url)
        if end != place:
            place += f" ({end})"
        begun = f", going on after {in_words(offset)}" if offset else ""
        self.announce(f"{self.address.file}, {size}, from {place} to {self.target}{begun}")

    def _receive(self, response: Response, total: int | None, offset: int) -> None:
        done = offset
        with open(self.part, "ab" if offset else "wb") as file:
            for chunk in response.iter_content(CHUNK):
                file.write(chunk)
                done += len(chunk)
                if self.progress and total:
                    self.progress(done, total)
            file.flush()
            os.fsync(file.fileno())
        if total is not None and done != total:
            self._fail(f"it ended after {in_words(done)} of {in_words(total)}; run it again to go on")
        if total is None and not is_ended(response) and not self.address.checksum:
            self._fail(
                f"{in_words(done)} came, and neither their number nor their checksum is known, so nobody can tell "
                f"whether that is all; it is kept as {self.part}"
            )
        if not done:
            self._fail("the answer is empty")

    def _check(self, path: Path, remedy: str) -> None:
        if not self.address.checksum:
            return
        found = digest(path, self.address.checksum)
        if agree(found, self.address.checksum):
            return
        kept = path
        if path == self.part:
            kept = self.target.with_name(self.target.name + ".bad")
            os.replace(path, kept)
            self.state.unlink(missing_ok=True)
        raise BadData(
            f"{kept} is not the published {self.address.file}: its checksum is {found}, "
            f"not {self.address.checksum}; {remedy}"
        )

    def _import(self) -> str:
        return f"nassearch bench import {self.benchmark} FILE"

    def _fail(self, what: str, cause: Exception | None = None) -> NoReturn:
        raise MissingData(
            f"could not fetch {self.address.file} from {self.place}: {what}. Where this goes on, download it by hand, "
            f"and then: {self._import()}"
        ) from cause

    @contextmanager
    def _full_disk(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise MissingData(
                f"no space left for {self.target}; what came is kept: make room and fetch again to go on, or give "
                "another folder, by NASSEARCH_DATA"
            ) from error
