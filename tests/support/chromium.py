"""A page opened in the Chromium of the system, where there is one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FOUND = next((path for name in NAMES if (path := shutil.which(name))), None)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Start Chromium; skip where there is none, or nothing that drives it."""
    if FOUND is None:
        pytest.skip(f"no Chromium: none of {', '.join(NAMES)} is found (apt-get install chromium)")
    driver = pytest.importorskip(
        "playwright.sync_api", reason="playwright, which drives Chromium, is not installed"
    )
    with driver.sync_playwright() as play:
        started = play.chromium.launch(executable_path=FOUND, args=["--no-sandbox"])
        yield started
        started.close()


@contextmanager
def opened(browser: Any, path: Path, **context: Any) -> Iterator[Any]:
    """Open a page; fail where it says an error, asks for anything but itself, or lets itself be taken over."""
    told: list[str] = []
    asked: list[str] = []
    with browser.new_context(viewport={"width": 1200, "height": 900}, **context) as here:
        page = here.new_page()
        page.on("console", lambda message: told.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: told.append(f"error: {error}"))
        page.on("dialog", lambda dialog: told.append(f"dialog: {dialog.message}"))
        page.on("request", lambda request: asked.append(request.url))
        page.on("popup", lambda other: told.append(f"popup: {other.url}"))
        page.goto(path.as_uri())
        page.wait_for_selector("html[data-ready]", timeout=120_000)  # a machine may be busy otherwise
        assert page.get_attribute("html", "data-ready") == ""
        yield page
        assert page.evaluate("window.hacked") is None
    assert not told, told
    assert asked == [path.as_uri()], asked
