"""A campaign made up for the tests: deterministic, plausible, in exactly the tables' schema.

Two environments, both layers, five tools of all three classes and a placebo. The costs are set by
`COSTS`; everything else follows from them.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from tasks.model.facts import Bpf, Cpu, Facts, Nic
from tasks.model.metrics import METRICS, PRIMARY
from tasks.model.plan import Design, Workload
from tasks.reporting.bundle import Bundle
from tasks.storage.schema import TABLES

RUN = "night-1"
START = datetime(2026, 11, 20, 22, 0, tzinfo=UTC)
MARGINS = {
    "throughput_bps": 3.0,
    "writes_per_s": 3.0,
    "datagrams_per_s": 3.0,
    "latency_mean_us": 5.0,
    "tool_cpu_pct": 1.0,
}

WORKLOADS = (
    Workload("throughput_single_tcp", "throughput", "iperf3", "tcp"),
    Workload("throughput_multi_tcp", "throughput", "iperf3", "tcp", streams=4),
    Workload("throughput_single_udp", "throughput", "iperf3", "udp"),
    Workload("throughput_multi_udp", "throughput", "iperf3", "udp", streams=4),
    Workload("latency_tcp_rr", "latency", "netperf", "tcp"),
    Workload("latency_udp_rr", "latency", "netperf", "udp"),
    Workload("pps_single_tcp", "pps", "iperf3", "tcp", length=64, bandwidth="1G"),
    Workload("pps_multi_tcp", "pps", "iperf3", "tcp", streams=4, length=64, bandwidth="1G"),
    Workload("pps_single_udp", "pps", "iperf3", "udp", length=64, bandwidth="1G"),
    Workload("pps_multi_udp", "pps", "iperf3", "udp", streams=4, length=64, bandwidth="1G"),
)

TOOLS: dict[str, dict[str, Any]] = {
    "system_network_latency_summary": {"layer": "host", "class": "summary", "ns": 480.0},
    "system_network_latency_details": {"layer": "host", "class": "details_filtered", "ns": 760.0},
    "eth_drop": {"layer": "host", "class": "details_unfiltered", "ns": 9800.0},
    "vm_network_latency_summary": {"layer": "vm", "class": "summary", "ns": 520.0},
    "tun_ring_monitor": {"layer": "vm", "class": "details_unfiltered", "ns": 3100.0},
}
"""tool -> layer, class, ns an event."""

COSTS: dict[str, tuple[float, float, float, float, float]] = {
    "system_network_latency_summary": (1.1, 2.4, 1.6, 0.1, 0.02),
    "system_network_latency_details": (6.2, 12.4, 5.1, 3.2, 0.7),
    "eth_drop": (36.1, 252.0, 45.2, 17.4, 29.5),
    "vm_network_latency_summary": (0.4, 1.2, 0.3, 0.1, 0.03),
    "tun_ring_monitor": (2.1, 9.5, 4.0, 22.3, 61.0),
    "placebo": (0.1, -0.2, 0.0, 0.0, 0.0),
}
"""tool -> cost of throughput, latency, pps in %, CPU in % of one CPU, log in MiB/min."""

BASELINES = {"throughput": 8.2e9, "latency": 68.0, "pps": 690e3}
ARM_FACTOR = {"throughput": 0.61, "latency": 1.42, "pps": 0.73}


class Campaign:
    """Builds the bundle; `environments` and the numbers of cases and iterations may be raised."""

    def __init__(
        self,
        environments: tuple[str, ...] = ("lab-510-intel", "lab-510-arm"),
        iterations: int = 4,
        copies: int = 1,
    ) -> None:
        self.environments, self.iterations, self.copies = environments, iterations, copies

    def cases(self, layer: str) -> Iterator[dict[str, Any]]:
        """Every case of a layer: tools by protocol, then the placebo."""
        for tool, kind in TOOLS.items():
            if kind["layer"] != layer:
                continue
            for protocol in ("tcp", "udp"):
                for copy in range(self.copies):
                    name = f"{tool}_rx_protocol_{protocol}" + (f"_{copy}" if copy else "")
                    yield self._case(name, tool, "tool", kind["class"], protocol)
        yield self._case(f"placebo_{layer}", "placebo", "placebo", None, None)

    @staticmethod
    def _case(
        name: str, tool: str, kind: str, tool_class: str | None, protocol: str | None
    ) -> dict[str, Any]:
        return {
            "case": name,
            "kind": kind,
            "tool": tool,
            "tool_class": tool_class,
            "category": None if kind == "placebo" else "performance/system-network",
            "protocol": protocol,
            "direction": "rx" if protocol else None,
        }

    def cost(self, environment: str, case: dict[str, Any], topic: str) -> float:
        """The case's true cost: half of it where the tool watches UDP, more on ARM."""
        index = ("throughput", "latency", "pps", "tool_cpu", "log").index(topic)
        cost = COSTS[case["tool"]][index]
        if case["protocol"] == "udp" and case["tool"] == "eth_drop":
            cost *= 0.1
        return cost * (1.3 if "arm" in environment else 1.0)

    def effects(self) -> Iterator[dict[str, Any]]:
        for environment in self.environments:
            for layer in ("host", "vm"):
                for case in self.cases(layer):
                    for workload in WORKLOADS:
                        yield self._effect(environment, layer, case, workload)
                        yield from self._resources(environment, layer, case, workload)

    def _effect(
        self, environment: str, layer: str, case: dict[str, Any], workload: Workload
    ) -> dict[str, Any]:
        cost = self.cost(environment, case, workload.kind) * (0.8 if workload.streams > 1 else 1)
        half = 0.4 + 0.05 * abs(cost) + (4.0 if self._unsteady(environment, workload) else 0.0)
        metric = PRIMARY[workload.kind, workload.protocol]
        margin = MARGINS[metric]
        return self._row(environment, layer, case, workload, metric, "%", "ratio") | {
            "primary": True,
            "estimate": cost,
            "ci_low": cost - half,
            "ci_high": cost + half,
            "margin": margin,
            "mde": round(half * 1.4, 2),
            "verdict": verdict_of(cost, half, margin),
            "baseline_mean": self.baseline(environment, workload.kind),
        }

    @staticmethod
    def _unsteady(environment: str, workload: Workload) -> bool:
        return "arm" in environment and workload.kind == "latency" and workload.protocol == "udp"

    def _resources(
        self, environment: str, layer: str, case: dict[str, Any], workload: Workload
    ) -> Iterator[dict[str, Any]]:
        if case["kind"] == "placebo":
            return
        for metric, topic in (("tool_cpu_pct", "tool_cpu"), ("log_mib_per_min", "log")):
            cost = self.cost(environment, case, topic)
            unit = METRICS[metric].unit
            yield self._row(environment, layer, case, workload, metric, unit, "difference") | {
                "primary": False,
                "estimate": cost,
                "ci_low": cost * 0.95,
                "ci_high": cost * 1.05,
                "verdict": "inconclusive",
            }

    def _row(
        self,
        environment: str,
        layer: str,
        case: dict[str, Any],
        workload: Workload,
        metric: str,
        unit: str,
        scale: str,
    ) -> dict[str, Any]:
        return {
            "environment": environment,
            "run": RUN,
            "layer": layer,
            **case,
            "workload": workload.name,
            "metric": metric,
            "unit": unit,
            "scale": scale,
            "n": self.iterations,
        }

    @staticmethod
    def baseline(environment: str, kind: str) -> float:
        return BASELINES[kind] * (ARM_FACTOR[kind] if "arm" in environment else 1.0)

    def slots(self) -> Iterator[tuple[str, str, int, int, dict[str, Any]]]:
        """(environment, layer, iteration, position, case) of everything that ran."""
        baseline = self._case("baseline", "", "baseline", None, None)
        for environment in self.environments:
            for layer in ("host", "vm"):
                for iteration in range(1, self.iterations + 1):
                    order: list[dict[str, Any]] = [baseline]
                    for n, case in enumerate(self.cases(layer), start=1):
                        order += [case, baseline] if n % 4 == 0 else [case]
                    order.append(baseline)
                    for position, case in enumerate(order):
                        yield environment, layer, iteration, position, case

    def cells(self) -> Iterator[dict[str, Any]]:
        for environment, layer, iteration, position, case in self.slots():
            for n, workload in enumerate(WORKLOADS):
                started = self.time(layer, iteration, position, n)
                yield {
                    "environment": environment,
                    "run": RUN,
                    "layer": layer,
                    "iteration": iteration,
                    "position": position,
                    **case,
                    "workload": workload.name,
                    "attempt": 1,
                    "status": "passed",
                    "command": f"sudo python3 {case['tool']}.py" if case["tool"] else None,
                    "started": started,
                    "ended": started + timedelta(seconds=10),
                    "window_s": 10.0,
                    "server": f"{layer}-server",
                    "client": f"{layer}-client",
                    "tool_host": "host-server",
                }

    @staticmethod
    def time(layer: str, iteration: int, position: int, n: int) -> datetime:
        offset = (0 if layer == "host" else 20_000) + iteration * 2400 + position * 130 + n * 13
        return START + timedelta(seconds=offset)

    def samples(self) -> Iterator[dict[str, Any]]:
        for environment, layer, iteration, position, case in self.slots():
            for n, workload in enumerate(WORKLOADS):
                key = {
                    "environment": environment,
                    "run": RUN,
                    "layer": layer,
                    "iteration": iteration,
                    "position": position,
                    "case": case["case"],
                    "workload": workload.name,
                    "attempt": 1,
                }
                wobble = 1 + 0.004 * ((iteration * 7 + position * (3 + n)) % 7 - 3)
                base = self.baseline(environment, workload.kind) * wobble
                cost = self.cost(environment, case, workload.kind) if case["tool"] else 0.0
                for metric, value in _values(workload, base, cost):
                    yield key | {"metric": metric, "value": value, "unit": METRICS[metric].unit}
                if case["kind"] == "tool":
                    for metric, topic in (("tool_cpu_pct", "tool_cpu"), ("log_mib_per_min", "log")):
                        yield key | {
                            "metric": metric,
                            "value": self.cost(environment, case, topic),
                            "unit": METRICS[metric].unit,
                        }

    def intervals(self) -> Iterator[dict[str, Any]]:
        for environment, layer, iteration, position, case in self.slots():
            if case["kind"] != "tool":
                continue
            cpu = self.cost(environment, case, "tool_cpu")
            for second in range(0, 10, 2):
                yield {
                    "environment": environment,
                    "run": RUN,
                    "layer": layer,
                    "iteration": iteration,
                    "position": position,
                    "case": case["case"],
                    "workload": "throughput_single_tcp",
                    "attempt": 1,
                    "series": "tool_cpu_pct",
                    "node": "host-server",
                    "t_s": float(second),
                    "value": cpu * (1 + 0.1 * ((second + iteration) % 3 - 1)),
                    "unit": "% of one CPU",
                }

    def bpf_programs(self) -> Iterator[dict[str, Any]]:
        for environment, layer, iteration, position, case in self.slots():
            if case["kind"] != "tool":
                continue
            ns = TOOLS[case["tool"]]["ns"] * (1.2 if "arm" in environment else 1.0)
            packets = 60_000
            yield {
                "environment": environment,
                "run": RUN,
                "layer": layer,
                "iteration": iteration,
                "position": position,
                **case,
                "node": "host-server",
                "program_id": 40 + position,
                "name": "trace_rx",
                "type": "tracepoint",
                "run_cnt": packets,
                "run_time_ns": int(packets * ns),
                "packets": packets,
                "duration_s": 2.0,
                "ns_per_event": ns,
                "events_per_packet": 1.0,
                "cpu_pct": packets * ns / 2.0 / 1e7,
            }

    def runs(self) -> Iterator[dict[str, Any]]:
        for environment in self.environments:
            yield {
                "environment": environment,
                "run": RUN,
                "source": "native",
                "schema_version": 1,
                "program_version": "0.1.0",
                "started": START,
                "ended": START + timedelta(hours=9),
                "seed": 20261120,
                "iterations": self.iterations,
                "baseline_every": 4,
                "design": json.dumps(asdict(Design(20261120, self.iterations))),
                "workloads": json.dumps([asdict(workload) for workload in WORKLOADS]),
                "facts": json.dumps({f.node: f.model_dump() for f in facts_of(environment)}),
                "raw_path": f"results/{environment}",
            }

    def checks(self) -> Iterator[dict[str, Any]]:
        passed = {"run": RUN, "severity": "informs", "status": "passed"}
        for environment in self.environments:
            yield passed | {"environment": environment, "rule_id": "cell_keys_unique"}
        if "lab-510-arm" not in self.environments:
            return
        yield {
            "environment": "lab-510-arm",
            "run": RUN,
            "rule_id": "host_variance_above_peers",
            "severity": "warns",
            "status": "failed",
            "layer": "host",
            "metric": "latency_mean_us",
            "observed": "SD 9.1 %",
            "expected": "below 3 times its peers' 1.2 %",
            "message": "Latency on the hosts varies far more than in the other environments.",
            "message_zh": "宿主机延迟的波动远大于其他环境。",
            "advice": "Pin the load to cores of the NIC's NUMA node and measure again.",
            "advice_zh": "将负载绑定到网卡所在 NUMA 节点的核心后重新测量。",
        }
        yield {
            "environment": "lab-510-arm",
            "run": RUN,
            "rule_id": "tool_far_cheaper_here",
            "severity": "blocks",
            "status": "failed",
            "layer": "vm",
            "tool": "tun_ring_monitor",
            "metric": "tool_cpu_pct",
            "observed": "0.04 %",
            "expected": "23–61 % as elsewhere",
            "message": "The tool is orders of magnitude cheaper here: it probably did not run.",
            "message_zh": "该工具在此环境的开销低几个数量级：很可能没有运行。",
            "advice": "Look at the tool's own output on this host.",
            "advice_zh": "检查该主机上工具自身的输出。",
        }

    def bundle(self) -> Bundle:
        frames: dict[str, pl.DataFrame] = {
            name: table.frame(getattr(self, name)()) for name, table in TABLES.items()
        }
        return Bundle(**frames, margins=MARGINS, generated_at=START + timedelta(hours=10))


def _values(workload: Workload, base: float, cost: float) -> Iterator[tuple[str, float]]:
    if workload.kind != "latency":
        yield PRIMARY[workload.kind, workload.protocol], base * (1 - cost / 100)
        return
    for metric, factor in (("mean", 1.0), ("p50", 0.96), ("p90", 1.2), ("p99", 1.9)):
        yield f"latency_{metric}_us", base * factor * (1 + cost / 100)


def verdict_of(cost: float, half: float, margin: float) -> str:
    if cost - half > margin:
        return "overhead"
    if cost + half < margin and cost - half > -margin:
        return "no_overhead_within_margin"
    return "overhead_unresolved" if cost - half > 0 else "inconclusive"


def facts_of(environment: str) -> Iterator[Facts]:
    arm = "arm" in environment
    for layer in ("host", "vm"):
        for side in ("server", "client"):
            yield Facts(
                node=f"{layer}-{side}",
                hostname=f"{environment}-{layer}-{side}",
                kernel="5.10.0-247.0.0.oe1.v77.aarch64" if arm else "5.10.0-247.0.0.el7.v61.x86_64",
                distribution="openEuler 20.03 (LTS-SP3)" if arm else "CentOS Linux 7 (Core)",
                arch="aarch64" if arm else "x86_64",
                cpu=Cpu(
                    model="Kunpeng-920" if arm else "Intel(R) Xeon(R) Gold 6330 @ 2.00GHz",
                    sockets=2,
                    cores_per_socket=48 if arm else 28,
                    threads_per_core=1 if arm else 2,
                    cpus=4 if layer == "vm" else 96 if arm else 112,
                    numa_nodes=4 if arm else 2,
                    virtualization=None if arm else "VT-x",
                ),
                memory_mib=4096 if layer == "vm" else 513_024,
                interface="eth0",
                test_ip=f"10.20.30.{11 if side == 'server' else 12}",
                internal_port="port-storage" if layer == "host" else None,
                nics=(Nic(name="eth0", driver="hns3" if arm else "mlx5_core", speed_mbps=25_000),),
                programs={"iperf3": "3.1.7", "netperf": "2.7.0", "pidstat": "12.2.1"},
                bpf=Bpf(btf=False, kprobes=True, tracepoints=True, stats=True, jit=True),
            )


def empty_bundle() -> Bundle:
    """A campaign of which nothing is there yet."""
    frames = {name: table.frame() for name, table in TABLES.items()}
    return Bundle(**frames, margins=MARGINS, generated_at=START)
