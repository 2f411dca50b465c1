"""The settings an analysis is judged by: error level, looks, which metric decides a workload."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from ..model.metrics import PRIMARY
from ..model.plan import Workload

LOOKS = (4, 6, 8, 10, 12)
"""Iterations after which a sequential campaign looks at its numbers."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How effects are judged. `looks` empty is the fixed design: one look, at the end.

    `alpha` is the error of the whole campaign; every look spends an equal part of it (Bonferroni),
    so that looking often stays honest. Intervals are 95 % whatever `alpha` is.
    """

    primary: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    alpha: float = 0.05
    power: float = 0.8
    looks: tuple[int, ...] = ()

    @property
    def test_alpha(self) -> float:
        """The level of one test at one look."""
        return self.alpha / max(1, len(self.looks))

    @property
    def cap(self) -> int | None:
        """The last look's iteration; None in the fixed design."""
        return self.looks[-1] if self.looks else None


def primary_metrics(workloads: Iterable[Workload]) -> dict[str, str]:
    """Workload's name -> the metric that decides it."""
    return {
        workload.name: PRIMARY[workload.kind, workload.protocol]
        for workload in workloads
        if (workload.kind, workload.protocol) in PRIMARY
    }
