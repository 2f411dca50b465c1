"""The flow `analysis`: raw results trees → datasets → effects → checks → report."""

import os
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from prefect import flow
from prefect.artifacts import acreate_markdown_artifact
from prefect.runtime import flow_run

from tasks.analyze import analyze_runs
from tasks.check import check_runs
from tasks.ingest import Ingested, held, ingest_tree
from tasks.model.errors import InputError
from tasks.model.fields import Address
from tasks.model.names import RunKey
from tasks.report import CampaignReport, report_runs

from .budget import check_budget
from .form import Language

REPORTS_URL, REPORTS_ROOT = "EBPF_OVERHEAD_REPORTS_URL", "EBPF_OVERHEAD_REPORTS_ROOT"
"""A worker's environment variables: where reports are served, and from which folder."""


def _named() -> str:
    return f"analysis · {Path(flow_run.parameters['output']).name}"


@flow(name="analysis", flow_run_name=_named)
async def analysis(
    results: Path | None = None,
    datasets: Address = "datasets/parquet",
    output: Path = Path("reports"),
    languages: list[Language] = ["zh", "en"],  # noqa: B006
    margins: Path | None = None,
    environment: str | None = None,
    run: str | None = None,
    budget: Path | None = None,
) -> tuple[list[Ingested], CampaignReport]:
    """Computes effects, checks and report of a results tree, or of a run that is in the datasets.

    The same tree gives the same datasets. Raises InputError.

    Args:
        results: A run folder, or a tree of the published framework; empty: read the datasets
        datasets: Location of the parquet datasets: a folder or an object store's address
        output: Folder for the report
        languages: Languages of the report
        margins: File of the margins; empty: config/margins.yaml
        environment: Without results, the run's environment; else the name for a tree without one
        run: Without results, the run; else the name for a tree without one
        budget: Budget file; costs above it are named in an artifact and an event
    """
    ingested, reported = analyse(
        results, datasets, output, languages, margins, environment, run, as_tasks=True
    )
    keys = [one.key for one in ingested]
    await _show(keys, reported)
    if budget is not None:
        await check_budget(datasets, keys, budget)
    return ingested, reported


def analyse(
    results: Path | None,
    datasets: str,
    output: Path,
    languages: list[Language],
    margins: Path | None = None,
    environment: str | None = None,
    run: str | None = None,
    *,
    as_tasks: bool = False,
) -> tuple[list[Ingested], CampaignReport]:
    """What the flow does; by default without Prefect, so that reading a tree starts no server."""
    ingest = ingest_tree if as_tasks else ingest_tree.fn
    analyze = analyze_runs if as_tasks else analyze_runs.fn
    check = check_runs if as_tasks else check_runs.fn
    report = report_runs if as_tasks else report_runs.fn
    if results is not None:
        ingested = ingest(results, datasets, environment, run)
    elif environment and run:
        ingested = [held(datasets, environment, run)]
    else:
        raise InputError("results", "", "none given", "a folder, or an environment and its run")
    keys = [one.key for one in ingested]
    analyze(datasets, keys, margins)
    check(datasets, keys)
    return ingested, report(datasets, keys, output, languages, margins)


async def _show(keys: Sequence[RunKey], reported: CampaignReport) -> None:
    """Verdicts, findings and links as artifacts of the flow run."""
    subject = ", ".join(f"{environment} · {run}" for environment, run in keys)
    reports = "\n".join(f"- {_link(path)}" for path in reported.files if path.suffix == ".html")
    await acreate_markdown_artifact(
        key="verdicts", markdown=f"{reported.markdown}\n{reports}\n", description=subject
    )
    await acreate_markdown_artifact(key="findings", markdown=reported.findings, description=subject)


def _link(path: Path) -> str:
    """A link if reports are served, as `ui` does; else the file's path."""
    address = os.environ.get(REPORTS_URL)
    root = Path(os.environ.get(REPORTS_ROOT, "/")).resolve()
    if address is None or not path.resolve().is_relative_to(root):
        return f"`{path.resolve()}`"
    return f"[{path.name}]({address}/{quote(str(path.resolve().relative_to(root)))})"
