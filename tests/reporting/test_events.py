"""What became of a tool's events is said beside its costs, and that it is not visible too."""

from dataclasses import replace

import polars as pl
import pytest

from tasks.reporting.bundle import Bundle
from tasks.reporting.report_page import report_page
from tasks.reporting.result_document import result_of
from tasks.reporting.sections.common import lost_text
from tasks.reporting.sections.events import section as events_section
from tasks.reporting.summary import summary_table
from tasks.reporting.texts import Texts
from tasks.reporting.view import View
from tasks.storage.schema import COMPLETENESS

from .report_bundle import Campaign

LOSING = "eth_drop"


@pytest.fixture(scope="module")
def losing() -> Bundle:
    """One tool lost 12 to 15 % of its events under every workload."""
    made = Campaign().bundle()
    cells = made.cells.filter(tool=LOSING, status="passed")
    account = {"occurred": 1000, "reported": 850, "lost": 120, "missed": 0, "unknown": 30}
    rows = [
        {name: row[name] for name in COMPLETENESS.schema if name in row}
        | account | {"lost_low_pct": 12.0, "lost_high_pct": 15.0}
        for row in cells.to_dicts()
    ]  # fmt: skip
    shares = [
        pl.when(tool=LOSING).then(pl.lit(share)).otherwise(None).alias(name)
        for name, share in (("lost_low_pct", 12.0), ("lost_high_pct", 15.0))
    ]
    effects = made.effects.with_columns(shares)
    return replace(made, completeness=COMPLETENESS.frame(rows), effects=effects)


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.0, 0.0, "0.00 %"),
        (0.0, None, "not visible"),
        (None, None, "not visible"),
        (12.0, None, "at least 12.0 %"),
        (12.0, 15.0, "12.0–15.0 %"),
    ],
)
def test_a_share_without_a_bound_is_never_0(low: float | None, high: float | None, said: str):
    assert lost_text(Texts("en"), low, high) == said


@pytest.mark.parametrize(
    ("lang", "said"),
    [("en", "cost of an incomplete tool: it lost at least 12.0 % of its events"),
     ("zh", "该工具至少丢失 12.0 % 的事件，此为不完整工具的开销")],
)  # fmt: skip
def test_the_first_page_calls_it_the_cost_of_an_incomplete_tool(losing: Bundle, lang, said):
    first, *_ = report_page(losing, lang).sections
    (matrix,) = [b for b in first.blocks if getattr(b, "style", "") == "matrix"]
    told = {row[0].text for row in matrix.rows if any(said in cell.sub for cell in row)}
    assert told == {LOSING}


def test_each_tools_line_and_the_tables_say_what_was_lost(losing: Bundle):
    answers = {one.tool: one for one in result_of(losing).answers}
    assert (answers[LOSING].events_lost_low_pct, answers[LOSING].events_lost_high_pct) == (12, 15)
    others = [one for name, one in answers.items() if name != LOSING]
    assert others and {one.events_lost_high_pct for one in others} == {None}
    table = summary_table(losing).filter(tool=LOSING)
    assert set(table["events_lost_low_pct"]) == {12.0}


def test_the_account_has_a_row_for_each_case_and_workload(losing: Bundle):
    section = events_section(View(losing, Texts("en")))
    assert section is not None
    (table,) = [block for block in section.blocks if not isinstance(block, str)]
    assert (
        len(table.rows) == losing.completeness.select("environment", "case", "workload").n_unique()
    )
    texts = [cell.text for cell in table.rows[0]]
    assert "12.0–15.0 %" in texts and "850" in texts


def test_without_accounts_there_is_no_section():
    assert events_section(View(Campaign().bundle(), Texts("en"))) is None
