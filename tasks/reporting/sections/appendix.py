"""The exact configuration and the commands, so that it can be done again."""

import json

import polars as pl

from ..document import Block, Cell, Code, Column, Prose, Section, Table, text_cell
from ..view import View, settings


def section(view: View) -> Section | None:
    t = view.t
    blocks: list[Block] = []
    for run in view.bundle.runs.sort("environment").iter_rows(named=True):
        if design := settings(run["design"]):
            caption = t("appendix.design", environment=run["environment"])
            blocks.append(Code(caption, json.dumps(design, indent=2, ensure_ascii=False)))
    if commands := _commands(view):
        blocks.append(commands)
    versions = view.bundle.runs["program_version"].drop_nulls().unique().sort()
    if len(versions):
        blocks.append(Prose(t("appendix.program", version=", ".join(versions))))
    return Section("appendix", t("appendix.title"), blocks) if blocks else None


def _commands(view: View) -> Table | None:
    """Every case's command as it was run."""
    t = view.t
    commands = view.bundle.cells.filter(pl.col("command").is_not_null()).select(
        "environment", "layer", "case", "command"
    )
    rows = [
        [
            text_cell(row["environment"]),
            Cell(t(f"layer.{row['layer']}"), sort=row["layer"]),
            text_cell(row["case"], mark="name"),
            text_cell(row["command"], mark="command"),
        ]
        for row in commands.unique().sort("environment", "layer", "case").iter_rows(named=True)
    ]
    columns = [Column(t(f"head.{key}")) for key in ("environment", "layer", "case", "command")]
    return Table(t("appendix.commands"), columns, rows) if rows else None
