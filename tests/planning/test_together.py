"""Tools together: a case of its own, made of cases that are measured alone as well."""

from dataclasses import replace

import pytest

from tasks.model.environment import Layer
from tasks.model.errors import InputError, InputErrors
from tasks.model.plan import Case, CaseKind, Design, ToolClass, Workload
from tasks.planning.schedule import duration_s, make_plan, without
from tasks.planning.together import with_together
from tasks.storage import workflow


def tool(id: int, name: str, tool: str | None = None, layer: Layer = Layer.HOST, **more) -> Case:
    return Case(
        id, name, CaseKind.TOOL, layer, command=f"run {name}", tool=tool or name, script=name,
        tool_class=ToolClass.SUMMARY, **more,
    )  # fmt: skip


def placebo(layer: Layer) -> Case:
    return Case(0, "placebo", CaseKind.PLACEBO, layer, command="sh placebo.sh", tool="placebo")


A, B = tool(1, "a"), replace(tool(2, "b"), tool_class=ToolClass.DETAILS_UNFILTERED)
DROPS = [tool(3, "drops_rx", "drops"), tool(4, "drops_tx", "drops")]


def test_a_set_is_a_case_that_starts_all_its_tools():
    *alone, both = with_together([A, B], ["a+b"])
    assert alone == [A, B]
    assert (both.id, both.name, both.kind, both.parts) == (3, "a+b", CaseKind.TOOL, (A, B))
    assert both.tools == (A, B) and A.tools == (A,)
    assert both.tool_class is ToolClass.DETAILS_UNFILTERED, "that of the one that tells most"


def test_it_is_measured_in_each_layer_that_has_all_of_them():
    in_vm = [tool(5, "a", layer=Layer.VM)]
    found = with_together([A, B, *in_vm], ["a+b"])
    assert [(case.name, case.layer) for case in found[3:]] == [("a+b", Layer.HOST)]


@pytest.mark.parametrize(
    ("named", "line"),
    [
        ("a", "a: is one tool; expected several, joined by +"),
        ("a+c", "a+c: c is not measured by itself"),
        ("a+drops", "a+drops: drops has 2 cases; expected one of drops_rx, drops_tx"),
    ],
)
def test_a_set_that_cannot_be_made_is_refused(named: str, line: str):
    with pytest.raises((InputError, InputErrors)) as raised:
        with_together([A, B, *DROPS], [named])
    assert f"selection: together: {line}" in str(raised.value)


def test_it_cannot_run_where_one_of_its_tools_cannot():
    gone = replace(B, skipped="the kernel lacks f", cannot_attach=True)
    *_, both = with_together([A, gone], ["a+b"])
    assert (both.skipped, both.cannot_attach) == ("b: the kernel lacks f", True)


def test_the_plan_has_it_beside_a_placebo_too_and_counts_a_start_for_each_tool():
    workloads = (Workload("w", "pps", "iperf3", "udp"),)
    design = Design(seed=1, iterations=2, placebos=1)
    plan = make_plan("e", [A, B], placebo, workloads, design, ["a+b", "a+placebo"])
    names = {case.id: case.name for case in plan.cases}
    first = sorted(names[slot.case_id] for slot in plan.slots if slot.iteration == 1)
    assert first.count("a+b") == first.count("a+placebo_1") == first.count("a") == 1
    lasts = {
        names[slot.case_id]: duration_s(plan, [slot]) for slot in plan.slots if slot.iteration == 1
    }
    assert lasts["a+b"] > lasts["a"]
    assert workflow.load(workflow.dump(plan), "x") == plan


def test_a_decided_tool_stays_while_its_set_is_measured():
    workloads = (Workload("w", "pps", "iperf3", "udp"),)
    design = Design(seed=1, iterations=3, placebos=1)
    third = tool(7, "third")
    plan = make_plan("e", [A, B, third], placebo, workloads, design, ["a+b"])
    (both,) = [case for case in plan.cases if case.parts]
    decided = {(Layer.HOST, case.id, "w") for case in (A, B, third)}

    def later(gone: set[tuple[Layer, int, str]]) -> set[int]:
        left = without(plan, gone, after=1)
        return {slot.case_id for slot in left.slots if slot.iteration == 3}

    assert {A.id, B.id, both.id} <= later(decided) and third.id not in later(decided)
    assert later(decided | {(Layer.HOST, both.id, "w")}) == set()
