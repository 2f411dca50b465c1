"""The flow `lab-demo`: lab up → bootstrap → campaign → lab down, on this one machine."""

import asyncio
import os
from dataclasses import replace
from pathlib import Path
from threading import Event

from prefect import flow

from tasks.bootstrap import bootstrap_environment
from tasks.lab_hosts import lab_down, lab_up, lacking_for_guests
from tasks.make_plan import make_plan_of, write_plan
from tasks.model.environment import Layer
from tasks.model.errors import OverheadError
from tasks.model.names import Address, Identifier
from tasks.model.plan import Plan, Slot
from tasks.model.settings import Measurement, Selection, Switch

from .campaign import Finished, campaign, own_run
from .progress import progress

QUICK = Measurement(
    iterations=3,
    window_s=1,
    workloads=["quick"],
    # unpinned on two cores, the latency depends on whether both ends share a core
    affinity="0,1" if (os.cpu_count() or 1) > 1 else None,
    monitor_interval_s=1,
    placebos=1,
    attribution_s=1,
    max_load=8.0,
)
"""Short enough for a report within minutes; its report says that it cannot detect small effects."""

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
    """Measures bpftrace tools and a placebo between the hosts of a lab, and between its VMs.

    Args:
        run: Run to resume; empty: start a new run
        name: Name of the lab; several labs can run side by side
        layers: host: two SSH hosts; vm: also a VM on each; empty: vm if this machine can run VMs
        switch: What connects the hosts
        selection: Cases to measure; nothing chosen: all
        measurement: Duration, repetitions and loads
        results_dir: Folder for raw results
        datasets: Location of the parquet datasets: a folder or an object store's address
        output: Folder for reports
    """
    layers = layers or _possible(switch)
    minimal_input = await _lab_up(name, layers, switch)
    try:
        # below the lab's folder, which is removed with it; else a nightly run of all environments
        # would try these hosts
        found = await bootstrap_environment(minimal_input, minimal_input.parent / "found")
        progress().notify(
            f"discovered {len(found.facts)} hosts, {found.case_count - found.skipped} cases"
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


async def _lab_up(name: str, layers: list[Layer], switch: Switch) -> Path:
    """`lab_up` in a thread, so that cancelling the run ends it between two of its steps."""
    ended = Event()
    try:
        return await asyncio.to_thread(
            lab_up, name, layers, switch.value, progress().notify, ended.is_set
        )
    except OverheadError:
        raise
    except BaseException:  # cancelled, while the thread goes on
        ended.set()
        lab_down(name)
        raise


def _possible(switch: Switch) -> list[Layer]:
    """All layers if VMs can run here, else host; says how long VMs take, or why there are none."""
    if lacks := lacking_for_guests(switch.value):
        progress().notify(f"without VMs: {lacks[0]}")
        return [Layer.HOST]
    progress().notify(f"with a VM on each host: {_VMS_TAKE}; `demo --layers host` leaves them out")
    return [Layer.HOST, Layer.VM]


def _brief(plan: Plan) -> Plan:
    """The plan with a single iteration of one tool in the VM layer: emulated guests are slow."""
    if {slot.layer for slot in plan.slots} != {Layer.HOST, Layer.VM}:
        return plan

    def kept(slot: Slot) -> bool:
        tool = plan.case(slot.case_id, slot.layer).tool  # empty: the baseline
        once = slot.iteration == 1 and tool in ("", _TOOL_BESIDE_GUESTS)
        return slot.layer is Layer.HOST or once

    return replace(plan, slots=tuple(slot for slot in plan.slots if kept(slot)))
