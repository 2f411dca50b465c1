"""Debian's chromium, headless, for the tests that open a page. Screenshots go to build/."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tasks.model.names import ROOT

SCREENSHOTS = ROOT / "build" / "screenshots"


@pytest.fixture(scope="module")  # an open playwright holds the thread's event loop
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed")
    with playwright.sync_playwright() as engine:
        opened = engine.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        yield opened
        opened.close()


@pytest.fixture
def open_page(browser: Any) -> Iterator[Callable[[Path, str], Any]]:
    """Opens a file in a colour scheme; anything on the console or the network fails the test."""
    messages: list[str] = []

    def opened(path: Path, scheme: str) -> Any:
        page = browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme=scheme)
        page.on("console", lambda message: messages.append(message.text))
        page.on("pageerror", lambda error: messages.append(str(error)))
        page.on("request", lambda request: messages.append(request.url))
        page.goto(path.as_uri())
        return page

    yield opened
    assert [text for text in messages if not text.startswith(("data:", "file:"))] == []


@pytest.fixture
def screenshot() -> Callable[[Any, str], None]:
    """Keeps the whole page as an image of that name."""

    def taken(page: Any, name: str) -> None:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)

    return taken


@pytest.fixture
def chart_widths() -> Callable[[Any], list[float]]:
    """Pixels of each chart of the page, which itself is never wider than the window."""

    def measured(page: Any) -> list[float]:
        assert page.evaluate("document.documentElement.scrollWidth") == 1280
        widths: list[float] = page.eval_on_selector_all(
            "figure.chart svg", "all => all.map(svg => svg.getBoundingClientRect().width)"
        )
        return widths

    return measured
