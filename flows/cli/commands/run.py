"""`run` the campaign, and `demo`, the same on a lab of its own."""

from pathlib import Path
from typing import Annotated

import typer

from tasks.model.errors import InputError
from tasks.model.names import as_id
from tasks.model.settings import Switch

from ..console import SOME_INVALID, out, run_flow
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
    Lang,
    Layers,
    Monitor,
    Output,
    Placebos,
    Protocol,
    Results,
    Seed,
    Tools,
    Warmup,
    Window,
    Workloads,
    hours_s,
    languages,
    measurement,
    selection,
    words,
)

app = typer.Typer()


@app.command(
    epilog="Examples: `ebpf-overhead run --config-dir config/environments/lab --iterations 4` · "
    "`ebpf-overhead run --resume 20261122-203000-1f2e`"
)
def run(
    context: typer.Context,
    config_dir: ConfigDir = [],  # noqa: B006
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
    until_decided: Annotated[
        bool,
        typer.Option("--until-decided", help="Measure a case no longer than until it is decided."),
    ] = False,
    max_iterations: Annotated[
        int, typer.Option(min=3, help="With --until-decided: the most iterations.")
    ] = 12,
    budget: Budget = None,
    against: Annotated[
        str | None, typer.Option(help="An older version of the tool named by --tools.")
    ] = None,
    max_load: Annotated[
        float | None, typer.Option(help="A host above this load is busy; default: its CPUs.")
    ] = None,
    min_free: Annotated[int, typer.Option(help="MiB a work directory must have free.")] = 512,
    no_cleanup: Annotated[
        bool, typer.Option("--no-cleanup", help="Leave raw results on the hosts too.")
    ] = False,
    workflow: Annotated[Path | None, typer.Option(help="Run a workflow.json as it is.")] = None,
    results_dir: Results = Path("results"),
    datasets: Datasets = "datasets/parquet",
    output_dir: Output = Path("reports"),
    lang: Lang = "zh,en",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and stop.")] = False,
    resume: Annotated[str | None, typer.Option(help="Go on with this run.")] = None,
) -> None:
    """Measures: the campaign end to end, from the plan to the report."""
    from tasks.make_plan import make_plan_of

    from ..tables import TerminalProgress, plan_summary, print_compared, print_finished

    if not config_dir and not resume:
        raise InputError("run", "--config-dir", "missing", "a folder that bootstrap wrote")
    if against is not None and len(words(tools)) != 1:
        raise InputError("--against", against, "no version to hold it against", "one --tools")
    if resume and (as_id(resume) != resume or not (results_dir / resume).is_dir()):
        raise InputError("--resume", resume, "no such run", f"a folder below {results_dir}")
    if resume and dry_run:
        raise InputError("--dry-run", resume, "a run that is gone on with has its plan already",
                         f"{results_dir / resume}/<environment>/workflow.json")  # fmt: skip
    chosen = selection(f"{tools},{against or ''}", layers, category, protocol, direction, case_ids)
    budget_s = hours_s(budget)
    if until_decided:
        given = context.get_parameter_source("iterations")
        if given is not None and given.name != "DEFAULT":
            raise InputError("--iterations", str(iterations), "with --until-decided the numbers "
                             "decide how many", "--max-iterations for the most")  # fmt: skip
        iterations = max_iterations
    settings = measurement(
        iterations, window, warmup, workloads, seed, placebos, baseline_every, monitor_interval,
        attribution, affinity, max_load=max_load, min_free_mib=min_free, keep_on_hosts=no_cleanup,
        until_decided=until_decided, budget_h=budget_s / 3600 if budget_s else None,
    )  # fmt: skip
    spoken_in = languages(lang)
    if dry_run:
        for folder in config_dir:
            out.print(plan_summary(make_plan_of(folder, chosen, settings, workflow)))
        return
    from ...campaign import campaign, new_run
    from ...comparison import versions
    from ...progress import heard_by

    run_id = resume or new_run()
    with TerminalProgress(out, run_id, results_dir) as listener, heard_by(listener):
        finished = run_flow(
            campaign(
                [str(folder) for folder in config_dir], run_id, chosen, settings,
                languages=spoken_in, results_dir=results_dir, datasets=datasets,
                output=output_dir, workflow=workflow,
            )
        )  # fmt: skip
    print_finished(out, finished)
    if against is not None:
        print_compared(out, run_flow(versions(run_id, words(tools)[0], against, datasets)))
    if finished.ended_early or any(one.passed < one.cells for one in finished.ingested):
        raise typer.Exit(SOME_INVALID)


@app.command(epilog="Example: `ebpf-overhead demo`")
def demo(
    layers: Annotated[
        str, typer.Option(help="host, or host,vm; default: vm too where this machine can.")
    ] = "",
    switch: Annotated[Switch, typer.Option(help="What joins the hosts.")] = Switch.BRIDGE,
    results_dir: Annotated[Path, typer.Option(help="Where raw results go.")] = Path("results"),
    datasets: Datasets = "datasets/parquet",
    output_dir: Annotated[Path, typer.Option(help="Where reports go.")] = Path("reports"),
) -> None:
    """The whole pipeline on a lab of its own: three bpftrace tools between two real SSH hosts."""
    from tasks.model.environment import Layer
    from tasks.model.settings import Selection

    from ...campaign import new_run
    from ...lab_demo import QUICK
    from ...lab_demo import demo as flow
    from ...progress import heard_by
    from ..tables import TerminalProgress, print_finished

    run_id = new_run()
    with TerminalProgress(out, run_id, results_dir) as listener, heard_by(listener):
        finished = run_flow(
            flow(
                run_id, "demo", [Layer(word) for word in words(layers)], switch,
                Selection(), QUICK, results_dir, datasets, output_dir,
            )
        )  # fmt: skip
    print_finished(out, finished)
    if finished.ended_early or finished.reported is None:
        raise typer.Exit(SOME_INVALID)
