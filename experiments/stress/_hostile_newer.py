"""Hostile files of the newer kinds: benchmarks in JSON, published scores, metrics of devices, folders of searches."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from _hostile_inputs import GB, MB, ODD, Arguments, case, packed, places, repeated, replaced

sys.path.append(str(Path(__file__).parents[2] / "tests" / "support"))
SCORE = ["score", "1", "--proxies", "table(given.json, synflow, dataset=cifar10)"]
MACRO = ["bench", "import", "nasbench-macro", "given.json"]
CELL = '"(4, 0, 3, 1, 4, 3)": {"synflow": '


def in_json(name: str, before: str, piece: Callable[[], Iterator[bytes]], after: str = "") -> None:
    """Put pieces where a score or an accuracy stands."""

    @case("published JSON", name)
    def make(folder: Path) -> Iterator[Arguments]:
        starts = {"macro": '{"02012100": {"test_acc": [', "scores": f'{{"cifar10": {{{CELL}'}
        ends = {"macro": "]}}", "scores": "}}}"}
        for kind, command in (("macro", MACRO), ("scores", SCORE)):
            pieces = iter([(starts[kind] + before).encode(), *piece(), (after + ends[kind]).encode()])
            packed(folder / "given.json", pieces, "plain")
            yield command


in_json("lists in lists, 100,000 deep", "[" * 100_000, lambda: iter([b""]), "]" * 100_000)
in_json("objects in objects, 10,000 deep", '{"a":' * 10_000, lambda: iter([b"1"]), "}" * 10_000)
in_json("a number of a million digits", "", lambda: iter([b"9" * MB]))
in_json("numbers beyond floats, NaN and infinite ones", "", lambda: iter([b"1e999"]))
in_json("400 MB of blanks", "", lambda: iter([*repeated(b" ", 400 * MB), b"1"]))
in_json("a list of 60 million lists", "[", lambda: iter([*repeated(b"[],", 180 * MB), b"1"]), "]")
in_json("a text of 400 MB", '"', lambda: iter(repeated(b"x", 400 * MB)), '"')


@case("published JSON", "two million architectures, one twice, 2 GB in gzip, a list where an object belongs")
def many(folder: Path) -> Iterator[Arguments]:
    keys = (f'"{i:012d}": {{"synflow": 1.5}}, '.encode() * 1 for i in range(2_000_000))
    packed(folder / "given.json", iter([b'{"cifar10": {', *keys, b'"3": {"synflow": 1}}}']), "plain")
    yield SCORE
    (folder / "given.json").write_text('{"cifar10": {"3": {"synflow": 1}, "3": {"synflow": 2}}}')
    yield SCORE
    packed(folder / "given.json", iter([b"[", *repeated(b" ", 2 * GB)]), "gzip")
    yield SCORE
    for text in ('{"02012100": []}', "[]", "{}", '{"test_acc": {"test_acc": 1}}'):
        (folder / "given.json").write_text(text)
        yield MACRO


@case("sheet", "metrics of devices: 1 GB of blank lines, a million rows of one cell, values beyond floats")
def latencies(folder: Path) -> Iterator[Arguments]:
    command = ["bench", "import", "nasbench201", "given.csv", "--dataset", "cifar10"]
    head = b"net,edgegpu_latency\n"
    for pieces, how in (
        ([*repeated(b"\n", GB)], "bzip2"),
        ([*repeated(b'"(0, 0, 0, 0, 0, 0)",1\n', 24 * MB)], "plain"),
        ([b'"(0, 0, 0, 0, 0, 0)",1e999\n'], "plain"),
        ([b'"(' + b"0, " * 100_000 + b'0)",1\n'], "plain"),
        ([b'"(0, 0, 0, 0, 0, 0)",' + b"9" * 5000 + b"\n"], "plain"),
    ):
        packed(folder / "given.csv", iter([head, *pieces]), how)
        yield command


WATCHED: list[list[str]] = [
    ["watch", "found", "--json"],
    ["report", "found", "--json"],
    ["export", "found", "--force"],
]


def a_search(folder: Path) -> Path:
    from search_folders import WINNER, entries, write_folder

    path = write_folder(folder / "found", entries(3), winner=WINNER)
    (path / "spent.json").write_text('{"seconds": 812.5}')
    return path


@case("search folders", "a value of each file replaced by every kind of JSON, read in three ways by turns")
def odd_folders(folder: Path) -> Iterator[Arguments]:
    number = 0
    for name in ("search.json", "winner.json", "spent.json", "trained.jsonl", "events.jsonl"):
        path = a_search(folder) / name
        lines = path.read_text().splitlines()
        for line, text in enumerate(lines[:2]):
            base: Any = json.loads(text)
            for place in places(base):
                for odd in ODD:
                    number += 1
                    if number % 41:
                        continue
                    changed = [*lines[:line], replaced(base, place, odd), *lines[line + 1 :]]
                    path.write_text("".join(f"{each}\n" for each in changed))
                    yield WATCHED[number // 41 % len(WATCHED)]
        path.write_text("".join(f"{each}\n" for each in lines))


@case("search folders", "large and deep: a line of 300 MB, lists in lists, a folder in the place of a file")
def large_folders(folder: Path) -> Iterator[Arguments]:
    for name in ("search.json", "winner.json", "spent.json", "trained.jsonl", "events.jsonl"):
        path = a_search(folder) / name
        before = path.read_bytes()
        for pieces in ([*repeated(b"x", 300 * MB)], [b"[" * 100_000], [before, *repeated(b"[],", 60 * MB)]):
            packed(path, iter(pieces), "plain")
            yield WATCHED[0]
        path.unlink()
        path.mkdir()
        yield WATCHED[0]
        path.rmdir()
        path.write_bytes(before)
