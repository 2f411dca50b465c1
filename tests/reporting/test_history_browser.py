"""The history page in a real browser: Debian's chromium, headless. Screenshots go to build/."""

import shutil
from pathlib import Path

import pytest

from tasks.history import history_of
from tasks.model.names import ROOT

from .made_up_nights import store

playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
SCREENSHOTS = ROOT / "build" / "screenshots"


def test_the_page_opens_quietly_fits_and_draws_its_charts_light_and_dark(tmp_path: Path) -> None:
    history_of(store(tmp_path / "datasets"), tmp_path / "out")
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    said: list[str] = []
    with playwright.sync_playwright() as engine:
        browser = engine.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        for lang, scheme in (("en", "light"), ("zh", "dark")):
            page = browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme=scheme)
            page.on("console", lambda message: said.append(message.text))
            page.on("pageerror", lambda error: said.append(str(error)))
            page.goto((tmp_path / "out" / f"history.{lang}.html").as_uri())
            page.screenshot(path=SCREENSHOTS / f"history.{lang}.png", full_page=True)
            widths = page.eval_on_selector_all(
                "figure.chart svg", "all => all.map(svg => svg.getBoundingClientRect().width)"
            )
            assert len(widths) == 3
            assert all(600 < width <= 1176 for width in widths)
            assert page.evaluate("document.documentElement.scrollWidth") == 1280
        browser.close()
    assert said == []
