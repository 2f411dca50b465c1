"""The eight tables, each defined once: column, type, unit, meaning.

Schema versions, newest first; a change adds a line here and raises `VERSION`:

7 — 2026-11-25: `bpf_programs.probe`, null: not known. `cells.parts`, null: one tool;
    `completeness.part`, which older rows have from their `case`.
6 — 2026-11-25: the table `completeness`; `effects.lost_low_pct` and `lost_high_pct`, null: not
    visible.
5 — 2026-11-25: `runs.clock`; older runs were measured on the wall clock.
    `samples.reason_zh`; null: known in English only.
4 — 2026-11-25: `samples.n`, `resolution` and `reason`; before, a scalar without enough readings was
    not there, or rested on readings outside the window. The Chinese of each sentence beside the
    English: `cells.reason_zh`, `effects.reason_zh`, `effects.stopped_zh`, `checks.observed_zh`,
    `checks.expected_zh`; null: known in English only, or the same in both languages. The status
    `not_judged` of checks, before `error`. `effects` come from a joint model of all runs.
    `effects.mde` is what a verdict can see (against the margin, corrected; null without a margin);
    `p_positive` and `p_gain` are held against the placebos too.
3 — 2026-11-25: `effects.withheld_by`; before, only the text of `reason` named it (`migration.py`).
2 — 2026-11-24: no new column. `effects` come from differences that are adjusted for the other
    cases of their block, and `n` counts nights if a case was measured in several.
1 — 2026-11-22: first.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

VERSION = 7

PARTITION = ("environment", "run")
"""Hive partition columns of every table, in this order."""

CASE_KEY = (*PARTITION, "layer", "case")
"""One case of one run."""

STRATUM = (*PARTITION, "layer", "workload", "metric")
"""One metric of one workload in one layer of a run: values are compared within a stratum only."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `allowed` lists its possible values; `required` forbids null."""

    name: str
    dtype: pl.DataType
    meaning: str
    unit: str = ""
    required: bool = False
    allowed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """One table: what a row is, what makes it unique, its columns."""

    name: str
    row: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]

    @property
    def schema(self) -> pl.Schema:
        return pl.Schema({column.name: column.dtype for column in self.columns})

    def frame(self, rows: Iterable[Mapping[str, Any]] = ()) -> pl.DataFrame:
        """Rows as a frame of exactly this schema. Raises KeyError for an unknown column."""
        listed = list(rows)
        known = {column.name for column in self.columns}
        for row in listed:
            if unknown := row.keys() - known:
                raise KeyError(f"table {self.name} has no column {sorted(unknown)}")
        return pl.DataFrame(listed, schema=self.schema, orient="row")


_S, _F, _I, _B = pl.String(), pl.Float64(), pl.Int64(), pl.Boolean()
_T = pl.Datetime("us", "UTC")


def _c(
    name: str,
    dtype: pl.DataType,
    meaning: str,
    unit: str = "",
    *,
    required: bool = False,
    allowed: tuple[str, ...] = (),
) -> Column:
    return Column(name, dtype, meaning, unit, required, allowed)


_ENVIRONMENT = _c("environment", _S, "environment's name", required=True)
_RUN = _c("run", _S, "run's id", required=True)
_LAYERS = ("host", "vm")
_KINDS = ("baseline", "placebo", "tool")
_CASE = (
    _c("layer", _S, "where the traffic runs", required=True, allowed=_LAYERS),
    _c("iteration", _I, "iteration, from 1", required=True),
    _c("position", _I, "place of the case in the iteration's order, from 0", required=True),
    _c("case", _S, "case's name", required=True),
)
_CELL = (
    *_CASE,
    _c("workload", _S, "workload's name", required=True),
    _c("attempt", _I, "1, or higher if the cell was measured again", required=True),
)
_TOOL = (
    _c("kind", _S, "baseline, placebo or tool", required=True, allowed=_KINDS),
    _c("tool", _S, "tool's id (script stem); empty for a baseline"),
    _c("tool_class", _S, "how the tool limits its data",
       allowed=("summary", "details_filtered", "details_unfiltered")),
    _c("category", _S, "tool's category"),
    _c("protocol", _S, "protocol the tool watches"),
    _c("direction", _S, "direction the tool watches", allowed=("rx", "tx")),
)  # fmt: skip

RUNS = Table(
    "runs",
    "one environment in one run",
    PARTITION,
    (
        _ENVIRONMENT,
        _RUN,
        _c("source", _S, "native: raw tree of this program; legacy: of the published framework",
           required=True, allowed=("native", "legacy")),
        _c("schema_version", _I, "version of these tables", required=True),
        _c("program_version", _S, "version of this program at the measurement"),
        _c("started", _T, "first cell's start"),
        _c("ended", _T, "last cell's end"),
        _c("seed", _I, "seed of the order"),
        _c("iterations", _I, "iterations planned"),
        _c("baseline_every", _I, "cases between two baselines"),
        _c("design", _S, "the design's other settings, as JSON"),
        _c("workloads", _S, "the workloads' settings, as JSON"),
        _c("facts", _S, "facts that discovery found, by node, as JSON"),
        _c("hardware", _S, "id of the hardware it shares with other environments"),
        _c("clock", _S, "what its hosts' clocks count: time, or the instructions of an emulated "
                        "machine; effects of different clocks are never compared",
           required=True, allowed=("wall", "instructions")),
        _c("raw_path", _S, "path of the raw tree when it was read"),
    ),
)  # fmt: skip

CELLS = Table(
    "cells",
    "one workload of one case in one iteration",
    (*PARTITION, "layer", "iteration", "position", "workload", "attempt"),
    (
        _ENVIRONMENT,
        _RUN,
        *_CELL,
        _c("case_id", _I, "case's number in the plan"),
        *_TOOL,
        _c("parameters", _S, "case's parameters, as JSON"),
        _c("command", _S, "the tool's command"),
        _c("parts", _S, "cases whose tools run at once in it, joined by +; null: one tool"),
        _c("tool_sha256", _S, "checksum of the tool's script on its host"),
        _c("status", _S, "terminal state", required=True,
           allowed=("passed", "invalid", "failed", "skipped")),
        _c("gate", _S, "the gate that failed"),
        _c("reason", _S, "why the cell did not pass, English"),
        _c("reason_zh", _S, "why the cell did not pass, Chinese"),
        _c("gates", _S, "result of every gate, as JSON"),
        _c("started", _T, "window's start, on the clock of the server node"),
        _c("ended", _T, "window's end, on the clock of the server node"),
        _c("window_s", _F, "window's length on the server's monotonic clock", "s"),
        _c("server", _S, "node that receives the load"),
        _c("client", _S, "node that sends the load"),
        _c("tool_host", _S, "node on which the tool runs"),
        _c("epoch", _S, "fingerprint of kernel, tool and NIC settings: cells of different epochs "
                        "are not compared"),
        _c("clock", _S, "how the windows of load and monitors were aligned",
           allowed=("same_host", "start_epoch", "unaligned")),
        _c("raw_path", _S, "the cell's folder below the raw tree's root"),
    ),
)  # fmt: skip

SAMPLES = Table(
    "samples",
    "one scalar of a cell; null is missing, never 0",
    (*PARTITION, "layer", "iteration", "position", "workload", "attempt", "metric", "node"),
    (
        _ENVIRONMENT,
        _RUN,
        *_CELL,
        _c("metric", _S, "metric's name", required=True),
        _c("value", _F, "the scalar, in `unit`"),
        _c("unit", _S, "unit of the value", required=True),
        _c("node", _S, "node it was read on"),
        _c("source", _S, "program or file it was read from"),
        _c("n", _I, "readings inside the window that it rests on"),
        _c("resolution", _F, "largest error by the counter's step, in `unit`"),
        _c("reason", _S, "why the value is missing, English"),
        _c("reason_zh", _S, "why the value is missing, Chinese"),
    ),
)

INTERVALS = Table(
    "intervals",
    "one point of a series inside a cell; never counted in n",
    (*PARTITION, "layer", "iteration", "position", "workload", "attempt", "series", "node", "t_s"),
    (
        _ENVIRONMENT,
        _RUN,
        *_CELL,
        _c("series", _S, "series' name, e.g. throughput_bps, tool_cpu_pct, log_bytes",
           required=True),
        _c("node", _S, "node it was read on"),
        _c("t_s", _F, "time since the window's start", "s", required=True),
        _c("value", _F, "the point, in `unit`"),
        _c("unit", _S, "unit of the value", required=True),
    ),
)  # fmt: skip

BPF_PROGRAMS = Table(
    "bpf_programs",
    "one BPF program of a tool in one attribution pass",
    (*PARTITION, "layer", "iteration", "position", "node", "program_id"),
    (
        _ENVIRONMENT,
        _RUN,
        *_CASE,
        *_TOOL,
        _c("node", _S, "node it ran on"),
        _c("program_id", _I, "the kernel's id of the program", required=True),
        _c("name", _S, "program's name"),
        _c("type", _S, "program's type, e.g. kprobe, tracepoint"),
        _c("tag", _S, "the kernel's checksum of its instructions"),
        _c("probe", _S, "kind of its probe: kprobe, kretprobe, fentry, …; null: not known"),
        _c("run_cnt", _I, "times it ran in the pass", "1"),
        _c("run_time_ns", _I, "total time it ran in the pass", "ns"),
        _c("packets", _I, "packets on the test interface in the pass, both directions", "1"),
        _c("duration_s", _F, "length of the pass", "s"),
        _c("ns_per_event", _F, "run_time_ns / run_cnt, without the probe's own dispatch", "ns"),
        _c("events_per_packet", _F, "run_cnt / packets", "1"),
        _c("cpu_pct", _F, "run_time_ns / duration", "% of one CPU"),
    ),
)  # fmt: skip

_LOST_LOW = "share of the events that were lost or missed, at least; null: not visible"
_LOST_HIGH = "the same at most, with those of unknown fate; null: no bound is visible"

COMPLETENESS = Table(
    "completeness",
    "what became of a tool's events over the load of one cell: "
    "occurred = reported + filtered + lost + missed + unknown; null is not visible, never 0",
    (*PARTITION, "layer", "iteration", "position", "workload", "attempt", "part"),
    (
        _ENVIRONMENT,
        _RUN,
        *_CELL,
        *_TOOL,
        _c(
            "part",
            _S,
            "case whose events these are: of tools together, each has its own account",
            required=True,
        ),
        _c("node", _S, "node on which the tool runs"),
        _c("occurred", _I, "events, counted independently of the tool", "1"),
        _c("reported", _I, "events in its output", "1"),
        _c("filtered", _I, "events that it left out on purpose, as it says", "1"),
        _c("lost", _I, "events that a buffer dropped, as the tool says", "1"),
        _c("missed", _I, "times that a probe was hit and its program did not run", "1"),
        _c("unknown", _I, "the rest", "1"),
        _c("full_maps", _I, "hash maps of the tool that hold all the entries they can", "1"),
        _c("lost_low_pct", _F, _LOST_LOW, "%"),
        _c("lost_high_pct", _F, _LOST_HIGH, "%"),
        _c("reason", _S, "why it is not visible, English"),
        _c("reason_zh", _S, "why it is not visible, Chinese"),
    ),
)

VERDICTS = (
    "invalid",
    "no_overhead_within_margin",
    "overhead",
    "overhead_unresolved",
    "implausible_gain",
    "inconclusive",
)

EFFECTS = Table(
    "effects",
    "the cost of one case in one metric of one workload, over all iterations of a run",
    (*PARTITION, "layer", "case", "workload", "metric"),
    (
        _ENVIRONMENT,
        _RUN,
        _c("layer", _S, "where the traffic runs", required=True, allowed=_LAYERS),
        _c("case", _S, "case's name", required=True),
        _c("workload", _S, "workload's name", required=True),
        _c("metric", _S, "metric's name", required=True),
        *_TOOL,
        _c("unit", _S, "% for ratio metrics, the metric's unit for differences", required=True),
        _c("scale", _S, "how the cost is expressed", required=True,
           allowed=("ratio", "difference")),
        _c("primary", _B, "whether the metric decides the workload's verdict", required=True),
        _c("n", _I, "iterations with a value and two baselines; nights if there are several",
           "1", required=True),
        _c("estimate", _F, "cost: positive is worse, whichever direction is better for the metric"),
        _c("ci_low", _F, "95 % interval of the cost, lower end"),
        _c("ci_high", _F, "95 % interval of the cost, upper end"),
        _c("estimate_log", _F, "mean difference as computed: natural log for ratio metrics, "
                               "positive = metric larger"),
        _c("se_log", _F, "moderated standard error of estimate_log"),
        _c("variance", _F, "the case's own variance of the differences (s^2)"),
        _c("df", _F, "degrees of freedom d0 + d; infinity if the pooled variance is certain"),
        _c("hodges_lehmann", _F, "median of Walsh averages, as a cost; a robust second estimate"),
        _c("p_two_sided", _F, "p of H0: no effect"),
        _c("p_overhead", _F, "p of H0: cost <= margin"),
        _c("p_within", _F, "p of H0: |cost| >= margin (TOST)"),
        _c("p_gain", _F, "p of H0: cost >= 0, and of: not below the placebos' (the larger)"),
        _c("p_positive", _F, "p of H0: cost <= 0, and of: not above the placebos' (the larger)"),
        _c("margin", _F, "margin of the verdict, in the cost's unit"),
        _c("mde", _F, "smallest true cost that gets the verdict overhead with power 0.8, at the "
                      "corrected level; null without a margin"),
        _c("baseline_mean", _F, "mean of the neighbouring baselines, in the metric's unit"),
        _c("lost_low_pct", _F, _LOST_LOW + " (mean of its cells)", "%"),
        _c("lost_high_pct", _F, _LOST_HIGH + " (mean of its cells)", "%"),
        _c("verdict", _S, "the verdict", required=True, allowed=VERDICTS),
        _c("withheld_by", _S, "ids of the failed checks that withhold the verdict"),
        _c("reason", _S, "reason for the verdict, English"),
        _c("reason_zh", _S, "reason for the verdict, Chinese"),
        _c("stopped", _S, "why measuring this case stopped, English"),
        _c("stopped_zh", _S, "why measuring this case stopped, Chinese"),
    ),
)  # fmt: skip

CHECKS = Table(
    "checks",
    "one finding of a gate or a data-quality rule",
    (),
    (
        _ENVIRONMENT,
        _RUN,
        _c("rule_id", _S, "rule's stable id", required=True),
        _c("severity", _S, "its effect on verdicts", required=True,
           allowed=("blocks", "warns", "informs")),
        _c("status", _S, "not judged: too few data; error: the rule raised", required=True,
           allowed=("passed", "failed", "not_judged", "error")),
        _c("layer", _S, "layer it concerns", allowed=_LAYERS),
        _c("tool", _S, "tool it concerns"),
        _c("case", _S, "case it concerns"),
        _c("workload", _S, "workload it concerns"),
        _c("metric", _S, "metric it concerns"),
        _c("iteration", _I, "iteration it concerns"),
        _c("position", _I, "position it concerns"),
        _c("observed", _S, "observed value"),
        _c("observed_zh", _S, "the same in Chinese where it holds words"),
        _c("expected", _S, "expected value"),
        _c("expected_zh", _S, "the same in Chinese where it holds words"),
        _c("message", _S, "the finding in one sentence, English"),
        _c("message_zh", _S, "the finding in one sentence, Chinese"),
        _c("advice", _S, "what to do about it, English"),
        _c("advice_zh", _S, "what to do about it, Chinese"),
    ),
)  # fmt: skip

TABLES: dict[str, Table] = {
    table.name: table
    for table in (RUNS, CELLS, SAMPLES, INTERVALS, BPF_PROGRAMS, COMPLETENESS, EFFECTS, CHECKS)
}
