"""`lab`: the local labs of this machine."""

from typing import Annotated

import typer

from tasks.model.clock_kind import Clock
from tasks.model.settings import Switch

from ..console import out
from ..options import LabSwitch, comma_separated

app = typer.Typer(
    help="Manages local labs: real SSH hosts on this one machine.", no_args_is_help=True
)

LabName = Annotated[str, typer.Argument(help="The lab's name; several can be up at once.")]


@app.command(
    "up",
    epilog="Examples: `ebpf-overhead lab up demo` · "
    "`ebpf-overhead lab up old --kernel 5.10 --clock instructions`",
)
def lab_up(
    name: LabName = "lab",
    layers: Annotated[
        str, typer.Option(help="host, or host,vm for a guest on each host.")
    ] = "host",
    switch: LabSwitch = Switch.BRIDGE,
    kernel: Annotated[
        str | None,
        typer.Option(
            help="Builds the lab in a machine of its own with this kernel: 5.10, 6.1, 6.12 or a "
            "file. Default: on this machine."
        ),
    ] = None,
    clock: Annotated[
        Clock,
        typer.Option(
            help="wall; or instructions: the machine counts its time by the instructions that it "
            "executes, which no other load disturbs."
        ),
    ] = Clock.WALL,
) -> None:
    """Brings a lab up and writes its minimal-input.yaml."""
    from tasks.lab import lifecycle
    from tasks.lab_hosts import KERNEL

    if clock is Clock.INSTRUCTIONS and kernel is None:
        kernel = KERNEL
    state = lifecycle.up(
        name,
        layers=comma_separated(layers),
        switch=switch.value,
        notify=out.print,
        kernel=kernel,
        clock=clock.value,
    )
    out.print(f"minimal input: {state.minimal_input}", soft_wrap=True)


@app.command("status", epilog="Example: `ebpf-overhead lab status`")
def lab_status() -> None:
    """Shows the labs of this machine and whether their hosts answer."""
    from tasks.lab import lifecycle

    states = lifecycle.status()
    for state in states:
        if state.machine:
            kernel, clock = state.machine.asked
            out.print(f"{state.name}  machine  Linux {kernel}, {clock} clock")
        for host in state.hosts:
            answers = "answers" if host.answers else "does not answer"
            address = host.address if host.port == 22 else f"{host.address}:{host.port}"
            out.print(f"{state.name}  {host.name}  {address}  test {host.test_ip}  {answers}")
    if not states:
        out.print("no lab is up")


@app.command("down", epilog="Example: `ebpf-overhead lab down demo`")
def lab_down(name: LabName = "lab") -> None:
    """Takes a lab down and leaves nothing of it behind."""
    from tasks.lab import lifecycle

    was_up = name in {state.name for state in lifecycle.status()}
    lifecycle.down(name)
    out.print(f"lab {name} is down" if was_up else f"no lab {name} was up; nothing of it is left")
