"""The plan of the demo, without a lab."""

from pathlib import Path

import pytest

from flows.lab_demo import QUICK, TOOLS, _brief
from tasks.lab.minimal_input import CATALOG
from tasks.model.catalog import read_catalog
from tasks.model.environment import Layer
from tasks.model.plan import Case, CaseKind, Plan
from tasks.planning.schedule import make_plan
from tasks.planning.workloads import read_workloads

IN_LAB = {
    Path(tool.script).stem: tool
    for category in read_catalog(CATALOG).categories.values()
    for tool in category.tools
}


def plan(*layers: Layer) -> Plan:
    tools = {Layer.HOST: TOOLS, Layer.VM: ("tap_packets",)}
    named = [(layer, tool) for layer in layers for tool in tools[layer]]
    cases = [
        Case(id, tool, CaseKind.TOOL, layer, tool=tool)
        for id, (layer, tool) in enumerate(named, start=1)
    ]
    workloads = read_workloads(
        tuple(QUICK.workloads), window_s=QUICK.window_s, warmup_s=QUICK.warmup_s
    )

    def placebo(layer: Layer) -> Case:
        return Case(0, "placebo", CaseKind.PLACEBO, layer)

    return _brief(make_plan("demo", cases, placebo, workloads, QUICK.design()))


def test_its_tools_are_in_the_labs_catalogue_and_of_every_class():
    assert {str(IN_LAB[tool].tool_class) for tool in TOOLS} == {
        "summary", "details_filtered", "details_unfiltered",
    }  # fmt: skip


def test_its_loads_leave_almost_half_of_five_minutes_to_everything_else():
    planned = plan(Layer.HOST)
    cells = len(planned.slots) * len(planned.workloads)
    attached = [slot for slot in planned.slots if slot.case_id]
    loads_s = cells * (QUICK.window_s + QUICK.warmup_s) + len(attached) * QUICK.attribution_s
    assert 100 < loads_s <= 0.55 * 300


@pytest.mark.parametrize("layers", [(Layer.HOST,), (Layer.HOST, Layer.VM)])
def test_every_tool_lies_between_two_baselines_of_its_layer_in_each_iteration(layers):
    slots = plan(*layers).slots
    for layer in layers:
        iterations = {slot.iteration for slot in slots if slot.layer is layer}
        assert len(iterations) == (QUICK.iterations if layer is Layer.HOST else 2)
        for iteration in iterations:
            order = [s.case_id for s in slots if (s.layer, s.iteration) == (layer, iteration)]
            assert order[0] == order[-1] == 0
            assert len(order) > 2
