"""What the readers of a cell's files put together."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from ..model.outcome import Interval, Sample
from ..programs import snapshot

Ends = tuple[snapshot.Snapshot, snapshot.Snapshot]
"""Both ends of the window on one node."""


@dataclass(slots=True)
class Found:
    """What the readers below put together."""

    samples: list[Sample] = field(default_factory=list)
    intervals: list[Interval] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    load_s: list[float] = field(default_factory=list)
    zero_intervals: int | None = None
    payload_bits: float | None = None  # received in the window
    monitor_rows: tuple[float, ...] | None = None

    def sample(self, metric: str, value: float | None, node: str, source: str) -> None:
        self.samples.append(Sample(metric, value, node, source))


def total(values: Iterable[float | None]) -> float | None:
    """The sum; None where one is missing."""
    listed = list(values)
    if not listed or any(value is None for value in listed):
        return None
    return float(sum(value for value in listed if value is not None))
