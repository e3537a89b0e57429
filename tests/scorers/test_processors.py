"""Scores that are no pass of a torch model, and searches guided by them, are the same bytes on every make of processor.

Other makes are played by the switches of OpenBLAS, numpy and torch, each in a process of its own.
"""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest
from numpy._core import _multiarray_umath as umath

SCRIPT = Path(__file__).parents[1] / "support" / "on_processors.py"
PACKAGE = Path(__file__).parents[2] / "nassearch"
HAS = umath.__cpu_features__
DISPATCHED = [name for name in umath.__cpu_dispatch__ if HAS.get(name)]
NEWEST = [name for name in DISPATCHED if "V3" not in name and name not in ("AVX2", "FMA3")]
CORES = ["Nehalem", *["Haswell"] * HAS.get("AVX2", False), *["SkylakeX"] * HAS.get("AVX512_SKX", False)]
"""Names of OpenBLAS for kernels that this machine can run."""


def digests(folder: Path, core: str, off: list[str], torch: str, threads: int) -> dict[str, str]:
    """Return the digests of a process that takes itself for another processor."""
    made = {
        "OPENBLAS_CORETYPE": core,
        "NPY_DISABLE_CPU_FEATURES": " ".join(off),
        "ATEN_CPU_CAPABILITY": torch,
        "OMP_NUM_THREADS": str(threads),
    }
    switches = {name: value for name, value in made.items() if value}
    kept = {name: value for name, value in os.environ.items() if name not in made}
    name = " ".join(map(str, (core, len(off), torch, threads)))
    results = folder / name / "results"
    results.mkdir(parents=True)
    run = subprocess.run(
        [sys.executable, str(SCRIPT), str(results)],
        env={**kept, **switches, "NASSEARCH_DATA": str(folder / name / "data")},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    found: dict[str, str] = json.loads(run.stdout)
    return found


def moved(
    folder: Path, variants: list[tuple[str, list[str], str, int]]
) -> dict[tuple[object, ...], list[str]]:
    """Return by variant what is not as in a process that is left alone."""
    expected = digests(folder, "", [], "", 1)
    found = {
        (core, len(off), torch, n): digests(folder, core, off, torch, n) for core, off, torch, n in variants
    }
    assert all(each.keys() == expected.keys() for each in found.values())
    away = {which: [key for key in expected if each[key] != expected[key]] for which, each in found.items()}
    return {which: keys for which, keys in away.items() if keys}


def test_other_processors_compute_the_same_bytes(tmp_path: Path) -> None:
    others = [("Nehalem", DISPATCHED, "default", 2)]
    if "Haswell" in CORES:
        others.append(("Haswell", NEWEST, "avx2", 1))
    assert moved(tmp_path, others) == {}


@pytest.mark.slow
def test_every_mixture_of_switches_computes_the_same_bytes(tmp_path: Path) -> None:
    crossed = product(CORES, ([], DISPATCHED), ("", "default"), (1, 2))
    assert moved(tmp_path, [*crossed]) == {}


MOVES = {
    "exp",
    "exp2",
    "expm1",
    "log",
    "log2",
    "log10",
    "log1p",
    "tanh",
    "sinh",
    "cosh",
    "sin",
    "cos",
    "arctanh",
    "power",
}
MOVES |= {"dot", "vdot", "inner", "matmul", "vecdot", "tensordot", "linalg", "convolve", "correlate"}
"""What numpy computes by the vector instructions of the processor, or OpenBLAS by its make."""
ALLOWED = {
    "strategies/rl/strategy.py": ["exp"],  # of complex numbers, which the C library computes
    # Of Gaussian processes, whose last bits move in products of matrices too: what is compared is rounded first, or
    # has to gain a margin.
    "strategies/gp/acquisition.py": ["exp", "log", "log", "log1p"],
    "strategies/gp/front.py": ["log"],
    "strategies/gp/surrogate.py": ["exp"],
    "networks/probe/whole_rank.py": ["linalg", "linalg"],  # of the Jacobian of a torch model
    "training/compiled.py": [
        "dot",
        "dot",
        "dot",
        "exp",
        "exp",
    ],  # training, whose tables are read and not made again
}


def test_numpy_is_asked_for_nothing_that_moves() -> None:
    found: dict[str, list[str]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        nodes = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)]
        used = [
            n.attr
            for n in nodes
            if isinstance(n.value, ast.Name) and (n.value.id, n.attr in MOVES) == ("np", True)
        ]
        if used:
            found[path.relative_to(PACKAGE).as_posix()] = used
    assert {name: sorted(used) for name, used in found.items()} == ALLOWED
