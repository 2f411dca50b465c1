"""The task `interim analysis`: changes the rest of the plan according to the data so far.

Blocks whose baselines jumped are repeated; that decision uses the baselines alone. In a sequential
campaign, decided cases leave the schedule.
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
    decided: dict[str, str]  # case -> why it is not measured any more


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
    """The plan without the decided cases after `iteration`, and why each of them leaves it.

    `decided` is that of `statistics.effects.Analysis`. Cases that left before are not named again.
    """
    scheduled = {(s.layer, s.case_id) for s in plan.slots if s.iteration > iteration}
    rows = decided.select("layer", "case", "stopped").iter_rows()
    why = {(Layer(layer), case): reason for layer, case, reason in rows}
    leaving = {
        (case.layer, case.id): why[case.layer, case.name]
        for case in plan.cases
        if (case.layer, case.id) in scheduled and (case.layer, case.name) in why
    }
    if not leaving:
        return plan, {}
    named = {plan.case(id, layer).name: reason for (layer, id), reason in leaving.items()}
    return without(plan, leaving, after=iteration), named


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
    """The decided cases, as in `statistics.effects.Analysis`.

    No case is decided in a layer whose baselines jump between two levels, because its verdicts
    would be withheld.
    """
    rules, margins = rules_for(plan), read_margins()
    analysis = analyze(reading.cells, reading.samples, margins, rules)
    jumping = regimes(complete(reading.tables())).filter("failed")
    return analysis.decided.join(jumping, on="layer", how="anti")
