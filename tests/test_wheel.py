"""What is installed: the package and its data, and nothing that only a checkout needs."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def copy_checkout(to: Path) -> None:
    """Copy what a build reads, since building leaves folders behind. Deeper folders may be called `build` too."""
    never = shutil.ignore_patterns(".*", "*.egg-info", "__pycache__")
    at_top = {"build", "dist"}
    shutil.copytree(
        ROOT, to, ignore=lambda at, names: never(at, names) | (at_top if Path(at) == ROOT else set())
    )


@pytest.mark.slow
def test_the_wheel_holds_the_package_and_nothing_else(tmp_path: Path) -> None:
    pytest.importorskip("setuptools", reason="the wheel is built without fetching a builder")
    copy_checkout(tmp_path / "source")
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*build, "-w", str(tmp_path), "."], cwd=tmp_path / "source", check=True, timeout=300)
    (wheel,) = tmp_path.glob("*.whl")
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    code = {path.relative_to(ROOT).as_posix() for path in (ROOT / "nassearch").rglob("*.py")}
    data = [
        path for end in ("npz", "json", "md", "py") for path in (ROOT / "benchmarks_data").glob(f"*.{end}")
    ]
    page = (ROOT / "nassearch" / "reports" / "page" / "assets").iterdir()
    beside = {"nassearch/py.typed", *(path.relative_to(ROOT).as_posix() for path in page)}
    assert names == code | beside | {f"nassearch/benchmarks_data/{path.name}" for path in data}


@pytest.mark.slow
def test_the_source_archive_holds_what_a_build_and_the_tests_need(tmp_path: Path) -> None:
    build = pytest.importorskip(
        "setuptools.build_meta", reason="the archive is made without fetching a builder"
    )
    copy_checkout(tmp_path / "source")
    code = f"from setuptools import build_meta; build_meta.build_sdist({str(tmp_path)!r})"
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path / "source", check=True, timeout=300)
    assert build
    (made,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(made) as archive:
        names = {name.partition("/")[2] for name in archive.getnames() if archive.getmember(name).isfile()}
    names = {name for name in names if ".egg-info/" not in name and name not in ("PKG-INFO", "setup.cfg")}
    wanted = {
        "CHANGELOG.md",
        "CITATION.cff",
        "CONTRIBUTING.md",
        "LICENSE",
        "MANIFEST.in",
        "README.md",
        "SECURITY.md",
        "constraints.txt",
        "pyproject.toml",
    }
    for folder, ends in {
        "nassearch": ("py", "typed", "html", "css", "js"),
        "benchmarks_data": ("npz", "json", "md", "py"),
        "docs": ("md", "rst", "py", "csv", "png"),
        "experiments": ("py", "md"),
        "examples": ("py", "md", "ipynb"),
        "tests": ("py", "json"),
    }.items():
        files = [path for end in ends for path in (tmp_path / "source" / folder).rglob(f"*.{end}")]
        wanted |= {path.relative_to(tmp_path / "source").as_posix() for path in files}
    assert names == wanted
