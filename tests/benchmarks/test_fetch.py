"""Fetching published files, from a server on this machine that fails in every way servers do."""

from __future__ import annotations

import errno
import hashlib
import json
import re
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from nassearch.benchmarks.fetch import fetching
from nassearch.benchmarks.fetch.addresses import ADDRESSES, Address
from nassearch.benchmarks.fetch.fetching import fetch
from nassearch.cli.commands.fetch import fetch as command
from nassearch.errors import BadData, Busy, InvalidSetting, MissingData, NassearchError, UnknownName

CONTENT = np.random.default_rng(0).bytes(300_000)
NAME = "table.bin"


@dataclass
class Site:
    """What the server has and how it behaves.

    Attributes:
        tag: ETag, none if empty; modified: the same for Last-Modified.
        ranges: whether it honours Range; checks: whether it honours If-Range.
        cut: bytes of a body after which it hangs up.
        sized: whether it says how long a body is.
        kind: Content-Type; more: further headers.
        chunked: whether a body tells its end by itself; `cut` leaves that out.
        asked: the Range of every request, "" for none.
    """

    url: str = ""
    content: bytes = CONTENT
    tag: str = '"one"'
    modified: str = ""
    ranges: bool = True
    checks: bool = True
    cut: int | None = None
    sized: bool = True
    kind: str = "application/octet-stream"
    more: dict[str, str] = field(default_factory=dict)
    chunked: bool = False
    moved: str = ""
    asked: list[str] = field(default_factory=list)
    waiting: threading.Event | None = None


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        site: Site = self.server.site  # type: ignore[attr-defined]
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", site.moved or f"/{NAME}")
            self.send_header("Content-Length", "0")
            self.send_header("Connection", "close")
            self.end_headers()
            return
        if self.path != f"/{NAME}":
            self.send_error(404)
            return
        site.asked.append(self.headers.get("Range", ""))
        start, total = 0, len(site.content)
        same = self.headers.get("If-Range") in (None, site.tag, site.modified)
        if (found := re.match(r"bytes=(\d+)-", site.asked[-1])) and site.ranges and (same or not site.checks):
            start = int(found.group(1))
            if start >= total:
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{total}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
        else:
            self.send_response(200)
        for name, value in (
            ("ETag", site.tag),
            ("Last-Modified", site.modified),
            ("Content-Type", site.kind),
            *site.more.items(),
        ):
            if value:
                self.send_header(name, value)
        if site.chunked:
            self.send_header("Transfer-Encoding", "Chunked")
        elif site.sized:
            self.send_header("Content-Length", str(total - start))
        self.send_header("Connection", "close")
        self.end_headers()
        body = site.content[start:]
        body = body if site.cut is None else body[: site.cut]
        if site.chunked:
            body = b"%x\r\n%s\r\n" % (len(body), body) + b"0\r\n\r\n" * (site.cut is None)
        self.wfile.write(body)
        if site.waiting:
            site.waiting.wait(20)

    def log_message(self, kind: str, *args: Any) -> None:
        pass


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Serve `table.bin`, the one file of the benchmark `made`, whose checksum is published."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.site = site = Site(f"http://127.0.0.1:{server.server_port}/{NAME}")  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(fetching, "CHUNK", 10_000)
    checksum = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
    monkeypatch.setitem(ADDRESSES, "made", (Address(NAME, site.url, "0.3 MB", checksum),))
    yield site
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def folder(data_dir: Path) -> Path:
    return data_dir / "downloads" / "made"


def break_off(site: Site, after: int = 100_000) -> None:
    """Fetch from a server that hangs up."""
    site.cut = after
    with pytest.raises(MissingData, match=r"which are kept: run it again to go on"):
        fetch("made")
    site.cut = None


def test_a_whole_file_comes_with_its_size_and_address_first(site: Site, folder: Path) -> None:
    lines: list[str] = []
    seen: list[tuple[int, int]] = []

    def progress(done: int, total: int) -> None:
        assert lines, "size and address are told before the first bytes"
        seen.append((done, total))

    path = fetch("made", progress=progress, announce=lines.append)
    assert path == folder / NAME
    assert path.read_bytes() == CONTENT
    assert lines == [f"{NAME}, 300.00 kB, from {site.url} to {path}"]
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert not list(folder.glob("*.part*"))
    assert fetch("made", announce=lines.append) == path
    assert lines[1:] == [f"{path} is there already"]
    assert site.asked == [""]


def test_an_interrupted_fetch_asks_for_the_rest_only(site: Site, folder: Path) -> None:
    break_off(site)
    assert not (folder / NAME).exists()
    assert (folder / f"{NAME}.part").read_bytes() == CONTENT[:100_000]
    lines: list[str] = []
    assert fetch("made", announce=lines.append).read_bytes() == CONTENT
    assert site.asked == ["", "bytes=100000-"]
    assert lines[0].endswith("going on after 100.00 kB")


@pytest.mark.parametrize("tag", ["", 'W/"weak"'])
def test_without_a_strong_tag_the_date_or_the_size_has_to_agree(site: Site, tag: str) -> None:
    site.tag, site.modified = tag, formatdate(1_600_000_000, usegmt=True) if tag else ""
    break_off(site)
    assert fetch("made").read_bytes() == CONTENT
    assert site.asked == ["", "bytes=100000-"]


@pytest.mark.parametrize(("tag", "checks"), [('"two"', True), ('"two"', False), ("", True)])
def test_a_file_that_changed_in_between_is_taken_from_the_start(site: Site, tag: str, checks: bool) -> None:
    # An older version of the file, of another length; the published one comes later.
    site.content, site.tag = bytes(280_000), '"one"' if tag else ""
    break_off(site)
    site.content, site.tag, site.checks = CONTENT, tag, checks
    assert fetch("made").read_bytes() == CONTENT
    assert site.asked[:2] == ["", "bytes=100000-"]


def test_a_part_longer_than_the_file_is_dropped(site: Site, folder: Path) -> None:
    site.content = bytes(500_000)
    break_off(site, 400_000)
    site.content, site.tag, site.checks = CONTENT, '"two"', False
    assert fetch("made").read_bytes() == CONTENT
    assert site.asked == ["", "bytes=400000-", ""]


def test_a_server_that_ignores_ranges_sends_it_all_again(site: Site) -> None:
    break_off(site)
    site.ranges = False
    assert fetch("made").read_bytes() == CONTENT
    assert site.asked == ["", "bytes=100000-"]


def test_a_part_of_another_address_is_not_continued(site: Site) -> None:
    break_off(site)
    assert fetch("made", url=site.url.replace(NAME, "moved")).read_bytes() == CONTENT
    assert site.asked == ["", ""]


def test_killed_between_the_last_byte_and_the_check_nothing_is_fetched_again(
    site: Site, folder: Path
) -> None:
    break_off(site)
    (folder / f"{NAME}.part").write_bytes(CONTENT)
    assert fetch("made").read_bytes() == CONTENT
    assert site.asked == [""]


def test_a_truncated_file_is_not_taken_for_whole(site: Site, folder: Path) -> None:
    site.cut, site.sized = 100_000, False  # without a length only the checksum can tell
    with pytest.raises(
        BadData, match=r"table.bin.bad is not the published table.bin: its checksum is .*, not"
    ):
        fetch("made")
    assert not (folder / NAME).exists()


@pytest.mark.parametrize("cut", [None, 0, 100_000])
@pytest.mark.parametrize("how", ["no length", "chunked", "a length"])
def test_without_a_checksum_a_body_is_whole_where_its_end_is_known(
    site: Site, folder: Path, monkeypatch: pytest.MonkeyPatch, how: str, cut: int | None
) -> None:
    monkeypatch.setitem(ADDRESSES, "made", (Address(NAME, site.url),))
    site.cut, site.sized, site.chunked = cut, how == "a length", how == "chunked"
    if how == "no length" or cut is not None:
        with pytest.raises(MissingData, match=r"could not fetch table\.bin"):
            fetch("made")
        assert not (folder / NAME).exists()
        site.cut, site.sized, site.chunked = None, True, False
    assert fetch("made").read_bytes() == CONTENT


def test_an_empty_answer_is_no_file(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ADDRESSES, "made", (Address(NAME, site.url),))
    site.content = b""
    with pytest.raises(MissingData, match="the answer is empty"):
        fetch("made")


@pytest.mark.parametrize("change", [str.upper, str.title, lambda text: text.replace("sha256", "SHA-256 ")])
def test_checksums_are_of_any_case(
    site: Site, monkeypatch: pytest.MonkeyPatch, change: Callable[[str], str]
) -> None:
    checksum = change(ADDRESSES["made"][0].checksum)
    monkeypatch.setitem(ADDRESSES, "made", (Address(NAME, site.url, "", checksum),))
    assert fetch("made").read_bytes() == CONTENT
    assert fetch("made").read_bytes() == CONTENT, "what is there is checked alike"


@pytest.mark.parametrize("checksum", ["crc:12", "shake_128:12", "12ab", ":12", "md5"])
def test_a_checksum_of_no_known_kind(site: Site, monkeypatch: pytest.MonkeyPatch, checksum: str) -> None:
    monkeypatch.setitem(ADDRESSES, "made", (Address(NAME, site.url, "", checksum),))
    with pytest.raises((InvalidSetting, BadData)):
        fetch("made")


@pytest.mark.parametrize(
    "kind", ["Text/HTML", "TEXT/HTML; charset=utf-8", " text/html", "application/xhtml+XML"]
)
def test_a_web_page_is_one_in_any_case(site: Site, kind: str) -> None:
    site.kind = kind
    with pytest.raises(MissingData, match="the answer is a web page"):
        fetch("made")


def test_an_address_may_shout(site: Site) -> None:
    assert fetch("made", url=site.url.replace("http", "HTTP")).read_bytes() == CONTENT


@pytest.mark.parametrize("encoding", ["gzip", "GZip", "x-gzip", "br", "deflate, gzip", "identity, gzip"])
@pytest.mark.parametrize("header", ["Content-Encoding", "Transfer-Encoding"])
def test_an_encoded_body_is_refused(site: Site, folder: Path, header: str, encoding: str) -> None:
    site.more = {header: encoding}
    with pytest.raises(MissingData, match=r"sends it encoded \(.*(gzip|br)\), which was not asked for"):
        fetch("made")
    assert not (folder / NAME).exists() and not (folder / f"{NAME}.part").exists()


def test_identity_is_no_encoding(site: Site) -> None:
    site.more = {"Content-Encoding": "Identity"}
    assert fetch("made").read_bytes() == CONTENT


SECRETS = [
    "http://me:hunter2@HOST/table.bin", "http://hunter2@HOST/table.bin", "http://me:hun@ter:hunter2@HOST/table.bin",
    "HTTP://me:hunter2@HOST/gone", "http://me:hunter2@HOST/moved", "http://HOST/table.bin?token=hunter2",
    "http://HOST/gone?id=7&X-Amz-Signature=hunter2&x=1", "http://HOST/gone?Access%4BKey=hunter2&to%6Ben=hunter2",
    "http://me:hunter2@127.0.0.1:9/table.bin", "http://me:hunter2@/table.bin", "http://me:hunter2@[::1/table.bin",
    "ftp://me:hunter2@HOST/table.bin", "me:hunter2@HOST/table.bin", "http://me:hun/hunter2@HOST/table.bin",
    "http://me:hunter2@HOST:99999/table.bin", "http://me:hunter2@.HOST/table.bin",
]  # fmt: skip


@pytest.mark.parametrize("url", SECRETS)
@pytest.mark.parametrize("cut", [None, 100_000])
def test_no_secret_of_an_address_is_told_or_kept(site: Site, folder: Path, url: str, cut: int | None) -> None:
    host = site.url.split("/")[2]
    site.cut, site.moved = cut, f"http://me:hunter2@{host}/{NAME}?password=hunter2"
    result = CliRunner().invoke(command, ["made", "--url", url.replace("HOST", host)])
    told = [result.output, result.stderr, str(result.exception)]
    assert result.exception is None or isinstance(result.exception, NassearchError), told
    kept = [path.read_text(errors="replace") for path in folder.glob("*.json")]
    kept += [path.name for path in folder.glob("*")]
    assert "hunter2" not in "".join(told + kept)
    site.cut = None
    if cut and (folder / f"{NAME}.part").exists():
        assert fetch("made", url=url.replace("HOST", host)).read_bytes() == CONTENT
        assert site.asked[-1] == "bytes=100000-", (
            "it goes on, under an address that is kept without its secret"
        )


def test_a_wrong_checksum_sets_the_file_aside(site: Site, folder: Path) -> None:
    site.content = bytes(1000)
    with pytest.raises(
        BadData,
        match=r"checksum is sha256:[0-9a-f]{64}, not sha256:[0-9a-f]{64}; fetch it again, or .* --url",
    ):
        fetch("made")
    assert [path.name for path in folder.iterdir()] == [f"{NAME}.bad"]
    site.content = CONTENT
    assert fetch("made").read_bytes() == CONTENT


def test_what_is_there_is_checked(site: Site, folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / NAME).write_bytes(b"something else")
    with pytest.raises(BadData, match="remove it, or import it as it is: nassearch bench import made"):
        fetch("made")
    assert (folder / NAME).read_bytes() == b"something else"


def test_a_redirect_is_followed_and_told(site: Site) -> None:
    lines: list[str] = []
    moved = site.url.replace(NAME, "moved")
    assert fetch("made", url=moved, announce=lines.append).read_bytes() == CONTENT
    assert f"from {moved} ({site.url}) to" in lines[0]


def test_404_names_the_address_and_what_to_do_by_hand(site: Site) -> None:
    address = site.url.replace(NAME, "gone")
    with pytest.raises(
        MissingData, match=f"{address}: the server answered 404 .* nassearch bench import made FILE"
    ):
        fetch("made", url=address)


def test_a_web_page_in_place_of_the_file_is_refused(site: Site, folder: Path) -> None:
    site.kind = "text/html; charset=utf-8"
    with pytest.raises(MissingData, match="the answer is a web page"):
        fetch("made")
    assert not (folder / f"{NAME}.part").exists()


def test_no_server_at_all(site: Site) -> None:
    # Port 9 of this machine, "discard", is closed wherever tests run.
    with pytest.raises(MissingData, match=r"no answer.*\(ConnectionError\).*download it by hand"):
        fetch("made", url="http://127.0.0.1:9/table.bin")


def test_no_room_is_seen_before_the_body(site: Site, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = type("Usage", (), {"free": 200_000})
    monkeypatch.setattr(fetching.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(MissingData, match=r"300.00 kB are to come, and .* has room for 200.00 kB"):
        fetch("made")
    assert not (folder / f"{NAME}.part").exists()


def test_a_disk_that_fills_up_keeps_the_part(
    site: Site, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        """A file that takes ten chunks."""

        def __init__(self, *args: Any) -> None:
            self.file, self.left = open(*args), 10  # noqa: SIM115 - closed in __exit__

        def __enter__(self) -> Full:
            return self

        def __exit__(self, *_: object) -> None:
            self.file.close()

        def write(self, data: bytes) -> int:
            if self.left == 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            self.left -= 1
            return self.file.write(data)

    monkeypatch.setattr(fetching, "open", Full, raising=False)
    with pytest.raises(MissingData, match=r"no space left for .*what came is kept: make room"):
        fetch("made")
    assert (folder / f"{NAME}.part").read_bytes() == CONTENT[:100_000]
    monkeypatch.undo()
    monkeypatch.setenv("NASSEARCH_DATA", str(folder.parents[1]))
    monkeypatch.setitem(ADDRESSES, "made", (Address(NAME, site.url),))
    assert fetch("made").read_bytes() == CONTENT
    assert site.asked == ["", "bytes=100000-"]


def test_two_processes_do_not_write_into_one_file(site: Site, folder: Path) -> None:
    site.waiting = threading.Event()
    program = f"""
        from pathlib import Path
        from nassearch.benchmarks.fetch.fetching import fetch
        where = dict(url={site.url!r}, which={NAME!r})
        fetch("nasbench101", Path({str(folder)!r}), **where, announce=lambda line: print(line, flush=True))
    """
    other = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE, text=True
    )
    assert other.stdout is not None
    assert NAME in other.stdout.readline()  # it holds the lock from before its first line on
    with pytest.raises(Busy, match="another process is fetching"):
        fetch("made")
    site.waiting.set()
    assert other.wait(20) == 0
    other.stdout.close()
    assert fetch("made").read_bytes() == CONTENT
    assert site.asked == [""]


def test_a_name_that_is_not_known() -> None:
    with pytest.raises(UnknownName, match="did you mean nasbench101"):
        fetch("nasbench100")
    with pytest.raises(UnknownName, match=r"did you mean nasbench_full\.tfrecord"):
        fetch("nasbench101", which="nasbench_ful.tfrecord")


@pytest.mark.parametrize("which", ["../away.bin", "a/b", "..", ""])
def test_no_file_leaves_its_folder(which: str) -> None:
    with pytest.raises(InvalidSetting, match="without a folder"):
        fetch("nasbench101", url="http://127.0.0.1:9/x", which=which)


def test_addresses_are_of_the_web(site: Site) -> None:
    with pytest.raises(InvalidSetting, match="begins with http"):
        fetch("made", url="file:///etc/passwd")
    with pytest.raises(InvalidSetting, match="nasbench-asr has several: name it"):
        fetch("nasbench-asr", url=site.url)


def test_several_files_go_into_one_folder(site: Site, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = (Address("a.bin", site.url), Address("b.bin", site.url), Address("c.bin", site.url, wanted=False))
    monkeypatch.setitem(ADDRESSES, "made", files)
    assert fetch("made") == folder
    assert sorted(path.name for path in folder.glob("*.bin")) == ["a.bin", "b.bin"]
    assert fetch("made", which="c.bin") == folder / "c.bin"


def test_the_table_of_addresses_is_whole() -> None:
    for benchmark, addresses in ADDRESSES.items():
        assert any(address.wanted for address in addresses), benchmark
        assert len({address.file for address in addresses}) == len(addresses)
        for address in addresses:
            assert address.url.startswith("https://")
            assert address.note
            assert re.fullmatch(r"(md5:[0-9a-f]{32}|sha256:[0-9a-f]{64})?", address.checksum)


def test_the_command_fetches_and_says_what_comes_next(site: Site, folder: Path) -> None:
    done = CliRunner().invoke(command, ["made"])
    assert done.exit_code == 0
    assert f"{NAME}, 300.00 kB, from {site.url}" in done.stderr
    assert done.stdout == f"{folder / NAME}\nto read it: nassearch bench import made {folder / NAME}\n"
    again = CliRunner().invoke(command, ["made", "--json"])
    assert json.loads(again.stdout) == {"path": str(folder / NAME)}


def test_the_command_lists_what_there_is() -> None:
    shown = CliRunner().invoke(command, ["nasbench101", "--list"])
    assert "nasbench_full.tfrecord" in shown.stdout
    assert "https://storage.googleapis.com/nasbench/nasbench_only108.tfrecord" in shown.stdout
    rows = json.loads(CliRunner().invoke(command, ["nasbench101", "--list", "--json"]).stdout)
    assert [row["file"] for row in rows] == ["nasbench_only108.tfrecord", "nasbench_full.tfrecord"]
