"""Pickles as data: equal to the standard library's where there is data, and nothing runs where there is not."""

from __future__ import annotations

import io
import os
import pickle
import pickletools
import random
import subprocess
import sys
from collections import OrderedDict, defaultdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nassearch.benchmarks.read.pickles.reader import KEPT, Unpickler
from nassearch.errors import BadData

PROTOCOLS = (2, 3, 4, 5)
KEYS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
PLAIN = st.recursive(
    KEYS | st.tuples(KEYS, KEYS) | st.frozensets(KEYS) | st.sets(KEYS),
    lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner) | st.tuples(inner, inner),
    max_leaves=30,
)


def load(data: bytes, limit: int | None = None) -> Any:
    return Unpickler(io.BytesIO(data).read, "made up", limit).load()


def shape(value: Any) -> Any:
    """Return the types of a value and of all that it holds; equal numbers may be of different types."""
    if isinstance(value, dict):
        return dict, [(shape(key), shape(inner)) for key, inner in value.items()]
    if isinstance(value, list | tuple):
        return type(value), [shape(inner) for inner in value]
    if isinstance(value, set | frozenset):
        return type(value), sorted(str(shape(inner)) for inner in value)
    return type(value)


@settings(max_examples=150, deadline=None)
@given(value=PLAIN, protocol=st.sampled_from(PROTOCOLS))
def test_plain_values_are_those_of_the_standard_library(value: Any, protocol: int) -> None:
    back = load(pickle.dumps(value, protocol))
    assert back == value
    assert shape(back) == shape(value)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_data_hold_beyond_plain_values(protocol: int) -> None:
    shared = [1.5] * 3000
    values = {
        "ordered": OrderedDict([("b", 1), ("a", OrderedDict())]),
        "default": defaultdict(list, {1: [2]}),
        "numbers": [np.float64(0.1), np.float32(0.5), np.int64(-3), np.bool_(True)],
        "twice": [shared, shared],
        "long": {f"x-valid@{i}": float(i) for i in range(2500)},
        "big": [2**70, -(2**40), 70_000, -1, "é" * 300, b"b" * 300, set(range(1200))],
    }
    back = load(pickle.dumps(values, protocol))
    assert back == values
    assert back["twice"][0] is back["twice"][1]
    assert [type(number) for number in back["numbers"]] == [float, float, int, bool]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    "array",
    [
        np.arange(6.0).reshape(2, 3),
        np.asfortranarray(np.arange(6).reshape(2, 3)),
        np.array(["a", "bcd"]),
        np.array(3, np.uint8),
        np.zeros((0, 4), np.float16),
    ],
)
def test_arrays_of_numpy(array: np.ndarray, protocol: int) -> None:
    data = pickle.dumps(array, protocol)
    for variant in (data, data.replace(b"numpy._core", b"numpy.core")):
        if variant != data and protocol > 3:
            continue  # from protocol 4 on, the length of a name stands before it
        back = load(variant)
        assert back.dtype == array.dtype
        np.testing.assert_array_equal(back, array)


def test_tensors_are_passed_over_without_torch_being_called() -> None:
    torch = pytest.importorskip("torch")
    buffer = io.BytesIO()
    weights = OrderedDict(conv=torch.ones(3, 2), bias=torch.nn.Parameter(torch.zeros(2)))
    torch.save({"weights": weights, "epochs": 12}, buffer, _use_new_zipfile_serialization=False)
    buffer.seek(0)
    unpickler = Unpickler(buffer.read, "weights.pth")
    *_, content = (unpickler.load() for _ in range(4))
    assert content["epochs"] == 12
    assert {type(weight).__name__ for weight in content["weights"].values()} == {"Inert"}
    assert {type(v).__name__ for v in load(pickle.dumps(dict(weights))).values()} == {"Inert"}


def slowly(stream: io.BytesIO, step: int, count: int) -> bytes:
    return stream.read(min(count, step))


def test_no_name_is_imported() -> None:
    code = (
        "import io, sys; from nassearch.benchmarks.read.pickles.reader import Unpickler;"
        "data = b'ctorch._utils\\n_rebuild_tensor_v2\\n(ctorch\\nFloatStorage\\ntR.';"
        "print(type(Unpickler(io.BytesIO(data).read, '').load()).__name__, 'torch' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert run.stdout.split() == ["Inert", "False"]


@pytest.mark.parametrize("step", [1, 3, 17, 1000])
def test_it_does_not_matter_how_the_bytes_come(step: int) -> None:
    value = {"a" * n: [float(n)] * n for n in range(120)}
    for protocol in (2, 4):
        stream = io.BytesIO(pickle.dumps(value, protocol) + pickle.dumps("next"))
        unpickler = Unpickler(partial(slowly, stream, step), "slow")
        assert unpickler.load() == value
        assert unpickler.load() == "next"
        with pytest.raises(BadData, match="ends before"):
            unpickler.load()


# ---- what is not data


ARRAY = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\0tC\1btR"
ARRAY_DTYPE = b"cnumpy\ndtype\n(X\2\0\0\0u1tR"


class Runs:
    """Pickles as a call: unpickled in the usual way, it makes the call."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return self.call


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_payload_does_not_run(tmp_path: Path, protocol: int) -> None:
    marker = tmp_path / "ran"
    command = f"touch {marker}"
    for payload, name in (
        (Runs(os.system, command), r"\w+\.system"),
        (Runs(eval, f"open({str(marker)!r}, 'w')"), r"\w+\.eval"),
        (Runs(exec, f"open({str(marker)!r}, 'w')"), r"\w+\.exec"),
        (Runs(open, str(marker), "w"), r"_?io\.open"),
        (Runs(getattr, os, "system"), r"\w+\.getattr"),
        (Runs(np.save, str(marker), 1), r"numpy.*save"),
        (Runs(np.load, str(marker)), r"numpy.*load"),
    ):
        for value in (payload, {"a": [payload]}, OrderedDict(a=payload), (1, (payload,))):
            try:
                data = pickle.dumps(value, protocol)
            except TypeError:
                continue  # a module cannot be written down: getattr takes its name in the next test
            with pytest.raises(BadData, match=rf"byte \d+: asks for {name}"):
                load(data)
            assert not marker.exists()
    pickle.loads(pickle.dumps(Runs(os.system, command), protocol))
    assert marker.exists(), "a payload that would not run anywhere shows nothing"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"cos\nsystem\n.", "asks for os.system"),
        (b"(S'true'\nios\nsystem\n.", "no instruction that data need"),
        (b"(cos\nsystem\nX\4\0\0\0trueo.", "asks for os.system"),
        (b"c__builtin__\ngetattr\n(cos\nenviron\n.", "asks for __builtin__.getattr"),
        (b"\x80\x04\x8c\x02os\x8c\x06system\x93.", "asks for os.system"),
        (b"\x80\x04\x8c\x05numpy\x8c\x0dndarray.dumps\x93.", "asks for numpy.ndarray.dumps"),
        (b"ctorch\nload\n.", "asks for torch.load"),
        (b"ctorch\nos.FloatStorage\n.", "asks for torch.os.FloatStorage"),
        (b"cnassearch.benchmarks.formats.pickled_names\nnamed\n.", "asks for nassearch"),
        (b"ctorch\nFloatStorage\n)R.", "calls torch.FloatStorage, which is a type"),
        (b"cnumpy\nndarray\n)R.", "calls a type"),
        (b"\x80\x02\x82\x01.", "no instruction"),  # EXT1, a name by number
        (b"\x80\x04\x8c\x02os)}\x92.", "no instruction"),  # NEWOBJ_EX
        (b"\x80\x05\x97.", "no instruction"),  # NEXT_BUFFER
        (b"X\1\0\0\0a)R.", "a str stands where a Named"),
        (b"]}X\1\0\0\0a]sb.", "a state for a list"),
        (b"ccollections\nOrderedDict\nb.", "IndexError"),
        (b"ccollections\nOrderedDict\n(](X\2\0\0\0abetR.", "something else than a list of pairs"),
        (ARRAY + b"(K\1(K\1X\1\0\0\0at" + ARRAY_DTYPE + b"\x89C\0tb.", r"the shape \(1, 'a'\)"),
        (
            ARRAY + b"(K\1(K\2t" + ARRAY_DTYPE + b"\x89C\1atb.",
            r"an array of 1 bytes that should have the shape \(2,\)",
        ),
        (ARRAY + b"(K\1(K\1t" + ARRAY_DTYPE + b"\x89]tb.", "an array of Python objects"),
        (b"cnumpy\ndtype\n(X\2\0\0\0O8tR.", "an array of 'O8'"),
        (b"cnumpy.core.multiarray\n_reconstruct\n(ccollections\nOrderedDict\ntR.", "not numpy's"),
        (b"c_codecs\nencode\n(X\1\0\0\0aX\5\0\0\0rot13tR.", "bytes written as 'rot13'"),
        (b"\x80\x06.", "protocol 6"),
        (b"]r\xff\xff\xff\x7f.", "a note of number 2147483647"),
        (b"]q\4h\0.", "a note|IndexError|never wrote"),
        (b"B\xff\xff\xff\x7fabc.", "a single value of 2147483647 bytes"),
        (b"}(K\1u.", "ValueError"),
        (b"}(]K\1u.", "TypeError"),
        (b"K\1K\2a.", "a int stands where a list"),
        (b"a.", "IndexError"),
        (b"u.", "IndexError"),
        (b")" + b"\x85" * 20 + b".", "tuples nested more than 8 times"),
        (b"<html>not found</html>", "no instruction"),
        (b"", "ends before its pickle"),
    ],
)
def test_what_is_no_data_is_refused_with_its_place(data: bytes, message: str) -> None:
    with pytest.raises(BadData, match=rf"^made up, byte \d+: .*({message})"):
        load(data)


def test_deep_nesting_ends_the_reading_and_not_the_program() -> None:
    # Hashing such a tuple overflows the stack of C, which no handler catches; so it must never be built.
    with pytest.raises(BadData, match="nested"):
        load(b"})" + b"\x85" * 1_000_000 + b"K\1s.")
    assert len(repr(load(b"]" * 50 + b"a" * 49 + b"."))) == 100


def test_what_is_held_is_limited() -> None:
    data = pickle.dumps(["x" * 1000 + str(i) for i in range(4000)])
    assert len(load(data, limit=len(data))) == 4000
    with pytest.raises(BadData, match="unpacks to more than 1048576 bytes"):
        load(data, limit=1 << 20)


def test_damage_is_noticed_or_gives_plain_values() -> None:
    value = OrderedDict(a=[1.5, {2: ("x", b"y")}], b=np.arange(3.0), c={"long": list(range(300))})
    rng = random.Random(0)
    refused = 0
    for protocol in PROTOCOLS:
        data = pickle.dumps(value, protocol)
        for cut in range(len(data)):
            with pytest.raises(BadData):
                load(data[:cut])
        for _ in range(400):
            damaged = bytearray(data)
            for _ in range(rng.randint(1, 4)):
                damaged[rng.randrange(len(data))] = rng.randrange(256)
            try:
                load(bytes(damaged))
            except BadData:
                refused += 1
    assert refused > 400  # of 1,600; the others changed a number or a letter


def test_instructions_are_those_of_the_standard_library() -> None:
    known = {op.name: ord(op.code) for op in pickletools.opcodes}
    assert (known["BINFLOAT"], known["SETITEMS"], known["MEMOIZE"]) == (0x47, 0x75, 0x94)
    assert (known["LONG_BINGET"], known["LONG_BINPUT"], known["BINUNICODE"]) == (0x6A, 0x72, 0x58)


# ---- files larger than memory


def results(count: int) -> tuple[dict[str, Any], dict[str, Any]]:
    inner = {f"x@{i}": float(i) for i in range(count)}
    return {"watched": inner, "other": 1}, inner


def test_a_watched_dictionary_is_given_out_while_the_file_is_read() -> None:
    whole = {"first": results(3)[0], "rest": [results(4)[0]], "plain": {"other": 2}}
    unpickler = Unpickler(io.BytesIO(pickle.dumps(whole)).read, "made up")
    seen = []
    for found in unpickler.walk({"watched"}):
        seen.append(len(found.pop("watched")))
    assert seen == [3, 4]
    assert unpickler.value == {"first": {"other": 1}, "rest": [{"other": 1}], "plain": {"other": 2}}


@pytest.mark.parametrize(("count", "kept"), [(KEPT, True), (KEPT + 1, False)])
def test_what_was_let_go_cannot_come_back_silently(count: int, kept: bool) -> None:
    found, inner = results(count)
    unpickler = Unpickler(io.BytesIO(pickle.dumps([found, inner])).read, "made up")
    if kept:
        assert len(list(unpickler.walk({"watched"}))) == 1
        assert unpickler.value[1] == inner
    else:
        with pytest.raises(BadData, match="refers to results that were let go"):
            list(unpickler.walk({"watched"}))


def test_an_emptied_dictionary_cannot_come_back_either() -> None:
    found, _ = results(2)
    unpickler = Unpickler(io.BytesIO(pickle.dumps([found, found])).read, "made up")
    with pytest.raises(BadData, match="let go"):
        for state in unpickler.walk({"watched"}):
            state.clear()


def test_strings_are_kept_since_later_results_share_them() -> None:
    keys = [f"x@{i}" for i in range(20)]
    whole = [{"watched": dict.fromkeys(keys, 1.0)}, {"watched": dict.fromkeys(keys, 2.0)}]
    unpickler = Unpickler(io.BytesIO(pickle.dumps(whole)).read, "made up")
    sums = []
    for state in unpickler.walk({"watched"}):
        sums.append(sum(state["watched"].values()))
        state.clear()
    assert sums == [20.0, 40.0]
