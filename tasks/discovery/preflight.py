"""What must be true of a node before anything is measured on it; every mistake names the node."""

from collections.abc import Iterator, Mapping

from ..model.environment import Layer, Node
from ..model.errors import InputError
from ..model.facts import Facts
from ..model.inputs import Hints
from ..programs.loads import LOADS, NEEDED
from .links import Link, Links, holder
from .open_vswitch import Ovs, internal_ports
from .traffic_path import TrafficPath
from .vms import Qemu

NEEDED_LOADS = tuple(command.split()[0] for name in NEEDED for command in LOADS[name].versions)
HELPERS = ("setsid", "flock", "sha256sum", "tar")
MONITORS = ("pidstat",)  # tools run on hosts only
MIN_FREE_MIB = {Layer.HOST: 512, Layer.VM: 64}  # a tool's log may take 256 MiB; loads write little


def place(node: Node) -> str:
    """How an error message names the node."""
    return f"{node.name} ({node.address})"


def check_facts(node: Node, facts: Mapping[str, Facts]) -> Iterator[InputError]:
    """Everything that the node lacks, an error each."""
    found = facts[node.name]
    for program in (*NEEDED_LOADS, *HELPERS, *(MONITORS if node.role == Layer.HOST else ())):
        if program not in found.programs:
            yield InputError(place(node), program, "is not installed", "it on PATH or in /usr/sbin")
    floor = MIN_FREE_MIB[node.role]
    if found.disk_free_mib is not None and found.disk_free_mib < floor:
        problem = f"{node.workdir} has {found.disk_free_mib} MiB free"
        yield InputError(place(node), "workdir", problem, f"at least {floor} MiB")


def test_address(node: Node, hints: Hints, links: Links, ovs: Ovs) -> str | None:
    """The node's address in the test network: as given, or that of the hinted OVS port.

    None without either: then it is the source address of the route to the other end. Raises
    InputError where the hint fits no port, or ports with other than one address.
    """
    kind = hints.internal_port_type
    if node.test_ip or node.role == Layer.VM or kind is None or not ovs.ports:
        return node.test_ip
    names = internal_ports(ovs, kind)
    found = [address for name in names if name in links for address in routable(links[name])]
    if len(found) == 1:
        return found[0]
    ports = [
        f"{port.name} ({', '.join(routable(links[port.name]))})"
        for port in ovs.of_type("internal")
        if port.name in links
    ]
    problem = (
        f"the internal ports {', '.join(names)} have {len(found)} addresses"
        if names
        else f"no internal port is of type {kind!r}"
    )
    expected = f"the type of one of {', '.join(ports)}" if ports else "no type: there is no port"
    raise InputError(place(node), "discovery_hints.internal_port_type", problem, expected)


def routable(link: Link) -> tuple[str, ...]:
    """The link's addresses that are not link-local."""
    return tuple(a for a in link.addresses if not a.lower().startswith("fe80:"))


def holding_link(node: Node, address: str | None, links: Links) -> Link:
    """The interface that has the test address. Raises InputError."""
    link = holder(links, address) if address else None
    if link is None:
        present = [f"{a} on {link.name}" for link in links.values() for a in routable(link)]
        problem = f"no interface has {address}" if address else "no address was found"
        raise InputError(place(node), "test_ip", problem, f"one of {', '.join(present)}")
    return link


def check_path(node: Node, path: TrafficPath, links: Links) -> None:
    """Refuses a bond that carries nothing now, before a load fails to connect over it."""
    link = links.get(path.physical)
    if link and link.kind == "bond" and not path.members:
        raise InputError(place(node), path.physical, "is a bond without members", "at least one")


def qemu_of(node: Node, qemus: Mapping[str, tuple[Qemu, ...]]) -> Qemu:
    """The VM's process on its host. Raises InputError, which names the host that it does run on."""
    uuid = (node.uuid or "").lower()
    found = {host: qemu for host, ones in qemus.items() for qemu in ones if qemu.uuid == uuid}
    if node.host_ref in found:
        return found[node.host_ref]
    if found:
        problem = f"the VM {uuid} does not run on {node.host_ref}"
        raise InputError(place(node), "host_ref", problem, next(iter(found)))
    present = ", ".join(qemu.uuid or "?" for qemu in qemus.get(node.host_ref or "", ()))
    problem = f"no VM {uuid} runs on {node.host_ref}"
    expected = f"one of {present}" if present else "a running VM"
    raise InputError(place(node), "uuid", problem, expected)
