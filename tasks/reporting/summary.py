"""One row per tool, for the terminal, the artifact and the workbook."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from ..model.clock_kind import Clock
from ..statistics.nights import nights_measured
from ..statistics.usage import Answer, Usage
from .bundle import Bundle
from .markdown import markdown_table
from .noise import says_nothing
from .numbers import interval, number, percent
from .texts import Lang, Texts
from .view import RESOURCES, TOPICS, ToolRow, View

SCHEMA = {
    "environment": pl.String,
    "clock": pl.String,  # what its hosts' clocks count; one for the whole table
    "layer": pl.String,
    "tool": pl.String,
    "tool_class": pl.String,
    "nights": pl.Int64,  # in which the environment was measured; 1: the figures are that night's
    "verdict": pl.String,  # of the effects table, or `withheld`
    "answer": pl.String,  # of `usage.Answer`; null for a placebo
    "answer_reason": pl.String,  # of `usage.Usage`
    "decided_by_case": pl.String,  # the deciding effect: the one that the answer rests on
    "decided_by_workload": pl.String,
    "decided_by_metric": pl.String,
    "decided_by_cost": pl.Float64,  # in decided_by_unit
    "decided_by_low": pl.Float64,
    "decided_by_high": pl.Float64,
    "decided_by_unit": pl.String,
    "limit_kept": pl.Float64,  # in decided_by_unit
    "limit_exceeded": pl.Float64,
    **{f"{topic}_{part}": pl.Float64 for topic in TOPICS for part in ("pct", "low", "high")},
    "tool_cpu_pct": pl.Float64,
    "kernel_ns_per_packet": pl.Float64,
    "log_mib_per_min": pl.Float64,
    "events_lost_low_pct": pl.Float64,  # `ToolRow.lost`
    "events_lost_high_pct": pl.Float64,
}
"""Costs are positive where the tool makes things worse, as in the datasets: `throughput_pct` 36 is
36 % less throughput, `latency_pct` 12 is 12 % more latency. CPU and log growth are amounts."""

_AMOUNTS = {
    "tool_cpu": "tool_cpu_pct",
    "kernel": "kernel_ns_per_packet",
    "log": "log_mib_per_min",
}
"""Columns of amounts, as a reader sees them -> their column in `SCHEMA`."""

_DOUBTS = ("invalid", "withheld", "no_estimate", "no_interval", "nothing", "cannot_attach")
"""Reasons that are not a cost."""


def summary_table(bundle: Bundle) -> pl.DataFrame:
    """Every tool and placebo by environment and layer; columns as in `SCHEMA`."""
    view = View(bundle, Texts("en"))
    nights = nights_measured(view.bundle.cells)
    clock = Clock.INSTRUCTIONS if view.by_count else Clock.WALL
    rows = [
        _row(tool) | {"nights": nights.get(tool.environment), "clock": str(clock)}
        for tool in view.tools
    ]
    return pl.DataFrame(rows, schema=SCHEMA)


def _row(tool: ToolRow) -> dict[str, Any]:
    row: dict[str, Any] = {
        "environment": tool.environment,
        "layer": tool.layer,
        "tool": tool.tool,
        "tool_class": tool.tool_class,
        "verdict": tool.verdict,
        "answer": str(tool.usage.answer) if tool.kind == "tool" else None,
        "kernel_ns_per_packet": tool.kernel_ns,
    }
    if tool.kind == "tool":
        row |= _decided_by(tool.usage)
        row["events_lost_low_pct"], row["events_lost_high_pct"] = tool.lost
    for topic in TOPICS:
        effect = tool.worst.get(topic, {})
        low, high = effect.get("ci_low"), effect.get("ci_high")
        row[f"{topic}_pct"] = None if low is None else effect["estimate"]
        row[f"{topic}_low"], row[f"{topic}_high"] = low, high
    for topic in ("tool_cpu", "log"):
        row[_AMOUNTS[topic]] = tool.worst.get(topic, {}).get("estimate")
    return row


def _decided_by(usage: Usage) -> dict[str, Any]:
    effect = usage.effect or {}
    names = {"case": "case", "workload": "workload", "metric": "metric", "unit": "unit",
             "cost": "estimate", "low": "ci_low", "high": "ci_high"}  # fmt: skip
    decided = {f"decided_by_{name}": effect.get(column) for name, column in names.items()}
    limits = {"limit_kept": usage.within, "limit_exceeded": usage.above}
    return decided | limits | {"answer_reason": usage.reason}


def summary_cells(table: pl.DataFrame, lang: Lang = "en") -> tuple[list[str], list[list[str]]]:
    """The summary as a person reads it: heads and rows."""
    t = Texts(lang)
    names = _columns(table)
    rows = [[_text(t, row, name) for name in names] for row in table.iter_rows(named=True)]
    return [_head(t, name) for name in names], rows


def summary_markdown(table: pl.DataFrame, lang: Lang = "en") -> str:
    """The summary as a Markdown table."""
    note = tonight(table, lang)
    drawn = markdown_table(*summary_cells(table, lang))
    return f"{drawn}\n{note}\n" if note else drawn


def summary_sentence(table: pl.DataFrame, lang: Lang = "en") -> str:
    """The answer in one sentence: how many of the tools may run, and how. Empty without tools.

    `On demo, 2 of 4 tools may run continuously; 1 only with a filter`; of several environments the
    tools that may run continuously in each of them.
    """
    t = Texts(lang)
    rated = table.drop_nulls("answer")
    if rated.is_empty():
        return ""
    environments = rated["environment"].unique().sort().to_list()
    answers = rated.group_by("layer", "tool").agg(pl.col("answer").unique())["answer"].to_list()
    alone = len(environments) == 1
    where = "one" if alone else "several"
    continuous = sum(set(given) == {Answer.LONG} for given in answers)
    said = t(
        f"first.{where}", count=continuous, total=len(answers),
        environment=environments[0], environments=len(environments),
    )  # fmt: skip
    everywhere = [Answer.NOT_AT_ALL, Answer.FASTER, Answer.UNDECIDED, Answer.CANNOT_ATTACH]
    wanted = list(Answer)[1:] if alone else everywhere
    for answer in wanted:
        if count := sum(answer in given for given in answers):
            said = t("first.and", said=said, more=t(f"first.{where}_{answer}", count=count))
    if Clock.INSTRUCTIONS in rated["clock"]:
        said = t("by_count.said", said=said)
    return t("first.stop", said=said)


def tonight(table: pl.DataFrame, lang: Lang = "en") -> str | None:
    """That the figures of these environments are those of one night."""
    t = Texts(lang)
    once = table.filter(nights=1)["environment"].unique().sort()
    return t("tonight", environments=", ".join(once)) if len(once) else None


def _columns(table: pl.DataFrame) -> Sequence[str]:
    """The environment is left out if there is only one."""
    names = ("environment", "layer", "tool", "answer", "decided_by", "verdict", *TOPICS, *_AMOUNTS)
    return names if table["environment"].n_unique() > 1 else names[1:]


def _head(t: Texts, name: str) -> str:
    """`Throughput cost`, `Tool CPU (% of one CPU)`."""
    if name in TOPICS:
        return t("summary.cost", topic=t(f"topic.{name}"))
    if name in _AMOUNTS:
        label = t("head.kernel") if name == "kernel" else t(f"topic.{name}")
        return t("summary.amount", label=label, unit=t(f"unit.{name}"))
    return t(f"head.{name}")


def _text(t: Texts, row: Mapping[str, Any], name: str) -> str:
    if name == "decided_by":
        return _deciding(t, row)
    if name in TOPICS and says_nothing(name, row[f"{name}_low"], row[f"{name}_high"]):
        return t("noise.alone")
    if name in TOPICS:
        ends = interval(row[f"{name}_low"], row[f"{name}_high"])
        return f"{percent(row[f'{name}_pct'])} {ends}".rstrip()
    if name in _AMOUNTS:
        return number(row[_AMOUNTS[name]])
    return str(row[name]) if name in ("environment", "tool") else t.term(name, row[name])


def _deciding(t: Texts, row: Mapping[str, Any]) -> str:
    """`latency_tcp_rr +252 % [+233, +260] ≤ 300`: the deciding cost and its limit; or the doubt."""
    if row["answer_reason"] in _DOUBTS or row["decided_by_metric"] is None:
        return t.term("answer_reason", row["answer_reason"])
    metric = row["decided_by_metric"]
    amount = metric in RESOURCES
    ends = interval(row["decided_by_low"], row["decided_by_high"], signed=not amount)
    if amount:
        what, cost = t(f"topic.{RESOURCES[metric]}"), number(row["decided_by_cost"])
    else:
        what, cost = row["decided_by_workload"], percent(row["decided_by_cost"])
    kept, exceeded = row["limit_kept"], row["limit_exceeded"]
    limit = f"≤ {kept:g}" if kept is not None else f"> {exceeded:g}" if exceeded is not None else ""
    return " ".join(filter(None, (what, cost, ends, limit)))
