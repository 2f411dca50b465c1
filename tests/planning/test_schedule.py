"""The order of an iteration, and what an interim analysis changes in it."""

from hypothesis import given
from hypothesis import strategies as st

from tasks.model.environment import Layer
from tasks.model.plan import Case, CaseKind, Design, Plan
from tasks.planning.schedule import (
    REPEATED,
    duration_s,
    make_plan,
    with_baseline_before,
    with_block_repeated,
    without,
)
from tasks.planning.workloads import read_workloads

WORKLOADS = read_workloads(("quick",), window_s=10, warmup_s=1)
LOADS = st.sampled_from([load.name for load in WORKLOADS])


def case(number: int, layer: Layer = Layer.HOST, skipped: str | None = None) -> Case:
    return Case(number, f"tool_{number}", CaseKind.TOOL, layer, command="true", skipped=skipped)


def placebo(layer: Layer) -> Case:
    return Case(0, "placebo", CaseKind.PLACEBO, layer, command="sh placebo.sh")


def plan(cases: list[Case], **settings: int) -> Plan:
    design = Design(**{"seed": 1, "iterations": 2, **settings})
    return make_plan("lab", cases, placebo, WORKLOADS, design)


def order_of(made: Plan, iteration: int, layer: Layer = Layer.HOST) -> list[int]:
    return [s.case_id for s in made.slots if (s.iteration, s.layer) == (iteration, layer)]


def cells_of(*cases: int) -> set[tuple[Layer, int, str]]:
    return {(Layer.HOST, number, load.name) for number in cases for load in WORKLOADS}


@given(st.integers(1, 40), st.integers(1, 6), st.integers(0, 3), st.integers(0, 2**31))
def test_a_baseline_is_first_last_and_never_too_far(count, every, placebos, seed):
    cases = [case(n) for n in range(1, count + 1)]
    made = plan(cases, baseline_every=every, placebos=placebos, seed=seed)
    for iteration in (1, 2):
        order = order_of(made, iteration)
        assert order[0] == order[-1] == 0
        measured = [id for id in order if id]
        assert sorted(measured) == list(range(1, count + placebos + 1))
        runs = "".join("b" if id == 0 else "c" for id in order).split("b")
        assert max(map(len, runs)) <= every
        assert "bb" not in "".join("b" if id == 0 else "c" for id in order)


def test_iterations_have_orders_of_their_own_and_a_seed_repeats_them():
    cases = [case(n) for n in range(1, 20)]
    first, second = plan(cases, seed=5), plan(cases, seed=5)
    assert first == second
    assert order_of(first, 1) != order_of(first, 2)
    assert order_of(plan(cases, seed=6), 1) != order_of(first, 1)


def test_layers_of_one_environment_never_overlap():
    made = plan([case(1), case(2), case(3, Layer.VM)])
    layers = [s.layer for s in made.slots if s.iteration == 1]
    assert layers == sorted(layers, key=list(Layer).index)
    assert order_of(made, 1, Layer.VM)[0] == 0


def test_a_skipped_case_is_visible_and_not_scheduled():
    made = plan([case(1), case(2, skipped="no such interface"), case(3, Layer.VM, "no vm pair")])
    assert 2 not in order_of(made, 1)
    assert order_of(made, 1, Layer.VM) == []
    assert [c.name for c in made.cases if c.skipped] == ["tool_2", "tool_3"]


def test_decided_cases_leave_the_later_iterations_only():
    made = plan([case(n) for n in range(1, 9)], iterations=3)
    left = without(made, cells_of(1, 2), after=1)
    assert order_of(left, 1) == order_of(made, 1)
    for iteration in (2, 3):
        assert {1, 2}.isdisjoint(order_of(left, iteration))
        assert order_of(left, iteration)[0] == order_of(left, iteration)[-1] == 0
    assert duration_s(left) < duration_s(made)


def test_baselines_stay_equally_far_apart_in_time_as_cases_lose_workloads():
    made = plan([case(n) for n in range(1, 41)], baseline_every=4, placebos=0)
    cells = {(Layer.HOST, n, load.name) for n in range(1, 41) for load in WORKLOADS[1:]}
    left = without(made, cells, after=1)
    spans = []
    for changed, iteration in ((made, 2), (left, 2)):
        slots = [s for s in changed.slots if s.iteration == iteration]
        ends = [i for i, s in enumerate(slots) if s.case_id == 0]
        spans.append(duration_s(changed, slots[ends[0] + 1 : ends[1]]))
    assert order_of(left, 2).count(0) < order_of(made, 2).count(0)
    assert 0.85 < spans[1] / spans[0] < 1.15


def test_where_every_case_is_decided_nothing_is_left_but_what_was_measured():
    made = plan([case(1)], iterations=3)
    assert {s.iteration for s in without(made, cells_of(1), after=2).slots} == {1, 2}


def test_what_left_the_plan_does_not_come_back():
    made = plan([case(n) for n in range(1, 9)], iterations=4)
    once = without(made, cells_of(1, 2), after=1)
    twice = without(once, cells_of(3), after=2)
    assert [order_of(twice, 2), {1, 2, 3} & {*order_of(twice, 3), *order_of(twice, 4)}] == [
        order_of(once, 2), set()
    ]  # fmt: skip


@given(st.integers(1, 20), st.integers(1, 6), st.sets(st.tuples(st.integers(1, 20), LOADS)))
def test_a_case_keeps_its_other_workloads_and_every_cell_lies_between_two_baselines(
    count, every, leaving
):
    made = plan([case(n) for n in range(1, count + 1)], baseline_every=every)
    left = without(made, {(Layer.HOST, *cell) for cell in leaving}, after=1)
    slots = [slot for slot in left.slots if slot.iteration == 2]
    measured = {(s.case_id, w.name) for s in slots for w in left.workloads_in(s)}
    tools = {(n, w.name) for n in range(1, count + 1) for w in WORKLOADS} - leaving
    assert {cell for cell in measured if 0 < cell[0] <= count} == tools
    assert {name for _, name in measured} == {name for _, name in tools}
    for load in WORKLOADS:
        blocks = "".join(
            "b" if not s.case_id else "c" if load in left.workloads_in(s) else "-" for s in slots
        )
        baselines = ["b" if load in left.workloads_in(s) else "x" for s in slots if not s.case_id]
        for before, block, after in zip(
            baselines, blocks[1:].split("b"), baselines[1:], strict=False
        ):
            assert "c" not in block or (before, after) == ("b", "b")


def test_a_block_that_is_run_again_stands_at_the_end_of_its_iteration():
    made = plan([case(n) for n in range(1, 9)], baseline_every=4)
    order = order_of(made, 1)
    right = order.index(0, 1)
    changed = with_block_repeated(made, 1, Layer.HOST, 0, right)
    repeated = changed.slots[len(order) : len(order) + right + 1]
    assert (*changed.slots[: len(order)], *changed.slots[len(order) + right + 1 :]) == made.slots
    assert [s.case_id for s in repeated] == order[: right + 1]
    assert [s.position for s in repeated] == [len(order) + i for i in range(right + 1)]
    assert {s.attempt for s in repeated} == {REPEATED}


def test_two_blocks_are_not_run_again_for_a_workload_that_no_case_between_measures():
    made = plan([case(n) for n in range(1, 9)], baseline_every=2, placebos=0)
    first, _, third = (i for i, id in enumerate(order_of(made, 1)[:7]) if id == 0)
    assert with_block_repeated(made, 1, Layer.HOST, first, third) == made


def test_one_more_baseline_opens_what_is_left_and_is_a_block_s_end_like_others():
    made = plan([case(n) for n in range(1, 9)], baseline_every=4)
    slot = made.slots[3]
    opened = with_baseline_before(made, slot)
    assert opened.slots[3].case_id == 0 and opened.slots[4] == slot
    assert len({(s.iteration, s.position) for s in opened.slots}) == len(opened.slots)
    assert order_of(opened, 2) == order_of(made, 2)
    few = without(made, {(Layer.HOST, n, WORKLOADS[0].name) for n in range(1, 11)}, after=1)
    late = next(s for s in few.slots if s.iteration == 2 and s.case_id)
    (opening,) = set(with_baseline_before(few, late).slots) - set(few.slots)
    assert opening.workloads == tuple(load.name for load in WORKLOADS[1:])
    ends = opened.slots[3].position, made.slots[5].position
    changed = with_block_repeated(opened, 1, Layer.HOST, *ends)
    block = [s for s in changed.slots if s.attempt == REPEATED]
    assert [s.case_id for s in block] == [0, *(s.case_id for s in made.slots[3:6])]


def test_the_duration_counts_windows_and_warm_up():
    made = plan([case(1)], placebos=0, iterations=1)
    assert duration_s(made) > 3 * len(WORKLOADS) * 11
