"""What a lab is: its name, its files, and the addresses that follow from its number.

<state root>/<name>/
  state.json            name, layers, switch, number; written before anything else exists
  minimal-input.yaml    known_hosts   identity   identity.pub
  tools.yaml            the catalogue of a lab in a machine of its own
  initramfs             booted by both guests
  host-server/          process (pid and start), sshd_config, keys, logs, bench/ (workdir)
    vm-server/          the guest's keys, kernel, initramfs, console.log
  host-client/
    vm-client/
  machine/              of a lab in a machine of its own, whose nodes' files are in the machine:
                        process, keys, initramfs, console.log
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from uuid import NAMESPACE_URL, UUID, uuid5

from ..model.environment import Layer
from ..model.names import as_id

STATE_ROOT = Path("/var/lib/ebpf-overhead/lab")
WORKDIR = "/srv/bench"
_STATE_FILE = "state.json"
NETWORKS = 128  # labs on one machine: each takes two of the 256 /24 networks of 10.213.0.0/16


@dataclass(frozen=True, slots=True)
class LabNode:
    """A node that every lab of its layer has, and the last byte of both its addresses."""

    name: str
    layer: Layer
    last_byte: int
    host: str | None = None  # of a guest


HOSTS = (LabNode("host-server", Layer.HOST, 11), LabNode("host-client", Layer.HOST, 12))
GUESTS = (
    LabNode("vm-server", Layer.VM, 21, "host-server"),
    LabNode("vm-client", Layer.VM, 22, "host-client"),
)


@dataclass(frozen=True, slots=True)
class LabMachine:
    """The machine that QEMU boots for a lab, and the ports of 127.0.0.1 that lead into it."""

    kernel: str  # a version of booted.KERNELS, or a file
    clock: str  # wall | instructions
    port: int  # its own sshd
    ports: dict[str, int]  # node -> its sshd

    @property
    def asked(self) -> tuple[str, str]:
        """What a person chose."""
        return self.kernel, self.clock


@dataclass(frozen=True, slots=True)
class LabLayout:
    """What was asked for, and the number that determines all addresses."""

    name: str
    directory: Path
    layers: tuple[Layer, ...]
    switch: str
    number: int
    machine: LabMachine | None = None  # None: the hosts stand on this machine

    @property
    def management(self) -> IPv4Network:
        return management_network(self.number)

    @property
    def test(self) -> IPv4Network:
        return IPv4Network(f"10.213.{2 * self.number + 1}.0/24")

    def management_ip(self, node: LabNode) -> IPv4Address:
        return self.management[node.last_byte]

    def test_ip(self, node: LabNode) -> IPv4Address:
        return self.test[node.last_byte]

    @property
    def nodes(self) -> tuple[LabNode, ...]:
        """The nodes of this lab. Guests need their hosts even if only guests are measured."""
        return HOSTS + (GUESTS if Layer.VM in self.layers else ())

    @property
    def bridge(self) -> str:
        return f"{link_prefix(self.directory)}m"

    def link(self, node: LabNode) -> str:
        """The machine's end of the host's management link."""
        return f"{link_prefix(self.directory)}h{node.last_byte}"

    def tap(self, node: LabNode) -> str:
        """A guest's test tap. Its name is unique in the lab, as tracepoints know only names."""
        return f"vnet{2 * GUESTS.index(node)}"

    def management_tap(self, node: LabNode) -> str:
        return f"vnet{2 * GUESTS.index(node) + 1}"

    def uuid(self, node: LabNode) -> UUID:
        return uuid5(NAMESPACE_URL, self.node_directory(node).as_uri())

    def mac(self, node: LabNode, card: int) -> str:
        """The MAC of a guest's network card, in qemu's range."""
        return "52:54:00:" + (self.uuid(node).bytes[:2] + bytes([card])).hex(":")

    def node_directory(self, node: LabNode) -> Path:
        return self.directory / (node.host or "") / node.name

    def ssh_address(self, node: LabNode) -> tuple[str, int]:
        """Where the node's sshd is reached from this machine."""
        if self.machine is None:
            return str(self.management_ip(node)), 22
        return "127.0.0.1", self.machine.ports[node.name]

    @property
    def catalog(self) -> Path:
        """Of a lab in a machine, which has more tools."""
        return self.directory / "tools.yaml"

    @property
    def machine_record(self) -> Path:
        """The record of QEMU's process."""
        return self.directory / "machine/process"

    def record(self, node: LabNode) -> Path:
        """The record of the process that holds a host; a guest ends with its host, and all nodes
        with the machine that they stand on."""
        if self.machine is not None:
            return self.machine_record
        return self.directory / (node.host or node.name) / "process"


def management_network(number: int) -> IPv4Network:
    return IPv4Network(f"10.213.{2 * number}.0/24")


def link_prefix(directory: Path) -> str:
    """The first letters of this lab's links in the machine's namespace; a name has at most 15."""
    return f"eo{hashlib.sha256(bytes(directory)).hexdigest()[:8]}"


@dataclass(frozen=True, slots=True)
class LabHost:
    """The present state of a node."""

    name: str
    layer: Layer
    address: str  # management, without user
    port: int  # of its sshd
    test_ip: str
    pid: int | None  # holds the host's namespaces (of a guest: its host's); None: not running
    answers: bool  # its sshd sends its greeting


@dataclass(frozen=True, slots=True)
class LabState:
    """The present state of a lab, and the files with which it is reached."""

    name: str
    directory: Path
    layers: tuple[Layer, ...]
    switch: str
    hosts: tuple[LabHost, ...]
    machine: LabMachine | None = None  # None: the hosts stand on this machine

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
        """Whether `up` was completed and every host answers."""
        return self.minimal_input.exists() and all(host.answers for host in self.hosts)


def write_layout(layout: LabLayout) -> None:
    layout.directory.mkdir(parents=True, exist_ok=True)
    layout.directory.chmod(0o700)
    state = {
        "layers": layout.layers,
        "switch": layout.switch,
        "number": layout.number,
        "machine": layout.machine and asdict(layout.machine),
    }
    (layout.directory / _STATE_FILE).write_text(json.dumps(state) + "\n")


def read_layout(directory: Path) -> LabLayout | None:
    """The lab in `directory`; None if there is none, or its `up` ended before it wrote anything."""
    file = directory / _STATE_FILE
    if not file.exists() or not (text := file.read_text()):
        return None
    state = json.loads(text)
    layers = tuple(map(Layer, state["layers"]))
    machine = LabMachine(**state["machine"]) if state.get("machine") else None
    return LabLayout(directory.name, directory, layers, state["switch"], state["number"], machine)


def hardware_id(machine: str) -> str:
    """Marks labs of one machine, which share its CPUs, in their minimal input."""
    return as_id(f"lab-machine-{machine}")
