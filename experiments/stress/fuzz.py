"""Give every parser valid inputs that were changed, for a while: no uncaught exception, no hang, no silent acceptance.

    python experiments/stress/fuzz.py --seconds 600 --out fuzz.md [--only CSV --only result] [--seed 0]
    python experiments/stress/fuzz.py --seconds 600 --coverage    # needs: pip install atheris

Each of the targets in `_fuzz_targets.py` gets an equal share of the time. An input is a valid one with some pieces
replaced, repeated, cut or swapped for bad values; in JSON, pickles and archives of arrays the values inside are changed as well, so that
damage is not always found by a checksum or a syntax. What a parser takes has to pass the target's check, mostly that it
means the same when it is written and read again; what it refuses has to be refused by an error of nassearch. An input that takes longer
than ten seconds counts as a hang. With --coverage, libFuzzer looks for inputs that reach new lines of nassearch, each target in a process of its own.
Inputs at fault are kept in the folder --keep.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import hashlib
import importlib.util
import io
import json
import os
import pickle
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import zipfile
from pathlib import Path
from typing import Any

LIMIT = 10
"""Seconds for one input; each takes milliseconds, and the command line a second at most."""
PIECES = [b"", b"0", b"-1", b"9" * 30, b"1e999", b"nan", b"inf", b"\0", b"\xff", b"\n", b"\r", b'"', b",", b"[" * 2000, b"(", b")", b"{", b"=", b"~", b"|", b":", b"_", b"\xc2\xb2", b"\xd9\xa1", b" ", b"\\ud800", b"null", b"true", b"\x80", b"."]  # fmt: skip
VALUES: list[Any] = [None, True, -1, 0, 2**31, 2**70, 10**400, 10**5000, 0.5, -0.0, 3.0, float("nan"), float("inf"), 1e308, "", "0", "x" * 5000, b"", [], {}, [[]], [None], {"a": 1}, (), (1,), "\ud800"]  # fmt: skip

DOUBLED: list[Any] = []
"""A value for pickles: lists that hold one list twice, a tera of them, written in a few hundred bytes."""
for _ in range(40):
    DOUBLED = [DOUBLED, DOUBLED]


class Hang(BaseException):
    """An input took too long."""


def changed(data: bytes, others: list[bytes], rng: random.Random) -> bytes:
    """Return bytes with a few pieces changed."""
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        start = rng.randrange(len(data) + 1)
        end = min(len(data), start + rng.choice((0, 1, 1, 2, 4, 8, 64)))
        how = rng.randrange(7)
        if how == 0 and end > start:  # bits
            middle = bytes(byte ^ 1 << rng.randrange(8) for byte in data[start:end])
        elif how == 1:
            middle = rng.randbytes(rng.randrange(1, 9))
        elif how == 2:
            middle = rng.choice(PIECES)
        elif how == 3:  # repeated
            middle = data[start:end] * rng.choice((2, 3, 500))
        elif how == 4:  # out of another input
            other = rng.choice(others)
            at = rng.randrange(len(other) + 1)
            middle = other[at : at + rng.choice((1, 4, 32, 256))]
        elif how == 5:
            middle, end = b"", rng.choice((end, len(data)))
        else:  # a number by another
            digits = [m.span() for m in re.finditer(rb"\d+", data)] or [(start, end)]
            start, end = rng.choice(digits[:500])
            middle = str(rng.choice((0, 1, 2, 9, 10, -1, 255, 2**31, 2**63, 10**30))).encode()
        data = data[:start] + middle + data[end:]
    return data


def with_other_values(value: Any, rng: random.Random, others: list[Any] = VALUES) -> Any:
    """Return JSON or pickled data with one value inside replaced, or left out."""
    if isinstance(value, dict) and value and rng.random() < 0.9:
        key = rng.choice(list(value))
        found = {**value, key: with_other_values(value[key], rng, others)}
        if rng.random() < 0.1:
            del found[key]
        return found
    if isinstance(value, list | tuple) and value and rng.random() < 0.9:
        place = rng.randrange(len(value))
        found = [*value[:place], with_other_values(value[place], rng, others), *value[place + 1 :]]
        if rng.random() < 0.1:
            del found[place]
        return type(value)(found)
    return rng.choice(others)


def changed_inside(data: bytes, kind: str, rng: random.Random) -> bytes:
    """Return data whose container is whole, with other values in it."""
    if kind == "json":
        lines = data.split(b"\n")
        place = rng.choice([i for i, line in enumerate(lines) if line])
        value = with_other_values(json.loads(lines[place]), rng)
        text = json.dumps(value, default=lambda each: None)
        return b"\n".join([*lines[:place], text.encode("utf-8", "surrogatepass"), *lines[place + 1 :]])
    if kind == "pickle":
        stream, values = io.BytesIO(data), []
        while stream.tell() < len(data):
            values.append(pickle.load(stream))  # of our own making
        place = rng.randrange(len(values))
        values[place] = with_other_values(values[place], rng, [*VALUES, DOUBLED])
        return b"".join(pickle.dumps(value, rng.choice((2, 4, 5))) for value in values)
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(file, "w") as new:
        members = {name: old.read(name) for name in old.namelist()}
        name = rng.choice(list(members))
        members[name] = changed(members[name], list(members.values()), rng)
        for each, content in members.items():
            new.writestr(each, content)
    return file.getvalue()


def attempt(check: Any, data: bytes, place: Path, limit: float = LIMIT) -> bool:
    """Check an input in an empty folder, and say whether it was taken.

    Raises:
        Exception: whatever is not an error of nassearch.
        Hang: it took too long.
    """
    from nassearch.errors import NassearchError

    with tempfile.TemporaryDirectory(dir=place) as folder:
        os.environ["NASSEARCH_DATA"] = str(Path(folder) / "data")
        signal.setitimer(signal.ITIMER_REAL, limit)
        faulthandler.dump_traceback_later(
            6 * limit, exit=True
        )  # for loops inside libraries, which no signal ends
        try:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                check(data, Path(folder))
            return True
        except NassearchError:
            return False
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            faulthandler.cancel_dump_traceback_later()
            os.chdir(place)


def fuzz(name: str, target: Any, seconds: float, seed: int, place: Path, keep: Path) -> list[object]:
    """Change inputs of one target for so long, and return its row of the table."""
    seeds, rng = target.seeds(), random.Random(f"{seed} {name}")
    # The first inputs import what the rest of them use.
    taken_seeds = sum(attempt(target.check, data, place, 10 * LIMIT) for data in seeds)
    inputs = taken = 0
    faults: dict[str, bytes] = {}
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        data = rng.choice(seeds)
        if target.kind in ("json", "pickle", "npz") and rng.random() < 0.5:
            for _ in range(rng.choice((1, 1, 2))):
                with contextlib.suppress(ValueError, RecursionError, zipfile.BadZipFile):
                    data = changed_inside(data, target.kind, rng)
        else:
            data = changed(data, seeds, rng)
        inputs += 1
        try:
            taken += attempt(target.check, data, place)
        except (Exception, Hang) as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            fault = (
                f"{type(error).__name__}: {str(error)[:120]} at {Path(where.filename).name}:{where.lineno}"
            )
            faults.setdefault(f"{type(error).__name__} {where.filename}:{where.lineno}", data)
            path = keep / f"{re.sub(r'[^a-zA-Z0-9]+', '-', name)}-{hashlib.sha256(data).hexdigest()[:8]}"
            if len(faults) <= 20 and data in faults.values():
                path.write_bytes(data)
                print(f"{name}: {fault}; kept as {path}", file=sys.stderr, flush=True)
    return [
        name,
        f"{taken_seeds} of {len(seeds)}",
        f"{seconds:.0f}",
        inputs,
        taken,
        inputs - taken,
        len(faults),
    ]


def cover(name: str, seconds: float, seed: int, keep: Path) -> list[object]:
    """Let libFuzzer work on one target in another process, and return its row of the table."""
    corpus = Path(tempfile.mkdtemp(prefix="nassearch-corpus-"))
    options = [f"-max_total_time={seconds:.0f}", f"-seed={seed + 1}", "-timeout=10", "-rss_limit_mb=4096", f"-artifact_prefix={keep}/", "-max_len=60000"]  # fmt: skip
    child = [sys.executable, __file__, "--child", name, str(corpus), *options]
    run = subprocess.run(child, capture_output=True, text=True, check=False)
    done = re.search(r"Done (\d+) runs", run.stderr) or re.findall(r"#(\d+)\s", run.stderr)[-1:]
    inputs = int(done[1] if isinstance(done, re.Match) else (done or [0])[0])
    covered = re.findall(r"cov: (\d+)", run.stderr)
    shutil.rmtree(corpus)
    if run.returncode:  # the traceback goes to standard output
        print(f"{name}: {run.stdout[-3000:]}\n{run.stderr[-1000:]}", file=sys.stderr, flush=True)
    return [name, "", f"{seconds:.0f}", inputs, f"{covered[0]} to {covered[-1]} branches" if covered else "", "", int(run.returncode != 0)]  # fmt: skip


def child(name: str, corpus: Path, options: list[str]) -> None:
    """Hand a target to libFuzzer, which never comes back."""
    import atheris

    place = Path(tempfile.mkdtemp(prefix="nassearch-fuzz-"))
    with atheris.instrument_imports(include=["nassearch"], enable_loader_override=False):
        from _fuzz_targets import targets

        target = targets()[name]
        for number, data in enumerate(target.seeds()):
            (corpus / str(number)).write_bytes(data)
            attempt(target.check, data, place, 10 * LIMIT)  # imports and computes what the rest of them use

    def one(data: bytes) -> None:
        attempt(target.check, data, place)

    atheris.Setup([sys.argv[0], str(corpus), *options], one)
    atheris.Fuzz()


def hung(number: int, frame: Any) -> None:
    raise Hang(f"more than {LIMIT} seconds")


def main() -> None:
    signal.signal(signal.SIGALRM, hung)
    if sys.argv[1:2] == ["--child"]:
        return child(sys.argv[2], Path(sys.argv[3]), sys.argv[4:])
    sys.path.append(str(Path(__file__).parents[1]))  # for _common
    from _common import markdown, say
    from _fuzz_targets import targets

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    known = targets()
    parser.add_argument("--seconds", type=float, default=600, help="for all targets together")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", action="append", choices=known, help="this target; repeat for more")
    parser.add_argument("--coverage", action="store_true", help="led by coverage, by atheris")
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()) / "nassearch-faults")
    parser.add_argument("--out", type=Path, help="write the table here too")
    args = parser.parse_args()
    if args.coverage and importlib.util.find_spec("atheris") is None:
        version = ".".join(map(str, sys.version_info[:2]))
        parser.error(
            f"--coverage is led by atheris, which is not installed for this Python ({version}): pip install atheris; "
            "where pip finds none for it, take an environment of a Python that has one, or leave --coverage out"
        )
    args.keep.mkdir(parents=True, exist_ok=True)
    args.keep = args.keep.absolute()
    names = args.only or list(known)
    share = args.seconds / len(names)
    here = Path.cwd()
    place = Path(tempfile.mkdtemp(prefix="nassearch-fuzz-"))
    rows: list[list[object]] = []
    for name in names:
        if args.coverage:
            rows.append(cover(name, share, args.seed, args.keep))
        else:
            rows.append(fuzz(name, known[name], share, args.seed, place, args.keep))
        say(f"{name}: {rows[-1][3]} inputs, {rows[-1][-1]} faults")
        head = ["target", "valid inputs taken", "s", "inputs", "taken", "refused", "faults"]
        total = ["all", "", f"{args.seconds:.0f}", sum(int(str(r[3])) for r in rows), "", "", sum(int(str(r[-1])) for r in rows)]  # fmt: skip
        table = markdown(head, [*rows, total])
        if args.out:
            (here / args.out).write_text(table)
    print(table)
    shutil.rmtree(place)
    if any(row[-1] for row in rows):
        raise SystemExit(f"faults, see above; the inputs are in {args.keep}")


if __name__ == "__main__":
    main()
