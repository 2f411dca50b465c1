"""Prediction: from a curve, from programs and empty probes, and the test of the lines."""

import polars as pl
import pytest

from tasks.statistics.line import Bounds, around
from tasks.statistics.load_curve import Curve, Place, Point, _lines
from tasks.statistics.prediction import held_out, known_probes, parts_of, predict
from tasks.storage.schema import BPF_PROGRAMS

RATES = {10: 1e4, 25: 2.5e4, 50: 5e4, 75: 7.5e4, 90: 9e4}
ENTRY_NS = {"kprobe": (30.0, 50.0), "tracepoint": (15.0, 30.0)}
NONE = Bounds(0.0, -0.1, 0.1)


def curve(case: str, ns: float, *, own_ns: float = 0.0, bend: float = 0.0, run: str = "r") -> Curve:
    """A packet costs `ns` in all and `own_ns` in the tool's processes; at 50 % `bend` % more."""
    points = tuple(
        Point(
            pct, rate, True, NONE, NONE,
            around(ns * rate / 1e7 + (bend if pct == 50 else 0), 0.02),
            around(own_ns * rate / 1e7, 0.02),
            safe=True, too_much=False,
        )
        for pct, rate in RATES.items()
    )  # fmt: skip
    return Curve(("e", run, "host", case), case, "tool", points, 9e4, None, *_lines(points))


def programs(*rows: tuple[str, str, str | None, float, float]) -> pl.DataFrame:
    """case, category, probe, events per packet, ns per event counted."""
    return BPF_PROGRAMS.frame(
        {
            "environment": "e", "run": "r", "layer": "host", "iteration": 1, "position": at,
            "case": case, "kind": "tool", "tool": case, "category": category, "node": "n",
            "program_id": at, "name": f"p{at}", "type": "kprobe", "tag": "t", "probe": probe,
            "run_cnt": 1000, "run_time_ns": round(1000 * ns), "packets": round(1000 / events),
            "ns_per_event": ns, "events_per_packet": events,
        }
        for at, (case, category, probe, events, ns) in enumerate(rows)
    )  # fmt: skip


EMPTY = ("empty_kprobe", "empty-probes", "kprobe", 1.0, 40.0)
PLACE: Place = ("e", "r", "host", "drops")


def test_a_tool_costs_its_probes_its_own_time_and_its_processes():
    """Twice a packet: a probe of 700 ns, and 340 ns of its own beyond what counting takes."""
    curves = [curve("empty_kprobe", 700), curve("drops", 2180, own_ns=100)]
    counted = programs(EMPTY, ("drops", "net", "kprobe", 2.0, 380.0))
    found = parts_of(curves, counted, known_probes(curves, counted, ENTRY_NS))
    assert set(found) == {PLACE}
    parts = found[PLACE]
    assert parts.programs is not None and parts.own is not None and parts.all is not None
    assert parts.programs.estimate == pytest.approx(2 * (700 + 340))
    assert parts.own.estimate == pytest.approx(100, abs=1e-6)
    assert parts.all.low < 2180 < parts.all.high


def test_without_an_empty_probe_the_published_dispatch_takes_its_place():
    counted = programs(("drops", "net", "tracepoint", 1.0, 380.0))
    (parts,) = parts_of([], counted, known_probes([], counted, ENTRY_NS)).values()
    assert parts.programs is not None and parts.own is None
    assert parts.programs.estimate == pytest.approx(22.5 + 380)


@pytest.mark.parametrize(("probe", "named"), [("fentry", "fentry"), (None, "?")])
def test_a_kind_without_an_empty_probe_leaves_the_sum_open(probe: str | None, named: str):
    counted = programs(("drops", "net", "kprobe", 1.0, 9.0), ("drops", "net", probe, 1.0, 9.0))
    (parts,) = parts_of([], counted, known_probes([], counted, ENTRY_NS)).values()
    assert (parts.programs, parts.all, parts.lacking) == (None, None, (named,))
    assert predict([], {PLACE: parts}, 1e5) == []


def test_a_curve_predicts_between_its_rates_and_says_where_it_extrapolates():
    drops = curve("drops", 1000)
    (between,) = predict([drops], {}, 6e4)
    (beyond,) = predict([drops], {}, 2e5)
    assert between.cpu.estimate == pytest.approx(6.0) and not between.extrapolates
    assert beyond.cpu.estimate == pytest.approx(20.0) and beyond.extrapolates
    assert beyond.cpu.error > between.cpu.error
    assert beyond.up_to == 9e4


def test_the_hosts_hold_what_the_added_time_leaves():
    """100 000 packets/s without it are 10 µs each; 1 µs more leaves 1/11 µs."""
    (found,) = predict([curve("drops", 1000)], {}, 6e4)
    assert found.holds is not None
    assert found.holds.estimate == pytest.approx(1e6 / 11)
    assert found.holds.low < found.holds.estimate < found.holds.high


def test_lines_are_tested_at_the_rates_that_they_were_not_drawn_through():
    tested = held_out([curve("straight", 1000), curve("bent", 1000, bend=3.0)])
    outside = [(point.place[3], point.packets_per_s) for point in tested if not point.inside]
    assert len(tested) == 6
    assert outside == [("bent", 5e4)]
