"""The rate up to which a tool is safe, and the line through its CPU."""

from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.statistics.load_curve import Curve, load_curves
from tasks.storage.schema import CELLS, EFFECTS, SAMPLES

SHARES = {"load_10": 10, "load_50": 50, "load_90": 90}
RATES = {"load_10": 1e4, "load_50": 5e4, "load_90": 9e4}
MARGINS = {"datagrams_per_s": 3.0}
PLACE = {"environment": "e", "run": "r", "layer": "host"}

Ends = tuple[float, float | None, float | None]
NONE: Ends = (0.0, -0.1, 0.1)


def effect(workload: str, metric: str, ends: Ends) -> dict[str, Any]:
    estimate, low, high = ends
    return PLACE | {
        "case": "drops", "kind": "tool", "tool": "drops", "workload": workload, "metric": metric,
        "n": 4, "estimate": estimate, "ci_low": low, "ci_high": high, "verdict": "inconclusive",
        "baseline_mean": RATES[workload] if metric == "packets_per_s" else 10.0,
    }  # fmt: skip


def baselines(lost_pct: dict[str, float]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Samples and cells of one baseline under each load; it loses nothing but what is given."""
    samples, cells = [], []
    for at, workload in enumerate(SHARES):
        key = PLACE | {"iteration": 1, "position": at, "workload": workload, "attempt": 1}
        cells.append(key | {"case": "baseline", "kind": "baseline", "status": "passed"})
        value = lost_pct.get(workload, 0.0)
        samples.append(key | {"case": "baseline", "metric": "lost_pct", "value": value})
    return SAMPLES.frame(samples), CELLS.frame(cells)


def curve(
    fewer: dict[str, Ends] | None = None,
    lost: dict[str, Ends] | None = None,
    cpu: dict[str, Ends] | None = None,
    without: dict[str, float] | None = None,
) -> Curve:
    """of a tool that costs nothing but what is given; `without`: loss of the baselines."""
    rows = []
    for workload in SHARES:
        given_ = {
            "packets_per_s": None,
            "datagrams_per_s": fewer,
            "lost_pct": lost,
            "server_cpu_pct": cpu,
        }
        rows += [
            effect(workload, m, (ends or {}).get(workload, NONE)) for m, ends in given_.items()
        ]
    samples, cells = baselines(without or {})
    (found,) = load_curves(EFFECTS.frame(rows), samples, cells, SHARES, MARGINS)
    return found


def test_a_tool_that_costs_nothing_is_safe_up_to_the_highest_rate():
    found = curve()
    assert (found.safe_pps, found.too_much_pps) == (9e4, None)
    assert [point.load_pct for point in found.points] == [10, 50, 90]


@pytest.mark.parametrize(
    ("cost", "ends"),
    [("fewer", (2.0, 1.0, 3.1)), ("lost", (0.3, 0.1, 0.6)), ("fewer", (0.0, None, None))],
)
def test_the_end_of_the_interval_that_is_against_the_tool_decides(cost: str, ends: Ends):
    found = curve(**{cost: {"load_90": ends}})
    assert (found.safe_pps, found.too_much_pps) == (5e4, None)


def test_a_rate_is_too_much_where_the_whole_interval_is_beyond_the_margin():
    found = curve(fewer={"load_50": (4.0, 3.1, 4.9), "load_90": (20.0, 19.0, 21.0)})
    assert (found.safe_pps, found.too_much_pps) == (1e4, 5e4)


def test_a_higher_rate_does_not_make_up_for_a_lower_one():
    found = curve(lost={"load_10": (2.0, 1.0, 3.0)})
    assert (found.safe_pps, found.too_much_pps) == (None, 1e4)


def test_a_rate_that_the_baseline_does_not_hold_says_nothing_of_the_tool():
    found = curve(lost={"load_90": (9.0, 8.0, 10.0)}, without={"load_90": 0.6})
    assert [point.held for point in found.points] == [True, True, False]
    assert (found.safe_pps, found.too_much_pps) == (5e4, None)


@pytest.mark.parametrize("gone", ["invalid", "absent"])
def test_a_rate_that_was_not_measured_is_open_and_so_is_what_lies_above_it(gone: str):
    other = [effect(name, "packets_per_s", NONE) | {"case": "other"} for name in SHARES]
    metrics = ("packets_per_s", "datagrams_per_s", "lost_pct")
    rows = [effect(name, metric, NONE) for name in SHARES for metric in metrics]
    kept = [row for row in rows if row["workload"] != "load_50"]
    if gone == "invalid":
        nothing = {"estimate": None, "ci_low": None, "ci_high": None, "baseline_mean": None}
        kept += [effect("load_50", m, NONE) | nothing | {"verdict": "invalid"} for m in metrics]
    samples, cells = baselines({})
    found, _ = load_curves(EFFECTS.frame(kept + other), samples, cells, SHARES, MARGINS)
    assert [point.packets_per_s for point in found.points] == [1e4, None, 9e4]
    assert found.safe_pps == 1e4


def test_no_datagram_lost_in_any_window_is_a_loss_of_0_without_an_interval():
    found = curve(lost=dict.fromkeys(SHARES, (0.0, None, None)))
    assert (found.safe_pps, found.too_much_pps) == (9e4, None)


@given(idle=st.floats(0.0, 20.0), ns=st.floats(0.0, 5000.0), error=st.floats(0.01, 2.0))
def test_the_line_finds_what_a_packet_and_no_traffic_cost(idle: float, ns: float, error: float):
    levels = {name: idle + ns * rate / 1e7 for name, rate in RATES.items()}
    found = curve(cpu={name: (y, y - 2 * error, y + 2 * error) for name, y in levels.items()})
    assert found.slope_ns is not None and found.idle_pct is not None
    assert found.slope_ns.estimate == pytest.approx(ns, abs=1e-6 * max(1.0, ns))
    assert found.idle_pct.estimate == pytest.approx(idle, abs=1e-6)
    assert found.slope_ns.low < found.slope_ns.estimate < found.slope_ns.high


def test_a_rate_whose_cells_agree_by_chance_does_not_pull_the_line_to_it():
    """100 ns a packet, but where the interval is narrow the CPU is off by a tick."""
    levels = {name: 100 * rate / 1e7 for name, rate in RATES.items()}
    cpu = {name: (y, y - 0.5, y + 0.5) for name, y in levels.items()}
    off = levels["load_90"] - 0.4
    cpu["load_90"] = (off, off - 0.001, off + 0.001)
    slope = curve(cpu=cpu).slope_ns
    assert slope is not None and slope.low < 100 < slope.high


def test_two_rates_make_no_line():
    found = curve(cpu={"load_10": (1.0, None, None)})
    assert found.slope_ns is None and found.idle_pct is None


def test_without_load_workloads_there_is_no_curve():
    assert load_curves(EFFECTS.frame(), SAMPLES.frame(), CELLS.frame(), {}, MARGINS) == []
