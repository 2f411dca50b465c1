"""Cells and heads that several sections share."""

from ..document import Cell, Column
from ..numbers import DASH, interval, number, percent
from ..usage import Answer, Usage
from ..view import Row, ToolRow, View

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


def amount_cell(view: View, row: Row | None) -> Cell:
    """A resource the tool used (CPU, log growth), in the metric's own unit."""
    if row is None or row["verdict"] == "invalid":
        return EMPTY
    return Cell(
        number(row["estimate"]),
        sub=interval(row["ci_low"], row["ci_high"], signed=False),
        sort=row["estimate"],
        notes=view.findings.of_number(row),
    )


def number_cell(value: float | None, digits: int | None = None, *, sub: str = "") -> Cell:
    return Cell(number(value, digits), sub=sub, sort=value)


def verdict_cell(view: View, verdict: str) -> Cell:
    return Cell(view.t(f"verdict.{verdict}"), sort=verdict, mark=f"verdict-{verdict}")


def tool_cell(view: View, tool: ToolRow) -> Cell:
    return Cell(
        tool.tool,
        sub=view.t.word("tool_class", tool.tool_class) if tool.tool_class else "",
        sort=tool.tool,
        mark="name",
        notes=view.findings.of_tool(tool.environment, tool.layer, tool.tool, None),
    )


def answer_cell(view: View, usage: Usage) -> Cell:
    """The answer, and why in a line."""
    return Cell(
        view.t(f"answer.{usage.answer}"),
        sub=reason(view, usage),
        sort=list(Answer).index(usage.answer),
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
    """`latency +252 % [+240, +265], TCP latency`: an effect inside a sentence."""
    topic = view.t(f"topic.{row['topic']}")
    if row["primary"]:
        value = f"{percent(row['change'])} {interval(row['change_low'], row['change_high'])}"
        return f"{view.workload(row['workload'])} {value}".rstrip()
    unit = view.t(f"unit.{row['topic']}")
    value = f"{number(row['estimate'])} {interval(row['ci_low'], row['ci_high'], signed=False)}"
    return f"{topic} {value.rstrip()} {unit}"


def change_column(view: View, label: str) -> Column:
    return Column(label, sub=view.t("head.change"), numeric=True)


def cost_columns(view: View) -> list[Column]:
    """Heads of the cells that `cost_cells` makes."""
    t = view.t
    return [
        *(change_column(view, t(f"topic.{topic}")) for topic in ("throughput", "latency", "pps")),
        Column(t("topic.tool_cpu"), sub=t("unit.tool_cpu"), numeric=True),
        Column(t("head.kernel"), sub=t("unit.kernel"), numeric=True),
        Column(t("topic.log"), sub=t("unit.log"), numeric=True),
    ]


def cost_cells(view: View, tool: ToolRow) -> list[Cell]:
    """A tool's largest cost by topic, its CPU, its time in the kernel, its log."""
    return [
        *(change_cell(view, tool.worst.get(topic)) for topic in ("throughput", "latency", "pps")),
        amount_cell(view, tool.worst.get("tool_cpu")),
        number_cell(tool.kernel_ns),
        amount_cell(view, tool.worst.get("log")),
    ]
