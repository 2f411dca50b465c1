"""The report in a real browser: Debian's chromium, headless. A screenshot is kept in build/."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.model.names import ROOT
from tasks.reporting.report_files import write_report

from .report_bundle import Campaign

playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
SCREENSHOTS = ROOT / "build" / "screenshots"


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("report")
    write_report(Campaign().bundle(), directory)
    return directory


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    with playwright.sync_playwright() as engine:
        opened = engine.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield opened
        opened.close()


@pytest.fixture(params=["en", "zh"])
def page(request: pytest.FixtureRequest, browser, reports: Path):  # type: ignore[no-untyped-def]
    """The report, opened; anything on the console or the network fails the test."""
    scheme = "light" if request.param == "en" else "dark"
    opened = browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme=scheme)
    said: list[str] = []
    opened.on("console", lambda message: said.append(message.text))
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.on("request", lambda asked: asked.url.startswith("file:") or said.append(asked.url))
    opened.goto((reports / f"report.{request.param}.html").as_uri())
    yield opened
    opened.close()
    assert [line for line in said if not line.startswith("data:")] == []


def test_charts_are_drawn_and_nothing_is_wider_than_the_page(page) -> None:  # type: ignore[no-untyped-def]
    sizes = page.eval_on_selector_all(
        "figure.chart svg", "all => all.map(svg => svg.getBoundingClientRect().width)"
    )
    assert len(sizes) == 10
    assert all(300 < width <= 1176 for width in sizes)
    assert page.evaluate("document.documentElement.scrollWidth") == 1280
    language = page.get_attribute("html", "lang")
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"report.{language}.png", full_page=True)


def test_the_filter_leaves_the_rows_that_hold_every_word(page) -> None:  # type: ignore[no-untyped-def]
    table = page.locator("#layers figure.table").filter(has=page.locator("input.filter")).first
    if table.count() == 0:
        table = page.locator("#verdict figure.table").filter(has=page.locator("input")).first
    before = table.locator("tbody tr:visible").count()
    table.locator("input.filter").fill("eth_drop arm")
    after = table.locator("tbody tr:visible")
    assert 0 < after.count() < before
    assert all("eth_drop" in text for text in after.all_text_contents())
    table.locator("input.filter").fill("")
    assert table.locator("tbody tr:visible").count() == before


def test_a_click_on_a_head_sorts_by_value_with_missing_ones_last(page) -> None:  # type: ignore[no-untyped-def]
    table = page.locator("#verdict figure.table").nth(1)
    kernel = table.locator("th").nth(8)

    def column() -> list[str]:
        return [text.strip() for text in table.locator("tbody td:nth-child(9)").all_text_contents()]

    kernel.click()
    rising = [float(text.replace(",", "")) for text in column() if text != "—"]
    assert rising == sorted(rising)
    assert column()[-1] == "—"
    kernel.click()
    falling = [float(text.replace(",", "")) for text in column() if text != "—"]
    assert falling == sorted(falling, reverse=True)
    assert column()[-1] == "—"
    assert kernel.get_attribute("aria-sort") == "descending"


def test_the_other_language_is_one_click_away(page) -> None:  # type: ignore[no-untyped-def]
    before = page.get_attribute("html", "lang")
    page.locator("header .meta a").click()
    page.wait_for_load_state("load")
    assert page.get_attribute("html", "lang") != before
    assert page.locator("h2").count() == 17


def test_dark_mode_turns_text_and_charts_over(page) -> None:  # type: ignore[no-untyped-def]
    def light(colour: str) -> bool:
        return sum(int(part) for part in colour.split("(")[1].rstrip(")").split(",")[:3]) > 380

    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    words = page.evaluate(
        "getComputedStyle(document.querySelector('svg text[fill=\"#1b1f24\"]')).fill"
    )
    assert light(paper) is not light(words)
