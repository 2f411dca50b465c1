"""Cells and columns of effects and tools, which several sections share."""

from collections.abc import Callable
from typing import Any

from ..columns import named_columns, number_cell
from ..document import Cell, ReportColumn
from ..numbers import DASH, interval, number, percent
from ..usage import Usage
from ..view import TOPICS, Row, ToolRow, View

EMPTY = Cell(DASH)


def change_cell(view: View, row: Row | None) -> Cell:
    """A primary effect: the metric's change over its interval, ordered by cost."""
    if row is None:
        return EMPTY
    if row["verdict"] == "invalid":
        return Cell(view.t("verdict.invalid"), mark="verdict-invalid")
    return Cell(
        percent(row["change"]),
        sub=interval(row["change_low"], row["change_high"]),
        sort=row["estimate"],
        mark=f"verdict-{row['verdict']}",
        notes=view.findings.of_number(row),
    )


def resource_cell(view: View, row: Row | None) -> Cell:
    """A resource that the tool used (CPU, log growth), in the metric's own unit."""
    if row is None or row["verdict"] == "invalid":
        return EMPTY
    return Cell(
        number(row["estimate"]),
        sub=interval(row["ci_low"], row["ci_high"], signed=False),
        sort=row["estimate"],
        notes=view.findings.of_number(row),
    )


def verdict_cell(view: View, verdict: str, sub: str = "") -> Cell:
    return Cell(view.t(f"verdict.{verdict}"), sub, sort=verdict, mark=f"verdict-{verdict}")


def answer_cell(view: View, usage: Usage, sub: str = "") -> Cell:
    return Cell(
        view.t(f"answer.{usage.answer}"),
        sub,
        sort=usage.answer.rank,
        mark=f"answer-{usage.answer}",
    )


def reason(view: View, usage: Usage) -> str:
    """Why the usage is what it is, in one sentence."""
    return view.t(
        f"usage.reason.{usage.reason}",
        effect=effect_words(view, usage.effect) if usage.effect else "",
        best=view.t(f"answer.{usage.best}") if usage.best else "",
        worst=view.t(f"answer.{usage.worst}") if usage.worst else "",
        count=usage.count,
        total=usage.total,
    )


def effect_words(view: View, row: Row) -> str:
    """`TCP latency +252 % [+240, +265]`: an effect inside a sentence."""
    if row["primary"]:
        value = f"{percent(row['change'])} {interval(row['change_low'], row['change_high'])}"
        return f"{view.workload(row['workload'])} {value}".rstrip()
    value = f"{number(row['estimate'])} {interval(row['ci_low'], row['ci_high'], signed=False)}"
    topic, unit = view.t(f"topic.{row['topic']}"), view.t(f"unit.{row['topic']}")
    return f"{topic} {value.rstrip()} {unit}"


def change_column(view: View, label: str, effect: Callable[[Any], Row | None]) -> ReportColumn:
    """The change of the item's `effect`."""
    return ReportColumn(
        label, lambda item: change_cell(view, effect(item)), view.t("head.change"), numeric=True
    )


def topic_column(view: View, topic: str) -> ReportColumn:
    """The largest cost in one topic, of items that are `ToolRow`s."""
    label = view.t(f"topic.{topic}")
    if topic in TOPICS:
        return change_column(view, label, lambda tool: tool.worst.get(topic))
    return ReportColumn(
        label,
        lambda tool: resource_cell(view, tool.worst.get(topic)),
        view.t(f"unit.{topic}"),
        numeric=True,
    )


def kernel_column(view: View) -> ReportColumn:
    unit = view.t("unit.kernel")
    return ReportColumn(
        view.t("head.kernel"), lambda tool: number_cell(tool.kernel_ns), unit, numeric=True
    )


def cost_columns(view: View) -> list[ReportColumn]:
    """A tool's largest cost by topic, its CPU, its time in the kernel, its log."""
    return [
        *(topic_column(view, topic) for topic in (*TOPICS, "tool_cpu")),
        kernel_column(view),
        topic_column(view, "log"),
    ]


def tool_columns(view: View, *names: str) -> list[ReportColumn]:
    """The tool with its class and the checks that concern it; then `named_columns`."""

    def cell(tool: ToolRow) -> Cell:
        return Cell(
            tool.tool,
            sub=view.t.word("tool_class", tool.tool_class) if tool.tool_class else "",
            sort=tool.tool,
            mark="name",
            notes=view.findings.of_tool(tool.environment, tool.layer, tool.tool, None),
        )

    return [ReportColumn(view.t("head.tool"), cell), *named_columns(view.t, *names)]


def workload_column(view: View) -> ReportColumn:
    def cell(row: Row) -> Cell:
        return Cell(view.workload(row["workload"]), sort=row["workload"])

    return ReportColumn(view.t("head.workload"), cell)
