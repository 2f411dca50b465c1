"""The task `interim analysis`: changes the rest of the plan according to the data so far.

Blocks whose baselines jumped are repeated; that decision uses the baselines alone. In a sequential
campaign, a case leaves the schedule workload by workload, as each is decided.
"""

from dataclasses import dataclass

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from .model.environment import Layer
from .model.plan import Plan
from .planning.schedule import REPEATED, with_block_repeated, without
from .quality.checks import complete
from .quality.stability import regimes
from .reading import native
from .reading.records import Reading
from .statistics.baselines import baseline_series, blocks, unsteady_blocks
from .statistics.decision_rules import rules_for
from .statistics.differences import cell_values
from .statistics.effects import analyze
from .statistics.margins import read_margins
from .storage.run_folder import RunFolder


@dataclass(frozen=True, slots=True)
class Interim:
    """The plan after an interim analysis, and what changed in it."""

    plan: Plan
    repeated: int  # slots that are measured again
    decided: dict[str, str]  # case -> which of its workloads are not measured any more, and why


@task(
    name="interim analysis", task_run_name="interim analysis · {iteration}", cache_policy=NO_CACHE
)
def analyze_interim(folder: RunFolder, plan: Plan, iteration: int) -> Interim:
    """The interim analysis after `iteration`, which is complete. Writes the plan if it changed."""
    reading = native.read_environment(folder)
    decided: dict[str, str] = {}
    changed = _with_repeats(reading, plan, iteration)
    repeated = len(changed.slots) - len(plan.slots)
    if not repeated and iteration in rules_for(plan).analyses:
        changed, decided = without_decided(plan, _decided(reading, plan), iteration)
    if changed is not plan:
        folder.write_plan(changed)
    return Interim(changed, repeated, decided)


def without_decided(
    plan: Plan, decided: pl.DataFrame, iteration: int
) -> tuple[Plan, dict[str, str]]:
    """The plan without what is decided after `iteration`, and what leaves it: case -> in words.

    `decided` is that of `statistics.effects.Analysis`. What left before is not named again.
    """
    rows = decided.select("layer", "case", "workload", "stopped").iter_rows()
    why = {(Layer(layer), case, workload): reason for layer, case, workload, reason in rows}
    leaving: set[tuple[Layer, int, str]] = set()
    words: dict[str, str] = {}
    for slot in (slot for slot in plan.slots if slot.iteration == iteration + 1):
        case, workloads = plan.case(slot.case_id, slot.layer), plan.workloads_in(slot)
        keys = {w.name: (slot.layer, case.name, w.name) for w in workloads}
        reasons = {name: why[key] for name, key in keys.items() if key in why}
        if reasons:
            leaving |= {(slot.layer, slot.case_id, name) for name in reasons}
            words[case.name] = _in_words(reasons, whole=len(reasons) == len(workloads))
    return (without(plan, leaving, after=iteration), words) if leaving else (plan, {})


def _in_words(reasons: dict[str, str], *, whole: bool) -> str:
    """Why these workloads of a case are not measured any more; `whole`: no other is left."""
    if whole and len(set(reasons.values())) == 1:
        return next(iter(reasons.values()))
    return "; ".join(f"{workload} {reason}" for workload, reason in reasons.items())


def _with_repeats(reading: Reading, plan: Plan, iteration: int) -> Plan:
    """The plan with this iteration's unsteady blocks repeated; the same plan if there are none, or
    if blocks of this iteration were repeated before."""
    if any(s.iteration == iteration and s.attempt >= REPEATED for s in plan.slots):
        return plan
    values = cell_values(reading.cells, reading.samples)
    series = baseline_series(values, rules_for(plan))
    for layer, left, right in unsteady_blocks(blocks(series), iteration):
        plan = with_block_repeated(plan, iteration, Layer(layer), left, right)
    return plan


def _decided(reading: Reading, plan: Plan) -> pl.DataFrame:
    """What is decided, as in `statistics.effects.Analysis`.

    Nothing is decided in a layer whose baselines jump between two levels, because its verdicts
    would be withheld.
    """
    rules, margins = rules_for(plan), read_margins()
    analysis = analyze(reading.cells, reading.samples, margins, rules)
    jumping = regimes(complete(reading.tables())).filter("failed")
    return analysis.decided.join(jumping, on="layer", how="anti")
