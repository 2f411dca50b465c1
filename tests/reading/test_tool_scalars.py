"""Scalars and series of a tool from its monitors' recordings."""

import pytest

from tasks.model.outcome import Window
from tasks.programs import pidstat
from tasks.reading.tool_scalars import (
    ResourceUse,
    inside,
    scalars,
    series,
    sum_processes,
)

from ..paths import DATA

WINDOW = Window("server", 100.0, 110.0, 10.0)


def use(epoch_s: float, cpu_pct: float | None = 1.0, rss_mib: float | None = 2.0) -> ResourceUse:
    return ResourceUse(epoch_s, cpu_pct, rss_mib, rss_mib, "pidstat")


def values(uses: list[ResourceUse]) -> dict[str, float | None]:
    return {sample.metric: sample.value for sample in scalars(uses, [], "server")}


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
    (found,) = sum_processes((100.0, row) for row in zombies)
    assert (found.rss_mib, found.vsz_mib) == (None, None)
    assert values([found]).keys() == {"tool_cpu_pct", "tool_cpu_peak_pct"}


def test_a_row_belongs_to_the_window_if_half_of_its_interval_is_in_it():
    rows = [use(t) for t in (100.9, 101.0, 105.0, 111.0, 111.1)]
    assert [one.epoch_s for one in inside(rows, WINDOW, 2.0)] == [101.0, 105.0, 111.0]


def test_cpu_has_a_mean_and_a_peak_and_memory_has_a_peak():
    assert values([use(101, 1.0, 5.0), use(102, 3.0, 4.0)]) == {
        "tool_cpu_pct": 2.0, "tool_cpu_peak_pct": 3.0, "tool_rss_mib": 5.0, "tool_vsz_mib": 5.0,
    }  # fmt: skip


def test_monitors_that_each_record_one_quantity_are_combined():
    found = values([use(101, 4.0, None), use(101, None, 7.0)])
    assert (found["tool_cpu_pct"], found["tool_rss_mib"]) == (4.0, 7.0)
    points = series([use(101, 4.0, None), use(101, None, 7.0)], [], "server", WINDOW.start)
    assert [(point.series, point.t_s, point.value) for point in points] == [
        ("tool_cpu_pct", 1.0, 4.0), ("tool_rss_mib", 1.0, 7.0),
    ]  # fmt: skip


def test_log_growth_is_mib_per_minute_from_first_to_last_size():
    sizes = [(100.0, 2**20), (101.0, 0), (130.0, 4 * 2**20)]
    (sample,) = scalars([], sizes, "server")
    assert sample.value == pytest.approx(6.0)
    assert [point.t_s for point in series([], sizes, "server", 100.0)] == [0.0, 1.0, 30.0]


@pytest.mark.parametrize("sizes", [[], [(100.0, 5)], [(100.0, 5), (100.0, 9)]])
def test_without_two_sizes_there_is_no_growth(sizes):
    assert list(scalars([], sizes, "server")) == []
