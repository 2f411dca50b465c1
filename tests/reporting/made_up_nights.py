"""Twenty nights made up for the tests, with exactly three things in them.

From night 8 (the first is 0) the hosts run another kernel; from night 12 `eth_drop` costs more;
from night 15 TCP throughput without a tool is lower. `quiet` never changes.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from tasks.model.metrics import PRIMARY
from tasks.model.plan import Workload
from tasks.storage.dataset import Dataset
from tasks.storage.schema import TABLES

FIRST = datetime(2026, 3, 1, 22, tzinfo=UTC)
KERNEL_AT, TOOL_AT, HOSTS_AT = 8, 12, 15
WORKLOADS = (
    Workload("throughput_single_tcp", "throughput", "iperf3", "tcp"),
    Workload("latency_tcp_rr", "latency", "netperf", "tcp"),
    Workload("pps_single_udp", "pps", "iperf3", "udp", length=64, bandwidth="1G"),
)
LEVELS = {"throughput": 8.2e9, "latency": 68.0, "pps": 690e3}
NOISE = 0.004
SIGN = {"throughput": -1, "latency": 1, "pps": -1}
CASES = {
    "eth_drop_rx_protocol_tcp": "eth_drop",
    "eth_drop_rx_protocol_udp": "eth_drop",
    "quiet_rx": "quiet",
}


def day(night: int) -> datetime:
    return FIRST + timedelta(days=night)


def store(root: Path, nights: int = 20, environment: str = "lab", replaced_at: int = 99) -> str:
    """A dataset of that many nights; `eth_drop` is another script from night `replaced_at`."""
    rng = np.random.default_rng(20260301)
    for night in range(nights):
        run = f"night-{night:02d}"
        place = {"environment": environment, "run": run}
        rows = {
            "runs": [place | _run(night)],
            "cells": [place | cell for cell in _cells(night, replaced_at)],
            "effects": [place | effect for effect in _effects(night, rng)],
        }
        tables = {name: TABLES[name].frame(found) for name, found in rows.items()}
        Dataset(root).replace(environment, run, tables)
    return str(root)


def _run(night: int) -> dict[str, Any]:
    settings = json.dumps([asdict(workload) for workload in WORKLOADS])
    return {
        "source": "native",
        "schema_version": 1,
        "clock": "wall",
        "started": day(night),
        "workloads": settings,
    }


def _case(case: str, tool: str | None) -> dict[str, Any]:
    return {"layer": "host", "case": case, "kind": "tool" if tool else "baseline", "tool": tool}


def _cells(night: int, replaced_at: int) -> Iterator[dict[str, Any]]:
    cases: dict[str, str | None] = {"baseline": None, **CASES}
    for position, (case, tool) in enumerate(cases.items()):
        for workload in WORKLOADS:
            new = tool == "eth_drop" and night >= replaced_at
            yield _case(case, tool) | {
                "iteration": 1,
                "position": position,
                "workload": workload.name,
                "attempt": 1,
                "status": "passed",
                "started": day(night) + timedelta(minutes=position),
                "epoch": "kernel-b" if night >= KERNEL_AT else "kernel-a",
                "tool_sha256": None if tool is None else f"{tool}-{'new' if new else 'old'}",
            }


def _effects(night: int, rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    mood = {workload.name: rng.normal(0, NOISE) for workload in WORKLOADS}
    for case, tool in CASES.items():
        for workload in WORKLOADS:
            delta = SIGN[workload.kind] * _cost(tool, night) + rng.normal(0, NOISE)
            slower = workload.kind == "throughput" and night >= HOSTS_AT
            level = LEVELS[workload.kind] * (0.93 if slower else 1.0)
            yield _case(case, tool) | {
                "workload": workload.name,
                "metric": PRIMARY[workload.kind, workload.protocol],
                "unit": "%",
                "scale": "ratio",
                "primary": True,
                "n": 4,
                "estimate_log": delta,
                "baseline_mean": level * float(np.exp(mood[workload.name])),
                "verdict": "overhead",
            }


def _cost(tool: str, night: int) -> float:
    if tool == "quiet":
        return 0.005
    return 0.12 if night >= TOOL_AT else 0.04
