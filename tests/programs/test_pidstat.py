"""pidstat of sysstat 10 and 12. Recordings: tests/data/pidstat/README.md."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.model.errors import ParseError
from tasks.programs import pidstat

HEADER = "# Time   UID   PID  %usr %system %guest %wait %CPU CPU  VSZ RSS %MEM Command\n"


def row(clock: str, command: str = "tool") -> str:
    return f"{clock}  0  7  1.00 0.50 0.00 0.00 1.50 0 2048 1024 0.01 {command}\n"


def test_every_process_of_every_interval_is_a_row(recorded):
    found = pidstat.parse(recorded("pidstat/sysstat_12_three_pids.txt"), "x", 1795375450.2)
    assert len(found.rows) == 9
    assert [r.cpu_pct for r in found.rows if r.command == "python3"] == [100, 101, 100]
    assert [r.epoch_s for r in found.rows[::3]] == [1795375451, 1795375452, 1795375453]
    assert (found.rows[2].vsz_kib, found.rows[2].rss_kib) == (16564, 13524)


def test_sysstat_10_writes_epoch_seconds_and_fewer_columns(recorded):
    found = pidstat.parse(recorded("pidstat/sysstat_10.txt"), "x")
    assert [r.epoch_s for r in found.rows] == [1795352660] * 2 + [1795352662] * 2
    assert found.rows[2].cpu_pct == 3.0
    assert found.rows[2].rss_kib == 63948
    assert found.rows[0].time_of_day_s is None


def test_the_published_monitor_notes_its_start(recorded):
    found = pidstat.parse(recorded("pidstat/published_monitor.log"), "x")
    assert found.interval_s == 2
    assert found.rows[0].epoch_s == 1795352658 + 2


def test_without_a_start_only_the_time_of_day_is_known(recorded):
    found = pidstat.parse(recorded("pidstat/sysstat_12_three_pids.txt"), "x")
    assert found.rows[0].epoch_s is None
    assert found.rows[0].time_of_day_s == 19 * 3600 + 24 * 60 + 11


def test_a_process_without_memory_has_none_not_0(recorded):
    rows = pidstat.parse(recorded("pidstat/sysstat_12_zombie.txt"), "x").rows
    assert [(r.vsz_kib, r.rss_kib) for r in rows] == [(2920, 1516)] * 2 + [(None, None)] * 2


@pytest.mark.parametrize("zone_h", [-9.5, 0, 5.75, 8])
def test_the_hosts_zone_does_not_matter(zone_h):
    start = 1795352658.4
    local = int(start + 2 + zone_h * 3600) % 86400
    clock = f"{local // 3600:02}:{local // 60 % 60:02}:{local % 60:02}"
    found = pidstat.parse(HEADER + row(clock), "x", start)
    assert found.rows[0].epoch_s == int(start + 2)


def test_times_count_on_past_midnight():
    text = HEADER + row("23:59:58") + row("00:00:00") + row("00:00:02")
    start = 1795391996.0  # 23:59:56 UTC
    found = pidstat.parse(text, "x", start)
    assert [r.epoch_s - start for r in found.rows] == [2, 4, 6]


def test_a_twelve_hour_clock_reads_too():
    rows = pidstat.parse(HEADER + row("12:00:01 AM") + row("01:00:01 PM"), "x").rows
    assert [r.time_of_day_s for r in rows] == [1, 13 * 3600 + 1]


def test_a_command_may_hold_spaces():
    assert pidstat.parse(HEADER + row("10:00:00", "tmux: server"), "x").rows[0].command == (
        "tmux: server"
    )


def test_a_last_line_cut_by_the_monitors_end_is_not_read():
    text = HEADER + row("10:00:00") + row("10:00:02")
    assert len(pidstat.parse(text[:-1], "x").rows) == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Linux 6.18 (vm) \t2026-11-22 \t_x86_64_\t(2 CPU)\n",
        row("10:00:00"),
        HEADER.replace("%CPU", "CPU%") + row("10:00:00"),
        HEADER + row("10:00:00").replace("1.50", "1,50"),
        HEADER + row("10:00:00").replace("2048 1024 0.01", ""),
        HEADER + row("yesterday"),
    ],
)
def test_what_does_not_fit_its_header_is_refused(text):
    with pytest.raises(ParseError):
        pidstat.parse(text, "x")


def test_sections_without_h_are_refused(recorded):
    with pytest.raises(ParseError, match="before any header"):
        pidstat.parse(recorded("pidstat/sysstat_12_without_h.txt"), "x")


@given(cut=st.integers(0, 3000))
def test_a_cut_recording_gives_a_beginning_of_its_rows_or_nothing(recorded, cut):
    whole = recorded("pidstat/published_monitor.log")
    rows = pidstat.parse(whole, "x").rows
    try:
        found = pidstat.parse(whole[:cut], "x").rows
    except ParseError:
        return
    assert found == rows[: len(found)]


def test_pids_are_watched_together():
    assert pidstat.argv((7, 12), 2.0) == ("pidstat", "-h", "-u", "-r", "-p", "7,12", "2")
