"""What must be found on a node before anything is measured on it; what is wrong names the node."""

from collections.abc import Iterator, Mapping

from ..model.environment import Layer, Node
from ..model.errors import InputError
from ..model.facts import Facts
from ..model.inputs import Hints
from .links import Link, Links, holder
from .open_vswitch import Ovs, internal_ports
from .traffic_path import Way
from .vms import Qemu

LOADS = ("iperf3", "netperf", "netserver")
HELPERS = ("setsid", "flock", "sha256sum", "tar")
MONITORS = ("pidstat",)  # tools run on hosts only
MIN_FREE_MIB = {Layer.HOST: 512, Layer.VM: 64}  # a tool's log may take 256 MiB; loads take few


def place(node: Node) -> str:
    """How a mistake on a host names it."""
    return f"{node.name} ({node.address})"


def check_facts(node: Node, facts: Mapping[str, Facts]) -> Iterator[InputError]:
    """Everything that the node lacks, each as one line."""
    found = facts[node.name]
    for program in (*LOADS, *HELPERS, *(MONITORS if node.role == Layer.HOST else ())):
        if program not in found.programs:
            yield InputError(place(node), program, "is not installed", "it on PATH or in /usr/sbin")
    floor = MIN_FREE_MIB[node.role]
    if found.disk_free_mib is not None and found.disk_free_mib < floor:
        problem = f"{node.workdir} has {found.disk_free_mib} MiB free"
        yield InputError(place(node), "workdir", problem, f"at least {floor} MiB")


def test_address(node: Node, hints: Hints, links: Links, ovs: Ovs) -> str | None:
    """The node's address in the test network: as written, or that of the hinted OVS port.

    None where neither tells: then it is the address that the route to the other end leaves from.
    """
    kind = hints.internal_port_type
    if node.test_ip or node.role == Layer.VM or kind is None or not ovs.ports:
        return node.test_ip
    names = internal_ports(ovs, kind)
    found = [address for name in names if name in links for address in routable(links[name])]
    if len(found) == 1:
        return found[0]
    ports = [port.name for port in ovs.of_type("internal")]
    told = [f"{name} ({', '.join(routable(links[name]))})" for name in ports if name in links]
    problem = (
        f"the internal ports {', '.join(names)} have {len(found)} addresses"
        if names
        else f"no internal port is of type {kind!r}"
    )
    expected = f"the type of one of {', '.join(told)}" if told else "no type: there is none"
    raise InputError(place(node), "discovery_hints.internal_port_type", problem, expected)


def routable(link: Link) -> tuple[str, ...]:
    """The link's addresses that reach beyond it."""
    return tuple(a for a in link.addresses if not a.lower().startswith("fe80:"))


def holding_link(node: Node, address: str | None, links: Links) -> Link:
    """The interface that has the test address."""
    held = holder(links, address) if address else None
    if held is None:
        there = [f"{a} on {link.name}" for link in links.values() for a in routable(link)]
        problem = f"no interface has {address}" if address else "no address was found"
        raise InputError(place(node), "test_ip", problem, f"one of {', '.join(there)}")
    return held


def check_way(node: Node, way: Way, links: Links) -> None:
    """A bond that carries nothing is told now, not by a load that cannot connect."""
    link = links.get(way.physical)
    if link and link.kind == "bond" and not way.members:
        raise InputError(place(node), way.physical, "is a bond without members", "at least one")


def qemu_of(node: Node, qemus: Mapping[str, tuple[Qemu, ...]]) -> Qemu:
    """The VM's process on its host; on another one, its host_ref is wrong, and that is told."""
    uuid = (node.uuid or "").lower()
    found = {host: qemu for host, ones in qemus.items() for qemu in ones if qemu.uuid == uuid}
    if node.host_ref in found:
        return found[node.host_ref]
    if found:
        problem = f"the VM {uuid} does not run on {node.host_ref}"
        raise InputError(place(node), "host_ref", problem, next(iter(found)))
    there = ", ".join(qemu.uuid or "?" for qemu in qemus.get(node.host_ref or "", ()))
    problem = f"no VM {uuid} runs on {node.host_ref}"
    raise InputError(place(node), "uuid", problem, f"one of {there}" if there else "a running VM")
