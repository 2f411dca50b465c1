"""What starting a tool takes: means over the starts of one cell."""

from collections.abc import Iterable, Sequence

from ..model.outcome import Sample
from ..storage.rawtree import StartRecord

_SOURCE = "starts"


def start_samples(starts: Sequence[StartRecord], node: str) -> list[Sample]:
    """One sample a metric, `n` the number of starts; none without starts. A start of which a value
    is not known leaves that metric out."""
    values: dict[str, Iterable[float | None]] = {
        "tool_ready_s": (start.ready_s for start in starts),
        "tool_start_cpu_s": (start.cpu_s for start in starts),
        "tool_start_rss_mib": (_mib(start.rss_peak_kib, 2**10) for start in starts),
        "tool_maps_mib": (_mib(start.maps_bytes, 2**20) for start in starts),
    }
    return [
        Sample(metric, mean, node, _SOURCE, n=len(starts))
        for metric, each in values.items()
        if (mean := _mean(list(each))) is not None
    ]


def _mib(value: int | None, per_mib: int) -> float | None:
    return None if value is None else value / per_mib


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known and len(known) == len(values) else None
