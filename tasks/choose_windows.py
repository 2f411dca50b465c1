"""Windows by their worth: a plan's windows and iterations, from what its environment stored."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from .model.metrics import METRICS, PRIMARY
from .model.plan import Plan, Workload
from .planning.schedule import CELL_OVERHEAD_S, duration_s, ordered
from .statistics.decision_rules import DecisionRules, rules_for
from .statistics.margins import Margins, read_margins
from .statistics.power import Judged, called_shares
from .statistics.stored_noise import StoredNoise, stored_noise
from .statistics.windows import LENGTHS_S, Choice, Noise, choose_windows

_MANY = (15, 20, 30, 40, 60, 80, 120, 160, 240, 320, 480, 640, 1000)
"""Iterations that are tried for advice only, where the plan's own are too few."""


@dataclass(frozen=True, slots=True)
class ChosenWindows:
    """The plan with the chosen windows, and why, a sentence a line."""

    plan: Plan
    reasons: tuple[str, ...]


def with_chosen_windows(plan: Plan, datasets: str, margins: Path | None = None) -> ChosenWindows:
    """The plan with the windows and iterations that decide its margins in the least lab time.

    Its iterations are the most that may be taken; until decided they stay the most. The plan stays
    as it is where nothing is stored of its environment, or where no window decides.
    """
    stored = stored_noise(datasets, plan.environment, plan.clock, rules_for(plan))
    if stored.parts.is_empty():
        return ChosenWindows(plan, ("nothing is stored of this environment yet: preset windows",))
    settled = _with_settled_warmup(plan, stored.settling)
    rules = rules_for(plan)
    noise = _noise(plan, stored, read_margins(margins), rules)
    if not noise:
        return ChosenWindows(plan, ("no workload of this plan has stored spreads and a margin",))
    counts = rules.analyses or range(2, plan.design.iterations + 1)

    def lab_s(iterations: int, windows_s: Mapping[str, int]) -> float:
        return iterations * _iteration_s(_with_windows(settled, windows_s))

    choice = choose_windows(noise, counts, lab_s)
    if choice is None:
        most = plan.design.iterations
        advice = _advice(choose_windows(noise, _MANY, lab_s))
        reason = f"no windows decide in {most} iterations: preset windows; {advice}"
        return ChosenWindows(plan, (reason,))
    chosen = _with_windows(settled, choice.windows_s)
    if not plan.design.until_decided:
        design = replace(chosen.design, iterations=choice.iterations)
        chosen = ordered(replace(chosen, design=design))
    return ChosenWindows(chosen, tuple(_reasons(plan, chosen, choice, stored.parts)))


def _with_settled_warmup(plan: Plan, settling: pl.DataFrame) -> Plan:
    """The plan with the warm-ups longer by what the stored windows took to settle."""
    late = dict(settling.group_by("workload").agg(pl.col("settling_s").max()).iter_rows())
    return replace(
        plan,
        workloads=tuple(
            replace(w, warmup_s=w.warmup_s + float(late.get(w.name, 0))) for w in plan.workloads
        ),
    )


def _noise(
    plan: Plan, stored: StoredNoise, margins: Margins, rules: DecisionRules
) -> dict[str, list[Noise]]:
    """What is known of each workload of the plan, in the layers that it measures."""
    layers = {str(slot.layer) for slot in plan.slots}
    called = called_shares(stored.effects)
    found: dict[str, list[Noise]] = {}
    for workload in plan.workloads:
        metric = _metric(workload)
        margin = margins.get(metric)
        rows = stored.parts.filter(workload=workload.name, metric=metric)
        for row in rows.filter(pl.col("layer").is_in(list(layers))).iter_rows(named=True):
            if margin is not None:
                judged = Judged(
                    METRICS[metric], margin, row["total"] ** 0.5, row["prior_df"], rules, called
                )
                noise = Noise(judged, row["window_s"] or workload.window_s, row["seconds"])
                found.setdefault(workload.name, []).append(noise)
    return found


def _metric(workload: Workload) -> str:
    return PRIMARY[workload.kind, workload.protocol]


def _with_windows(plan: Plan, windows_s: Mapping[str, int]) -> Plan:
    return replace(
        plan,
        workloads=tuple(
            replace(w, window_s=float(windows_s.get(w.name, w.window_s))) for w in plan.workloads
        ),
    )


def _iteration_s(plan: Plan) -> float:
    return duration_s(plan, [slot for slot in plan.slots if slot.iteration == 1])


def _advice(choice: Choice | None) -> str:
    """What would decide, where the plan's iterations do not."""
    if choice is None:
        return f"not even {_MANY[-1]} iterations would"
    windows = ", ".join(f"{name} {length} s" for name, length in choice.windows_s.items())
    return f"about {choice.iterations} with {windows} would, in {choice.lab_s / 3600:.2g} h"


def _reasons(before: Plan, plan: Plan, choice: Choice, parts: pl.DataFrame) -> Iterable[str]:
    """The choice beside the preset, each workload's share of curable variance, and the floor."""
    yield (
        f"chosen: {choice.iterations} iterations decide a cost of 0 and one "
        f"of twice the margin, in {choice.lab_s / 3600:.2g} h; with the preset windows an "
        f"iteration takes {_iteration_s(before) / _iteration_s(plan):.1f} times as long"
    )
    for old, new in zip(before.workloads, plan.workloads, strict=True):
        if new.warmup_s > old.warmup_s:
            yield f"{new.name}: {new.warmup_s:g} s of warm-up, since its load settles only then"
    for row in parts.iter_rows(named=True):
        if row["workload"] in choice.windows_s:
            yield _of_workload(row, choice.windows_s[row["workload"]])
    shortest = _with_windows(plan, dict.fromkeys(choice.windows_s, LENGTHS_S[0]))
    idle = _with_windows(plan, dict.fromkeys(choice.windows_s, 0))
    floor_h = choice.iterations * _iteration_s(shortest) / 3600
    idle_share = _iteration_s(idle) / _iteration_s(shortest)
    yield (
        f"floor: {floor_h:.2g} h for these iterations with windows of {LENGTHS_S[0]} s, "
        f"{idle_share:.0%} of it outside the windows (start and stop of each case, attribution, "
        f"warm-up and {CELL_OVERHEAD_S:g} s of each cell)"
    )


def _of_workload(row: Mapping[str, float | str | None], window_s: int) -> str:
    place = f"{row['layer']} {row['workload']}: {window_s} s"
    total, seconds, attaches, nights = (
        row[name] for name in ("total", "seconds", "attaches", "nights")
    )
    assert isinstance(total, float)
    text = f"{place}; of the variance of a difference (SD {100 * total**0.5:.2g} %) "
    if isinstance(seconds, float):
        text += f"{seconds / total:.0%} is of seconds, which longer windows average"
    else:
        text += "the part of seconds is not known (no series), so shorter windows count as noisier"
    if isinstance(attaches, float):
        text += f", {min(1.0, attaches / total):.0%} of attaches"
    if isinstance(nights, float):
        text += f"; nights add {nights / total:.0%}"
    return text
