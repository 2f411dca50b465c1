"""What a lab is: its name, its layout on disk, and what follows from the number it drew.

<state root>/<name>/
  state.json            name, layers, switch, number; written before anything else exists
  minimal-input.yaml    known_hosts   identity   identity.pub
  initramfs             what both guests boot
  host-server/          process (pid and start), sshd_config, keys, logs, bench/ (workdir)
    vm-server/          the guest's keys, kernel, initramfs, console.log
  host-client/
    vm-client/
"""

import hashlib
import json
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from uuid import NAMESPACE_URL, UUID, uuid5

from ..model.environment import Layer
from ..model.names import as_id

STATE_ROOT = Path("/var/lib/ebpf-overhead/lab")
WORKDIR = "/srv/bench"
NETWORKS = 128  # labs on one machine: each draws two of the 256 /24 networks of 10.213.0.0/16


@dataclass(frozen=True, slots=True)
class Seat:
    """A place in every lab: which node sits there, and the last byte of both its addresses."""

    name: str
    layer: Layer
    last_byte: int
    host: str | None = None  # of a guest


HOSTS = (Seat("host-server", Layer.HOST, 11), Seat("host-client", Layer.HOST, 12))
GUESTS = (
    Seat("vm-server", Layer.VM, 21, "host-server"),
    Seat("vm-client", Layer.VM, 22, "host-client"),
)


@dataclass(frozen=True, slots=True)
class LabLayout:
    """What was asked for, and the number from which addresses follow."""

    name: str
    directory: Path
    layers: tuple[Layer, ...]
    switch: str
    number: int

    @property
    def management(self) -> IPv4Network:
        return management_network(self.number)

    @property
    def test(self) -> IPv4Network:
        return IPv4Network(f"10.213.{2 * self.number + 1}.0/24")

    def management_ip(self, seat: Seat) -> IPv4Address:
        return self.management[seat.last_byte]

    def test_ip(self, seat: Seat) -> IPv4Address:
        return self.test[seat.last_byte]

    @property
    def seats(self) -> tuple[Seat, ...]:
        """Who sits in this lab. Guests need their hosts, whether or not hosts are measured."""
        return HOSTS + (GUESTS if Layer.VM in self.layers else ())

    @property
    def bridge(self) -> str:
        return f"{link_prefix(self.directory)}m"

    def link(self, seat: Seat) -> str:
        """The machine's end of a host's management link."""
        return f"{link_prefix(self.directory)}h{seat.last_byte}"

    def tap(self, seat: Seat) -> str:
        """A guest's test tap: no two of a lab share a name, for tracepoints know only names."""
        return f"vnet{2 * GUESTS.index(seat)}"

    def management_tap(self, seat: Seat) -> str:
        return f"vnet{2 * GUESTS.index(seat) + 1}"

    def uuid(self, seat: Seat) -> UUID:
        return uuid5(NAMESPACE_URL, self.node_directory(seat).as_uri())

    def mac(self, seat: Seat, card: int) -> str:
        """In qemu's range."""
        return "52:54:00:" + (self.uuid(seat).bytes[:2] + bytes([card])).hex(":")

    def node_directory(self, seat: Seat) -> Path:
        return self.directory / (seat.host or "") / seat.name

    def record(self, seat: Seat) -> Path:
        """Where the process is written down that holds a host; a guest lives and dies with it."""
        return self.directory / (seat.host or seat.name) / "process"


def management_network(number: int) -> IPv4Network:
    return IPv4Network(f"10.213.{2 * number}.0/24")


def link_prefix(directory: Path) -> str:
    """How this lab's links in the machine's own namespace begin; a name holds 15 letters."""
    return f"eo{hashlib.sha256(bytes(directory)).hexdigest()[:8]}"


@dataclass(frozen=True, slots=True)
class LabHost:
    """A node as it stands now."""

    name: str
    layer: Layer
    address: str  # management, without user and port
    test_ip: str
    pid: int | None  # holds the namespaces of the host, or of the guest's; None: does not run
    answers: bool  # its sshd sends its greeting


@dataclass(frozen=True, slots=True)
class LabState:
    """A lab as it stands now, and the files with which it is reached."""

    name: str
    directory: Path
    layers: tuple[Layer, ...]
    switch: str
    hosts: tuple[LabHost, ...]

    @property
    def minimal_input(self) -> Path:
        return self.directory / "minimal-input.yaml"

    @property
    def known_hosts(self) -> Path:
        return self.directory / "known_hosts"

    @property
    def identity(self) -> Path:
        return self.directory / "identity"

    @property
    def alive(self) -> bool:
        """Complete: every host answers, and `up` came to its end."""
        return self.minimal_input.exists() and all(host.answers for host in self.hosts)


def write_shape(shape: LabLayout) -> None:
    shape.directory.mkdir(parents=True, exist_ok=True)
    shape.directory.chmod(0o700)
    text = json.dumps(
        {"layers": list(shape.layers), "switch": shape.switch, "number": shape.number}
    )
    _state_file(shape.directory).write_text(text + "\n")


def read_shape(directory: Path) -> LabLayout | None:
    """The lab in `directory`; None when there is none, or an `up` died before it wrote a word."""
    file = _state_file(directory)
    if not file.exists() or not (text := file.read_text()):
        return None
    entries = json.loads(text)
    return LabLayout(
        name=directory.name,
        directory=directory,
        layers=tuple(Layer(layer) for layer in entries["layers"]),
        switch=entries["switch"],
        number=entries["number"],
    )


def hardware_id(machine: str) -> str:
    """Labs of one machine share its CPUs; this says so in their minimal input."""
    return as_id(f"lab-machine-{machine}")


def _state_file(directory: Path) -> Path:
    return directory / "state.json"
