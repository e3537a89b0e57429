"""Whatever is read: plain files only, within limits, and what the system says is said."""

from __future__ import annotations

import bz2
import csv
import errno
import gzip
import io
import lzma
import os
import pickle
import re
import signal
import socket
import struct
import tarfile
import time
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from nassearch import registry
from nassearch.benchmarks.npz import read_npz, write_npz
from nassearch.benchmarks.read import texts as small_texts
from nassearch.benchmarks.read import tokens
from nassearch.benchmarks.read.formats import nasbench_nlp_logs
from nassearch.benchmarks.read.formats.base import Reading
from nassearch.benchmarks.read.formats.nasbench101_npz import NASBench101Npz
from nassearch.benchmarks.read.formats.nasbench201_pth import NASBench201File
from nassearch.benchmarks.read.formats.nasbench_nlp_logs import RecurrentLogs
from nassearch.benchmarks.read.formats.nats import NATSFolder
from nassearch.benchmarks.read.importing import import_file
from nassearch.benchmarks.read.official import recognise
from nassearch.benchmarks.read.pickles import byte_stream, held
from nassearch.benchmarks.read.pickles.reader import Unpickler
from nassearch.benchmarks.read.tokens import END, read_tokens
from nassearch.cli.main import cli
from nassearch.errors import BadData, MissingData, NassearchError, Unreadable
from nassearch.files import bounded, limits, unpacking
from nassearch.files.bounded import Bounded, guarded
from nassearch.files.data_folder import write_whole
from nassearch.files.limits import Limits
from nassearch.files.plain_json import read_json
from nassearch.files.sheets import columns as reading
from nassearch.files.sheets import parquet_pages
from nassearch.files.sheets.columns import read_sheet
from nassearch.search.store import Header, Store, read_result
from nassearch.types import Task

BENCHMARKS = [
    *("nasbench101", "nasbench201", "nasbench-asr", "nasbench-macro", "nasbench-nlp", "nats-size"),
    *("nasbench301", "transnas-macro"),
]
TASK = Task((3,), 100)


def benchmark(name: str) -> Any:
    return registry.load("benchmarks", name)


READERS: dict[str, Callable[[Path], Any]] = {
    "sheet": lambda path: list(read_sheet(path).rows),
    "arrays": lambda path: read_npz(path, "get it again"),
    "text": lambda path: read_tokens(path, TASK, 2),
    "result": read_result,
    "images": lambda path: benchmark("nasbench201").import_batch(path, "cifar10"),
    **{f"import {name}": (lambda path, name=name: import_file(benchmark(name), path)) for name in BENCHMARKS},
}


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Fail what waits or takes for ever."""

    def late(*_: Any) -> None:
        raise AssertionError(f"it took more than {seconds} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def at_most(megabytes: float) -> Iterator[None]:
    """Fail what holds more at a time."""
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < megabytes * 2**20, f"{peak / 2**20:.0f} MB"


def special(folder: Path, kind: str) -> Path:
    if os.name == "nt" and kind != "file above":
        pytest.skip(f"Windows has no {kind} of this kind")
    place = folder / "place.npz"
    if kind == "pipe":
        os.mkfifo(place)
    elif kind == "device":
        place.symlink_to("/dev/zero")
    elif kind == "socket":
        here = os.getcwd()
        os.chdir(folder)  # the path of a socket is short
        socket.socket(socket.AF_UNIX).bind(place.name)
        os.chdir(here)
    elif kind == "circle":
        place.symlink_to(place.name)
    elif kind == "file above":
        (folder / "file").write_text("")
        place = folder / "file" / "place.npz"
    return place


KINDS = {
    "pipe": "it is a named pipe, not a file",
    "device": "it is a device, not a file",
    "socket": "it is a socket, not a file",
    "circle": os.strerror(errno.ELOOP),
    "file above": os.strerror(errno.ENOTDIR),
}


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_plain_file_is_refused_before_it_is_opened(name: str, kind: str, tmp_path: Path) -> None:
    with within(20), pytest.raises(Unreadable, match=f"cannot be read: {KINDS[kind]}") as caught:
        READERS[name](special(tmp_path, kind))
    assert "damaged" not in str(caught.value)


@pytest.mark.parametrize("name", [name for name in READERS if not name.startswith("import")])
def test_a_folder_is_no_file(name: str, tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="cannot be read: it is a directory, not a file"):
        READERS[name](tmp_path)


@pytest.mark.parametrize("name", BENCHMARKS)
@pytest.mark.parametrize("kind", KINDS)
def test_recognising_neither_waits_nor_raises(name: str, kind: str, tmp_path: Path) -> None:
    with within(20):
        assert recognise(benchmark(name).formats, special(tmp_path, kind)) is None


def contents(name: str) -> bytes:
    if name == "result":
        return b"{}\n"
    if name in ("arrays", "images"):
        file = io.BytesIO()
        np.savez(file, x=np.zeros(3))
        return file.getvalue()
    return b"arch,dataset,valid,test\n"


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES, errno.ESTALE])
def test_a_disk_that_fails_is_not_damage(
    name: str, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "given.npz"
    path.write_bytes(contents(name))

    def fail(*_: Any) -> bytes:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Bounded, "read", fail)
    monkeypatch.setattr(Bounded, "readinto", fail)
    with pytest.raises(Unreadable, match=f"given.npz cannot be read: {os.strerror(number)}") as caught:
        READERS[name](path)
    assert "damaged" not in str(caught.value)


@pytest.mark.parametrize("reads", range(12))
@pytest.mark.parametrize("kind", ["npz", "parquet", "csv.gz", "pth", "pbz2", "tar", "zip", "tfrecord"])
def test_a_disk_that_fails_later_is_not_damage(
    kind: str, reads: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"given.{kind}"
    name = {"zip": "nasbench-nlp", "tfrecord": "nasbench101"}.get(kind, "nasbench201")
    if kind == "npz":
        np.savez(path, x=np.zeros(1000))
    elif kind == "parquet":
        parquet = pytest.importorskip("pyarrow.parquet")
        parquet.write_table(pytest.importorskip("pyarrow").table({"arch": ["a"] * 5000}), path)
    elif kind == "csv.gz":
        path.write_bytes(gzip.compress(b"arch,valid,test\n" + bytes(range(32, 127)) * 9))
    elif kind == "tfrecord":
        check = pytest.importorskip("google_crc32c").value(struct.pack("<Q", 2))
        path.write_bytes(
            struct.pack("<QI", 2, ((check >> 15 | check << 17) + 0xA282EAD8) & 0xFFFFFFFF) + b"[]    "
        )
    else:
        content = pickle.dumps({"meta_archs": ["|avg_pool_3x3~0|+|none~0|none~1|+"], "recepie": '"recepie"'})
        if kind == "pbz2":
            path.write_bytes(bz2.compress(content))
        elif kind == "tar":
            with tarfile.open(path, "w") as tar:
                info = tarfile.TarInfo("000000.pickle.pbz2")
                packed = bz2.compress(content)
                info.size = len(packed)
                tar.addfile(info, io.BytesIO(packed))
        else:
            with zipfile.ZipFile(path, "w") as file:
                file.writestr("archive/data.pkl" if kind == "pth" else "1.json", content)
    done, really = 0, Bounded.read

    def fail(self: Bounded, count: int | None = -1) -> bytes:
        nonlocal done
        done += 1
        if done > reads:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return really(self, count)

    monkeypatch.setattr(Bounded, "read", fail)
    read = READERS["images"] if kind == "npz" else READERS[f"import {name}"]
    with pytest.raises(NassearchError) as caught:
        read(path)
    if done > reads:
        assert type(caught.value) is Unreadable, caught.value
        assert f"cannot be read: {os.strerror(errno.EIO)}" in str(caught.value)


def test_what_is_too_large_is_known_for_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "nb-asr-e40-1234.pickle"
    with path.open("wb") as file:
        file.write(b"\x80\x02}X\x0c\x00\x00\x00dataset_type X model_hash")
        file.truncate(1 << 40)
    with pytest.raises(BadData, match="has 1099511627776 bytes; 512 MB of its kind are read"):
        import_file(benchmark("nasbench-asr"), path)


def test_a_folder_has_one_deadline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        (tmp_path / f"{number}.json").write_text('{"recepie": "{}"}')
    monkeypatch.setattr(small_texts, "LOGS", Limits(1 << 20, 1 << 20, -1))
    with pytest.raises(BadData, match=f"{tmp_path} takes longer to read than -1 s"):
        next(nasbench_nlp_logs.logs(tmp_path))


@pytest.mark.parametrize("error", [MemoryError(), RecursionError()])
def test_too_much_for_memory_or_levels_is_a_message(error: Exception, tmp_path: Path) -> None:
    with pytest.raises(BadData, match=r"given (takes more memory|is nested more deeply)"), guarded("given"):
        raise error


def test_what_grows_while_it_is_read_ends_where_it_did(tmp_path: Path) -> None:
    path = tmp_path / "growing"
    path.write_bytes(b"a" * 10)
    with Bounded(path, limits.NOTE) as file:
        parts = [file.read(4)]
        with path.open("ab") as more:
            more.write(b"b" * 100)
        while part := file.read(4):
            parts.append(part)
        assert b"".join(parts) == b"a" * 10
        assert file.read() == b""


@pytest.mark.parametrize("place", [-1, 2**63, 2**64, -(2**80)])
def test_a_place_that_no_file_has_is_damage(place: int, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    with (
        pytest.raises(BadData, match="truncated or damaged") as caught,
        guarded(path),
        Bounded(path, limits.NOTE) as file,
    ):
        file.seek(place)
    assert type(caught.value) is BadData


def changed_archives() -> Iterator[bytes]:
    """Yield a zip and a tar with eight bytes of any place replaced by the largest number."""
    zipped, tarred = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as file:
        file.writestr("archive/data.pkl", b"\x80\x02}.")
    with tarfile.open(fileobj=tarred, mode="w", format=tarfile.PAX_FORMAT) as tar:
        info = tarfile.TarInfo("000000.pickle.pbz2")
        info.pax_headers = {
            "GNU.sparse.major": "1",
            "GNU.sparse.minor": "0",
            "GNU.sparse.map": "x,y",
            "comment": "c",
        }
        tar.addfile(info)
    for content in (zipped.getvalue(), tarred.getvalue()[:3000]):
        for place in range(0, len(content), 9):
            for piece in (b"\xff" * 8, b"\x80" + b"\x7f" * 11, b"99999999"):
                yield content[:place] + piece + content[place + len(piece) :]


def test_archives_with_other_numbers(tmp_path: Path) -> None:
    path = tmp_path / "given"
    for content in changed_archives():
        path.write_bytes(content)
        for read in (NATSFolder("tss"), NASBench201File(), RecurrentLogs(), NASBench101Npz()):
            with suppress(NassearchError):
                list(read.read(path, Reading(benchmark("nasbench201").make_space())))
        with pytest.raises(BadData):
            read_npz(path, "get it again")


def test_limits_of_bytes_and_seconds(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with path.open("wb") as holes:
        holes.truncate(1 << 40)
    with pytest.raises(BadData, match="has 1099511627776 bytes; 1 MB of its kind are read"):
        Bounded(path, limits.NOTE)
    path.write_bytes(b"abc")
    with (
        Bounded(path, Limits(10, 10, -1)) as file,
        pytest.raises(BadData, match="takes longer to read than -1 s"),
    ):
        file.read(1)
    with (
        Bounded(path, limits.NOTE) as file,
        pytest.raises(BadData, match="asks for 8000000000 bytes at once"),
    ):
        file.read(8_000_000_000)


# ---- what is written


@pytest.mark.parametrize("kind", ["pipe", "device", "socket", "folder"])
def test_nothing_special_is_written_to(kind: str, tmp_path: Path, data_dir: Path) -> None:
    (tmp_path / "in").mkdir()
    place = special(tmp_path / "in", kind)
    if kind == "folder":
        place.mkdir()
    with within(20):
        with pytest.raises(
            NassearchError, match=r"cannot be written: it is a .*, not a file; choose another"
        ):
            write_whole(place, b"", "choose another place")
        with pytest.raises(
            NassearchError, match=r"cannot be written: it is a .*, not a file; choose another --out"
        ):
            Store.open(place, Header({}, "0", "0"))
        for option, name in (("--out", "x.jsonl"), ("--plot", "x.svg")):
            link = tmp_path / name
            link.symlink_to(place)
            run = CliRunner().invoke(
                cli, ["run", "rand", "--rounds", "1", "--budget", "2", option, str(link)]
            )
            assert run.exit_code == 1
            assert f"{link} cannot be written: it is a " in run.stderr
        link = tmp_path / "x.csv"
        link.symlink_to(place)
        for command in (["score", "--sample", "2"], ["correlate", "--sample", "9"]):
            run = CliRunner().invoke(cli, [*command, "--proxies", "params", "-o", str(link)])
            assert run.exit_code == 1
            assert "cannot be written" in run.stderr
    assert place.exists() and not place.is_file()


def test_a_table_that_cannot_be_read_is_not_replaced(
    tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = benchmark("nasbench201").table_path("cifar10")
    space = benchmark("nasbench201").make_space()
    given = tmp_path / "given.csv"
    rows = [f"{space.format(arch)},{i % 90},{i % 80}" for i, arch in enumerate(space.all())]
    given.write_text("\n".join(["arch,valid,test", *rows]))
    import_file(benchmark("nasbench201"), given, only=["cifar10"])
    before, really = path.read_bytes(), Bounded.read

    def fail(self: Bounded, count: int | None = -1) -> bytes:
        if self.path == path:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return really(self, count)

    monkeypatch.setattr(Bounded, "read", fail)
    with pytest.raises(Unreadable, match=os.strerror(errno.EIO)):
        import_file(benchmark("nasbench201"), given, only=["cifar10"], force=True)
    assert path.read_bytes() == before


# ---- sheets


def packed(piece: bytes, times: int, pack: Callable[[bytes], bytes]) -> bytes:
    """Return a compressed file of one piece many times, each a stream of its own."""
    return pack(piece) * times


@pytest.mark.parametrize("pack", [bz2.compress, gzip.compress, lzma.compress])
@pytest.mark.parametrize(
    ("piece", "message"),
    [
        (b"\n", "more than 50000 lines"),
        (b" \t\n\r", "more than 50000 lines"),
        (b"x", "line 1: it has more than 1048576 characters"),
        (b",", "line 1: it has more than 1048576 characters"),
        (b"\0", "a zero byte"),
        (b'"x\n', r"line \d+: not CSV"),
        (b"a,b\n", "more than 50000 lines"),
    ],
)
def test_small_files_of_large_sheets(
    piece: bytes,
    message: str,
    pack: Callable[[bytes], bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reading, "MOST_ROWS", 50_000)
    path = tmp_path / "given.csv"
    path.write_bytes(packed(piece * (2**20 // len(piece)), 200, pack))
    with within(20), at_most(24), pytest.raises(BadData, match=message):
        list(read_sheet(path).rows)


def test_a_sheet_that_unpacks_to_more_than_its_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "SHEET", Limits(1 << 20, 3 << 20, 60))
    path = tmp_path / "given.csv"
    path.write_bytes(packed(b"x" * 999 + b"\n", 4000, bz2.compress))
    with pytest.raises(BadData, match="unpacks to more than 3 MB"):
        list(read_sheet(path).rows)


def test_many_cells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_CELLS", 1000)
    path = tmp_path / "given.csv"
    path.write_text("a,b\n" + "," * 98 + "\n" + ",,,,,,,,\n" * 200)
    with pytest.raises(BadData, match="more than 1000 cells"):
        list(read_sheet(path).rows)


def test_many_columns_take_little_time(tmp_path: Path) -> None:
    path = tmp_path / "given.csv"
    path.write_text(",".join(f"c{i}" for i in range(9_999)) + "\n")
    start = time.process_time()
    assert len(read_sheet(path).columns) == 9_999
    assert (
        time.process_time() - start < 2
    )  # a hundredth of it; minutes when each name was looked for in all before it
    path.write_text("a," * 300_000 + "\n")
    with within(20), pytest.raises(BadData, match="300001 columns; a sheet has at most 10000"):
        read_sheet(path)


@given(
    st.lists(st.sampled_from(["a", "é", '"', ",", "\n", "\r", "\r\n", " ", "😀"]), max_size=30).map("".join),
    st.integers(1, 7),
)
def test_pieces_of_any_length_give_the_rows_of_the_whole(text: str, length: int) -> None:
    pieces = [text[i : i + length] for i in range(0, len(text), length)]
    lines = list(reading._lines(Path("given"), iter(pieces)))
    assert lines == list(io.StringIO(text, newline=""))

    def rows(lines: Any) -> Any:
        try:
            return list(csv.reader(lines))
        except csv.Error:
            return None

    assert rows(lines) == rows(io.StringIO(text, newline=""))


@given(
    st.lists(st.sampled_from(["a", "bé", " ", "\n", "\t", "😀", "\u2028", END]), max_size=40).map("".join),
    st.integers(1, 9),
)
def test_pieces_of_any_length_give_the_words_of_the_whole(text: str, length: int) -> None:
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    wanted = [word for line in lines for word in (*line.split(), END)]

    class Pieces:
        data = text.encode()

        def read(self, _: int) -> bytes:
            part, self.data = self.data[:length], self.data[length:]
            return part

    assert list(tokens._words(Path("given"), Pieces())) == wanted  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("piece", "message"),
    [
        (b"x", "a word of more than 65536 characters"),
        (b"\n", " words; 2 stretches"),
        (b"\xff", "not text in UTF-8"),
    ],
)
def test_texts_that_are_none(piece: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "given.txt"
    path.write_bytes(piece * (1 << 18))
    with within(20), at_most(64), pytest.raises(BadData, match=message):
        read_tokens(path, Task((70_000_000,), 100), 2)


def test_words_beyond_the_vocabulary_end_the_reading(tmp_path: Path) -> None:
    path = tmp_path / "given.txt"
    path.write_text(" ".join(map(str, range(1_000_000))))
    with at_most(16), pytest.raises(BadData, match="more than 100 different words"):
        read_tokens(path, TASK, 2)


class TestParquet:
    @pytest.fixture
    def given(self, tmp_path: Path) -> Callable[..., Path]:
        pyarrow = pytest.importorskip("pyarrow")
        from pyarrow import parquet

        def write(columns: dict[str, Any], **options: Any) -> Path:
            path = tmp_path / "given.parquet"
            parquet.write_table(pyarrow.table(columns), path, **options)
            return path

        return write

    def test_rows_as_they_are(self, given: Callable[..., Path]) -> None:
        columns = {
            "a": ["x", None, "y"],
            "n": [1, 2, 3],
            "f": [0.5, None, float("nan")],
            "l": [[1], [], None],
        }
        for options in ({}, {"use_dictionary": False}, {"compression": "zstd"}, {"data_page_version": "2.0"}):
            sheet = read_sheet(given(columns, **options))
            assert sheet.columns == ("a", "n", "f", "l")
            first, second, third = sheet.rows
            assert first == (1, ("x", 1, 0.5, []))
            assert second == (2, (None, 2, None, []))
            assert third[1][:2] == ("y", 3)

    def test_too_many_rows(self, given: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(reading, "MOST_ROWS", 1000)
        with pytest.raises(BadData, match="1001 rows of 1 columns; a sheet has at most 1000 of 10000"):
            read_sheet(given({"a": ["x"] * 1001}))

    def test_a_long_text_in_every_row(self, given: Callable[..., Path]) -> None:
        with pytest.raises(BadData, match="a cell of 100000 bytes; at most 65536"):
            list(read_sheet(given({"a": ["x" * 100_000] * 1000})).rows)

    def test_a_large_page(self, given: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(parquet_pages, "MOST_PAGE", 1 << 20)
        path = given({"a": ["x" * (2 << 20)]}, compression="zstd", use_dictionary=False)
        with pytest.raises(BadData, match="its pages unpack to"):
            read_sheet(path)

    def test_an_encoding_that_repeats_what_came_before(self, given: Callable[..., Path]) -> None:
        path = given({"a": ["x"] * 10}, use_dictionary=False, column_encoding={"a": "DELTA_BYTE_ARRAY"})
        with pytest.raises(BadData, match=r"encoding 7.* save the file with plain or dictionary"):
            read_sheet(path)

    def test_other_encodings_are_read(self, given: Callable[..., Path]) -> None:
        columns: dict[str, list[Any]] = {
            "DELTA_LENGTH_BYTE_ARRAY": list(map(str, range(50))),
            "DELTA_BINARY_PACKED": list(range(50)),
            "BYTE_STREAM_SPLIT": [i / 7 for i in range(50)],
        }
        for encoding, values in columns.items():
            path = given({"a": values}, use_dictionary=False, column_encoding={"a": encoding})
            assert [row[0] for _, row in read_sheet(path).rows] == values


# ---- archives of arrays


def archive(path: Path, header: str, size: int = 100) -> Path:
    text = header.encode() + b" " * (117 - len(header)) + b"\n"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("x.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + b"\0" * size)
    return path


@pytest.mark.parametrize(
    ("dtype", "shape", "size", "message"),
    [
        ("<f8", "(10**12,)".replace("10**12", "1000000000000"), 800, "lacks some of its 8000000000000 bytes"),
        ("|u1", "(2000000,)", 2_000_000, "2000000 bytes, and at most 1048576 are read"),
        ("|S0", "(1000000000000,)", 100, "lacks some"),
        ("|O", "(10,)", 100, "Python objects, which are never read"),
        ("|u1", "(-5, 3)", 100, "damaged or is no .npz archive"),
        ("|u1", "(1000,)", 100, "lacks some of its 1000 bytes"),
    ],
)
def test_arrays_that_are_more_than_they_are(
    dtype: str, shape: str, size: int, message: str, tmp_path: Path
) -> None:
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}"
    path = archive(tmp_path / "x.npz", header, size)
    with at_most(8), pytest.raises(BadData, match=message):
        read_npz(path, "get it again", limits=Limits(1 << 30, 1 << 20, 60))


def test_arrays_come_back(tmp_path: Path) -> None:
    arrays = {
        "a": np.arange(12.0).reshape(3, 4), "f": np.asfortranarray(np.arange(6).reshape(2, 3)), "e": np.zeros((0, 3)),
        "s": np.array(["x", "yz"]), "scalar": np.array(3), "b": np.array([b"q"]),
    }  # fmt: skip
    write_npz(tmp_path / "x.npz", arrays)
    found = read_npz(tmp_path / "x.npz", "")
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype and np.array_equal(found[name], array)
    assert read_npz(tmp_path / "x.npz", "", ["a", "none"]).keys() == {"a"}


# ---- pickles


def test_a_zip_of_very_many_members(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "LIST_OF_MEMBERS", 10_000)
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as file:
        for number in range(300):
            file.writestr(f"{number}.npy", b"")
    with pytest.raises(BadData, match=r"asks for \d+ bytes at once"):
        read_npz(tmp_path / "x.npz", "get it again")


def load(data: bytes) -> Any:
    return Unpickler(io.BytesIO(data).read, "given").load()


SHARED = b"](" + b"K\x01K\x02\x86" * 1000 + b"eq\x00"
SAME_HASH = b"".join(b"\x8a\x0e" + ((2**61 - 1) * i).to_bytes(14, "little") + b"N" for i in range(1, 20_000))
LEVELS = (b"(" + (b"h" + bytes([i])) * 2000 + b"tq" + bytes([i + 1]) for i in range(6))
WIDE = b"(" + b"K\x01" * 2000 + b"tq\x00" + b"".join(LEVELS)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"]" * 100_000 + b".", "more than 20000 values"),
        (b"](" + b"\x8f" * 100_000 + b"e.", "more than 20000 values"),
        (b"(" * 100_000 + b".", "more than 20000 values"),
        (b"]\x940" * 100_000 + b"].", "more than 20000 values"),
        (SHARED + b"ccollections\nOrderedDict\nh\x00\x85R" * 300 + b".", "more than 20000 values"),
        (b"}(" + SAME_HASH + b"u.", "more than 1000 whole numbers"),
        (WIDE + b"}h\x06Ns.", "a tuple of more than 10000 values"),
        (b"X" + struct.pack("<I", 100 << 20) + b"x" * (100 << 20) + b".", "more than 20000 values"),
    ],
)
def test_pickles_that_become_large(data: bytes, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held, "MOST", 20_000)
    monkeypatch.setattr(byte_stream, "CHUNK", 1 << 14)
    with within(60), pytest.raises(BadData, match=message):
        load(data)


def test_a_pickle_that_is_walked_through_holds_little(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held, "MOST", 20_000)
    runs = [{"mark": {"a": list(range(30)), "b": {j: 0.5 for j in range(200)}}, "n": i} for i in range(1000)]
    for protocol in (2, 4):
        reader = Unpickler(io.BytesIO(pickle.dumps(runs, protocol)).read, "given")
        for number, state in enumerate(reader.walk(("mark",))):
            assert state["n"] == number
            state.clear()
        assert reader.held.count < 10_000
    with pytest.raises(BadData, match="more than 20000 values"):
        load(pickle.dumps(runs))


# ---- JSON


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"[" * 100_000, "deeper than any file goes"),
        (b"[" + b"[]," * 600_000 + b"[]]", "more than 1000000 values"),
        (b"[NaN]", "NaN is no number"),
        (b'{"a": 1, "a": 2}', "'a' is there twice"),
        (b"9" * 5000, "digits"),
        (b"\xff", "decode"),
    ],
)
def test_json_that_is_none_or_too_much(text: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_json(text)


def test_settings_of_many_brackets() -> None:
    for value in ("[" * 50_000, "9" * 5000):
        run = CliRunner().invoke(
            cli, ["run", "ae", "--rounds", "1", "--budget", "12", "--set", f"pool={value}"]
        )
        assert run.exit_code == 1
        assert "nassearch: " in run.stderr


# ---- real files


def test_real_files_stay_below_a_tenth_of_the_limits(real_data: Path) -> None:
    known = {
        "*.csv.gz": limits.SHEET,
        "*.csv": limits.SHEET,
        "*.tfrecord": limits.RECORDS,
        "nasbench101/*.npz": limits.ARRAYS,
        "images/*.npz": limits.IMAGES,
        "*.zip": limits.LOGS,
        "ptb*.txt": limits.TEXT,
    }
    seen = 0
    for pattern, limit in known.items():
        for path in real_data.rglob(pattern):
            seen += 1
            assert path.stat().st_size * 10 <= limit.file, path
            if path.suffix in (".npz", ".zip"):
                with zipfile.ZipFile(path) as file:
                    assert sum(member.file_size for member in file.infolist()) * 10 <= limit.unpacked, path
            if path.suffix in (".gz", ".csv"):
                sheet = read_sheet(path)
                assert len(sheet.columns) * 10 <= reading.MOST_COLUMNS
                rows = sum(1 for _ in sheet.rows)
                assert rows * 10 <= reading.MOST_ROWS, path
    assert seen >= 8


def test_a_missing_file_is_missing(tmp_path: Path) -> None:
    for read in READERS.values():
        with pytest.raises(MissingData, match=r"there is no (file|result)"):
            read(tmp_path / "none.npz")


CALLS = (r"\.read_bytes\(", r"\.read_text\(", r"np\.load\(", r"\bZipFile\(", r'(?<![.\w])open\([^)]*"rb"')
OPENERS = re.compile("|".join(CALLS))


def test_files_are_opened_in_one_place() -> None:
    """What reads a file in another way has none of the limits; code of parts is no file of strangers."""
    package = Path(bounded.__file__).parents[1]
    code = {"sources.py", "digests.py", "identity.py", "offers.py", "kernels.py"}
    code.add("document.py")  # the style and the script of a page, out of the package
    found = {
        path.name
        for path in package.rglob("*.py")
        if path.name not in code and OPENERS.search(re.sub(r'"""[\s\S]*?"""', "", path.read_text()))
    }
    assert found == {"unpacking.py"}
