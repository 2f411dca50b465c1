"""Physics: what cannot be, whatever the statistics say.

A tool cannot speed traffic up; a VM pair cannot be faster than the network between its hosts;
programs cannot run longer than the CPUs there are. What one row alone breaks (throughput above
the link's speed, a percentile below another) is `expectations.py`'s.
"""

import polars as pl

from .rule import EFFECT_KEYS, Tables
from .views import GROUP, by, change, levels, nodes, number, ratio, tool_effects

MARGIN_PCT = 3.0
"""Where an effect states no margin of its own: gains below this are not worth a finding."""

SUSPECT_SHARE = 0.60
SUSPECT_TOOLS = 5
"""From this share of gains among this many tools or more, the baseline is the suspect."""

PATH_FACTOR = 1.10
"""A VM pair's throughput above its hosts' by more than this took another path."""


def _gains(tables: Tables) -> pl.DataFrame:
    """Primary effects with `gain` (established) and `of`, `gaining`: tools judged, tools gaining.

    `of` and `gaining` count within one environment, layer, workload and metric of a run.
    """
    gain = pl.col("ci_high") < 0
    return (
        tool_effects(tables)
        .filter("primary")
        .with_columns(gain=gain)
        .with_columns(gaining=pl.col("gain").sum().over(GROUP), of=pl.len().over(GROUP))
        .with_columns(
            shared=(pl.col("of") >= SUSPECT_TOOLS)
            & (pl.col("gaining") >= SUSPECT_SHARE * pl.col("of"))
        )
    )


def gain(tables: Tables) -> pl.DataFrame:
    """Tools with which the traffic got faster, each effect; not where most tools of the group do.

    The whole interval is a gain, and the gain exceeds the margin or statistics established it.
    """
    beyond = pl.col("estimate") < -pl.col("margin").fill_null(MARGIN_PCT)
    established = (pl.col("verdict") == "implausible_gain").fill_null(False)
    return (
        _gains(tables)
        .select(
            *EFFECT_KEYS,
            "tool",
            failed=established | (pl.col("gain") & beyond),
            shared="shared",
            observed=change(),
            expected=pl.lit("cost >= 0"),
        )
        .filter(~(pl.col("failed") & pl.col("shared")))
    )


def baseline_suspect(tables: Tables) -> pl.DataFrame:
    """Groups in which most tools gain: one row for each environment, layer, workload, metric."""
    gaining = pl.col("tool").filter(pl.col("gain")).unique(maintain_order=True)
    return (
        _gains(tables)
        .group_by(GROUP, maintain_order=True)
        .agg(
            failed=pl.col("shared").first(),
            observed=pl.concat_str(
                ratio(pl.col("gaining").first(), pl.col("of").first()),
                pl.lit(": "),
                gaining.str.join(", "),
            ),
            expected=pl.lit(f"< {SUSPECT_SHARE:.0%}"),
        )
    )


def gain_with_the_rest(tables: Tables) -> pl.DataFrame:
    """The single gains in a group whose baseline is the suspect: there, not the tool is."""
    return _gains(tables).select(
        *EFFECT_KEYS,
        "tool",
        failed=pl.col("gain") & pl.col("shared"),
        observed=change(),
        expected=pl.lit("cost >= 0"),
    )


def other_path(tables: Tables) -> pl.DataFrame:
    """VM pairs faster than the pair of hosts below them, by the baselines' throughput."""
    place = by(GROUP, "layer")
    level = levels(tables).filter(metric="throughput_bps")
    host = level.filter(layer="host").select(*place, host="value")
    return (
        level.filter(layer="vm")
        .join(host, on=place)
        .select(
            *GROUP,
            failed=pl.col("value") > PATH_FACTOR * pl.col("host"),
            observed=pl.concat_str(number(pl.col("value") / 1e9), pl.lit(" Gbit/s")),
            expected=pl.concat_str(pl.lit("<= "), number(pl.col("host") / 1e9), pl.lit(" Gbit/s")),
        )
        .sort(GROUP)
    )


def kernel_time(tables: Tables) -> pl.DataFrame:
    """Cases with a program that ran longer than its pass had CPU time: wall time x CPUs of the
    node. One row a case, its worst pass."""
    keys = ("environment", "run", "layer", "tool", "case")
    return (
        tables["bpf_programs"]
        .join(nodes(tables), on=("environment", "run", "node"))
        .filter(pl.col("cpu_pct").is_not_null(), pl.col("cpus").is_not_null())
        .sort("cpu_pct", descending=True, maintain_order=True)
        .unique(keys, keep="first", maintain_order=True)
        .select(
            *keys,
            failed=pl.col("cpu_pct") > 100.0 * pl.col("cpus"),
            observed=pl.concat_str(
                pl.col("name"), pl.lit(" "), number(pl.col("cpu_pct")), pl.lit(" %")
            ),
            expected=pl.concat_str(pl.lit("<= "), 100 * pl.col("cpus"), pl.lit(" %")),
        )
    )
