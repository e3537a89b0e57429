"""Hostile and unlucky inputs: what is written into an empty folder, and the commands that meet it."""

from __future__ import annotations

import bz2
import copy
import gzip
import io
import json
import lzma
import os
import shutil
import socket
import sqlite3
import struct
import tarfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

MB, GB = 1 << 20, 1 << 30
Arguments = list[str]


class Case(NamedTuple):
    """Inputs of one kind.

    Attributes:
        kind: the row of the summary.
        name: what is tried.
        make: writes into a folder, and yields the arguments of a run each time that it is asked.
        wrong: says of the folder and the exit status whether a run ended as if all were well, and it is not.
    """

    kind: str
    name: str
    make: Callable[[Path], Iterator[Arguments]]
    wrong: Callable[[Path, int], bool] = lambda folder, status: False


CASES: list[Case] = []
SHEET = ["bench", "import", "nasbench201", "given.csv"]
HEAD = b"arch,dataset,valid,test\n"


def case(kind: str, name: str, *wrong: Any) -> Callable[[Callable[[Path], Iterator[Arguments]]], None]:
    return lambda make: CASES.append(Case(kind, name, make, *wrong))


def repeated(piece: bytes, size: int) -> Iterator[bytes]:
    block = piece * (MB // len(piece))
    for _ in range(size // len(block)):
        yield block


def packed(path: Path, pieces: Iterator[bytes], how: str) -> None:
    """Write pieces, each a stream of its own where they are compressed, so that a repeated one is packed once."""
    packers: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "bzip2": bz2.compress, "xz": lzma.compress, "plain": bytes}  # fmt: skip
    before, done = b"", b""
    with path.open("wb") as file:
        for piece in pieces:
            if piece is not before:
                before, done = piece, packers[how](piece)
            file.write(done)


# ---- sheets


def sheet(name: str, pieces: Callable[[], Iterator[bytes]], how: str = "bzip2") -> None:
    @case("sheet", name)
    def make(folder: Path) -> Iterator[Arguments]:
        packed(folder / "given.csv", pieces(), how)
        yield SHEET


def after_head(pieces: Iterator[bytes]) -> Iterator[bytes]:
    yield HEAD
    yield from pieces


sheet("blank lines, 1 GB in bzip2", lambda: repeated(b"\n", GB))
sheet("blank lines, 1 GB in gzip", lambda: repeated(b"\n", GB), "gzip")
sheet("spaces in blank lines, 4 GB in xz", lambda: repeated(b"  \n ", 4 * GB), "xz")
sheet("one line of 2 GB in bzip2", lambda: repeated(b"a", 2 * GB))
sheet("zero bytes, 4 GB in xz", lambda: repeated(b"\0", 4 * GB), "xz")
sheet("a header and a line of 1 GB", lambda: after_head(repeated(b"x", GB)))
sheet("a quote that never ends", lambda: after_head(repeated(b'"' + b"x" * 63 + b"\n", 512 * MB)))
sheet("one quoted cell of 512 MB", lambda: after_head(iter([b'"', *repeated(b"x", 512 * MB)])))
sheet("quoted cells over many lines", lambda: after_head(repeated(b'",\n"', 512 * MB)))
sheet("300,000 columns", lambda: iter([",".join(f"c{i}" for i in range(300_000)).encode() + b"\n"]), "plain")
sheet("rows of 100 commas, 1 GB", lambda: after_head(repeated(b"," * 99 + b"\n", GB)))
sheet("commas, 512 MB in one line", lambda: repeated(b",", 512 * MB))
sheet("a byte that is no text after 512 MB", lambda: iter([*repeated(b"a,b\n", 512 * MB), b"\xff\n"]))


@case("sheet", "Parquet of runs: 10^8 equal rows")
def runs(folder: Path) -> Iterator[Arguments]:
    import pyarrow
    from pyarrow import parquet

    column = pyarrow.DictionaryArray.from_arrays(pyarrow.array([0] * 10).cast("int8"), ["a"]).cast("string")
    part = pyarrow.table({name: pyarrow.concat_arrays([column] * 100_000) for name in ("arch", "dataset")})
    with parquet.ParquetWriter(folder / "given.csv", part.schema, compression="zstd") as writer:
        for _ in range(100):
            writer.write_table(part, row_group_size=10**6)
    yield SHEET


@case("sheet", "Parquet: a text of 1 MB, a million times")
def dictionary(folder: Path) -> Iterator[Arguments]:
    import pyarrow
    from pyarrow import parquet

    text = pyarrow.DictionaryArray.from_arrays(pyarrow.array([0] * 1_000_000).cast("int32"), ["x" * MB])
    columns = dict.fromkeys(("arch", "dataset", "valid", "test"), text)
    parquet.write_table(pyarrow.table(columns), folder / "given.csv")
    yield SHEET


@case("sheet", "Parquet: a page of 1 GB, another size in the description")
def page(folder: Path) -> Iterator[Arguments]:
    import pyarrow
    from pyarrow import parquet

    values = pyarrow.array(["x" * (100 * MB)] * 10)
    parquet.write_table(
        pyarrow.table({"arch": values}), folder / "given.csv", use_dictionary=False, compression="zstd"
    )
    yield SHEET


# ---- archives


def member(data: bytes, size: int, shape: str, dtype: str = "|u1") -> Iterator[bytes]:
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    header += b" " * (63 - (10 + len(header)) % 64) + b"\n"
    yield b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header
    yield from repeated(data, size)


def archive(path: Path, members: dict[str, Iterator[bytes]]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, pieces in members.items():
            with file.open(name, "w", force_zip64=True) as opened:
                for piece in pieces:
                    opened.write(piece)


def arrays_meet(folder: Path) -> Iterator[Arguments]:
    yield ["bench", "import", "nasbench201", "given.npz", "--dataset", "cifar10"]
    yield ["bench", "import", "nasbench101", "given.npz"]
    yield ["score", "--sample", "2", "--proxies", "epsilon", "--batch", "given.npz"]
    table = folder / "data" / "nasbench201" / "cifar10.npz"
    table.parent.mkdir(parents=True, exist_ok=True)
    os.link(folder / "given.npz", table)
    yield ["bench", "info", "cifar10"]


def arrays(name: str, members: Callable[[], dict[str, Iterator[bytes]]]) -> None:
    @case("arrays", name)
    def make(folder: Path) -> Iterator[Arguments]:
        archive(folder / "given.npz", members())
        yield from arrays_meet(folder)


NAMES = ("x_train", "y_train", "hash", "matrix", "ops", "test_acc_108", "inputs", "labels", "valid", "test", "rows", "meta")  # fmt: skip
arrays("4 GB of zeros in an array", lambda: {"x_train.npy": member(b"\0", 4 * GB, f"({4 * GB},)"), "y_train.npy": member(b"\0", 0, "(0,)"), "inputs.npy": member(b"\0", 4 * GB, f"({4 * GB},)"), "valid.npy": member(b"\0", 4 * GB, f"({4 * GB},)")})  # fmt: skip
arrays("10^12 numbers in the header", lambda: {f"{name}.npy": member(b"\0", MB, "(1000000000000,)", "<f8") for name in NAMES})  # fmt: skip
arrays("10^18 texts of no length", lambda: {f"{name}.npy": member(b"\0", MB, "(1000000000000000000,)", "|S0") for name in NAMES})  # fmt: skip
arrays("Python objects", lambda: {f"{name}.npy": member(b"\x80", MB, "(10,)", "|O") for name in NAMES})
arrays("a shape below zero", lambda: {f"{name}.npy": member(b"\0", MB, "(-1, 5)") for name in NAMES})
arrays("200,000 members", lambda: {f"a{i}.npy": member(b"\0", 0, "(0,)") for i in range(200_000)})


def lists(size: int) -> Iterator[bytes]:
    """Return a pickle of lists, nearly all of them empty."""
    yield b"\x80\x02}X\x0c\x00\x00\x00dataset_typeX\x0a\x00\x00\x00model_hash]("
    yield from repeated(b"]", size)
    yield b"e."


@case("pickle", "a .tar of one .pbz2 with 10^9 lists")
def tar(folder: Path) -> Iterator[Arguments]:
    arch = b"|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|"
    start = b"\x80\x02(X" + struct.pack("<I", len(arch)) + arch + b"]("
    packed(folder / "member", iter([start, *repeated(b"]", GB), b"e."]), "bzip2")
    content = (folder / "member").read_bytes()
    with tarfile.open(folder / "given.tar", "w") as file:
        info = tarfile.TarInfo("NATS-tss-v1_0-3ffb9-simple/000000.pickle.pbz2")
        info.size = len(content)
        file.addfile(info, io.BytesIO(content))
    yield ["bench", "import", "nasbench201", "given.tar"]


@case("pickle", "a .tar whose header is 8 GB long")
def long_header(folder: Path) -> Iterator[Arguments]:
    for kind in (tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.SOLARIS_XHDTYPE):
        info = tarfile.TarInfo("000000.pickle.pbz2")
        info.size, info.type = 8 * GB, kind
        (folder / "given.tar").write_bytes(info.tobuf(tarfile.GNU_FORMAT) + b"1" * 20_000)
        yield ["bench", "import", "nasbench201", "given.tar"]


ARCHS = b"meta_archs" + b"|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+"


def pth(name: str, body: Callable[[], Iterator[bytes]]) -> None:
    @case("pickle", name)
    def make(folder: Path) -> Iterator[Arguments]:
        first = b"\x80\x02(X" + struct.pack("<I", len(ARCHS)) + ARCHS
        packed(folder / "given.pbz2", iter([first, *body(), b"."]), "bzip2")
        yield ["bench", "import", "nasbench201", "given.pbz2"]
        archive(folder / "given.pth", {"archive/data.pkl": iter([first, *body(), b"."])})
        yield ["bench", "import", "nasbench201", "given.pth"]


pth("10^9 lists on the stack", lambda: repeated(b"]", GB))
pth("10^9 sets in a list", lambda: iter([b"](", *repeated(b"\x8f", GB), b"e"]))
pth("lists that are noted and dropped", lambda: repeated(b"]\x940\x94"[:3], GB))
pth("one dictionary made of one list for ever", lambda: iter([b"](" + b"K\x01K\x02\x86" * 100_000 + b"eq\x00", *repeated(b"ccollections\nOrderedDict\nh\x00\x85R", 64 * MB)]))  # fmt: skip
pth("texts of 200 MB", lambda: iter([piece for _ in range(20) for piece in (b"X" + struct.pack("<I", 200 * MB), *repeated(b"x", 200 * MB))]))  # fmt: skip
pth("whole numbers of one hash", lambda: iter([b"}(" + b"".join(b"\x8a\x0e" + ((2**61 - 1) * i).to_bytes(14, "little") + b"N" for i in range(1, 300_000)) + b"u"]))  # fmt: skip
pth("tuples of tuples of tuples", lambda: iter([b"(" + b"K\x01" * 2000 + b"tq\x00" + b"".join(b"(" + b"h" + bytes([i]) + (b"h" + bytes([i])) * 1999 + b"tq" + bytes([i + 1]) for i in range(6)) + b"}h\x06Ns"]))  # fmt: skip


@case("pickle", "a pickle of NAS-Bench-ASR with 2^29 lists")
def asr(folder: Path) -> Iterator[Arguments]:
    packed(folder / "nb-asr-e40-1234.pickle", lists(512 * MB), "plain")
    yield ["bench", "import", "nasbench-asr", "nb-asr-e40-1234.pickle"]


@case("records", "TFRecord of one record of 63 MB, lists in lists")
def tfrecord(folder: Path) -> Iterator[Arguments]:
    from google_crc32c import value

    def masked(data: bytes) -> bytes:
        crc = value(data)
        return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)

    for body in (b"[" + b"[]," * (21 * MB) + b"[]]", b"[" * 900_000, b"[" + b"9" * 900_000 + b"]"):
        head = struct.pack("<Q", len(body))
        (folder / "given.tfrecord").write_bytes(head + masked(head) + body + masked(body))
        yield ["bench", "import", "nasbench101", "given.tfrecord"]


@case("records", "logs: 50,000 of 1 MB, one of a million lists, one 10,000 deep")
def logs(folder: Path) -> Iterator[Arguments]:
    for members in (
        {f"a{i}.json": repeated(b" ", MB) for i in range(3_000)},
        {"a.json": iter([b'{"recepie": [', b"[]," * 300_000, b"[]]}"])},
        {"a.json": iter([b'{"recepie": ', b"[" * 10_000, b"]" * 10_000, b"}"])},
        {"a.json": iter([b'{"recepie": "', b"[" * 10_000, b'", "data": "ptb"}'])},
    ):
        archive(folder / "given.zip", members)
        yield ["bench", "import", "nasbench-nlp", "given.zip"]


@case("records", "texts for a batch: 900 MB of one word, of words, of blank lines")
def texts(folder: Path) -> Iterator[Arguments]:
    for piece in (b"x", b"a ", b"\n", b"\xff"):
        packed(folder / "given.txt", repeated(piece, 900 * MB), "plain")
        yield ["bench", "import", "nasbench-nlp", "given.txt", "--dataset", "ptb"]
        os.unlink(folder / "given.txt")


# ---- what is no plain file


def special(folder: Path) -> Iterator[Path]:
    os.mkfifo(folder / "pipe")
    yield folder / "pipe"
    yield Path("/dev/zero")
    yield Path("/dev/full")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(folder / "socket"))
    yield folder / "socket"
    (folder / "folder").mkdir()
    yield folder / "folder"
    (folder / "a").symlink_to("b")
    (folder / "b").symlink_to("a")
    yield folder / "a"
    (folder / "file").write_text("")
    yield folder / "file" / "below"
    with (folder / "holes").open("wb") as file:
        file.truncate(20 * GB)
    yield folder / "holes"


READERS = [
    ["bench", "import", "nasbench201", "?"],
    ["bench", "import", "nasbench101", "?"],
    ["bench", "import", "nasbench-nlp", "?"],
    ["bench", "import", "nasbench-asr", "?"],
    ["bench", "import", "nasbench201", "?.npz", "--dataset", "cifar10"],
    ["score", "--sample", "2", "--proxies", "epsilon", "--batch", "?"],
    ["run", "ae", "--rounds", "1", "--budget", "5", "--warmup", "5", "--batch", "?"],
    ["show", "?"],
    ["compare", "?"],
    ["plot", "?", "-o", "plot.svg"],
]


@case("special files", "a pipe, devices, a socket, a folder, links in a circle, holes: read")
def special_read(folder: Path) -> Iterator[Arguments]:
    for place in special(folder):
        for command in READERS:
            link = folder / "given.npz"
            link.unlink(missing_ok=True)
            link.symlink_to(place)
            yield [part.replace("?.npz", str(link)).replace("?", str(place)) for part in command]


WRITERS = [
    ["run", "rand", "--rounds", "1", "--budget", "5", "--out", "given.jsonl"],
    ["run", "rand", "--rounds", "1", "--budget", "5", "--plot", "given.svg"],
    ["score", "--sample", "2", "--proxies", "params", "-o", "given.csv"],
]


@case("special files", "the same: written")
def special_written(folder: Path) -> Iterator[Arguments]:
    for place in special(folder):
        if place.name == "holes":
            continue
        for command in WRITERS:
            link = folder / next(part for part in command if part.startswith("given"))
            link.unlink(missing_ok=True)
            link.symlink_to(place)
            yield command


# ---- results


HEADER: dict[str, Any] = {
    "format": "nassearch result", "version": 1, "package": "0.1", "data": "0123",
    "experiment": {
        "strategy": "ae", "benchmark": "nasbench201", "dataset": "mnist1d", "budget": 2, "seed": 0, "scorer": "epsilon",
        "warmup": 10, "move": "epsilon", "move_at": None, "explore": 0.1, "settings": {"pool": 3}, "show": "test",
        "choose": "valid", "target": None,
    },
}  # fmt: skip
ROUND: dict[str, Any] = {
    "round": 0, "archs": [[0, 1, 2, 3, 4, 0], [1, 1, 1, 1, 1, 1]], "valid": [50.0, 60.5], "test": [50.0, 60.5],
    "seconds": [1.0, None], "revisits": 0, "report": {"n": 3, "word": "a", "table": {"models": [0, 1], "x": [0.5, None]}},
}  # fmt: skip
ODD = ["null", "true", "-1", "1e308", "1" + "0" * 400, "NaN", '"\\ud800"', '"$x_{$"', '"[/b]"', "[]", '{"a":1}', "[" * 900 + "]" * 900]  # fmt: skip
SHOWN = [
    ["show", "r.jsonl"],
    ["show", "r.jsonl", "--json"],
    ["compare", "r.jsonl"],
    ["compare", "r.jsonl", "--json"],
    ["plot", "r.jsonl", "-o", "plot.svg"],
]


def places(value: Any, before: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield before
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in parts:
        yield from places(part, (*before, name))


def replaced(value: Any, place: tuple[Any, ...], text: str) -> str:
    if not place:
        return text
    whole = copy.deepcopy(value)
    inner = whole
    for name in place[:-1]:
        inner = inner[name]
    inner[place[-1]] = "@@"
    return json.dumps(whole).replace('"@@"', text)


@case("odd results", "a value replaced by every kind of JSON, shown in five ways by turns")
def odd(folder: Path) -> Iterator[Arguments]:
    number = 0
    for line, base in enumerate((HEADER, ROUND)):
        for place in places(base):
            for text in ODD:
                number += 1
                if number % 3:
                    continue
                texts = [json.dumps(HEADER), json.dumps(ROUND)]
                texts[line] = replaced(base, place, text)
                (folder / "r.jsonl").write_text("".join(f"{each}\n" for each in texts))
                yield SHOWN[number // 3 % len(SHOWN)]


@case("odd results", "large: a line of 512 MB, a million lists, 200 MB of rounds without a model")
def large(folder: Path) -> Iterator[Arguments]:
    path = folder / "r.jsonl"
    for second in (
        repeated(b"x", 512 * MB),
        iter([b'{"round":0,"archs":[', *repeated(b"[],", 200 * MB), b"[]]}"]),
        repeated(b"{}\n" * 8, 200 * MB),
    ):
        packed(path, iter([json.dumps(HEADER).encode() + b"\n", *second, b"\n"]), "plain")
        yield SHOWN[0]


# ---- others


@case("words", "settings, scorers and architectures of 100,000 brackets")
def words(folder: Path) -> Iterator[Arguments]:
    deep = "[" * 60_000
    yield ["run", "ae", "--rounds", "1", "--budget", "12", "--set", f"pool={deep}"]
    yield ["run", "ae", "--rounds", "1", "--budget", "12", "--warmup", "5", "--scorer", "rank(" * 10_000]
    yield [
        "run",
        "ae",
        "--rounds",
        "1",
        "--budget",
        "12",
        "--warmup",
        "5",
        "--scorer",
        f"epsilon(weights={'(' * 60_000})",
    ]
    yield ["score", "--proxies", "params", deep]
    yield ["run", "ae", "--rounds", "1", "--budget", "12", "--set", f"pool={'9' * 5000}"]


@case("scores", "an endless view in the place of the cache")
def endless(folder: Path) -> Iterator[Arguments]:
    (folder / "data").mkdir()
    for path in (folder / "data" / "scores.sqlite", folder / "data" / "scores-0.1.0.sqlite"):
        with sqlite3.connect(path) as base:
            base.execute(
                "create view scores as with recursive c(x) as (select 1 union all select x + 1 from c) "
                "select x as key, x as score from c"
            )
    yield ["score", "--sample", "3", "--proxies", "params"]


def gone(folder: Path, status: int) -> bool:
    """Say whether a run says that it went well, and a result of all its rounds is not there."""
    path = folder / "out" / "r.jsonl"
    return status == 0 and (not path.is_file() or path.read_bytes().count(b"\n") < 1 + ROUNDS)


ROUNDS = 1000
HARMS: list[Callable[[Path], object]] = [
    lambda path: shutil.rmtree(path.parent),
    lambda path: path.unlink(),
    lambda path: path.write_bytes(b""),
    lambda path: path.write_bytes(path.read_bytes()[:1000]),
    lambda path: os.replace(shutil.copy(path, f"{path}.copy"), path),
]


@case("results lost", "the folder or the file removed, emptied, cut or replaced during a run", gone)
def lost(folder: Path) -> Iterator[Arguments]:
    path = folder / "out" / "r.jsonl"

    def harm(how: Callable[[Path], object]) -> None:
        for _ in range(3000):
            if path.exists() and path.stat().st_size > 100_000:
                how(path)
                return
            time.sleep(0.01)

    for how in HARMS:
        shutil.rmtree(folder / "out", ignore_errors=True)
        meddler = threading.Thread(target=harm, args=(how,))
        meddler.start()
        yield ["run", "rand", "--rounds", str(ROUNDS), "--budget", "300", "--out", str(path)]
        meddler.join()


@case("names", "two results of one name, by absolute paths; names with markup, formulas and escapes")
def names(folder: Path) -> Iterator[Arguments]:
    paths = []
    for name in ("a", "b", "[bold]", "[red]", "$x_{$", "\x1b[31m", ":100:"):
        (folder / name).mkdir()
        paths.append(str(folder / name / "r.jsonl"))
        Path(paths[-1]).write_text("".join(json.dumps(line) + "\n" for line in (HEADER, ROUND)))
    for command in (["compare"], ["compare", "--json"], ["plot", "-o", str(folder / "plot.svg")], ["plot", "-o", str(folder / "plot.png")]):  # fmt: skip
        yield [*command[:1], *paths, *command[1:]]
        yield [*command[:1], *paths[:2], *command[1:]]


@case("current folder", "modules of the standard library's names beside the user")
def shadows(folder: Path) -> Iterator[Arguments]:
    for name in ("random", "json", "queue", "pickle", "signal", "numpy", "secrets"):
        (folder / f"{name}.py").write_text("raise SystemExit('code of the current folder ran')\n")
        yield ["run", "rand", "--rounds", "4", "--budget", "5", "--workers", "2", "--out", f"{name}.jsonl"]
        (folder / f"{name}.py").unlink()
