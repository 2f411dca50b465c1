"""The lengths of windows and the iterations that decide in the least lab time.

A longer window averages the seconds within it, and only them. For each number of iterations the
shortest window of each workload that decides is known from its variance components
(`components.py`); the number that takes the least lab time is chosen (Kalibera & Jones 2013: buy
repetitions at the level where they are cheapest).

Several windows within one attach are not a choice: even where all variance is between windows and
none between attaches, they save a sixth of the hours with three workloads and none with ten
(tests/benchmarks/bench_windows.py).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from .components import variance_in
from .power import Judged

LENGTHS_S = (2, 3, 4, 5, 7, 10, 15, 20, 30, 60)
"""Seconds that are tried. Load programs take whole seconds; below 2 a tool's CPU, counted in ticks
of 10 ms, would be known no better than to half of its margin."""


@dataclass(frozen=True, slots=True)
class Noise:
    """One metric of a workload, as measured in windows of `window_s`.

    judged: its spread is that of these windows. seconds: the part of its variance that comes from
    the seconds within them; None: not known.
    """

    judged: Judged
    window_s: float
    seconds: float | None

    def in_windows_of(self, length_s: float) -> Judged:
        """How it will be judged in windows of another length."""
        variance = variance_in(self.judged.sd**2, self.seconds, self.window_s, length_s)
        return replace(self.judged, sd=variance**0.5)


@dataclass(frozen=True, slots=True)
class Choice:
    """Iterations, and each workload's window in seconds."""

    iterations: int
    windows_s: Mapping[str, int]
    lab_s: float


def choose_windows(
    noise: Mapping[str, Sequence[Noise]],
    iterations: Iterable[int],
    lab_s: Callable[[int, Mapping[str, int]], float],
) -> Choice | None:
    """The choice of least lab time among these numbers of iterations; None if none decides.

    noise: of each workload that is to be decided, by name; lab_s: the lab time of so many
    iterations with these windows. "Decides": `Judged.decides`, of every metric of the workload.
    """
    choices = []
    for count in iterations:
        lengths = {name: shortest_window(of_load, count) for name, of_load in noise.items()}
        known = {name: length for name, length in lengths.items() if length is not None}
        if len(known) == len(lengths):
            choices.append(Choice(count, known, lab_s(count, known)))
    return min(choices, key=lambda choice: choice.lab_s, default=None)


def shortest_window(noise: Sequence[Noise], iterations: int) -> int | None:
    """The shortest of `LENGTHS_S` in which so many iterations decide; None if none does."""
    for length_s in LENGTHS_S:
        if all(each.in_windows_of(length_s).decides(iterations) for each in noise):
            return length_s
    return None
