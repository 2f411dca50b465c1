"""The workbook holds the tables with conditional colours; read as the XML that it is."""

import math
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree
from zipfile import ZipFile

import polars as pl
import pytest

from tasks.model.metrics import METRICS
from tasks.reporting.charts.style import VERDICT_COLOURS
from tasks.reporting.summary import summary_table
from tasks.reporting.texts import Texts
from tasks.reporting.workbook import write_workbook

from ..languages import chinese, english_words
from .report_bundle import Campaign, empty_bundle

NS = {"x": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
BUNDLE = Campaign().bundle()


def part(path: Path, name: str) -> ElementTree.Element:
    with ZipFile(path) as book:
        return ElementTree.fromstring(book.read(f"xl/{name}.xml"))


def rows(path: Path, sheet: int) -> list[list[str | None]]:
    """A sheet's cells as text; None where a cell is empty."""
    shared = [
        "".join(t.text or "" for t in item.iterfind(".//x:t", NS))
        for item in part(path, "sharedStrings").iterfind("x:si", NS)
    ]

    def text(cell: ElementTree.Element) -> str | None:
        value = cell.findtext("x:v", None, NS)
        return shared[int(value)] if value is not None and cell.get("t") == "s" else value

    found = part(path, f"worksheets/sheet{sheet}").iterfind(".//x:row", NS)
    return [[text(cell) for cell in row.iterfind("x:c", NS)] for row in found]


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_workbook(BUNDLE, tmp_path_factory.mktemp("book") / "campaign.xlsx")


def test_the_summary_has_a_row_for_each_tool_with_its_numbers(book):
    head, *found = rows(book, 1)
    summary = summary_table(BUNDLE)
    assert head == [Texts("en")(f"column.{name}") for name in summary.columns]
    assert len(found) == summary.height
    shown = dict(zip(summary.columns, found[0], strict=True))
    first = summary.row(0, named=True)
    assert shown["tool"] == first["tool"]
    assert float(shown["latency_pct"]) == pytest.approx(first["latency_pct"])
    assert (first["answer"], shown["answer"]) == ("not_at_all", "Do not run in production")


def test_checks_that_passed_are_left_out(book):
    failed = BUNDLE.checks.filter(pl.col("status") != "passed")
    assert len(rows(book, 3)) == 1 + failed.height


def test_each_verdict_has_its_colour_and_the_rule_stands_on_the_words(book):
    rules = part(book, "worksheets/sheet2").iterfind(".//x:conditionalFormatting/x:cfRule", NS)
    styles = part(book, "styles").findall(".//x:dxf", NS)
    colour_of = {
        rule.findtext("x:formula", "", NS): styles[int(rule.get("dxfId", ""))]
        .find(".//x:color", NS)
        .get("rgb")
        for rule in rules
    }  # fmt: skip
    assert colour_of['"overhead"'] == "FF" + VERDICT_COLOURS["overhead"].lstrip("#")
    within = VERDICT_COLOURS["no_overhead_within_margin"].lstrip("#")
    assert colour_of['"no overhead beyond margin"'] == "FF" + within


def test_what_is_missing_is_an_empty_cell(book):
    head, *found = rows(book, 1)
    (placebo, *_) = [row for row in found if "placebo" in row]
    assert dict(zip(head, placebo, strict=True))["permitted use"] is None


def test_a_text_that_looks_like_a_formula_stays_text(tmp_path):
    effects = BUNDLE.effects.with_columns(reason=pl.lit("=HYPERLINK(0)"))
    path = write_workbook(replace(BUNDLE, effects=effects), tmp_path / "book.xlsx")
    sheet = part(path, "worksheets/sheet2")
    assert sheet.find(".//x:f", NS) is None
    assert rows(path, 2)[1][-1] == "=HYPERLINK(0)"


def test_an_effect_has_its_baseline_and_says_whether_it_is_primary(book):
    head, *found = rows(book, 2)
    effects = BUNDLE.effects.filter(pl.col("kind") != "baseline")
    for shown, effect in zip(found, effects.iter_rows(named=True), strict=True):
        cell = dict(zip(head, shown, strict=True))
        assert cell["primary metric"] == ("yes" if effect["primary"] else "no")
        assert cell["baseline unit"] == METRICS[effect["metric"]].unit
        assert float(cell["baseline mean"] or "nan") == pytest.approx(
            effect["baseline_mean"] or math.nan, nan_ok=True
        )
        assert float(cell["cost (positive = worse)"]) == pytest.approx(effect["estimate"])


@pytest.mark.parametrize("sheet", [1, 2, 3])
def test_every_cell_is_in_the_language_asked_for(tmp_path, sheet):
    named = {"environment", "run", "tool", "case", "workload", "metric", "rule_id"}
    chosen, english = Texts("zh"), write_workbook(BUNDLE, tmp_path / "en.xlsx", "en")
    head, *found = rows(write_workbook(BUNDLE, tmp_path / "zh.xlsx", "zh"), sheet)
    assert not [text for text in head if english_words(text)]
    words = [i for i, text in enumerate(head) if text not in {chosen(f"column.{n}") for n in named}]
    assert not [row[i] for row in found for i in words if english_words(row[i] or "")]
    assert any(char >= "\u4e00" for row in found for i in words for char in row[i] or "")
    assert not [cell for row in rows(english, sheet) for cell in row if chinese(cell or "")]


def test_an_empty_campaign_gives_heads_without_rows(tmp_path):
    path = write_workbook(empty_bundle(), tmp_path / "new" / "book.xlsx")
    assert "verdict" in rows(path, 2)[0]
