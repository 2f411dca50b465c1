"""A plan's windows, from what is stored of its environment."""

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from tasks.choose_windows import with_chosen_windows
from tasks.forecast import forecast_plan
from tasks.model.environment import Layer
from tasks.model.plan import Case, CaseKind, Design, Plan, Workload
from tasks.planning.schedule import duration_s, make_plan
from tasks.statistics.effects import analyze
from tasks.statistics.simulate import METRIC, WORKLOAD
from tasks.storage.dataset import Dataset

from ..statistics.small_campaign import RULES
from ..statistics.test_components import night

LOADS = (
    Workload(WORKLOAD, "throughput", "iperf3", "tcp"),
    Workload("latency_tcp_rr", "latency", "netperf", "tcp"),
)


def made(iterations: int = 12, *, until_decided: bool = False) -> Plan:
    cases = [Case(i, f"case_{i}", CaseKind.TOOL, Layer.HOST, tool="t") for i in range(1, 9)]
    placebo = Case(0, "placebo", CaseKind.PLACEBO, Layer.HOST)
    design = Design(1, iterations, until_decided=until_decided)
    return make_plan("simulated", cases, lambda layer: placebo, LOADS, design)


@pytest.fixture
def stored(tmp_path: Path) -> str:
    """A night whose noise longer windows do not cure; of one of the plan's two workloads."""
    cells, samples, intervals = night(run_sd=0.01, second_sd=0.001, seed=1)
    effects = analyze(cells, samples, {METRIC: 3.0}, RULES).effects
    tables = {"cells": cells, "samples": samples, "intervals": intervals, "effects": effects}
    Dataset(str(tmp_path / "d")).replace("simulated", "simulated", tables)
    return str(tmp_path / "d")


def test_windows_get_as_short_as_the_stored_noise_allows(stored: str) -> None:
    plan = made()
    chosen = with_chosen_windows(plan, stored)
    windows = {w.name: w.window_s for w in chosen.plan.workloads}
    assert windows == {WORKLOAD: 2.0, "latency_tcp_rr": 10.0}, "nothing is stored of the second"
    assert chosen.plan.design.iterations < plan.design.iterations
    assert {slot.iteration for slot in chosen.plan.slots} == set(
        range(1, chosen.plan.design.iterations + 1)
    )
    assert duration_s(chosen.plan) < duration_s(plan) / 2
    assert any("floor:" in reason for reason in chosen.reasons)
    assert any("of seconds" in reason for reason in chosen.reasons)


def test_until_decided_the_given_iterations_stay_the_most(stored: str) -> None:
    chosen = with_chosen_windows(made(until_decided=True), stored)
    assert chosen.plan.design.iterations == 12
    assert chosen.plan.workloads[0].window_s == 2.0


def test_a_load_that_settles_slowly_gets_a_longer_warm_up(stored: str) -> None:
    dataset = Dataset(stored)
    intervals = dataset.scan("intervals").collect()
    slow = pl.when(pl.col("t_s") < 2).then(pl.col("value") * 0.9).otherwise("value")
    dataset.replace("simulated", "simulated", {"intervals": intervals.with_columns(value=slow)})
    assert with_chosen_windows(made(), stored).plan.workloads[0].warmup_s == 3.0


def test_without_stored_nights_the_preset_stays(tmp_path: Path) -> None:
    plan = made()
    chosen = with_chosen_windows(plan, str(tmp_path / "nothing"))
    assert chosen.plan == plan
    assert "nothing is stored" in chosen.reasons[0]


def test_where_no_window_decides_the_preset_stays(stored: str) -> None:
    plan = made(iterations=2)
    chosen = with_chosen_windows(plan, stored)
    assert chosen.plan == plan
    assert "no windows decide in 2 iterations" in chosen.reasons[0]
    assert f"about 15 with {WORKLOAD} 2 s would" in chosen.reasons[0]


def test_a_forecast_is_for_the_windows_of_its_plan(stored: str) -> None:
    """Short windows of a load that is steady within them see as much; of an unknown one, less."""
    plan = made(iterations=6)
    short = replace(plan, workloads=tuple(replace(w, window_s=2.0) for w in plan.workloads))

    def sd(plan: Plan) -> float:
        table = forecast_plan(plan, stored, None).table
        return float(table.filter(workload=WORKLOAD)["sd"][0])

    assert sd(short) < 1.2 * sd(plan)
    intervals = Dataset(stored).scan("intervals").collect()
    Dataset(stored).replace("simulated", "simulated", {"intervals": intervals.clear()})
    assert sd(short) == pytest.approx(5**0.5 * sd(plan))
