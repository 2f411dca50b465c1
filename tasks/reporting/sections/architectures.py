"""The environments side by side, and what each is suited for. Needs two of them."""

from collections.abc import Iterable

import polars as pl

from .. import charts
from ..document import Block, Cell, Column, Prose, Section, Table
from ..numbers import DASH, number, percent, scaled
from ..usage import Answer
from ..view import Row, View
from .baseline_levels import baseline_values


def section(view: View) -> Section | None:
    t = view.t
    if len(view.environments) < 2:
        return None
    blocks: list[Block] = [Prose(t("architectures.lead"))]
    if drawn := charts.environments(view):
        blocks.append(drawn)
    blocks += [_comparison(view), _suitability(view)]
    return Section("architectures", t("architectures.title"), blocks)


def _comparison(view: View) -> Table:
    t = view.t
    values = baseline_values(view)
    rows = []
    for name, shape in view.shapes.items():
        if shape.protocol == "tcp":
            label = t("architectures.baseline", workload=view.workload(name))
            rows.append([Cell(label), *(_levels(values, env, name) for env in view.environments)])
    for layer in ("host", "vm"):
        for tool_class in ("summary", "details_filtered", "details_unfiltered"):
            for topic in ("latency", "throughput", "tool_cpu"):
                cells = [
                    _range(view, env, layer, tool_class, topic) for env in view.environments
                ]  # fmt: skip
                if any(cell.text != DASH for cell in cells):
                    label = t(
                        "architectures.range",
                        layer=t(f"layer.{layer}"),
                        tool_class=t(f"tool_class.{tool_class}"),
                        topic=t(f"topic.{topic}"),
                    )
                    rows.append([Cell(label), *cells])
    columns = [Column(t("head.measure")), *(Column(env, numeric=True) for env in view.environments)]
    return Table(t("architectures.comparison"), columns, rows)


def _levels(values: pl.DataFrame, environment: str, workload: str) -> Cell:
    """Mean baseline of the host layer / of the VM layer."""
    here = values.filter(pl.col("environment") == environment, pl.col("workload") == workload)
    means = dict(here.group_by("layer").agg(pl.col("value").mean()).iter_rows())
    unit = here["unit"][0] if here.height else ""
    words = [
        f"{number(means.get(layer))} µs"
        if unit == "us" and layer in means
        else scaled(means.get(layer), unit.removeprefix("1"))
        for layer in ("host", "vm")
    ]
    return Cell(" / ".join(words))


def _range(view: View, environment: str, layer: str, tool_class: str, topic: str) -> Cell:
    """Smallest to largest change among the cases of a class."""
    rows = view.effects.filter(
        pl.col("environment") == environment,
        pl.col("layer") == layer,
        pl.col("tool_class") == tool_class,
        pl.col("topic") == topic,
        pl.col("verdict") != "invalid",
        pl.col("kind") == "tool",
    )["change"].drop_nulls()
    if rows.is_empty():
        return Cell(DASH)
    low, high = float(rows.min()), float(rows.max())  # type: ignore[arg-type]
    ends = [f"{number(end)} %" if topic == "tool_cpu" else percent(end) for end in (low, high)]
    return Cell(" … ".join(dict.fromkeys(ends)))


def _suitability(view: View) -> Table:
    """For each environment the tools by answer."""
    t = view.t
    rows = []
    for environment in view.environments:
        here = [tool for tool in view.measured if tool.environment == environment]
        cells = [
            Cell(_names({"tool": r.tool} for r in here if r.usage.answer == answer))
            for answer in Answer
        ]
        rows.append([Cell(environment), *cells])
    columns = [Column(t("head.environment")), *(Column(t(f"answer.{a}")) for a in Answer)]
    return Table(t("architectures.suitability"), columns, rows)


def _names(rows: Iterable[Row]) -> str:
    return ", ".join(sorted({row["tool"] for row in rows})) or DASH
