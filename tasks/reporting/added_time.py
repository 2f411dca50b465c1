"""How much of the time that a tool adds to a packet its BPF programs explain.

A host that is saturated by one stream of small datagrams takes 1/rate for each. What a tool adds to
it is the difference of the two times; its BPF programs' own time per packet was counted in the
attribution passes. The residual is everything else: the dispatch of the probes, the tool's user
side on the same CPU, colder caches.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from .view import Row, View

_NS = 1e9
_ENDS = ("estimate", "ci_low", "ci_high")


@dataclass(frozen=True, slots=True)
class AddedTime:
    """One case on one workload; all times in ns/packet."""

    effect: Row
    added: float
    low: float  # ends of the 95 % interval of `added`
    high: float
    bpf: float

    @property
    def unexplained(self) -> tuple[float, float, float]:
        """Estimate, lower and upper end of what the programs do not explain."""
        return self.added - self.bpf, self.low - self.bpf, self.high - self.bpf

    @property
    def explained_pct(self) -> float | None:
        """Share of `added` that the programs take; None where nothing is shown to be added, or
        less than the programs take: they are not what limits the rate."""
        return self.bpf / self.added * 100 if self.low > 0 and self.bpf <= self.high else None


def added_times(view: View) -> list[AddedTime]:
    """Each tool's case with the largest cost in datagrams of one stream, by tool and environment.

    Tools without such a workload, an interval or counted programs are left out.
    """
    kernel = view.kernel_ns("case")
    found: dict[tuple[str, str, str], AddedTime] = {}
    for row in view.effects.to_dicts():
        bpf = kernel.get((row["environment"], row["layer"], row["case"]))
        if bpf is None or not _is_saturating(view, row):
            continue
        place = (row["tool"], row["environment"], row["layer"])
        if place not in found or row["estimate"] > found[place].effect["estimate"]:
            added, low, high = (_added_ns(row, row[name]) for name in _ENDS)
            found[place] = AddedTime(row, added, low, high, bpf)
    return [found[place] for place in sorted(found)]


def _is_saturating(view: View, row: Row) -> bool:
    shape = view.shapes.get(row["workload"])
    numbers = (row["estimate"], row["ci_low"], row["ci_high"], row["baseline_mean"])
    return (
        shape is not None
        and (shape.kind, shape.protocol, shape.streams) == ("pps", "udp", 1)
        and bool(row["primary"] and row["kind"] == "tool" and not row["withheld"])
        and None not in numbers
        and row["ci_high"] < 100
    )


def _added_ns(row: Mapping[str, float], cost_pct: float) -> float:
    """The longer time per packet: a rate that is `cost_pct` lower than the baseline's."""
    return _NS / row["baseline_mean"] * cost_pct / (100 - cost_pct)
