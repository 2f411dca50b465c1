"""With more environments at once than SQLite serves, a campaign warns and continues."""

from pathlib import Path

import pytest
from prefect.settings import (
    PREFECT_API_URL,
    PREFECT_SERVER_DATABASE_CONNECTION_URL,
    temporary_settings,
)

import flows.campaign
from flows.form import CampaignRequest, WhenBusy
from flows.progress import LogProgress, progress_on
from tasks.model.settings import Measurement, Selection
from tasks.storage.run_folder import EnvironmentRecord, RunFolder

HERE = "http://127.0.0.1:4200/api"
ELSEWHERE = "http://prefect.example.net:4200/api"
SQLITE = "sqlite+aiosqlite:////var/lib/prefect.db"
POSTGRESQL = "postgresql+asyncpg://prefect:secret@127.0.0.1/prefect"


class Lines(LogProgress):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def notify(self, text: str) -> None:
        self.lines.append(text)


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Returns the notifications of a run of `count` environments before it measures."""

    async def none_measured(*_: object) -> dict[str, str]:
        return {"e0": "not measured in this test"}

    monkeypatch.setattr(flows.campaign, "_measure_all", none_measured)

    async def said(count: int, api: str | None, database: str, hardware: str | None = None):
        for number in range(count):
            name, hosts = f"e{number}", (f"host-{number}",)
            record = EnvironmentRecord(name, "run", 1, hardware=hardware, hosts=hosts)
            RunFolder(tmp_path / "run" / name).write_environment(record)
        settings = {PREFECT_API_URL: api, PREFECT_SERVER_DATABASE_CONNECTION_URL: database}
        listener = Lines()
        with temporary_settings(settings), progress_on(listener):
            request = CampaignRequest(
                [], Selection(), Measurement(), WhenBusy.REFUSE, ["en"], tmp_path, "datasets",
                tmp_path / "reports",
            )  # fmt: skip
            await flows.campaign.conduct(request, "run", "campaign")
        return listener.lines

    return said


@pytest.mark.parametrize("api", [None, HERE])
async def test_nine_environments_at_once_on_sqlite_give_a_warning(said, api):
    (line,) = await said(9, api, SQLITE)
    for part in ("9 environments", "up to 8", "PREFECT_SERVER_DATABASE_CONNECTION_URL"):
        assert part in line


@pytest.mark.parametrize(
    ("count", "api", "database", "hardware"),
    [
        (8, None, SQLITE, None),
        (9, None, SQLITE, "one machine"),  # measured one after the other
        (9, HERE, POSTGRESQL, None),
        (9, ELSEWHERE, SQLITE, None),  # the setting is this machine's, not that server's
    ],
)
async def test_otherwise_there_is_no_warning(said, count, api, database, hardware):
    assert await said(count, api, database, hardware) == []
