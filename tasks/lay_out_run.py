"""The verb `lay_out_run`: a run's folders before it begins; its environments once it has begun."""

from pathlib import Path

from .model.plan import Plan
from .planning.remaining import slots_left
from .storage.run_folder import RunFolder, hardware_groups, laid_out

__all__ = ["RunFolder", "groups_of", "is_unfinished", "lay_out_run"]


def lay_out_run(run: Path, plans: list[tuple[Path, Plan]]) -> None:
    """Writes into the run's folder all that each environment's part of it is made from.

    plans: the folder that bootstrap wrote, and the plan, of each environment.
    """
    for config_dir, plan in plans:
        RunFolder.create(run / plan.environment, config_dir, run.name, plan)


def groups_of(run: Path) -> list[list[RunFolder]]:
    """The environments of a run that was laid out; those in one group share hardware.

    Raises InputError where the folder is no run's.
    """
    return hardware_groups(laid_out(run))


def is_unfinished(run: Path) -> bool:
    """Whether a run that was laid out has cells without a final outcome."""
    return any(slots_left(folder.plan(), folder.outcomes()) for folder in laid_out(run))
