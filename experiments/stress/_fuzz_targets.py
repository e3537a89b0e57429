"""What is fuzzed: valid inputs of each parser, and what has to be true of any input that it takes."""

from __future__ import annotations

import base64
import bz2
import csv
import io
import json
import os
import pickle
import sqlite3
import tempfile
import warnings
import zipfile
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import _fuzz_data
import _fuzz_newer
import numpy as np

from nassearch import registry
from nassearch.benchmarks.base import Dataset
from nassearch.benchmarks.batches import load_batch, save_batch, synthetic_batch
from nassearch.benchmarks.read.formats.base import Format, Reading
from nassearch.benchmarks.read.formats.nasbench101_npz import NASBench101Npz
from nassearch.benchmarks.read.formats.nasbench101_tfrecord import NASBench101TFRecord
from nassearch.benchmarks.read.formats.nasbench201_pth import NASBench201File
from nassearch.benchmarks.read.formats.nasbench301 import NASBench301Files
from nassearch.benchmarks.read.formats.nasbench_asr import NASBenchASRPickles
from nassearch.benchmarks.read.formats.nasbench_macro import NASBenchMacroFile
from nassearch.benchmarks.read.formats.nasbench_nlp_logs import RecurrentLogs
from nassearch.benchmarks.read.formats.nats import NATSFolder
from nassearch.benchmarks.read.formats.tfrecord import crc32c, masked
from nassearch.benchmarks.read.formats.transnas import TransNASFile
from nassearch.benchmarks.read.images import read_images
from nassearch.benchmarks.read.importing import import_file
from nassearch.benchmarks.read.official import Collected
from nassearch.benchmarks.read.pickles.reader import Unpickler
from nassearch.benchmarks.table import Table
from nassearch.benchmarks.tabular import TabularBenchmark
from nassearch.benchmarks.worklog import WorkLog
from nassearch.errors import BadData, InvalidSetting, quoted
from nassearch.scorers.cache.scores import ScoreCache
from nassearch.scorers.spec import check_scorer, parse_spec
from nassearch.search.records import Header, parse, round_line
from nassearch.search.runner import Round
from nassearch.spaces.base import SearchSpace
from nassearch.spaces.choices import Choices
from nassearch.spaces.darts.space import Darts
from nassearch.spaces.nasbench101.archs import PUBLISHED, pruned
from nassearch.spaces.nasbench_nlp.recipes import to_arch
from nassearch.spaces.nasbench_nlp.space import NASBenchNLP
from nassearch.types import Task


class Target(NamedTuple):
    """One parser.

    Attributes:
        seeds: valid inputs.
        check: gives an input to the parser, and looks at what it takes; refusals are errors of nassearch.
        kind: how inputs are changed: "text", "bytes", or "json" and "pickle", whose values are changed too.
    """

    seeds: Callable[[], list[bytes]]
    check: Callable[[bytes, Path], None]
    kind: str = "bytes"


def text_of(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


# ---- texts


@cache
def space_of(name: str) -> SearchSpace:
    if name == "nasbench-nlp":  # its list comes with a file
        return NASBenchNLP([to_arch({"h_new_0": {"op": "linear", "input": ["x", "h_prev_0"]}})])
    if name == "nasbench301":  # likewise
        return Darts()
    space: SearchSpace = registry.load("benchmarks", name).make_space()
    return space


def architectures(name: str) -> Target:
    def seeds() -> list[bytes]:
        space = space_of(name)
        return [space.format(arch).encode() for arch in space.sample_many(20, np.random.default_rng(0))]

    def check(data: bytes, _: Path) -> None:
        space = space_of(name)
        arch = space.parse(text_of(data))
        assert space.check(arch) == arch
        assert space.parse(space.format(arch)) == arch

    return Target(seeds, check, "text")


SPECS = ["synflow(estimator=sampled, seed=3)", "rank(epsilon, synflow)", "epsilon(weights=(1e-7, 1))", "vote(params, flops, synflow)", "fallback(epsilon, logsynflow)", "rank(a, b, log=true)"]  # fmt: skip


def check_spec(data: bytes, _: Path) -> None:
    text = text_of(data)
    name, parts, options = parse_spec(text)
    written = ", ".join([*parts, *(f"{key}={value!r}" for key, value in options.items())])
    if all(isinstance(value, int | float | str) for value in options.values()) and "inf" not in written:
        again = parse_spec(f"{name}({written})")
        assert repr(again) == repr((name, parts, options)), (again, (name, parts, options))
    check_scorer(text)


# ---- tables


class Widths(Choices):
    """Six architectures."""

    name: ClassVar[str] = "widths"
    choices = (("8", "16"), ("8", "16", "32"))

    def network(self, arch: Any, task: Task) -> Any:
        raise NotImplementedError


class WidthsBenchmark(TabularBenchmark):
    """A benchmark of six architectures and two data sets."""

    name: ClassVar[str] = "widths"

    @classmethod
    def datasets(cls) -> dict[str, Dataset]:
        return {name: Dataset(name, Task((1, 4), 2), note="") for name in ("cifar10", "cifar100")}

    @classmethod
    def make_space(cls, dataset: str | None = None) -> Widths:
        return Widths()


def rows() -> list[dict[str, Any]]:
    return [
        {"arch": Widths().format(arch), "dataset": name, "valid": 10 + i + 0.5, "test": 20.25 + i, "seconds": 1.5, "seed": 777}
        for i, (arch, name) in enumerate((a, n) for n in WidthsBenchmark.datasets() for a in Widths().all())
    ]  # fmt: skip


def sheets() -> list[bytes]:
    found = []
    for delimiter in ",;\t":
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, list(rows()[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows())
        found.append(text.getvalue().encode())
    return [*found, bz2.compress(found[0])]


def parquets() -> list[bytes]:
    import pyarrow
    from pyarrow import parquet

    found = []
    for compression in ("NONE", "snappy"):
        file = io.BytesIO()
        parquet.write_table(pyarrow.Table.from_pylist(rows()), file, compression=compression)
        found.append(file.getvalue())
    return found


def check_sheet(data: bytes, folder: Path) -> None:
    """What is taken has to be in a table that is read again, and a sheet written from that has to give the same."""
    path = folder / "given.csv"
    path.write_bytes(data)
    report = import_file(WidthsBenchmark, path, folder=folder / "kept")
    space = Widths()
    for made in report.tables:
        table = Table.load(made.path, "")
        table.check(space, WidthsBenchmark.datasets()[made.dataset])
        lines = ["arch,dataset,valid,test,seconds,seed"]
        seeds = made.seeds or (0,)
        for place, arch in enumerate(space.all()):
            for row, seed in enumerate(seeds):
                at = row, table.rows[place]
                if np.isfinite(table.valid[at]):
                    seconds = 0.0 if table.seconds is None else float(table.seconds[at])
                    values = [float(table.valid[at]), float(table.test[at]), seconds]
                    lines.append(f"{space.format(arch)},{made.dataset},{','.join(map(repr, values))},{seed}")
        again = folder / "again.csv"
        again.write_text("\n".join(lines))
        (twin,) = import_file(WidthsBenchmark, again, folder=folder / "again").tables
        assert Table.load(twin.path, "").valid.tobytes() == table.valid.tobytes()
        assert Table.load(twin.path, "").test.tobytes() == table.test.tobytes()


def saved_tables() -> list[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "given.csv").write_bytes(sheets()[0])
        made = import_file(WidthsBenchmark, place / "given.csv", folder=place).tables
        return [table.path.read_bytes() for table in made if table.dataset == "cifar10"]


def check_table(data: bytes, folder: Path) -> None:
    path = folder / "cifar10.npz"
    path.write_bytes(data)
    table = Table.load(path, "import it again")
    about = WidthsBenchmark.datasets()["cifar10"]
    table.check(Widths(), about)
    benchmark = WidthsBenchmark(Widths(), about, table)
    for arch in Widths().all():
        answer = benchmark.query(arch, np.random.default_rng(0))
        assert np.isfinite([answer.valid, answer.test]).all()


TASK = Task((1, 4), 2)


def batches() -> list[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "batch.npz"
        save_batch(path, synthetic_batch("normal", TASK, 8))
        return [path.read_bytes()]


def check_batch(data: bytes, folder: Path) -> None:
    path = folder / "batch.npz"
    path.write_bytes(data)
    batch = load_batch(path, TASK)
    save_batch(folder / "again.npz", batch)
    assert load_batch(folder / "again.npz", TASK).digest() == batch.digest()


def images() -> list[bytes]:
    file = io.BytesIO()
    np.savez_compressed(file, x_train=np.zeros((4, 4, 4, 3), np.uint8), y_train=np.arange(4) % 2)
    return [file.getvalue()]


def check_images(data: bytes, folder: Path) -> None:
    path = folder / "images.npz"
    path.write_bytes(data)
    batch = read_images(path, Dataset("cifar10", Task((3, 4, 4), 2), note=""), 4)
    assert np.isfinite(batch.inputs).all()


# ---- what a run writes


def results() -> list[bytes]:
    nan = np.array([1.0, np.nan, 2.5])
    lines = [
        round_line(Round(n, [(0, 1), (1, 0), (0, 0)], nan, nan, nan, 0, {"a": 1, "b": "c"})) for n in (0, 1)
    ]
    return [
        Header({"strategy": "rand", "benchmark": "nasbench201"}, "0.1.0", "0123").line() + b"".join(lines)
    ]


def check_result(data: bytes, _: Path) -> None:
    """What is taken has to mean the same when it is written again."""
    whole = data[: data.rfind(b"\n") + 1]
    if not whole:
        raise BadData("no complete line")
    header, rounds = parse(Path("a.jsonl"), whole)
    written = header.line() + b"".join(map(round_line, rounds))
    again, others = parse(Path("a.jsonl"), written)
    assert again.line() + b"".join(map(round_line, others)) == written
    for line, fields in zip(written.splitlines()[1:], whole.split(b"\n")[1:-1], strict=True):
        kept, given = json.loads(line), json.loads(fields)
        assert kept["archs"] == given["archs"] and kept["valid"] == given["valid"], "not what the file says"


def work_files() -> list[bytes]:
    return [b'{"of": 1}\n{"unit": "a", "trainings": []}\n{"unit": "b", "trainings": [[1, null]]}\n']


def check_work(data: bytes, folder: Path) -> None:
    path = folder / "work.jsonl"
    path.write_bytes(data)
    log = WorkLog(path, {"of": 1}, "fuzz")
    lines = list(log.lines)
    log.append({"unit": "c"})
    del log
    assert WorkLog(path, {"of": 1}, "fuzz").lines == [*lines, {"unit": "c"}]


KEYS = {f"key {n}": float(n) for n in range(40)} | {"none": float("nan")}


def caches() -> list[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scores.sqlite"
        cache = ScoreCache(path, "context")
        cache.put(KEYS)
        cache.close()
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        return [path.read_bytes()]


def check_cache(data: bytes, folder: Path) -> None:
    """A score is a number or not there, and what is put is there: SQLite has no checksums that could tell more."""
    path = folder / "scores.sqlite"
    path.write_bytes(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cache = ScoreCache(path, "context")
        found = cache.get([*KEYS, "other"])
        assert all(type(score) is float for score in found.values()), found
        cache.put({"key 1": 5.0})
        found = cache.get(["key 1"])  # which may be what finds the damage, and then begins a new file
        assert found.get("key 1", 5.0) == 5.0, found
        cache.put({"key 1": 5.0})
        kept = cache.usable and cache.writable  # a byte of the header says that a file is only read
        assert not kept or cache.get(["key 1"]) == {"key 1": 5.0}
        cache.close()


# ---- published files


def reading(benchmark: str, fmt: Format, name: str) -> Callable[[bytes, Path], None]:
    def check(data: bytes, folder: Path) -> None:
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        place = path.parent if path.parent != folder else path
        known = fmt.recognises(place)
        assert known in (True, False)
        space = space_of(benchmark)
        found = Collected()
        for _, trainings in fmt.read(place, Reading(space)):
            for training in trainings:
                found.add(training)  # refuses what is infinite
                assert space.check(training.arch) == training.arch
                values = training[3:]
                assert all(type(value) is float for value in values), training
                assert type(training.seed) is int
        if not known:
            raise BadData("not recognised, so not read")

    return check


def framed(bodies: list[bytes]) -> bytes:
    """Write records as the format has them."""
    crc, parts = crc32c(), []
    for body in bodies:
        length = len(body).to_bytes(8, "little")
        parts += [
            length,
            masked(crc(length)).to_bytes(4, "little"),
            body,
            masked(crc(body)).to_bytes(4, "little"),
        ]
    return b"".join(parts)


def records() -> list[bytes]:
    space, found = space_of("nasbench101"), []
    from nassearch.benchmarks.read.formats.nasbench101_tfrecord import metrics_parser

    for arch in space.sample_many(4, np.random.default_rng(0)):
        matrix, ops = pruned(arch)
        message = type(metrics_parser()(b""))()
        message.evaluation_data.add(
            current_epoch=108, training_time=1.5, validation_accuracy=0.5, test_accuracy=0.4
        )
        bits = "".join(str(bit) for row in matrix for bit in row)
        names = ",".join(["input", *(PUBLISHED[op] for op in ops), "output"])
        metrics = base64.encodebytes(message.SerializeToString()).decode()
        found.append(json.dumps([space.key(arch), 108, bits, names, metrics]).encode())
    return found


def check_record(data: bytes, folder: Path) -> None:
    """Give one record with checksums that fit, so that what is within them is looked at."""
    reading("nasbench101", NASBench101TFRecord(), "a.tfrecord")(framed([data]), folder)


def cells() -> list[bytes]:
    space = space_of("nasbench101")
    archs = space.sample_many(3, np.random.default_rng(0))
    matrix, ops = np.zeros((3, 7, 7), np.int8), np.full((3, 7), -3, np.int8)
    for row, arch in enumerate(archs):
        edges, names = pruned(arch)
        count = len(edges)
        matrix[row, :count, :count] = edges
        ops[row, :count] = [-1, *names, -2]
    file = io.BytesIO()
    np.savez_compressed(
        file, hash=np.array([space.key(a).encode() for a in archs]), matrix=matrix, ops=ops, test_acc_108=np.full(3, 0.5, np.float32)
    )  # fmt: skip
    return [file.getvalue()]


def members() -> list[bytes]:
    from soak import member

    return [pickle.dumps(member(3), protocol=protocol) for protocol in (2, 4)]


def check_member(data: bytes, folder: Path) -> None:
    reading("nats-size", NATSFolder("sss"), "NATS-sss/000003.pickle.pbz2")(bz2.compress(data, 1), folder)


def torch_files() -> list[bytes]:
    import import_memory

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.pth"
        import_memory.write(path, 1, False)
        return [path.read_bytes()]


def speech() -> list[bytes]:
    space = space_of("nasbench-asr")
    arch = next(iter(space.all()))
    header = {"dataset_type": "training", "seed": 1234, "epochs": 3, "search_space": [], "columns": ["model_hash", "val_per", "test_per"]}  # fmt: skip
    return [pickle.dumps(header, 4) + pickle.dumps([[space.key(arch), [0.5, 0.4, 0.3], 0.35]], 4)]


def logs() -> list[bytes]:
    log = {"recepie_id": 1, "recepie": json.dumps({"h_new_0": {"op": "linear", "input": ["x", "h_prev_0"]}}), "data": "data/ptb", "epochs": 2, "val_losses": [5.5, 5.0], "test_losses": [5.4, 4.9], "wall_times": [1.0, 2.0], "status": "OK"}  # fmt: skip
    return [json.dumps(log).encode()]


def check_log(data: bytes, folder: Path) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("log_1.json", data)
    reading("nasbench-nlp", RecurrentLogs(), "logs.zip")(file.getvalue(), folder)


PLAIN = [{"a": [1, 2.5, None, True, (1, "b")], 2: {"c": b"d"}}, list(range(300)), {1, 2, 3}]


def pickles() -> list[bytes]:
    found = [pickle.dumps(value, protocol) for value in PLAIN for protocol in (2, 3, 4, 5)]
    return [*found, pickle.dumps(np.arange(6.0).reshape(2, 3), 4), pickle.dumps({"x": np.float32(1)}, 2)]


def check_pickle(data: bytes, _: Path) -> None:
    """Nothing may come out that is not plain data, and what the standard library makes of plain data, it has to make."""
    value = Unpickler(io.BytesIO(data).read, "fuzz", 1 << 24).load()
    quoted(value)


# ---- the command line

LINES = ["run rand --rounds 1 --budget 5 --dataset cifar10", "run ae --warmup 5 --scorer params --move flops --set pool=8", "score --sample 3 --proxies params,flops --json", "score 1 2 3 --proxies synflow -o a.csv", "correlate --sample 50 --proxies params --draws 5", "compare a.jsonl b.jsonl --target 90", "show a.jsonl --round 0", "plot a.jsonl -o a.svg --x seconds", "list proxies --json", "bench list", "bench info cifar10", "bench import nasbench201 a.csv --column arch=cell --scale 100", "bench fetch nasbench101 --list"]  # fmt: skip


def check_line(data: bytes, folder: Path) -> None:
    from click.testing import CliRunner

    from nassearch.cli.main import cli

    # What is right takes its time: numbers stay small, and nothing goes to the network, trains or starts workers.
    left_out = {"fetch", "build", "--all", "--workers", "--executor"}
    words = [word for word in text_of(data).replace("\0", "").split() if word not in left_out]
    words = [word[:2] if word.isdigit() else word for word in words]
    os.chdir(folder)
    result = CliRunner().invoke(cli, words, catch_exceptions=False)
    assert result.exit_code in (0, 1, 2)
    if result.exit_code == 1:
        told = [
            line for line in result.stderr.splitlines() if not line.startswith("INFO: Instrumenting ")
        ]  # atheris
        assert told and told[0].startswith("nassearch: "), result.stderr
    if result.exit_code:
        raise InvalidSetting("refused")


def targets() -> dict[str, Target]:
    found = {f"architecture, {name}": architectures(name) for name in registry.names("benchmarks")}
    return {
        **found,
        "scorer": Target(lambda: [text.encode() for text in SPECS], check_spec, "text"),
        "command line": Target(lambda: [line.encode() for line in LINES], check_line, "text"),
        "CSV": Target(sheets, check_sheet, "text"),
        "Parquet": Target(parquets, check_sheet),
        "table": Target(saved_tables, check_table, "npz"),
        "batch": Target(batches, check_batch, "npz"),
        "images": Target(images, check_images, "npz"),
        "own images": Target(_fuzz_data.pictures, _fuzz_data.check_picture),
        "own arrays": Target(_fuzz_data.arrays, partial(_fuzz_data.check_data, "a.npz"), "npz"),
        "own sheets": Target(_fuzz_data.sheets, partial(_fuzz_data.check_data, "a.csv"), "text"),
        "result": Target(results, check_result, "json"),
        "work file": Target(work_files, check_work, "json"),
        "score cache": Target(caches, check_cache),
        "pickle": Target(pickles, check_pickle, "pickle"),
        "TFRecord": Target(lambda: [framed(records())], reading("nasbench101", NASBench101TFRecord(), "a.tfrecord")),
        "TFRecord, record": Target(records, check_record, "json"),
        "NAS-Bench-101 .npz": Target(cells, reading("nasbench101", NASBench101Npz(), "a.npz"), "npz"),
        "NATS member": Target(members, check_member, "pickle"),
        ".pth": Target(torch_files, reading("nasbench201", NASBench201File(), "a.pth")),
        "NAS-Bench-ASR": Target(speech, reading("nasbench-asr", NASBenchASRPickles(), "nb.pickle"), "pickle"),
        "NAS-Bench-NLP log": Target(logs, check_log, "json"),
        "NAS-Bench-Macro": Target(_fuzz_newer.chains, reading("nasbench-macro", NASBenchMacroFile(), "a.json"), "json"),
        "TransNAS .pth": Target(_fuzz_newer.skeletons, reading("transnas-macro", TransNASFile("macro"), "a.pth"), "npz"),
        "NAS-Bench-301": Target(_fuzz_newer.genotypes, reading("nasbench301", NASBench301Files(), "a/a.json"), "json"),
        "NAS-Bench-Suite-Zero": Target(_fuzz_newer.suites, _fuzz_newer.check_scores, "json"),
        "metrics of devices": Target(partial(_fuzz_newer.latencies, Widths), partial(_fuzz_newer.check_latencies, Widths), "text"),
        **{
            f"search, {name}": Target(partial(_fuzz_newer.found, name), partial(_fuzz_newer.check_folder, name), "json")
            for name in ("search.json", "trained.jsonl", "events.jsonl", "winner.json", "spent.json")
        },
        "search, asked": Target(_fuzz_newer.steps, _fuzz_newer.check_steps, "json"),
        "serve": Target(_fuzz_newer.wishes, _fuzz_newer.check_wishes, "json"),
        "search, to export": Target(partial(_fuzz_newer.found, "winner.json"), partial(_fuzz_newer.check_choice, "winner.json"), "json"),
    }  # fmt: skip
