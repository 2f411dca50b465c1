"""The task `enforce`: checks effects against a budget file."""

from collections.abc import Iterable
from pathlib import Path

from .model.errors import BudgetBroken
from .model.names import RunKey
from .statistics.budgets import broken, read_budget
from .storage.dataset import Dataset


def enforce_budget(datasets: str, keys: Iterable[RunKey], budget: Path) -> None:
    """Raises BudgetBroken with one line for each limit that a cost provably exceeds.

    An effect whose verdict is withheld never exceeds a limit.
    """
    limits = read_budget(budget)
    if exceeded := broken(Dataset(datasets).rows("effects", keys), limits):
        raise BudgetBroken("\n".join(map(str, exceeded)))
