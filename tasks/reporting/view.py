"""What the sections ask of a bundle: effects by topic, costs by tool, shapes of workloads."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl

from ..model.clock_kind import Clock
from ..model.metrics import PRIMARY
from ..model.outcome import UNATTACHABLE
from ..model.plan import TOGETHER
from ..statistics.decision_rules import rules_of
from ..statistics.differences import cell_values, differences
from ..statistics.interactions import NO_INTERACTIONS, interactions
from ..statistics.load_curve import Curve, Place, load_curves
from ..statistics.nights import nights_measured
from ..statistics.prediction import EmptyProbe, Parts, known_probes, parts_of
from ..statistics.usage import LIMITS, Usage, cannot_attach, ratable, rate, severity
from ..storage.schema import CASE_KEY, CELLS, PARTITION
from .bundle import Bundle
from .design_targets import entry_ns
from .findings import Findings
from .kernel_cost import kernel_cost
from .texts import Texts

TOPICS = ("throughput", "latency", "pps")
"""What a workload measures; the order in which the report shows it."""

_APART = ("load", "start")
"""Kinds of workload that no band is given for: each has a section of its own."""

TOPIC_OF = {metric: kind for (kind, _), metric in PRIMARY.items() if kind not in _APART}

RESOURCES = {"tool_cpu_pct": "tool_cpu", "log_mib_per_min": "log"}

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class WorkloadShape:
    """What a workload is, from the run's own settings."""

    kind: str
    protocol: str
    streams: int
    load_pct: int | None = None


@dataclass(frozen=True)
class ToolRow:
    """What one tool, or one of its cases or protocols, cost on one layer of one environment.

    `effects` are rows of `View.effects`; `kernel_ns` is the time that its BPF programs add to a
    packet, ns.
    """

    environment: str
    layer: str
    tool: str
    kind: str
    tool_class: str | None
    case: str
    protocol: str | None
    effects: Sequence[Row]
    kernel_ns: float | None = None
    cannot_attach: str | None = None  # what the kernel of its host lacks, one sentence

    @cached_property
    def worst(self) -> dict[str, Row]:
        """topic -> the largest cost; for the topic that decides the permitted use, the deciding
        effect."""
        deciding = self.usage.effect
        return worst_by_topic(self.rated) | worst_by_topic([deciding] if deciding else [])

    @cached_property
    def worst_by_workload(self) -> dict[str, Row]:
        """workload -> the largest cost in its primary metric."""
        known = (row for row in self.rated if row["primary"] and row["ci_high"] is not None)
        return {row["workload"]: row for row in sorted(known, key=severity)}

    def at_most(self, topic: str) -> float | None:
        """The cost that no effect of a topic can exceed; None where one of them is not known."""
        rows = [row for row in self.effects if row["topic"] == topic]
        if not rows or any(
            row["withheld"] or row["verdict"] == "invalid" or row["ci_high"] is None for row in rows
        ):
            return None
        return float(self.worst[topic]["ci_high"])

    def at_least(self, topic: str) -> float:
        """The cost that the tool is shown to have; -inf where nothing is shown."""
        row = self.worst.get(topic)
        shown = row is not None and not row["withheld"] and row["ci_low"] is not None
        return float(row["ci_low"]) if row and shown else float("-inf")

    @cached_property
    def lost(self) -> tuple[float | None, float | None]:
        """Bounds of the share of its events that the tool lost, %, under the workload where it lost
        most; None: not visible."""
        lows = [low for row in self.rated if (low := row.get("lost_low_pct")) is not None]
        highs = [row.get("lost_high_pct") for row in self.rated]
        bounded = bool(highs) and None not in highs
        return max(lows, default=None), max(filter(None, highs), default=0.0) if bounded else None

    @cached_property
    def verdict(self) -> str:
        return combined_verdict(self.effects)

    @cached_property
    def usage(self) -> Usage:
        """The permitted use with the effect that decides it: the only source of both."""
        if self.cannot_attach is not None:
            return cannot_attach(self.cannot_attach)
        return rate(self.rated, self.tool_class)

    @cached_property
    def rated(self) -> list[Row]:
        """The effects with the intervals by which they are rated."""
        return ratable(row for row in self.effects if row["topic"] in LIMITS)


_NAMES = ("environment", "layer", "tool", "kind", "tool_class", "case", "protocol")


def tool_row(effects: Sequence[Row], kernel_ns: float | None = None) -> ToolRow:
    """`effects` as one row, named like the first of them."""
    return ToolRow(
        **{name: effects[0][name] for name in _NAMES}, effects=effects, kernel_ns=kernel_ns
    )


class View:
    """One bundle in one language, with everything derived from it computed once."""

    def __init__(self, bundle: Bundle, texts: Texts) -> None:
        self.bundle, self.t = bundle.told_apart(), texts
        self.findings = Findings(self.bundle.checks)
        self.shapes = workload_shapes(self.bundle.runs)

    @cached_property
    def environments(self) -> list[str]:
        return sorted(self.bundle.runs["environment"].unique().to_list())

    @cached_property
    def by_count(self) -> bool:
        """Whether the figures count instructions; all runs of a bundle are on one clock."""
        return Clock.INSTRUCTIONS in self.bundle.runs["clock"]

    @cached_property
    def cost_head(self) -> str:
        """What stands below the head of a column of costs, which says what they are."""
        return self.t("head.cost_by_count" if self.by_count else "head.cost_interval")

    @cached_property
    def sequential(self) -> set[str]:
        """The environments that were measured until decided."""
        designs = self.bundle.runs.select("environment", "design").iter_rows()
        return {name for name, text in designs if (settings(text) or {}).get("until_decided")}

    @cached_property
    def tonight(self) -> str | None:
        """That the figures are those of one night, with the environments of which this is so."""
        nights = nights_measured(self.bundle.cells)
        once = [name for name in self.environments if nights.get(name) == 1]
        return self.t("tonight", environments=", ".join(once)) if once else None

    @cached_property
    def effects(self) -> pl.DataFrame:
        """Effects of tools and placebos with `topic` and `withheld`."""
        apart = [name for name, shape in self.shapes.items() if shape.kind in _APART]
        frame = with_topics(self.bundle.effects.filter(pl.col("kind") != "baseline"), apart)
        return frame.with_columns(withheld=pl.col("withheld_by").is_not_null())

    def kernel_ns(self, by: str) -> dict[tuple[str, str, str], float]:
        """(environment, layer, tool or case) -> time in the kernel, ns/packet."""
        costs = kernel_cost(self.bundle.bpf_programs, (by,))
        keys = ("environment", "layer", by)
        return {
            (e, la, name): ns for e, la, name, ns in costs.select(*keys, "ns_per_packet").rows()
        }

    @cached_property
    def unattached(self) -> list[ToolRow]:
        """The tools that no cell was measured of because their host's kernel lacks what they attach
        to. They have no effects."""
        by = ("environment", "layer", "tool")
        cells = self.bundle.cells.filter(kind="tool").with_columns(
            lacking=pl.col("gate").eq(UNATTACHABLE).fill_null(False)
        )
        found = cells.group_by(*by).agg(
            pl.col("tool_class", "case", "protocol").first(),
            why=pl.col("reason").filter("lacking").first(),
            measured=(pl.col("status") == "passed").any(),
        )
        return [
            ToolRow(
                **{name: row[name] for name in (*by, "tool_class", "case", "protocol")},
                kind="tool",
                effects=(),
                cannot_attach=row["why"],
            )
            for row in found.drop_nulls("why").filter(~pl.col("measured")).to_dicts()
        ]

    @cached_property
    def tools(self) -> list[ToolRow]:
        """Every tool and placebo, by environment, layer and name; placebos last. Tools together
        are no tool: see `sets`."""
        kernel = self.kernel_ns("tool")
        alone = pl.col("category").ne_missing(TOGETHER)
        judged = self.effects.filter(pl.col("topic").is_not_null(), alone)
        lacking = {(row.environment, row.layer, row.tool): row for row in self.unattached}
        rows = [
            tool_row(group.to_dicts(), kernel.get((environment, layer, tool)))
            for (environment, layer, tool, _), group in judged.group_by(
                "environment", "layer", "tool", "kind"
            )
            if (environment, layer, tool) not in lacking
        ]
        rows += lacking.values()
        return sorted(rows, key=lambda r: (r.environment, r.layer, r.kind != "tool", r.tool))

    @cached_property
    def sets(self) -> dict[Place, ToolRow]:
        """Tools that ran at once, each set as if it were one tool."""
        together = self.effects.filter(pl.col("topic").is_not_null(), category=TOGETHER)
        return {
            tuple(map(str, place)): tool_row(group.to_dicts())  # type: ignore[misc]
            for place, group in together.group_by(CASE_KEY)
        }

    @cached_property
    def measured(self) -> list[ToolRow]:
        """The tools without the placebos."""
        return [row for row in self.tools if row.kind == "tool"]

    @cached_property
    def load_curves(self) -> list[Curve]:
        """The load curve of each case, the placebos' too; empty without load workloads."""
        shares = load_shares(self.bundle.runs)
        bundle = self.bundle
        return load_curves(bundle.effects, bundle.samples, bundle.cells, shares, bundle.margins)

    @cached_property
    def cost_parts(self) -> tuple[list[EmptyProbe], dict[Place, Parts]]:
        """The empty probes that are known, and what a packet costs each case by its programs."""
        programs = self.bundle.bpf_programs
        probes = known_probes(self.load_curves, programs, entry_ns())
        return probes, parts_of(self.load_curves, programs, probes)

    @cached_property
    def interactions(self) -> pl.DataFrame:
        """What tools that run at once cost beyond their sum, as `statistics.interactions` says; the
        verdict is withheld where that on the set's own cost is."""
        bundle = self.bundle
        together = bundle.cells.join(
            bundle.cells.drop_nulls("parts").select(PARTITION).unique(), on=PARTITION, how="semi"
        )
        if together.is_empty():
            return NO_INTERACTIONS
        diffs = differences(cell_values(together, bundle.samples))
        found = interactions(together, diffs, bundle.margins, rules_of(bundle.runs))
        on = [*CASE_KEY, "workload", "metric"]
        held = bundle.effects.drop_nulls("withheld_by").select(*on, "reason", "reason_zh")
        joined = found.join(held, on=on, how="left", maintain_order="left", suffix="_held")
        is_held = pl.col("reason_held").is_not_null()
        return joined.with_columns(
            pl.when(is_held).then(pl.lit("withheld")).otherwise("verdict").alias("verdict"),
            reason=pl.coalesce("reason_held", "reason"),
            reason_zh=pl.coalesce("reason_zh_held", "reason_zh"),
        ).select(found.columns)

    def rates(self, tool: ToolRow) -> tuple[float | None, float | None] | None:
        """The packet rate up to which all cases of the tool are safe, and from which on one of them
        is too much; None without a load curve."""
        curves = [
            curve
            for curve in self.load_curves
            if (curve.place[0], curve.place[2]) == (tool.environment, tool.layer)
            and (curve.kind, curve.tool) == (tool.kind, tool.tool)
        ]
        if not curves:
            return None
        safe = [curve.safe_pps for curve in curves]
        too_much = [curve.too_much_pps for curve in curves if curve.too_much_pps is not None]
        known = [rate for rate in safe if rate is not None]
        return min(known) if len(known) == len(safe) else None, min(too_much, default=None)

    @cached_property
    def by_protocol(self) -> list[ToolRow]:
        """The tools that were measured watching several protocols, a row for each of these."""
        judged = self.effects.filter(kind="tool").drop_nulls(["topic", "protocol"])
        several = judged.filter(pl.col("protocol").n_unique().over("tool") > 1)
        groups = several.group_by("tool", "environment", "layer", "protocol")
        return [tool_row(group.to_dicts()) for _, group in sorted(groups)]

    @cached_property
    def in_columns(self) -> list[str]:
        """Workloads that have a column: of one kind and protocol the first single and multiple."""
        first: dict[tuple[str, str, bool], str] = {}
        for name, shape in self.shapes.items():
            if shape.kind in TOPICS:
                first.setdefault((shape.kind, shape.protocol, shape.streams > 1), name)
        return list(first.values())

    def workload(self, name: str) -> str:
        """The workload's name for a reader: `TCP throughput, 4 streams`."""
        return workload_name(self.t, self.shapes, name)


def settings(text: str | None) -> Any:
    """The content of a JSON column of the runs; None if it is empty."""
    return json.loads(text) if text else None


def workload_shapes(runs: pl.DataFrame) -> dict[str, WorkloadShape]:
    """Workload's name -> its shape, from the `workloads` JSON (a list of settings) of all runs."""
    shapes: dict[str, WorkloadShape] = {}
    for text in runs["workloads"]:
        for item in settings(text) or []:
            shapes[item["name"]] = WorkloadShape(
                item["kind"], item["protocol"], item.get("streams") or 1, item.get("load_pct")
            )
    return shapes


def load_shares(runs: pl.DataFrame) -> dict[str, int]:
    """Load workload's name -> its packet rate in % of what the baseline holds."""
    listed = [item for text in runs["workloads"] for item in settings(text) or []]
    return {item["name"]: item["load_pct"] for item in listed if item["kind"] == "load"}


def workload_name(t: Texts, shapes: Mapping[str, WorkloadShape], name: str) -> str:
    """`TCP throughput, 4 streams`, and the bare name behind it for a second workload of that shape;
    the bare name alone if the runs do not hold its settings."""
    shape = shapes.get(name)
    if shape is None:
        return name
    tail = "latency" if shape.load_pct is None else "tail_beside"
    keys = {"latency": "latency", "tail": tail, "load": "load", "start": "start"}
    key = keys.get(shape.kind, "one" if shape.streams == 1 else "many")
    text = t(
        f"workload.{key}",
        kind=t(f"workload.kind.{shape.kind}"),
        protocol=shape.protocol.upper(),
        streams=shape.streams,
        load_pct=shape.load_pct,
    )
    first = next(other for other, known in shapes.items() if known == shape)
    return text if name == first else f"{text} ({name})"


def with_topics(effects: pl.DataFrame, without: Sequence[str] = ()) -> pl.DataFrame:
    """Adds `topic`: what a primary effect or a resource is about, a key of `usage.LIMITS`; null for
    the primary effects of the workloads `without`.

    Estimates stay costs, positive where the tool makes things worse: here as in every file.
    """
    rated = pl.col("primary") & ~pl.col("workload").is_in(list(without))
    topic = pl.when(rated).then(
        pl.col("metric").replace_strict(TOPIC_OF, default=None, return_dtype=pl.String)
    )
    resource = pl.col("metric").replace_strict(RESOURCES, default=None, return_dtype=pl.String)
    return effects.with_columns(topic=topic.otherwise(resource))


def passed_samples(bundle: Bundle, metrics: Iterable[str]) -> pl.DataFrame:
    """The samples of these metrics in passed cells, with what their cell was and when it ran."""
    cells = bundle.cells.filter(status="passed").select(
        *CELLS.key, "kind", "tool", "protocol", "direction", "started", "ended"
    )
    wanted = bundle.samples.filter(pl.col("metric").is_in(list(metrics)))
    return wanted.join(cells, on=CELLS.key)


def worst_by_topic(rated: Iterable[Row]) -> dict[str, Row]:
    """topic -> the largest cost, as it is rated, of those with a figure that may be shown."""
    known = [row for row in rated if row["estimate"] is not None and row["verdict"] != "invalid"]
    return {row["topic"]: row for row in sorted(known, key=severity)}


_SEVERITY = (
    "overhead",
    "overhead_unresolved",
    "implausible_gain",
    "invalid",
    "inconclusive",
    "no_overhead_within_margin",
)


def combined_verdict(rows: Iterable[Row]) -> str:
    """The most severe verdict of the primary effects; `withheld` if a blocking check failed."""
    listed = [row for row in rows if row["primary"]]
    if any(row["withheld"] for row in listed):
        return "withheld"
    return min((row["verdict"] for row in listed), key=_SEVERITY.index, default="inconclusive")
