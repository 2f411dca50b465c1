"""Variance components come out as they went in."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from tasks.statistics.baselines import baseline_series
from tasks.statistics.components import OF_DIFFERENCE, components, settling_s
from tasks.statistics.differences import cell_values
from tasks.statistics.effects import analyze
from tasks.statistics.simulate import METRIC, WORKLOAD, Schedule, SimulatedHost, frames, log_values
from tasks.storage.schema import INTERVALS

from .small_campaign import RULES

NAMES = [f"case_{i}" for i in range(30)] + ["placebo_1", "placebo_2"]
WINDOW_S = 10


def night(
    run_sd: float, second_sd: float, seed: int, attach_sd: float = 0.0
) -> tuple[pl.DataFrame, ...]:
    """CELLS, SAMPLES and INTERVALS of 4 iterations with windows of 10 s.

    second_sd: of single seconds within a window, white; attach_sd: of cases, not of baselines.
    """
    rng = np.random.default_rng(seed)
    schedule = Schedule.interleaved(NAMES, 4, rng)
    host = SimulatedHost(run_sd=run_sd, drift_sd=0.005)
    attached = dict.fromkeys(NAMES, attach_sd)
    y = log_values(schedule, {}, host, rng, own_sd=attached)
    seconds = y[:, None] + second_sd * rng.normal(size=(len(y), WINDOW_S))
    cells, samples = frames(schedule, seconds.mean(axis=1))
    keys = cells.select(*INTERVALS.key[:-3], "case")
    points = pl.concat(
        keys.with_columns(
            series=pl.lit("load_bps"), node=pl.lit("client"), t_s=pl.lit(float(s)),
            value=pl.Series(np.exp(seconds[:, s])), unit=pl.lit("bit/s"),
        )
        for s in range(WINDOW_S)
    )  # fmt: skip
    return cells, samples, INTERVALS.frame(points.iter_rows(named=True))


def found(*nights: tuple[pl.DataFrame, ...]) -> dict[str, float]:
    """The components of these nights, as runs of one environment a day apart."""
    parts: list[list[pl.DataFrame]] = [[], [], []]
    for number, frames_ in enumerate(nights):
        shift = timedelta(days=number)
        for part, frame in zip(parts, frames_, strict=True):
            run = frame.with_columns(run=pl.lit(f"r{number}"))
            dated = [c for c in ("started", "ended") if c in frame.columns]
            part.append(run.with_columns(pl.col(c) + shift for c in dated))
    cells, samples, intervals = (pl.concat(part) for part in parts)
    effects = analyze(cells, samples, {METRIC: 3.0}, RULES).effects
    series = baseline_series(cell_values(cells, samples), RULES)
    return components(cells, intervals, effects, series).row(0, named=True)


def test_white_seconds_and_runs_are_told_apart() -> None:
    parts = [found(night(0.01, 0.03, seed)) for seed in range(1, 7)]
    part = {
        name: np.mean([one[name] for one in parts])
        for name in ("window_s", "total", "seconds", "windows")
    }
    assert part["window_s"] == WINDOW_S
    assert part["seconds"] == pytest.approx(OF_DIFFERENCE * 0.03**2 / WINDOW_S, rel=0.3)
    assert part["windows"] == pytest.approx(OF_DIFFERENCE * 0.01**2, rel=0.4)
    assert part["seconds"] + part["windows"] == pytest.approx(part["total"])


def test_noise_of_seconds_alone_leaves_nothing_that_windows_do_not_cure() -> None:
    part = found(*(night(0.001, 0.03, seed) for seed in (2, 3, 4)))
    assert part["windows"] < 0.35 * part["total"]


def test_what_only_cases_have_is_of_their_attach() -> None:
    same = found(night(0.01, 0.001, seed=3))
    unlike = found(night(0.01, 0.001, seed=3, attach_sd=0.02))
    assert same["attaches"] < 0.25 * same["total"]
    assert unlike["attaches"] == pytest.approx(0.02**2, rel=0.4)


def test_one_run_knows_nothing_of_nights_and_several_do() -> None:
    rng = np.random.default_rng(4)
    assert found(night(0.01, 0.001, seed=4))["nights"] is None
    quiet = [night(0.01, 0.001, seed) for seed in range(5, 9)]
    assert found(*quiet)["nights"] == pytest.approx(0.0, abs=0.005**2)
    costs = rng.normal(0.0, 0.02, size=(4, len(NAMES)))
    shifted = []
    for (cells, samples, intervals), cost in zip(quiet, costs, strict=True):
        by_case = dict(zip(NAMES, cost, strict=True))
        delta = pl.col("case").replace_strict(by_case, default=0.0, return_dtype=pl.Float64)
        shifted.append(
            (cells, samples.with_columns(value=pl.col("value") * delta.exp()), intervals)
        )
    assert found(*shifted)["nights"] == pytest.approx(0.02**2, rel=0.4)


def test_without_a_series_the_seconds_are_unknown() -> None:
    cells, samples, intervals = night(0.01, 0.01, seed=1)
    part = found((cells, samples, intervals.clear()))
    assert part["seconds"] is part["windows"] is None
    assert part["total"] > 0


def test_a_load_that_settles_after_two_seconds_says_so() -> None:
    intervals = night(0.01, 0.001, seed=1)[2]
    slow = pl.when(pl.col("t_s") < 2).then(pl.col("value") * 0.9).otherwise("value")
    assert settling_s(intervals)["settling_s"].to_list() == [0]
    late = settling_s(intervals.with_columns(value=slow))
    assert late.select("workload", "settling_s").row(0) == (WORKLOAD, 2)


def test_noisy_seconds_are_not_taken_for_a_load_that_settles() -> None:
    intervals = night(0.01, 0.2, seed=1)[2]
    few = intervals.filter(pl.col("iteration") == 1, pl.col("position") < 12)
    assert settling_s(few)["settling_s"].to_list() == [0]
