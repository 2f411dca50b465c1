"""Windows are as long as their noise is worth it."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from tasks.model.metrics import METRICS
from tasks.statistics.power import Judged
from tasks.statistics.windows import LENGTHS_S, Choice, Noise, choose_windows, shortest_window

from .small_campaign import RULES

JUDGED = Judged(METRICS["throughput_bps"], 3.0, 0.013, 50.0, RULES)
PER_ITERATION_S, CELLS = 800.0, 100


def lab_s(iterations: int, windows_s: Mapping[str, int]) -> float:
    return iterations * (PER_ITERATION_S + CELLS * sum(w + 1.25 for w in windows_s.values()))


def chosen(share_of_seconds: float | None, sd: float = 0.013) -> Choice:
    judged = replace(JUDGED, sd=sd)
    seconds = None if share_of_seconds is None else share_of_seconds * sd**2
    choice = choose_windows({"w": [Noise(judged, 10.0, seconds)]}, range(2, 30), lab_s)
    assert choice is not None
    return choice


def test_noise_that_windows_do_not_cure_gets_the_shortest_windows() -> None:
    choice = chosen(share_of_seconds=0.0)
    assert choice.windows_s == {"w": LENGTHS_S[0]}
    assert JUDGED.decides(choice.iterations) and not JUDGED.decides(choice.iterations - 1)


def test_noise_of_seconds_buys_longer_windows_instead_of_iterations() -> None:
    long, short = chosen(1.0, sd=0.03), chosen(0.0, sd=0.03)
    assert long.windows_s["w"] > short.windows_s["w"]
    assert long.iterations < short.iterations


def test_the_choice_takes_no_longer_than_any_window_for_all() -> None:
    for share in (0.0, 0.3, 0.7, 1.0):
        noise = Noise(JUDGED, 10.0, share * JUDGED.sd**2)
        for length in LENGTHS_S:
            judged = noise.in_windows_of(length)
            count = next(n for n in range(2, 60) if judged.decides(n))
            assert chosen(share).lab_s <= lab_s(count, {"w": length})


def test_a_workload_without_a_series_is_taken_to_get_noisier_in_shorter_windows() -> None:
    noise = Noise(JUDGED, 10.0, None)
    assert noise.in_windows_of(2).sd == pytest.approx(JUDGED.sd * 5**0.5)
    assert noise.in_windows_of(30).sd == JUDGED.sd


def test_each_workload_gets_its_own_window_and_the_worst_layer_decides() -> None:
    quiet = Noise(replace(JUDGED, sd=0.005), 10.0, 0.0)
    noisy = Noise(replace(JUDGED, sd=0.02), 10.0, 0.02**2)
    choice = choose_windows({"a": [quiet], "b": [quiet, noisy]}, [5], lab_s)
    assert choice is not None
    assert choice.windows_s["a"] == 2 < choice.windows_s["b"]
    assert choice.windows_s["b"] == shortest_window([noisy], 5)


def test_where_nothing_decides_there_is_no_choice() -> None:
    hopeless = Noise(replace(JUDGED, sd=0.2), 10.0, 0.0)
    assert choose_windows({"w": [hopeless]}, range(2, 5), lab_s) is None
