"""Cells and columns of effects and tools, which several sections share."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from polars import DataFrame

from ...model.names import as_id
from ...model.plan import ToolClass
from ...statistics.line import Bounds
from ...statistics.usage import Usage
from ...storage.schema import CASE_KEY
from ..charts.forest import Forest
from ..columns import named_columns, number_cell
from ..document import Cell, ReportColumn
from ..noise import says_nothing, too_noisy
from ..numbers import DASH, interval, number, percent, quantity
from ..texts import Texts
from ..view import TOPICS, Row, ToolRow, View

EMPTY = Cell(DASH)

T = TypeVar("T")
K = TypeVar("K")


def grouped(items: Iterable[T], key: Callable[[T], K]) -> list[tuple[K, list[T]]]:
    """The items by key, keys in the order of their first item."""
    found: dict[K, list[T]] = {}
    for item in items:
        found.setdefault(key(item), []).append(item)
    return list(found.items())


ByMetric = dict[str, Any]
"""environment, run, layer, case and workload of a case, and its effects by metric."""


def by_workload(effects: DataFrame) -> list[ByMetric]:
    """The effects, one item for each case under each workload."""
    place = (*CASE_KEY, "workload")
    return [
        dict(zip(place, values, strict=True)) | {row["metric"]: row for row in group.to_dicts()}
        for values, group in effects.group_by(place, maintain_order=True)
    ]


def classes_of(tools: Iterable[ToolRow]) -> dict[str | None, list[ToolRow]]:
    """Tools by class, in the classes' own order; tools without one last."""
    order = [*map(str, ToolClass), None]
    by_class = grouped(tools, lambda tool: tool.tool_class)
    return dict(sorted(by_class, key=lambda item: order.index(item[0])))


def class_name(view: View, tool_class: str | None) -> str:
    return view.t(f"tools_of.{tool_class or 'no_class'}")


def tool_names(view: View, tools: Sequence[ToolRow], *, places: bool = False) -> str:
    """`a, b (VM)`: each tool once, with its layer if it was measured on both.

    places: with the environments, if these are not all in which it was measured.
    """
    layers = {(tool.tool, tool.layer) for tool in view.measured}
    everywhere = grouped(view.measured, lambda tool: (tool.tool, tool.layer))
    count = {place: len(rows) for place, rows in everywhere}
    names = []
    for (name, layer), rows in grouped(tools, lambda tool: (tool.tool, tool.layer)):
        both = len({place for place in layers if place[0] == name}) > 1
        here = (
            [row.environment for row in rows] if places and len(rows) < count[name, layer] else []
        )
        details = [*([view.t(f"layer.{layer}")] if both else []), *here]
        names.append(f"{name} ({view.t.listed(details)})" if details else name)
    return view.t.listed(sorted(names))


def effect_cell(view: View, row: Row | None, *, in_percent: bool = False) -> Cell:
    """An effect over its interval, ordered by cost; a primary metric's, or any `in_percent`,
    as a ratio metric's."""
    if row is None or (row["verdict"] == "invalid" and not row["primary"]):
        return EMPTY
    if row["verdict"] == "invalid":
        return Cell(view.t("verdict.invalid"), mark="verdict-invalid")
    value, ends = _numbers(row, in_percent=in_percent)
    if row["primary"] and says_nothing(row["topic"], row["ci_low"], row["ci_high"]):
        value = too_noisy(view.t, row)
    mark = f"verdict-{row['verdict']}" if row["primary"] else ""
    return Cell(value, ends, row["estimate"], mark, notes=view.findings.of_number(row))


def _numbers(row: Row, *, in_percent: bool = False) -> tuple[str, str]:
    """A primary metric's cost, a resource's amount in its own unit; and its interval.

    A cost without an interval (of a single iteration) says nothing, and is not shown.
    """
    if row["primary"] or in_percent:
        known = None if row["ci_low"] is None else row["estimate"]
        return percent(known), interval(row["ci_low"], row["ci_high"])
    return number(row["estimate"]), interval(row["ci_low"], row["ci_high"], signed=False)


def verdict_cell(view: View, verdict: str, sub: str = "") -> Cell:
    return Cell(view.t(f"verdict.{verdict}"), sub, sort=verdict, mark=f"verdict-{verdict}")


def answer_cell(view: View, usage: Usage, sub: str = "") -> Cell:
    return Cell(
        view.t(f"answer.{usage.answer}"),
        sub,
        sort=usage.answer.rank,
        mark=f"answer-{usage.answer}",
    )


def reason(view: View, usage: Usage, *, short: bool = False) -> str:
    """Why the answer is what it is, in one sentence: the deciding cost, its limit, and its case
    unless it is to be `short`."""
    written = effect_text if short else deciding_text
    text = view.t(
        f"usage.reason.{usage.reason}",
        effect=written(view, usage.effect) if usage.effect else "",
        limit=limit_text(view, usage),
        best=view.t(f"answer.{usage.best}"),
        worst=view.t(f"answer.{usage.worst}"),
        count=usage.count,
        total=usage.total,
        why=usage.why,
    )
    if usage.lost_pct is None:
        return text
    return view.t("usage.incomplete", reason=text, share=number(usage.lost_pct))


def lost_text(t: Texts, low: float | None, high: float | None) -> str:
    """`0.3 to 1.2 %`, `at least 12 %` or `not visible`: the share of the events that was lost."""
    if high is None:
        return t("events.at_least", low=number(low)) if low else t("events.not_visible")
    ends = dict.fromkeys((number(low), number(high)))
    return t("events.share", share="–".join(ends))


def rates_text(t: Texts, safe_pps: float | None, too_much_pps: float | None) -> str:
    """`up to 140 k packets/s, beyond the margin from 180 k`: what a load curve shows."""
    safe, too_much = (quantity(rate, "") for rate in (safe_pps, too_much_pps))
    if safe_pps is None:
        return t("load.open") if too_much_pps is None else t("load.too_much", from_=too_much)
    if too_much_pps is None:
        return t("load.up_to_highest", rate=safe)
    return t("load.up_to", rate=safe, from_=too_much)


def tool_anchor(tool: ToolRow) -> str:
    """Id of the tool's line in its environment: `eth_drop--host--demo`."""
    return "--".join(as_id(name) for name in (tool.tool, tool.layer, tool.environment))


def limit_text(view: View, usage: Usage) -> str:
    """`limit 20 %`: the limit that the deciding cost keeps, or the one that it exceeds if it
    exceeds all; empty where no band was given."""
    if usage.effect is None or (usage.within, usage.above) == (None, None):
        return ""
    key, limit = ("within", usage.within) if usage.within is not None else ("above", usage.above)
    topic = usage.effect["topic"]
    unit = "%" if topic in TOPICS else view.t(f"unit.{topic}")
    return view.t(f"usage.limit.{key}", limit=f"{limit:g} {unit}")


def deciding_text(view: View, row: Row) -> str:
    """`TCP latency cost +252 % [+240, +265] (rx_protocol_tcp, largest of 8)`."""
    case = row["case"].removeprefix(row["tool"] or "").strip("_")
    several = row.get("largest_of", 1)
    largest = view.t("usage.largest", count=several) if several > 1 else ""
    behind = ", ".join(filter(None, (case, largest)))
    return f"{effect_text(view, row)} ({behind})" if behind else effect_text(view, row)


def effect_text(view: View, row: Row) -> str:
    """`TCP latency cost +252 % [+240, +265]`: an effect inside a sentence."""
    if row["primary"]:
        workload, numbers = view.workload(row["workload"]), cost_text(row)
        if says_nothing(row["topic"], row["ci_low"], row["ci_high"]):
            numbers = f"{interval(row['ci_low'], row['ci_high'])} ({too_noisy(view.t, row)})"
        return view.t("effect_text", workload=workload, numbers=numbers)
    topic, unit = view.t(f"topic.{row['topic']}"), view.t(f"unit.{row['topic']}")
    return f"{topic} {cost_text(row)} {unit}"


def cost_text(row: Row) -> str:
    """`+252 % [+240, +265]`."""
    return " ".join(_numbers(row)).rstrip()


def effect_column(
    view: View, label: str, effect: Callable[[Any], Row | None], unit: str = ""
) -> ReportColumn:
    """The item's `effect`; without a unit it is a primary metric's cost."""
    sub = unit or view.cost_head
    return ReportColumn(label, lambda item: effect_cell(view, effect(item)), sub, numeric=True)


def bounds_cell(bounds: Bounds | None) -> Cell:
    """An amount over its interval."""
    if bounds is None:
        return EMPTY
    ends = interval(bounds.low, bounds.high, signed=False)
    return Cell(number(bounds.estimate), ends, sort=bounds.estimate)


def bounds_column(label: str, bounds: Callable[[Any], Bounds | None], unit: str) -> ReportColumn:
    return ReportColumn(label, lambda item: bounds_cell(bounds(item)), unit, numeric=True)


def strip_column(
    view: View,
    forest: Forest,
    label: str,
    topic: str,
    effect: Callable[[Any], Row | None],
    *,
    iterations: bool = False,
) -> ReportColumn:
    """The item's `effect` on a primary metric, drawn on the topic's axis below its numbers."""

    def cell(item: Any) -> Cell:
        row = effect(item)
        drawn = forest.strip(row, iterations=iterations) if row else ""
        return replace(effect_cell(view, row), strip=drawn)

    return ReportColumn(label, cell, view.cost_head, axis=forest.scale(topic))


def topic_column(view: View, topic: str) -> ReportColumn:
    """The largest cost in one topic, of items that are `ToolRow`s."""
    unit = "" if topic in TOPICS else view.t(f"unit.{topic}")
    return effect_column(view, view.t(f"topic.{topic}"), lambda tool: tool.worst.get(topic), unit)


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
            sub=view.t.term("tool_class", tool.tool_class) if tool.tool_class else "",
            sort=tool.tool,
            mark="name",
            notes=view.findings.of_tool(tool.environment, tool.layer, tool.tool, None),
        )

    return [ReportColumn(view.t("head.tool"), cell), *named_columns(view.t, *names)]


def unit_text(view: View, unit: str) -> str:
    """A metric's unit in the page's language; most are symbols."""
    return view.t("unit.tool_cpu") if unit == "% of one CPU" else unit


def workload_column(view: View) -> ReportColumn:
    def cell(row: Row) -> Cell:
        return Cell(view.workload(row["workload"]), sort=row["workload"])

    return ReportColumn(view.t("head.workload"), cell)
