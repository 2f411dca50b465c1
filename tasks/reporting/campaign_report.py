"""All files that a campaign leaves to read, from the datasets, in one call.

The call is made in a process of its own, because the charts' renderer keeps its memory until its
process ends; only there are the modules that draw imported.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ..model.names import RunKey
from ..storage.dataset import Dataset
from .bundle import Bundle
from .findings import Findings
from .markdown import markdown_table
from .summary import summary_markdown, summary_table
from .texts import Lang, Texts


@dataclass(frozen=True, slots=True)
class CampaignReport:
    """The files written; the verdicts as a table and as Markdown; the findings as Markdown.

    checks: how many `blocked` verdicts, `warned`, and were `not_judged`.
    """

    files: tuple[Path, ...]
    summary: pl.DataFrame
    markdown: str
    findings: str
    checks: Mapping[str, int]


def write_campaign(
    datasets: str,
    keys: Sequence[RunKey],
    margins: Mapping[str, float | None],
    output: Path,
    languages: Sequence[Lang],
) -> CampaignReport:
    """The report, the published overviews and the workbook of runs (environment, run)."""
    from .overview import write_overviews
    from .page import write_page
    from .report_page import report_page
    from .workbook import write_workbook

    bundle = Bundle.read(Dataset(datasets), keys, margins)
    pages = [path for lang in languages for path in write_page(report_page(bundle, lang), output)]
    overviews = write_overviews(bundle, output)
    books = [write_workbook(bundle, output / f"report.{lang}.xlsx", lang) for lang in languages]
    summary = summary_table(bundle)
    findings = _findings(bundle.checks, "en" if "en" in languages else "zh")
    files = (*pages, *overviews, *books)
    checks = {
        name: bundle.checks.filter(status=status, severity=severity).height
        for name, status, severity in (
            ("blocked", "failed", "blocks"),
            ("warned", "failed", "warns"),
        )
    } | {"not_judged": bundle.checks.filter(~pl.col("status").is_in(["passed", "failed"])).height}
    return CampaignReport(files, summary, summary_markdown(summary), findings, checks)


def _findings(checks: pl.DataFrame, lang: Lang) -> str:
    """The failed checks as a Markdown table, blocking ones first."""
    found = [(finding.level, finding.check) for finding in Findings(checks).all]
    if not found:
        return "No check failed.\n"
    message = Texts(lang).one_of
    rows = [
        (level, f"`{c['rule_id']}`", c["environment"], message(c, "message")) for level, c in found
    ]
    return markdown_table(("severity", "rule", "environment", "finding"), rows)
