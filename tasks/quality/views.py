"""Frames that several rules use, and how a number is written into a finding."""

from collections.abc import Sequence

import polars as pl
from pydantic import TypeAdapter

from ..model.facts import Facts, Nic
from ..model.metrics import METRICS, PRIMARY, Better
from ..storage.schema import CELLS, EFFECTS, PARTITION, STRATUM
from .rule import Tables

PLANNED_CELL = tuple(name for name in CELLS.key if name != "attempt")
"""One planned cell, whichever attempts it took."""

PRIMARY_METRICS = tuple(sorted(set(PRIMARY.values())))

_MORE_IS_BETTER = [name for name, metric in METRICS.items() if metric.better is Better.MORE]
_VIRTUAL_DRIVERS = ("veth", "tun", "virtio_net", "openvswitch", "bridge")
_FACTS = TypeAdapter(dict[str, Facts])


def baselines(tables: Tables) -> pl.DataFrame:
    """Primary metrics of the baselines that count: STRATUM, iteration, position, t, value.

    `t` is the window's start; the highest passed attempt of a cell counts.
    """
    cells = (
        tables["cells"]
        .filter(kind="baseline", status="passed")
        .sort("attempt")
        .unique(PLANNED_CELL, keep="last")
        .select(*CELLS.key, t="started")
    )
    return (
        tables["samples"]
        .filter(pl.col("metric").is_in(PRIMARY_METRICS), pl.col("value").is_not_null())
        .join(cells, on=CELLS.key)
        .select(*STRATUM, "iteration", "position", "t", "value")
    )


def levels(tables: Tables) -> pl.DataFrame:
    """The baselines' median: STRATUM and value."""
    return baselines(tables).group_by(STRATUM).agg(pl.median("value"))


def tool_effects(tables: Tables) -> pl.DataFrame:
    """Effects of tools (no placebos) that have an interval."""
    return tables["effects"].filter(
        pl.col("kind") == "tool", pl.col("ci_low").is_not_null(), pl.col("ci_high").is_not_null()
    )


def effect_findings(
    effects: pl.DataFrame, failed: pl.Expr, expected: pl.Expr, *also: str | pl.Expr
) -> pl.DataFrame:
    """A row for each effect as a rule returns it, its interval as `observed`; columns of `also`."""
    return effects.select(
        *EFFECTS.key, "tool", *also, failed=failed, observed=change(), expected=expected
    )


def share_of_cells(
    cells: pl.DataFrame, bad: pl.Expr, limit: float, by: Sequence[str] = (*PARTITION, "layer")
) -> pl.DataFrame:
    """A row for each layer of a run (or other group): more than `limit` of its cells are bad."""
    return (
        cells.group_by(by)
        .agg(failed=bad.sum() > limit * pl.len(), observed=ratio(bad.sum(), pl.len()))
        .with_columns(expected=pl.lit(f"≤ {100 * limit:.0f} %" if limit else "0"))
        .sort(by)
    )


def nodes(tables: Tables) -> pl.DataFrame:
    """What discovery found on each node: environment, run, node, cpus, link_mbps, clock_offset_s
    (its clock minus ours); null: unknown."""
    known = tables["runs"].filter(pl.col("facts").is_not_null())
    rows = [
        (environment, run, node, facts.cpu.cpus, link_mbps(facts), facts.clock_offset_s)
        for environment, run, text in known.select(*PARTITION, "facts").iter_rows()
        for node, facts in _FACTS.validate_json(text).items()
    ]
    schema = {
        **dict.fromkeys((*PARTITION, "node"), pl.String),
        **dict.fromkeys(("cpus", "link_mbps"), pl.Int64),
        "clock_offset_s": pl.Float64,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def link_mbps(facts: Facts) -> int | None:
    """Speed of the test traffic's physical path, bond members together; None: unknown.

    The speed that a virtual interface reports means nothing (veth: 10 Gbit/s in any case).
    """
    names = facts.physical_members or ((facts.physical or facts.interface),)
    nics = [nic for nic in facts.nics if nic.name in names]
    if not nics or any(_virtual(nic) or not nic.speed_mbps for nic in nics):
        return None
    return sum(nic.speed_mbps or 0 for nic in nics)


def _virtual(nic: Nic) -> bool:
    return nic.driver is None or nic.driver in _VIRTUAL_DRIVERS


def number(value: pl.Expr, signed: bool = False) -> pl.Expr:
    """A number as a person writes it: four significant digits or more, no trailing zeros."""
    value = value + 0.0  # -0.0 becomes 0.0
    digits = pl.when(value.abs() >= 100).then(value.round(0)).otherwise(value.round_sig_figs(4))
    text = digits.cast(pl.String).str.replace(r"\.0$", "")
    return pl.when(digits >= 0).then(pl.lit("+") + text).otherwise(text) if signed else text


def change(low: str = "ci_low", high: str = "ci_high") -> pl.Expr:
    """An effect's range as the change of its metric: throughput `-57~-53 %`, CPU `+16~+17 %CPU`.

    %CPU, as pidstat heads its column: percent of one CPU, in either language.
    """
    unit = pl.col("unit").replace({"% of one CPU": "%CPU"})
    more = pl.col("metric").is_in(_MORE_IS_BETTER)
    first = pl.when(more).then(-pl.col(high)).otherwise(pl.col(low))
    last = pl.when(more).then(-pl.col(low)).otherwise(pl.col(high))
    span = pl.concat_str(number(first, True), pl.lit("~"), number(last, True))
    text = pl.when(first == last).then(number(first, True)).otherwise(span)
    return pl.concat_str(text, pl.lit(" "), unit)


def log_width() -> pl.Expr:
    """`width` of a ratio metric's interval on the logarithm of the metric; null where it has none.

    A cost of c % multiplies latency by 1 + c/100 and throughput by 1 - c/100.
    """
    more = pl.col("metric").is_in(_MORE_IS_BETTER)
    low, high = pl.col("ci_low") / 100, pl.col("ci_high") / 100
    less_is_better = (1 + high).log() - (1 + low).log()
    more_is_better = (1 - low).log() - (1 - high).log()
    width = pl.when(more).then(more_is_better).otherwise(less_is_better)
    return pl.when(width.is_finite()).then(width).alias("width")


def ratio(part: pl.Expr, whole: pl.Expr) -> pl.Expr:
    """`8/10`, as text."""
    return pl.concat_str(part.cast(pl.String), pl.lit("/"), whole.cast(pl.String))


def without(columns: Sequence[str], *dropped: str) -> list[str]:
    """`columns` except those in `dropped`."""
    return [column for column in columns if column not in dropped]
