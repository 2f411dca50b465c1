"""What was measured: `ingest`, `analyze`, `compare`, `check`, `predict`."""

import os
from pathlib import Path
from typing import Annotated

import typer

from tasks.model.errors import InputError

from ..console import out, use_standard_error
from ..flow_runs import run_flow
from ..options import (
    Datasets,
    Enforce,
    Export,
    Form,
    Lang,
    Margins,
    Output,
    Strict,
    TreeEnvironment,
    TreeRun,
    languages_of,
)

app = typer.Typer()


@app.command(epilog="Example: `ebpf-overhead ingest results/20261122-203000-1f2e`")
def ingest(
    results: Annotated[Path, typer.Argument(help="A run, one of its environments, or a tree of "
                                                 "the published framework.")],
    datasets: Datasets = "datasets/parquet",
    environment: TreeEnvironment = None,
    run_id: TreeRun = None,
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
        bool,
        typer.Option("--history", help="Report on all nights in the datasets and on what changed."),
    ] = False,
    output_dir: Output = Path("reports"),
    datasets: Datasets = "datasets/parquet",
    lang: Lang = "zh,en",
    margins: Margins = None,
    environment: TreeEnvironment = None,
    run_id: TreeRun = None,
    enforce: Enforce = None,
    strict: Strict = False,
    export: Export = [],  # noqa: B006
    form: Form = "table",
) -> None:
    """Computes effects, checks and report of a results tree, or the history of all nights."""
    if iteration_path is None and not history:
        raise InputError("--iteration-path", "", "missing", "a results tree, or --history")
    if enforce is not None and iteration_path is None:
        raise InputError("--enforce", str(enforce), "no run to hold against it", "--iteration-path")
    if iteration_path is not None and not iteration_path.is_dir():
        raise InputError("--iteration-path", str(iteration_path), "no such folder",
                         "a results tree")  # fmt: skip
    languages = languages_of(lang)
    from ..documents import history_json, print_document
    from ..result_output import ResultOutput

    output = ResultOutput(form, export, enforce, strict)
    if history:
        from tasks.history import history_of

        past = history_of(datasets, output_dir, languages)
        for path in past.files:
            out.print(f"history: {path}", soft_wrap=True)
        if form == "json" and iteration_path is None:
            print_document(history_json(past))
    if iteration_path is not None:
        from ...analysis import analyse, analysis
        from ..tables import print_reported

        folder = output_dir / iteration_path.resolve().name
        given = (iteration_path, datasets, folder, languages, margins, environment, run_id)
        recorded = bool(os.environ.get("PREFECT_API_URL"))
        ingested, reported = run_flow(analysis(*given)) if recorded else analyse(*given)
        print_reported(out, ingested, reported)
        output.give(datasets, ingested, reported, margins)


@app.command(epilog="Example: `ebpf-overhead compare 20261121-230000-9ab0 20261122-230000-1f2e`")
def compare(
    a: Annotated[str, typer.Argument(help="The earlier run: in the datasets, or a results tree.")],
    b: Annotated[str, typer.Argument(help="The later run.")],
    datasets: Datasets = "datasets/parquet",
    margins: Margins = None,
    export: Annotated[
        list[Path],
        typer.Option(help="Also write the differences: F.xml (JUnit), F.md, F.json. Repeatable."),
    ] = [],  # noqa: B006
    form: Form = "table",
) -> None:
    """Compares what the tools cost in two runs; exit 3 if B costs more, beyond the margin."""
    from tasks.export import COMPARISON_FORMATS, check_exports, export_compared

    from ...comparison import comparison
    from ..documents import comparison_json, print_document
    from ..tables import print_compared

    check_exports(export, COMPARISON_FORMATS)
    if form == "json":
        use_standard_error()

    compared = comparison(a, b, datasets, margins)
    export_compared(compared.table, compared.clock, export)
    if form == "json":
        print_document(comparison_json(compared))
    print_compared(out, compared)


@app.command(
    epilog="Example: `ebpf-overhead check --reference --format json`",
)
def check(
    reference: Annotated[
        bool, typer.Option("--reference", help="Check the published figures of datasets/reference.")
    ] = False,
    run_id: Annotated[
        str | None, typer.Option("--run", help="Check this run of the datasets.")
    ] = None,
    datasets: Datasets = "datasets/parquet",
    form: Form = "table",
) -> None:
    """Shows the data-quality findings of a run, or of the published figures."""
    from tasks.check import findings_of, reference_findings

    from ..documents import findings_json, print_document
    from ..tables import findings_text

    if reference == (run_id is not None):
        problem = "what to check is not clear"
        raise InputError("--reference", "", problem, "either --reference or --run")
    found = reference_findings() if run_id is None else findings_of(datasets, run_id)
    if form == "json":
        print_document(findings_json(found))
    else:
        out.print(findings_text(found))


@app.command(
    epilog="Example: `ebpf-overhead predict --tool rx_size_histogram --pps 140000`",
)
def predict(
    tool: Annotated[str, typer.Option(help="The tool, as reports name it.")],
    pps: Annotated[float, typer.Option(min=1, help="Packets per second that it would see.")],
    environment: Annotated[
        str | None, typer.Option(help="Only in this environment; default: all.")
    ] = None,
    datasets: Datasets = "datasets/parquet",
    form: Form = "table",
) -> None:
    """Says what a tool costs at a packet rate that nobody ran, with an interval."""
    from tasks.predict import predict_tool

    from ..documents import predictions_json, print_document
    from ..tables import predictions_table

    found = predict_tool(datasets, tool, pps, environment)
    if form == "json":
        print_document(predictions_json(pps, found))
    else:
        out.print(predictions_table(found))
