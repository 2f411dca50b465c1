"""The lab's networks: management through the machine, and test cables from host to host.

    machine     bridge (.1) ── veth ── eth0 ─ mgmt0 (.11) host-server    leads to the sshds
                            └─ veth ── eth0 ─ mgmt0 (.12) host-client
    test        host-server: switch ─ uplink0 ══ veth ══ uplink0 ─ switch: host-client

A host's switch is a Linux bridge that carries the test address itself, or Open vSwitch with two
cables in a bond. A guest has one tap on it and one on mgmt0.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from ..model.errors import CommandFailed, InputError
from . import ovs
from .machine import run, run_inside, wait_until
from .state import HOSTS, NETWORKS, LabLayout, LabNode, management_network

_MANAGEMENT = "mgmt0"
_TEST = "test0"


@dataclass(frozen=True, slots=True)
class SwitchDriver:
    """How a host connects its test interface, guests and cables. `pid`: see `run_inside`."""

    interface: str  # carries the host's test address
    port_type: str | None  # discovery's hint to it; None: no hint needed
    uplinks: tuple[str, ...]
    build: Callable[[int], None]
    attach: Callable[[int, str], None]  # pid, tap
    ready: Callable[[int], bool]


def _build_bridge(pid: int) -> None:
    _add_bridge(pid, _TEST, "uplink0")


def _attach_to_bridge(pid: int, tap: str) -> None:
    run_inside(pid, "ip", "link", "set", tap, "master", _TEST)


SWITCHES = {
    "bridge": SwitchDriver(
        _TEST, None, ("uplink0",), _build_bridge, _attach_to_bridge, ready=lambda _pid: True
    ),
    "ovs": SwitchDriver(
        ovs.INTERFACE, ovs.PORT_TYPE, ovs.UPLINKS, ovs.build, ovs.attach, ovs.ready
    ),
}


def free_number() -> int:
    """The first number whose management network overlaps with no route of this machine."""
    routes = json.loads(run("ip", "-json", "-4", "route", "show", "table", "all"))
    taken = [
        IPv4Network(route["dst"], strict=False) for route in routes if route["dst"] != "default"
    ]
    for number in range(NETWORKS):
        if not any(management_network(number).overlaps(network) for network in taken):
            return number
    raise InputError("lab", "", "no free network left in 10.213.0.0/16", "fewer labs")


def add_management(layout: LabLayout) -> None:
    address = _with_prefix(layout.management, layout.management[1])
    run("ip", "link", "add", "name", layout.bridge, "type", "bridge")
    run("ip", "address", "add", address, "dev", layout.bridge)
    run("ip", "link", "set", layout.bridge, "up")


def plug_management(layout: LabLayout, node: LabNode, pid: int) -> None:
    """Connects a host to the machine and sets its management address."""
    end = layout.link(node)
    peer = ["peer", "name", "eth0", "netns", str(pid)]
    run("ip", "link", "add", "name", end, "type", "veth", *peer)
    run("ip", "link", "set", end, "master", layout.bridge, "up")
    _add_bridge(pid, _MANAGEMENT, "eth0")
    _set_address(pid, _MANAGEMENT, layout.management, layout.management_ip(node))


def plug_test(layout: LabLayout, pids: Mapping[str, int]) -> None:
    """Connects the hosts by cables, and builds each host's switch with its test address."""
    switch = SWITCHES[layout.switch]
    server, client = (str(pids[node.name]) for node in HOSTS)
    for uplink in switch.uplinks:
        peer = ["peer", "name", uplink, "netns", client]
        run("ip", "link", "add", "name", uplink, "netns", server, "type", "veth", *peer)
    for node in HOSTS:
        pid = pids[node.name]
        for uplink in switch.uplinks:
            _silence(pid, uplink)
            run_inside(pid, "ip", "link", "set", uplink, "up")
        switch.build(pid)
        _silence(pid, switch.interface)
        _set_address(pid, switch.interface, layout.test, layout.test_ip(node))
    for node in HOSTS:
        ready = partial(switch.ready, pids[node.name])
        log = layout.node_directory(node) / "init.log"
        wait_until(ready, 15.0, f"{node.name}: its bond is up", log, alive=lambda: True)


def add_taps(layout: LabLayout, pid: int, test_tap: str, management_tap: str) -> None:
    """Creates a guest's two taps on its host and connects them."""
    for tap in (test_tap, management_tap):
        run_inside(pid, "ip", "tuntap", "add", "dev", tap, "mode", "tap")
        _silence(pid, tap)
        run_inside(pid, "ip", "link", "set", tap, "up")
    run_inside(pid, "ip", "link", "set", management_tap, "master", _MANAGEMENT)
    SWITCHES[layout.switch].attach(pid, test_tap)


def unplug(layout: LabLayout) -> None:
    """Removes the machine's ends; those inside the hosts vanish with their namespaces."""
    for link in (layout.bridge, *(layout.link(node) for node in HOSTS)):
        try:
            run("ip", "link", "delete", link)
        except CommandFailed:
            # It was never created, or the kernel just removed it with a host that died.
            if Path("/sys/class/net", link).exists():
                raise


def _add_bridge(pid: int, bridge: str, member: str) -> None:
    run_inside(pid, "ip", "link", "add", "name", bridge, "type", "bridge")
    _silence(pid, bridge)
    run_inside(pid, "ip", "link", "set", member, "master", bridge, "up")


def _silence(pid: int, link: str) -> None:
    """Disables IPv6 addresses: no router solicitations among the packets that are counted."""
    run_inside(pid, "ip", "link", "set", link, "addrgenmode", "none")


def _set_address(pid: int, link: str, network: IPv4Network, address: IPv4Address) -> None:
    run_inside(pid, "ip", "address", "add", _with_prefix(network, address), "dev", link)
    run_inside(pid, "ip", "link", "set", link, "up")


def _with_prefix(network: IPv4Network, address: IPv4Address) -> str:
    return f"{address}/{network.prefixlen}"
