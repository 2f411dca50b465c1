"""How far a node's clock is from ours."""

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
