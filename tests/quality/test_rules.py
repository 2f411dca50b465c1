"""Nothing is found in a whole run; each rule finds what it is for, and only that."""

import json
from collections import Counter
from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from tasks.quality.checks import run_rules, withheld
from tasks.quality.gates import GATES
from tasks.quality.rules import RULES
from tasks.storage.schema import CHECKS, TABLES

from ..languages import chinese, english_words
from .quality_tables import TOOLS, effect, effects, facts, whole_run

Tables = dict[str, pl.DataFrame]


def failed(tables: Tables) -> pl.DataFrame:
    return run_rules(tables).filter(status="failed")


def joined(*all_tables: Tables) -> Tables:
    return {name: pl.concat([t[name] for t in all_tables]) for name in all_tables[0]}


def scaled(tables: Tables, factors: list[float], metric: str = "throughput_bps") -> Tables:
    """The host layer's baselines of `metric` multiplied, one after the other, by `factors`."""
    cells = tables["cells"].filter(kind="baseline", layer="host")
    place = ["layer", "iteration", "position"]
    order = cells.select(place).unique().sort("iteration", "position")
    assert order.height == len(factors)
    by = order.with_columns(factor=pl.Series(factors), metric=pl.lit(metric))
    samples = tables["samples"].join(by, on=[*place, "metric"], how="left", maintain_order="left")
    value = pl.col("value") * pl.col("factor").fill_null(1.0)
    return tables | {"samples": samples.with_columns(value=value).drop("factor")}


def cells(tables: Tables, when: pl.Expr, **change: object) -> Tables:
    columns = [
        pl.when(when).then(pl.lit(value)).otherwise(pl.col(name)).alias(name)
        for name, value in change.items()
    ]
    return tables | {"cells": tables["cells"].with_columns(columns)}


def with_facts(tables: Tables, by_node: dict[str, dict[str, object]]) -> Tables:
    changed = facts()
    for node, change in by_node.items():
        changed[node] |= change
    return {**tables, "runs": tables["runs"].with_columns(facts=pl.lit(json.dumps(changed)))}


def test_a_whole_run_has_no_finding() -> None:
    checks = run_rules(whole_run())
    assert checks.schema == CHECKS.schema
    assert set(checks["status"]) == {"passed"}
    assert checks["rule_id"].is_unique().all()
    assert {"physical.gain", "structural.too_many_lost", "stability.drift"} <= set(
        checks["rule_id"]
    )


def test_no_tables_no_answers() -> None:
    assert run_rules({}).is_empty()


def one_cell(status: str, gate: str | None = None) -> Callable[[Tables], Tables]:
    here = (pl.col("iteration") == 1) & (pl.col("position") == 1) & (pl.col("layer") == "host")
    here &= pl.col("workload") == "latency_tcp_rr"
    return lambda t: cells(t, here, status=status, gate=gate, reason="said so")


BASELINES = 6  # of a layer and workload in the run: three in each of two iterations


@pytest.mark.parametrize(
    ("rule_id", "spoil"),
    [
        ("gate.quiet_host", one_cell("invalid", "quiet_host")),
        ("gate.steady", lambda t: scaled(t, [1, 5, 1, 5, 1, 5], "latency_mean_us")),
        ("stability.drift", lambda t: scaled(t, list(np.linspace(1, 1.3, BASELINES)))),
        (
            "structural.too_many_lost",
            lambda t: cells(t, pl.col("case") == "details_c", status="failed"),
        ),
        (
            "structural.value_missing",
            lambda t: t | {"samples": t["samples"].filter(pl.col("case") != "details_c")},
        ),
        (
            "structural.window_length",
            lambda t: cells(t, pl.col("case") == "details_c", window_s=7.0),
        ),
        (
            "structural.clock_unaligned",
            lambda t: cells(t, pl.col("layer") == "vm", clock="unaligned"),
        ),
        (
            "structural.clock_offset",
            lambda t: with_facts(t, {"host-client": {"clock_offset_s": 3600.0}}),
        ),
        ("stability.requeued", lambda t: cells(t, pl.col("position") == 1, attempt=2)),
        ("physical.other_path", lambda t: scaled(t, [0.3] * BASELINES)),
    ],
)
def test_one_thing_wrong_is_found_under_its_own_id(
    rule_id: str, spoil: Callable[[Tables], Tables]
) -> None:
    found = failed(spoil(whole_run()))
    ours = found.filter(rule_id=rule_id)
    assert set(found["rule_id"]) - {"structural.value_missing"} <= {rule_id}
    assert ours.height >= 1
    assert ours.select("message", "message_zh", "advice", "advice_zh").null_count().row(0) == (
        0, 0, 0, 0,
    )  # fmt: skip


def test_a_refused_cell_names_its_gate_and_its_reason() -> None:
    found = failed(one_cell("invalid", "quiet_host")(whole_run()))
    row = found.filter(rule_id="gate.quiet_host").row(0, named=True)
    assert (row["case"], row["workload"]) == ("summary_a", "latency_tcp_rr")
    assert row["observed"] == "1/2: said so"
    assert GATES["quiet_host"].reason.en in row["message"]


def test_a_gain_is_a_finding_when_statistics_or_its_size_establish_it() -> None:
    table = effects(
        {"case": "established", "estimate": -0.5, "ci_low": -0.7, "ci_high": -0.3,
         "verdict": "implausible_gain"},
        {"case": "large", "estimate": -90.0, "ci_low": -107.0, "ci_high": -81.0},
        {"case": "small", "estimate": -1.0, "ci_low": -1.5, "ci_high": -0.5},
        {"case": "unsure", "estimate": -9.0, "ci_low": -20.0, "ci_high": 2.0},
    )  # fmt: skip
    found = failed(table).filter(rule_id="physical.gain")
    assert found.select("case", "observed").rows() == [
        ("established", "+0.3~+0.7 %"),
        ("large", "+81~+107 %"),
    ]


def test_a_placebos_gain_is_not_a_tools() -> None:
    gain = {"estimate": -9.0, "ci_low": -10.0, "ci_high": -8.0, "kind": "placebo"}
    assert failed(effects(gain)).is_empty()


def test_when_most_tools_gain_the_baseline_is_the_suspect_and_their_verdicts_are_withheld() -> None:
    gain = {"estimate": -15.0, "ci_low": -16.0, "ci_high": -13.0}
    table = effects(
        *({"case": case, **gain} for case in TOOLS[:4]),
        {"case": TOOLS[4]},
        {"case": TOOLS[4], "workload": "latency_tcp_rr"},
    )
    found = failed(table)
    assert Counter(found["rule_id"]) == {
        "comparative.baseline_suspect": 1,
        "physical.gain_with_the_rest": 4,
    }
    gone = withheld(found, table["effects"])
    assert set(gone["case"]) == set(TOOLS)  # the one that did not gain as well
    assert set(gone["workload"]) == {"throughput_single_tcp"}


def peers(*changes: dict[str, object]) -> Tables:
    """One effect of one tool in as many environments."""
    return effects(*({"environment": f"env-{i}", **c} for i, c in enumerate(changes)))


def test_a_tool_that_costs_nothing_here_and_plenty_elsewhere_probably_did_not_run() -> None:
    cpu = {"metric": "tool_cpu_pct", "primary": False, "scale": "difference"}
    spans = [(0.0, 0.04), (23.0, 23.5), (31.0, 31.0), (61.0, 61.0)]
    table = peers(*({**cpu, "ci_low": low, "ci_high": high} for low, high in spans))
    other = effects({"environment": "env-0", "case": "summary_a", "workload": "latency_tcp_rr"})
    found = failed(table)
    assert found.select("rule_id", "environment", "observed", "expected").rows() == [
        ("comparative.too_cheap", "env-0", "+0~+0.04 %", "+23~+61 %")
    ]
    # it did not run: every verdict on it in that environment is withheld
    assert withheld(found, other["effects"]).height == 1


def test_a_tool_dearer_by_far_on_one_environment_is_named() -> None:
    cpu = {"metric": "tool_cpu_pct", "primary": False}
    spans = [(65.0, 65.0), (0.0, 0.05), (0.0, 0.2)]
    found = failed(peers(*({**cpu, "ci_low": low, "ci_high": high} for low, high in spans)))
    assert found.select("rule_id", "environment").rows() == [("comparative.too_dear", "env-0")]


def test_two_environments_are_too_few_to_tell_which_is_odd() -> None:
    cpu = {"metric": "tool_cpu_pct", "primary": False}
    assert failed(
        peers({**cpu, "ci_low": 0.0, "ci_high": 0.04}, {**cpu, "ci_low": 23.0})
    ).is_empty()


def test_an_interval_far_wider_than_its_peers_is_found_for_tool_and_environment() -> None:
    latency = {"metric": "latency_mean_us", "workload": "latency_tcp_rr"}
    spans = [(3.0, 204.0), (-2.0, 44.0), (-1.0, 5.0), (6.0, 19.0)]
    found = failed(peers(*({**latency, "ci_low": low, "ci_high": high} for low, high in spans)))
    assert set(found["environment"]) == {"env-0"}
    assert set(found["rule_id"]) == {"comparative.tool_spread", "comparative.environment_spread"}


def test_a_gain_that_no_other_run_comes_near_is_not_reproduced() -> None:
    gain = {"run": "night-1", "estimate": -90.0, "ci_low": -107.0, "ci_high": -81.0}
    found = failed(effects(gain, {"run": "night-2"}, {"run": "night-3", "ci_low": -4.0}))
    row = found.filter(rule_id="comparative.not_reproduced").row(0, named=True)
    assert (row["run"], row["observed"], row["expected"]) == ("night-1", "+81~+107 %", "-3~+4 %")
    again = failed(effects(gain, {**gain, "run": "night-2"}))
    assert "comparative.not_reproduced" not in set(again["rule_id"])


def test_a_baseline_unlike_those_of_other_nights_is_found() -> None:
    nights = [whole_run(run=f"night-{i}") for i in range(6)]
    nights[4] = scaled(nights[4], [0.8] * BASELINES)
    found = failed(joined(*nights)).filter(rule_id="comparative.baseline_history")
    assert found.select("run", "layer", "metric").rows() == [("night-4", "host", "throughput_bps")]
    assert failed(joined(*nights[:4])).is_empty()  # too short a history


def test_a_program_cannot_run_longer_than_the_cpus_there_are() -> None:
    tables = whole_run()
    row = {
        "environment": "intel", "run": "night-1", "layer": "host", "iteration": 1, "position": 1,
        "case": "summary_a", "kind": "tool", "tool": "summary_a", "node": "host-server",
        "program_id": 7, "name": "on_rx",
    }  # fmt: skip
    cpus = facts()["host-server"]["cpu"]["cpus"]
    for cpu_pct, count in ((100.0 * cpus, 0), (100.0 * cpus + 1, 1)):
        tables["bpf_programs"] = TABLES["bpf_programs"].frame([row | {"cpu_pct": cpu_pct}])
        found = failed(tables).filter(rule_id="physical.kernel_time")
        assert found.height == count
    assert found["observed"][0] == "on_rx 401 %"


def test_an_effect_is_withheld_by_blocking_findings_only() -> None:
    table = TABLES["effects"].frame([effect(), effect(case="summary_b")])
    place = {"environment": "intel", "run": "night-1", "status": "failed", "case": "summary_a"}
    finding = place | {"rule_id": "expect.limits", "message": "too fast"}
    warned = CHECKS.frame([finding | {"severity": "warns"}])
    blocked = CHECKS.frame([finding | {"severity": "blocks"}])
    errors = CHECKS.frame([finding | {"severity": "blocks", "status": "error"}])
    assert withheld(warned, table).is_empty() and withheld(errors, table).is_empty()
    assert withheld(blocked, table).select("case", "rule_id", "message").rows() == [
        ("summary_a", "expect.limits", "too fast")
    ]


def test_ids_are_unique_and_every_rule_speaks_both_languages() -> None:
    assert [rule_id for rule_id, n in Counter(r.id for r in RULES).items() if n > 1] == []
    for rule in RULES:
        assert rule.severity in ("blocks", "warns", "informs")
        assert rule.message.en.endswith((".", ")")) and rule.message.zh.endswith(("。", "）"))
        assert rule.advice.en.endswith((".", "?")) and rule.advice.zh.endswith(("。", "？"))
        for text in (rule.message, rule.advice):
            assert not chinese(text.en)
            assert not english_words(text.zh)
