"""What a person fills in to start a run, where it is not a model of its own; and a run's name."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Literal

from prefect.runtime import flow_run

from tasks.model.errors import InputError, raise_all
from tasks.model.names import CONFIG
from tasks.model.settings import Measurement, Selection

ENVIRONMENTS = CONFIG / "environments"


class WhenBusy(StrEnum):
    """What a run does when another run holds one of its hosts."""

    WAIT = "wait"
    REFUSE = "refuse"


Language = Literal["zh", "en"]


@dataclass(frozen=True, slots=True)
class CampaignRequest:
    """Everything that was chosen for a campaign, whichever flow runs it."""

    environments: Sequence[str]
    selection: Selection
    measurement: Measurement
    when_busy: WhenBusy
    languages: Sequence[Language]
    results_dir: Path
    datasets: str
    output: Path
    workflow: Path | None = None


def known_environments() -> list[str]:
    """Those that bootstrap wrote below config/environments."""
    return sorted(path.parent.name for path in ENVIRONMENTS.glob("*/*-full.yaml"))


def folders_of(environments: Sequence[str]) -> list[Path]:
    """Each environment's folder, from its name or from the folder itself. Raises InputErrors."""
    found, errors = [], []
    for text in environments:
        folder = next((p for p in (Path(text), ENVIRONMENTS / text) if p.is_dir()), None)
        if folder is not None:
            found.append(folder)
        else:
            known = ", ".join(known_environments())
            expected = f"one of {known}" if known else "a folder that `bootstrap` wrote"
            errors.append(InputError("environments", text, "no such environment", expected))
    raise_all(errors)
    return found


def titled(title: str) -> Callable[[], str]:
    """Names a flow run after its environments, or after the run that it resumes."""

    def name() -> str:
        chosen = flow_run.parameters
        environments = ", ".join(Path(text).name for text in chosen["environments"])
        return f"{title} · {environments or chosen.get('run') or 'all environments'}"

    return name
