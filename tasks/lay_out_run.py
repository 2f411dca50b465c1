"""The task `lay_out_run`: creates the folders of a run, and finds its environments in them."""

from pathlib import Path

from .model.clock_kind import Clock
from .model.errors import InputError
from .model.plan import Plan
from .planning.remaining import slots_left
from .storage.run_folder import RunFolder, hardware_groups, laid_out

__all__ = ["RunFolder", "groups_of", "is_unfinished", "lay_out_run"]


def lay_out_run(run: Path, plans: list[tuple[Path, Plan]]) -> None:
    """Creates the run folder with the configuration and the plan of each environment.

    plans: for each environment, the folder that bootstrap wrote, and the plan. Raises InputError
    if their clocks differ: one report would place figures side by side that do not compare.
    """
    clocks = {plan.clock: plan.environment for _, plan in plans}
    if len(clocks) > 1:
        wall, counted = clocks[Clock.WALL], clocks[Clock.INSTRUCTIONS]
        problem = f"{counted} counts instructions, {wall} is on the wall clock"
        raise InputError("environments", counted, problem, "a run of its own for each clock")
    for config_dir, plan in plans:
        RunFolder.create(run / plan.environment, config_dir, run.name, plan)


def groups_of(run: Path) -> list[list[RunFolder]]:
    """The environments of a run that was laid out; those in one group share hardware.

    Raises InputError if the folder is not a run folder.
    """
    return hardware_groups(laid_out(run))


def is_unfinished(run: Path) -> bool:
    """Whether a run that was laid out has cells without a final outcome."""
    return any(slots_left(folder.plan(), folder.outcomes()) for folder in laid_out(run))
