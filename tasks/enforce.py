"""The task `enforce`: holds effects against a budget file."""

from collections.abc import Iterable, Sequence

from .model.errors import BudgetBroken
from .model.names import RunKey
from .statistics.budgets import Budget, HeldLimit, hold, read_budget
from .storage.dataset import Dataset

__all__ = ["Budget", "HeldLimit", "hold_budget", "raise_if_broken", "read_budget"]


def hold_budget(
    datasets: str, keys: Iterable[RunKey], budget: Budget, file: str
) -> list[HeldLimit]:
    """Each limit beside each cost to which it applies. Raises InputErrors for a limit that names
    what was not measured."""
    return hold(Dataset(datasets).rows("effects", keys), budget, file)


def raise_if_broken(held: Sequence[HeldLimit], *, strict: bool = False) -> None:
    """Raises BudgetBroken with a line for each cost that is proven to be above its limit; strict:
    also for each that is not proven to be within it."""
    failing = {"above", "undecided"} if strict else {"above"}
    if lines := [str(one) for one in held if one.state in failing]:
        raise BudgetBroken("\n".join(lines))
