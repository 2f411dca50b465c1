"""What a made-up campaign measured: its cells, samples, intervals and BPF programs."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

from tasks.model.metrics import METRICS, PRIMARY
from tasks.model.plan import Workload

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

_SLOT = ("environment", "run", "layer", "iteration", "position")

BASELINES = {"throughput": 8.2e9, "latency": 68.0, "pps": 690e3}
ARM_FACTOR = {"throughput": 0.61, "latency": 1.42, "pps": 0.73}


class Measured:
    """Everything that follows from `COSTS` on the hosts; the campaign judges it."""

    def __init__(
        self,
        environments: tuple[str, ...] = ("lab-510-intel", "lab-510-arm"),
        iterations: int = 4,
        copies: int = 1,
        clock: str = "wall",
    ) -> None:
        self.clock = clock
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

    @staticmethod
    def baseline(environment: str, kind: str) -> float:
        return BASELINES[kind] * (ARM_FACTOR[kind] if "arm" in environment else 1.0)

    def slots(self) -> Iterator[dict[str, Any]]:
        """Key and case of everything that ran."""
        baseline = self._case("baseline", "", "baseline", None, None)
        for environment, layer in product(self.environments, ("host", "vm")):
            order: list[dict[str, Any]] = [baseline]
            for n, case in enumerate(self.cases(layer), start=1):
                order += [case, baseline] if n % 4 == 0 else [case]
            order.append(baseline)
            for iteration, (position, case) in product(
                range(1, self.iterations + 1), enumerate(order)
            ):
                yield {
                    "environment": environment,
                    "run": RUN,
                    "layer": layer,
                    "iteration": iteration,
                    "position": position,
                    **case,
                }

    def cells(self) -> Iterator[dict[str, Any]]:
        for slot, (n, workload) in product(self.slots(), enumerate(WORKLOADS)):
            started = self.time(slot["layer"], slot["iteration"], slot["position"], n)
            yield slot | {
                "workload": workload.name,
                "attempt": 1,
                "status": "passed",
                "command": f"sudo python3 {slot['tool']}.py" if slot["tool"] else None,
                "started": started,
                "ended": started + timedelta(seconds=10),
                "window_s": 10.0,
                "server": f"{slot['layer']}-server",
                "client": f"{slot['layer']}-client",
                "tool_host": "host-server",
            }

    @staticmethod
    def time(layer: str, iteration: int, position: int, n: int) -> datetime:
        offset = (0 if layer == "host" else 20_000) + iteration * 2400 + position * 130 + n * 13
        return START + timedelta(seconds=offset)

    def samples(self) -> Iterator[dict[str, Any]]:
        for slot, (n, workload) in product(self.slots(), enumerate(WORKLOADS)):
            environment = slot["environment"]
            wobble = 1 + 0.004 * ((slot["iteration"] * 7 + slot["position"] * (3 + n)) % 7 - 3)
            base = self.baseline(environment, workload.kind) * wobble
            cost = self.cost(environment, slot, workload.kind) if slot["tool"] else 0.0
            values = dict(_values(workload, base, cost))
            if slot["kind"] == "tool":
                values |= {
                    "tool_cpu_pct": self.cost(environment, slot, "tool_cpu"),
                    "log_mib_per_min": self.cost(environment, slot, "log"),
                }
            key = {name: slot[name] for name in (*_SLOT, "case")}
            for metric, value in values.items():
                yield key | {
                    "workload": workload.name,
                    "attempt": 1,
                    "metric": metric,
                    "value": value,
                    "unit": METRICS[metric].unit,
                }

    def intervals(self) -> Iterator[dict[str, Any]]:
        for slot in self.slots():
            if slot["kind"] != "tool":
                continue
            cpu = self.cost(slot["environment"], slot, "tool_cpu")
            for second in range(0, 10, 2):
                yield {name: slot[name] for name in (*_SLOT, "case")} | {
                    "workload": "throughput_single_tcp",
                    "attempt": 1,
                    "series": "tool_cpu_pct",
                    "node": "host-server",
                    "t_s": float(second),
                    "value": cpu * (1 + 0.1 * ((second + slot["iteration"]) % 3 - 1)),
                    "unit": "% of one CPU",
                }

    def completeness(self) -> Iterator[dict[str, Any]]:
        """None: the catalogue of this campaign says of no tool what its output counts."""
        yield from ()

    def bpf_programs(self) -> Iterator[dict[str, Any]]:
        for slot in self.slots():
            if slot["kind"] != "tool":
                continue
            ns = TOOLS[slot["tool"]]["ns"] * (1.2 if "arm" in slot["environment"] else 1.0)
            packets = 60_000
            yield slot | {
                "node": "host-server",
                "program_id": 40 + slot["position"],
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


def _values(workload: Workload, base: float, cost: float) -> Iterator[tuple[str, float]]:
    if workload.kind != "latency":
        yield PRIMARY[workload.kind, workload.protocol], base * (1 - cost / 100)
        return
    for metric, factor in (("mean", 1.0), ("p50", 0.96), ("p90", 1.2), ("p99", 1.9)):
        yield f"latency_{metric}_us", base * factor * (1 + cost / 100)
