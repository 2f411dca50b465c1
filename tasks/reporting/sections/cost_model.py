"""The design's cost model of a BPF program, and what was measured beside it."""

from collections.abc import Iterator

import polars as pl

from ..columns import matrix
from ..design_targets import Range, cost_bands, cost_parts
from ..document import Cell, ReportTable, Section
from ..kernel_cost import program_cost
from ..numbers import DASH, number
from ..view import View


def section(view: View) -> Section | None:
    """Only where BPF programs were timed; the model alone says nothing about a campaign."""
    t = view.t
    measured = program_cost(view.bundle.bpf_programs, ("tool", "tool_class"))
    if measured.is_empty():
        return None
    tables = _parts(view), _classes(view, measured)
    return Section("cost_model", t("cost_model.title"), t("cost_model.lead"), *tables)


def _parts(view: View) -> ReportTable:
    """The cost of each part of an event, and how often it occurs in one of each class."""
    t = view.t
    bands = cost_bands()
    heads = [t("cost_model.part"), t("cost_model.ns"), *(t(f"tool_class.{name}") for name in bands)]

    def times(ends: Range | None) -> Cell:
        return Cell("–".join(f"{end:g}" for end in dict.fromkeys(ends or ())) or DASH)

    rows = [
        (t(f"cost_model.parts.{name}"), [times(ns), *map(times, often)])
        for name, ns, often in cost_parts()
    ]
    return matrix(t("cost_model.parts_caption"), heads, rows, numeric=True)


def _classes(view: View, measured: pl.DataFrame) -> ReportTable:
    """For each class the ns/event of the model and of the programs that were measured."""
    t = view.t
    heads = [
        t(f"cost_model.{name}") for name in ("class", "model", "measured", "above", "programs")
    ]
    return matrix(t("cost_model.classes"), heads, _compared(view, measured), numeric=True)


def _compared(view: View, measured: pl.DataFrame) -> Iterator[tuple[str, list[Cell]]]:
    for tool_class, (low, high) in cost_bands().items():
        found = sorted(measured.filter(tool_class=tool_class)["ns_per_event"])
        if not found:
            continue
        ends = [number(end, 0) for end in (low, high, found[0], found[-1])]
        above = sum(ns > high for ns in found)
        yield (
            view.t(f"tool_class.{tool_class}"),
            [
                Cell("–".join(dict.fromkeys(ends[:2]))),
                Cell("–".join(dict.fromkeys(ends[2:]))),
                Cell(number(above, 0)),
                Cell(number(len(found), 0)),
            ],
        )
