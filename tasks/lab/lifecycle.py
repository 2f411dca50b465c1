"""Bringing a lab up, taking it down, and its present state."""

import fcntl
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from ..model.environment import Layer
from ..model.errors import CommandFailed, InputError, OverheadError, raise_all
from ..model.names import as_id
from . import booted, guest, lab_host, minimal_input, network
from .machine import HERE, recorded, wait_until
from .requirements import missing, missing_for_machine, refusals
from .state import (
    GUESTS,
    HOSTS,
    STATE_ROOT,
    LabHost,
    LabLayout,
    LabMachine,
    LabNode,
    LabState,
    read_layout,
    write_layout,
)

Notify = Callable[[str], None]
"""Takes one line about the progress."""

Ended = Callable[[], bool]
"""Whether whoever asked for a lab no longer wants it."""


class NoLongerWanted(Exception):
    """The lab that was being built; it has been taken down."""


_LOCK = Path("/run/lock/ebpf-overhead-lab")


def up(
    name: str = "lab",
    layers: Sequence[str] = ("host",),
    switch: str = "bridge",
    state_root: Path | None = None,
    notify: Notify = lambda _: None,
    ended: Ended = lambda: False,
    kernel: str | None = None,
    clock: str = "wall",
) -> LabState:
    """The running lab `name`. A lab that is already up is left alone, a broken one is rebuilt.

    kernel: of a machine for the lab, a version of `booted.KERNELS` or a file; None: the lab
    stands on this machine. clock: of that machine, wall or instructions.

    A lab that cannot be built is taken down. Raises InputErrors for what this machine lacks, and
    where the lab is up with another layout; CommandFailed, in one line; NoLongerWanted once
    `ended()`.
    """
    directory = _directory(name, state_root)
    wanted = _layers(layers)
    if switch not in network.SWITCHES:
        raise InputError("lab", "switch", f"no switch {switch!r}", " or ".join(network.SWITCHES))
    _refuse(missing(layers, switch) if kernel is None else missing_for_machine())
    steps = ["starting"]

    def begin(step: str) -> None:
        if ended():
            raise NoLongerWanted
        steps.append(step)
        notify(step)

    if kernel is not None:
        booted.machine_image(kernel, begin)  # takes minutes, once: other labs need not wait for it
    with _exclusively():
        if (layout := read_layout(directory)) and (state := _state_of(layout)).alive:
            asked = layout.machine.asked if layout.machine else (None, "wall")
            if (layout.layers, layout.switch, *asked) != (wanted, switch, kernel, clock):
                problem = f"is up {_described(layout)}"
                raise InputError(f"lab {name}", "", problem, "`lab down` first")
            notify(f"lab {name} is up")
            return state
        _clear(directory)
        before = layout.machine if layout else None
        layout = _new_layout(name, directory, wanted, switch, kernel, clock, before)
        try:
            _build(layout, begin, ended)
        except InputError:
            _clear(directory)
            raise
        except (OverheadError, OSError, subprocess.SubprocessError) as error:
            _clear(directory)
            raise CommandFailed(HERE, _not_built(layout, steps[-1], error)) from error
        except BaseException:  # also Ctrl-C: an incomplete lab is useless
            _clear(directory)
            raise
        notify(f"lab {name} is up")
        return _state_of(layout)


def down(name: str = "lab", state_root: Path | None = None) -> None:
    """Removes all that is left of the lab, if anything: processes, links, files."""
    _refuse(refusals())
    directory = _directory(name, state_root)
    with _exclusively():
        _clear(directory)


def status(state_root: Path | None = None) -> list[LabState]:
    """The present state of every lab below the state root."""
    _refuse(refusals())
    root = state_root or STATE_ROOT
    directories = sorted(root.iterdir()) if root.is_dir() else []
    layouts = [read_layout(directory) for directory in directories]
    return [_state_of(layout) for layout in layouts if layout]


def _not_built(layout: LabLayout, step: str, cause: Exception) -> str:
    """One line: what failed, and what to do."""
    remedy = "try again"
    if Layer.VM in layout.layers:
        remedy = "`--layers host` leaves the VMs out"
    words = " ".join(str(cause).split()).removesuffix(f"; {remedy}")  # said in the machine already
    return f"lab {layout.name} was not built and is down again; {step}: {words}; {remedy}"


def _new_layout(
    name: str,
    directory: Path,
    layers: tuple[Layer, ...],
    switch: str,
    kernel: str | None,
    clock: str,
    before: LabMachine | None,
) -> LabLayout:
    if kernel is None:
        return LabLayout(name, directory, layers, switch, network.free_number())
    layout = LabLayout(name, directory, layers, switch, booted.NUMBER)
    names = [node.name for node in layout.nodes]
    return replace(layout, machine=booted.reserve(kernel, clock, names, before))


def _described(layout: LabLayout) -> str:
    text = f"with {','.join(layout.layers)} over {layout.switch}"
    if layout.machine is None:
        return text
    return f"{text}, Linux {layout.machine.kernel}, {layout.machine.clock} clock"


def _build(layout: LabLayout, begin: Notify, ended: Ended) -> None:
    write_layout(layout)
    if layout.machine is None:
        _build_here(layout, begin, ended)
    else:
        booted.build(layout, begin, ended)
        layout.catalog.write_text(minimal_input.machine_catalog())
        for node in layout.nodes:
            _wait_for(layout, node, ended)
    # Written last: a lab with this file is complete.
    (layout.directory / "minimal-input.yaml").write_text(minimal_input.text(layout))


def _build_here(layout: LabLayout, begin: Notify, ended: Ended) -> None:
    lab_host.make_keys(layout)
    network.add_management(layout)
    pids: dict[str, int] = {}
    for node in HOSTS:
        begin(f"starting {node.name} at {layout.management_ip(node)}")
        pids[node.name] = lab_host.start(layout, node)
        network.plug_management(layout, node, pids[node.name])
    begin(f"building the test network {layout.test} ({layout.switch})")
    network.plug_test(layout, pids)
    if Layer.VM in layout.layers:
        _start_guests(layout, pids, begin)
    lines = [lab_host.known_hosts_line(layout, node) for node in layout.nodes]
    (layout.directory / "known_hosts").write_text("".join(lines))
    for node in layout.nodes:
        _wait_for(layout, node, ended)


def _start_guests(layout: LabLayout, pids: Mapping[str, int], notify: Notify) -> None:
    notify(f"building the guests' image (they run under {guest.accelerator()})")
    guest.write_shared_image(layout)
    for node in GUESTS:
        assert node.host is not None
        notify(f"booting {node.name} on {node.host} at {layout.management_ip(node)}")
        guest.start(layout, node, pids[node.host])


def _wait_for(layout: LabLayout, node: LabNode, ended: Ended) -> None:
    def answers() -> bool:
        if ended():
            raise NoLongerWanted
        return lab_host.answers(*layout.ssh_address(node))

    directory = layout.node_directory(node)
    if layout.machine is not None:
        alive, log, within_s = partial(booted.runs, layout), booted.console(layout), 60.0
    elif node.layer is Layer.VM:
        alive, log, within_s = partial(guest.runs, layout, node), directory / "console.log", 300.0
    else:
        alive, log, within_s = partial(lab_host.runs, layout, node), directory / "sshd.log", 10.0
    wait_until(answers, within_s, f"{node.name} answers", log, alive)


def _clear(directory: Path) -> None:
    if layout := read_layout(directory):
        if layout.machine is not None:
            booted.stop(layout)
        else:
            network.unplug(layout)
            for node in HOSTS:
                lab_host.stop(layout, node)
    if directory.exists():
        shutil.rmtree(directory)


def _state_of(layout: LabLayout) -> LabState:
    return LabState(
        name=layout.name,
        directory=layout.directory,
        layers=layout.layers,
        switch=layout.switch,
        hosts=tuple(_node_state(layout, node) for node in layout.nodes),
        machine=layout.machine,
    )


def _node_state(layout: LabLayout, node: LabNode) -> LabHost:
    address, port = layout.ssh_address(node)
    holder = recorded(layout.record(node))
    return LabHost(
        name=node.name,
        layer=node.layer,
        address=address,
        port=port,
        test_ip=str(layout.test_ip(node)),
        pid=holder.pid if holder else None,
        answers=holder is not None and lab_host.answers(address, port),
    )


def _layers(layers: Sequence[str]) -> tuple[Layer, ...]:
    unknown = [layer for layer in layers if layer not in set(Layer)]
    if unknown or not layers:
        raise InputError("lab", "layers", f"no layer {', '.join(unknown)}", "host, vm or both")
    return tuple(layer for layer in Layer if layer in layers)


def _refuse(lines: Sequence[str]) -> None:
    raise_all([InputError("lab", "", line) for line in lines])


def _directory(name: str, state_root: Path | None) -> Path:
    if as_id(name) != name:
        raise InputError("lab", "name", f"{name!r} is not a name", "letters, digits, _ . -")
    return (state_root or STATE_ROOT).resolve() / name


@contextmanager
def _exclusively() -> Iterator[None]:
    """Waits until no other lab is built or removed here: all labs share one range of networks."""
    _LOCK.parent.mkdir(parents=True, exist_ok=True)
    with _LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
