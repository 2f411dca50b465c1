"""The verb `forecast`: what a time budget buys on an environment, and what it cannot see."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from .model.metrics import PRIMARY
from .model.names import MARGINS_FILE
from .model.plan import Plan
from .planning.schedule import duration_s
from .statistics.decision_rules import Rules, looks_until, primary_metrics
from .statistics.margins import read_margins
from .statistics.power import forecast, iterations_within, spreads
from .storage.dataset import Dataset


@dataclass(frozen=True, slots=True)
class Forecast:
    """Iterations, the length of one, and a row for each layer, workload and metric."""

    iterations: int
    iteration_s: float
    table: pl.DataFrame  # layer, workload, metric, unit, sd, source, visible, margin, needed, words


def forecast_plan(
    plan: Plan, datasets: str, budget_s: float | None, margins: Path = MARGINS_FILE
) -> Forecast:
    """Without a budget: of the plan's own iterations.

    The spreads are those stored for the environment; where there are none, defaults marked so.
    """
    first = [slot for slot in plan.slots if slot.iteration == 1]
    iteration_s = duration_s(plan, first)
    iterations = (
        plan.design.iterations if budget_s is None else iterations_within(budget_s, iteration_s)
    )
    effects = Dataset(datasets).scan("effects").filter(environment=plan.environment).collect()
    wanted = [
        (str(layer), workload.name, PRIMARY[workload.kind, workload.protocol])
        for layer in dict.fromkeys(slot.layer for slot in first)
        for workload in plan.workloads
    ]
    looks = looks_until(plan.design.iterations) if plan.design.until_decided else ()
    rules = Rules(primary=primary_metrics(plan.workloads), looks=looks)
    table = forecast(iterations, wanted, spreads(effects), read_margins(margins), rules)
    return Forecast(iterations, iteration_s, table)
