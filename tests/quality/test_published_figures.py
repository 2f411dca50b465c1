"""The published figures are the rules' first real test: what is odd in them is known."""

from pathlib import Path

import polars as pl
import pytest

from tasks.model.errors import InputError
from tasks.model.names import ROOT
from tasks.quality.published_figures import check_reference

REFERENCE = ROOT / "datasets" / "reference"
ARM, HYGON = "os630-kernel-510-arm", "os630-kernel-510-hygon"


@pytest.fixture(scope="module")
def findings() -> pl.DataFrame:
    return check_reference(REFERENCE)


def tools(findings: pl.DataFrame, **place: str) -> set[str]:
    return set(findings.filter(**place)["tool"])


def test_the_first_validations_gains_are_found_and_are_not_reproduced(
    findings: pl.DataFrame,
) -> None:
    gainers = {
        "ovs_upcall_latency_summary",
        "kvm_irqfd_stats_summary",
        "vm_network_latency_details",
    }
    first = findings.filter(environment="first-validation")
    assert tools(first, rule_id="physical.gain") == gainers
    assert tools(first, rule_id="comparative.not_reproduced") == gainers
    kvm = first.filter(rule_id="comparative.not_reproduced", tool="kvm_irqfd_stats_summary")
    assert kvm.select("layer", "metric", "observed", "expected").row(0) == (
        "vm",
        "throughput",
        "+81~+107 %",
        "-21~+16 %",
    )


def test_the_latency_spreads_of_arm_hosts_are_found(findings: pl.DataFrame) -> None:
    place = {"environment": ARM, "layer": "host", "metric": "latency_tcp"}
    assert findings.filter(rule_id="comparative.environment_spread", **place).height == 1
    wide = findings.filter(rule_id="comparative.tool_spread", **place)
    assert "+3~+204 %" in wide["observed"].to_list()
    assert "kernel_drop_stack_stats_summary_all" in wide["tool"].to_list()
    elsewhere = findings.filter(
        pl.col("rule_id").str.ends_with("_spread"), pl.col("environment") != ARM
    )
    assert elsewhere.filter(layer="host", metric="latency_tcp").height == 0


def test_the_pps_gains_of_hygon_hosts_are_laid_to_the_baseline(findings: pl.DataFrame) -> None:
    for metric in ("pps_single", "pps_multi"):
        place = {"environment": HYGON, "layer": "host", "metric": metric}
        suspect = findings.filter(rule_id="comparative.baseline_suspect", **place)
        assert suspect["observed"][0].startswith("8/10: ")
        assert suspect["severity"][0] == "blocks"
        assert findings.filter(rule_id="physical.gain", **place).height == 0
        assert findings.filter(rule_id="physical.gain_with_the_rest", **place).height == 8


def test_a_tool_far_cheaper_than_anywhere_else_probably_did_not_run(
    findings: pl.DataFrame,
) -> None:
    cheap = findings.filter(rule_id="comparative.too_cheap", tool="vhost_queue_correlation_simple")
    assert cheap.select("environment", "metric", "observed", "expected").rows() == [
        (ARM, "tool_cpu", "+0~+0.04 %", "+23~+61 %")
    ]


def test_a_tools_latency_far_below_that_on_every_other_environment_is_found(
    findings: pl.DataFrame,
) -> None:
    cheap = findings.filter(rule_id="comparative.too_cheap", metric="latency_tcp")
    assert cheap.select("environment", "tool", "observed", "expected").rows() == [
        ("os620-kernel-419-intel", "eth_drop", "+10~+21 %", "+155~+460 %")
    ]


def test_vm_pairs_faster_than_their_hosts_took_another_path(findings: pl.DataFrame) -> None:
    single = findings.filter(rule_id="physical.other_path", metric="throughput_single")
    assert single.height == 4
    intel = single.filter(environment="os630-kernel-510-intel")
    assert intel.select("observed", "expected").row(0) == ("21.96 Gbit/s", "≤ 8.2 Gbit/s")


def test_a_figure_that_is_missing_is_named_and_not_judged(findings: pl.DataFrame) -> None:
    missing = findings.filter(rule_id="reference.value_missing")
    assert missing.select("tool", "metric", "severity").rows() == [
        ("system_network_icmp_rtt", "tool_cpu", "informs")
    ]


def test_the_findings_do_not_drown_the_figures(findings: pl.DataFrame) -> None:
    rows = sum(
        pl.read_csv(REFERENCE / name).height
        for name in ("tool_overhead.csv", "baselines.csv", "first_validation.csv")
    )
    loud = findings.filter(pl.col("severity") != "informs")
    assert loud.height <= rows / 4
    for severity in ("blocks", "warns", "informs"):
        assert findings.filter(severity=severity).height > 0


def test_every_finding_says_what_where_and_what_to_do(findings: pl.DataFrame) -> None:
    shown = findings.select(
        "environment", "rule_id", "metric", "observed", "expected",
        "message", "message_zh", "advice", "advice_zh",
    )  # fmt: skip
    assert shown.null_count().sum_horizontal().item() == 0
    assert not findings["message"].str.contains(r"[{}]").any()


def test_a_missing_file_or_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"tool_overhead\.csv: no such file"):
        check_reference(tmp_path)
    (tmp_path / "tool_overhead.csv").write_text("environment,layer\na,host\n")
    with pytest.raises(InputError, match=r"tool_overhead\.csv: tool: column is missing"):
        check_reference(tmp_path)
