"""Tools together in the report: a section of their own, and no tool among the tools."""

from dataclasses import replace

import polars as pl
import pytest

from tasks.reporting.bundle import Bundle
from tasks.reporting.result_document import result_of
from tasks.reporting.sections.tools_together import section
from tasks.reporting.texts import Lang, Texts
from tasks.reporting.view import View

from .report_bundle import Campaign

ONE = ("lab-510-intel",)


@pytest.fixture(scope="module")
def both() -> Bundle:
    """Two cases measured at once; together they cost what the first does alone."""
    bundle = Campaign(ONE).bundle()
    host = bundle.cells.filter(kind="tool", layer="host")
    first, second = host.unique(["case"], maintain_order=True)["case"].to_list()[:2]
    name = f"{first}+{second}"
    as_set = {"case": pl.lit(name), "tool": pl.lit(name), "category": pl.lit("together")}

    def with_set(frame: pl.DataFrame) -> pl.DataFrame:
        here = {key: column for key, column in as_set.items() if key in frame.columns}
        rows = frame.filter(case=first, layer="host").with_columns(**here)
        position = pl.col("position") + 500 if "position" in frame.columns else None
        rows = rows if position is None else rows.with_columns(position=position)
        return pl.concat([frame, rows])

    cells = with_set(bundle.cells)
    parts = pl.when(pl.col("category") == "together").then(pl.lit(name))
    return replace(
        bundle,
        cells=cells.with_columns(parts=parts),
        samples=with_set(bundle.samples),
        effects=with_set(bundle.effects),
    )


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_set_has_a_row_with_its_use_its_cost_and_what_is_beyond_the_sum(
    both: Bundle, lang: Lang
) -> None:
    view = View(both, Texts(lang))
    found = section(view)
    assert found is not None
    costs = next(block for block in found.blocks if hasattr(block, "rows"))
    (usage,) = [row.usage for row in view.sets.values()]
    assert costs.rows
    for row in costs.rows:
        assert "+" in row[0].text
        assert row[1].text == view.t(f"answer.{usage.answer}")


def test_a_set_is_no_tool_in_the_answers(both: Bundle) -> None:
    alone = Campaign(ONE).bundle()
    assert result_of(both).answers == result_of(alone).answers
    assert {row["case"] for row in result_of(both).together} == set(
        both.cells.drop_nulls("parts")["parts"]
    )


def test_without_sets_there_is_no_such_section() -> None:
    assert section(View(Campaign(ONE).bundle(), Texts("en"))) is None


def test_a_verdict_is_withheld_where_that_on_the_cost_of_the_set_is(both: Bundle) -> None:
    of_sets = pl.col("category") == "together"
    held = both.effects.with_columns(
        withheld_by=pl.when(of_sets).then(pl.lit("placebo_clean")).otherwise("withheld_by"),
        reason=pl.when(of_sets).then(pl.lit("a placebo has a cost")).otherwise("reason"),
    )
    found = View(replace(both, effects=held), Texts("en")).interactions.filter(primary=True)
    assert set(found["verdict"]) == {"withheld"}
    assert set(found["reason"]) == {"a placebo has a cost"}
