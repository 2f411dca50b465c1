"""Whether the numbers can be trusted: what ran, what has no number, which checks failed."""

from collections.abc import Sequence

import polars as pl

from ..columns import named_columns, number_column
from ..document import Cell, ReportColumn, ReportTable, Section, text_cell
from ..findings import Finding
from ..view import View

_CHECKED = ("passed", "failed", "not_judged", "error")


def section(view: View) -> Section:
    t, cells, checks = view.t, view.bundle.cells, view.bundle.checks
    of_cells = ("passed", "invalid", "failed", "skipped")
    nothing = "credibility.clean" if checks.height else "credibility.unchecked"
    return Section(
        "credibility",
        t("credibility.title"),
        t("credibility.lead"),
        _tally(view, "cells", cells, ("environment", "layer"), of_cells),
        _refused(view),
        _tally(view, "checks", checks, ("environment",), _CHECKED),
        _findings(view) if view.findings.all else t(nothing),
    )


def _tally(
    view: View, what: str, frame: pl.DataFrame, by: Sequence[str], statuses: Sequence[str]
) -> ReportTable:
    """How many rows ended in which status."""
    t = view.t
    counts = [(pl.col("status") == status).sum().alias(status) for status in statuses]
    columns = [
        *named_columns(t, *by),
        *(number_column(t(f"status.{status}"), status, 0) for status in statuses),
    ]
    rows = frame.group_by(by).agg(counts).sort(by).to_dicts()
    return ReportTable(t(f"credibility.{what}"), columns, rows)


def _refused(view: View) -> ReportTable:
    """Cells without a number, by case and reason."""
    t = view.t
    names = ("environment", "layer", "case", "status", "gate")
    refused = view.bundle.cells.filter(pl.col("status") != "passed")
    rows = refused.group_by(*names, "reason", "reason_zh").len().sort(*names, "reason").to_dicts()
    columns = [
        *named_columns(t, *names),
        ReportColumn(t("head.reason"), lambda row: text_cell(t.one_of(row, "reason"))),
        number_column(t("head.count"), "len", 0),
    ]
    return ReportTable(t("credibility.refused"), columns, rows)


def _findings(view: View) -> ReportTable:
    """The checks that did not pass; the superscripts in the tables link to its rows."""
    t, found = view.t, view.findings.all

    def number(finding: Finding) -> Cell:
        return Cell(str(finding.number), sort=finding.number)

    def severity(finding: Finding) -> Cell:
        return text_cell(t(f"severity.{finding.level}"), mark=f"severity-{finding.level}")

    def concern(finding: Finding) -> Cell:
        check = finding.check
        layer = t(f"layer.{check['layer']}") if check["layer"] else None
        parts = (layer, check["case"] or check["tool"], check["workload"], check["metric"])
        return text_cell(check["environment"], sub=" · ".join(filter(None, parts)))

    def sentence(finding: Finding) -> Cell:
        return Cell(t.one_of(finding.check, "message"), sub=finding.check["rule_id"])

    columns = [
        ReportColumn(t("head.number"), number),
        ReportColumn(t("head.severity"), severity),
        ReportColumn(t("head.concerns"), concern),
        ReportColumn(t("head.finding"), sentence),
        ReportColumn(t("head.observed"), lambda finding: Cell(t.one_of(finding.check, "observed"))),
        ReportColumn(t("head.expected"), lambda finding: Cell(t.one_of(finding.check, "expected"))),
        ReportColumn(t("head.advice"), lambda finding: Cell(t.one_of(finding.check, "advice"))),
    ]
    anchors = [f"check-{finding.number}" for finding in found]
    return ReportTable(t("credibility.findings"), columns, found, anchors=anchors)
