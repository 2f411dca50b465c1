"""From hosts to a plan: `init`, `bootstrap`, `cases`, `plan`."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from tasks.model.errors import InputError
from tasks.model.settings import Measurement, Selection

from ..console import out, use_standard_error
from ..options import CONFIG_DIR, Budget, ConfigDir, Datasets, Form, budget_hours
from ..settings_options import settings_options

app = typer.Typer()


@app.command(epilog="Example: `ebpf-overhead init ~/bench`")
def init(
    folder: Annotated[Path, typer.Argument(help="The project folder; made if missing.")] = Path(),
) -> None:
    """Makes a project folder: an example of minimal-input.yaml, two notebooks, a .gitignore."""
    from ..project import make_project

    for path, is_new in make_project(folder).items():
        out.print(f"{'wrote' if is_new else 'kept'} {path}", soft_wrap=True)
    where = "" if folder == Path() else f"cd {folder}; "
    out.print(
        f"next: {where}enter your hosts in minimal-input.yaml, then "
        "ebpf-overhead bootstrap --minimal-input minimal-input.yaml",
        soft_wrap=True,
    )


@app.command(epilog="Example: `ebpf-overhead bootstrap --minimal-input minimal-input.yaml`")
def bootstrap(
    minimal_input: Annotated[Path, typer.Option(help="The file that describes the environment.")],
    output_dir: Annotated[
        Path | None, typer.Option(help="Where both files go; default: config/environments/ENV.")
    ] = None,
    record: Annotated[
        Path | None, typer.Option(help="Record every probe's answer in this folder.")
    ] = None,
    replay: Annotated[
        Path | None, typer.Option(help="Take the answers from such a recording; no SSH.")
    ] = None,
) -> None:
    """Discovers the nodes over SSH; writes ENV-full.yaml and ENV-cases.json."""
    from tasks.bootstrap import discover_environment as discover
    from tasks.bootstrap import facts_table

    found = asyncio.run(discover(minimal_input, output_dir, record, replay))
    out.print(facts_table(found.facts))
    skipped = f", {found.skipped} of them skipped with a reason" if found.skipped else ""
    out.print(f"{found.case_count} cases{skipped}")
    for path in (found.full, found.cases):
        out.print(f"wrote {path}", soft_wrap=True)


@app.command(
    epilog="Examples: `ebpf-overhead cases --config-dir config/environments/lab` · "
    "`ebpf-overhead cases --config config/environments/lab/lab-full.yaml`"
)
@settings_options()
def cases(
    *,
    config_dir: Annotated[Path | None, typer.Option(help=CONFIG_DIR)] = None,
    config: Annotated[
        Path | None,
        typer.Option(help="A full.yaml that you corrected: writes its cases.json, without SSH."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="With --config: the file; default: beside the full.yaml.")
    ] = None,
    form: Form = "table",
    selection: Selection,
) -> None:
    """Shows an environment's cases, or writes them again from its full.yaml."""
    from tasks.make_plan import regenerate_cases, selected_cases

    from ...environment_plans import folders_of
    from ..documents import cases_json, print_document
    from ..tables import cases_table

    if (config_dir is None) == (config is None):
        raise InputError("--config-dir", "", "what to read is not clear", "it, or --config")
    if config is not None:
        path, written = regenerate_cases(config, output)
        out.print(f"wrote {path}: {len(written)} cases", soft_wrap=True)
        return
    assert config_dir is not None
    (folder,) = folders_of([config_dir])
    _, chosen = selected_cases(folder, selection)
    if form == "json":
        print_document(cases_json(chosen))
    else:
        out.print(cases_table(chosen))


@app.command(
    epilog="Example: `ebpf-overhead plan --config-dir config/environments/lab --iterations 4`"
)
@settings_options(without=["min_free_mib", "keep_on_hosts"])
def plan(
    *,
    config_dir: ConfigDir,
    output: Annotated[
        Path | None, typer.Option(help="Folder for workflow.json; default: the config folder.")
    ] = None,
    budget: Budget = None,
    datasets: Datasets = "datasets/parquet",
    form: Form = "table",
    selection: Selection,
    measurement: Measurement,
) -> None:
    """Shows what would be measured, in which order and for how long; writes workflow.json."""
    from tasks.attach_check import attaching_of
    from tasks.forecast import forecast_plan
    from tasks.make_plan import write_plan

    from ...environment_plans import mismatches, plans_of
    from ..documents import Plans, plan_json, print_document
    from ..tables import attaching_table, forecast_table, plan_summary

    if form == "json":
        use_standard_error()
    documents, attaching = [], []
    hours = budget_hours(budget)
    for text in mismatches(config_dir):
        out.print(f"[yellow]{escape(text)}[/]", soft_wrap=True)
    for planned in plans_of(config_dir, selection, measurement, datasets=datasets):
        made, several = planned.plan, output is not None and len(config_dir) > 1
        where = output / made.environment if output and several else output or planned.folder
        path = where / "workflow.json"
        write_plan(path, made)
        out.print(plan_summary(planned))
        forecast = forecast_plan(made, datasets, hours and hours * 3600)
        out.print(forecast_table(forecast, budget))
        out.print(f"wrote {path}", soft_wrap=True)
        documents.append(plan_json(made, forecast, planned.reasons))
        attaching.append(attaching_of(planned.folder, made))
    if table := attaching_table(attaching):
        out.print(table)
    if form == "json":
        print_document(Plans(plans=documents))
