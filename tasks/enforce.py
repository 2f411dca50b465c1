"""The verb `enforce`: effects against a budget file."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from .model.errors import BudgetBroken
from .statistics.budgets import broken, read_budget
from .storage.dataset import Dataset


@task(name="enforce", task_run_name="enforce · {budget}", cache_policy=NO_CACHE)
def enforce_budget(datasets: str, keys: Sequence[tuple[str, str]], budget: Path) -> None:
    """Raises BudgetBroken with a line for each limit that a cost is proven to be above.

    An effect whose verdict is withheld proves nothing.
    """
    limits, dataset = read_budget(budget), Dataset(datasets)
    wanted = pl.DataFrame(list(keys), schema=["environment", "run"], orient="row").lazy()
    on = ["environment", "run"]
    effects = dataset.scan("effects").join(wanted, on=on, how="semi").collect()
    over = broken(effects, limits)
    if over:
        raise BudgetBroken("\n".join(map(str, over)))
