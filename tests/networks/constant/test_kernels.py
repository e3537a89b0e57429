"""What is compiled is kept, and never outlives a change to a file that it was made of."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import nassearch

pytest.importorskip("numba")

CODE = """
import sys
from pathlib import Path
from nassearch.networks.kernels import kept
from constants import FACTOR
@kept((Path(__file__), Path(__file__).with_name("constants.py")))
def scaled(x):
    return FACTOR * x
print(scaled(1.0), sum(scaled.stats.cache_hits.values()))
"""


def test_a_constant_of_another_file_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "scaling.py").write_text(CODE)

    def run(factor: float) -> str:
        (tmp_path / "constants.py").write_text(f"FACTOR = {factor}\n")
        environment = {**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(
            [sys.executable, "scaling.py"], capture_output=True, text=True, cwd=tmp_path, env=environment
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    assert run(2.0) == "2.0 0"
    assert run(2.0) == "2.0 1", "it is kept"
    assert run(3.0) == "3.0 0"


def test_every_kernel_is_kept_by_all_files_of_kernels() -> None:
    from nassearch.networks.constant.compiled import bounds, moments, schedule
    from nassearch.networks.constant.compiled import kernel as operations
    from nassearch.networks.kernels import PATTERNS
    from nassearch.training import compiled

    package = Path(nassearch.__file__).parent
    files = {path for pattern in PATTERNS for path in package.glob(pattern)}
    found = 0
    for module in (bounds, operations, moments, schedule, compiled):
        assert Path(str(module.__file__)) in files
        for value in vars(module).values():
            if (
                hasattr(value, "py_func") and type(value._cache).__name__ != "NullCache"
            ):  # inlined ones are not kept
                assert isinstance(value._cache._cache_file._source_stamp, tuple), value
                found += 1
            # What a kernel reads of other modules lies in files that its stamp is of.
            origin = getattr(value, "__module__", "") or ""
            if hasattr(value, "py_func") and origin.startswith("nassearch."):
                assert package.parent.joinpath(*origin.split(".")).with_suffix(".py") in files
    assert found > 5
