"""The report in a real browser."""

from pathlib import Path

import pytest

from tasks.reporting.page import write_page
from tasks.reporting.report_page import report_page
from tasks.reporting.texts import LANGS

from .published_campaign import PublishedCampaign
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
    assert len(widths) == 6
    assert all(300 < width <= 1176 for width in widths)
    screenshot(page, f"report.{page.get_attribute('html', 'lang')}")


def test_one_filter_leaves_what_holds_every_word_on_the_whole_page(page):
    lines = page.locator(".lines > details:visible")
    sections, before = page.locator("section:visible").count(), lines.count()
    page.locator("nav input").fill("eth_drop arm")
    assert lines.count() == 1
    assert lines.first.get_attribute("id") == "eth_drop--host--lab-510-arm"
    assert lines.first.locator(".inside table").first.is_visible()
    rows = page.locator("#verdict .matrix tbody tr:visible")
    assert rows.count() == 1
    assert 1 < page.locator("section:visible").count() < sections
    page.locator("nav input").fill("no such tool")
    assert page.locator("section:visible").count() == 0
    assert page.locator(".nothing").is_visible()
    page.locator("nav input").fill("")
    assert (lines.count(), page.locator("section:visible").count()) == (before, sections)
    assert page.locator(".lines > details[open]").count() == 0


def test_a_slash_goes_to_the_filter_and_escape_ends_it(page):
    page.keyboard.press("/")
    page.keyboard.type("eth_drop")
    assert page.locator("nav input").input_value() == "eth_drop"
    page.keyboard.press("Escape")
    assert page.locator("body.filtering").count() == 0


def test_a_cell_of_the_matrix_leads_to_the_unfolded_line_below_the_navigation(page):
    page.locator(".matrix tr", has_text="eth_drop").locator("a").first.click()
    line = page.locator("#eth_drop--host--lab-510-arm")
    page.wait_for_function("document.querySelector('.lines > details[open]')")
    assert line.get_attribute("open") is not None
    page.wait_for_function(
        "(() => { const top = document.querySelector('.lines > details[open]')"
        ".getBoundingClientRect().top; return top > 44 && top < 300 })()"
    )


def test_the_navigation_stays_in_view(page):
    page.evaluate("scrollTo({top: document.body.scrollHeight, behavior: 'instant'})")
    assert page.locator("nav").bounding_box()["y"] == 0


def test_the_lines_unfold_without_scripts(browser, reports):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((reports / "report.en.html").as_uri())
    assert not page.locator("nav input").is_visible()
    line = page.locator("#eth_drop--host--lab-510-arm")
    line.locator("summary").click()
    assert line.locator(".inside table").first.is_visible()
    context.close()


@pytest.mark.slow
def test_the_published_size_is_folded_and_a_tool_in_an_environment_is_found(browser, tmp_path):
    path, _ = write_page(report_page(PublishedCampaign(iterations=2).bundle(), "en"), tmp_path)
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(path.as_uri())
    assert page.locator(".lines > details").count() == (23 + 2) * 4
    assert page.evaluate("document.documentElement.scrollHeight") < 20_000
    assert page.evaluate("document.documentElement.scrollWidth") == 1280
    page.keyboard.press("/")
    page.keyboard.type("eth_drop arm")
    assert page.locator(".lines > details:visible").count() == 1
    assert page.locator("#eth_drop--host--os630-kernel-510-arm .inside").is_visible()
    page.keyboard.press("Escape")
    _fits_on_paper(page)
    page.close()


def _fits_on_paper(page):
    """On A4 landscape a chart is no higher than the page, and no command is cut off."""
    page.set_viewport_size({"width": 1016, "height": 688})  # 269 mm x 182 mm
    page.emulate_media(media="print")
    box = "getBoundingClientRect().height"
    heights = page.eval_on_selector_all(".chart svg", f"all => all.map(svg => svg.{box})")
    assert max(heights) < 650
    beyond = page.eval_on_selector_all("pre", "all => all.map(p => p.scrollWidth - p.clientWidth)")
    assert set(beyond) == {0}


def test_a_phone_shows_the_page_without_scrolling_sideways(browser, reports, screenshot):
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto((reports / "report.en.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    screenshot(page, "report.en.390")
    page.close()


def test_a_click_on_a_head_sorts_by_value_with_missing_ones_last(page):
    table = page.locator("#resources figure.table").first
    kernel = table.locator("th").nth(7)

    def column() -> list[str]:
        return [text.strip() for text in table.locator("tbody td:nth-child(8)").all_text_contents()]

    table.locator("tbody td:nth-child(8)").first.evaluate(
        "cell => { cell.textContent = '—'; delete cell.dataset.sort }"
    )
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


def test_on_paper_all_is_unfolded_but_long_tables_and_the_lines(page):
    def hidden() -> set[str]:
        closed: list[str] = page.eval_on_selector_all(
            "details",
            "all => all.filter(one => !one.lastElementChild.checkVisibility())"
            ".map(one => one.parentElement.className)",
        )
        return set(closed)

    assert "" in hidden()  # a section or a folded block holds it
    page.emulate_media(media="print")
    assert hidden() == {"table", "lines tools"}
    notes = page.locator(".table > details > summary > small")
    assert all(any(map(str.isdigit, text)) for text in notes.all_text_contents())


def test_dark_mode_turns_text_and_charts_over(page):
    def light(colour: str) -> bool:
        return sum(int(part) for part in colour.split("(")[1].rstrip(")").split(",")[:3]) > 380

    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    words = page.evaluate(
        "getComputedStyle(document.querySelector('svg text[fill=\"#1b1f24\"]')).fill"
    )
    assert light(paper) is not light(words)
