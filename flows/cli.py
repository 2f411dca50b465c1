"""The command `ebpf-overhead`. Reads options, starts flows, prints what came out.

Imports only what a command needs when it runs, so that `--help` answers at once.
"""

import asyncio
import os
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console

from tasks.model.errors import OverheadError
from tasks.model.names import as_id
from tasks.model.settings import Switch

from .options import (
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

app = typer.Typer(
    help="What does an eBPF tool cost the traffic and the host it watches, and may it run in "
    "production?",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
lab_app = typer.Typer(help="The local lab: real hosts on this one machine.", no_args_is_help=True)
app.add_typer(lab_app, name="lab")

_WIDTH = None if sys.stdout.isatty() else 160  # a file or a pipe has no width of its own
out, err = Console(highlight=False, width=_WIDTH), Console(stderr=True, highlight=False)
T = TypeVar("T")

INTERRUPTED = 130
SOME_INVALID = 1


def main() -> None:
    """Entry point: every error of ours is one line a mistake, and an exit code."""
    for key, value in _PREFECT.items():
        os.environ.setdefault(key, value)
    try:
        app()
    except OverheadError as error:
        for line in str(error).splitlines():
            err.print(f"[red]error[/]: {line}", soft_wrap=True, markup=True)
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, asyncio.CancelledError):
        err.print("interrupted; the hosts are clean, finished cells are kept")
        sys.exit(INTERRUPTED)


_PREFECT = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
}
"""From a shell our own progress is shown; Prefect's log stays in its server."""


def _run(flow_run: Coroutine[Any, Any, T]) -> T:
    if api := os.environ.get("PREFECT_API_URL"):
        from flows.deploy import check_server

        try:
            check_server(api)
        except OverheadError:
            flow_run.close()
            raise
    return asyncio.run(flow_run)


# -- the lab ---------------------------------------------------------------------------------------

LabName = Annotated[str, typer.Argument(help="The lab's name; labs stand side by side.")]


@lab_app.command("up", epilog="Example: `ebpf-overhead lab up demo`")
def lab_up(
    name: LabName = "lab",
    layers: Annotated[str, typer.Option(help="host, or host,vm.")] = "host",
    switch: Annotated[str, typer.Option(help="What joins the hosts: bridge or ovs.")] = "bridge",
) -> None:
    """Brings a lab up and writes its minimal-input.yaml."""
    from tasks.lab import lab

    state = lab.up(name, layers=words(layers), switch=switch, progress=out.print)
    out.print(f"minimal input: {state.minimal_input}", soft_wrap=True)


@lab_app.command("status", epilog="Example: `ebpf-overhead lab status`")
def lab_status() -> None:
    """Shows the labs of this machine and whether their hosts answer."""
    from tasks.lab import lab

    states = lab.status()
    for state in states:
        for host in state.hosts:
            answers = "answers" if host.answers else "does not answer"
            out.print(f"{state.name}  {host.name}  {host.address}  test {host.test_ip}  {answers}")
    if not states:
        out.print("no lab is up")


@lab_app.command("down", epilog="Example: `ebpf-overhead lab down demo`")
def lab_down(name: LabName = "lab") -> None:
    """Takes a lab down; nothing of it stays."""
    from tasks.lab import lab

    lab.down(name)
    out.print(f"lab {name} is down")


@app.command(epilog="Example: `ebpf-overhead demo`")
def demo(
    layers: Annotated[str, typer.Option(help="host, or host,vm.")] = "host",
    switch: Annotated[Switch, typer.Option(help="What joins the hosts.")] = Switch.BRIDGE,
    results_dir: Annotated[Path, typer.Option(help="Where raw results go.")] = Path("results"),
    datasets: Annotated[str, typer.Option(help="Where the datasets lie.")] = "datasets/parquet",
    output_dir: Annotated[Path, typer.Option(help="Where reports go.")] = Path("reports"),
) -> None:
    """The whole pipeline on a lab of its own: three bpftrace tools between two real SSH hosts."""
    from flows.campaign import new_run
    from flows.demo import QUICK
    from flows.demo import demo as flow
    from flows.progress import heard_by
    from flows.terminal import TerminalProgress, print_finished
    from tasks.model.environment import Layer
    from tasks.model.settings import Selection

    run_id = new_run()
    with TerminalProgress(out, run_id, results_dir) as listener, heard_by(listener):
        finished = _run(
            flow(
                run_id, "demo", [Layer(word) for word in words(layers)], switch,
                Selection(), QUICK, results_dir, datasets, output_dir,
            )
        )  # fmt: skip
    print_finished(out, finished)


# -- from hosts to a plan --------------------------------------------------------------------------


@app.command(epilog="Example: `ebpf-overhead bootstrap --minimal-input minimal-input.yaml`")
def bootstrap(
    minimal_input: Annotated[Path, typer.Option(help="What a person knows of the environment.")],
    output_dir: Annotated[
        Path | None, typer.Option(help="Where both files go; default config/environments/<env>.")
    ] = None,
    record: Annotated[Path | None, typer.Option(help="Keep every probe's answer here.")] = None,
    replay: Annotated[Path | None, typer.Option(help="Answer from a recording.")] = None,
) -> None:
    """Discovers the nodes over SSH and writes <env>-full.yaml and <env>-cases.json."""
    from tasks.bootstrap import discover_environment as discover
    from tasks.bootstrap import facts_table

    found = _run(discover(minimal_input, output_dir, record, replay))
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
    from flows.terminal import cases_table
    from tasks.plan import selected_cases

    chosen = selection(tools, layers, category, protocol, direction, case_ids)
    out.print(cases_table(selected_cases(config_dir, chosen)[1]))


@app.command(
    epilog="Example: `ebpf-overhead plan --config-dir config/environments/lab --iterations 4`"
)
def plan(
    config_dir: ConfigDir,
    output: Annotated[Path | None, typer.Option(help="Write workflow.json here.")] = None,
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
    from flows.terminal import forecast_table, plan_summary
    from tasks.forecast import forecast_plan
    from tasks.plan import make_plan_of, write_workflow

    chosen = selection(tools, layers, category, protocol, direction, case_ids)
    settings = measurement(
        iterations, window, warmup, workloads, seed, placebos, baseline_every, monitor_interval,
        attribution, affinity,
    )  # fmt: skip
    for folder in config_dir:
        made = make_plan_of(folder, chosen, settings)
        path = (output or folder) / "workflow.json"
        write_workflow(made, path)
        out.print(plan_summary(made))
        seen = forecast_plan.fn(made, datasets, hours_s(budget))
        out.print(forecast_table(seen, budget))
        out.print(f"wrote {path}", soft_wrap=True)


# -- measuring -------------------------------------------------------------------------------------


@app.command(
    epilog="Examples: `ebpf-overhead run --config-dir config/environments/lab --iterations 4` · "
    "`ebpf-overhead run --resume 20261122-203000-1f2e`"
)
def run(
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
        bool, typer.Option(help="Measure a case no longer than until it is decided.")
    ] = False,
    max_iterations: Annotated[
        int, typer.Option(min=4, help="With --until-decided: the most iterations.")
    ] = 12,
    budget: Budget = None,
    against: Annotated[
        str | None, typer.Option(help="An older version of the tool named by --tools.")
    ] = None,
    max_load: Annotated[
        float | None, typer.Option(help="A host above this load is busy; default: its CPUs.")
    ] = None,
    min_free: Annotated[int, typer.Option(help="MiB a work directory must have free.")] = 512,
    no_cleanup: Annotated[bool, typer.Option(help="Leave raw results on the hosts too.")] = False,
    workflow: Annotated[Path | None, typer.Option(help="Run a workflow.json as it is.")] = None,
    results_dir: Results = Path("results"),
    datasets: Datasets = "datasets/parquet",
    output_dir: Output = Path("reports"),
    lang: Lang = "zh,en",
    dry_run: Annotated[bool, typer.Option(help="Show the plan and stop.")] = False,
    resume: Annotated[str | None, typer.Option(help="Go on with this run.")] = None,
) -> None:
    """Measures: the campaign end to end, from the plan to the report."""
    from flows.terminal import TerminalProgress, plan_summary, print_finished
    from tasks.model.errors import InputError
    from tasks.plan import make_plan_of

    if not config_dir and not resume:
        raise InputError("run", "--config-dir", "missing", "a folder that bootstrap wrote")
    chosen = selection(f"{tools},{against or ''}", layers, category, protocol, direction, case_ids)
    budget_s = hours_s(budget)
    if until_decided:
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
    from flows.campaign import campaign, new_run
    from flows.comparison import versions
    from flows.progress import heard_by

    if against is not None and len(words(tools)) != 1:
        raise InputError("--against", against, "no version to hold it against", "one --tools")
    if resume and (as_id(resume) != resume or not (results_dir / resume).is_dir()):
        raise InputError("--resume", resume, "no such run", f"a folder below {results_dir}")
    run_id = resume or new_run()
    with TerminalProgress(out, run_id, results_dir) as listener, heard_by(listener):
        finished = _run(
            campaign(
                [str(folder) for folder in config_dir], run_id, chosen, settings,
                languages=spoken_in, results_dir=results_dir, datasets=datasets,
                output=output_dir, workflow=workflow,
            )
        )  # fmt: skip
    print_finished(out, finished)
    if against is not None:
        _print_compared(_run(versions(run_id, words(tools)[0], against, datasets)))
    if finished.ended_early or any(one.passed < one.cells for one in finished.ingested):
        raise typer.Exit(SOME_INVALID)


# -- afterwards ------------------------------------------------------------------------------------


@app.command(epilog="Example: `ebpf-overhead ingest results/20261122-203000-1f2e`")
def ingest(
    results: Annotated[Path, typer.Argument(help="A run, one of its environments, or a tree of "
                                                 "the published framework.")],
    datasets: Datasets = "datasets/parquet",
    environment: Annotated[
        str | None, typer.Option(help="Name for a tree of the published framework.")
    ] = None,
    run_id: Annotated[str | None, typer.Option("--run", help="Its run's name.")] = None,
) -> None:  # fmt: skip
    """Reads a raw results tree into the datasets; reading it again changes nothing."""
    from tasks.ingest import ingest_tree

    for one in ingest_tree.fn(results, datasets, environment, run_id):
        out.print(
            f"{one.environment} · {one.run}: {one.passed} of {one.cells} cells passed, "
            f"{one.files_read} files read, {len(one.files_refused)} refused"
        )
        for refused in one.files_refused:
            out.print(f"  refused {refused}", soft_wrap=True)


@app.command(
    epilog="Examples: `ebpf-overhead analyze --iteration-path results/20261122-203000-1f2e` · "
    "`ebpf-overhead analyze --history`"
)
def analyze(
    iteration_path: Annotated[Path | None, typer.Option(help="A results tree.")] = None,
    history: Annotated[
        bool, typer.Option("--history", help="All nights in the datasets, and what changed.")
    ] = False,
    output_dir: Output = Path("reports"),
    datasets: Datasets = "datasets/parquet",
    lang: Lang = "zh,en",
    margins: Annotated[Path | None, typer.Option(help="Margins; default config/margins.yaml.")] = (
        None
    ),
    environment: Annotated[
        str | None, typer.Option(help="Name for a tree of the published framework.")
    ] = None,
    run_id: Annotated[str | None, typer.Option("--run", help="Its run's name.")] = None,
    enforce: Annotated[
        Path | None, typer.Option(help="A budget file; exit 3 where a cost is proven above it.")
    ] = None,
) -> None:
    """Effects, checks and report from a results tree; the history of all nights."""
    from tasks.model.errors import InputError

    if iteration_path is None and not history:
        raise InputError("analyze", "--iteration-path", "missing", "a results tree, or --history")
    if iteration_path is not None:
        from flows.analysis import analysis
        from flows.terminal import print_reported
        from tasks.model.names import MARGINS_FILE

        limits = margins or MARGINS_FILE
        flow = analysis(
            iteration_path, datasets, output_dir, languages(lang), limits, environment, run_id
        )
        ingested, reported = _run(flow)
        print_reported(out, ingested, reported)
    if history:
        from tasks.history import history_of

        for path in history_of.fn(datasets, output_dir, languages(lang)).files:
            out.print(f"history: {path}", soft_wrap=True)
    if enforce is not None and iteration_path is not None:
        from tasks.enforce import enforce_budget

        enforce_budget.fn(datasets, [one.key for one in ingested], enforce)
        out.print(f"every cost is within {enforce}, or not proven above it")


@app.command(epilog="Example: `ebpf-overhead compare 20261121-230000-9ab0 20261122-230000-1f2e`")
def compare(
    a: Annotated[str, typer.Argument(help="The earlier run: in the datasets, or a results tree.")],
    b: Annotated[str, typer.Argument(help="The later run.")],
    datasets: Datasets = "datasets/parquet",
    margins: Annotated[Path | None, typer.Option(help="Margins; default config/margins.yaml.")] = (
        None
    ),
) -> None:
    """What the tools cost in run B and not in run A; exit 3 where that is above the margin."""
    from flows.comparison import comparison
    from tasks.model.names import MARGINS_FILE

    _print_compared(_run(comparison(a, b, datasets, margins or MARGINS_FILE)))


def _print_compared(compared: Any) -> None:
    from flows.terminal import compared_table
    from tasks.model.errors import BudgetBroken

    out.print(compared_table(compared))
    if compared.worse:
        raise BudgetBroken("\n".join(compared.worse))


@app.command(
    epilog="Example: `ebpf-overhead check --reference --format json`",
)
def check(
    reference: Annotated[
        bool, typer.Option("--reference", help="The published figures of datasets/reference.")
    ] = False,
    run_id: Annotated[str | None, typer.Option("--run", help="A run in the datasets.")] = None,
    datasets: Datasets = "datasets/parquet",
    form: Annotated[str, typer.Option("--format", help="table or json.")] = "table",
) -> None:
    """The data-quality findings: of the published figures, or of a run."""
    from flows.terminal import findings_table
    from tasks.check import findings_of, reference_findings
    from tasks.model.errors import InputError

    if form not in ("table", "json"):
        raise InputError("--format", form, "unknown format", "table or json")
    if reference == (run_id is not None):
        raise InputError("check", "--reference", "what to check is not clear",
                         "either --reference or --run")  # fmt: skip
    found = reference_findings() if run_id is None else findings_of(datasets, run_id)
    if form == "json":
        sys.stdout.write(found.write_json() + "\n")
    else:
        out.print(findings_table(found))


# -- from Prefect ----------------------------------------------------------------------------------


@app.command(epilog="Examples: `ebpf-overhead ui` · `ebpf-overhead ui --stop`")
def ui(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Of the server.")] = 4200,
    output_dir: Output = Path("reports"),
    stop: Annotated[bool, typer.Option("--stop", help="End what was started.")] = False,
) -> None:
    """Prefect's server, a worker and the deployments on this machine; prints the address."""
    from flows import serve

    folder = serve.state_directory()
    if stop:
        serve.stop(folder, out.print)
        return
    out.print(f"open {serve.start(folder, port, output_dir, out.print)}", soft_wrap=True)
    out.print(f"logs: {folder}; end it with: ebpf-overhead ui --stop", soft_wrap=True)


@app.command(epilog="Example: `PREFECT_API_URL=http://server:4200/api ebpf-overhead deploy`")
def deploy(
    site: Annotated[
        str | None, typer.Option(help="One of several sites of a server: its pool's name.")
    ] = None,
) -> None:
    """Registers the flows of deployments/prefect.yaml at a Prefect server."""
    from flows import serve
    from flows.deploy import deploy as register
    from tasks.model.errors import InputError

    api = os.environ.get("PREFECT_API_URL") or serve.address(serve.state_directory())
    if api is None:
        raise InputError("PREFECT_API_URL", "", "not set, and no `ebpf-overhead ui` runs here",
                         "the address of a Prefect server")  # fmt: skip
    for name in register(api, site):
        out.print(f"deployment {name}")


if __name__ == "__main__":
    main()
