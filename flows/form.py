"""What a person fills in to start a run beside the settings models, and what a run is called."""

from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Literal

from prefect.runtime import flow_run

from tasks.make_plan import make_plan_of
from tasks.model.errors import InputError, raise_all
from tasks.model.names import CONFIG
from tasks.model.plan import Plan
from tasks.model.settings import Measurement, Selection

ENVIRONMENTS = CONFIG / "environments"


class WhenBusy(StrEnum):
    """What a run does while another run holds its hosts."""

    WAIT = "wait"
    REFUSE = "refuse"


Language = Literal["zh", "en"]


def known_environments() -> list[str]:
    """Names of the environments that bootstrap wrote below config/environments."""
    return sorted(path.parent.name for path in ENVIRONMENTS.glob("*/*-full.yaml"))


def folders_of(environments: Sequence[str | Path]) -> list[Path]:
    """Each environment's folder, from its name or from the folder itself. Raises InputErrors."""
    found, errors = [], []
    for text in environments:
        folder = next((p for p in (Path(text), ENVIRONMENTS / text) if p.is_dir()), None)
        if folder is not None:
            found.append(folder)
        else:
            known = ", ".join(known_environments())
            expected = f"one of {known}" if known else "a folder that `bootstrap` wrote"
            errors.append(InputError("environments", str(text), "no such environment", expected))
    raise_all(errors)
    return found


def plans_of(
    environments: Sequence[str | Path],
    selection: Selection,
    measurement: Measurement,
    workflow: Path | None = None,
) -> list[tuple[Path, Plan]]:
    """Each environment's folder and plan. Touches no host. Raises InputErrors of all of them."""
    plans: list[tuple[Path, Plan]] = []
    errors: list[InputError] = []
    for folder in folders_of(environments):
        try:
            plans.append((folder, make_plan_of(folder, selection, measurement, workflow)))
        except InputError as error:
            errors += getattr(error, "errors", [error])
    raise_all(list({str(error): error for error in errors}.values()))
    return plans


def titled(title: str) -> Callable[[], str]:
    """Names a flow run after its environments, or after the run that it resumes."""

    def name() -> str:
        chosen = flow_run.parameters
        environments = ", ".join(Path(text).name for text in chosen["environments"])
        return f"{title} · {environments or chosen.get('run') or 'all environments'}"

    return name
