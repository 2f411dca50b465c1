"""The task `forecast`: which costs get a verdict within a time budget, in an environment."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from .model.metrics import PRIMARY
from .model.plan import Plan
from .planning.schedule import duration_s
from .statistics.decision_rules import rules_for
from .statistics.margins import read_margins
from .statistics.power import called_shares, forecast, iterations_within
from .statistics.stored_noise import stored_noise


@dataclass(frozen=True, slots=True)
class Forecast:
    """Iterations, the length of one, and a row for each layer, workload and metric."""

    iterations: int
    iteration_s: float
    table: pl.DataFrame  # as statistics.power.forecast returns it


def forecast_plan(
    plan: Plan, datasets: str, budget_s: float | None, margins: Path | None = None
) -> Forecast:
    """The forecast for as many iterations as fit into the budget; without one, for the plan's own.

    The spreads are those stored for the environment, in windows of the plan's length; if there are
    none, defaults, marked as such.
    """
    first = [slot for slot in plan.slots if slot.iteration == 1]
    iteration_s = duration_s(plan, first)
    iterations = (
        plan.design.iterations if budget_s is None else iterations_within(budget_s, iteration_s)
    )
    rules = rules_for(plan)
    stored = stored_noise(datasets, plan.environment, plan.clock, rules)
    wanted = [
        (str(layer), workload.name, PRIMARY[workload.kind, workload.protocol])
        for layer in dict.fromkeys(slot.layer for slot in first)
        for workload in plan.workloads
    ]
    table = forecast(
        iterations,
        wanted,
        stored.spreads({workload.name: workload.window_s for workload in plan.workloads}),
        read_margins(margins),
        rules,
        called_shares(stored.effects),
    )
    return Forecast(iterations, iteration_s, table)
