"""Packages of other people, put on the path for one test."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent

import pytest

from nassearch import registry


def offer(folder: Path, package: str, groups: dict[str, str], source: str = "", version: str = "1.0") -> None:
    """Write a package of one module, `package.py`, that offers parts: `{"proxies": "mine = package:mine"}`."""
    (folder / f"{package}.py").write_text(dedent(source))
    metadata = folder / f"{package}-{version}.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n")
    lines = [f"[nassearch.{kind}]\n{dedent(points).strip()}\n" for kind, points in groups.items()]
    (metadata / "entry_points.txt").write_text("\n".join(lines))


@contextmanager
def on_the_path(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let nassearch see the packages in a folder."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(folder)
    registry._known.cache_clear()
    try:
        yield
    finally:
        registry._known.cache_clear()
        own = {path.stem for path in folder.glob("*.py")}
        for name in own & (set(sys.modules) - before):
            del sys.modules[name]
