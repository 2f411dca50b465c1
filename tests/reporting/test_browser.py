"""The report in a real browser."""

from pathlib import Path

import pytest

from tasks.reporting.page import write_page
from tasks.reporting.report_page import report_page
from tasks.reporting.texts import LANGS

from .report_bundle import Campaign


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("report")
    bundle = Campaign().bundle()
    for lang in LANGS:
        write_page(report_page(bundle, lang), directory)
    return directory


@pytest.fixture(params=["en", "zh"])
def page(request: pytest.FixtureRequest, open_page, reports: Path):  # type: ignore[no-untyped-def]
    scheme = "light" if request.param == "en" else "dark"
    return open_page(reports / f"report.{request.param}.html", scheme)


def test_charts_are_drawn_and_nothing_is_wider_than_the_page(page, chart_widths, screenshot):
    widths = chart_widths(page)
    assert len(widths) == 10
    assert all(300 < width <= 1176 for width in widths)
    screenshot(page, f"report.{page.get_attribute('html', 'lang')}")


def test_the_filter_leaves_the_rows_that_hold_every_word(page):
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


def test_a_click_on_a_head_sorts_by_value_with_missing_ones_last(page):
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


def test_the_other_language_is_one_click_away(page):
    before = page.get_attribute("html", "lang")
    page.locator("header .meta a").click()
    page.wait_for_load_state("load")
    assert page.get_attribute("html", "lang") != before
    assert page.locator("h2").count() == page.locator("section").count() > 15


def test_dark_mode_turns_text_and_charts_over(page):
    def light(colour: str) -> bool:
        return sum(int(part) for part in colour.split("(")[1].rstrip(")").split(",")[:3]) > 380

    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    words = page.evaluate(
        "getComputedStyle(document.querySelector('svg text[fill=\"#1b1f24\"]')).fill"
    )
    assert light(paper) is not light(words)
