"""`lab`: the local lab of this machine."""

from typing import Annotated

import typer

from ..console import out
from ..options import (
    words,
)

app = typer.Typer(help="The local lab: real hosts on this one machine.", no_args_is_help=True)

LabName = Annotated[str, typer.Argument(help="The lab's name; labs stand side by side.")]


@app.command("up", epilog="Example: `ebpf-overhead lab up demo`")
def lab_up(
    name: LabName = "lab",
    layers: Annotated[str, typer.Option(help="host, or host,vm.")] = "host",
    switch: Annotated[str, typer.Option(help="What joins the hosts: bridge or ovs.")] = "bridge",
) -> None:
    """Brings a lab up and writes its minimal-input.yaml."""
    from tasks.lab import lifecycle

    state = lifecycle.up(name, layers=words(layers), switch=switch, notify=out.print)
    out.print(f"minimal input: {state.minimal_input}", soft_wrap=True)


@app.command("status", epilog="Example: `ebpf-overhead lab status`")
def lab_status() -> None:
    """Shows the labs of this machine and whether their hosts answer."""
    from tasks.lab import lifecycle

    states = lifecycle.status()
    for state in states:
        for host in state.hosts:
            answers = "answers" if host.answers else "does not answer"
            out.print(f"{state.name}  {host.name}  {host.address}  test {host.test_ip}  {answers}")
    if not states:
        out.print("no lab is up")


@app.command("down", epilog="Example: `ebpf-overhead lab down demo`")
def lab_down(name: LabName = "lab") -> None:
    """Takes a lab down; nothing of it stays."""
    from tasks.lab import lifecycle

    lifecycle.down(name)
    out.print(f"lab {name} is down")
