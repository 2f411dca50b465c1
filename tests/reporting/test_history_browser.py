"""The history page in a real browser."""

from pathlib import Path

import pytest

from tasks.history import history_of

from .made_up_nights import store


@pytest.mark.parametrize(("lang", "scheme"), [("en", "light"), ("zh", "dark")])
def test_the_page_opens_quietly_fits_and_draws_its_charts_light_and_dark(
    lang: str, scheme: str, tmp_path: Path, open_page, chart_widths, screenshot
):
    history_of(store(tmp_path / "datasets"), tmp_path / "out")
    page = open_page(tmp_path / "out" / f"history.{lang}.html", scheme)
    screenshot(page, f"history.{lang}")
    widths = chart_widths(page)
    assert len(widths) == 3
    assert all(600 < width <= 1176 for width in widths)
