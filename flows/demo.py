"""The flow `lab-demo`: lab up → bootstrap → campaign → lab down, on this one machine."""

import os
from pathlib import Path

from prefect import flow

from tasks.bootstrap import bootstrap_environment
from tasks.lab_hosts import lab_down, lab_up
from tasks.model.environment import Layer
from tasks.model.names import Identifier
from tasks.model.settings import Measurement, Selection, Switch

from .campaign import Finished, campaign, own_run
from .progress import progress

QUICK = Measurement(
    iterations=3,
    window_s=2,
    workloads=["quick"],
    # unpinned, two cores give two latencies: both ends of a round trip on one core, or on two
    affinity="0,1" if (os.cpu_count() or 1) > 1 else None,
    monitor_interval_s=1,
    placebos=1,
    attribution_s=1,
    max_load=8.0,
)
"""Small enough to read its report within minutes; too small for small effects, and it says so."""


@flow(name="lab-demo", flow_run_name="lab-demo · {name}")
async def demo(
    run: Identifier | None = None,
    name: Identifier = "demo",
    layers: list[Layer] = [Layer.HOST],  # noqa: B006
    switch: Switch = Switch.BRIDGE,
    selection: Selection = Selection(),  # noqa: B008
    measurement: Measurement = QUICK,
    results_dir: Path = Path("results"),
    datasets: str = "datasets/parquet",
    output: Path = Path("reports"),
) -> Finished:
    """Measures three bpftrace tools and two placebos between two real SSH hosts of a lab.

    Args:
        run: Go on with this run; empty: a fresh one
        name: The lab's name; labs stand side by side
        layers: host: two SSH hosts; vm: also a VM on each
        switch: What joins the hosts
        selection: Which cases; nothing chosen: all
        measurement: How long, how often, with which loads
        results_dir: Where raw results go
        datasets: Where the parquet datasets lie: a folder or an object store's address
        output: Where reports go
    """
    minimal_input = lab_up(name, layers, switch.value, progress().said)
    try:
        found = await bootstrap_environment(minimal_input)
        progress().said(
            f"found {len(found.facts)} hosts and made {found.case_count - found.skipped} cases"
        )
        return await campaign(
            [str(found.full.parent)], run or own_run(results_dir), selection, measurement,
            results_dir=results_dir, datasets=datasets, output=output,
        )  # fmt: skip
    finally:
        lab_down(name)
