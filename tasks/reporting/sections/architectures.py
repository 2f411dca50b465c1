"""The environments side by side, and which tools each is fit for. Needs two environments."""

from collections.abc import Iterator
from itertools import product

import polars as pl

from ...statistics.usage import Answer
from .. import charts
from ..columns import matrix
from ..document import Cell, ReportTable, Section
from ..numbers import DASH, number, percent, quantity
from ..view import View
from .baseline_levels import baseline_values


def section(view: View) -> Section | None:
    t = view.t
    if len(view.environments) < 2:
        return None
    return Section(
        "architectures",
        t("architectures.title"),
        t("architectures.lead"),
        charts.environments(view),
        _comparison(view),
        _suitability(view),
    )


def _comparison(view: View) -> ReportTable:
    heads = [view.t("head.measure"), *view.environments]
    rows = [*_baselines(view), *_ranges(view)]
    return matrix(view.t("architectures.comparison"), heads, rows, numeric=True)


def _baselines(view: View) -> Iterator[tuple[str, list[Cell]]]:
    """Mean baseline of the host layer / of the VM layer in each environment."""
    levels = baseline_values(view).group_by("environment", "workload", "layer")
    means = {
        (*place,): quantity(mean, unit)
        for *place, mean, unit in levels.agg(pl.mean("value"), pl.first("unit")).rows()
    }
    for name, shape in view.shapes.items():
        if shape.protocol == "tcp":
            yield (
                view.t("architectures.baseline", workload=view.workload(name)),
                [
                    Cell(" / ".join(means.get((env, name, la), DASH) for la in ("host", "vm")))
                    for env in view.environments
                ],
            )


def _ranges(view: View) -> Iterator[tuple[str, list[Cell]]]:
    """Smallest to largest cost among the cases of each class that was measured."""
    classes = ("summary", "details_filtered", "details_unfiltered")
    topics = ("latency", "throughput", "tool_cpu")
    for layer, tool_class, topic in product(("host", "vm"), classes, topics):
        costs = view.effects.filter(
            pl.col("verdict") != "invalid", kind="tool", layer=layer, tool_class=tool_class,
            topic=topic,
        ).drop_nulls("ci_low")  # fmt: skip
        ends = costs.group_by("environment").agg(low=pl.min("estimate"), high=pl.max("estimate"))
        ranges = {environment: _range(topic, low, high) for environment, low, high in ends.rows()}
        if ranges:
            label = view.t(
                "architectures.range",
                layer=view.t(f"layer.{layer}"),
                tool_class=view.t(f"tool_class.{tool_class}"),
                topic=view.t(f"topic.{topic}"),
            )
            yield label, [Cell(ranges.get(env, DASH)) for env in view.environments]


def _range(topic: str, *ends: float) -> str:
    shown = [f"{number(end)} %" if topic == "tool_cpu" else percent(end) for end in ends]
    return " … ".join(dict.fromkeys(shown))


def _suitability(view: View) -> ReportTable:
    """For each environment the tools by answer."""
    t = view.t

    def tools(environment: str, answer: Answer) -> Cell:
        names = {
            tool.tool
            for tool in view.measured
            if (tool.environment, tool.usage.answer) == (environment, answer)
        }
        return Cell(", ".join(sorted(names)) or DASH)

    given = {tool.usage.answer for tool in view.measured}
    answers = [a for a in Answer if a is not Answer.CANNOT_ATTACH or a in given]
    heads = [t("head.environment"), *(t(f"answer.{answer}") for answer in answers)]
    rows = [(env, [tools(env, answer) for answer in answers]) for env in view.environments]
    return matrix(t("architectures.suitability"), heads, rows)
