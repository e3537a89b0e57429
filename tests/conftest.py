"""What the tests share: where the real data lies, a data directory of their own, a small disk, a trap for code."""

from __future__ import annotations

import os
import pickle
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from payloads import Payload

if "PYTEST_XDIST_WORKER" in os.environ:
    # Before anything imports torch or numpy: workers that each take all cores keep each other waiting.
    share = max(1, (os.cpu_count() or 1) // int(os.environ["PYTEST_XDIST_WORKER_COUNT"]))
    os.environ.setdefault("OMP_NUM_THREADS", str(share))

BESIDE = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse names of tests that hold an address: workers would not agree on what there is to run."""
    moving = [item.nodeid for item in items if re.search(r" at 0x[0-9a-f]{6}", item.nodeid)]
    if moving:
        raise pytest.UsageError(f"give these tests ids that are the same in every process: {moving[:3]}")


def pytest_runtest_setup(item: pytest.Item) -> None:
    if os.name == "nt" and (item.get_closest_marker("posix") or "/dev/null" in item.name):
        pytest.skip("Windows has no process groups, signals, named pipes and devices of this kind")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Return the folder with real benchmark tables and images, or skip."""
    folder = Path(os.environ.get("NASSEARCH_TEST_DATA", BESIDE))
    if not folder.is_dir():
        pytest.skip("no real benchmark data at hand: set NASSEARCH_TEST_DATA to its folder")
    return folder


@pytest.fixture(autouse=True)
def forget_modules(tmp_path: Path) -> Iterator[None]:
    """Forget what a test imported from its own folder: the next may have another module of that name."""
    before = set(sys.modules)
    yield
    for name in sys.modules.keys() - before:
        if str(getattr(sys.modules[name], "__file__", None)).startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give every test an empty user data directory."""
    monkeypatch.setenv("NASSEARCH_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Give a disk of 200 kB of its own, or skip where mounting is not allowed."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = shutil.which("mount")
    done = mount and subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(place)], capture_output=True, check=False
    )
    if not done or done.returncode:
        pytest.skip("mounting a small disk takes rights that are not given here")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


@pytest.fixture
def marker(tmp_path: Path) -> Iterator[Path]:
    """Give the path that a payload makes, and hold at the end that nothing has made it."""
    path = tmp_path / "ran"
    yield path
    assert not path.exists()
    pickle.loads(pickle.dumps(Payload(path)))
    assert path.exists(), "a payload that would not run anywhere shows nothing"
