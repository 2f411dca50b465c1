"""Folders and plans of the chosen environments."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tasks.choose_windows import with_chosen_windows
from tasks.make_plan import cases_mismatch, make_plan_of
from tasks.model.errors import InputError, one_of, raise_all
from tasks.model.names import ENVIRONMENTS
from tasks.model.plan import Plan
from tasks.model.settings import Measurement, Selection


@dataclass(frozen=True, slots=True)
class Planned:
    """An environment's plan. reasons: of automatically chosen windows, a sentence each."""

    folder: Path
    plan: Plan
    reasons: tuple[str, ...] = ()


def known_environments() -> list[str]:
    """Names of the environments that bootstrap wrote below config/environments."""
    return sorted(path.parent.name for path in ENVIRONMENTS.glob("*/*-full.yaml"))


def folders_of(environments: Sequence[str | Path]) -> list[Path]:
    """The folder of each environment, given its name or the folder. Raises InputErrors."""
    found, errors = [], []
    for text in environments:
        folder = next((p for p in (Path(text), ENVIRONMENTS / text) if p.is_dir()), None)
        if folder is not None:
            found.append(folder)
        else:
            expected = one_of(known_environments(), str(text)) or "a folder that `bootstrap` wrote"
            errors.append(InputError("environments", str(text), "no such environment", expected))
    raise_all(errors)
    return found


def mismatches(environments: Sequence[str | Path]) -> list[str]:
    """A sentence for each environment whose cases.json no longer matches its full.yaml."""
    return [text for folder in folders_of(environments) if (text := cases_mismatch(folder))]


def plans_of(
    environments: Sequence[str | Path],
    selection: Selection,
    measurement: Measurement,
    workflow: Path | None = None,
    make: Callable[..., Plan] = make_plan_of,
    datasets: str | None = None,
) -> list[Planned]:
    """The plan of each environment. Touches no host. Raises InputErrors for all of them.

    make: `make_plan_of`, or the Prefect task made from it. datasets: where windows that are chosen
    automatically have their variances from; None: the plans are only checked, no window is chosen.
    """
    plans: list[Planned] = []
    errors: list[InputError] = []
    for folder in folders_of(environments):
        try:
            planned = Planned(folder, make(folder, selection, measurement, workflow))
            if measurement.windows == "auto" and workflow is None and datasets is not None:
                chosen = with_chosen_windows(planned.plan, datasets)
                planned = Planned(folder, chosen.plan, chosen.reasons)
            plans.append(planned)
        except InputError as error:
            errors += error.errors
    raise_all(list({str(error): error for error in errors}.values()))
    return plans
