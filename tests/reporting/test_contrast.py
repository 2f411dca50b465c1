"""Contrast of the page by WCAG 2.2: text 4.5 : 1 (1.4.3), marks without text 3 : 1 (1.4.11).

https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio
"""

import re
from itertools import product

import pytest

from tasks.model.names import ROOT
from tasks.reporting.charts import style

TEXT, MARK = 4.5, 3.0
ANSWERS = ("good", "fair", "care", "bad", "odd")

STYLE = (ROOT / "tasks/reporting/templates/report.css").read_text()

Rgb = tuple[float, ...]


def palettes() -> dict[str, dict[str, Rgb]]:
    """The colours on screen, light and dark, and in print, where only some are replaced."""
    light, dark, paper = (
        {name: rgb(value) for name, value in re.findall(r"--([\w-]+): (#[0-9a-f]{3,6});", block)}
        for block in re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)
    )
    return {"light": light, "dark": light | dark, "print": light | paper}


def rgb(value: str) -> Rgb:
    digits = value.lstrip("#")
    if len(digits) == 3:
        digits = "".join(2 * digit for digit in digits)
    return tuple(int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4))


def luminance(colour: Rgb) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: Rgb, other: Rgb) -> float:
    low, high = sorted(map(luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


def over(colour: Rgb, ground: Rgb, opacity: float) -> Rgb:
    return tuple(opacity * c + (1 - opacity) * g for c, g in zip(colour, ground, strict=True))


def opacity(selector: str) -> float:
    rule = re.search(re.escape(selector) + r" \{[^}]*opacity: ([\d.]+)", STYLE)
    assert rule is not None
    return float(rule[1])


@pytest.fixture(params=["light", "dark", "print"])
def palette(request: pytest.FixtureRequest) -> dict[str, Rgb]:
    return palettes()[request.param]


def test_the_ratio_is_that_of_wcag():
    assert contrast(rgb("#000"), rgb("#fff")) == pytest.approx(21)
    assert contrast(rgb("#777777"), rgb("#ffffff")) == pytest.approx(4.48, abs=0.005)


def test_text_can_be_read_on_each_ground_it_stands_on(palette):
    # the page, a row under the pointer, the row that the address names
    grounds = ("paper", "faint", "care-bg")
    pairs = [*product(("ink", "muted", "link"), grounds)]
    pairs += [*product(ANSWERS, grounds), *((name, f"{name}-bg") for name in ANSWERS)]
    ratios = {pair: round(contrast(palette[pair[0]], palette[pair[1]]), 2) for pair in pairs}
    assert {pair: ratio for pair, ratio in ratios.items() if ratio < TEXT} == {}


def test_the_small_print_of_an_answer_can_be_read(palette):
    strength = opacity('.matrix td[class*="answer-"] small')
    for ground in (*(f"{name}-bg" for name in ANSWERS), "faint"):
        small = over(palette["ink"], palette[ground], strength)
        assert contrast(small, palette[ground]) >= TEXT


def test_single_iterations_can_be_told_from_the_page(palette):
    strength = opacity(".strip .dots")
    for name in ("muted", *ANSWERS):
        dot = over(palette[name], palette["paper"], strength)
        assert contrast(dot, palette["paper"]) >= MARK, name


def test_the_marks_of_charts_can_be_told_from_the_page(palette):
    colours = {*style.SERIES, *style.TOPIC_COLOURS.values(), *style.VERDICT_COLOURS.values()}
    ratios = {colour: contrast(rgb(colour), palette["paper"]) for colour in colours}
    assert {colour: ratio for colour, ratio in ratios.items() if ratio < MARK} == {}
