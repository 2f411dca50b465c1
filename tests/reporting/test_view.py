"""The frames as the report asks of them."""

import json
from dataclasses import fields, replace

import polars as pl
import pytest

from tasks.reporting.document import Lines, ReportTable
from tasks.reporting.findings import Findings
from tasks.reporting.sections import tool_lines
from tasks.reporting.texts import Texts
from tasks.reporting.view import View, with_topics, workload_shapes
from tasks.storage.schema import CHECKS, EFFECTS, RUNS

from .report_bundle import Campaign


def effect(metric: str, **other: object) -> dict[str, object]:
    return {
        "environment": "lab", "run": "r", "layer": "host", "case": "c", "workload": "w",
        "metric": metric, "kind": "tool", "tool": "t", "unit": "%", "scale": "ratio",
        "primary": True, "n": 4, "estimate": 36.1, "ci_low": 34.2, "ci_high": 38.0,
        "verdict": "overhead",
    } | other  # fmt: skip


def test_a_primary_effect_belongs_to_a_topic_and_stays_a_cost() -> None:
    frame = with_topics(EFFECTS.frame([effect("throughput_bps"), effect("latency_mean_us")]))
    shown = frame.select("topic", "estimate", "ci_low", "ci_high").rows()
    assert shown == [("throughput", 36.1, 34.2, 38.0), ("latency", 36.1, 34.2, 38.0)]


def test_only_primary_effects_speak_for_their_topic() -> None:
    frame = with_topics(
        EFFECTS.frame(
            [effect("throughput_bps", primary=False), effect("tool_cpu_pct", primary=False)]
        )
    )
    assert frame["topic"].to_list() == [None, "tool_cpu"]


def check(**other: object) -> dict[str, object]:
    return {
        "environment": "lab", "run": "r", "rule_id": "rule", "severity": "blocks",
        "status": "failed",
    } | other  # fmt: skip


def test_a_finding_stands_beside_the_number_it_names() -> None:
    checks = CHECKS.frame(
        [check(severity="warns"), check(tool="t"), check(tool="t", metric="throughput_bps")]
    )
    findings = Findings(checks)
    numbered = {tuple(f.check[k] for k in ("tool", "metric")): f.number for f in findings.all}
    assert findings.of_number(effect("throughput_bps")) == (numbered["t", "throughput_bps"],)
    assert findings.of_number(effect("latency_mean_us")) == ()
    assert findings.of_tool("lab", "host", "t", None) == (numbered["t", None],)
    assert [f.number for f in findings.of_environment("lab")] == [numbered[None, None]]


def test_each_tool_shows_its_costliest_case_and_gravest_verdict() -> None:
    view = View(Campaign().bundle(), Texts("en"))
    drop = next(r for r in view.tools if (r.environment, r.tool) == ("lab-510-intel", "eth_drop"))
    assert drop.worst["throughput"]["case"] == "eth_drop_rx_protocol_tcp"
    assert drop.worst["throughput"]["estimate"] == pytest.approx(36.1)
    assert drop.verdict == "overhead"
    assert drop.kernel_ns == pytest.approx(9800.0)
    assert len({effect["case"] for effect in drop.effects}) == 2


def test_the_deciding_effect_stands_in_its_topics_column_and_is_the_largest_of_the_cases() -> None:
    bundle = Campaign().bundle()
    cost = pl.col("estimate") / 100
    error = (pl.col("ci_high") - pl.col("ci_low")) / 400
    more = pl.col("metric").is_in(["latency_mean_us", "tool_cpu_pct", "log_mib_per_min"])
    effects = bundle.effects.with_columns(
        estimate_log=pl.when(more).then(cost.log1p()).otherwise((1 - cost).log()),
        se_log=error,
        df=pl.lit(60.0),
    )
    view = View(replace(bundle, effects=effects), Texts("en"))
    for row in view.measured:
        deciding = row.usage.effect
        assert deciding is not None
        assert row.worst[deciding["topic"]] == deciding
    details = next(
        r for r in view.tools if (r.environment, r.tool) == ("lab-510-intel", "eth_drop")
    )
    throughput = details.worst["throughput"]
    assert throughput["largest_of"] == 8
    assert 0 < throughput["ci_low"] < throughput["estimate"] < throughput["ci_high"]


def test_a_tool_with_a_blocking_finding_is_withheld_and_placebos_are_no_tools() -> None:
    view = View(Campaign().bundle(), Texts("en"))
    tun = next(
        r for r in view.tools if (r.environment, r.tool) == ("lab-510-arm", "tun_ring_monitor")
    )
    assert (tun.usage.answer, tun.usage.reason) == ("undecided", "withheld")
    assert {row.kind for row in view.measured} == {"tool"}
    assert sum(row.kind == "placebo" for row in view.tools) == 4


def test_invalid_numbers_are_never_the_worst_ones() -> None:
    bundle = Campaign().bundle()
    effects = bundle.effects.with_columns(
        pl.when(pl.col("case") == "eth_drop_rx_protocol_tcp")
        .then(pl.lit("invalid"))
        .otherwise(pl.col("verdict"))
        .alias("verdict")
    )
    view = View(replace(bundle, effects=effects), Texts("en"))
    drop = next(r for r in view.tools if (r.environment, r.tool) == ("lab-510-intel", "eth_drop"))
    assert drop.worst["throughput"]["case"] == "eth_drop_rx_protocol_udp"
    assert drop.usage.reason == "invalid"


def test_two_runs_of_one_environment_are_told_apart() -> None:
    one = Campaign(environments=("lab-510-intel",)).bundle()
    frames = {f.name: getattr(one, f.name) for f in fields(one)}
    both = {
        name: pl.concat([frame, frame.with_columns(pl.lit("night-2").alias("run"))])
        for name, frame in frames.items()
        if isinstance(frame, pl.DataFrame)
    }
    view = View(replace(one, **both), Texts("en"))
    assert view.environments == ["lab-510-intel · night-1", "lab-510-intel · night-2"]
    assert len(view.measured) == 2 * 5
    assert view.effects.height == both["effects"].height


@pytest.mark.parametrize("text", [None, "null", "[]"])
def test_a_run_without_workloads_has_no_shapes(text: str | None) -> None:
    assert workload_shapes(RUNS.frame([{"environment": "e", "workloads": text}])) == {}


def test_a_second_workload_of_one_shape_goes_by_its_own_name_in_rows_of_its_own() -> None:
    one = Campaign(environments=("lab-510-intel",)).bundle()
    other = {"name": "latency_tcp_other", "kind": "latency", "protocol": "tcp"}
    workloads = [*json.loads(one.runs["workloads"][0]), other]
    again = one.effects.filter(workload="latency_tcp_rr").with_columns(
        workload=pl.lit("latency_tcp_other")
    )
    view = View(
        replace(
            one,
            runs=one.runs.with_columns(workloads=pl.lit(json.dumps(workloads))),
            effects=pl.concat([one.effects, again]),
        ),
        Texts("en"),
    )
    assert (
        view.workload("latency_tcp_other")
        == f"{view.workload('latency_tcp_rr')} (latency_tcp_other)"
    )
    section = tool_lines.section(view)
    assert section is not None
    lines = next(block for block in section.blocks if isinstance(block, Lines))
    shown = [
        [cell.text for cell in row]
        for inside in lines.inside
        for block in inside
        if isinstance(block, ReportTable) and block.caption == view.t("lines.unplaced")
        for row in block.rows
    ]
    assert shown
    assert all(view.workload("latency_tcp_other") in row for row in shown)
