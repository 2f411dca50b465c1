"""The verb `report`: the report, the per-tool overviews and the summary of runs in the datasets."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from .model.names import MARGINS_FILE
from .reporting.bundle import Bundle
from .reporting.findings import Findings
from .reporting.overview import write_overviews
from .reporting.report import write_report
from .reporting.summary import summary_markdown, summary_rich, summary_table
from .reporting.texts import Lang
from .reporting.workbook import write_workbook
from .statistics.margins import read_margins
from .storage.dataset import Dataset
from .storage.schema import TABLES

__all__ = ["Reported", "report_runs", "summary_rich"]


@dataclass(frozen=True, slots=True)
class Reported:
    """What was written; the verdicts as a table and as Markdown; the findings as Markdown."""

    files: tuple[Path, ...]
    summary: pl.DataFrame
    markdown: str
    findings: str


@task(name="report", task_run_name="report · {output}", cache_policy=NO_CACHE)
def report_runs(
    datasets: str,
    keys: Sequence[tuple[str, str]],
    output: Path,
    languages: Sequence[Lang] = ("zh", "en"),
    margins: Path = MARGINS_FILE,
) -> Reported:
    """Writes the campaign's report and the published overviews below `output`."""
    dataset = Dataset(datasets)
    wanted = pl.DataFrame(list(keys), schema=["environment", "run"], orient="row").lazy()
    tables = {
        name: dataset.scan(name).join(wanted, on=["environment", "run"], how="semi").collect()
        for name in TABLES
    }
    bundle = Bundle(**tables, margins=read_margins(margins), generated_at=datetime.now(UTC))
    files = [
        *write_report(bundle, output, languages),
        *write_overviews(bundle, output),
        *(write_workbook(bundle, output / f"report.{lang}.xlsx", lang) for lang in languages),
    ]
    summary = summary_table(bundle)
    return Reported(
        tuple(files), summary, summary_markdown(summary), _findings(tables["checks"], languages)
    )


def _findings(checks: pl.DataFrame, languages: Sequence[Lang]) -> str:
    """The failed checks as a Markdown table, what blocks first."""
    found = Findings(checks).all
    if not found:
        return "No check failed.\n"
    column = "message" if "en" in languages else "message_zh"
    rows = [
        f"| {f.check['severity']} | `{f.check['rule_id']}` | {f.check['environment']} | "
        f"{(f.check[column] or f.check['message']).replace('|', '/')} |"
        for f in found
    ]
    return "\n".join(
        ["| severity | rule | environment | finding |", "|---|---|---|---|", *rows, ""]
    )
