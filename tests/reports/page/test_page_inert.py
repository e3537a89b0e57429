"""Names from files are text on a page, whatever they are: its elements are those that plain names give."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from chromium import opened
from hostile import TEXTS, hostile_files

import nassearch as ns
from nassearch.files.inert import inert

VOID = {"meta", "link", "input", "path", "rect", "line", "br"}
LINKS = ("src", "href", "action", "formaction", "xlink:href", "style", "srcset", "poster")


class Elements(HTMLParser):
    """The elements of a page in order, each with the names of its attributes, and what is written between them."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, tuple[str, ...]]] = []
        self.links: list[str] = []
        self.texts: list[str] = []
        self.scripts: list[str] = []
        self._script = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, tuple(name for name, _ in attrs)))
        self.links += [str(value) for name, value in attrs if name in LINKS]
        self._script = tag == "script"

    def handle_endtag(self, tag: str) -> None:
        self._script = False

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data[:80]}")

    def handle_data(self, data: str) -> None:
        (self.scripts if self._script else self.texts).append(data)


def page_of(folder: Path, text: str, name: str = "") -> ns.Page:
    folder.mkdir()
    return ns.report(hostile_files(folder, text, name), title=text)


@pytest.mark.parametrize("number", range(len(TEXTS)))
def test_names_change_no_element_of_a_page(number: int, tmp_path: Path) -> None:
    text = TEXTS[number]
    hostile = Elements(page_of(tmp_path / "one", text).html())
    plain = Elements(page_of(tmp_path / "other", "plain", "plain").html())
    assert hostile.found == plain.found
    assert all(link == "data:," or re.fullmatch(r"#\w+", link) for link in hostile.links)
    assert not [a for _, names in hostile.found for a in names if a.startswith("on")]
    shown = "\n".join(hostile.texts)
    assert shown.count(inert(text)) >= 20  # settings, captions, architectures, notes
    data, _, script = hostile.scripts
    assert json.loads(data)["sections"] and script == plain.scripts[2]


def test_the_policy_lets_nothing_in() -> None:
    from nassearch.reports.page.document import policy

    found = policy("a", ["b"])
    assert found.startswith("default-src 'none'; ")
    assert "unsafe" not in found and "http" not in found and "*" not in found
    assert "script-src 'sha256-PiPoFgA5WUoziU9lZOGxNIu9egCI1CxKy3PurtWcAJ0='" in found  # openssl dgst -sha256


@pytest.mark.browser
def test_names_do_nothing_in_a_browser(browser: Any, tmp_path: Path) -> None:
    """All of them on one page, which a reader points at, sorts, switches and prints."""
    for number, text in enumerate(TEXTS):
        (tmp_path / str(number)).mkdir()
        hostile_files(tmp_path / str(number), text, str(number))
    given = [path for number in range(len(TEXTS)) for path in sorted((tmp_path / str(number)).iterdir())]
    path = ns.report(given, title=TEXTS[0]).save(tmp_path / "page.html")
    with opened(browser, path) as page:
        assert page.title() == TEXTS[0]
        for box in page.query_selector_all(".plot")[:40:3]:
            box.scroll_into_view_if_needed()
            box.hover()
        page.evaluate("document.querySelectorAll('th button').forEach((each) => each.click())")
        page.evaluate("document.querySelectorAll('main input[type=radio]').forEach((each) => each.click())")
        page.emulate_media(media="print")
        page.emulate_media(media="screen")
        assert page.evaluate("document.querySelectorAll('h1').length") == 1
        links = page.evaluate("[...document.querySelectorAll('a')].map((each) => each.getAttribute('href'))")
        assert all(link.startswith("#") for link in links)
        labels = page.evaluate(
            "[...document.querySelectorAll('.series tbody th label')].map((l) => l.textContent.trim())"
        )
        for text in TEXTS:
            wanted = " ".join(inert(text).split())
            assert any(" ".join(label.split()).startswith(wanted) for label in labels), text
