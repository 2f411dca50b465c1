"""Frames that several rules look at, and how a number is written into a finding."""

from collections.abc import Sequence

import polars as pl
from pydantic import TypeAdapter

from ..model.facts import Facts, Nic
from ..model.metrics import METRICS, PRIMARY, Better
from .rule import Tables

CELL = ("environment", "run", "layer", "iteration", "position", "workload", "attempt")
GROUP = ("environment", "run", "layer", "workload", "metric")
"""One series of baselines: what is compared only with itself."""

PRIMARY_METRICS = tuple(sorted(set(PRIMARY.values())))

_MORE_IS_BETTER = [name for name, metric in METRICS.items() if metric.better is Better.MORE]
_VIRTUAL_DRIVERS = ("veth", "tun", "virtio_net", "openvswitch", "bridge")
_FACTS = TypeAdapter(dict[str, Facts])


def baselines(tables: Tables) -> pl.DataFrame:
    """Primary metrics of the baselines that count: `GROUP`, iteration, position, t, value.

    `t` is the window's start; the highest passed attempt of a cell counts.
    """
    place = [column for column in CELL if column != "attempt"]
    cells = (
        tables["cells"]
        .filter(kind="baseline", status="passed")
        .sort("attempt")
        .unique(place, keep="last")
        .select(*CELL, t="started")
    )
    return (
        tables["samples"]
        .filter(pl.col("metric").is_in(PRIMARY_METRICS), pl.col("value").is_not_null())
        .join(cells, on=CELL)
        .select(*GROUP, "iteration", "position", "t", "value")
    )


def levels(tables: Tables) -> pl.DataFrame:
    """The baselines' median: `GROUP` and value."""
    return baselines(tables).group_by(GROUP).agg(pl.median("value"))


def tool_effects(tables: Tables) -> pl.DataFrame:
    """Effects of tools (no placebos) that have an interval."""
    return tables["effects"].filter(
        pl.col("kind") == "tool", pl.col("ci_low").is_not_null(), pl.col("ci_high").is_not_null()
    )


def nodes(tables: Tables) -> pl.DataFrame:
    """What discovery found on each node: environment, run, node, cpus, link_mbps, clock_offset_s
    (its clock minus ours); null: unknown."""
    found = [
        (
            *(run["environment"], run["run"], node),
            *(facts.cpu.cpus, link_mbps(facts), facts.clock_offset_s),
        )
        for run in tables["runs"].filter(pl.col("facts").is_not_null()).iter_rows(named=True)
        for node, facts in _FACTS.validate_json(run["facts"]).items()
    ]
    schema = {
        "environment": pl.String,
        "run": pl.String,
        "node": pl.String,
        "cpus": pl.Int64,
        "link_mbps": pl.Int64,
        "clock_offset_s": pl.Float64,
    }
    return pl.DataFrame(found, schema=schema, orient="row")


def link_mbps(facts: Facts) -> int | None:
    """Speed of the physical way of the test traffic, bond members together; None: unknown.

    Virtual interfaces report a speed that means nothing (veth: 10 Gbit/s, whatever it carries).
    """
    names = facts.physical_members or ((facts.physical or facts.interface),)
    ways = [nic for nic in facts.nics if nic.name in names]
    if not ways or any(_virtual(nic) or not nic.speed_mbps for nic in ways):
        return None
    return sum(nic.speed_mbps or 0 for nic in ways)


def _virtual(nic: Nic) -> bool:
    return nic.driver is None or nic.driver in _VIRTUAL_DRIVERS


def number(value: pl.Expr, signed: bool = False) -> pl.Expr:
    """A number as a person writes it: four significant digits or more, no tail of zeros."""
    digits = pl.when(value.abs() >= 100).then(value.round(0)).otherwise(value.round_sig_figs(4))
    text = digits.cast(pl.String).str.replace(r"\.0$", "")
    return pl.when(digits >= 0).then(pl.lit("+") + text).otherwise(text) if signed else text


def change(low: str = "ci_low", high: str = "ci_high") -> pl.Expr:
    """An effect's range as the change of its metric: throughput `-57~-53 %`, CPU `+16~+17`."""
    more = pl.col("metric").is_in(_MORE_IS_BETTER)
    first = pl.when(more).then(-pl.col(high)).otherwise(pl.col(low))
    last = pl.when(more).then(-pl.col(low)).otherwise(pl.col(high))
    span = pl.concat_str(number(first, True), pl.lit("~"), number(last, True))
    text = pl.when(first == last).then(number(first, True)).otherwise(span)
    return pl.concat_str(text, pl.lit(" "), pl.col("unit"))


def log_width(low: str = "ci_low", high: str = "ci_high") -> pl.Expr:
    """Width of a ratio metric's interval on the logarithm of the metric; null where it has none.

    A cost of c % multiplies latency by 1 + c/100 and throughput by 1 - c/100.
    """
    more = pl.col("metric").is_in(_MORE_IS_BETTER)
    less_is_better = (1 + pl.col(high) / 100).log() - (1 + pl.col(low) / 100).log()
    more_is_better = (1 - pl.col(low) / 100).log() - (1 - pl.col(high) / 100).log()
    width = pl.when(more).then(more_is_better).otherwise(less_is_better)
    return pl.when(width.is_finite()).then(width)


def ratio(part: pl.Expr, whole: pl.Expr) -> pl.Expr:
    """`8/10`, as text."""
    return pl.concat_str(part.cast(pl.String), pl.lit("/"), whole.cast(pl.String))


def by(columns: Sequence[str], *without: str) -> list[str]:
    """`columns` less those in `without`."""
    return [column for column in columns if column not in without]
