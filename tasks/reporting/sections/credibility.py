"""Can the numbers be believed? What ran, what was refused, which checks failed."""

from collections.abc import Sequence

import polars as pl

from ..document import Block, Cell, Column, Prose, Section, Table, text_cell
from ..findings import Finding
from ..numbers import number
from ..view import View

STATUSES = ("passed", "invalid", "failed", "skipped")


def section(view: View) -> Section:
    t = view.t
    blocks: list[Block] = [Prose(t("credibility.lead"))]
    if view.bundle.cells.height:
        blocks.append(_cells(view))
    refused = view.bundle.cells.filter(pl.col("status") != "passed")
    if refused.height:
        blocks.append(_refused(view, refused))
    if view.bundle.checks.height:
        blocks.append(_tally(view))
    if view.findings.all:
        blocks.append(_checks(view))
    else:
        key = "credibility.clean" if view.bundle.checks.height else "credibility.unchecked"
        blocks.append(Prose(t(key)))
    return Section("credibility", t("credibility.title"), blocks)


def _cells(view: View) -> Table:
    """How many cells ended in which state."""
    t = view.t
    counts = _counted(view.bundle.cells, ("environment", "layer"), STATUSES)
    rows = [
        [
            Cell(row["environment"]),
            Cell(t(f"layer.{row['layer']}")),
            *(Cell(number(row[name], 0)) for name in STATUSES),
        ]
        for row in counts.iter_rows(named=True)
    ]
    heads = [Column(t("head.environment")), Column(t("head.layer"))]
    states = [Column(t(f"status.{name}"), numeric=True) for name in STATUSES]
    return Table(t("credibility.cells"), [*heads, *states], rows)


def _tally(view: View) -> Table:
    """How many checks ended in which state."""
    t = view.t
    names = ("passed", "failed", "error")
    counts = _counted(view.bundle.checks, ("environment",), names)
    rows = [
        [Cell(row["environment"]), *(Cell(number(row[name], 0)) for name in names)]
        for row in counts.iter_rows(named=True)
    ]
    states = [Column(t(f"status.{name}"), numeric=True) for name in names]
    return Table(t("credibility.checks"), [Column(t("head.environment")), *states], rows)


def _counted(frame: pl.DataFrame, by: Sequence[str], names: Sequence[str]) -> pl.DataFrame:
    counts = [(pl.col("status") == name).sum().alias(name) for name in names]
    return frame.group_by(by).agg(counts).sort(by)


def _refused(view: View, refused: pl.DataFrame) -> Table:
    """Cells without a number, by tool and reason."""
    t = view.t
    keys = ("environment", "layer", "case", "status", "gate", "reason")
    rows = [
        [
            text_cell(row["environment"]),
            Cell(t(f"layer.{row['layer']}")),
            text_cell(row["case"], mark="name"),
            text_cell(t(f"status.{row['status']}")),
            text_cell(row["gate"], mark="name"),
            text_cell(row["reason"]),
            Cell(number(row["len"], 0), sort=row["len"]),
        ]
        for row in refused.group_by(keys).len().sort(keys).iter_rows(named=True)
    ]
    columns = [Column(t(f"head.{key}")) for key in keys]
    return Table(
        t("credibility.refused"), [*columns, Column(t("head.count"), numeric=True)], rows
    )  # fmt: skip


def _checks(view: View) -> Table:
    t = view.t
    rows = [
        [
            Cell(str(finding.number), sort=finding.number),
            _severity(view, finding),
            text_cell(finding.check["environment"], sub=_concern(view, finding)),
            Cell(t.one_of(finding.check, "message"), sub=finding.check["rule_id"]),
            text_cell(finding.check["observed"]),
            text_cell(finding.check["expected"]),
            Cell(t.one_of(finding.check, "advice")),
        ]
        for finding in view.findings.all
    ]
    keys = ("number", "severity", "concerns", "finding", "observed", "expected", "advice")
    return Table(
        t("credibility.findings"),
        [Column(t(f"head.{key}")) for key in keys],
        rows,
        anchors=[f"check-{finding.number}" for finding in view.findings.all],
    )


def _severity(view: View, finding: Finding) -> Cell:
    status, severity = finding.check["status"], finding.check["severity"]
    if status == "error":
        return text_cell(view.t("severity.error"), mark="severity-error")
    return text_cell(view.t(f"severity.{severity}"), mark=f"severity-{severity}")


def _concern(view: View, finding: Finding) -> str:
    check = finding.check
    layer = view.t(f"layer.{check['layer']}") if check["layer"] else None
    tool = check["case"] or check["tool"]
    return " · ".join(filter(None, (layer, tool, check["workload"], check["metric"])))
