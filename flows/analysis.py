"""The flow `analysis`: raw results trees → datasets → effects → checks → report."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from prefect import flow
from prefect.artifacts import acreate_markdown_artifact

from tasks.analyze import analyze_runs
from tasks.check import check_runs
from tasks.ingest import Ingested, ingest_tree
from tasks.model.names import MARGINS_FILE
from tasks.report import Reported, report_runs


@flow(name="ingest", flow_run_name="ingest · {results}", validate_parameters=False)
async def ingest(
    results: Path, datasets: str, environment: str | None = None, run: str | None = None
) -> list[Ingested]:
    """A results tree to the datasets, nothing more."""
    return ingest_tree(results, datasets, environment, run)


@flow(name="analysis", flow_run_name="analysis · {output}", validate_parameters=False)
async def analysis(
    results: Path,
    datasets: str,
    output: Path,
    languages: Sequence[Literal["zh", "en"]] = ("zh", "en"),
    margins: Path = MARGINS_FILE,
    environment: str | None = None,
    run: str | None = None,
) -> tuple[list[Ingested], Reported]:
    """Everything from a results tree to its report. The same tree gives the same datasets."""
    ingested = ingest_tree(results, datasets, environment, run)
    keys = [one.key for one in ingested]
    analyze_runs(datasets, keys, margins)
    findings = check_runs(datasets, keys, output / "data-docs")
    reported = report_runs(datasets, keys, output, languages, margins)
    report = next(path for path in reported.files if path.suffix == ".html")
    told = ", ".join(f"{count} {severity}" for severity, count in findings.items()) or "none"
    await acreate_markdown_artifact(
        key="verdicts",
        markdown=f"{reported.markdown}\n\nFindings: {told}. Report: `{report}`\n",
        description=", ".join(f"{environment} · {run}" for environment, run in keys),
    )
    return ingested, reported
