"""The gate `steady`: do the baselines of one run jump between two levels?

Schedulers and idle states have regimes: one machine gave 16 us and 80 us for the same TCP_RR,
minutes apart. A tool measured in one regime and compared with a baseline of the other shows an
overhead or a gain that is neither.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..model.bilingual import Bilingual
from ..model.outcome import GateResult

MIN_BASELINES = 6
"""With fewer values, two groups are too likely by chance."""

FEW = 12
MAX_WITHIN = 0.10
MAX_WITHIN_FEW = 0.01
"""Spread left inside the two groups, as a share of the whole: for FEW values or more, for fewer.
Noise without regimes leaves 0.36 (1 - 2/pi, normal values), a straight drift 0.25. By simulation of
normal values the first limit splits 0.7 % of series of 12, the second 0.1 % of series of 6 (where
the first would split 9.8 %)."""

MIN_RATIO = 1.15
"""Levels closer than this are no regimes but noise, which the interval already includes."""

EXPECTED = Bilingual(
    f"one level, or levels within {100 * (MIN_RATIO - 1):.0f} % of each other",
    f"只有一个水平，或两个水平相差 {100 * (MIN_RATIO - 1):.0f} % 以内",
)


@dataclass(frozen=True, slots=True)
class Regimes:
    """The best split of positive values into a low and a high group."""

    low: float  # geometric mean of the group, in the values' unit
    high: float
    n_low: int
    n_high: int
    within: float  # share of the spread (sum of squares of the logs) left inside the groups

    @property
    def apart(self) -> bool:
        """Two levels rather than one: each with two values or more, far apart, and tight."""
        both_repeated = min(self.n_low, self.n_high) >= 2
        limit = MAX_WITHIN if self.n_low + self.n_high >= FEW else MAX_WITHIN_FEW
        return both_repeated and self.within < limit and self.high > MIN_RATIO * self.low


def split(values: Sequence[float]) -> Regimes:
    """The split of two or more positive values with the least spread inside (2-means, exact).

    In one dimension the best two groups are a cut of the sorted values, so all cuts are tried.
    """
    logs = np.sort(np.log(np.asarray(values, dtype=float)))
    n = np.arange(1, logs.size)
    centred = logs - logs.mean()
    left, squares = np.cumsum(centred)[:-1], float(np.sum(centred**2))
    between = left**2 / n + left**2 / (logs.size - n)  # the right group's sum is -left
    cut = int(np.argmax(between)) + 1
    within = 1.0 if squares == 0 else max(0.0, 1.0 - float(between.max()) / squares)
    return Regimes(
        low=float(np.exp(logs[:cut].mean())),
        high=float(np.exp(logs[cut:].mean())),
        n_low=cut,
        n_high=int(logs.size - cut),
        within=within,
    )


def judge_steady(baselines: Sequence[float]) -> GateResult:
    """The gate over all baselines of one environment, layer, workload and metric in one run."""
    if len(baselines) < MIN_BASELINES or min(baselines) <= 0:
        few = Bilingual(
            f"not observed: {len(baselines)} baselines, {MIN_BASELINES} positive ones needed",
            f"未观测到：基线 {len(baselines)} 个，至少需要 {MIN_BASELINES} 个正值",
        )
        return _result(None, few)
    regimes = split(baselines)
    observed = Bilingual(
        f"{len(baselines)} baselines at one level", f"{len(baselines)} 个基线处于同一水平"
    )
    if regimes.apart:
        low, high = f"{regimes.low:.4g}", f"{regimes.high:.4g}"
        observed = Bilingual(
            f"{regimes.n_low} baselines at {low}, {regimes.n_high} at {high}",
            f"{regimes.n_low} 个基线在 {low}，{regimes.n_high} 个在 {high}",
        )
    return _result(not regimes.apart, observed)


def _result(passed: bool | None, observed: Bilingual) -> GateResult:
    return GateResult("steady", passed, observed.en, EXPECTED.en, observed.zh, EXPECTED.zh)
