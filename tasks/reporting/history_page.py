"""The history page: what changed between nights, the hosts' own levels, every tool's cost."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import polars as pl

from ..model.metrics import METRICS
from .charts.night_series import over_nights
from .columns import number_column
from .document import Block, Bullets, Cell, Heading, ReportColumn, ReportTable, Section
from .history_changes import changes_table
from .history_view import HOSTS, History, HistoryView, label
from .numbers import DASH, interval, percent, quantity
from .page import Page
from .texts import Lang, Texts
from .view import Row


def history_page(history: History, lang: Lang) -> Page:
    view = HistoryView(history, Texts(lang))
    sections = [_changed(view), *_hosts(view), *_tools(view)]
    title = view.t("history.title")
    contents = [(section.id, section.title) for section in sections]
    return Page("history", view.t, title, _subtitle(view), history.generated_at, sections, contents)


def _subtitle(view: HistoryView) -> str:
    nights = view.history.nights
    if nights.is_empty():
        return view.t("report.subtitle_empty")
    return view.t(
        "history.subtitle",
        environments=len(view.counts),
        nights=nights.select("environment", "run").n_unique(),
        span=_span(nights["night"]),
    )


def _changed(view: HistoryView) -> Section:
    t = view.t
    short = [
        t("history.no_night" if count == 0 else "history.one_night", environment=environment)
        for environment, count in view.counts.items()
        if count < 2
    ]
    several = view.environments
    return Section(
        "changed",
        t("history.changed_title"),
        t("history.lead") if several else None,
        Bullets(short) if short else None,
        None if view.counts else t("history.nothing"),
        (changes_table(view) or t("history.unchanged")) if several else None,
    )


def _hosts(view: HistoryView) -> Iterator[Section]:
    """The baselines' levels: what the hosts did by themselves."""
    t = view.t
    nights = view.history.nights.filter(HOSTS, pl.col("environment").is_in(view.environments))
    blocks: list[Block] = []
    for (environment, layer), rows in sorted(nights.group_by("environment", "layer")):
        metrics = dict(rows.select("workload", "metric").iter_rows())
        ordered = [name for names in view.by_protocol(metrics) for name in names]
        titles = {
            name: (view.workload(name), METRICS[metrics[name]].unit.replace("us", "µs"))
            for name in ordered
        }
        changes = view.changes.filter(HOSTS, environment=environment, layer=layer)
        levels = rows.with_columns(name=pl.lit(""))
        blocks += [
            Heading(f"{environment} · {t(f'layer.{layer}')}"),
            over_nights(t("history.hosts_chart"), levels, changes, titles, ticks="~s"),
            _levels(view, rows, ordered),
        ]
    if blocks:
        yield Section("hosts", t("history.hosts_title"), t("history.hosts_lead"), *blocks)


def _levels(view: HistoryView, nights: pl.DataFrame, workloads: Sequence[str]) -> ReportTable:
    """The hosts' level of each workload in each epoch."""
    t = view.t
    level, night = pl.col("level"), pl.col("night")
    epochs = nights.group_by("workload", "metric", "epoch").agg(
        median=level.median(), low=level.min(), high=level.max(),
        nights=pl.len(), first=night.min(), last=night.max(),
    )  # fmt: skip

    def written(row: Row, name: str) -> str:
        return quantity(row[name], METRICS[row["metric"]].unit)

    columns = [
        ReportColumn(
            t("head.workload"),
            lambda row: Cell(view.workload(row["workload"]), sort=row["workload"]),
        ),
        ReportColumn(t("history.epoch"), lambda row: Cell(_span((row["first"], row["last"])))),
        number_column(t("history.nights"), "nights", 0),
        ReportColumn(
            t("history.median"),
            lambda row: Cell(written(row, "median"), sort=row["median"]),
            numeric=True,
        ),
        ReportColumn(
            t("baselines.range"),
            lambda row: Cell(f"{written(row, 'low')} – {written(row, 'high')}"),
            numeric=True,
        ),
    ]
    ordered = epochs.sort(pl.col("workload").cast(pl.Enum(workloads)), "first")
    return ReportTable(t("history.levels"), columns, ordered.to_dicts())


def _tools(view: HistoryView) -> Iterator[Section]:
    """A section an environment: each tool over the nights, and its cost within each epoch."""
    t = view.t
    for place, environment in enumerate(view.environments, start=1):
        nights = view.history.nights.filter(~HOSTS, environment=environment)
        blocks = [
            block
            for (layer, tool), rows in sorted(nights.group_by("layer", "tool"))
            for block in _tool(view, rows, layer, tool)
        ]
        if blocks:
            title = t("history.tools_title", environment=environment)
            yield Section(f"tools-{place}", title, t("history.tools_lead"), *blocks)


def _tool(view: HistoryView, nights: pl.DataFrame, layer: str, tool: str) -> Iterator[Block]:
    t = view.t
    series = nights.select("environment", "layer", "tool").unique()
    labels = {row["case"]: label(row) for row in nights.select("case", "tool").unique().to_dicts()}
    groups = view.by_protocol(nights["workload"])
    titles = {name: (view.workload(name), "") for names in groups for name in names}
    changes = view.changes.join(series, on=series.columns, how="semi")
    named = nights.with_columns(name=pl.col("case").replace_strict(labels))
    yield Heading(f"{tool} · {t(f'layer.{layer}')}")
    yield over_nights(t("history.tool_chart"), named, changes, titles)
    epochs = view.combined.join(series, on=series.columns, how="semi").sort("case", "first")
    for names in groups:
        own = epochs.filter(pl.col("workload").is_in(names))
        yield _combined(view, own.group_by("case", "epoch", maintain_order=True), names, labels)


def _combined(
    view: HistoryView, groups: Any, workloads: Sequence[str], labels: Mapping[str, str]
) -> ReportTable:
    """A row for each case in each epoch: the combined cost on every workload of one protocol."""
    t = view.t

    def case(rows: list[Row]) -> Cell:
        name = labels[rows[0]["case"]]
        return Cell(name, sort=name, mark="name")

    def span(rows: list[Row]) -> Cell:
        return Cell(_span(row[end] for row in rows for end in ("first", "last")))

    def nights(rows: list[Row]) -> Cell:
        counts = [row["nights"] for row in rows]
        return Cell("–".join(dict.fromkeys((str(min(counts)), str(max(counts))))))

    def cost(workload: str) -> ReportColumn:
        def cell(rows: list[Row]) -> Cell:
            return _cost(view, next((r for r in rows if r["workload"] == workload), None))

        return ReportColumn(view.workload(workload), cell, t("head.cost_interval"), numeric=True)

    columns = [
        ReportColumn(t("head.case"), case),
        ReportColumn(t("history.epoch"), span),
        ReportColumn(t("history.nights"), nights, numeric=True),
        *map(cost, workloads),
    ]
    caption = " · ".join(filter(None, (t("history.combined"), view.protocol(workloads[0]))))
    return ReportTable(caption, columns, [rows.to_dicts() for _, rows in groups])


def _cost(view: HistoryView, row: Row | None) -> Cell:
    """The cost over its interval; one night has neither.

    Where the level changed within the epoch, the cell says how many levels it averages.
    """
    if row is None:
        return Cell(DASH)
    ends = interval(row["ci_low"], row["ci_high"])
    mixed = view.t("history.mixed", count=row["levels"]) if row["levels"] > 1 else ""
    sub = ", ".join(filter(None, (ends, mixed)))
    known = None if row["ci_low"] is None else row["estimate"]
    return Cell(percent(known), sub=sub, sort=row["estimate"])


def _span(moments: Iterable[datetime]) -> str:
    """`2026-03-01 – 2026-03-07`."""
    ordered = sorted(moments)
    return f"{ordered[0]:%Y-%m-%d} – {ordered[-1]:%Y-%m-%d}"
