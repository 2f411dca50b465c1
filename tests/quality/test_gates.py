"""Each gate against a cell that is what it says, and against one that is not."""

from dataclasses import replace

import pytest

from tasks.model.outcome import GateResult
from tasks.model.plan import CaseKind
from tasks.quality.gates import GATES, Observation, ToolProcess, blocking, judge

from ..languages import chinese, english_words

GOOD = Observation(
    workload_kind="throughput",
    tool_start=(ToolProcess(812, 4711),),
    tool_end=(ToolProcess(812, 4711),),
    programs_before=frozenset({1, 2}),
    programs_after=frozenset({1, 2, 40, 41}),
    run_cnt=90_000,
    requested_s=10.0,
    load_s=(10.0, 10.02),
    load_processes=2,
    zero_intervals=0,
    monitor_rows=(1000.0, 1002.0, 1004.0, 1006.0, 1008.0, 1010.0, 1012.0),
    window_start=1001.0,
    window_end=1011.0,
    monitor_interval_s=2.0,
    foreign=(("sshd", 0.4),),
    load1_before=0.3,
    max_load1=2.0,
    kernel_warnings=(),
    throttle_before={"cpu0": 3},
    throttle_after={"cpu0": 3},
    frequency_before={"policy0": "performance 2000000"},
    frequency_after={"policy0": "performance 2000000"},
    epoch="a1b2",
    baseline_epoch="a1b2",
    left_behind=(),
)


def answer(gate: str, observation: Observation, kind: CaseKind = CaseKind.TOOL) -> GateResult:
    return {result.gate: result for result in judge(observation, kind)}[gate]


@pytest.mark.parametrize(
    ("gate", "change"),
    [
        ("tool_alive", {"tool_end": (ToolProcess(812, None),)}),
        (
            "tool_alive",
            {"tool_end": (ToolProcess(812, 9999),)},
        ),  # the pid was given to another process
        (
            "tool_alive",
            {"tool_start": (ToolProcess(812, None),), "tool_end": (ToolProcess(812, None),)},
        ),
        (
            "tool_alive",  # its wrapper lives on
            {"tool_programs": frozenset({7, 8}), "tool_programs_end": frozenset({8})},
        ),
        ("probes_attached", {"programs_after": frozenset({1, 2})}),
        ("probes_attached", {"programs_after": frozenset({1})}),
        ("probes_attached", {"run_cnt": 0}),
        ("complete", {"parse_errors": ("c.json: cut at 4096 bytes",)}),
        ("complete", {"load_s": (10.0, 17.4)}),  # a 12 s outage, exit status 0, no error key
        ("complete", {"load_s": (10.0, 9.4)}),
        ("complete", {"load_s": (10.0, float("nan"))}),
        ("complete", {"load_s": (10.0,)}),  # one of two processes left no result
        ("complete", {"load_s": ()}),
        ("complete", {"zero_intervals": 1}),
        ("monitored", {"monitor_rows": ()}),
        ("monitored", {"monitor_rows": (1000.0, 1002.0, 1008.0, 1010.0, 1012.0)}),
        ("monitored", {"monitor_rows": (1006.0, 1008.0, 1010.0)}),
        ("monitored", {"monitor_rows": (1002.0, 1004.0, 1006.0)}),
        ("monitored", {"monitor_rows": (2002.0, 2004.0, 2006.0)}),  # a clock an hour off
        ("quiet_host", {"foreign": (("kworker", 2.0), ("backup", 31.0))}),
        ("quiet_host", {"load1_before": 2.4}),
        ("quiet_host", {"kernel_warnings": ("rcu: INFO: rcu_sched self-detected stall",)}),
        ("quiet_host", {"throttle_after": {"cpu0": 5}}),
        ("quiet_host", {"frequency_after": {"policy0": "powersave 2000000"}}),
        ("same_world", {"baseline_epoch": "c3d4"}),
        ("clean_after", {"left_behind": ("program 77 kprobe/tcp_sendmsg",)}),
    ],
)
def test_a_cell_that_is_not_what_it_says_fails_that_gate_only(gate: str, change: dict) -> None:
    results = judge(replace(GOOD, **change), CaseKind.TOOL)
    assert [r.gate for r in results if r.passed is not True] == [gate]
    assert blocking(results) == answer(gate, replace(GOOD, **change))


def test_a_good_cell_passes_every_gate() -> None:
    results = judge(GOOD, CaseKind.TOOL)
    assert [r.gate for r in results] == [gate for gate in GATES if gate != "steady"]
    assert all(r.passed is True for r in results)
    assert blocking(results) is None


def test_nothing_observed_is_neither_a_pass_nor_a_failure() -> None:
    results = judge(Observation(), CaseKind.TOOL)
    assert {r.passed for r in results} == {None}
    assert all(r.observed.startswith("not observed") for r in results)


def test_an_unjudged_gate_blocks_only_where_it_is_required() -> None:
    results = judge(replace(GOOD, left_behind=None), CaseKind.TOOL)
    found = blocking(results)
    assert found is not None and found.gate == "clean_after"
    assert blocking(results, required={"complete"}) is None


def test_a_placebo_must_attach_nothing() -> None:
    nothing = replace(GOOD, programs_after=GOOD.programs_before, run_cnt=None)
    assert answer("probes_attached", nothing, CaseKind.PLACEBO).passed is True
    assert answer("probes_attached", GOOD, CaseKind.PLACEBO).passed is False


def test_a_baseline_is_judged_by_its_load_and_its_host_only() -> None:
    results = judge(GOOD, CaseKind.BASELINE)
    assert [r.gate for r in results] == ["complete", "quiet_host"]


def test_a_kernel_that_cannot_count_runs_is_judged_by_its_programs() -> None:
    assert answer("probes_attached", replace(GOOD, run_cnt=None)).passed is True


def test_netperf_has_no_one_second_slices_to_judge() -> None:
    observation = replace(
        GOOD, workload_kind="latency", zero_intervals=None, load_s=(10.1,), load_processes=1
    )
    assert answer("complete", observation).passed is True
    assert answer("complete", replace(observation, workload_kind="pps")).passed is None


def test_a_window_shorter_than_the_monitor_interval_needs_one_row() -> None:
    observation = replace(GOOD, window_start=1002.5, window_end=1003.5, monitor_rows=(1004.0,))
    assert answer("monitored", observation).passed is True


def test_a_guest_without_throttling_counters_can_still_be_quiet() -> None:
    observation = replace(GOOD, throttle_before=None, throttle_after=None, frequency_after=None)
    assert answer("quiet_host", observation).passed is True


def test_every_gate_speaks_both_languages() -> None:
    for gate_id, gate in GATES.items():
        assert gate.id == gate_id
        assert gate.reason.en.endswith(".") and gate.reason.zh.endswith("。")
        for text in (gate.expected, gate.reason, gate.advice):
            assert text.en and not chinese(text.en)
            assert text.zh and not english_words(text.zh)


@pytest.mark.parametrize("kind", [CaseKind.TOOL, CaseKind.PLACEBO])
@pytest.mark.parametrize(
    "observation",
    [
        GOOD,
        Observation(),
        replace(
            GOOD,
            tool_end=(ToolProcess(812, None),),
            tool_programs=frozenset({7}),
            tool_programs_end=frozenset(),
            run_cnt=None,
            load_s=(9.0,),
            max_load1=0.1,
            throttle_after={"cpu0": 4},
            kernel_warnings=("-",),
            baseline_epoch="c3d4",
            monitor_rows=(),
        ),
    ],
)
def test_what_was_observed_is_told_in_both_languages(
    observation: Observation, kind: CaseKind
) -> None:
    for result in judge(observation, kind):
        assert not chinese(result.observed + result.expected)
        assert not english_words(result.observed_zh + result.expected_zh)


def test_a_tool_that_the_window_starts_and_stops_need_not_run_through_it() -> None:
    cell = replace(GOOD, workload_kind="start", tool_start=None, tool_end=None, monitor_rows=None)
    for kind in (CaseKind.TOOL, CaseKind.PLACEBO):
        judged = [result.gate for result in judge(cell, kind)]
        assert judged == ["complete", "quiet_host", "same_world", "clean_after"]
        assert all(result.passed for result in judge(cell, kind))
    assert not answer("complete", replace(cell, load_s=(3.0,), load_processes=1)).passed
