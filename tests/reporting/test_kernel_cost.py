"""What BPF programs add to a packet."""

from collections.abc import Callable

import polars as pl
import pytest

from tasks.reporting.kernel_cost import kernel_cost, program_cost
from tasks.storage.schema import BPF_PROGRAMS


def program(iteration: int, cnt: int | None, ns: int | None, **other: object) -> dict[str, object]:
    return {
        "environment": "lab", "run": "r", "layer": "host", "iteration": iteration, "position": 1,
        "case": "c", "kind": "tool", "tool": "t", "program_id": 1, "name": "rx", "run_cnt": cnt,
        "run_time_ns": ns, "packets": 1000, "duration_s": 2.0,
    } | other  # fmt: skip


SEND = {"program_id": 2, "name": "tx"}


def test_the_programs_of_a_tool_add_up_per_packet_and_the_median_pass_counts() -> None:
    rows = [
        program(1, 1000, 500_000),
        program(1, 1000, 1_500_000, **SEND),
        program(2, 1000, 900_000),
        program(3, 1000, 5_000_000),
    ]
    cost = kernel_cost(BPF_PROGRAMS.frame(rows), ("tool",)).row(0, named=True)
    assert cost["ns_per_packet"] == 2000.0
    assert cost["events_per_packet"] == 1.0
    assert cost["packets_per_s"] == 500.0
    assert cost["passes"] == 3


def test_no_mean_is_taken_over_programs_of_different_cost() -> None:
    rows = [program(1, 2000, 220_000), program(1, 1000, 4_114_000, **SEND)]
    costs = program_cost(BPF_PROGRAMS.frame(rows), ("tool",)).sort("name")
    assert costs["ns_per_event"].to_list() == [110.0, 4114.0]
    assert costs["ns_per_packet"].to_list() == [220.0, 4114.0]
    assert costs["share_pct"].sum() == pytest.approx(100.0)


def test_a_program_that_is_loaded_again_is_the_same_one() -> None:
    rows = [program(n, 1000, 1000 * n, program_id=n) for n in (1, 2, 3)]
    costs = program_cost(BPF_PROGRAMS.frame(rows), ("tool", "case"))
    assert costs.select("name", "ns_per_event", "passes").rows() == [("rx", 2.0, 3)]


@pytest.mark.parametrize("costs", [kernel_cost, program_cost])
def test_a_pass_without_events_gives_no_number(costs: Callable[..., pl.DataFrame]) -> None:
    rows = [program(1, 0, 0), program(2, None, None)]
    assert costs(BPF_PROGRAMS.frame(rows), ("tool",)).is_empty()


def test_without_packets_nothing_is_said_per_packet() -> None:
    rows = [program(1, 10, 1000, packets=None), program(2, 10, 1000, packets=0)]
    cost = kernel_cost(BPF_PROGRAMS.frame(rows), ("tool",)).row(0, named=True)
    assert cost["ns_per_packet"] is None
    assert cost["cpu_pct"] == pytest.approx(5e-5)
