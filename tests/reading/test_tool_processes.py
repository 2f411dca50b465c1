"""A tool's CPU and memory from the kernel's counters of its processes."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.programs.proc import CpuTime, Memory, Process
from tasks.programs.snapshot import Snapshot
from tasks.reading.tool_processes import cpu, memory
from tasks.storage.rawtree import ToolRecord

LEADER, CHILD, GRANDCHILD, OTHER = 100, 101, 102, 900
TOOL = ToolRecord(pid=LEADER, start_ticks=5, pids=(LEADER,), ready_s=0.1)
_CPUS = CpuTime(0, 0, 0, 0, 0, 0, 0, 0)


def process(
    pid: int, ticks: int = 0, children: int = 0, parent: int = 1, start: int = 5
) -> Process:
    return Process(
        pid=pid, command="tool", parent=parent, session=LEADER if pid != OTHER else OTHER,
        user_ticks=ticks, system_ticks=0, children_ticks=children, start_ticks=start,
    )  # fmt: skip


def at(uptime_s: float, *processes: Process) -> Snapshot:
    by_pid = {one.pid: one for one in processes}
    return Snapshot("x", uptime_s, uptime_s, 0.0, {}, _CPUS, 2, by_pid, None)


def share(start: Snapshot, end: Snapshot) -> float | None:
    return cpu(start, end, [TOOL], "server").value


def test_the_use_is_the_time_spent_in_the_window_in_percent_of_one_cpu():
    sample = cpu(at(10, process(LEADER, 500)), at(14, process(LEADER, 600)), [TOOL], "server")
    assert (sample.value, sample.n, sample.source) == (pytest.approx(25.0), 2, "/proc/PID/stat")


def test_the_resolution_is_two_ticks_of_each_process_of_the_tree():
    start = at(10, process(LEADER), process(CHILD, parent=LEADER))
    end = at(12, process(LEADER), process(CHILD, parent=LEADER))
    assert cpu(start, end, [TOOL], "server").resolution == pytest.approx(100 * 2 * 2 * 0.01 / 2)


def test_children_that_came_and_went_count_through_the_time_that_was_waited_for():
    start, end = at(10, process(LEADER, 3)), at(11, process(LEADER, 4, children=40))
    assert share(start, end) == pytest.approx(41.0)


def test_a_child_that_ends_in_the_window_counts_only_with_what_it_used_there():
    start = at(10, process(LEADER), process(CHILD, 1000, parent=LEADER))
    end = at(11, process(LEADER, children=1030))
    assert share(start, end) == pytest.approx(30.0)


def test_a_grandchild_counts_though_it_has_a_session_of_its_own():
    apart = replace(process(GRANDCHILD, 0, parent=CHILD), session=GRANDCHILD)
    start = at(10, process(LEADER), process(CHILD, parent=LEADER), apart)
    end = at(11, process(LEADER), process(CHILD, parent=LEADER), replace(apart, user_ticks=50))
    assert share(start, end) == pytest.approx(50.0)


def test_other_processes_do_not_count():
    start = at(10, process(LEADER), process(OTHER))
    end = at(11, process(LEADER, 1), process(OTHER, 99))
    assert share(start, end) == pytest.approx(1.0)


def numbers(sentence: str) -> list[str]:
    return sorted(re.findall(r"\d+", sentence))


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (at(11, process(OTHER)), "100 is not the same at both ends"),
        (at(11, process(LEADER, start=77)), "100 is not the same at both ends"),
        (at(10, process(LEADER)), "the window has no length"),
        (at(11, process(LEADER)), r"process 101 \(tool\) ended, and its CPU time was lost"),
    ],
)
def test_what_cannot_be_known_is_missing_with_the_reason(end, reason):
    orphan = process(CHILD, 7, parent=1)
    sample = cpu(at(10, process(LEADER), orphan), end, [TOOL], "server")
    assert (sample.value, sample.n) == (None, 0)
    assert re.search(reason, sample.reason)
    assert re.search("[一-鿿]", sample.reason_zh)
    assert numbers(sample.reason_zh) == numbers(sample.reason)


def test_time_that_nobody_waited_for_is_missing_instead_of_negative():
    start = at(10, process(LEADER), process(CHILD, 50, parent=LEADER))
    assert share(start, at(11, process(LEADER, 1))) is None


_TICKS = st.lists(st.integers(0, 400), min_size=1, max_size=6)


@given(_TICKS, _TICKS, st.integers(1, 60))
def test_the_use_does_not_depend_on_which_process_of_the_tree_spent_it(spent, ended, seconds):
    """Each process used a part of `spent`; children that were waited for used `ended`."""
    used = sum(spent) + sum(ended)
    children = [process(LEADER + 1 + i, parent=LEADER) for i in range(len(spent))]
    start = at(0, process(LEADER), *children)
    after = [replace(one, system_ticks=ticks) for one, ticks in zip(children, spent, strict=True)]
    end = at(seconds, process(LEADER, children=sum(ended)), *after)
    assert share(start, end) == pytest.approx(used / seconds)


def test_memory_is_the_sum_over_the_processes():
    sizes = {LEADER: Memory(8192, 2048, 4096), CHILD: Memory(1024, 1024, 1024)}
    found = {sample.metric: (sample.value, sample.n) for sample in memory(sizes, "server")}
    assert found == {
        "tool_rss_mib": (3.0, 1), "tool_rss_peak_mib": (5.0, 1), "tool_vsz_mib": (9.0, 1),
    }  # fmt: skip


def test_memory_that_was_not_read_gives_no_sample():
    assert list(memory({}, "server")) == []
