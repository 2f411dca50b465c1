"""A campaign made up for the tests: deterministic, plausible, in exactly the tables' schema.

Two environments, both layers, five tools of all three classes and a placebo. The costs are set by
`COSTS`; everything else follows from them.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta
from itertools import product
from typing import Any

import polars as pl

from tasks.model.facts import Bpf, Cpu, Facts, Nic
from tasks.model.metrics import METRICS, PRIMARY
from tasks.model.plan import Design, Workload
from tasks.reporting.bundle import Bundle
from tasks.statistics.reasons import sentence
from tasks.statistics.verdicts import withhold
from tasks.storage.schema import TABLES

from .bundle_measured import MARGINS, RUN, START, WORKLOADS, Measured

_RESOURCES = {"tool_cpu_pct": "tool_cpu", "log_mib_per_min": "log"}


class Campaign(Measured):
    """Builds the bundle; `environments` and the numbers of cases and iterations may be raised."""

    def effects(self) -> Iterator[dict[str, Any]]:
        for environment, layer in product(self.environments, ("host", "vm")):
            for case, workload in product(self.cases(layer), WORKLOADS):
                row = {
                    "environment": environment,
                    "run": RUN,
                    "layer": layer,
                    **case,
                    "workload": workload.name,
                    "n": self.iterations,
                }
                yield row | self._primary(environment, case, workload)
                for metric, topic in _RESOURCES.items() if case["kind"] == "tool" else ():
                    yield row | self._resource(self.cost(environment, case, topic), metric)

    def _primary(
        self, environment: str, case: dict[str, Any], workload: Workload
    ) -> dict[str, Any]:
        cost = self.cost(environment, case, workload.kind) * (0.8 if workload.streams > 1 else 1)
        half = 0.4 + 0.05 * abs(cost) + (4.0 if self._unsteady(environment, workload) else 0.0)
        metric = PRIMARY[workload.kind, workload.protocol]
        margin = MARGINS[metric]
        return {
            "metric": metric,
            "unit": "%",
            "scale": "ratio",
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
    def _resource(cost: float, metric: str) -> dict[str, Any]:
        return {
            "metric": metric,
            "unit": METRICS[metric].unit,
            "scale": "difference",
            "primary": False,
            "estimate": cost,
            "ci_low": cost * 0.95,
            "ci_high": cost * 1.05,
            "verdict": "inconclusive",
        }

    @staticmethod
    def _unsteady(environment: str, workload: Workload) -> bool:
        return "arm" in environment and workload.kind == "latency" and workload.protocol == "udp"

    def runs(self) -> Iterator[dict[str, Any]]:
        for environment in self.environments:
            yield {
                "environment": environment,
                "run": RUN,
                "source": "native",
                "schema_version": 1,
                "clock": self.clock,
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
            "expected_zh": "低于其他环境 1.2 % 的 3 倍",
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
            "expected_zh": "23–61 %，与其他环境相同",
            "message": "The tool is orders of magnitude cheaper here: it probably did not run.",
            "message_zh": "该工具在此环境的开销低几个数量级：很可能没有运行。",
            "advice": "Look at the tool's own output on this host.",
            "advice_zh": "检查该主机上工具自身的输出。",
        }

    def bundle(self) -> Bundle:
        frames: dict[str, pl.DataFrame] = {
            name: table.frame(getattr(self, name)()) for name, table in TABLES.items()
        }
        refused = pl.all_horizontal(
            pl.col("environment") == "lab-510-arm", pl.col("layer") == "vm",
            pl.col("tool") == "tun_ring_monitor", pl.col("metric") == "tool_cpu_pct",
        )  # fmt: skip
        frames["effects"] = withhold(
            frames["effects"],
            pl.when(refused).then(pl.lit("rule")),
            sentence("calibration", pl.lit("comparative.too_cheap")),
        )
        return Bundle(**frames, margins=MARGINS, generated_at=START + timedelta(hours=10))


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
    """A campaign without any data."""
    frames = {name: table.frame() for name, table in TABLES.items()}
    return Bundle(**frames, margins=MARGINS, generated_at=START)
