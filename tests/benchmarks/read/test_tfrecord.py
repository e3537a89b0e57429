"""TFRecord files and the published files of NAS-Bench-101: read right, refused where damaged, never run."""

from __future__ import annotations

import base64
import builtins
import json
import pickle
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nassearch.benchmarks.read.formats.base import Reading, Training
from nassearch.benchmarks.read.formats.nasbench101_npz import NASBench101Npz
from nassearch.benchmarks.read.formats.nasbench101_tfrecord import NASBench101TFRecord
from nassearch.benchmarks.read.formats.tfrecord import looks_like_tfrecord, masked, records
from nassearch.errors import BadData, InvalidSetting
from nassearch.spaces.nasbench101.archs import PUBLISHED, pruned
from nassearch.spaces.nasbench101.space import NASBench101
from nassearch.types import Arch

crc = pytest.importorskip("google_crc32c").value
pytest.importorskip("google.protobuf")

SPACE = NASBench101()
ARCHS = [SPACE.parse(text) for text in ("1:", "10-1:conv1x1", "110-01-1:conv3x3,maxpool3x3")]
OFFICIAL, NPZ = NASBench101TFRecord(), NASBench101Npz()


def framed(*bodies: bytes) -> bytes:
    """Write records as the format has them."""
    parts = []
    for body in bodies:
        length = struct.pack("<Q", len(body))
        parts += [length, struct.pack("<I", masked(crc(length))), body, struct.pack("<I", masked(crc(body)))]
    return b"".join(parts)


def double(field: int, value: float) -> bytes:
    return bytes([field << 3 | 1]) + struct.pack("<d", value)


def message(epochs: float, valid: float, test: float, seconds: float) -> bytes:
    """Write the protobuf of a training byte by byte, with a checkpoint path and an unknown field in it."""
    data = b""
    for share in (0.0, 0.5, 1.0):
        evaluation = double(1, share * epochs) + double(2, share * seconds) + double(3, 1.0)
        evaluation += double(4, share * valid) + double(5, share * test) + b"\x32\x04path" + double(9, 7.0)
        data += b"\x0a" + bytes([len(evaluation)]) + evaluation
    return data + b"\x10\xac\x02" + double(3, 2 * seconds)


def record(
    arch: Arch,
    valid: float,
    test: float,
    seconds: float,
    epochs: int = 108,
    reached: float | None = None,
    **other: Any,
) -> bytes:
    """Write a record as the official files have them; `other` replaces fields."""
    matrix, ops = pruned(arch)
    fields = {
        "hash": SPACE.key(arch),
        "epochs": epochs,
        "bits": "".join(str(bit) for row in matrix for bit in row),
        "ops": ",".join(["input", *(PUBLISHED[op] for op in ops), "output"]),
        "metrics": base64.encodebytes(
            message(epochs if reached is None else reached, valid, test, seconds)
        ).decode(),
    }
    return json.dumps(list((fields | other).values())).encode()


def read(path: Path, epochs: int | None = None, form: Any = OFFICIAL) -> tuple[list[Training], Reading]:
    reading = Reading(SPACE, epochs)
    units = list(form.read(path, reading))
    assert len({name for name, _ in units}) == len(units)
    return [training for _, trainings in units for training in trainings], reading


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def written(*bodies: bytes, cut: int | None = None) -> Path:
        path = tmp_path / "made.tfrecord"
        path.write_bytes(framed(*bodies)[:cut])
        return path

    return written


def test_the_checksum_is_castagnolis_and_masked_as_published() -> None:
    assert crc(b"123456789") == 0xE3069283  # the check value of CRC-32C
    assert masked(0) == 0xA282EAD8
    assert masked(1 << 15) == 0xA282EAD9


def test_records_come_back(write: Callable[..., Path]) -> None:
    bodies = [b"", b"one", bytes(range(256)) * 100]
    path = write(*bodies)
    read_back = list(records(path))
    assert [body for _, body in read_back] == bodies
    assert read_back[-1][0] == path.stat().st_size
    assert looks_like_tfrecord(path)


@pytest.mark.parametrize("cut", [1, 11, 12, 14, 15, 18])
def test_a_truncated_file_names_the_record(write: Callable[..., Path], cut: int) -> None:
    whole = len(framed(b"first"))
    with pytest.raises(BadData, match=f"ends within record 2, which begins at byte {whole}"):
        list(records(write(b"first", b"two", cut=whole + cut)))


@pytest.mark.parametrize("place", range(len(framed(b"first", b"two"))))
def test_a_changed_byte_names_the_record(write: Callable[..., Path], place: int) -> None:
    path = write(b"first", b"two")
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    number = 1 if place < len(framed(b"first")) else 2
    with pytest.raises(BadData, match=f"record {number} at byte .* (damaged|does not fit)"):
        list(records(path))


def test_a_length_beyond_reason_reserves_no_memory(tmp_path: Path) -> None:
    length = struct.pack("<Q", 1 << 60)
    path = tmp_path / "long.tfrecord"
    path.write_bytes(length + struct.pack("<I", masked(crc(length))) + b"x")
    assert not looks_like_tfrecord(path)
    with pytest.raises(BadData, match="its length is damaged"):
        list(records(path))


@pytest.mark.parametrize("content", [b"", b"short", b"PK\x03\x04" + bytes(40), b"hash,acc\n1,2\n", bytes(64)])
def test_other_files_are_not_recognised(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other"
    path.write_bytes(content)
    assert not OFFICIAL.recognises(path)
    assert not NPZ.recognises(path)
    assert not OFFICIAL.recognises(tmp_path)
    assert not NPZ.recognises(tmp_path)
    assert not OFFICIAL.recognises(tmp_path / "absent")


def test_three_trainings_of_a_cell_in_order_of_appearance(write: Callable[..., Path]) -> None:
    path = write(
        record(ARCHS[2], 0.9, 0.8, 100),
        record(ARCHS[0], 0.5, 0.25, 10),
        record(ARCHS[2], 0.92, 0.81, 101),
        record(ARCHS[2], 0.91, 0.82, 102),
    )
    assert OFFICIAL.recognises(path)
    trainings, reading = read(path)
    assert trainings == [
        Training(ARCHS[2], "cifar10", 0, 90.0, 80.0, 100.0),
        Training(ARCHS[0], "cifar10", 0, 50.0, 25.0, 10.0),
        Training(ARCHS[2], "cifar10", 1, 92.0, 81.0, 101.0),
        Training(ARCHS[2], "cifar10", 2, 91.0, 82.0, 102.0),
    ]
    assert not reading.dropped


def test_epochs_are_chosen_and_the_others_counted(write: Callable[..., Path]) -> None:
    path = write(*(record(ARCHS[1], 0.01 * e**0.5, 0.5, e, epochs=e) for e in (4, 12, 36, 108)))
    (training,), reading = read(path)
    assert training.seconds == 108
    assert dict(reading.dropped) == {f"trained for {e} epochs, not 108": 1 for e in (4, 12, 36)}
    (training,), _ = read(path, epochs=12)
    assert training.seconds == 12
    with pytest.raises(InvalidSetting, match="holds trainings of 4, 12, 36, 108 epochs, none of 200"):
        read(path, epochs=200)


def test_an_unpruned_cell_is_the_pruned_one_and_one_outside_is_dropped(write: Callable[..., Path]) -> None:
    unpruned: dict[str, Any] = {"bits": "001000000", "ops": "input,conv3x3-bn-relu,output"}
    large = "".join("1" if j > i else "0" for i in range(8) for j in range(8))
    ops = ",".join(["input", *["maxpool3x3"] * 6, "output"])
    path = write(
        record(ARCHS[0], 0.5, 0.5, 1, **unpruned),
        record(ARCHS[0], 0.5, 0.5, 1, hash="eight", bits=large, ops=ops),
    )
    trainings, reading = read(path)
    assert [training.arch for training in trainings] == [ARCHS[0]]
    assert reading.dropped == {"a cell outside the space": 1}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hash": "0" * 32}, "the hash of its cell is [0-9a-f]{32}, not 0{32}"),
        ({"arch": ARCHS[0], "hash": SPACE.key(ARCHS[1])}, "the hash of its cell is [0-9a-f]{32}, not"),
        ({"bits": "01"}, "'01' is not a square of zeros and ones"),
        ({"bits": "0120"}, "is not a square"),
        ({"metrics": "****"}, "no evaluation in its metrics"),
        ({"metrics": "A"}, "not one of NAS-Bench-101"),
        ({"metrics": base64.b64encode(b"\x0a\xff").decode()}, "not one of NAS-Bench-101"),
        ({"epochs": "108", "reached": 108}, "not a list of hash, epochs, matrix, operations and metrics"),
        ({"extra": 1}, "not a list of hash"),
        ({"reached": 54}, "the last evaluation is at epoch 54 of 108"),
        ({"valid": 1.5}, "accuracies 1.5 and 0.5 are not between 0 and 1"),
        ({"test": float("nan")}, "accuracies 0.5 and nan are not"),
    ],
)
def test_a_record_that_is_wrong_is_named(
    write: Callable[..., Path], changes: dict[str, Any], message: str
) -> None:
    right = {"arch": ARCHS[1], "valid": 0.5, "test": 0.5, "seconds": 1.0}
    with pytest.raises(BadData, match=f"made.tfrecord, record 2: .*{message}.*get the file again"):
        read(write(record(**right), record(**(right | changes))))  # type: ignore[arg-type]


@pytest.mark.parametrize("body", [b"", b"\xff", b"{}", b"[" * 100_000, pickle.dumps(print), b"import os"])
def test_a_record_that_is_no_json_list_is_refused(write: Callable[..., Path], body: bytes) -> None:
    with pytest.raises(BadData, match="record 1"):
        read(write(body))


@pytest.mark.parametrize("library", ["google_crc32c", "google.protobuf"])
def test_a_missing_library_is_named(
    write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, library: str
) -> None:
    from nassearch.benchmarks.read.formats import nasbench101_tfrecord

    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == library:
            raise ImportError(name)
        return real(name, *rest)

    path = write(record(ARCHS[0], 0.5, 0.5, 1))
    nasbench101_tfrecord.metrics_parser.cache_clear()
    monkeypatch.setattr(builtins, "__import__", without)
    assert OFFICIAL.recognises(path)
    with pytest.raises(InvalidSetting, match=r"pip install 'nassearch\[tfrecord\]'"):
        read(path)


def test_a_real_file_of_small_cells(real_data: Path) -> None:
    path = real_data / "formats" / "energy_4V9E.tfrecord"
    assert OFFICIAL.recognises(path)
    trainings, reading = read(path)
    assert len(trainings) == 273
    assert len({(t.arch, t.seed) for t in trainings}) == 91 * 3
    assert {t.seed for t in trainings} == {0, 1, 2}
    assert set(reading.dropped) == {f"trained for {e} epochs, not 108" for e in (4, 12, 36)}
    assert all(10 <= t.valid <= 95 and 10 <= t.test <= 95 and t.seconds > 0 for t in trainings)


def arrays(archs: Sequence[Arch]) -> dict[str, Any]:
    """Return the arrays of a .npz about some cells, each with its own accuracy."""
    matrix = np.zeros((len(archs), 7, 7), dtype=np.uint8)
    ops = np.full((len(archs), 7), -3, dtype=np.int8)
    for row, arch in enumerate(archs):
        adjacency, inner = pruned(arch)
        size = len(adjacency)
        matrix[row, :size, :size] = adjacency
        ops[row, :size] = [-1, *inner, -2]
    return {
        "hash": np.array([SPACE.key(arch).encode() for arch in archs]),
        "matrix": matrix,
        "ops": ops,
        "test_acc_108": np.linspace(0.5, 0.75, len(archs)),
    }


def test_arrays_come_back(tmp_path: Path) -> None:
    archs = [*ARCHS, *SPACE.sample_many(300, np.random.default_rng(0))]
    path = tmp_path / "cells.npz"
    np.savez(path, **arrays(archs))
    assert NPZ.recognises(path)
    assert not OFFICIAL.recognises(path)
    trainings, _ = read(path, form=NPZ)
    assert [t.arch for t in trainings] == archs
    assert [t.test for t in trainings] == (100 * np.linspace(0.5, 0.75, len(archs))).tolist()
    assert all(np.isnan(t.valid) and np.isnan(t.seconds) and t.seed == 0 for t in trainings)
    assert len(read(path, epochs=108, form=NPZ)[0]) == len(archs)
    with pytest.raises(InvalidSetting, match="of 108 epochs, none of 36"):
        read(path, epochs=36, form=NPZ)


def change(row: dict[str, Any], name: str, place: tuple[int, ...], value: Any) -> dict[str, Any]:
    changed = {key: array.copy() for key, array in row.items()}
    changed[name][place] = value
    return changed


@pytest.mark.parametrize(
    ("name", "place", "value", "message"),
    [
        ("hash", (1,), b"0" * 32, "row 1: the hash of its cell is"),
        ("matrix", (2, 3, 1), 1, "row 2: no pruned cell"),
        ("matrix", (2, 0, 1), 2, "row 2: no pruned cell"),
        ("ops", (2, 1), 3, "row 2: no pruned cell"),
        ("ops", (2, 0), 0, "row 2: no pruned cell"),
        ("ops", (2, 6), 0, "row 2: no pruned cell"),
        ("test_acc_108", (0,), 1.5, "row 0: no pruned cell .* with an accuracy from 0 to 1"),
        ("test_acc_108", (0,), np.nan, "row 0: no pruned cell"),
    ],
)
def test_arrays_that_are_wrong_name_the_row(
    tmp_path: Path, name: str, place: tuple[int, ...], value: Any, message: str
) -> None:
    path = tmp_path / "cells.npz"
    np.savez(path, **change(arrays(ARCHS), name, place, value))
    with pytest.raises(BadData, match=message):
        read(path, form=NPZ)


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("matrix", np.zeros((3, 6, 6), dtype=np.uint8)),
        ("test_acc_108", np.zeros(2)),
        ("ops", np.zeros((3, 7))),
        ("hash", np.arange(3)),
        ("hash", np.float64(1)),
    ],
)
def test_arrays_of_another_kind_are_refused(tmp_path: Path, name: str, array: Any) -> None:
    path = tmp_path / "cells.npz"
    np.savez(path, **(arrays(ARCHS) | {name: array}))
    with pytest.raises(BadData, match=r"cells\.npz"):
        read(path, form=NPZ)


class Planted:
    """Leaves a mark when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.mark,)


def test_what_is_planted_in_an_array_does_not_run(tmp_path: Path) -> None:
    mark, path = tmp_path / "mark", tmp_path / "cells.npz"
    pickle.loads(pickle.dumps(Planted(mark)))
    assert mark.exists(), "the payload would work"
    mark.unlink()
    hashes = np.array([Planted(mark)] * len(ARCHS), dtype=object)
    np.savez(path, **(arrays(ARCHS) | {"hash": hashes}))
    assert NPZ.recognises(path)
    with pytest.raises(BadData, match=r"cells\.npz"):
        read(path, form=NPZ)
    assert not mark.exists()
