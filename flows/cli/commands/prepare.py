"""From hosts to a plan: `bootstrap`, `cases`, `plan`."""

from pathlib import Path
from typing import Annotated

import typer

from ..console import out, run_flow
from ..options import (
    Affinity,
    Attribution,
    Budget,
    CaseIds,
    Category,
    ConfigDir,
    Datasets,
    Direction,
    Every,
    Iterations,
    Layers,
    Monitor,
    Placebos,
    Protocol,
    Seed,
    Tools,
    Warmup,
    Window,
    Workloads,
    hours_s,
    measurement,
    selection,
)

app = typer.Typer()


@app.command(epilog="Example: `ebpf-overhead bootstrap --minimal-input minimal-input.yaml`")
def bootstrap(
    minimal_input: Annotated[Path, typer.Option(help="What a person knows of the environment.")],
    output_dir: Annotated[
        Path | None, typer.Option(help="Where both files go; default config/environments/<env>.")
    ] = None,
    record: Annotated[Path | None, typer.Option(help="Keep every probe's answer here.")] = None,
    replay: Annotated[Path | None, typer.Option(help="Answer from a recording.")] = None,
) -> None:
    """Discovers the nodes over SSH and writes its full.yaml and cases.json."""
    from tasks.bootstrap import discover_environment as discover
    from tasks.bootstrap import facts_table

    found = run_flow(discover(minimal_input, output_dir, record, replay))
    out.print(facts_table(found.facts))
    skipped = f", {found.skipped} of them skipped with a reason" if found.skipped else ""
    out.print(f"{found.case_count} cases{skipped}")
    for path in (found.full, found.cases):
        out.print(f"wrote {path}", soft_wrap=True)


@app.command(epilog="Example: `ebpf-overhead cases --config-dir config/environments/lab`")
def cases(
    config_dir: Annotated[Path, typer.Option(help="A folder that bootstrap wrote.")],
    tools: Tools = "",
    layers: Layers = "",
    category: Category = None,
    protocol: Protocol = None,
    direction: Direction = None,
    case_ids: CaseIds = "",
) -> None:
    """Shows an environment's cases."""
    from tasks.make_plan import selected_cases

    from ..tables import cases_table

    chosen = selection(tools, layers, category, protocol, direction, case_ids)
    out.print(cases_table(selected_cases(config_dir, chosen)[1]))


@app.command(
    epilog="Example: `ebpf-overhead plan --config-dir config/environments/lab --iterations 4`"
)
def plan(
    config_dir: ConfigDir,
    output: Annotated[
        Path | None, typer.Option(help="Folder for workflow.json; default: the config folder.")
    ] = None,
    budget: Budget = None,
    datasets: Datasets = "datasets/parquet",
    tools: Tools = "",
    layers: Layers = "",
    category: Category = None,
    protocol: Protocol = None,
    direction: Direction = None,
    case_ids: CaseIds = "",
    iterations: Iterations = 4,
    window: Window = 10,
    warmup: Warmup = 1,
    workloads: Workloads = "full",
    seed: Seed = None,
    placebos: Placebos = 2,
    baseline_every: Every = 4,
    monitor_interval: Monitor = 2,
    attribution: Attribution = 2,
    affinity: Affinity = None,
) -> None:
    """Shows what would be measured, in which order and for how long; writes workflow.json."""
    from tasks.forecast import forecast_plan
    from tasks.make_plan import make_plan_of, write_plan

    from ..tables import forecast_table, plan_summary

    chosen = selection(tools, layers, category, protocol, direction, case_ids)
    settings = measurement(
        iterations, window, warmup, workloads, seed, placebos, baseline_every, monitor_interval,
        attribution, affinity,
    )  # fmt: skip
    for folder in config_dir:
        made = make_plan_of(folder, chosen, settings)
        several = output is not None and len(config_dir) > 1
        where = output / made.environment if output and several else output or folder
        path = where / "workflow.json"
        write_plan(path, made)
        out.print(plan_summary(made))
        seen = forecast_plan(made, datasets, hours_s(budget))
        out.print(forecast_table(seen, budget))
        out.print(f"wrote {path}", soft_wrap=True)
