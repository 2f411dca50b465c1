"""The lab's links: a management bridge on the machine, and a test cable from host to host.

machine     bridge (.1) ── veth ── mgmt0 (.11) host-server      orchestrator's way to the sshds
                        └─ veth ── mgmt0 (.12) host-client
test        host-server: test0 (bridge, .11) ─ uplink0 ══ veth ══ uplink0 ─ test0: host-client
"""

import json
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from ..model.errors import CommandFailed, InputError
from .machine import run
from .state import HOSTS, NETWORKS, Seat, Shape, management_network

TEST_INTERFACE = "test0"
UPLINK = "uplink0"


def free_number() -> int:
    """The first number whose management network no route of this machine touches."""
    routes = json.loads(run("ip", "-json", "-4", "route", "show", "table", "all"))
    taken = [
        IPv4Network(route["dst"], strict=False) for route in routes if route["dst"] != "default"
    ]
    for number in range(NETWORKS):
        if not any(management_network(number).overlaps(network) for network in taken):
            return number
    raise InputError("lab", "", "no free network left in 10.213.0.0/16", "fewer labs")


def add_management(shape: Shape) -> None:
    run("ip", "link", "add", "name", shape.bridge, "type", "bridge")
    run(
        "ip",
        "address",
        "add",
        _with_prefix(shape.management, shape.management[1]),
        "dev",
        shape.bridge,
    )
    run("ip", "link", "set", shape.bridge, "up")


def plug_management(shape: Shape, seat: Seat, pid: int) -> None:
    """Gives the host whose namespaces `pid` holds its mgmt0."""
    end = shape.link(seat.link)
    run(
        "ip", "link", "add", "name", end, "type", "veth", "peer", "name", "mgmt0", "netns", str(pid)
    )
    run("ip", "link", "set", end, "master", shape.bridge, "up")
    _address(pid, "mgmt0", shape.management, shape.management_ip(seat))


def plug_test(shape: Shape, pids: dict[Seat, int]) -> None:
    """The cable between the hosts, and on each the bridge that carries its test address."""
    server, client = (pids[seat] for seat in HOSTS)
    run("ip", "link", "add", "name", UPLINK, "netns", str(server), "type", "veth",
        "peer", "name", UPLINK, "netns", str(client))  # fmt: skip
    for seat, pid in pids.items():
        inside(pid, "ip", "link", "add", "name", TEST_INTERFACE, "type", "bridge")
        for link in (TEST_INTERFACE, UPLINK):  # no router solicitations among the packets counted
            inside(pid, "ip", "link", "set", link, "addrgenmode", "none")
        inside(pid, "ip", "link", "set", UPLINK, "master", TEST_INTERFACE, "up")
        _address(pid, TEST_INTERFACE, shape.test, shape.test_ip(seat))


def unplug(shape: Shape) -> None:
    """Removes the machine's ends; those inside the hosts go with their namespaces."""
    for link in (shape.bridge, *(shape.link(seat.link) for seat in HOSTS)):
        try:
            run("ip", "link", "delete", link)
        except CommandFailed:
            # Never made, or the kernel was removing it just now with a host that died.
            if Path("/sys/class/net", link).exists():
                raise


def inside(pid: int, *argv: str) -> str:
    """Runs a command in the network namespace that `pid` holds."""
    return run("nsenter", f"--net=/proc/{pid}/ns/net", *argv)


def _address(pid: int, link: str, network: IPv4Network, address: IPv4Address) -> None:
    inside(pid, "ip", "address", "add", _with_prefix(network, address), "dev", link)
    inside(pid, "ip", "link", "set", link, "up")


def _with_prefix(network: IPv4Network, address: IPv4Address) -> str:
    return f"{address}/{network.prefixlen}"
