"""How far a node's clock is from ours."""

from collections.abc import Sequence

from ..model.errors import ParseError
from .prober import ProbeAnswer


def parse_clock(answers: Sequence[ProbeAnswer]) -> tuple[float, float]:
    """Offset (the node's clock minus ours) and its error, in seconds.

    The node read its clock at some moment between question and answer: the offset is taken at the
    middle, and half the round trip bounds the error. The quickest answer is the surest.
    """
    best = min(answers, key=lambda answer: answer.received_at - answer.sent_at)
    try:
        there = float(best.stdout)
    except ValueError:
        raise ParseError("date", f"not a time: {best.stdout[:40]!r}") from None
    error = (best.received_at - best.sent_at) / 2
    return there - (best.sent_at + error), error
