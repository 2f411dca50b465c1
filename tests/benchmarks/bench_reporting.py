"""The report of 4 environments x 97 cases x 10 iterations: size, time to write, time to open.

Run by hand: `python -m tests.benchmarks.bench_reporting`. Goals: below 15 MB, open below 2 s,
folded below 20 000 pixels at a width of 1280.
"""

import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

from tasks.reporting.page import write_page
from tasks.reporting.report_page import report_page

from ..reporting.published_campaign import PublishedCampaign

LOADED = "performance.getEntriesByType('navigation')[0].loadEventEnd"


HEIGHT = "document.documentElement.scrollHeight"


def opened(path: Path) -> tuple[float, int]:
    """Seconds until the browser has loaded the page, best of three; and the page's height."""
    with sync_playwright() as engine:
        browser = engine.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        times: list[float] = []
        for _ in range(3):
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.goto(path.as_uri())
            times.append(page.evaluate(LOADED) / 1000)
            height: int = page.evaluate(HEIGHT)
            page.close()
        browser.close()
    return min(times), height


def main() -> None:
    bundle = PublishedCampaign().bundle()
    cases = bundle.effects.select("environment", "layer", "case").n_unique()
    print(f"{cases} cases, {bundle.cells.height} cells, {bundle.effects.height} effects")
    with tempfile.TemporaryDirectory() as directory:
        started = time.perf_counter()
        html, markdown = write_page(report_page(bundle, "en"), Path(directory))
        print(f"written in {time.perf_counter() - started:.1f} s (HTML and Markdown, one language)")
        megabytes = html.stat().st_size / 1e6
        print(f"HTML {megabytes:.1f} MB = {megabytes / 15:.2f} of the 15 MB allowed")
        print(f"Markdown {markdown.stat().st_size / 1e6:.1f} MB")
        seconds, height = opened(html)
        print(f"opened in {seconds:.2f} s = {seconds / 2:.2f} of the 2 s allowed")
        print(f"{height} pixels high = {height / 20_000:.2f} of the 20 000 allowed")


if __name__ == "__main__":
    main()
