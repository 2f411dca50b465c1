"""One row a tool: what is printed after a run, and shown as an artifact."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
from rich.table import Table
from rich.text import Text

from .bundle import Bundle
from .numbers import interval, number, percent
from .texts import Lang, Texts
from .view import TOPICS, ToolRow, View

SCHEMA = {
    "environment": pl.String,
    "layer": pl.String,
    "tool": pl.String,
    "tool_class": pl.String,
    "verdict": pl.String,  # of the effects table, or `withheld`
    "answer": pl.String,  # of `usage.Answer`; null for a placebo
    **{f"{topic}_{part}": pl.Float64 for topic in TOPICS for part in ("pct", "low", "high")},
    "tool_cpu_pct": pl.Float64,
    "kernel_ns_per_event": pl.Float64,
    "log_mib_per_min": pl.Float64,
}
"""Changes are the metric's own in percent: throughput -36 is 36 % less, latency +12 longer."""

_STYLES = {
    "long": "green",
    "with_filter": "cyan",
    "minutes": "yellow",
    "not_at_all": "red",
    "undecided": "dim",
}


def summary_table(bundle: Bundle) -> pl.DataFrame:
    """Every tool and placebo by environment and layer; columns as in `SCHEMA`."""
    view = View(bundle, Texts("en"))
    return pl.DataFrame([_row(tool) for tool in view.tools], schema=SCHEMA)


def _row(tool: ToolRow) -> dict[str, Any]:
    row: dict[str, Any] = {
        "environment": tool.environment,
        "layer": tool.layer,
        "tool": tool.tool,
        "tool_class": tool.tool_class,
        "verdict": tool.verdict,
        "answer": str(tool.usage.answer) if tool.kind == "tool" else None,
        "kernel_ns_per_event": tool.kernel_ns,
    }
    for topic in TOPICS:
        effect = tool.worst.get(topic, {})
        row[f"{topic}_pct"] = effect.get("change")
        row[f"{topic}_low"] = effect.get("change_low")
        row[f"{topic}_high"] = effect.get("change_high")
    for column, topic in (("tool_cpu_pct", "tool_cpu"), ("log_mib_per_min", "log")):
        row[column] = tool.worst.get(topic, {}).get("estimate")
    return row


def summary_rich(table: pl.DataFrame, lang: Lang = "en") -> Table:
    """The summary for the terminal."""
    t = Texts(lang)
    drawn = Table(header_style="bold", pad_edge=False, box=None, row_styles=("",))
    numeric = {*TOPICS, "tool_cpu", "kernel", "log"}
    for name in _columns(table):
        unit = t(f"unit.{name}") if name in ("tool_cpu", "kernel", "log") else ""
        justify = "right" if name in numeric else "left"
        drawn.add_column("\n".join(filter(None, (_head(t, name), unit))), justify=justify)  # type: ignore[arg-type]
    for row in table.iter_rows(named=True):
        cells = [
            Text(text, style=_STYLES.get(row["answer"] or "", "") if name == "answer" else "")
            for name, text in zip(_columns(table), _words(t, table, row), strict=True)
        ]
        drawn.add_row(*cells)
    return drawn


def summary_markdown(table: pl.DataFrame, lang: Lang = "en") -> str:
    """The summary as a Markdown table."""
    t = Texts(lang)
    names = _columns(table)
    lines = ["| " + " | ".join(_head(t, name) for name in names) + " |"]
    lines.append("|" + " --- |" * len(names))
    lines += [
        "| " + " | ".join(_words(t, table, row)) + " |" for row in table.iter_rows(named=True)
    ]
    return "\n".join(lines) + "\n"


def _columns(table: pl.DataFrame) -> Sequence[str]:
    """The environment's column only where there are several."""
    several = table["environment"].n_unique() > 1
    rest = ("layer", "tool", "answer", "verdict", *TOPICS, "tool_cpu", "kernel", "log")
    return ("environment", *rest) if several else rest


def _head(t: Texts, name: str) -> str:
    group = "topic" if name in (*TOPICS, "tool_cpu", "log") else "head"
    return t(f"{group}.{name}")


def _words(t: Texts, table: pl.DataFrame, row: Mapping[str, Any]) -> list[str]:
    words = {
        "environment": row["environment"],
        "layer": t(f"layer.{row['layer']}"),
        "tool": row["tool"],
        "answer": t.word("answer", row["answer"]),
        "verdict": t(f"verdict.{row['verdict']}"),
        "tool_cpu": number(row["tool_cpu_pct"]),
        "kernel": number(row["kernel_ns_per_event"]),
        "log": number(row["log_mib_per_min"]),
    }
    for topic in TOPICS:
        ends = interval(row[f"{topic}_low"], row[f"{topic}_high"])
        words[topic] = f"{percent(row[f'{topic}_pct'])} {ends}".rstrip()
    return [words[name] for name in _columns(table)]
