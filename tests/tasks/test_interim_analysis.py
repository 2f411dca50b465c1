"""What leaves the plan after an interim analysis."""

import polars as pl

from tasks.interim_analysis import without_decided
from tasks.planning.remaining import slots_left, workloads_left
from tasks.storage import workflow

from ..planning.test_schedule import WORKLOADS, case, order_of, plan

NAMES = [load.name for load in WORKLOADS]


def decided(*cells: tuple[str, str], reason: str = "decided after 3 iterations") -> pl.DataFrame:
    rows = [("host", name, workload, reason) for name, workload in cells]
    return pl.DataFrame(rows, schema=["layer", "case", "workload", "stopped"], orient="row")


def test_a_case_leaves_workload_by_workload_and_is_named_once():
    made = plan([case(1), case(2)], iterations=4)
    one = decided(("tool_1", NAMES[0]))
    left, words = without_decided(made, one, 3)
    assert words == {"tool_1": f"{NAMES[0]} decided after 3 iterations"}
    slots = {s.case_id: s for s in left.slots if s.iteration == 4}
    assert [w.name for w in left.workloads_in(slots[1])] == NAMES[1:]
    assert [w.name for w in left.workloads_in(slots[2])] == NAMES
    assert without_decided(left, one, 3) == (left, {})


def test_a_case_whose_last_workloads_are_decided_is_gone_and_what_left_before_stays_away():
    made = plan([case(1), case(2), case(3)], iterations=4)
    before = decided(*(("tool_1", name) for name in NAMES))
    left, _ = without_decided(made, before, 2)
    now = pl.concat([before, decided(*(("tool_2", name) for name in NAMES))])
    left, words = without_decided(left, now, 3)
    assert words == {"tool_2": "decided after 3 iterations"}
    assert {1, 2}.isdisjoint(order_of(left, 4)) and 3 in order_of(left, 4)


def test_baselines_and_placebos_stay_for_the_workloads_that_a_tool_still_has():
    made = plan([case(1), case(2)], iterations=2, placebos=1)
    cells = {(name, load) for name in ("tool_1", "tool_2") for load in NAMES[:2]}
    left, _ = without_decided(made, decided(*cells), 1)
    measured = {w.name for s in left.slots if s.iteration == 2 for w in left.workloads_in(s)}
    assert measured == set(NAMES[2:])
    assert 3 in order_of(left, 2)  # the placebo


def test_a_resumed_run_measures_only_what_had_not_left():
    made = plan([case(1), case(2)], iterations=4)
    left, _ = without_decided(made, decided(("tool_1", NAMES[0]), ("tool_2", NAMES[1])), 3)
    resumed = workflow.load(workflow.dump(left), "workflow.json")
    open_cells = {
        (slot.case_id, load.name)
        for slot in slots_left(resumed, {})
        if slot.iteration == 4 and slot.case_id in {1, 2}
        for load in workloads_left(resumed, slot, {})
    }
    every = {(number, name) for number in (1, 2) for name in NAMES}
    assert open_cells == every - {(1, NAMES[0]), (2, NAMES[1])}
