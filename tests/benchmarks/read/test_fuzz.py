"""Texts and bytes that nobody meant: what comes out is a value or an error of nassearch, never anything else."""

from __future__ import annotations

import json
import pickle
import zipfile
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import call
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from nassearch import registry
from nassearch.benchmarks.npz import read_npz
from nassearch.benchmarks.read.formats.arch_results import trainings
from nassearch.benchmarks.read.formats.base import Reading, Training
from nassearch.benchmarks.read.formats.nasbench101_npz import NASBench101Npz
from nassearch.benchmarks.read.formats.nasbench101_tfrecord import NASBench101TFRecord
from nassearch.benchmarks.read.formats.nasbench_asr import NASBenchASRPickles
from nassearch.benchmarks.read.formats.nasbench_nlp_logs import RecurrentLogs
from nassearch.benchmarks.read.official import Collected
from nassearch.benchmarks.worklog import WorkLog
from nassearch.errors import BadData, InvalidArch, NassearchError
from nassearch.scorers.spec import check_scorer, parse_spec
from nassearch.search.records import Header, parse, round_line
from nassearch.search.runner import Round
from nassearch.spaces.base import SearchSpace
from nassearch.spaces.darts.space import Darts
from nassearch.spaces.nasbench_nlp.recipes import to_arch

RNN = {"h_new_0": {"op": "linear", "input": ["x", "h_prev_0"]}}
fuzz = settings(max_examples=150, deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture])
"""Two seconds for one example is what this calls a hang; each takes milliseconds."""
LONG_NUMBER = "1" * 5000
"""Python refuses to read more than 4300 digits."""


@cache
def space_of(name: str) -> SearchSpace:
    part = registry.load("benchmarks", name)
    if getattr(part, "listed", False):  # its list comes with a file
        some = Darts().sample_many(5, np.random.default_rng(3)) if name == "nasbench301" else [to_arch(RNN)]
        return part.space_of(some)  # type: ignore[no-any-return]
    space: SearchSpace = part.make_space()
    return space


def near(texts: list[str]) -> st.SearchStrategy[str]:
    """Draw texts, and these with a piece replaced by another piece."""

    @st.composite
    def changed(draw: st.DrawFn) -> str:
        text = draw(st.sampled_from(texts))
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(len(text), start + 8)))
        piece = draw(
            st.one_of(
                st.text(max_size=6), st.sampled_from(["0", "-1", "9" * 30, "~", "|", "[", "\u00b2", "\u0661"])
            )
        )
        return text[:start] + piece + text[end:]

    return st.one_of(st.text(max_size=40), st.integers().map(str), changed())


@pytest.mark.parametrize("name", registry.names("benchmarks"))
def test_any_text_is_an_architecture_or_refused(name: str) -> None:
    space = space_of(name)
    some = [space.format(arch) for arch in space.sample_many(20, np.random.default_rng(0))]

    @fuzz
    @example(text=LONG_NUMBER)
    @example(text="\x1f0")  # white space to patterns and to strip, and not to int
    @example(text="0\x1c")
    @example(text="[" * 100_000)
    @example(text="(" * 100_000)
    @example(text="|" * 100_000)
    @given(text=near(some))
    def check(text: str) -> None:
        try:
            arch = space.parse(text)
        except InvalidArch as error:
            assert len(str(error)) < 1000, "a message is to be read"
        else:
            whole = getattr(space, "whole", space)  # a list refuses later what is not in it
            assert whole.check(arch) == arch
            assert space.parse(space.format(arch)) == arch

    check()


PLAIN = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)
VALUES = np.array([1.0, np.nan])
FIELDS = json.loads(round_line(Round(0, [(0, 1), (1, 0)], VALUES, VALUES, VALUES, 0, {"a": 1})))
FIRST = Header({"strategy": "rand"}, "0.1.0", "0123").line()


@fuzz
@example(name="archs", value=[[float("inf")], [1]])
@example(name="archs", value=[[-1], [1]])
@example(name="archs", value=[[0.5], [1]])
@example(name="archs", value=["12", "34"])
@example(name="archs", value=[{}, [1, 0]])
@example(name="archs", value=["", [1, 0]])
@example(name="valid", value=[float("inf"), 1.0])
@example(name="valid", value=[10**400, 1])
@example(name="valid", value=["1", "2"])
@example(name="valid", value=[[1], [2]])
@example(name="revisits", value=float("inf"))
@example(name="revisits", value=0.5)
@example(name="round", value=False)
@given(name=st.sampled_from([*FIELDS, "new"]), value=PLAIN)
def test_a_changed_field_of_a_result_is_damage_or_makes_a_round_that_is_written_again(
    name: str, value: Any
) -> None:
    fields = {**FIELDS, name: value}
    try:
        _, (finished,) = parse(Path("a.jsonl"), FIRST + json.dumps(fields).encode() + b"\n")
    except BadData as error:
        assert "line 2 of a.jsonl is damaged" in str(error)
    else:
        assert round_line(finished)
        assert list(map(list, finished.archs)) == fields["archs"]


@fuzz
@example(start=b"", tail=b"[" * 100_000)
@example(start=FIRST, tail=b"[" * 100_000)
@example(start=FIRST, tail=b'{"round":' + b"1" * 5000 + b"}")
@example(start=b"", tail=b"\xff")
@given(start=st.sampled_from([b"", FIRST]), tail=st.binary(max_size=200))
def test_any_bytes_are_a_result_or_refused(start: bytes, tail: bytes) -> None:
    with suppress(BadData):
        parse(Path("a.jsonl"), start + tail + b"\n")


@fuzz
@example(content=b"[" * 100_000 + b"\n")
@example(content=b'{"of": 1}\n' + b"\xff\n")
@example(content=b'{"of": 1}\n' + b"1" * 5000 + b"\n")
@given(
    content=st.one_of(st.binary(max_size=60), st.binary(max_size=60).map(lambda tail: b'{"of": 1}\n' + tail))
)
def test_any_bytes_are_a_work_file_or_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "work.jsonl"
    path.write_bytes(content)
    with suppress(BadData):
        WorkLog(path, {"of": 1}, "fuzz")


SPECS = [
    "synflow(estimator=sampled, seed=3)",
    "rank(epsilon, synflow)",
    "epsilon(weights=(1e-7, 1))",
    "vote(a, b, c)",
]


@fuzz
@example(text="(" * 100_000)
@example(text="-" * 100_000 + "1")
@example(text="a(x=" + "-" * 5000 + "1)")
@example(text="a(x=" + "[" * 150 + "]" * 150 + ")")
@example(text="a(" * 90 + ")" * 90)
@example(text="rank(" * 60 + "synflow,params" + ",params)" * 60)
@example(text=f"a(x={LONG_NUMBER})")
@example(text="a(x=1+2j, y={1: [2]}, z={[]: 1})")
@example(text="a(x=1, x=2)")
@example(text="a\0")
@example(text="\ud800")
@given(text=near(SPECS))
def test_any_text_is_a_scorer_or_refused(text: str) -> None:
    with suppress(NassearchError):
        parse_spec(text)
    with suppress(NassearchError):
        check_scorer(text)


@fuzz
@given(content=st.binary(max_size=300), place=st.integers(0, 60), cut=st.integers(0, 60))
def test_any_bytes_are_records_or_refused(content: bytes, place: int, cut: int, tmp_path: Path) -> None:
    fmt = NASBench101TFRecord()
    path = tmp_path / "nasbench.tfrecord"
    path.write_bytes(content)
    assert fmt.recognises(path) in (True, False)
    with suppress(NassearchError):
        for _ in fmt.read(path, Reading(space_of("nasbench101"))):
            pass


COMMANDS = ["run", "score", "correlate", "compare", "show", "plot", "list", "bench"]
WORDS = st.one_of(
    st.sampled_from(
        [
            "rand", "ae", "rl", "bp", "synflow", "params", "list", "info", "import", "fetch", "proxies", "nats-size",
            "--proxies", "--sample", "--seed", "--json", "--set", "--budget", "--rounds", "--dataset", "--metric",
            "--benchmark", "--workers", "--executor", "--move", "--warmup", "--model", "--input", "--classes",
            "--count", "--scale", "--epochs", "--column", "--list", "--file", "-o", "-h", "0", "-1", "1e9", "nan",
            "a.csv", "x=1", "valid=[[", "1,2,3", "/dev/null", ".", "nothing.csv", LONG_NUMBER,
        ]
    ),
    st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=6),
)  # fmt: skip


@settings(fuzz, max_examples=200)
@given(name=st.sampled_from(COMMANDS), words=st.lists(WORDS, max_size=6))
def test_any_arguments_end_in_a_status(
    name: str, words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    # What is right takes its time: this is about what is wrong.
    result = call(name, *words, *(["--rounds", "0"] if name == "run" else []))
    assert result.exit_code in (0, 1, 2)
    if result.exit_code == 1:
        assert result.stderr.startswith("nassearch: ")


# ---- what experiments/stress/fuzz.py found


def test_a_member_of_an_archive_that_is_no_array(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, inputs=np.zeros((2, 1, 4), np.float32))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("labels.npy", b"not an array")  # numpy gives these bytes as they are
    with pytest.raises(BadData, match="labels is no array; remedy"):
        read_npz(path, "remedy")


@pytest.mark.parametrize(
    "change", [{"epochs": 10**400}, {"val_losses": [10**400, 1.0]}, {"wall_times": [1, -(10**400)]}]
)
def test_numbers_of_a_log_that_no_float_holds(change: dict[str, Any], tmp_path: Path) -> None:
    log = {"recepie": json.dumps(RNN), "data": "ptb", "epochs": 2, "status": "OK"}
    log |= {"val_losses": [5.5, 5.0], "test_losses": [5.5, 5.0], "wall_times": [1.0, 1.0]} | change
    with zipfile.ZipFile(tmp_path / "logs.zip", "w") as archive:
        archive.writestr("log_1.json", json.dumps(log))
    with suppress(BadData):
        assert list(RecurrentLogs().read(tmp_path / "logs.zip", Reading(space_of("nasbench-nlp")))) == []


@pytest.mark.parametrize(
    "row", [[["unhashable"], [0.5], 0.5], [None, [0.5], 0.5], [0, [10**400], 0.5], [0, [0.5], 10**400]]
)
def test_rows_of_nasbench_asr_that_are_none(row: list[Any], tmp_path: Path) -> None:
    space = space_of("nasbench-asr")
    row = [space.key(next(iter(space.all()))) if row[0] == 0 else row[0], *row[1:]]
    header = {
        "dataset_type": "training",
        "seed": 1,
        "epochs": 1,
        "columns": ["model_hash", "val_per", "test_per"],
    }
    path = tmp_path / "nb.pickle"
    path.write_bytes(pickle.dumps(header) + pickle.dumps([row]))
    with pytest.raises(BadData, match="row 1: "):
        list(NASBenchASRPickles().read(path, Reading(space)))


@pytest.mark.parametrize(("index", "accuracy"), [(3.0, 1.0), (True, 1.0), ("3", 1.0), (3, 10**400)])
def test_numbers_of_nats_that_are_none(index: Any, accuracy: Any) -> None:
    result = {"epochs": 90, "eval_acc1es": {"x-valid@89": accuracy, "x-test@89": 2.0}}
    state = {"arch_str": "8:8:8:8:32", "arch_index": index, "all_results": {("cifar100", 777): result}}
    with pytest.raises(BadData, match=r"stands at|are not those"):
        trainings(state, 90, Reading(space_of("nats-size")))


@pytest.mark.parametrize("change", [{"train_times": (1.0,)}, {"train_times": {0: 1.0}}, {"train_times": 5}])
def test_training_times_of_nats_for_other_epochs(change: dict[str, Any]) -> None:
    result = {"epochs": 90, "eval_acc1es": {"x-valid@89": 1.0, "x-test@89": 2.0}, **change}
    state = {"arch_str": "8:8:8:8:32", "arch_index": 3, "all_results": {("cifar100", 777): result}}
    with pytest.raises(BadData, match="are not those"):
        trainings(state, 90, Reading(space_of("nats-size")))


@pytest.mark.parametrize("index", [10**5000, [10**5000]], ids=["number", "list"])
def test_an_index_of_nats_that_cannot_be_written_out(index: Any) -> None:
    state = {"arch_str": "8:8:8:8:32", "arch_index": index, "all_results": {}}
    with pytest.raises(BadData, match=r"stands at .*a whole number of 16610 bits"):
        trainings(state, 90, Reading(space_of("nats-size")))


def test_an_archive_without_the_arrays_of_nasbench101(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", hash=np.zeros(1, "S32"), matrix=np.zeros((1, 7, 7), np.int8))
    with pytest.raises(BadData, match="has the arrays hash, matrix, not"):
        list(NASBench101Npz().read(tmp_path / "a.npz", Reading(space_of("nasbench101"))))


def test_a_seed_that_no_column_holds() -> None:
    for seed in (2**70, 1.5, "1"):
        with pytest.raises(BadData, match="no whole number of 64 bits"):
            Collected().add(Training((0,), "cifar10", seed, 1.0, 1.0, 1.0))  # type: ignore[arg-type]


def test_a_value_that_no_table_holds() -> None:
    for values in ((float("inf"), 1.0, 1.0), (1.0, -float("inf"), 1.0), (1.0, 1.0, float("inf"))):
        with pytest.raises(BadData, match=r"inf.*, which is not finite; get the file again"):
            Collected().add(Training((0,), "cifar10", 0, *values))
