"""How far a node's clock is from ours, and whether it can be one that counts instructions."""

import re
from collections.abc import Sequence

from ..model.errors import ParseError
from ..model.probe import ProbeAnswer


def parse_clock(answers: Sequence[ProbeAnswer]) -> tuple[float, float]:
    """Offset (the node's clock minus ours) and its error, in seconds. Raises ParseError.

    The node read its clock at some moment between question and answer: the offset is that at the
    middle, and half the round trip bounds its error, so the quickest answer is the most exact.
    """
    best = min(answers, key=lambda answer: answer.round_trip_s)
    try:
        node_time = float(best.stdout)
    except ValueError:
        raise ParseError("date", f"not a time: {best.stdout[:40]!r}") from None
    error = best.round_trip_s / 2
    return node_time - (best.sent_at + error), error


_TSC_MHZ = 1000.0
"""QEMU's `-icount` gives x86 guests a time stamp counter of 1 GHz, whatever the host's is."""

_TSC_TOLERANCE = 0.01


def not_counting(cpu: str, cpus: int | None) -> str:
    """Why a machine's clock evidently does not count instructions; empty if it may.

    cpu: the output of lscpu, or /proc/cpuinfo. Linux prints twice the counter's MHz as BogoMIPS on
    x86, and something else elsewhere.
    """
    if cpus is not None and cpus != 1:
        return f"has {cpus} CPUs; a machine that counts instructions has one"
    bogomips = re.search(r"^bogomips\s*:\s*([\d.]+)", cpu, re.MULTILINE | re.IGNORECASE)
    x86 = re.search(r"^(?:Architecture:\s+x86_64|vendor_id\s*:)", cpu, re.MULTILINE)
    if bogomips and x86 and abs(float(bogomips[1]) / 2 / _TSC_MHZ - 1) > _TSC_TOLERANCE:
        return f"has a time stamp counter of {float(bogomips[1]) / 2:.0f} MHz, not {_TSC_MHZ:.0f}"
    return ""
