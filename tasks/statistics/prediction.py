"""What a tool costs at a packet rate at which it was not measured.

By its load curve: the line through the CPU that it added at the measured rates. How far such lines
can be trusted is tested, not assumed: `held_out` draws them through two rates only and asks for the
others.

By its programs, for a tool without a curve, or to say where the CPU of a curve goes:

    ns/packet = Σ programs: events/packet · (empty probe of its kind + its own time)
                + ns/packet of the tool's processes

An empty probe's cost (dispatch and all) is what the load curve of a probe with nothing in it shows,
measured in the same environment; a program's own time is what the kernel counted of it, less what
it counted of the empty one, which is the counting itself. Without such a measurement the published
model's dispatch takes its place, for the kinds that it has.

A host that holds `capacity` packets/s without the tool holds 1/(1/capacity + cost) with it, if the
CPU that limits the traffic does all of the tool's work: fewer cannot be.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from .line import Bounds, fit, total
from .load_curve import NS_PER_PCT, Curve, Place, on_line

EMPTY_PROBES = "empty-probes"
"""The category of the tools that are probes with nothing in them."""

_NS = 1e9


@dataclass(frozen=True, slots=True)
class HeldOut:
    """A measured point that a line through two others was asked for."""

    place: Place
    packets_per_s: float
    predicted: Bounds  # with the error of the point itself
    measured: float  # % of one CPU

    @property
    def inside(self) -> bool:
        return self.predicted.low <= self.measured <= self.predicted.high


def held_out(curves: Iterable[Curve]) -> list[HeldOut]:
    """The points between the smallest and the largest safe rate, of each tool's curve."""
    return [point for curve in curves if curve.kind == "tool" for point in _held_out(curve)]


def _held_out(curve: Curve) -> Iterator[HeldOut]:
    known = on_line(curve.points, lambda point: point.cpu)
    line = fit([known[0], known[-1]]) if len(known) > 2 else None
    if line is not None:
        for rate, cpu in known[1:-1]:
            yield HeldOut(curve.place, rate, line.at(rate, cpu.error), cpu.estimate)


@dataclass(frozen=True, slots=True)
class EmptyProbe:
    """An empty probe of one kind, in one environment and layer.

    ns: what one event costs in all. counted_ns: what the kernel counts of it; None: this is the
    published model's dispatch, and counting is not known.
    """

    environment: str
    layer: str
    probe: str
    ns: Bounds
    counted_ns: float | None


def empty_probes(curves: Iterable[Curve], programs: pl.DataFrame) -> list[EmptyProbe]:
    """Those that were measured under a load curve. programs: rows of bpf_programs."""
    by_place = _by_place(programs.filter(category=EMPTY_PROBES))
    found = []
    for curve in curves:
        of_case = by_place.get(curve.place, [])
        slope = curve.slope_ns
        if slope is None or len(of_case) != 1 or (probe := of_case[0].probe) is None:
            continue
        environment, _, layer, _ = curve.place
        ns = slope.times(1 / of_case[0].events_per_packet)
        found.append(EmptyProbe(environment, layer, probe, ns, of_case[0].ns_per_event))
    return found


def known_probes(
    curves: Iterable[Curve], programs: pl.DataFrame, entry_ns: Mapping[str, tuple[float, float]]
) -> list[EmptyProbe]:
    """Those measured, and for the other kinds in `entry_ns` the published model's dispatch (least
    and most, ns), in every layer of every environment of `programs`."""
    measured = {(e.environment, e.layer, e.probe): e for e in empty_probes(curves, programs)}
    places = programs.select("environment", "layer").unique().sort("environment", "layer").rows()
    published = {
        (environment, layer, probe): EmptyProbe(
            environment, layer, probe, Bounds((low + high) / 2, low, high), None
        )
        for environment, layer in places
        for probe, (low, high) in entry_ns.items()
    }
    return list((published | measured).values())


@dataclass(frozen=True, slots=True)
class _Program:
    probe: str | None
    events_per_packet: float
    ns_per_event: float


def _by_place(programs: pl.DataFrame) -> dict[Place, list[_Program]]:
    """The programs of each case that ran, medians over the passes; without those that a timer
    runs, whose cost does not grow with the packets."""
    of_events = pl.col("type") != "perf_event"
    ran = programs.filter(pl.col("run_cnt") > 0, of_events).drop_nulls(
        ["events_per_packet", "ns_per_event"]
    )
    keys = ["environment", "run", "layer", "case"]
    one = [*keys, "name", "type", "tag", "probe"]
    in_pass = ran.group_by([*one, "iteration", "position"]).agg(
        pl.col("events_per_packet").sum(),
        ns_per_event=pl.col("run_time_ns").sum() / pl.col("run_cnt").sum(),
    )
    medians = in_pass.group_by(one).agg(pl.col("events_per_packet", "ns_per_event").median())
    found: dict[Place, list[_Program]] = {}
    for row in medians.sort(one).to_dicts():
        place = (row["environment"], row["run"], row["layer"], row["case"])
        program = _Program(row["probe"], row["events_per_packet"], row["ns_per_event"])
        found.setdefault(place, []).append(program)
    return found


@dataclass(frozen=True, slots=True)
class Parts:
    """What a packet costs by a tool's programs and processes, ns; None with the reason why not.

    own: of its processes, None where no load curve shows them. lacking: kinds of probe of which no
    empty one is known, or `?` where the kind of a program's probe is not.
    """

    programs: Bounds | None
    own: Bounds | None
    lacking: tuple[str, ...] = ()

    @property
    def all(self) -> Bounds | None:
        """Both; None without the programs."""
        if self.programs is None:
            return None
        return self.programs if self.own is None else total((self.programs, self.own))


def parts_of(
    curves: Iterable[Curve], programs: pl.DataFrame, empty: Iterable[EmptyProbe]
) -> dict[Place, Parts]:
    """The parts of each case whose programs were counted, empty probes left out."""
    known = {(one.environment, one.layer, one.probe): one for one in empty}
    own = {curve.place: curve.own_cpu for curve in curves}
    found = {}
    for place, of_case in _by_place(programs.filter(pl.col("category") != EMPTY_PROBES)).items():
        environment, _, layer, _ = place
        costs = []
        lacking = set()
        for program in of_case:
            probe = known.get((environment, layer, program.probe or ""))
            if probe is None:
                lacking.add(program.probe or "?")
                continue
            body = max(0.0, program.ns_per_event - (probe.counted_ns or 0.0))
            per_event = Bounds(
                *(ns + body for ns in (probe.ns.estimate, probe.ns.low, probe.ns.high))
            )
            costs.append(per_event.times(program.events_per_packet))
        line = own.get(place)
        found[place] = Parts(
            None if lacking else total(costs),
            None if line is None else line.slope.times(NS_PER_PCT),
            tuple(sorted(lacking)),
        )
    return found


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a case costs at a rate.

    cpu: % of one CPU that the host uses more. by_curve: from its load curve, else from its
    programs. up_to: the largest rate that was measured, packets/s, None without a curve. holds:
    packets/s that the hosts still hold with the tool, at least; None where their capacity is not
    known.
    """

    place: Place
    cpu: Bounds
    by_curve: bool
    extrapolates: bool
    up_to: float | None
    holds: Bounds | None


def predict(curves: Iterable[Curve], parts: Mapping[Place, Parts], pps: float) -> list[Prediction]:
    """What each tool's case costs at `pps` packets/s; a case without anything to tell it is not in
    the list."""
    by_place = {curve.place: curve for curve in curves if curve.kind == "tool"}
    found = []
    for place in dict.fromkeys((*by_place, *parts)):
        curve = by_place.get(place)
        slope = None if curve is None else curve.slope_ns
        if curve is not None and curve.cpu is not None and slope is not None:
            line = curve.cpu
            holds = _holds(curve.capacity_pps, slope)
            extrapolates = not line.reaches(pps)
            found.append(Prediction(place, line.at(pps), True, extrapolates, line.last, holds))
        elif place in parts and (cost := parts[place].all) is not None:
            capacity = None if curve is None else curve.capacity_pps
            cpu = cost.times(pps / NS_PER_PCT)
            found.append(Prediction(place, cpu, False, True, None, _holds(capacity, cost)))
    return found


def _holds(capacity_pps: float | None, ns_per_packet: Bounds) -> Bounds | None:
    """With at most one CPU for the traffic and the tool."""
    if capacity_pps is None:
        return None
    costs = (ns_per_packet.estimate, ns_per_packet.high, ns_per_packet.low)
    return Bounds(*(1 / (1 / capacity_pps + max(0.0, cost) / _NS) for cost in costs))
