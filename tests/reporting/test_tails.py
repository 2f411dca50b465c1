"""The section on tails: each quantile's cost, and none beside a load that the baseline lost."""

import json
from dataclasses import replace

import polars as pl
import pytest

from tasks.reporting.bundle import Bundle
from tasks.reporting.sections.tails import section
from tasks.reporting.texts import Texts
from tasks.reporting.view import View

from .report_bundle import Campaign

ONE = ("lab-510-intel",)
SHARES = {"tail_udp": None, "tail_udp_load_50": 50, "tail_udp_load_90": 90}
LOST = {"tail_udp_load_50": 0.1, "tail_udp_load_90": 4.0}
COSTS = {"latency_p50_us": 2.0, "latency_p99_us": 40.0}


@pytest.fixture(scope="module")
def measured() -> Bundle:
    """A campaign with tail workloads; the baselines lose 4 % of the load at 90 %."""
    bundle = Campaign(ONE).bundle()
    listed = [
        {"name": name, "kind": "tail", "protocol": "udp", "streams": 1, "load_pct": pct}
        for name, pct in SHARES.items()
    ]
    runs = bundle.runs.with_columns(
        workloads=pl.Series([json.dumps(json.loads(w) + listed) for w in bundle.runs["workloads"]])
    )
    first = bundle.effects.filter(primary=True).unique(["layer", "case"], maintain_order=True)
    effects = [
        first.with_columns(
            workload=pl.lit(name), metric=pl.lit(metric), primary=pl.lit(metric.endswith("p99_us")),
            estimate=pl.lit(cost), ci_low=pl.lit(cost - 1), ci_high=pl.lit(cost + 1),
            baseline_mean=pl.lit(0.3 if metric == "late_p99_us" else 500.0),
            withheld_by=pl.lit(None, pl.String), verdict=pl.lit("overhead"),
        ).select(bundle.effects.columns)
        for name in SHARES
        for metric, cost in (COSTS | {"late_p99_us": 0.0}).items()
    ]  # fmt: skip
    baselines = bundle.cells.filter(kind="baseline").unique(["layer"], maintain_order=True)
    cells = pl.concat([baselines.with_columns(workload=pl.lit(name)) for name in LOST])
    keys = cells.select(bundle.samples.columns[: bundle.samples.columns.index("metric")])
    lost = keys.with_columns(
        metric=pl.lit("lost_pct"), value=pl.col("workload").replace_strict(LOST)
    )
    return replace(
        bundle,
        runs=runs,
        cells=pl.concat([bundle.cells, cells]),
        samples=pl.concat([bundle.samples, lost], how="diagonal"),
        effects=pl.concat([bundle.effects, *effects]),
    )


def test_each_quantile_has_its_cost_except_beside_a_load_that_the_baseline_lost(
    measured: Bundle,
) -> None:
    found = section(View(measured, Texts("en")))
    assert found is not None
    (table,) = [block for block in found.blocks if hasattr(block, "rows")]
    heads = [column.label for column in table.columns]
    case = table.rows[0][0].text
    rows = [dict(zip(heads, map(str, (c.text for c in row)), strict=True)) for row in table.rows]
    loads = {}
    for row in rows:
        if row["Case"] == case:
            loads[row["Load beside"]] = (row["p50"], row["p99"], row["p99.9"])
            assert row["Sent late, p99"] == "0.30"
    known = ("+2.0 %", "+40.0 %", "—")
    assert loads == {
        "—": known, "50 %": known, "90 %, not held by the baseline": ("—", "—", "—"),
    }  # fmt: skip


def test_without_tail_workloads_there_is_no_such_section() -> None:
    assert section(View(Campaign(ONE).bundle(), Texts("en"))) is None
