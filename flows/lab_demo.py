"""The flow `lab-demo`: lab up → bootstrap → campaign → lab down, on this one machine."""

import asyncio
from dataclasses import replace
from pathlib import Path
from threading import Event

from prefect import flow

from tasks.bootstrap import bootstrap_environment
from tasks.lab_hosts import lab_down, lab_up
from tasks.make_plan import make_plan_of, write_plan
from tasks.model.clock_kind import Clock
from tasks.model.environment import Layer
from tasks.model.errors import OverheadError
from tasks.model.fields import Address, Identifier
from tasks.model.plan import Plan
from tasks.model.settings import Measurement, Selection, Switch

from .campaign import Finished, campaign, own_run
from .progress import progress

QUICK = Measurement(
    iterations=6,
    window_s=1,
    warmup_s=0,
    workloads=["demo"],
    # Both ends of the load on one CPU: a wake-up across CPUs varies more on a virtual machine than
    # most tools cost. The other CPUs are left to the tool's own process.
    affinity="0,0",
    baseline_every=5,
    monitor_interval_s=1,
    placebos=1,
    attribution_s=1,
    max_load=8.0,
)
"""Minutes for a report: many short windows, since most of the variation is between windows."""

COUNTED = QUICK.model_copy(
    update={
        "iterations": 2,
        "window_s": 2,
        "affinity": None,
        "attribution_rate": "2M",
        "max_load": None,
    }
)
"""The same on the instruction clock: two iterations tell enough, there is one CPU, and a window of
2 s holds two sizes of the tool's output."""

TOOLS = ("tcp_connections", "rx_protocol_filtered", "rx_stack_counts", "rx_packet_stacks")
"""The tools whose costs differ in kind, from rare events to a line and a stack for every packet."""

_IN_VMS, _VM_ITERATIONS = "tap_packets", 2


@flow(name="lab-demo", flow_run_name="lab-demo · {name}")
async def demo(
    run: Identifier | None = None,
    name: Identifier = "demo",
    layers: list[Layer] = [],  # noqa: B006
    switch: Switch = Switch.BRIDGE,
    clock: Clock = Clock.WALL,
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
        layers: host: two SSH hosts; vm: also a VM on each; empty: host
        switch: What connects the hosts
        clock: wall; or instructions: the hosts are in an emulated machine whose time is the number
            of instructions that it executes
        selection: Cases to measure; nothing chosen: four tools whose costs differ in kind
        measurement: Duration, repetitions and loads
        results_dir: Folder for raw results
        datasets: Location of the parquet datasets: a folder or an object store's address
        output: Folder for reports
    """
    layers = layers or [Layer.HOST]
    if selection == Selection():
        selection = Selection(tools=[*TOOLS, *([_IN_VMS] if Layer.VM in layers else [])])
    minimal_input = await _lab_up(name, layers, switch, clock)
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


async def _lab_up(name: str, layers: list[Layer], switch: Switch, clock: Clock) -> Path:
    """`lab_up` in a thread, so that cancelling the run ends it between two of its steps."""
    ended = Event()
    try:
        return await asyncio.to_thread(
            lab_up, name, layers, switch.value, clock, progress().notify, ended.is_set
        )
    except OverheadError:
        raise
    except BaseException:  # cancelled, while the thread goes on
        ended.set()
        lab_down(name)
        raise


def _brief(plan: Plan) -> Plan:
    """The plan with few iterations in the VM layer: emulated guests are slow."""
    return replace(
        plan,
        slots=tuple(
            slot
            for slot in plan.slots
            if slot.layer is Layer.HOST or slot.iteration <= _VM_ITERATIONS
        ),
    )
