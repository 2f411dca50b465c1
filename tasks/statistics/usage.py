"""May a tool run in production: one answer for a tool on one layer of one environment, and the one
effect that decides it.

A pure function of rows of the effects table. Every page, table and file that shows the answer, its
cost or its reason shows this one result. The rule:

1. `LIMITS` put a cost into a band. The intervals are those of `largest.py`, which allow for taking
   the largest over all cases and workloads. A cost that is judged counts by its upper end: what is
   not excluded must be allowed for. `NOT_AT_ALL` needs the lower end above the last limit, for it
   forbids.
2. A cost is open if it is of the traffic, its verdict is none of `DECIDED` and its two ends lie in
   different bands; or if only its upper end is beyond the last limit.
3. The worst settled band is the tool's, and a details tool never rates better than `WITH_FILTER`:
   its cost grows with the events it sees. An open cost takes that answer back only if its upper end
   is worse.
4. A measurement that is missing, invalid, withheld or without interval may hide any cost: it leaves
   the answer undecided, except where another cost proves `NOT_AT_ALL`.
5. Tool CPU and log growth count if they were measured. Without an interval such a figure proves
   nothing, but the tool is not given a band that the figure itself exceeds.
6. A tool that loses events is cheaper than it would be if it saw them all. Where more than
   `INCOMPLETE_PCT` of them are shown to be lost, the answer stands for what the tool costs as it
   is, and says that it is the cost of an incomplete tool (`Usage.lost_pct`).
7. A gain is no cost, and no pass either: if nothing else costs, the answer is `FASTER`.

The limits of `LONG` and `WITH_FILTER` are the published design targets for latency and CPU of
summary and filtered details tools; throughput and packet rate have the limits of latency. The
limits of `MINUTES` are the largest costs at which the published campaign still allowed short use:
eth_drop and trace_conntrack (TCP), latency up to +305 %, throughput down to -60 %.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from .largest import cost_intervals
from .sequential import DECIDED

Row = Mapping[str, Any]


class Answer(StrEnum):
    """Best first. `FASTER` (a gain to explain), `UNDECIDED` and `CANNOT_ATTACH` are no bands."""

    LONG = "long"
    WITH_FILTER = "with_filter"
    MINUTES = "minutes"
    NOT_AT_ALL = "not_at_all"
    FASTER = "faster"
    UNDECIDED = "undecided"
    CANNOT_ATTACH = "cannot_attach"  # its host's kernel lacks what it attaches to: no cost at all

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
"""topic -> the largest cost of `LONG`, `WITH_FILTER`, `MINUTES`."""

INCOMPLETE_PCT = 1.0
"""A tool that is shown to lose a larger share of its events under a workload is incomplete."""


@dataclass(frozen=True, slots=True)
class Usage:
    """An answer and what decided it.

    answer: the band, or `FASTER`, `UNDECIDED` or `CANNOT_ATTACH`.
    reason: why, as a key below `usage.reason` in the report's texts:
        limit         `effect` is the largest cost of the band;
        details       nothing measured is shown to be worse than `LONG`, the tool's class decides;
        open          the interval of `effect` can still make it any band from `best` to `worst`;
        single_figure `effect` is in the band `worst`, but has no interval;
        gain          the traffic was faster with the tool;
        invalid, withheld, no_estimate, no_interval
                      of `count` of `total` measurements, `effect` is the costliest of them;
        nothing       no traffic was measured;
        cannot_attach `why` names what the kernel lacks.
    effect: the deciding row of the effects table, for every answer but these two: what is
        shown beside the answer is this row's case, workload, metric, estimate and interval. Where
        it is the largest of several (`effect["largest_of"]`), its numbers allow for that.
    best, worst: the bands between which an undecided answer lies; otherwise both are the answer's
        (of `FASTER`: the band of the other costs).
    lost_pct: the share of its events that an incomplete tool lost at least, %, under the workload
        where it lost most; None if it is not shown to be incomplete.
    """

    answer: Answer
    reason: str
    effect: Row | None
    best: Answer
    worst: Answer
    count: int = 0
    total: int = 0
    lost_pct: float | None = None
    why: str = ""

    @property
    def above(self) -> float | None:
        """The limit that the deciding cost exceeds (of the next better band), in its unit."""
        place = self._place
        return LIMITS[self._topic][place - 1] if place else None

    @property
    def within(self) -> float | None:
        """The limit that the deciding cost keeps (of its band), in its unit."""
        place = self._place
        return None if place in (None, len(BANDS) - 1) else LIMITS[self._topic][place]

    @property
    def _topic(self) -> str:
        assert self.effect is not None
        return str(self.effect["topic"])

    @property
    def _place(self) -> int | None:
        """The band of the deciding cost by itself; None where no band was given."""
        if self.answer not in BANDS:
            return None
        if self.reason != "details" or self.effect is None:
            return BANDS.index(self.answer)
        high, estimate = self.effect["ci_high"], self.effect["estimate"]
        cost = estimate if high is None else high
        return None if cost is None else BANDS.index(band_of(self._topic, cost))


def cannot_attach(why: str) -> Usage:
    """The answer for a tool that its host's kernel cannot run; why: one sentence."""
    answer = Answer.CANNOT_ATTACH
    return Usage(answer, "cannot_attach", None, answer, answer, why=why)


def usage(effects: Iterable[Row], tool_class: str | None) -> Usage:
    """The answer for one tool on one layer of one environment.

    `effects` are the tool's rows of the effects table with the columns `topic` (a key of `LIMITS`)
    and `withheld` (a blocking check failed); rows of other topics are ignored.
    """
    return rate(ratable(row for row in effects if row["topic"] in LIMITS), tool_class)


def rate(rows: Sequence[Row], tool_class: str | None) -> Usage:
    """The answer from `ratable` rows."""
    return replace(_rate(rows, tool_class), lost_pct=_lost_pct(rows))


def _lost_pct(rows: Iterable[Row]) -> float | None:
    shares = [share for row in rows if (share := row.get("lost_low_pct")) is not None]
    most = max(shares, default=0.0)
    return most if most > INCOMPLETE_PCT else None


def _rate(rows: Sequence[Row], tool_class: str | None) -> Usage:
    floor = Answer.WITH_FILTER if (tool_class or "").startswith("details") else Answer.LONG
    best = _worst([floor, *(_span(row)[0] for row in rows)])
    worst = _worst([floor, *(_span(row)[1] for row in rows)])
    if best is not Answer.NOT_AT_ALL:
        if not any(row["primary"] for row in rows):
            return Usage(Answer.UNDECIDED, "nothing", None, best, Answer.NOT_AT_ALL)
        for doubt in _DOUBTS:
            if found := [row for row in rows if _doubt(row) == doubt]:
                row = max(found, key=severity)
                return Usage(Answer.UNDECIDED, doubt, row, best, worst, len(found), len(rows))
        if worst is not best:
            row = max(rows, key=severity)
            reason = "single_figure" if row["ci_high"] is None else "open"
            return Usage(Answer.UNDECIDED, reason, row, best, worst)
    deciding = [row for row in rows if _span(row)[0] is best]
    gains = [row for row in rows if _is_gain(row)]
    if gains and (not deciding or best is Answer.LONG):
        return Usage(
            Answer.FASTER, "gain", min(gains, key=lambda row: row["estimate"]), best, worst
        )
    reason = "limit" if deciding else "details"
    return Usage(best, reason, max(deciding or rows, key=severity), best, worst)


def ratable(effects: Iterable[Row]) -> list[Row]:
    """The rows by whose ends the tool is rated: of each topic with several costs, these with the
    intervals of `largest.cost_intervals`, which allow for picking the largest, and `largest_of`,
    their number. All other rows stay as they are, and so do those without an error (`se_log`).
    """
    rows = list(effects)
    topics: dict[str, list[int]] = {}
    for place, row in enumerate(rows):
        known = row["ci_high"] is not None and not _doubt(row) and not _is_gain(row)
        if known and row.get("se_log") is not None:
            topics.setdefault(row["topic"], []).append(place)
    for places in topics.values():
        if len(places) > 1:
            for place, cost in zip(places, cost_intervals([rows[i] for i in places]), strict=True):
                ends = {"estimate": cost.estimate, "ci_low": cost.low, "ci_high": cost.high}
                rows[place] = {**rows[place], **ends, "largest_of": len(places)}
    return rows


def band_of(topic: str, cost: float) -> Answer:
    """The best band whose limit the cost does not exceed."""
    for band, limit in zip(BANDS, LIMITS[topic], strict=False):
        if cost <= limit:
            return band
    return Answer.NOT_AT_ALL


def severity(row: Row) -> tuple[int, int, float]:
    """Orders costs of any topics by what they say against the tool: the band at the worst end, the
    band at the best end, the share of the topic's first limit. Doubted ones are the least."""
    low, high = _span(row)
    end = "ci_low" if low is Answer.NOT_AT_ALL else "ci_high"
    cost = row["estimate"] if row[end] is None else row[end]
    share = float("-inf") if cost is None else cost / LIMITS[row["topic"]][0]
    return (-1 if _doubt(row) else high.rank), low.rank, share


def _span(row: Row) -> tuple[Answer, Answer]:
    """The bands between which the cost lies, as far as this row tells; equal if it is settled."""
    topic, high = row["topic"], row["ci_high"]
    if _doubt(row):
        return Answer.LONG, Answer.NOT_AT_ALL
    if _is_gain(row):
        return Answer.LONG, Answer.LONG
    if high is None:
        estimate = row["estimate"]
        return Answer.LONG, Answer.LONG if estimate is None else band_of(topic, estimate)
    ends = band_of(topic, row["ci_low"]), band_of(topic, high)
    return (ends[1], ends[1]) if _is_judged(row) and ends[1] is not Answer.NOT_AT_ALL else ends


def _is_judged(row: Row) -> bool:
    return not row["primary"] or row["verdict"] in DECIDED


_DOUBTS: Sequence[str] = ("invalid", "withheld", "no_estimate", "no_interval")
"""The first to be named comes first."""


def _doubt(row: Row) -> str | None:
    """Why nothing is known of the row's cost; one of `_DOUBTS`."""
    if row["verdict"] == "invalid":
        return "invalid"
    if row["withheld"]:
        return "withheld"
    if row["primary"] and row["estimate"] is None:
        return "no_estimate"
    return "no_interval" if row["primary"] and row["ci_high"] is None else None


def _is_gain(row: Row) -> bool:
    return bool(row["primary"] and row["verdict"] == "implausible_gain")


def _worst(bands: Iterable[Answer]) -> Answer:
    return max(bands, key=lambda band: band.rank)
