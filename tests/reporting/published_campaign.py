"""The published campaign's size and shape: 97 cases in each of four environments, made up.

Cases are those of the published cases.json; a tool's costs are the middle of its published ranges
(`datasets/reference/tool_overhead.csv`), so that the page can be judged against what is known:
`eth_drop` costs TCP latency an order less on kernel 4.19 than elsewhere.
"""

import json
import zlib
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from tasks.model.names import ROOT

from .report_bundle import Campaign

CASES = ROOT / "tests/data/reference-cases/os630-kernel-510-intel-cases.json"
ENVIRONMENTS = (
    "os620-kernel-419-intel",
    "os630-kernel-510-intel",
    "os630-kernel-510-arm",
    "os630-kernel-510-hygon",
)
ITERATIONS = 10

_CLASSES = {
    "Summary": "summary",
    "Details+过滤": "details_filtered",
    "Details": "details_unfiltered",
}
_TOPICS = {"throughput": "throughput_single", "latency": "latency_tcp", "pps": "pps_single"}
_LOG = {"summary": 0.2, "details_filtered": 3.0, "details_unfiltered": 40.0}
_NS = {"summary": 500.0, "details_filtered": 800.0, "details_unfiltered": 4000.0}


class PublishedCampaign(Campaign):
    """97 cases, both layers; `environments` are those of the published campaign."""

    def __init__(self, iterations: int = ITERATIONS) -> None:
        super().__init__(ENVIRONMENTS, iterations)

    @cached_property
    def _cases(self) -> list[Mapping[str, Any]]:
        cases: list[Mapping[str, Any]] = json.loads(CASES.read_text("utf-8"))["test_cases"]
        return cases

    @cached_property
    def _published(self) -> dict[tuple[str, str, str], tuple[str, float]]:
        """(environment, tool, metric) -> class, middle of its range, of a tool's first variant."""
        rows = pl.read_csv(ROOT / "datasets" / "reference" / "tool_overhead.csv")
        found: dict[tuple[str, str, str], tuple[str, float]] = {}
        for row in rows.to_dicts():
            name = row["tool"].split(" ")[0].replace("ovs_kernel_module", "ovs-kernel-module")
            low, high = row["low_pct"], row["high_pct"]
            middle = (low + high) / 2 if None not in (low, high) else high or low or 0.0
            cost = -middle if row["metric"].startswith(("throughput", "pps")) else middle
            key = (row["environment"], name, row["metric"])
            found.setdefault(key, (_CLASSES[row["tool_type"]], max(cost, 0.3)))
        return found

    def cases(self, layer: str) -> Iterator[dict[str, Any]]:
        for case in self._cases:
            if case["environment"] != layer:
                continue
            tool = Path(case["script"]).stem
            named = self._case(
                case["name"], tool, "tool", self._class(tool), case["parameters"].get("protocol")
            )
            direction = case["parameters"].get("direction")
            yield named | {"category": case["category"], "direction": direction}
        yield self._case(f"placebo_{layer}", "placebo", "placebo", None, None)

    def _class(self, tool: str) -> str:
        found = self._published.get((ENVIRONMENTS[0], tool, "latency_tcp"))
        return found[0] if found else "summary"

    def cost(self, environment: str, case: dict[str, Any], topic: str) -> float:
        """The published cost; less where the case watches a protocol that the load does not use."""
        if case["kind"] == "placebo":
            return 0.05
        tool = case["tool"]
        if topic == "log":
            return _LOG[self._class(tool)]
        metric = _TOPICS.get(topic, topic)
        _, cost = self._published.get((environment, tool, metric), ("", 1.0))
        spread = 0.8 + zlib.crc32(f"{environment} {case['case']}".encode()) % 400 / 1000
        return cost * spread * (1.0 if case["protocol"] in (None, "tcp") else 0.3)

    def bpf_programs(self) -> Iterator[dict[str, Any]]:
        """Two programs of each tool, one pass of each case."""
        for slot in self.slots():
            if slot["kind"] != "tool" or slot["iteration"] > 1:
                continue
            for place, name in enumerate(("trace_rx", "trace_tx")):
                ns = _NS[slot["tool_class"]] * (1.0 if place else 1.4)
                packets, runs = 60_000, 30_000
                yield slot | {
                    "node": "host-server",
                    "program_id": 40 + 2 * slot["position"] + place,
                    "name": name,
                    "type": "kprobe",
                    "run_cnt": runs,
                    "run_time_ns": int(runs * ns),
                    "packets": packets,
                    "duration_s": 2.0,
                    "ns_per_event": ns,
                    "events_per_packet": runs / packets,
                    "cpu_pct": runs * ns / 2.0 / 1e7,
                }

    def intervals(self) -> Iterator[dict[str, Any]]:
        """Tool CPU over one window of each case."""
        return (row for row in super().intervals() if row["iteration"] == 1)

    def samples(self) -> Iterator[dict[str, Any]]:
        """Primary metrics and the tool's own, without the percentiles of other cells."""
        wanted = {"tool_cpu_pct", "log_mib_per_min", "latency_p50_us", "latency_p99_us"}
        primary = {"throughput_bps", "latency_mean_us", "writes_per_s", "datagrams_per_s"}
        return (row for row in super().samples() if row["metric"] in wanted | primary)
