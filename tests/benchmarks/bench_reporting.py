"""The report of 4 environments x 97 cases x 10 iterations: size, time to write, time to open.

Run by hand: `python -m tests.benchmarks.bench_reporting`. Goals: below 15 MB, open below 3 s.
"""

import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

from tasks.reporting.page import write_page
from tasks.reporting.report_page import report_page

from ..reporting.report_bundle import Campaign

ENVIRONMENTS = ("a-419-intel", "b-510-intel", "c-510-arm", "d-510-hygon")
LOADED = "performance.getEntriesByType('navigation')[0].loadEventEnd"


def opened_s(path: Path) -> float:
    """Seconds until the browser has loaded the page, best of three."""
    with sync_playwright() as engine:
        browser = engine.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        times: list[float] = []
        for _ in range(3):
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.goto(path.as_uri())
            times.append(page.evaluate(LOADED) / 1000)
            page.close()
        browser.close()
    return min(times)


def main() -> None:
    bundle = Campaign(ENVIRONMENTS, iterations=10, copies=10).bundle()
    cases = bundle.effects.select("environment", "layer", "case").n_unique()
    print(f"{cases} cases, {bundle.cells.height} cells, {bundle.effects.height} effects")
    with tempfile.TemporaryDirectory() as directory:
        started = time.perf_counter()
        html, markdown = write_page(report_page(bundle, "en"), Path(directory))
        print(f"written in {time.perf_counter() - started:.1f} s (HTML and Markdown, one language)")
        megabytes = html.stat().st_size / 1e6
        print(f"HTML {megabytes:.1f} MB = {megabytes / 15:.2f} of the 15 MB allowed")
        print(f"Markdown {markdown.stat().st_size / 1e6:.1f} MB")
        seconds = opened_s(html)
        print(f"opened in {seconds:.2f} s = {seconds / 3:.2f} of the 3 s allowed")


if __name__ == "__main__":
    main()
