"""`run` the campaign, and `demo`, the same on a lab of its own."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from tasks.model.clock_kind import Clock
from tasks.model.errors import InputError
from tasks.model.names import as_id
from tasks.model.settings import Measurement, Selection, Switch

from ..console import SOME_INVALID, out
from ..flow_runs import run_flow
from ..options import (
    Budget,
    ConfigDir,
    Datasets,
    Enforce,
    Export,
    Form,
    LabSwitch,
    Lang,
    Output,
    Results,
    Strict,
    budget_hours,
    languages_of,
    one_or_more_of,
)
from ..settings_options import settings_options

app = typer.Typer()


@app.command(
    epilog="Examples: `ebpf-overhead run --config-dir config/environments/lab --iterations 4` · "
    "`ebpf-overhead run --resume 20261122-203000-1f2e`"
)
@settings_options()
def run(
    *,
    context: typer.Context,
    config_dir: ConfigDir = [],  # noqa: B006
    selection: Selection,
    measurement: Measurement,
    until_decided: Annotated[
        bool,
        typer.Option(
            "--until-decided", help="Stop measuring each workload of a case once it is decided."
        ),
    ] = False,
    max_iterations: Annotated[
        int, typer.Option(min=3, max=100, help="With --until-decided: the most iterations.")
    ] = 12,
    budget: Budget = None,
    against: Annotated[
        str | None,
        typer.Option(help="Older version of the tool that --tools names, to measure beside it."),
    ] = None,
    workflow: Annotated[
        Path | None, typer.Option(help="A workflow.json that plan wrote, to run as it stands.")
    ] = None,
    results_dir: Results = Path("results"),
    datasets: Datasets = "datasets/parquet",
    output_dir: Output = Path("reports"),
    lang: Lang = "zh,en",
    enforce: Enforce = None,
    strict: Strict = False,
    export: Export = [],  # noqa: B006
    form: Form = "table",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and stop.")] = False,
    resume: Annotated[
        str | None, typer.Option(help="Run to resume; only what it has left is measured.")
    ] = None,
) -> None:
    """Runs a campaign end to end: plan, measure, analyse, report."""
    from ...environment_plans import mismatches, plans_of
    from ..result_output import ResultOutput
    from ..tables import plan_summary, print_compared, print_finished
    from ..terminal_progress import terminal_progress

    if against is not None:
        if len(selection.tools) != 1:
            raise InputError("--against", against, "no tool to compare it with", "one --tools")
        selection = selection.model_copy(update={"tools": [*selection.tools, against]})
    ending: dict[str, Any] = {"budget_h": budget_hours(budget)}
    if until_decided:
        _refuse_iterations(context)
        ending |= {"until_decided": True, "iterations": max_iterations}
    measurement = measurement.model_copy(update=ending)
    languages = languages_of(lang)
    result_output = ResultOutput(form, export, enforce, strict)
    if resume:
        _check_resumable(resume, results_dir, dry_run)
    elif not config_dir:
        raise InputError("--config-dir", "", "missing", "a folder that bootstrap wrote")
    else:
        chosen_from = datasets if dry_run else None
        plans = plans_of(config_dir, selection, measurement, workflow, datasets=chosen_from)
        if dry_run:
            for text in mismatches(config_dir):
                out.print(f"[yellow]{escape(text)}[/]", soft_wrap=True)
            for planned in plans:
                out.print(plan_summary(planned))
            return
    from ...campaign import campaign, new_run
    from ...comparison import versions

    run_id = resume or new_run()
    with terminal_progress(out, run_id, results_dir):
        finished = run_flow(
            campaign(
                [str(folder) for folder in config_dir], run_id, selection, measurement,
                languages=languages, results_dir=results_dir, datasets=datasets,
                output=output_dir, workflow=workflow,
            )
        )  # fmt: skip
    print_finished(out, finished)
    if finished.reported is not None:
        result_output.give(datasets, finished.ingested, finished.reported)
    if against is not None:
        print_compared(out, versions(run_id, selection.tools[0], against, datasets))
    if finished.ended_early or any(one.passed < one.cells for one in finished.ingested):
        raise typer.Exit(SOME_INVALID)


def _refuse_iterations(context: typer.Context) -> None:
    source = context.get_parameter_source("iterations")
    if source is not None and source.name != "DEFAULT":
        problem = "with --until-decided the results decide how many"
        raise InputError("--iterations", "", problem, "--max-iterations")


def _check_resumable(run_id: str, results_dir: Path, dry_run: bool) -> None:
    folder = results_dir / run_id
    if as_id(run_id) != run_id or not folder.is_dir():
        raise InputError("--resume", run_id, "no such run", f"a folder below {results_dir}")
    if dry_run:
        raise InputError("--dry-run", run_id, "a run that is resumed has its plan already",
                         f"{folder}/<environment>/workflow.json")  # fmt: skip


@app.command(epilog="Examples: `ebpf-overhead demo` · `ebpf-overhead demo --clock instructions`")
def demo(
    layers: Annotated[
        str,
        typer.Option(help="host, or host,vm: also a VM on each host, which adds minutes."),
    ] = "host",
    switch: LabSwitch = Switch.BRIDGE,
    clock: Annotated[
        Clock,
        typer.Option(
            help="instructions: in an emulated machine whose time is the number of instructions "
            "that it executes; no other load disturbs it. It takes 10 to 20 minutes."
        ),
    ] = Clock.WALL,
    results_dir: Results = Path("results"),
    datasets: Datasets = "datasets/parquet",
    output_dir: Output = Path("reports"),
) -> None:
    """Runs the pipeline on a lab of its own: four bpftrace tools between two real SSH hosts."""
    from tasks.model.environment import Layer

    from ...campaign import new_run
    from ...lab_demo import COUNTED, QUICK
    from ...lab_demo import demo as flow
    from ..tables import print_finished
    from ..terminal_progress import terminal_progress

    chosen = [Layer(layer) for layer in one_or_more_of(list(Layer), "--layers", layers)]
    run_id = new_run()
    with terminal_progress(out, run_id, results_dir):
        finished = run_flow(
            flow(
                run_id, "demo", chosen, switch, clock,
                Selection(), COUNTED if clock is Clock.INSTRUCTIONS else QUICK,
                results_dir, datasets, output_dir,
            )
        )  # fmt: skip
    print_finished(out, finished)
    if finished.ended_early or finished.reported is None:
        raise typer.Exit(SOME_INVALID)
