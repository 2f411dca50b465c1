"""Physics: what is impossible, whatever the statistics say.

A tool cannot speed traffic up; a VM pair cannot be faster than the network between its hosts;
programs cannot use more CPU time than there is. What is impossible within a single row (throughput
above the link's speed, a percentile below a lower one) is checked in `suites.py`.
"""

import polars as pl

from ..storage.schema import CASE_KEY, PARTITION, STRATUM
from .rule import Tables
from .views import effect_findings, levels, nodes, number, ratio, tool_effects, without

MARGIN_PCT = 3.0
"""For effects without a margin of their own: a gain below this is no finding."""

SUSPECT_SHARE = 0.60
SUSPECT_TOOLS = 5
"""From this share of gains among at least so many tools on, the baseline is the suspect."""

PATH_FACTOR = 1.10
"""VM traffic that is faster than its hosts' by more than this factor took another path."""


_NO_GAIN = (pl.lit("no gain"), pl.lit("无性能提升").alias("expected_zh"))


def _gains(tables: Tables) -> pl.DataFrame:
    """Primary effects with `gain` (the whole interval is one) and, by stratum, `of` and `gaining`
    (tools judged, tools gaining) and `shared` (so many gain that the baseline is the suspect).
    """
    gain = pl.col("ci_high") < 0
    return (
        tool_effects(tables)
        .filter("primary")
        .with_columns(gain=gain)
        .with_columns(gaining=pl.col("gain").sum().over(STRATUM), of=pl.len().over(STRATUM))
        .with_columns(
            shared=(pl.col("of") >= SUSPECT_TOOLS)
            & (pl.col("gaining") >= SUSPECT_SHARE * pl.col("of"))
        )
    )


def gain(tables: Tables) -> pl.DataFrame:
    """Effects of tools with which the traffic got faster, unless it does with most tools.

    The whole interval is a gain that exceeds the margin, or the verdict says so.
    """
    beyond = pl.col("estimate") < -pl.col("margin").fill_null(MARGIN_PCT)
    established = (pl.col("verdict") == "implausible_gain").fill_null(False)
    failed = established | (pl.col("gain") & beyond)
    findings = effect_findings(_gains(tables), failed, *_NO_GAIN, "shared")
    return findings.filter(~(pl.col("failed") & pl.col("shared")))


def baseline_suspect(tables: Tables) -> pl.DataFrame:
    """Strata in which most tools gain, one row each."""
    gaining = pl.col("tool").filter(pl.col("gain")).unique(maintain_order=True)
    return (
        _gains(tables)
        .group_by(STRATUM, maintain_order=True)
        .agg(
            failed=pl.col("shared").first(),
            observed=pl.concat_str(
                ratio(pl.col("gaining").first(), pl.col("of").first()),
                pl.lit(": "),
                gaining.str.join(", "),
            ),
            expected=pl.lit(f"< {100 * SUSPECT_SHARE:.0f} %"),
        )
    )


def gain_with_the_rest(tables: Tables) -> pl.DataFrame:
    """Each gain in a stratum whose baseline is the suspect, not the tool."""
    failed = pl.col("gain") & pl.col("shared")
    return effect_findings(_gains(tables), failed, *_NO_GAIN)


def other_path(tables: Tables) -> pl.DataFrame:
    """VM pairs whose baselines have more throughput than those of their hosts."""
    place = without(STRATUM, "layer")
    level = levels(tables).filter(metric="throughput_bps")
    host = level.filter(layer="host").select(*place, host="value")
    return (
        level.filter(layer="vm")
        .join(host, on=place)
        .select(
            *STRATUM,
            failed=pl.col("value") > PATH_FACTOR * pl.col("host"),
            observed=pl.concat_str(number(pl.col("value") / 1e9), pl.lit(" Gbit/s")),
            expected=pl.concat_str(pl.lit("≤ "), number(pl.col("host") / 1e9), pl.lit(" Gbit/s")),
        )
        .sort(STRATUM)
    )


def kernel_time(tables: Tables) -> pl.DataFrame:
    """Cases with a program that used more CPU time than its pass had: wall time x CPUs of the node.

    One row for each case: its worst pass.
    """
    keys = (*CASE_KEY, "tool")
    return (
        tables["bpf_programs"]
        .join(nodes(tables), on=(*PARTITION, "node"))
        .filter(pl.col("cpu_pct").is_not_null(), pl.col("cpus").is_not_null())
        .sort("cpu_pct", descending=True, maintain_order=True)
        .unique(keys, keep="first", maintain_order=True)
        .select(
            *keys,
            failed=pl.col("cpu_pct") > 100.0 * pl.col("cpus"),
            observed=pl.concat_str(
                pl.col("name"), pl.lit(" "), number(pl.col("cpu_pct")), pl.lit(" %")
            ),
            expected=pl.concat_str(pl.lit("≤ "), 100 * pl.col("cpus"), pl.lit(" %")),
        )
    )
