"""Are the figures correct? A campaign on the real lab with costs that are known beforehand.

    python -m tests.benchmarks.bench_lab [--iterations 4] [--only cap]

Prints the interval that was measured for a rate limit that costs exactly 3 %; the placebos'
verdicts; the per-packet tool's verdicts; the simulator's parameters for this lab, fitted to its
baselines and placebos; the kernel's ns per event in two campaigns. Needs root and a quiet machine;
takes about 3 minutes per iteration.
"""

import argparse
import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import polars as pl

from tasks.bootstrap import discover_environment
from tasks.hold_hosts import hold_hosts
from tasks.lab import lifecycle
from tasks.make_plan import make_plan_of
from tasks.model.environment import Layer
from tasks.model.full import find_config
from tasks.model.plan import Case, CaseKind, Hook, Plan, Readiness
from tasks.model.settings import Measurement, Selection
from tasks.planning.schedule import ordered
from tasks.reading import native
from tasks.reading.records import Reading
from tasks.reporting.kernel_cost import kernel_cost
from tasks.statistics.decision_rules import rules_for
from tasks.statistics.effects import analyze
from tasks.statistics.margins import read_margins
from tasks.storage.run_folder import RunFolder

from .fitted_host import fitted_host

NAME = "truth"
LINK = "uplink0"
FULL, CAPPED = "1000mbit", "970mbit"
CAP_PCT = 3.0
AGREE_PCT = 10.0

# Behaves like a tool: prints that it is ready, keeps running, and undoes its change at the end.
CONTROL = f"""#!/bin/sh
set_rate() {{ tc qdisc change dev {LINK} root tbf rate "$1" burst 256k latency 20ms; }}
trap 'set_rate {FULL}; exit 0' INT TERM
set_rate {CAPPED}
echo ready
while :; do sleep 1 & wait $!; done
"""


def with_control(plan: Plan) -> Plan:
    """The plan with a case that slows the link by a known share and, like a placebo, attaches
    nothing. The link is limited throughout every window, so the share is exact."""
    first = next(case for case in plan.cases if case.kind is CaseKind.PLACEBO)
    control = replace(
        first,
        id=99,
        name="positive_control",
        command="sh measurement-tools/control.sh",
        script="control.sh",
        tool="control",
        workloads=("throughput_single_tcp",),
        readiness=Readiness(line="^ready"),
    )
    cases: tuple[Case, ...] = (*plan.cases, control)
    return ordered(replace(plan, cases=cases))


def limited(plan: Plan) -> Plan:
    """The plan with a hook that limits the sending link, before every case, to a rate that the
    machine reaches easily."""
    bucket = ("rate", FULL, "burst", "256k", "latency", "20ms")
    argv = ("tc", "qdisc", "replace", "dev", LINK, "root", "tbf", *bucket)
    return replace(plan, hooks=(Hook("tool", "init", "client", argv),))


async def measure(
    config: Path, folder: Path, plan: Plan, sender_tools: Path | None = None
) -> Reading:
    """sender_tools: a folder of tools; with it, all tools run on the sending side."""
    run_folder = RunFolder.create(folder / NAME, config, folder.name, plan)
    async with hold_hosts(run_folder, min_free_mib=64, keep_on_hosts=False) as session:
        if sender_tools is not None:
            site = session.site
            pair = site.pair(Layer.HOST)
            pairs = {Layer.HOST: replace(pair, tool_host=pair.client)}
            session.site = replace(site, environment=replace(site.environment, pairs=pairs))
            files = sorted(path for path in sender_tools.rglob("*") if path.is_file())
            client = site.shells[pair.client.name]
            where = f"{pair.client.workdir}/measurement-tools"
            await client.deliver(files, sender_tools, where)
        for slot in session.left():
            outcomes = await session.run(slot)
            bad = [f"{o.key.workload}: {o.gate} {o.reason}" for o in outcomes if o.gate]
            name = session.site.plan.case(slot.case_id, slot.layer).name
            print(f"  iteration {slot.iteration} {name}", *bad, flush=True)
    return native.read_environment(run_folder)


def effects_of(reading: Reading, plan: Plan) -> pl.DataFrame:
    margins = read_margins()
    found = analyze(reading.cells, reading.samples, margins, rules_for(plan))
    return found.effects.filter("primary")


def print_effects(effects: pl.DataFrame) -> None:
    for row in effects.sort("case", "workload").iter_rows(named=True):
        if row["ci_low"] is None:
            print(f"  {row['case']} {row['workload']}: {row['verdict']} {row['reason']}")
        else:
            print(
                f"  {row['case']} {row['workload']}: {row['estimate']:+.1f} "
                f"[{row['ci_low']:+.1f}, {row['ci_high']:+.1f}] {row['unit']} {row['verdict']}"
            )


@asynccontextmanager
async def fresh_lab() -> AsyncIterator[Path]:
    """Starts a lab; yields a folder for results, with the lab's environment below `config`."""
    scratch = Path(tempfile.mkdtemp(prefix="truth-"))
    try:
        await discover_environment(lifecycle.up(NAME).minimal_input, scratch / "config")
        yield scratch
    finally:
        lifecycle.down(NAME)
        shutil.rmtree(scratch)


async def known_cap(settings: Measurement) -> int:
    """Failed checks where the true cost is known."""
    print("known cost: a limited link, and a case that limits it to 3 % less")
    async with fresh_lab() as scratch:
        tools = scratch / "config" / "tools"
        source = Path(lifecycle.__file__).with_name("tools")
        shutil.copytree(source, tools)
        (tools / "control.sh").write_text(CONTROL)
        full, _ = find_config(scratch / "config")
        full.write_text(full.read_text().replace(str(source), str(tools)))
        chosen = Selection(tools=["rx_size_histogram"])
        one = settings.model_copy(update={"workloads": ["throughput_single_tcp"]})
        plan = limited(with_control(make_plan_of(scratch / "config", chosen, one)))
        effects = effects_of(await measure(scratch / "config", scratch / "run", plan, tools), plan)
    print_effects(effects)
    row = effects.filter(case="positive_control").row(0, named=True)
    covered = row["ci_low"] is not None and row["ci_low"] <= CAP_PCT <= row["ci_high"]
    print(f"  The interval of the control {'covers' if covered else 'misses'} its known cost.")
    return int(not covered)


async def unlimited(settings: Measurement) -> int:
    """Failed checks of the placebos and of the per-packet tool."""
    print("tools and placebos on the unlimited link")
    async with fresh_lab() as scratch:
        plan = make_plan_of(scratch / "config", Selection(), settings)
        reading = await measure(scratch / "config", scratch / "run", plan)
    effects = effects_of(reading, plan)
    print_effects(effects)
    placebos = effects.filter(kind="placebo")["verdict"].to_list()
    missed = int(any(verdict.startswith("overhead") for verdict in placebos))
    stacks = effects.filter(tool="rx_packet_stacks").filter(
        pl.col("workload").str.contains("^(throughput|pps)")
    )
    missed += set(stacks["verdict"]) != {"overhead"}
    as_simulated(reading, plan)
    return missed


async def repeated(settings: Measurement) -> int:
    """Number of tools whose ns per event differ between two campaigns."""
    print("the kernel's ns per event, in two campaigns")
    brief = {"workloads": ["latency_tcp_rr"], "window_s": 1, "placebos": 0, "attribution_s": 4}
    both = []
    async with fresh_lab() as scratch:
        for number in (1, 2):
            chosen = settings.model_copy(update={**brief, "seed": number})
            plan = make_plan_of(scratch / "config", Selection(), chosen)
            reading = await measure(scratch / "config", scratch / f"run{number}", plan)
            both.append(reading.bpf_programs.with_columns(campaign=pl.lit(number)))
    return disagreeing(pl.concat(both))


async def main(iterations: int, only: str | None) -> int:
    settings = Measurement(
        iterations=iterations, window_s=3, workloads=["quick"], max_load=64.0, seed=1,
        monitor_interval_s=1, baseline_every=3, affinity="0,1",
    )  # fmt: skip
    parts = {"cap": known_cap, "unlimited": unlimited, "repeated": repeated}
    missed = 0
    for name, part in parts.items():
        if only in (None, name):
            missed += await part(settings)
    print("all checks passed" if not missed else f"{missed} checks failed")
    return 1 if missed else 0


def disagreeing(programs: pl.DataFrame) -> int:
    """How many tools differ in the figure that the report shows for them."""
    levels = kernel_cost(programs, ["tool", "campaign"]).sort("tool", "campaign")
    off = 0
    for (tool,), part in levels.group_by(["tool"], maintain_order=True):
        first, second = part["ns_per_packet"]
        apart = 100 * abs(second / first - 1)
        off += apart > AGREE_PCT
        print(f"  {tool}: {first:.0f} and {second:.0f} ns/packet, {apart:.1f} % apart")
    return off


def as_simulated(reading: Reading, plan: Plan) -> None:
    """The simulator's parameters that reproduce this lab without a tool."""
    nothing = reading.cells.filter(pl.col("kind") != "tool", pl.col("status") == "passed")
    keys = ["environment", "run", "layer", "iteration", "position", "case", "workload", "attempt"]
    for workload, metric in rules_for(plan).primary.items():
        levels = nothing.filter(workload=workload).join(
            reading.samples.filter(metric=metric), on=keys
        )
        series = levels.sort("started").select(
            elapsed_s=(pl.col("started") - pl.col("started").min()).dt.total_microseconds() / 1e6,
            y=pl.col("value").log(),
        )
        host = fitted_host(series["elapsed_s"].to_numpy(), series["y"].to_numpy())
        print(
            f"  {workload}: {len(series)} runs without cost; run SD {host.run_sd:.1%}, "
            f"drift SD {host.drift_sd:.1%} over {host.tau_s:.0f} s, "
            f"outliers {host.outlier_rate:.0%}"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--iterations", type=int, default=4)
    parser.add_argument("--only", choices=("cap", "unlimited", "repeated"))
    options = parser.parse_args()
    raise SystemExit(asyncio.run(main(options.iterations, options.only)))
