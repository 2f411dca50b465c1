"""The Prefect server of a single run that has no other: started for it, and ended with it."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable

from prefect.server.api.server import SubprocessASGIServer
from prefect.settings import get_current_settings

_PR_SET_PDEATHSIG = 1


class OwnServer(SubprocessASGIServer):
    """Prefect's temporary server, of which there is one per process.

    It has a session of its own, because a terminal and a supervisor signal the run's whole group:
    the run must be able to store its last states. The kernel ends it with the thread that started
    it.
    """

    def _run_uvicorn_command(self) -> "subprocess.Popen[bytes]":
        serve = ["--factory", "prefect.server.api.server:create_app", "--log-level", "error"]
        address = ["--host", "127.0.0.1", "--port", str(self.port), "--lifespan", "on"]
        return subprocess.Popen(
            [sys.executable, "-m", "uvicorn", *serve, *address],
            env={
                **os.environ,
                **get_current_settings().to_environment_variables(exclude_unset=True),
                "PREFECT_UI_ENABLED": "0",
                "PREFECT__SERVER_EPHEMERAL": "1",
                "PREFECT__SERVER_FINAL": "1",
            },
            start_new_session=True,
            preexec_fn=_end_with(os.getpid()) if sys.platform == "linux" else None,
        )


def start_own_server() -> None:
    """Must be called by the main thread. Prefect's clients find it, and its `atexit` ends it."""
    OwnServer().start()


def _end_with(parent: int) -> Callable[[], None]:
    libc = ctypes.CDLL(None)

    def in_the_child() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it ended before the kernel knew
            os._exit(1)

    return in_the_child
