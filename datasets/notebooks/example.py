"""A made-up dataset for the notebooks: two environments, one run per night for fifteen nights.

It is simulated (`tasks.statistics.simulate`) and analysed by the project's own task, so effects and
verdicts are those that a campaign with these values would have had. It is the same each time:

- Everywhere `eth_drop` costs far too much and `system_network_latency_summary` almost nothing.
- Night 9, kernel 5.10: a new version of `system_network_latency_details` costs 9 % instead of 2 %.
- Night 10, kernel 4.19: the hosts' own latency is 12 % longer; no tool's cost changed.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from tasks.analyze import analyze_runs
from tasks.model.facts import Cpu, Facts
from tasks.model.metrics import METRICS, PRIMARY
from tasks.model.plan import CaseKind, Design, Workload
from tasks.statistics.simulate import Schedule, SimulatedHost, frames, log_values
from tasks.storage.dataset import Dataset
from tasks.storage.schema import BPF_PROGRAMS, RUNS, SAMPLES, VERSION

NIGHTS, ITERATIONS, CELL_S = 15, 4, 60.0
FIRST_NIGHT = datetime(2026, 11, 8, 22, 0, tzinfo=UTC)
PLACEBO = "placebo"

WORKLOADS = (
    Workload("throughput_single_tcp", "throughput", "iperf3", "tcp"),
    Workload("latency_tcp_rr", "latency", "netperf", "tcp"),
    Workload("pps_single_udp", "pps", "iperf3", "udp", length=64, bandwidth="1G"),
)
LEVELS = {"throughput": 8.2e9, "latency": 68.0, "pps": 690e3}


@dataclass(frozen=True, slots=True)
class _Tool:
    tool_class: str
    costs: tuple[float, float, float]  # of throughput, latency, pps, in %
    cpu_pct: float
    log_mib_per_min: float
    ns_per_event: float


TOOLS = {
    "eth_drop": _Tool("details_unfiltered", (36, 340, 45), 17.4, 29.5, 9800),
    "system_network_latency_details": _Tool("details_filtered", (2, 6, 2.5), 3.2, 0.7, 760),
    "system_network_latency_summary": _Tool("summary", (0.4, 1.2, 0.5), 0.1, 0.02, 480),
    "tun_ring_monitor": _Tool("details_unfiltered", (2.1, 9.5, 4), 22.3, 61, 3100),
}
NEW_VERSION = _Tool("details_filtered", (9, 19, 11), 4.1, 0.7, 1900)


@dataclass(frozen=True, slots=True)
class _Night:
    """One environment's run of one night."""

    index: int
    environment: str
    kernel: str
    arch: str
    seed: int

    @property
    def run(self) -> str:
        return f"night-{self.index + 1:02d}"

    @property
    def started(self) -> datetime:
        return FIRST_NIGHT + timedelta(days=self.index)

    @property
    def upgraded(self) -> bool:
        return self.index >= 9 and self.kernel.startswith("5.10")

    def tool(self, name: str) -> _Tool:
        return NEW_VERSION if self.upgraded and name.endswith("details") else TOOLS[name]

    def level(self, kind: str) -> float:
        slower = self.index >= 10 and self.kernel.startswith("4.19") and kind == "latency"
        return LEVELS[kind] * (1.12 if slower else 1.0)


def write_example(root: Path) -> None:
    """Writes the dataset below `root`, all fifteen nights, analysed."""
    dataset = Dataset(root)
    nights = [
        _Night(index, environment, kernel, arch, seed)
        for index in range(NIGHTS)
        for seed, (environment, kernel, arch) in enumerate(
            (
                ("lab-419-intel", "4.19.90-2107.6.0.0192.8.oe1.x86_64", "x86_64"),
                ("lab-510-arm", "5.10.0-247.0.0.oe1.v77.aarch64", "aarch64"),
            )
        )
    ]
    dataset.replace_all({(night.environment, night.run): _tables(night) for night in nights})
    analyze_runs.fn(str(root), [(night.environment, night.run) for night in nights])


def _tables(night: _Night) -> dict[str, pl.DataFrame]:
    rng = np.random.default_rng((night.seed, night.index))
    schedule = Schedule.interleaved([*TOOLS, PLACEBO], ITERATIONS, rng)
    parts = [_workload(night, schedule, place, rng) for place in range(len(WORKLOADS))]
    cells = pl.concat([cells for cells, _ in parts])
    samples = pl.concat([samples for _, samples in parts])
    return {
        "runs": RUNS.frame([_run(night, cells)]),
        "cells": cells,
        "samples": pl.concat([samples, SAMPLES.frame(_resources(night, cells))]),
        "bpf_programs": BPF_PROGRAMS.frame(_programs(night, cells)),
    }


def _workload(
    night: _Night, schedule: Schedule, place: int, rng: np.random.Generator
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Cells and samples of one workload; a case's workloads run one after another."""
    workload = WORKLOADS[place]
    metric = PRIMARY[workload.kind, workload.protocol]
    # The simulator lowers a value by a cost, but a cost raises a latency.
    worse = -1 if workload.kind == "latency" else 1
    costs = {name: worse * night.tool(name).costs[place] for name in TOOLS}
    host = SimulatedHost(run_sd=0.004, drift_sd=0.006, level_bps=night.level(workload.kind))
    y = log_values(schedule, costs, host, rng, CELL_S)
    cells, samples = frames(schedule, y, CELL_S, night.environment)
    first: datetime = min(cells["started"].to_list())
    late = night.started - first + timedelta(seconds=place * CELL_S / 3)
    ours = {"run": pl.lit(night.run), "workload": pl.lit(workload.name)}
    classes = {name: tool.tool_class for name, tool in TOOLS.items()}
    cells = cells.with_columns(
        pl.col("started", "ended") + late,
        **ours,
        tool_class=pl.col("tool").replace_strict(classes, default=None),
        tool_sha256=pl.when(kind=CaseKind.TOOL).then(_checksum(night)),
        epoch=pl.lit("world-1"),
        tool_host=pl.lit("host-server"),
    )
    unit = METRICS[metric].unit
    return cells, samples.with_columns(**ours, metric=pl.lit(metric), unit=pl.lit(unit))


def _checksum(night: _Night) -> pl.Expr:
    new = pl.col("case").str.ends_with("details") & night.upgraded
    return pl.when(new).then(pl.lit("version-2")).otherwise(pl.lit("version-1"))


def _resources(night: _Night, cells: pl.DataFrame) -> Iterator[dict[str, Any]]:
    key = ("environment", "run", "layer", "iteration", "position", "case", "workload", "attempt")
    for cell in cells.filter(kind=CaseKind.TOOL).iter_rows(named=True):
        tool = night.tool(cell["case"])
        wobble = 1 + 0.03 * ((7 * cell["iteration"] + cell["position"]) % 5 - 2)
        values = {"tool_cpu_pct": tool.cpu_pct, "log_mib_per_min": tool.log_mib_per_min}
        for metric, value in values.items():
            yield {name: cell[name] for name in key} | {
                "metric": metric,
                "value": value * wobble,
                "unit": METRICS[metric].unit,
                "node": "host-server",
            }


def _programs(night: _Night, cells: pl.DataFrame) -> Iterator[dict[str, Any]]:
    one = cells.filter(kind=CaseKind.TOOL, workload=WORKLOADS[0].name)
    shared = [name for name in BPF_PROGRAMS.schema if name in one.columns]
    for cell in one.iter_rows(named=True):
        packets, ns = 60_000, night.tool(cell["case"]).ns_per_event
        yield {name: cell[name] for name in shared} | {
            "node": "host-server",
            "program_id": 40 + cell["position"],
            "run_cnt": packets,
            "run_time_ns": int(packets * ns),
            "packets": packets,
            "duration_s": 2.0,
            "ns_per_event": ns,
            "events_per_packet": 1.0,
            "cpu_pct": packets * ns / 2.0 / 1e7,
        }


def _run(night: _Night, cells: pl.DataFrame) -> dict[str, Any]:
    facts = [
        Facts(
            node=f"host-{side}",
            kernel=night.kernel,
            arch=night.arch,
            distribution="openEuler 20.03 (LTS-SP3)",
            cpu=Cpu(model="Kunpeng-920" if night.arch == "aarch64" else "Xeon Gold 6330"),
        )
        for side in ("server", "client")
    ]
    return {
        "environment": night.environment,
        "run": night.run,
        "source": "native",
        "schema_version": VERSION,
        "clock": "wall",
        "started": cells["started"].min(),
        "ended": cells["ended"].max(),
        "iterations": ITERATIONS,
        "design": json.dumps(asdict(Design(night.seed, ITERATIONS))),
        "workloads": json.dumps([asdict(workload) for workload in WORKLOADS]),
        "facts": json.dumps({found.node: found.model_dump() for found in facts}),
        "raw_path": f"example/{night.run}/{night.environment}",
    }
