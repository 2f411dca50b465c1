"""A tool that cannot attach has one answer, with what its kernel lacks, and no empty row."""

from dataclasses import replace

import polars as pl
import pytest

from tasks.model.outcome import UNATTACHABLE
from tasks.reading.records import cell_counts
from tasks.reporting.bundle import Bundle
from tasks.reporting.exports import as_junit
from tasks.reporting.report_page import report_page
from tasks.reporting.result_document import result_of
from tasks.reporting.summary import summary_markdown, summary_sentence, summary_table
from tasks.reporting.texts import Texts
from tasks.reporting.view import View
from tasks.statistics.usage import Answer

from .report_bundle import Campaign

TOOL = "eth_drop"
WHY = "Linux 6.1 has no function kfree_skb to trace; it has kfree_skb_reason"


def lacking(made: Bundle, status: str) -> Bundle:
    """The campaign, in which one tool could not attach."""
    of_tool = pl.col("tool") == TOOL

    def told(name: str, text: str) -> pl.Expr:
        return pl.when(of_tool).then(pl.lit(text)).otherwise(name).alias(name)

    cells = made.cells.with_columns(
        told("status", status), told("gate", UNATTACHABLE), told("reason", WHY)
    )
    keep = (pl.col("tool") != TOOL) | pl.lit(status == "invalid")
    return replace(made, cells=cells, effects=made.effects.filter(keep))


@pytest.fixture(scope="module", params=["skipped", "invalid"], ids=["not planned", "tried"])
def bundle(request) -> Bundle:
    return lacking(Campaign().bundle(), request.param)


def test_it_is_in_the_view_once_an_environment_and_layer(bundle):
    rows = [tool for tool in View(bundle, Texts("en")).measured if tool.tool == TOOL]
    places = [(row.environment, row.layer) for row in rows]
    assert places
    assert len(places) == len(set(places))
    assert {row.usage.answer for row in rows} == {Answer.CANNOT_ATTACH}


def test_the_result_says_what_the_kernel_lacks(bundle):
    answers = [answer for answer in result_of(bundle).answers if answer.tool == TOOL]
    assert {(a.answer, a.reason, a.decided_by) for a in answers} == {
        (Answer.CANNOT_ATTACH, WHY, None)
    }


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_first_page_shows_it(bundle, lang):
    first, *_ = report_page(bundle, lang).sections
    (matrix,) = [b for b in first.blocks if getattr(b, "style", "") == "matrix"]
    said = {(c.text, c.sub) for row in matrix.rows if row[0].text == TOOL for c in row[1:]}
    assert (Texts(lang)("answer.cannot_attach"), WHY) in said


def test_the_sentence_and_the_table_count_it(bundle):
    table = summary_table(bundle)
    assert "cannot attach to" in summary_sentence(table)
    assert "Does not attach" in summary_markdown(table)


def test_junit_skips_it_with_the_reason(bundle):
    assert WHY in as_junit(result_of(bundle))


def test_its_cells_are_not_cells_that_did_not_pass(bundle):
    assert (
        cell_counts(bundle.cells)[0]
        == bundle.cells.filter(pl.col("tool") != TOOL)
        .unique(["layer", "iteration", "position", "workload"])
        .height
    )
