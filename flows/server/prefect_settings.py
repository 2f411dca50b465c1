"""Prefect's settings as environment variables. Must not import Prefect, which reads them once."""

from tasks.model.names import ROOT

_FILE = ROOT / "deployments" / "prefect.env"

QUIET = {"PREFECT_LOGGING_LEVEL": "CRITICAL", "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL"}
"""A terminal shows the project's own progress; Prefect's log stays in its server."""

_PATIENT = {
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    "PREFECT_CLIENT_MAX_RETRIES": "9",  # waits a quarter of an hour for a server that is away
}


def shared_settings() -> dict[str, str]:
    """deployments/prefect.env: of the server, every worker, and runs from a shell."""
    lines = _FILE.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def shell_settings() -> dict[str, str]:
    """Defaults of a run from a shell; its own environment takes precedence."""
    return shared_settings() | QUIET | _PATIENT
