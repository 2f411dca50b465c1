"""The history page: what changed between nights, the hosts' own levels, every tool's cost."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import polars as pl

from ..model.metrics import METRICS
from .changed import changed_table
from .charts.night_series import over_nights
from .document import Block, Bullets, Cell, Chart, Column, Heading, Prose, Section, Table
from .numbers import DASH, interval, number, percent, quantity
from .page import Page, write_page
from .past import HOSTS, History, Past, case_labels
from .texts import Lang, Texts
from .view import Row, with_changes

__all__ = ["History", "history_page", "write_history"]

_PLACE = ("environment", "layer")


def write_history(history: History, directory: Path, languages: Sequence[Lang]) -> list[Path]:
    """Writes `history.<lang>.html` and `history.<lang>.md`; returns their paths."""
    pages = [history_page(history, lang) for lang in languages]
    return [path for page in pages for path in write_page(page, directory)]


def history_page(history: History, lang: Lang) -> Page:
    past = Past(history, Texts(lang))
    sections = [_changed(past), *_hosts(past), *_tools(past)]
    title = past.t("history.title")
    return Page("history", past.t, title, _subtitle(past), history.generated_at, sections)


def _subtitle(past: Past) -> str:
    nights = past.history.nights
    if nights.is_empty():
        return past.t("report.subtitle_empty")
    return past.t(
        "history.subtitle",
        environments=len(past.counts),
        nights=nights.select("environment", "run").n_unique(),
        span=_span(nights["night"]),
    )


def _changed(past: Past) -> Section:
    t = past.t
    title = t("history.changed_title")
    short = [
        t("history.no_night" if count == 0 else "history.one_night", environment=environment)
        for environment, count in past.counts.items()
        if count < 2
    ]
    blocks: list[Block] = [Bullets(short)] if short else []
    if not past.counts:
        blocks.append(Prose(t("history.nothing")))
    if past.environments:
        table = changed_table(past)
        blocks = [Prose(t("history.lead")), *blocks, table or Prose(t("history.unchanged"))]
    return Section("changed", title, blocks)


def _hosts(past: Past) -> Iterator[Section]:
    """The baselines' levels: what the hosts did by themselves."""
    t = past.t
    blocks: list[Block] = []
    nights = past.history.nights.filter(HOSTS, pl.col("environment").is_in(past.environments))
    for (environment, layer), rows in sorted(nights.group_by(*_PLACE), key=lambda item: item[0]):
        blocks.append(Heading(f"{environment} · {t(f'layer.{layer}')}"))
        breaks = past.breaks.filter(
            HOSTS, pl.col("environment") == environment, pl.col("layer") == layer
        )
        metrics = dict(rows.select("workload", "metric").iter_rows())
        ordered = [name for names in past.by_protocol(metrics) for name in names]
        titles = {name: (past.workload(name), _unit(metrics[name])) for name in ordered}
        drawn = over_nights(rows.with_columns(name=pl.lit("")), breaks, titles, ticks="~s")
        blocks.append(Chart(t("history.hosts_chart"), drawn))
        blocks.append(_levels(past, rows, ordered))
    if blocks:
        yield Section("hosts", t("history.hosts_title"), [Prose(t("history.hosts_lead")), *blocks])


def _unit(metric: str) -> str:
    return METRICS[metric].unit.replace("us", "µs")


def _levels(past: Past, nights: pl.DataFrame, workloads: Sequence[str]) -> Table:
    """The hosts' level of each workload in each epoch."""
    t = past.t
    level, night = pl.col("level"), pl.col("night")
    epochs = nights.group_by("workload", "metric", "epoch").agg(
        median=level.median(), low=level.min(), high=level.max(),
        nights=pl.len(), first=night.min(), last=night.max(),
    )  # fmt: skip
    rows = []
    for name in workloads:
        for row in epochs.filter(pl.col("workload") == name).sort("first").to_dicts():
            low, middle, high = (
                quantity(row[column], METRICS[row["metric"]].unit)
                for column in ("low", "median", "high")
            )
            rows.append(
                [
                    Cell(past.workload(name), sort=name),
                    Cell(_span((row["first"], row["last"]))),
                    Cell(number(row["nights"], 0), sort=row["nights"]),
                    Cell(middle, sort=row["median"]),
                    Cell(f"{low} – {high}"),
                ]
            )
    columns = [
        Column(t("head.workload")),
        Column(t("history.epoch")),
        Column(t("history.nights"), numeric=True),
        Column(t("history.median"), numeric=True),
        Column(t("baselines.range"), numeric=True),
    ]
    return Table(t("history.levels"), columns, rows)


def _tools(past: Past) -> Iterator[Section]:
    """A section an environment: each tool over the nights, and its cost within each epoch."""
    t = past.t
    for place, environment in enumerate(past.environments, start=1):
        nights = past.history.nights.filter(~HOSTS, pl.col("environment") == environment)
        blocks: list[Block] = [Prose(t("history.tools_lead"))]
        groups = nights.group_by("layer", "tool")
        for (layer, tool), rows in sorted(groups, key=lambda item: item[0]):
            blocks += _tool(past, rows, str(layer), str(tool))
        if nights.height:
            title = t("history.tools_title", environment=environment)
            yield Section(f"tools-{place}", title, blocks)


def _tool(past: Past, nights: pl.DataFrame, layer: str, tool: str) -> Iterator[Block]:
    t = past.t
    series = ["environment", "layer", "tool"]
    labels = case_labels(past, nights)
    groups = past.by_protocol(nights["workload"])
    titles = {name: (past.workload(name), "") for names in groups for name in names}
    breaks = past.breaks.join(nights.select(series).unique(), on=series, how="semi")
    named = nights.with_columns(name=pl.col("case").replace_strict(labels))
    yield Heading(f"{tool} · {t(f'layer.{layer}')}")
    yield Chart(t("history.tool_chart"), over_nights(named, breaks, titles))
    epochs = with_changes(
        past.combined.join(nights.select(series).unique(), on=series, how="semi").sort(
            "case", "first"
        )
    )
    for names in groups:
        yield _combined(past, epochs.filter(pl.col("workload").is_in(names)), names, labels)


def _combined(
    past: Past, epochs: pl.DataFrame, workloads: Sequence[str], labels: Mapping[str, str]
) -> Table:
    """A row for each case in each epoch: the combined change of every workload of one protocol."""
    t, protocol = past.t, past.protocol(workloads[0])
    rows = [
        _epoch(past, labels[str(case)], group.to_dicts(), workloads)
        for (case, _), group in epochs.group_by("case", "epoch", maintain_order=True)
    ]
    columns = [
        Column(t("head.case")),
        Column(t("history.epoch")),
        Column(t("history.nights"), numeric=True),
        *(Column(past.workload(name), sub=t("head.change"), numeric=True) for name in workloads),
    ]
    return Table(" · ".join(filter(None, (t("history.combined"), protocol))), columns, rows)


def _epoch(past: Past, label: str, rows: Sequence[Row], workloads: Sequence[str]) -> list[Cell]:
    by_workload = {row["workload"]: row for row in rows}
    counts = sorted({row["nights"] for row in rows})
    ends = [row[end] for row in rows for end in ("first", "last")]
    return [
        Cell(label, sort=label, mark="name"),
        Cell(_span(ends)),
        Cell("–".join(str(count) for count in dict.fromkeys((counts[0], counts[-1])))),
        *(_change(past, by_workload.get(name)) for name in workloads),
    ]


def _change(past: Past, row: Row | None) -> Cell:
    """The metric's own change over its interval, ordered by cost; one night has no interval.

    Where the level changed within the epoch, the cell says how many levels it averages.
    """
    if row is None:
        return Cell(DASH)
    ends = interval(row["change_low"], row["change_high"])
    mixed = past.t("history.mixed", count=row["levels"]) if row["levels"] > 1 else ""
    sub = ", ".join(filter(None, (ends, mixed)))
    return Cell(percent(row["change"]), sub=sub, sort=row["estimate"])


def _span(moments: Iterable[datetime]) -> str:
    """`2026-03-01 – 2026-03-07`."""
    ordered = sorted(moments)
    return f"{ordered[0]:%Y-%m-%d} – {ordered[-1]:%Y-%m-%d}"
