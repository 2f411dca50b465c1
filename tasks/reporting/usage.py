"""The rating of a tool: continuous use, filtered use, short sessions, or not in production.

A pure function of the effects of one tool on one layer of one environment. The rule:

1. If a measurement is missing, invalid, withheld or shows a gain, the tool is undecided.
2. `LIMITS` put each cost into a band, by the upper end of its 95 % interval. If the verdict of a
   primary metric is `inconclusive` and the two ends of its interval fall into different bands, the
   tool is undecided, unless another cost by itself rules it out.
3. The worst band of all costs is the tool's.
4. Tool CPU and log growth count if they were measured; otherwise the traffic decides alone.
5. A details tool never rates better than `with_filter`: its cost grows with the events it sees.

The limits of `long` and `with_filter` are the published design targets for latency and CPU of
summary and filtered details tools; throughput and packet rate have the limits of latency. The
limits of `minutes` are the largest costs at which the published campaign still allowed short use:
eth_drop and trace_conntrack (TCP), latency up to +305 %, throughput down to -60 %.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Answer(StrEnum):
    """Best first; `UNDECIDED` means that no band could be assigned."""

    LONG = "long"
    WITH_FILTER = "with_filter"
    MINUTES = "minutes"
    NOT_AT_ALL = "not_at_all"
    UNDECIDED = "undecided"

    @property
    def rank(self) -> int:
        """0 for the best."""
        return list(Answer).index(self)


BANDS = (Answer.LONG, Answer.WITH_FILTER, Answer.MINUTES, Answer.NOT_AT_ALL)

LIMITS: dict[str, tuple[float, float, float]] = {
    "latency": (5, 20, 300),  # % longer
    "throughput": (5, 20, 60),  # % less
    "pps": (5, 20, 60),  # % less
    "tool_cpu": (5, 15, 100),  # % of one CPU
    "log": (1, 10, 300),  # MiB/min; 1 MiB/min is 1.4 GiB a day
}
"""topic -> the largest cost of `long`, `with_filter`, `minutes`."""


@dataclass(frozen=True, slots=True)
class Usage:
    """The answer, its reason, and the effect that decided it (None if no effect did)."""

    answer: Answer
    reason: str  # key below `usage.reason` in the texts
    effect: Mapping[str, Any] | None = None
    best: Answer | None = None  # the bands of both ends of an undecided interval
    worst: Answer | None = None
    count: int = 0
    total: int = 0


def usage(effects: Iterable[Mapping[str, Any]], tool_class: str | None) -> Usage:
    """The answer for one tool on one layer of one environment.

    `effects` are rows of the effects table with the columns `topic` (a key of `LIMITS`) and
    `withheld` (a blocking check failed); rows of other topics must not be in it.
    """
    rows = [row for row in effects if row["topic"] in LIMITS]
    primary = [row for row in rows if row["primary"]]
    if not primary:
        return Usage(Answer.UNDECIDED, "nothing")
    for reason, refuses in _REFUSALS:
        if refused := [row for row in rows if refuses(row)]:
            return Usage(Answer.UNDECIDED, reason, refused[0], count=len(refused), total=len(rows))
    judged = [row for row in rows if row["ci_high"] is not None]
    opened = [row for row in primary if _open(row)]
    settled = [row for row in judged if row not in opened]
    worst = max(settled or opened, key=_severity)
    band = band_of(worst["topic"], worst["ci_high"])
    if opened and (worst in opened or band != Answer.NOT_AT_ALL):
        row = max(opened, key=_severity)
        return Usage(
            Answer.UNDECIDED,
            "open",
            row,
            best=band_of(row["topic"], row["ci_low"]),
            worst=band_of(row["topic"], row["ci_high"]),
        )
    if band == Answer.LONG and (tool_class or "").startswith("details"):
        return Usage(Answer.WITH_FILTER, "details", worst)
    return Usage(band, "limit", worst)


def band_of(topic: str, cost: float) -> Answer:
    """The best band whose limit the cost does not exceed."""
    for band, limit in zip(BANDS, LIMITS[topic], strict=False):
        if cost <= limit:
            return band
    return Answer.NOT_AT_ALL


def _severity(row: Mapping[str, Any]) -> tuple[int, float]:
    """Orders costs across topics: by band, then by the share of the band's first limit."""
    cost = row["ci_high"]
    return BANDS.index(band_of(row["topic"], cost)), cost / LIMITS[row["topic"]][0]


def _open(row: Mapping[str, Any]) -> bool:
    ends = {band_of(row["topic"], row["ci_low"]), band_of(row["topic"], row["ci_high"])}
    return row["verdict"] == "inconclusive" and len(ends) > 1


_REFUSALS: Sequence[tuple[str, Callable[[Mapping[str, Any]], bool]]] = (
    ("invalid", lambda row: row["verdict"] == "invalid"),
    ("withheld", lambda row: row["withheld"]),
    ("gain", lambda row: row["primary"] and row["verdict"] == "implausible_gain"),
    ("no_estimate", lambda row: row["primary"] and row["estimate"] is None),
    ("no_interval", lambda row: row["primary"] and row["ci_high"] is None),
)
