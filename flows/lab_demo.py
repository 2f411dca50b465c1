"""The flow `lab-demo`: lab up → bootstrap → campaign → lab down, on this one machine."""

import os
from dataclasses import replace
from pathlib import Path

from prefect import flow

from tasks.bootstrap import bootstrap_environment
from tasks.lab_hosts import lab_down, lab_up, lacking_for_guests
from tasks.make_plan import make_plan_of, write_plan
from tasks.model.environment import Layer
from tasks.model.names import Address, Identifier
from tasks.model.plan import Plan, Slot
from tasks.model.settings import Measurement, Selection, Switch

from .campaign import Finished, campaign, own_run
from .progress import progress

QUICK = Measurement(
    iterations=3,
    window_s=1,
    workloads=["quick"],
    # unpinned, two cores give two latencies: both ends of a round trip on one core, or on two
    affinity="0,1" if (os.cpu_count() or 1) > 1 else None,
    monitor_interval_s=1,
    placebos=1,
    attribution_s=1,
    max_load=8.0,
)
"""Small enough to read its report within minutes; too small for small effects, and it says so."""

_TOOL_BESIDE_GUESTS = "tap_packets"
_VMS_TAKE = "about 80 s of the demo"


@flow(name="lab-demo", flow_run_name="lab-demo · {name}")
async def demo(
    run: Identifier | None = None,
    name: Identifier = "demo",
    layers: list[Layer] = [],  # noqa: B006
    switch: Switch = Switch.BRIDGE,
    selection: Selection = Selection(),  # noqa: B008
    measurement: Measurement = QUICK,
    results_dir: Path = Path("results"),
    datasets: Address = "datasets/parquet",
    output: Path = Path("reports"),
) -> Finished:
    """Measures bpftrace tools and a placebo between real SSH hosts of a lab, and its VMs.

    Args:
        run: Resume this run; empty: a fresh one
        name: The lab's name; labs stand side by side
        layers: host: two SSH hosts; vm: also a VM on each; empty: vm where this machine can
        switch: What joins the hosts
        selection: Which cases; nothing chosen: all
        measurement: How long, how often, with which loads
        results_dir: Where raw results go
        datasets: Where the parquet datasets lie: a folder or an object store's address
        output: Where reports go
    """
    layers = layers or _possible(switch)
    minimal_input = lab_up(name, layers, switch.value, progress().notify)
    try:
        # removed with the lab: else a night of "all environments" would try its hosts
        found = await bootstrap_environment(minimal_input, minimal_input.parent / "found")
        progress().notify(
            f"found {len(found.facts)} hosts and made {found.case_count - found.skipped} cases"
        )
        config_dir = found.full.parent
        workflow = config_dir / "workflow.json"
        write_plan(workflow, _brief(make_plan_of(config_dir, selection, measurement)))
        return await campaign(
            [str(config_dir)], run or own_run(results_dir), selection, measurement,
            results_dir=results_dir, datasets=datasets, output=output, workflow=workflow,
        )  # fmt: skip
    finally:
        lab_down(name)


def _possible(switch: Switch) -> list[Layer]:
    """All layers, where VMs can run here; says what they cost, or why they are left out."""
    if lacks := lacking_for_guests(switch.value):
        progress().notify(f"without VMs: {lacks[0]}")
        return [Layer.HOST]
    progress().notify(f"with a VM on each host: {_VMS_TAKE}; `demo --layers host` leaves them out")
    return [Layer.HOST, Layer.VM]


def _brief(plan: Plan) -> Plan:
    """The host layer whole, and of the VMs one pass with one tool: emulated guests are slow."""
    if {slot.layer for slot in plan.slots} != {Layer.HOST, Layer.VM}:
        return plan

    def kept(slot: Slot) -> bool:
        tool = plan.case(slot.case_id, slot.layer).tool  # empty: the baseline
        once = slot.iteration == 1 and tool in ("", _TOOL_BESIDE_GUESTS)
        return slot.layer is Layer.HOST or once

    return replace(plan, slots=tuple(slot for slot in plan.slots if kept(slot)))
