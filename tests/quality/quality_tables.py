"""A small run without a finding, for tests to damage: two layers, some tools, baselines."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from tasks.model.facts import Cpu, Facts, Nic
from tasks.model.metrics import METRICS
from tasks.storage.schema import TABLES

START = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
TOOLS = ("summary_a", "summary_b", "details_c", "details_d", "details_e")
LEVEL = {  # by layer and metric
    ("host", "throughput_bps"): 8e9,
    ("host", "latency_mean_us"): 50.0,
    ("vm", "throughput_bps"): 4e9,
    ("vm", "latency_mean_us"): 90.0,
}
WORKLOADS = {"throughput_single_tcp": "throughput_bps", "latency_tcp_rr": "latency_mean_us"}

Rows = Sequence[Mapping[str, Any]]


def facts(cpus: int = 4, speed_mbps: int = 10_000) -> dict[str, Any]:
    nic = Nic(name="eth0", kind="plain", driver="ixgbe", speed_mbps=speed_mbps)
    nodes = ("host-server", "host-client")
    return {
        node: Facts(node=node, cpu=Cpu(cpus=cpus), interface="eth0", nics=(nic,)).model_dump()
        for node in nodes
    }


def whole_run(environment: str = "intel", run: str = "night-1") -> dict[str, pl.DataFrame]:
    """All eight tables of one run in which there is nothing to find."""
    place = {"environment": environment, "run": run}
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in TABLES}
    rows["runs"].append(
        place
        | {
            "source": "native",
            "schema_version": 1,
            "clock": "wall",
            "iterations": 2,
            "facts": json.dumps(facts()),
        }
    )
    for iteration in (1, 2):
        order = ["baseline", "summary_a", "summary_b", "baseline", *TOOLS[2:], "baseline"]
        for position, case in enumerate(order):
            for layer in ("host", "vm"):
                for workload, metric in WORKLOADS.items():
                    cell = _cell(place, layer, iteration, position, case, workload)
                    rows["cells"].append(cell)
                    rows["samples"] += _samples(cell, metric, position)
    rows["effects"] = [
        effect(environment, run, layer=layer, case=case, workload=workload)
        for layer in ("host", "vm")
        for case in TOOLS
        for workload in WORKLOADS
    ]
    return {name: table.frame(rows[name]) for name, table in TABLES.items()}


def effect(environment: str = "intel", run: str = "night-1", **change: Any) -> dict[str, Any]:
    """An effect of +2 % cost, [1, 3], or as `change` says."""
    workload = change.get("workload", "throughput_single_tcp")
    row = {
        "environment": environment,
        "run": run,
        "layer": "host",
        "case": "summary_a",
        "workload": workload,
        "metric": WORKLOADS.get(workload, "throughput_bps"),
        "kind": "tool",
        "unit": "%",
        "scale": "ratio",
        "primary": True,
        "n": 4,
        "estimate": 2.0,
        "ci_low": 1.0,
        "ci_high": 3.0,
        "margin": 3.0,
        "verdict": "overhead_unresolved",
    } | change
    return {"tool": row["case"]} | row


def effects(*changes: Mapping[str, Any]) -> dict[str, pl.DataFrame]:
    return {"effects": TABLES["effects"].frame(effect(**change) for change in changes)}


def _cell(
    place: dict[str, str], layer: str, iteration: int, position: int, case: str, workload: str
) -> dict[str, Any]:
    started = START + timedelta(minutes=60 * iteration + 2 * position)
    return {
        **place,
        "layer": layer,
        "iteration": iteration,
        "position": position,
        "case": case,
        "workload": workload,
        "attempt": 1,
        "kind": "baseline" if case == "baseline" else "tool",
        "tool": "" if case == "baseline" else case,
        "status": "passed",
        "started": started,
        "ended": started + timedelta(seconds=10),
        "window_s": 10.0,
        "server": "host-server",
        "clock": "same_host",
    }


def _samples(cell: dict[str, Any], metric: str, position: int) -> list[dict[str, Any]]:
    key = {name: cell[name] for name in TABLES["samples"].schema if name in cell}
    level = LEVEL[cell["layer"], metric] * (1 + 0.002 * (position % 3))
    values = {metric: level}
    if metric == "latency_mean_us":
        values |= {
            "latency_min_us": 0.5 * level,
            "latency_p50_us": 0.9 * level,
            "latency_p90_us": 1.4 * level,
            "latency_p99_us": 3.0 * level,
            "latency_max_us": 40.0 * level,
        }
    values["server_cpu_pct"] = 120.0
    return [
        key | {"metric": name, "value": value, "unit": METRICS[name].unit, "node": "host-server"}
        for name, value in values.items()
    ]
