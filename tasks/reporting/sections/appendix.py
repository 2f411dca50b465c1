"""The configuration and the commands, so that the campaign can be repeated."""

import json

from ..columns import named_columns
from ..document import Code, ReportTable, Section
from ..view import View, settings


def section(view: View) -> Section:
    t, runs = view.t, view.bundle.runs.sort("environment")
    designs = [
        Code(
            t("appendix.design", environment=environment),
            json.dumps(settings(design), indent=2, ensure_ascii=False),
        )
        for environment, design in runs.select("environment", "design").drop_nulls().rows()
    ]
    versions = ", ".join(runs["program_version"].drop_nulls().unique().sort())
    program = t("appendix.program", version=versions) if versions else None
    return Section("appendix", t("appendix.title"), *designs, _commands(view), program)


def _commands(view: View) -> ReportTable:
    """Every case's command as it was run."""
    names = ("environment", "layer", "case", "command")
    commands = view.bundle.cells.drop_nulls("command").select(names).unique().sort(names)
    columns = named_columns(view.t, *names)
    return ReportTable(view.t("appendix.commands"), columns, commands.to_dicts())
