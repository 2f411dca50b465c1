"""How much of the time added to a packet the BPF programs explain."""

from types import SimpleNamespace

import polars as pl
import pytest

from tasks.reporting.added_time import added_times
from tasks.reporting.view import WorkloadShape

SHAPES = {
    "pps": WorkloadShape("pps", "udp", 1),
    "many": WorkloadShape("pps", "udp", 4),
    "tcp": WorkloadShape("pps", "tcp", 1),
}


def effect(case: str = "c", workload: str = "pps", **other: object) -> dict[str, object]:
    return {
        "environment": "e", "layer": "host", "tool": "t", "case": case, "workload": workload,
        "kind": "tool", "primary": True, "withheld": False, "baseline_mean": 1e6,
        "estimate": 50.0, "ci_low": 20.0, "ci_high": 60.0,
    } | other  # fmt: skip


def times(*rows: dict[str, object], bpf: float | None = 400.0):
    kernel = {} if bpf is None else {("e", "host", row["case"]): bpf for row in rows}
    view = SimpleNamespace(
        effects=pl.DataFrame(list(rows)), shapes=SHAPES, kernel_ns=lambda by: kernel
    )
    return added_times(view)


def test_half_the_rate_is_twice_the_time_and_the_programs_explain_their_part():
    (found,) = times(effect())
    assert (found.low, found.added, found.high) == pytest.approx((250, 1000, 1500))
    assert found.explained_pct == pytest.approx(40)
    assert found.unexplained == pytest.approx((600, -150, 1100))


def test_no_share_where_nothing_is_shown_to_be_added():
    (found,) = times(effect(estimate=0.5, ci_low=-1.0, ci_high=2.0))
    assert found.explained_pct is None


def test_no_share_where_the_programs_take_longer_than_what_is_added():
    (found,) = times(effect(), bpf=2000.0)
    assert found.explained_pct is None
    assert found.unexplained[0] == pytest.approx(-1000)


def test_the_costliest_case_of_a_tool_is_shown():
    assert [one.effect["case"] for one in times(effect("a", estimate=30.0), effect("b"))] == ["b"]


@pytest.mark.parametrize(
    "row",
    [effect(workload="many"), effect(workload="tcp"), effect(ci_low=None), effect(withheld=True),
     effect(ci_high=100.0), effect(kind="placebo"), effect(baseline_mean=None)],
)  # fmt: skip
def test_nothing_is_said_without_a_saturating_stream_and_an_interval(row):
    assert times(row) == []


def test_nothing_is_said_without_counted_programs():
    assert times(effect(), bpf=None) == []
