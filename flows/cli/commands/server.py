"""Prefect on this machine or elsewhere: `ui` and `deploy`."""

import os
from pathlib import Path
from typing import Annotated

import typer

from tasks.model.errors import InputError

from ..console import out
from ..options import Output

app = typer.Typer()


@app.command(epilog="Examples: `ebpf-overhead ui` · `ebpf-overhead ui --stop`")
def ui(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the server.")] = 4200,
    output_dir: Output = Path("reports"),
    stop: Annotated[bool, typer.Option("--stop", help="Stop what `ui` started.")] = False,
) -> None:
    """Starts Prefect's server, a worker and the deployments on this machine; prints the address."""
    from flows.server import ui

    folder = ui.state_directory()
    if stop:
        ui.stop(folder, out.print)
        return
    out.print(f"open {ui.start(folder, port, output_dir, out.print)}", soft_wrap=True)
    out.print(f"logs: {folder}; end it with: ebpf-overhead ui --stop", soft_wrap=True)


@app.command(epilog="Example: `PREFECT_API_URL=http://server:4200/api ebpf-overhead deploy`")
def deploy(
    site: Annotated[
        str | None,
        typer.Option(help="Name of this site's work pool, on a server of several sites."),
    ] = None,
    notify: Annotated[
        str | None,
        typer.Option(
            help="Notification block of the server, TYPE/NAME, that is told of failed campaigns "
            "and exceeded budgets: slack-webhook/ops."
        ),
    ] = None,
) -> None:
    """Registers the deployments of deployments/prefect.yaml at a Prefect server."""
    from flows.server import ui

    from ...server.deploy import deploy as register

    api = os.environ.get("PREFECT_API_URL") or ui.api_address(ui.state_directory())
    if api is None:
        raise InputError("PREFECT_API_URL", "", "not set, and no `ebpf-overhead ui` runs here",
                         "the address of a Prefect server")  # fmt: skip
    for name in register(api, site, notify):
        out.print(f"deployment {name}")
