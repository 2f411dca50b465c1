"""What was measured: `ingest`, `analyze`, `compare`, `check`."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from tasks.model.errors import InputError

from ..console import out, run_flow
from ..options import (
    LANGUAGES,
    Datasets,
    Lang,
    Margins,
    Output,
    TreeEnvironment,
    TreeRun,
    one_or_more_of,
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
    enforce: Annotated[
        Path | None, typer.Option(help="A budget file; exit 3 if a cost is proven to exceed it.")
    ] = None,
) -> None:
    """Computes effects, checks and report of a results tree, or the history of all nights."""
    if iteration_path is None and not history:
        raise InputError("--iteration-path", "", "missing", "a results tree, or --history")
    if enforce is not None and iteration_path is None:
        raise InputError("--enforce", str(enforce), "no run to hold against it", "--iteration-path")
    if iteration_path is not None and not iteration_path.is_dir():
        raise InputError("--iteration-path", str(iteration_path), "no such folder",
                         "a results tree")  # fmt: skip
    languages = one_or_more_of(LANGUAGES, "--lang", lang)
    if iteration_path is not None:
        from ...analysis import analysis
        from ..tables import print_reported

        ingested, reported = run_flow(
            analysis(iteration_path, datasets, output_dir, languages, margins, environment, run_id)
        )
        print_reported(out, ingested, reported)
    if history:
        from tasks.history import history_of

        for path in history_of(datasets, output_dir, languages).files:
            out.print(f"history: {path}", soft_wrap=True)
    if enforce is not None and iteration_path is not None:
        from tasks.enforce import enforce_budget

        enforce_budget(datasets, [one.key for one in ingested], enforce)
        out.print(f"every cost is within {enforce}, or not proven above it")


@app.command(epilog="Example: `ebpf-overhead compare 20261121-230000-9ab0 20261122-230000-1f2e`")
def compare(
    a: Annotated[str, typer.Argument(help="The earlier run: in the datasets, or a results tree.")],
    b: Annotated[str, typer.Argument(help="The later run.")],
    datasets: Datasets = "datasets/parquet",
    margins: Margins = None,
) -> None:
    """Compares what the tools cost in two runs; exit 3 if B costs more by more than the margin."""
    from tasks.compare import runs_of

    from ...comparison import comparison
    from ..tables import print_compared

    for one in (a, b):
        if not Path(one).is_dir():
            runs_of(datasets, one)  # raises InputError before a flow begins
    print_compared(out, run_flow(comparison(a, b, datasets, margins)))


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
    form: Annotated[
        Literal["table", "json"], typer.Option("--format", help="Output format.")
    ] = "table",
) -> None:
    """Shows the data-quality findings of a run, or of the published figures."""
    from tasks.check import findings_of, reference_findings

    from ..tables import findings_table

    if reference == (run_id is not None):
        problem = "what to check is not clear"
        raise InputError("--reference", "", problem, "either --reference or --run")
    found = reference_findings() if run_id is None else findings_of(datasets, run_id)
    if form == "json":
        sys.stdout.write(found.write_json() + "\n")
    else:
        out.print(findings_table(found))
