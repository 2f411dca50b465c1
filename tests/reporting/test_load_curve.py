"""The load curve: on the first page, in the recommendations, in a section, in the document."""

import json
from dataclasses import replace

import polars as pl
import pytest

from tasks.reporting.bundle import Bundle
from tasks.reporting.charts.rates import rates as chart_of
from tasks.reporting.report_page import report_page
from tasks.reporting.result_document import result_of
from tasks.reporting.sections.safe_rates import section
from tasks.reporting.texts import Lang, Texts
from tasks.reporting.view import View

from .report_bundle import Campaign

ONE = ("lab-510-intel",)
SHARES = (10, 50, 90)
RATES = {10: 20_000.0, 50: 100_000.0, 90: 180_000.0}
COSTLY = "eth_drop"  # safe up to half of the capacity


@pytest.fixture(scope="module")
def swept() -> Bundle:
    """A campaign with load workloads: one tool loses packets at 90 %, the others do not."""
    bundle = Campaign(ONE).bundle()
    loads = {f"load_udp_{pct}": pct for pct in SHARES}
    listed = [
        {"name": name, "kind": "load", "protocol": "udp", "streams": 1, "load_pct": pct}
        for name, pct in loads.items()
    ]
    runs = bundle.runs.with_columns(
        workloads=pl.Series([json.dumps(json.loads(w) + listed) for w in bundle.runs["workloads"]])
    )
    first = bundle.effects.filter(primary=True).unique(["layer", "case"], maintain_order=True)
    parts = []
    for name, pct in loads.items():
        bad = (pl.col("tool") == COSTLY) & (pct == 90)
        cpu = RATES[pct] / 1e5
        for metric, primary, low, cost, high in (
            ("packets_per_s", False, -0.1, pl.lit(0.0), 0.1),
            ("datagrams_per_s", True, -0.1, pl.when(bad).then(8.0).otherwise(0.0), 0.1),
            ("lost_pct", False, -0.01, pl.when(bad).then(7.0).otherwise(0.0), 0.01),
            ("server_cpu_pct", False, -0.2, pl.lit(cpu), 0.2),
        ):
            parts.append(
                first.with_columns(
                    workload=pl.lit(name), metric=pl.lit(metric), primary=pl.lit(primary),
                    estimate=cost, ci_low=cost + low, ci_high=cost + high,
                    baseline_mean=pl.lit(RATES[pct]), withheld_by=pl.lit(None, pl.String),
                    verdict=pl.lit("inconclusive"),
                ).select(bundle.effects.columns)
            )  # fmt: skip
    baselines = bundle.cells.filter(kind="baseline").unique(["layer"], maintain_order=True)
    cells = pl.concat([baselines.with_columns(workload=pl.lit(name)) for name in loads])
    samples = cells.select(bundle.samples.columns[: bundle.samples.columns.index("metric")])
    lost = samples.with_columns(metric=pl.lit("lost_pct"), value=pl.lit(0.0))
    return replace(
        bundle,
        runs=runs,
        cells=pl.concat([bundle.cells, cells]),
        samples=pl.concat([bundle.samples, lost], how="diagonal"),
        effects=pl.concat([bundle.effects, *parts]),
        margins=dict(bundle.margins) | {"datagrams_per_s": 3.0},
    )


@pytest.mark.parametrize(
    ("lang", "half", "whole"),
    [
        (
            "en",
            "up to 100 k packets/s, beyond the margin from 180 k",
            "up to at least 180 k packets/s",
        ),
        ("zh", "流量上限 100 k 包/秒，180 k 包/秒起超过容差", "流量上限不低于 180 k 包/秒"),
    ],
)
def test_the_first_page_names_the_rate_beside_the_answer(
    swept: Bundle, lang: Lang, half: str, whole: str
) -> None:
    first, recommended, *_ = report_page(swept, lang).sections
    (matrix,) = [block for block in first.blocks if getattr(block, "style", "") == "matrix"]
    said = {row[0].text: row[1].sub for row in matrix.rows}
    assert half in said.pop(COSTLY)
    assert all(whole in text for text in said.values())
    (bullets,) = recommended.blocks[:1]
    assert any(f"{COSTLY} {half}" in item for item in bullets.items)


def test_the_section_has_every_rate_of_every_case_and_a_chart(swept: Bundle) -> None:
    view = View(swept, Texts("en"))
    found = section(view)
    assert found is not None
    tables = [block for block in found.blocks if hasattr(block, "rows")]
    cases = {curve.place[3] for curve in view.load_curves}
    assert [len(table.rows) for table in tables] == [len(cases), len(cases) * len(SHARES)]
    chart = chart_of(view)
    assert chart is not None and "loss added, percentage points" in chart.svg


def test_the_line_through_the_cpu_is_what_was_put_in(swept: Bundle) -> None:
    curves = View(swept, Texts("en")).load_curves
    slopes = {curve.tool: curve.slope_ns for curve in curves}
    assert slopes.pop(COSTLY) is None, "two safe rates make no line"
    assert [one.estimate for one in slopes.values() if one] == pytest.approx([100.0] * len(slopes))


def test_the_document_has_the_rate(swept: Bundle) -> None:
    rates = {
        one.tool: (one.safe_up_to_pps, one.too_much_from_pps) for one in result_of(swept).answers
    }
    assert rates.pop(COSTLY) == (100_000.0, 180_000.0)
    assert set(rates.values()) == {(180_000.0, None)}


def test_load_workloads_leave_the_bands_as_they_are(swept: Bundle) -> None:
    before = {one.tool: one.answer for one in result_of(Campaign(ONE).bundle()).answers}
    assert {one.tool: one.answer for one in result_of(swept).answers} == before


def test_without_load_workloads_nothing_is_said_of_rates() -> None:
    bundle = Campaign(ONE).bundle()
    assert section(View(bundle, Texts("en"))) is None
    assert {one.safe_up_to_pps for one in result_of(bundle).answers} == {None}
