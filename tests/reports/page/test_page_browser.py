"""A page in headless Chromium: what a reader sees, switches, sorts and prints is what the files say."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from chromium import opened
from search_folders import WINNER, entries, write_folder

import nassearch as ns
from nassearch.reports.page import document

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("results")
    ns.Experiment("rand", rounds=5, budget=60).run(folder / "rand.jsonl", cache=False)
    settings = {"pool": 8, "tournament": 4}
    ns.Experiment("ae", rounds=4, budget=40, settings=settings).run(folder / "ae.jsonl", cache=False)
    made = {"objectives": ["accuracy", "latency"]}
    write_folder(folder / "search", entries(20), made, WINNER)
    return [folder / "rand.jsonl", folder / "ae.jsonl", folder / "search"]


@pytest.fixture(scope="module")
def path(files: list[Path]) -> Path:
    return ns.report(files).save(files[0].parent / "page.html")


def data_of(page: Any, plot: str = "curves", section: int = 0) -> list[dict[str, Any]]:
    """Return the lines of a picture that have a name, as the library holds them."""
    place = f'[data-section="{section}"] [data-plot="{plot}"]'
    page.locator(place).first.scroll_into_view_if_needed()
    page.wait_for_function("(place) => document.querySelector(place).data", arg=place)
    lines = "document.querySelector(place).data.map(({x, y, name, visible}) => ({x: [...x], y: [...y], name, visible}))"
    found: list[dict[str, Any]] = page.evaluate(f"(place) => {lines}", place)
    return [each for each in found if each.get("name")]


def choose(page: Any, name: str, value: str, section: int = 0) -> None:
    page.check(f'input[name="s{section}-{name}"][value="{value}"]')


def colour(page: Any, place: str, name: str = "backgroundColor") -> list[int]:
    found = page.evaluate(f"getComputedStyle(document.querySelector('{place}')).{name}")
    return [int(part) for part in re.findall(r"\d+", found)[:3]]


def test_curves_show_every_model_under_every_view(browser: Any, path: Path, files: list[Path]) -> None:
    outcomes = ns.read(files[:2])
    with opened(browser, path) as page:
        for view, (show, by) in enumerate((("test", "valid"), ("test", "test"))):
            choose(page, "view", str(view))
            for axis in ("models", "distinct"):
                choose(page, "axis", axis)
                for line, outcome in zip(data_of(page), outcomes, strict=True):
                    curve = outcome.curve(show, by, axis)
                    assert line["y"] == curve.median().tolist() and line["name"] == outcome.label
                    assert line["x"] == list(range(1, curve.budget + 1))
            choose(page, "axis", "seconds")
            for line, outcome in zip(data_of(page), outcomes, strict=True):
                curve = outcome.curve(show, by)
                assert line["x"][-1] == curve.time_axis()[-1] and line["y"][-1] == curve.median()[-1]
            shown = [page.is_visible(f'[data-section="0"] [data-view="{n}"]') for n in (0, 1)]
            assert shown == [view == 0, view == 1]


def test_tables_hold_the_numbers_of_the_files(browser: Any, path: Path, files: list[Path]) -> None:
    rows = ns.compare(ns.read(files[:2])).rows
    with opened(browser, path) as page:
        script = """(view) => [...document.querySelectorAll(`[data-section="0"] [data-view="${view}"] tbody tr`)]
            .map((row) => [...row.cells].map((cell) => [cell.textContent, cell.dataset.value]))"""
        head = page.locator('[data-section="0"] [data-view="0"] th[scope=col]').all_text_contents()
        for cells in page.evaluate(script, 0):
            found = dict(zip(head, cells, strict=True))
            (row,) = [row for row in rows if row["label"] == found["search"][0]]
            (curve,) = [each.curve() for each in ns.read(files[:2]) if each.label == row["label"]]
            for name, band in zip(
                ("lower quartile", "at the end", "upper quartile"), curve.band(), strict=True
            ):
                assert float(found[name][1]) == band[-1]
            assert float(found["speed-up"][1]) == row["speedup"]
            assert float(found["revisits"][1]) == row["revisits"]
            assert float(found["regret"][1]) == row["regret"]
            assert float(found["rounds"][1]) == row["rounds"]
            (reached,) = [name for name in head if name.startswith("models to")]
            assert found[reached][0] == str(row["models_to_target"] or f"not in {row['budget']}")
        cells = "[row.cells[0].textContent, row.cells[3].dataset.value]"
        models = page.evaluate(
            f"[...document.querySelectorAll('[data-trainings] details tbody tr')].map((row) => {cells})"
        )
        trained = entries(20)
        assert [(int(n), None if v is None else float(v)) for n, v in models] == [
            (n, entry.valid) for n, entry in enumerate(trained, 1)
        ]


def test_the_place_that_is_read_has_the_values_of_the_curve(
    browser: Any, path: Path, files: list[Path]
) -> None:
    outcomes = ns.read(files[:2])
    with opened(browser, path) as page:
        for part in (1, 333, 500, 1000):
            page.fill('[data-section="0"] input[type=range]', str(part))
            models = int(page.inner_text('[data-section="0"] output').split()[0])
            assert models == max(1, round(60 * part / 1000))
            rows = "[...document.querySelectorAll('[data-section=\"0\"] .series tbody tr')]"
            cells = "[...row.cells].slice(1).map((cell) => cell.dataset.value ?? null)"
            cells = page.evaluate(f"{rows}.map((row) => {cells})")
            for told, outcome in zip(cells, outcomes, strict=True):
                curve = outcome.curve()
                there = models <= curve.budget
                values = [float(band[models - 1]) for band in curve.band()] if there else [None] * 3
                assert [None if value is None else float(value) for value in told] == values


def test_searches_are_switched_by_mouse_and_by_keyboard(browser: Any, path: Path) -> None:
    with opened(browser, path) as page:
        assert [line["visible"] for line in data_of(page)] == [True, True]
        page.click('[data-section="0"] .series label >> nth=0')
        assert [line["visible"] for line in data_of(page)] == [False, True]
        page.focus('[data-section="0"] input[data-line="1"]')
        page.keyboard.press("Space")
        assert [line["visible"] for line in data_of(page)] == [False, False]
        page.keyboard.press("Space")
        assert [line["visible"] for line in data_of(page)] == [False, True]
        count = "document.querySelector('[data-section=\"0\"] .plot').data.length"
        before = page.evaluate(count)
        page.uncheck('input[name="s0-bands"]')
        assert (before, page.evaluate(count)) == (6, 2)
        page.focus('input[name="s0-view"][value="0"]')
        page.keyboard.press("ArrowRight")
        assert page.is_checked('input[name="s0-view"][value="1"]')
        lines = data_of(page, "histories", 1)
        page.uncheck('input[data-history="0"]')
        assert [line["visible"] for line in data_of(page, "histories", 1)] == [False, False] + [True] * (
            len(lines) - 2
        )


def test_pointing_at_a_curve_reads_it(browser: Any, path: Path, files: list[Path]) -> None:
    with opened(browser, path) as page:
        data_of(page)
        box = page.locator('[data-section="0"] .plot .nsewdrag').first.bounding_box()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.wait_for_selector(".hoverlayer text")
        told = page.text_content(".hoverlayer")
        models = int(re.match(r"\d+", told)[0])
        for outcome in ns.read(files[:2]):
            low, median, high = (values[models - 1] for values in outcome.curve().band())
            assert f"{outcome.label} : {median:.2f} ({low:.2f} to {high:.2f})" in told


def test_a_table_is_sorted_by_its_numbers(browser: Any, path: Path) -> None:
    with opened(browser, path) as page:
        page.click("[data-trainings] summary")
        column = "[data-trainings] details table"
        button = f"{column} th >> nth=3 >> button"
        script = f"[...document.querySelectorAll('{column} tbody tr')].map((row) => row.cells[3].dataset.value ?? null)"
        page.click(button)
        falling = page.evaluate(script)
        page.focus(button)
        page.keyboard.press("Enter")
        rising = page.evaluate(script)
        known = sorted((entry.valid for entry in entries(20) if entry.valid is not None), reverse=True)
        missing = [None] * (20 - len(known))
        as_numbers = [
            [None if value is None else float(value) for value in order] for order in (falling, rising)
        ]
        assert as_numbers == [known + missing, known[::-1] + missing]
        assert page.get_attribute(f"{column} th >> nth=3", "aria-sort") == "ascending"
        page.click(f"{column} th >> nth=2 >> button")
        words = page.evaluate(
            f"[...document.querySelectorAll('{column} tbody tr')].map((row) => row.cells[2].textContent)"
        )
        assert words == sorted(words)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_theme_is_that_of_the_system_until_one_is_chosen(browser: Any, path: Path, scheme: str) -> None:
    with opened(browser, path, color_scheme=scheme) as page:
        data_of(page)
        other = "dark" if scheme == "light" else "light"
        paper = '[data-section="0"] .plot .main-svg'
        for name, chosen in ((scheme, None), (other, other), (scheme, "system")):
            if chosen:
                page.select_option("#theme", chosen)
            for place in ("body", paper):
                shade = sum(colour(page, place)) / 3
                assert (shade > 250) if name == "light" else (shade < 40), (name, place)
            text = sum(colour(page, "body", "color")) / 3
            assert (text < 60) if name == "light" else (text > 200)


@pytest.mark.parametrize("width", [320, 360, 768])
def test_a_phone_shows_it_without_going_sideways(
    browser: Any, path: Path, width: int, tmp_path: Path
) -> None:
    with opened(browser, path) as page:
        page.set_viewport_size({"width": width, "height": 740})
        page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        data_of(page)
        data_of(page, "histories", 1)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        wide = "document.querySelector('[data-section=\"0\"] .plot').clientWidth"
        assert page.evaluate(wide) >= width - 2 * 16 - 1
        # What is wider than the screen goes sideways by itself.
        assert page.evaluate(
            "[...document.querySelectorAll('table')].every((each) => each.closest('.scroll').clientWidth <= innerWidth)"
        )


def test_print_is_white_and_has_no_controls(browser: Any, path: Path) -> None:
    with opened(browser, path, color_scheme="dark") as page:
        page.select_option("#theme", "dark")
        page.emulate_media(media="print", color_scheme="dark")
        page.wait_for_function("() => document.querySelectorAll('.plot:not(.js-plotly-plot)').length === 0")
        assert colour(page, "body") == [255, 255, 255]
        assert colour(page, '[data-section="0"] .plot .main-svg') == [255, 255, 255]
        assert sum(colour(page, "body", "color")) / 3 < 60
        seen = page.evaluate(
            "[...document.querySelectorAll('.controls')].filter((each) => each.offsetParent).length"
        )
        assert seen == 0
        assert page.evaluate("[...document.querySelectorAll('details')].every((each) => each.open)")
        widest = page.evaluate(
            "Math.max(...[...document.querySelectorAll('.plot svg')].map((e) => e.clientWidth))"
        )
        assert widest <= 690  # what A4 has between margins
        page.emulate_media(media="screen", color_scheme="dark")
        page.wait_for_function(
            "() => getComputedStyle(document.body).backgroundColor !== 'rgb(255, 255, 255)'"
        )
        assert sum(colour(page, '[data-section="0"] .plot .main-svg')) / 3 < 40
        assert len(page.pdf(format="A4")) > 50_000


def test_everything_has_a_name_for_those_who_do_not_see_it(browser: Any, path: Path) -> None:
    with opened(browser, path) as page:
        unnamed = page.evaluate("""() => {
            const named = (e) => e.getAttribute("aria-label") || e.labels?.length || e.textContent.trim();
            const all = [...document.querySelectorAll("button, input, select, a, [role=img], [role=region], summary")];
            const ours = all.filter((e) => !e.closest(".js-plotly-plot .modebar, .js-plotly-plot svg"));
            return ours.filter((e) => !named(e)).map((e) => e.outerHTML.slice(0, 200));
        }""")
        assert unnamed == []
        assert page.evaluate("[...document.querySelectorAll('table')].every((each) => each.caption)")
        levels = page.evaluate(
            "[...document.querySelectorAll('h1, h2, h3, h4')].map((each) => Number(each.tagName[1]))"
        )
        assert levels[0] == 1 and levels.count(1) == 1
        assert all(b <= a + 1 for a, b in pairwise(levels))


def test_a_page_without_the_library_says_so_and_keeps_its_tables(
    browser: Any, path: Path, tmp_path: Path
) -> None:
    text = path.read_text("utf-8")
    broken = re.sub(r'(<script type="text/plain" id="plotly">)[^<]+', r"\1AAAA", text)
    (tmp_path / "broken.html").write_text(broken, "utf-8")
    page = browser.new_page()
    page.goto((tmp_path / "broken.html").as_uri())
    page.wait_for_selector("html[data-ready=failed]")
    assert "The tables hold the numbers" in page.inner_text(".plot >> nth=0")
    assert page.evaluate("document.querySelectorAll('[data-view] tbody tr').length") == 5
    page.close()


def test_a_script_that_comes_in_is_not_run(browser: Any, path: Path, tmp_path: Path) -> None:
    """If the escaping failed, the policy would still stand."""
    text = path.read_text("utf-8")
    planted = text.replace(
        "<main", "<script>window.hacked=1</script><img src=x onerror='window.hacked=1'><main"
    )
    (tmp_path / "planted.html").write_text(planted, "utf-8")
    page = browser.new_page()
    page.goto((tmp_path / "planted.html").as_uri())
    page.wait_for_selector("html[data-ready]")
    assert page.evaluate("window.hacked") is None
    asked = "fetch('https://example.org').then(() => 'came', () => 'refused')"
    assert page.evaluate(asked) == "refused"
    page.close()


def test_colours_have_enough_contrast() -> None:
    """WCAG 2.1: 4.5 to 1 for text, 3 to 1 for what is drawn."""
    style = document._asset("page.css")
    blocks = [dict(re.findall(r"--(\w+): (#\w{6});", block)) for block in re.findall(r"\{([^{}]*)\}", style)]
    light, *dark = [block for block in blocks if "paper" in block]
    assert len(dark) == 2 and dark[0] == dark[1] and dark[0].keys() == light.keys()
    for look in (light, dark[0]):
        for name, least in {"text": 7, "soft": 4.5, "link": 4.5, **{f"line{i}": 3 for i in range(8)}}.items():
            for under in ("paper", "raised"):
                assert contrast(look[name], look[under]) >= least, (name, under)
        assert contrast(look["idle"], look["paper"]) >= 2.5  # the models that stand back


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours by WCAG 2.1."""
    values = []
    for text in (one, other):
        parts = np.array([int(text[i : i + 2], 16) / 255 for i in (1, 3, 5)])
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        values.append(float(linear @ [0.2126, 0.7152, 0.0722]))
    return (max(values) + 0.05) / (min(values) + 0.05)
