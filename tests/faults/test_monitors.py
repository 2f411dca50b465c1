"""The tool's own use in windows of one second: CPU by children that come and go, a burst of output
before the window, memory."""

import polars as pl
import pytest

from tasks.reading import native
from tasks.reading.records import Reading
from tasks.storage.run_folder import RunFolder

from .fault_bench import BASELINE, Bench, final_states, load, placebo

pytestmark = pytest.mark.lab

BUSY_CHILDREN = "sh -c 'echo ready; while :; do awk \"BEGIN { while (i++ < 300000) ; }\"; done'"
BURST_THEN_TRICKLE = (
    'sh -c \'echo ready; sleep 1; head -c 20000000 /dev/zero | tr "\\\\0" x; '
    "while :; do printf %1024s; sleep 0.1; done'"
)


async def measured(bench: Bench, *commands: str) -> Reading:
    """Each command in a slot of its own, under loads with one second of warm-up and of window."""
    cases = [placebo(i, command, f"case_{i}") for i, command in enumerate(commands, start=1)]
    folder = bench.lay_out([BASELINE, *cases], [load(f"load_{i}") for i in range(3)])
    await bench.measure(folder)
    assert set(final_states(folder).values()) == {"passed"}
    return native.read_environment(RunFolder(folder))


def values(reading: Reading, metric: str) -> list[float]:
    found = reading.samples.filter(metric=metric)
    assert found["reason"].drop_nulls().is_empty()
    return found["value"].to_list()


async def test_cpu_of_children_that_end_within_the_window_is_counted(bench: Bench):
    reading = await measured(bench, BUSY_CHILDREN)
    cpu = reading.samples.filter(metric="tool_cpu_pct")
    assert set(cpu["source"]) == {"/proc/PID/stat"}
    assert set(cpu["n"]) == {2}
    assert cpu["value"].min() > 30
    assert cpu["resolution"].is_between(1, 10).all()
    by_pidstat = reading.samples.filter(pl.col("metric") == "tool_cpu_pidstat_pct")
    assert (by_pidstat["value"].max() or 0) < cpu["value"].min()


async def test_growth_of_the_output_rests_on_sizes_inside_the_window_alone(bench: Bench):
    reading = await measured(bench, BURST_THEN_TRICKLE)
    growth = reading.samples.filter(metric="log_mib_per_min")
    assert growth["n"].min() >= 4
    sizes = reading.intervals.filter(series="log_bytes")
    assert sizes["t_s"].is_between(0, 1.05).all()
    later = growth["value"].to_list()[1:]  # the burst is over
    assert max(later) < 2


async def test_memory_and_its_peak_are_recorded_in_every_window(bench: Bench):
    reading = await measured(bench, BUSY_CHILDREN)
    resident, peak = values(reading, "tool_rss_mib"), values(reading, "tool_rss_peak_mib")
    assert len(resident) == len(peak) == 3
    assert all(0.3 < one <= most < 50 for one, most in zip(resident, peak, strict=True))
