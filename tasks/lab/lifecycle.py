"""Bringing a lab up, taking it down, and looking at it."""

import fcntl
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from ..model.environment import Layer
from ..model.errors import InputError, raise_all
from ..model.names import as_id
from . import guest, lab_host, minimal_input, network
from .machine import recorded, wait_until
from .requirements import missing, refusals
from .state import (
    GUESTS,
    HOSTS,
    STATE_ROOT,
    LabHost,
    LabLayout,
    LabState,
    Seat,
    read_shape,
    write_shape,
)

Progress = Callable[[str], None]

_LOCK = Path("/run/lock/ebpf-overhead-lab")


def up(
    name: str = "lab",
    layers: Sequence[str] = ("host",),
    switch: str = "bridge",
    state_root: Path | None = None,
    progress: Progress | None = None,
) -> LabState:
    """The running lab `name`; one that stands already is left alone, a broken one is built anew.

    Raises InputError for what this machine lacks, and when the lab stands in another shape.
    """
    say = progress or _silent
    directory = _directory(name, state_root)
    wanted = _layers(layers)
    if switch not in network.SWITCHES:
        raise InputError("lab", "switch", f"no switch {switch!r}", " or ".join(network.SWITCHES))
    _refuse(missing(layers, switch))
    with _alone():
        if (shape := read_shape(directory)) and (standing := _look(shape)).alive:
            if (shape.layers, shape.switch) != (wanted, switch):
                stands = f"it stands with {','.join(shape.layers)} over {shape.switch}"
                raise InputError(f"lab {name}", "", stands, "`lab down` first")
            say(f"lab {name} is up")
            return standing
        _clear(directory)
        shape = LabLayout(name, directory, wanted, switch, network.free_number())
        _build(shape, say)
        return _look(shape)


def down(name: str = "lab", state_root: Path | None = None) -> None:
    """Removes the lab, whatever is left of it: processes, links, files. Fine when there is none."""
    _refuse(refusals())
    directory = _directory(name, state_root)
    with _alone():
        _clear(directory)


def status(state_root: Path | None = None) -> list[LabState]:
    """All labs below the state root as they stand now."""
    _refuse(refusals())
    root = state_root or STATE_ROOT
    directories = sorted(root.iterdir()) if root.is_dir() else []
    shapes = [read_shape(directory) for directory in directories]
    return [_look(shape) for shape in shapes if shape]


def _build(shape: LabLayout, say: Progress) -> None:
    write_shape(shape)
    lab_host.make_keys(shape)
    network.add_management(shape)
    pids: dict[str, int] = {}
    for seat in HOSTS:
        say(f"starting {seat.name} at {shape.management_ip(seat)}")
        pids[seat.name] = lab_host.start(shape, seat)
        network.plug_management(shape, seat, pids[seat.name])
    say(f"laying the test network {shape.test} ({shape.switch})")
    network.plug_test(shape, pids)
    if Layer.VM in shape.layers:
        _start_guests(shape, pids, say)
    lines = [lab_host.known_hosts_line(shape, seat) for seat in shape.seats]
    (shape.directory / "known_hosts").write_text("".join(lines))
    for seat in shape.seats:
        _wait_for(shape, seat)
    # Written last: a lab that has it was built to the end.
    (shape.directory / "minimal-input.yaml").write_text(minimal_input.text(shape))
    say(f"lab {shape.name} is up")


def _start_guests(shape: LabLayout, pids: Mapping[str, int], say: Progress) -> None:
    say(f"making the guests' image (they run under {guest.accelerator()})")
    guest.write_shared_image(shape)
    for seat in GUESTS:
        assert seat.host is not None
        say(f"booting {seat.name} on {seat.host} at {shape.management_ip(seat)}")
        guest.start(shape, seat, pids[seat.host])


def _wait_for(shape: LabLayout, seat: Seat) -> None:
    answers = partial(lab_host.answers, str(shape.management_ip(seat)))
    directory, what = shape.node_directory(seat), f"{seat.name} answers"
    if seat.layer is Layer.VM:
        alive = partial(guest.runs, shape, seat)
        wait_until(answers, 120.0, what, directory / "console.log", alive)
    else:
        alive = partial(lab_host.runs, shape, seat)
        wait_until(answers, 10.0, what, directory / "sshd.log", alive)


def _clear(directory: Path) -> None:
    if shape := read_shape(directory):
        network.unplug(shape)
        for seat in HOSTS:
            lab_host.stop(shape, seat)
    if directory.exists():
        shutil.rmtree(directory)


def _look(shape: LabLayout) -> LabState:
    return LabState(
        name=shape.name,
        directory=shape.directory,
        layers=shape.layers,
        switch=shape.switch,
        hosts=tuple(_look_at(shape, seat) for seat in shape.seats),
    )


def _look_at(shape: LabLayout, seat: Seat) -> LabHost:
    address = str(shape.management_ip(seat))
    holder = recorded(shape.record(seat))
    return LabHost(
        name=seat.name,
        layer=seat.layer,
        address=address,
        test_ip=str(shape.test_ip(seat)),
        pid=holder.pid if holder else None,
        answers=holder is not None and lab_host.answers(address),
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
        raise InputError("lab", "name", f"{name!r} is no name", "letters, digits, _ . -")
    return (state_root or STATE_ROOT).resolve() / name


@contextmanager
def _alone() -> Iterator[None]:
    """One lab at a time is built or removed on a machine: they draw from the same networks."""
    _LOCK.parent.mkdir(parents=True, exist_ok=True)
    with _LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _silent(_line: str) -> None:
    pass
