"""The official files of NAS-Bench-101 (Ying et al., 2019), nasbench_only108.tfrecord and nasbench_full.tfrecord."""

from __future__ import annotations

import binascii
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from nassearch.benchmarks.read.formats.base import Format, Reading, Training
from nassearch.benchmarks.read.formats.hashes101 import check_hash
from nassearch.benchmarks.read.formats.tfrecord import looks_like_tfrecord, records
from nassearch.errors import BadData, InvalidArch, InvalidSetting
from nassearch.files.plain_json import read_json
from nassearch.spaces.nasbench101.archs import cell
from nassearch.types import Arch

EPOCHS = 108
LONGEST, MOST_CELLS, MOST_BUDGETS = 1000, 4_300_000, 1000
"""Characters of a cell, which are some 150; cells, which are 423,624; lengths of trainings, which are four."""
UNIT = 10_000
"""Records in a unit."""


class NASBench101TFRecord(Format):
    """One record per training: JSON of hash, epochs, the bits of the matrix, operations and a protobuf in base64.

    The protobuf holds evaluations before, halfway through and at the end of the training; the last is taken. The
    trainings of a cell have no published seed: they are 0, 1, 2 in the order of the file. That order is only known
    from the beginning on, so the units cannot be read one by one.
    """

    name: ClassVar[str] = "NAS-Bench-101 TFRecord"
    checksums: ClassVar[Mapping[str, str]] = {
        "nasbench_only108.tfrecord": "sha256:4c39c3936e36a85269881d659e44e61a245babcb72cb374eacacf75d0e5f4fd1",
        "nasbench_full.tfrecord": "sha256:3d64db8180fb1b0207212f9032205064312b6907a3bbc81eabea10db2f5c7e9c",
    }

    def recognises(self, path: Path) -> bool:
        return path.is_file() and looks_like_tfrecord(path)

    def read(self, path: Path, reading: Reading) -> Iterator[tuple[str, list[Training]]]:
        epochs = EPOCHS if reading.epochs is None else reading.epochs
        parse = metrics_parser()
        size, number = path.stat().st_size, 0
        archs: dict[tuple[str, str, str], Arch | None] = {}
        named: dict[str, Arch] = {}
        trained: Counter[str] = Counter()
        other: Counter[int] = Counter()
        trainings: list[Training] = []
        for number, (done, record) in enumerate(records(path), start=1):
            try:
                key, budget, bits, ops, metrics = _fields(record)
                if budget != epochs:
                    other[budget] += 1
                    if len(other) > MOST_BUDGETS:
                        raise BadData(f"more than {MOST_BUDGETS} different numbers of epochs")
                else:
                    written = (key, bits, ops)
                    if written not in archs:
                        if len(archs) >= MOST_CELLS:
                            raise BadData(f"more than {MOST_CELLS} different cells")
                        archs[written] = _arch(bits, ops)
                        check_hash(reading, archs[written], key, len(archs))
                    arch = archs[written]
                    if arch is None:
                        reading.dropped["a cell outside the space"] += 1
                    else:
                        if named.setdefault(key, arch) != arch:
                            raise BadData(f"{key} is the hash of another cell before")
                        message = parse(binascii.a2b_base64(metrics))
                        trainings.append(_training(arch, trained[key], message, epochs))
                        trained[key] += 1
            except BadData as error:
                raise BadData(f"{path}, record {number}: {error}; get the file again") from error
            except Exception as error:  # protobuf, binascii and json each raise their own kinds
                what = f"not one of NAS-Bench-101 ({error})"
                raise BadData(f"{path}, record {number}: {what}; get the file again") from error
            if number % UNIT == 0:
                yield f"records {number - UNIT + 1} to {number}", trainings
                trainings = []
                if reading.progress is not None:
                    reading.progress(done, size)
        if not trained and other:
            known = ", ".join(map(str, sorted(other)))
            raise InvalidSetting(f"{path} holds trainings of {known} epochs, none of {epochs}")
        for budget, count in sorted(other.items()):
            reading.dropped[f"trained for {budget} epochs, not {epochs}"] += count
        if trainings:
            yield f"records {number - number % UNIT + 1} to {number}", trainings
        if reading.progress is not None:
            reading.progress(size, size)


def _fields(record: bytes) -> tuple[str, int, str, str, str]:
    fields = read_json(record, 100)
    if not isinstance(fields, list) or [type(field) for field in fields] != [str, int, str, str, str]:
        raise BadData("not a list of hash, epochs, matrix, operations and metrics")
    key, budget, bits, ops, metrics = fields
    if len(key) + len(bits) + len(ops) > LONGEST:
        raise BadData(f"a cell of {len(key) + len(bits) + len(ops)} characters; none has more than {LONGEST}")
    return key, budget, bits, ops, metrics


def _arch(bits: str, ops: str) -> Arch | None:
    """Return the cell of a record, None where it is outside the space."""
    size = round(len(bits) ** 0.5)
    if size * size != len(bits) or set(bits) - {"0", "1"}:
        raise BadData(f"{bits!r} is not a square of zeros and ones")
    try:
        return cell(
            [[int(bit) for bit in bits[v * size : (v + 1) * size]] for v in range(size)], ops.split(",")
        )
    except InvalidArch:
        return None


def _training(arch: Arch, seed: int, metrics: Any, epochs: int) -> Training:
    if not metrics.evaluation_data:
        raise BadData("no evaluation in its metrics")
    last = metrics.evaluation_data[-1]
    if last.current_epoch != epochs:
        raise BadData(f"the last evaluation is at epoch {last.current_epoch:g} of {epochs}")
    valid, test = last.validation_accuracy, last.test_accuracy
    if not (0 <= valid <= 1 and 0 <= test <= 1):
        raise BadData(f"accuracies {valid:g} and {test:g} are not between 0 and 1")
    return Training(arch, "cifar10", seed, 100 * valid, 100 * test, last.training_time)


@cache
def metrics_parser() -> Any:
    """Return what turns the bytes of a ModelMetrics message into an object with its fields.

    The messages are described here as they were published, so that no generated code is needed. Left out is the
    path of a checkpoint; the parser passes over fields that are not described.

    Raises:
        InvalidSetting: protobuf is not installed.
    """
    try:
        from google.protobuf import (  # type: ignore[import-untyped]
            descriptor_pb2,
            descriptor_pool,
            message_factory,
        )
    except ImportError as error:
        raise InvalidSetting(
            "reading the files of NAS-Bench-101 needs protobuf: pip install 'nassearch[tfrecord]'"
        ) from error
    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(
        name="nassearch/nasbench101.proto", package="nassearch.nasbench101"
    )
    evaluation = file.message_type.add(name="EvaluationData")
    names = ("current_epoch", "training_time", "train_accuracy", "validation_accuracy", "test_accuracy")
    for number, name in enumerate(names, start=1):
        evaluation.field.add(name=name, number=number, type=field.TYPE_DOUBLE, label=field.LABEL_OPTIONAL)
    metrics = file.message_type.add(name="ModelMetrics")
    metrics.field.add(
        name="evaluation_data",
        number=1,
        type=field.TYPE_MESSAGE,
        type_name=".nassearch.nasbench101.EvaluationData",
        label=field.LABEL_REPEATED,
    )
    metrics.field.add(
        name="trainable_parameters", number=2, type=field.TYPE_INT32, label=field.LABEL_OPTIONAL
    )
    metrics.field.add(name="total_time", number=3, type=field.TYPE_DOUBLE, label=field.LABEL_OPTIONAL)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    message = pool.FindMessageTypeByName("nassearch.nasbench101.ModelMetrics")
    return message_factory.GetMessageClass(message).FromString
