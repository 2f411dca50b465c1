"""All that a campaign leaves to read, from the datasets to files, in one call.

A call that a process of its own can run: what renders the charts keeps its memory until it ends,
so that it is imported only there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from ..model.names import RunKey
from ..storage.dataset import Dataset
from ..storage.schema import TABLES
from .bundle import Bundle
from .findings import Findings
from .summary import summary_markdown, summary_table
from .texts import Lang


@dataclass(frozen=True, slots=True)
class Reported:
    """What was written; the verdicts as a table and as Markdown; the findings as Markdown."""

    files: tuple[Path, ...]
    summary: pl.DataFrame
    markdown: str
    findings: str


def write_campaign(
    datasets: str,
    keys: Sequence[RunKey],
    margins: Mapping[str, float | None],
    output: Path,
    languages: Sequence[Lang],
) -> Reported:
    """The report, the published overviews and the workbook of runs (environment, run)."""
    from .overview import write_overviews
    from .report_files import write_report
    from .workbook import write_workbook

    dataset = Dataset(datasets)
    tables = {name: dataset.rows(name, keys) for name in TABLES}
    bundle = Bundle(**tables, margins=margins, generated_at=datetime.now(UTC))
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
