"""The section on starting and stopping: what a start takes, and what the traffic sees of it."""

import json
from dataclasses import replace

import polars as pl
import pytest

from tasks.reporting.bundle import Bundle
from tasks.reporting.result_document import result_of
from tasks.reporting.sections.starting import section
from tasks.reporting.texts import Texts
from tasks.reporting.view import View

from .report_bundle import Campaign

ONE = ("lab-510-intel",)
WORKLOAD = "start_stop"
FIGURES = {  # metric -> estimate, baseline
    "tool_ready_s": (1.5, None), "tool_start_cpu_s": (0.8, None), "tool_start_rss_mib": (101, None),
    "gap_max_us": (50.0, 8000.0), "latency_p99_us": (20.0, 500.0), "unanswered_pct": (0.2, 0.0),
}  # fmt: skip


@pytest.fixture(scope="module")
def started() -> Bundle:
    """A campaign in which each case was started 20 times; the memory of maps is not known."""
    bundle = Campaign(ONE).bundle()
    listed = {"name": WORKLOAD, "kind": "start", "protocol": "udp", "streams": 1, "starts": 5}
    runs = bundle.runs.with_columns(
        workloads=pl.Series(
            [json.dumps([*json.loads(w), listed]) for w in bundle.runs["workloads"]]
        )
    )
    first = bundle.effects.filter(primary=True).unique(["layer", "case"], maintain_order=True)
    effects = [
        first.with_columns(
            workload=pl.lit(WORKLOAD), metric=pl.lit(metric),
            primary=pl.lit(metric == "latency_p99_us"), estimate=pl.lit(float(cost)),
            ci_low=pl.lit(cost - 0.1), ci_high=pl.lit(cost + 0.1),
            baseline_mean=pl.lit(level, pl.Float64), withheld_by=pl.lit(None, pl.String),
            verdict=pl.lit("overhead"),
        ).select(bundle.effects.columns)
        for metric, (cost, level) in FIGURES.items()
    ]  # fmt: skip
    cells = bundle.cells.filter(kind="tool").unique(["layer", "case"], maintain_order=True)
    cells = cells.with_columns(workload=pl.lit(WORKLOAD), status=pl.lit("passed"))
    keys = cells.select(bundle.samples.columns[: bundle.samples.columns.index("metric")])
    ready = keys.with_columns(
        metric=pl.lit("tool_ready_s"), value=pl.lit(1.5), n=pl.lit(20, pl.Int64)
    )
    return replace(
        bundle,
        runs=runs,
        cells=pl.concat([bundle.cells, cells]),
        samples=pl.concat([bundle.samples, ready], how="diagonal"),
        effects=pl.concat([bundle.effects, *effects]),
    )


def test_a_row_has_what_a_start_takes_and_what_the_traffic_sees(started: Bundle) -> None:
    found = section(View(started, Texts("en")))
    assert found is not None
    (table,) = [block for block in found.blocks if hasattr(block, "rows")]
    heads = [column.label for column in table.columns]
    rows = [dict(zip(heads, (cell.text for cell in row), strict=True)) for row in table.rows]
    tool = next(row for row in rows if row["Case"] != "placebo_1")
    assert (tool["Starts"], tool["Ready after"], tool["CPU of a start"]) == ("20", "1.50", "0.80")
    assert (tool["Peak memory"], tool["Maps"]) == ("101", "—")
    assert (tool["Longest gap without"], tool["Longest gap"]) == ("8.00", "+50.0 %")
    assert (tool["p99 round trip"], tool["Requests unanswered"]) == ("+20.0 %", "0.20")


def test_start_workloads_leave_the_bands_as_they_are(started: Bundle) -> None:
    before = {one.tool: one.answer for one in result_of(Campaign(ONE).bundle()).answers}
    assert {one.tool: one.answer for one in result_of(started).answers} == before


def test_without_start_workloads_there_is_no_such_section() -> None:
    assert section(View(Campaign(ONE).bundle(), Texts("en"))) is None
