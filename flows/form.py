"""Parameters that start a run, apart from the settings models, and the names of flow runs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Literal

from prefect.runtime import flow_run

from tasks.model.settings import Measurement, Selection


class WhenBusy(StrEnum):
    """What a run does while another run holds its hosts."""

    WAIT = "wait"
    REFUSE = "refuse"


Language = Literal["zh", "en"]


@dataclass(frozen=True, slots=True)
class CampaignRequest:
    """All parameters of a campaign, for whichever flow runs it."""

    environments: Sequence[str]
    selection: Selection
    measurement: Measurement
    when_busy: WhenBusy
    languages: Sequence[Language]
    results_dir: Path
    datasets: str
    output: Path
    workflow: Path | None = None
    budget: Path | None = None


def titled(title: str) -> Callable[[], str]:
    """Names a flow run by its environments, or by the run that it resumes."""

    def name() -> str:
        chosen = flow_run.parameters
        environments = ", ".join(Path(text).name for text in chosen["environments"])
        return f"{title} · {environments or chosen.get('run') or 'all environments'}"

    return name
