"""A comparison of two runs or versions for other programs: JUnit XML for CI, Markdown, JSON."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import polars as pl

from ..model.clock_kind import Clock
from .exports import add_suite
from .markdown import markdown_table
from .numbers import DASH, interval, number
from .texts import Texts

Row = Mapping[str, Any]

_SKIPPED = ("inconclusive", "invalid")


def export_comparison(table: pl.DataFrame, clock: Clock, file: Path) -> None:
    """Writes the differences in the format of the file's suffix, one of `COMPARISON_FORMATS`."""
    file.write_text(COMPARISON_FORMATS[file.suffix](table, clock), encoding="utf-8")


def _junit(table: pl.DataFrame, clock: Clock) -> str:
    """A suite for each environment and layer, a test for each case and workload: it fails if the
    later side is proven to cost more than the margin, and is skipped if that is undecided."""
    root = ElementTree.Element("testsuites", name="ebpf-overhead compare")
    decides = table.filter("primary")
    for (environment, layer), rows in decides.group_by("environment", "layer", maintain_order=True):
        tests = [
            (f"{row['case']} {row['workload']}", _outcome(row), _said(row, clock))
            for row in rows.iter_rows(named=True)
        ]
        add_suite(root, f"{environment} {layer}", tests)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _outcome(row: Row) -> str | None:
    if row["verdict"] == "worse":
        return "failure"
    return "skipped" if row["verdict"] in _SKIPPED or row["estimate"] is None else None


def _said(row: Row, clock: Clock) -> str:
    """`by instruction count: worse, +0.41 % [+0.33, +0.49]; <reason>`."""
    counted = "by instruction count: " if clock is Clock.INSTRUCTIONS else ""
    verdict = row["verdict"].replace("_", " ")
    parts = (f"{verdict}, {_difference(row)}", row["reason"] or "")
    return counted + "; ".join(filter(None, parts))


def _difference(row: Row) -> str:
    if row["estimate"] is None:
        return DASH
    return f"{number(row['estimate'])} {row['unit']} {interval(row['ci_low'], row['ci_high'])}"


def _markdown(table: pl.DataFrame, clock: Clock) -> str:
    """A row for each case and workload, short enough for a comment on a change."""
    heads = ("environment", "layer", "case", "workload", "difference", "margin", "verdict")
    rows = [
        (row["environment"], row["layer"], row["case"], row["workload"], _difference(row),
         DASH if row["margin"] is None else f"{row['margin']:g} {row['unit']}",
         row["verdict"].replace("_", " "))
        for row in table.filter("primary").iter_rows(named=True)
    ]  # fmt: skip
    meaning = Texts("en")("by_count.meaning") + "\n\n" if clock is Clock.INSTRUCTIONS else ""
    return meaning + markdown_table(heads, rows)


def _json(table: pl.DataFrame, clock: Clock) -> str:
    document = {"clock": str(clock), "differences": table.to_dicts()}
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


COMPARISON_FORMATS: Mapping[str, Callable[[pl.DataFrame, Clock], str]] = {
    ".json": _json,
    ".xml": _junit,
    ".md": _markdown,
}
"""Suffix of a file -> the text of a comparison in its format."""
