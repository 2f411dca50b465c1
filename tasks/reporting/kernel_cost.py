"""The time that BPF programs take from the traffic, from the attribution passes.

A pass counts the runs and the time of each program that a tool attached, under a paced load. Where
a tool has several programs, a mean over their events means nothing: what adds up is their time per
packet. Every figure is the median over the passes.
"""

from collections.abc import Sequence

import polars as pl

from ..model.plan import TOGETHER

_PASS = ("case", "iteration", "position")
_PROGRAM = ("name", "type", "tag")
_CNT, _TIME = pl.col("run_cnt"), pl.col("run_time_ns")
_PACKETS, _DURATION = pl.col("packets").max(), pl.col("duration_s").max()


def kernel_cost(programs: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """All programs of a tool together.

    `programs`: rows of storage.schema.BPF_PROGRAMS; `by`: columns such as tool, case. Columns:
    environment, layer, *by; ns_per_packet (added to a packet of the test interface, null without
    its packets), events_per_packet; cpu_pct (of one CPU) at packets_per_s; passes.
    """
    keys = ["environment", "layer", *by]
    passes = _counted(programs).group_by([*dict.fromkeys((*keys, *_PASS))]).agg(*_costs())
    return passes.group_by(keys).agg(_medians(passes, keys), pl.len().alias("passes"))


def program_cost(programs: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """Each program by itself: columns as of `kernel_cost`, then name, type, tag (the checksum of
    its instructions), ns_per_event, and share_pct of the tool's ns_per_packet."""
    keys = ["environment", "layer", *by]
    one = [*keys, *_PROGRAM]
    per_event = (_TIME.sum() / _CNT.sum()).alias("ns_per_event")
    passes = _counted(programs).group_by([*dict.fromkeys((*one, *_PASS))]).agg(*_costs(), per_event)
    each = passes.group_by(one).agg(_medians(passes, one), pl.len().alias("passes"))
    share = pl.col("ns_per_packet") / pl.col("ns_per_packet").sum().over(keys) * 100
    return each.with_columns(share_pct=share)


def _counted(programs: pl.DataFrame) -> pl.DataFrame:
    alone = pl.col("category").ne_missing(TOGETHER)
    return programs.filter(pl.col("run_cnt") > 0, pl.col("kind") == "tool", alone)


def _costs() -> list[pl.Expr]:
    per_packet = pl.when(_PACKETS > 0)
    return [
        per_packet.then(_TIME.sum() / _PACKETS).alias("ns_per_packet"),
        per_packet.then(_CNT.sum() / _PACKETS).alias("events_per_packet"),
        (_TIME.sum() / _DURATION / 1e7).alias("cpu_pct"),
        (_PACKETS / _DURATION).alias("packets_per_s"),
    ]


def _medians(passes: pl.DataFrame, keys: Sequence[str]) -> pl.Expr:
    return pl.col([name for name in passes.columns if name not in (*keys, *_PASS)]).median()
