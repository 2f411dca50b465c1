"""Scalars and series of a tool from its monitors' recordings, cut to the window."""

import pytest

from tasks.model.outcome import Sample, Window
from tasks.programs import pidstat
from tasks.reading.tool_scalars import (
    ResourceUse,
    inside,
    log_growth,
    of_rows,
    series,
    sum_processes,
)

from ..paths import DATA

WINDOW = Window("server", 100.0, 110.0, 10.0)


def use(epoch_s: float, cpu_pct: float | None = 1.0, rss_mib: float | None = 2.0) -> ResourceUse:
    return ResourceUse(epoch_s, cpu_pct, rss_mib, rss_mib, "pidstat")


def scalars(uses: list[ResourceUse]) -> dict[str, Sample]:
    return {sample.metric: sample for sample in of_rows(uses, WINDOW, 1.0, "server")}


def values(uses: list[ResourceUse]) -> dict[str, float | None]:
    return {metric: sample.value for metric, sample in scalars(uses).items()}


def recorded(name: str, start_epoch_s: float) -> list[ResourceUse]:
    rows = pidstat.parse((DATA / "pidstat" / name).read_text(), name, start_epoch_s).rows
    return sum_processes((row.epoch_s, row) for row in rows)


def test_processes_are_summed_at_each_moment():
    first, *_ = uses = recorded("sysstat_12_three_pids.txt", 1795375450.2)
    assert [one.epoch_s for one in uses] == [1795375451, 1795375452, 1795375453]
    assert first.cpu_pct >= 100
    assert first.rss_mib > 13524 / 1024


def test_the_memory_of_a_zombie_is_missing_instead_of_0():
    text = (DATA / "pidstat/sysstat_12_zombie.txt").read_text()
    zombies = [row for row in pidstat.parse(text, "x").rows if row.vsz_kib is None]
    (found,) = sum_processes((101.0, row) for row in zombies)
    assert (found.rss_mib, found.vsz_mib) == (None, None)
    assert values([found]) == {"tool_cpu_pct": found.cpu_pct, "tool_cpu_peak_pct": None}


def test_a_row_belongs_to_the_window_if_half_of_its_interval_is_in_it():
    rows = [use(t) for t in (100.9, 101.0, 105.0, 111.0, 111.1)]
    assert [one.epoch_s for one in inside(rows, WINDOW, 2.0)] == [101.0, 105.0, 111.0]


def test_cpu_has_a_mean_and_a_peak_and_memory_has_a_peak():
    assert values([use(101, 1.0, 5.0), use(102, 3.0, 4.0)]) == {
        "tool_cpu_pct": 2.0, "tool_cpu_peak_pct": 3.0, "tool_rss_mib": 5.0, "tool_vsz_mib": 5.0,
    }  # fmt: skip


def test_one_row_has_no_peak():
    found = scalars([use(50.0, 99.0), use(101.0, 1.0)])
    assert found["tool_cpu_pct"].value == 1.0
    peak = found["tool_cpu_peak_pct"]
    assert (peak.value, peak.n) == (None, 1)
    assert peak.reason == "a peak needs two rows in the window; it holds one of 2"


def test_a_scalar_says_how_many_rows_it_rests_on():
    rows = [use(50.0, 99.0), use(101.0), use(102.0), use(103.0, None)]
    found = scalars(rows)
    assert (found["tool_cpu_pct"].n, found["tool_rss_mib"].n) == (2, 3)


def test_rows_from_the_warm_up_alone_leave_every_scalar_missing_with_the_reason():
    found = scalars([use(98.0, 70.0), use(99.0, 80.0)])
    assert {sample.value for sample in found.values()} == {None}
    assert {sample.n for sample in found.values()} == {0}
    cpu = found["tool_cpu_pct"]
    assert cpu.reason == "none of 2 rows lies in the window by half of its interval"
    assert cpu.reason_zh == "2 行记录中，没有一行有至少半个采样间隔落在测量窗口内"


def test_monitors_that_each_record_one_quantity_are_combined():
    rows = [use(101, 4.0, None), use(101, None, 7.0)]
    found = values(rows)
    assert (found["tool_cpu_pct"], found["tool_rss_mib"]) == (4.0, 7.0)
    points = series(rows, [], WINDOW, 1.0, "server")
    assert [(point.series, point.t_s, point.value) for point in points] == [
        ("tool_cpu_pct", 1.0, 4.0), ("tool_rss_mib", 1.0, 7.0),
    ]  # fmt: skip


MIB = 2**20


def test_log_growth_is_mib_per_minute_from_the_first_to_the_last_size_in_the_window():
    burst_before_the_window = [(90.0, 0), (99.9, 500 * MIB)]
    inside_it = [(100.0, 500 * MIB), (101.0, 500 * MIB), (110.0, 501 * MIB)]
    after_it = [(110.1, 900 * MIB)]
    sizes = burst_before_the_window + inside_it + after_it
    growth = log_growth(sizes, WINDOW, "server")
    assert growth == Sample("log_mib_per_min", pytest.approx(6.0), "server", "stat", n=3)
    points = series([], sizes, WINDOW, 1.0, "server")
    assert [point.t_s for point in points] == [0.0, 1.0, 10.0]


@pytest.mark.parametrize(
    ("sizes", "n"),
    [
        ([], 0),
        ([(98.0, 0), (99.0, 9 * MIB)], 0),
        ([(98.0, 0), (105.0, 9 * MIB)], 1),
        ([(100.0, 5), (100.0, 9)], 2),
        ([(100.0, 5), (103.0, 9)], 2),
    ],
)
def test_sizes_that_say_too_little_about_the_window_give_no_growth_but_a_reason(sizes, n):
    growth = log_growth(sizes, WINDOW, "server")
    assert (growth.value, growth.n) == (None, n)
    assert growth.reason.startswith(f"{n} of {len(sizes)} sizes of the output lie in the window")
    assert growth.reason_zh.startswith(f"{len(sizes)} 个输出大小采样中有 {n} 个落在测量窗口内")
