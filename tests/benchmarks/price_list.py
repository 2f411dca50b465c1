"""The README's price list: what tools add by instruction count, as a Markdown table.

    ebpf-overhead lab up prices --kernel 6.1 --clock instructions
    ebpf-overhead bootstrap --minimal-input …/prices/minimal-input.yaml --output-dir prices
    ebpf-overhead run --config-dir prices --catalog bcc,bpftrace,libbpf-tools --tools … \
        --workloads latency_tcp_rr,latency_udp_rr,throughput_single_tcp --iterations 2 --window 1 \
        --baseline-every 5 --placebos 1 --export prices.json
    python -m tests.benchmarks.price_list prices.json

Instructions are the time that is added to a round trip over the 2 ns that each of them takes. A
tool without a figure is named with the reason.
"""

import json
import sys
from pathlib import Path
from typing import Any

NS_PER_INSTRUCTION = 2.0
WORKLOADS = {
    "latency_tcp_rr": "TCP_RR",
    "latency_udp_rr": "UDP_RR",
    "throughput_single_tcp": "TCP throughput",
}

Effects = dict[tuple[str, str], dict[str, Any]]


def main() -> None:
    document = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    effects: Effects = {(e["tool"], e["workload"]): e for e in document["effects"]}
    reasons = {one["tool"]: one["reason"] for one in document["answers"]}
    print("| tool |", " | ".join(WORKLOADS.values()), "| instructions a TCP round trip |")
    print("|---|" + "---|" * (1 + len(WORKLOADS)))
    for tool in sorted({name for name, _ in effects}, key=lambda name: _order(effects, name)):
        costs = [_cost(effects.get((tool, workload))) for workload in WORKLOADS]
        added = _instructions(effects.get((tool, "latency_tcp_rr")))
        if set(costs) == {"—"}:
            costs[0] = f"no figure: {reasons.get(tool, '')}"
        print(f"| {tool} |", " | ".join(costs), f"| {added} |")


def _order(effects: Effects, tool: str) -> tuple[bool, float]:
    """Placebos last, the most expensive first."""
    effect = effects.get((tool, "latency_tcp_rr"), {})
    return tool.startswith("placebo"), -(effect.get("estimate") or 0.0)


def _cost(effect: dict[str, Any] | None) -> str:
    if effect is None or effect["ci_low"] is None:
        return "—"
    low, high = effect["ci_low"], effect["ci_high"]
    return f"{_signed(effect['estimate'])} % [{_signed(low)}, {_signed(high)}]"


def _signed(percent: float) -> str:
    """One decimal, U+2212 for minus, and no sign before 0."""
    text = f"{percent:+.1f}".replace("-", "−")
    return text if text.strip("+−0.") else "0.0"


def _instructions(effect: dict[str, Any] | None) -> str:
    if effect is None or effect["ci_low"] is None:
        return "—"
    added_ns = effect["baseline_mean"] * 1000 * effect["estimate"] / 100
    return f"{added_ns / NS_PER_INSTRUCTION:,.0f}"


if __name__ == "__main__":
    main()
