"""How much traffic may a tool see: its costs at several packet rates, and the largest rate at which
all of them hold.

Each load workload sends the same packets per second with the tool and without it. At each rate:

    x          packets per second that the server's interface received in the baselines
    held       the baselines themselves lost no more than `HELD_LOSS_PCT` of what was sent
    fewer      datagrams received less than in the baselines, %, as the load program counts them
    lost       datagrams lost with the tool, less those lost without it, percentage points
    cpu        CPU that the server uses more, percentage points of one CPU

A rate is safe if it is held and the upper ends of `fewer` and `lost` are within their margins
(that of datagrams_per_s, and `HELD_LOSS_PCT`), and too much if a lower end is beyond one; else it
is open. A tool is safe up to the largest rate at which this one and every smaller one are. The CPU
is summed up by a line through the safe rates (beyond them it has no more to give), weighted by
their errors:

    cpu(x) = idle + slope·x       slope in ns of CPU per packet, idle in % of one CPU at no traffic
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import polars as pl

from ..model.plan import HELD_LOSS_PCT
from ..storage.schema import PARTITION
from .line import Bounds, Line, around, fit
from .margins import Margins

NS_PER_PCT = 1e7
"""1 % of one CPU is so many ns a second."""

Row = Mapping[str, Any]

_PLACE = (*PARTITION, "layer")

Place = tuple[str, str, str, str]
"""environment, run, layer, case."""


@dataclass(frozen=True, slots=True)
class Point:
    """What a tool costs at one rate. `fewer`, `lost`, `cpu`, `own_cpu`: None without an interval.
    packets_per_s: None where the tool was not measured at this rate, which is then open.
    """

    load_pct: int
    packets_per_s: float | None
    held: bool
    fewer: Bounds | None
    lost: Bounds | None
    cpu: Bounds | None  # that the server uses more
    own_cpu: Bounds | None  # of the tool's own processes, a part of it
    safe: bool
    too_much: bool


@dataclass(frozen=True, slots=True)
class Curve:
    """The points of one case, by rate, and the lines through its CPU.

    safe_pps: the largest safe rate, packets/s; None: none is shown to be. too_much_pps: the
    smallest that is shown to be too much; None: none is. cpu, own_cpu: % of one CPU against
    packets/s; None with fewer than 3 safe rates.
    """

    place: Place
    tool: str
    kind: str
    points: tuple[Point, ...]
    safe_pps: float | None
    too_much_pps: float | None
    cpu: Line | None
    own_cpu: Line | None

    @property
    def slope_ns(self) -> Bounds | None:
        """CPU that a packet costs, ns."""
        return None if self.cpu is None else self.cpu.slope.times(NS_PER_PCT)

    @property
    def idle_pct(self) -> Bounds | None:
        """CPU without traffic, % of one CPU."""
        return None if self.cpu is None else self.cpu.idle

    @property
    def capacity_pps(self) -> float | None:
        """The packet rate that the hosts hold without the tool."""
        known = [
            100 * point.packets_per_s / point.load_pct
            for point in self.points
            if point.held and point.packets_per_s is not None
        ]
        return median(known) if known else None


def load_curves(
    effects: pl.DataFrame,
    samples: pl.DataFrame,
    cells: pl.DataFrame,
    load_pct: Mapping[str, int],
    margins: Margins,
) -> list[Curve]:
    """The curve of each case that was measured under load workloads.

    effects, samples, cells: those tables; load_pct: load workload -> its share of the capacity.
    """
    of_loads = pl.col("workload").is_in(list(load_pct))
    lost = baseline_loss(samples.filter(of_loads), cells)
    found = []
    measured = effects.filter(of_loads, pl.col("kind") != "baseline")
    loads = measured.group_by(_PLACE).agg(pl.col("workload").unique())
    loads_in = {tuple(row[:-1]): row[-1] for row in loads.rows()}
    for place, rows in measured.group_by(*_PLACE, "case", maintain_order=True):
        by_workload: dict[str, dict[str, Row]] = {}
        for row in rows.to_dicts():
            by_workload.setdefault(row["workload"], {})[row["metric"]] = row
        environment, run, layer, case = map(str, place)
        ordered = tuple(
            _point(
                load_pct[name],
                by_workload.get(name, {}),
                lost.get((environment, run, layer, name)),
                margins,
            )
            for name in sorted(loads_in[environment, run, layer], key=lambda name: load_pct[name])
        )
        safe, too_much = _safe_up_to(ordered), _too_much_from(ordered)
        key = (environment, run, layer, case)
        tool, kind = rows["tool"][0], rows["kind"][0]
        found.append(Curve(key, tool, kind, ordered, safe, too_much, *_lines(ordered)))
    return found


def baseline_loss(
    samples: pl.DataFrame, cells: pl.DataFrame
) -> dict[tuple[str, str, str, str], float]:
    """(environment, run, layer, workload) -> median loss of the baselines, %."""
    keys = [*PARTITION, "layer", "iteration", "position", "workload", "attempt"]
    baselines = cells.filter(kind="baseline", status="passed").select(keys)
    lost = samples.filter(metric="lost_pct").join(baselines, on=keys).drop_nulls("value")
    medians = lost.group_by(*PARTITION, "layer", "workload").agg(pl.col("value").median())
    return {(e, r, layer, w): value for e, r, layer, w, value in medians.rows()}


def _point(
    load_pct: int,
    by_metric: Mapping[str, Row],
    lost_without: float | None,
    margins: Margins,
) -> Point:
    fewer, lost = (_bounds(by_metric.get(metric)) for metric in ("datagrams_per_s", "lost_pct"))
    held = lost_without is not None and lost_without <= HELD_LOSS_PCT
    limits = ((fewer, margins.get("datagrams_per_s")), (lost, HELD_LOSS_PCT))
    within = [cost is not None and most is not None and cost.high <= most for cost, most in limits]
    beyond = [cost is not None and most is not None and cost.low > most for cost, most in limits]
    return Point(
        load_pct,
        by_metric.get("packets_per_s", {}).get("baseline_mean"),
        held,
        fewer,
        lost,
        _bounds(by_metric.get("server_cpu_pct")),
        _bounds(by_metric.get("tool_cpu_pct")),
        safe=held and all(within),
        too_much=held and any(beyond),
    )


def _bounds(row: Row | None) -> Bounds | None:
    """None without an interval; where no packet was lost in any window, none was: 0."""
    if row is None or row["verdict"] == "invalid":
        return None
    if row["metric"] == "lost_pct" and row["estimate"] == 0 and row["n"] > 1:
        return Bounds(0.0, row["ci_low"] or 0.0, row["ci_high"] or 0.0)
    if row["ci_high"] is None:
        return None
    return Bounds(row["estimate"], row["ci_low"], row["ci_high"])


def _safe_up_to(points: Iterable[Point]) -> float | None:
    safe = None
    for point in points:
        if not point.safe:
            break
        safe = point.packets_per_s
    return safe


def _too_much_from(points: Iterable[Point]) -> float | None:
    beyond = (point.packets_per_s for point in points if point.too_much)
    return min((rate for rate in beyond if rate is not None), default=None)


def _lines(points: Sequence[Point]) -> tuple[Line | None, Line | None]:
    """Through the CPU that the server uses more, and that of the tool's own processes, in % of one
    CPU, at the safe rates; None with fewer than three of these."""

    def through(cpu_of: Callable[[Point], Bounds | None]) -> Line | None:
        known = on_line(points, cpu_of)
        return fit(known) if len(known) > 2 else None

    return through(lambda point: point.cpu), through(lambda point: point.own_cpu)


def on_line(
    points: Sequence[Point], cpu_of: Callable[[Point], Bounds | None]
) -> list[tuple[float, Bounds]]:
    """Packets/s and CPU of the safe points. No error is smaller than the median of them all: CPU
    time comes in ticks, and a few cells of one value have no spread by chance."""
    known = [
        (point.packets_per_s, cpu)
        for point in points
        if point.safe and point.packets_per_s is not None and (cpu := cpu_of(point)) is not None
    ]
    least = median(cpu.error for _, cpu in known) if known else 0.0
    return [(x, around(cpu.estimate, max(cpu.error, least))) for x, cpu in known]
