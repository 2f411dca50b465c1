"""The lab's links: a management network through the machine, and test cables from host to host.

    machine     bridge (.1) ── veth ── eth0 ─ mgmt0 (.11) host-server    the way to the sshds
                            └─ veth ── eth0 ─ mgmt0 (.12) host-client
    test        host-server: switch ─ uplink0 ══ veth ══ uplink0 ─ switch: host-client

The switch of a host is a Linux bridge that carries the test address itself, or Open vSwitch with
two cables in a bond. Guests' taps are plugged into it, and into mgmt0.
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
from .state import HOSTS, NETWORKS, LabLayout, Seat, management_network

_MANAGEMENT = "mgmt0"
_TEST = "test0"


@dataclass(frozen=True, slots=True)
class SwitchDriver:
    """How a host joins its test interface, its guests and its cables. `pid`: see `run_inside`."""

    interface: str  # carries the host's test address
    port_type: str | None  # the hint with which discovery finds it; None: needs none
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
    """The first number whose management network no route of this machine touches."""
    routes = json.loads(run("ip", "-json", "-4", "route", "show", "table", "all"))
    taken = [
        IPv4Network(route["dst"], strict=False) for route in routes if route["dst"] != "default"
    ]
    for number in range(NETWORKS):
        if not any(management_network(number).overlaps(network) for network in taken):
            return number
    raise InputError("lab", "", "no free network left in 10.213.0.0/16", "fewer labs")


def add_management(shape: LabLayout) -> None:
    address = _with_prefix(shape.management, shape.management[1])
    run("ip", "link", "add", "name", shape.bridge, "type", "bridge")
    run("ip", "address", "add", address, "dev", shape.bridge)
    run("ip", "link", "set", shape.bridge, "up")


def plug_management(shape: LabLayout, seat: Seat, pid: int) -> None:
    """Connects a host to the machine, and gives it its management address."""
    end = shape.link(seat)
    peer = ["peer", "name", "eth0", "netns", str(pid)]
    run("ip", "link", "add", "name", end, "type", "veth", *peer)
    run("ip", "link", "set", end, "master", shape.bridge, "up")
    _add_bridge(pid, _MANAGEMENT, "eth0")
    _set_address(pid, _MANAGEMENT, shape.management, shape.management_ip(seat))


def plug_test(shape: LabLayout, pids: Mapping[str, int]) -> None:
    """Lays the cables between the hosts, and builds each host's switch and test address."""
    switch = SWITCHES[shape.switch]
    server, client = (str(pids[seat.name]) for seat in HOSTS)
    for uplink in switch.uplinks:
        peer = ["peer", "name", uplink, "netns", client]
        run("ip", "link", "add", "name", uplink, "netns", server, "type", "veth", *peer)
    for seat in HOSTS:
        pid = pids[seat.name]
        for uplink in switch.uplinks:
            _silence(pid, uplink)
            run_inside(pid, "ip", "link", "set", uplink, "up")
        switch.build(pid)
        _silence(pid, switch.interface)
        _set_address(pid, switch.interface, shape.test, shape.test_ip(seat))
    for seat in HOSTS:
        ready = partial(switch.ready, pids[seat.name])
        log = shape.node_directory(seat) / "init.log"
        wait_until(ready, 15.0, f"{seat.name}: its bond is up", log, alive=lambda: True)


def add_taps(shape: LabLayout, pid: int, test_tap: str, management_tap: str) -> None:
    """Makes a guest's two taps on its host and plugs them in."""
    for tap in (test_tap, management_tap):
        run_inside(pid, "ip", "tuntap", "add", "dev", tap, "mode", "tap")
        _silence(pid, tap)
        run_inside(pid, "ip", "link", "set", tap, "up")
    run_inside(pid, "ip", "link", "set", management_tap, "master", _MANAGEMENT)
    SWITCHES[shape.switch].attach(pid, test_tap)


def unplug(shape: LabLayout) -> None:
    """Removes the machine's ends; those inside the hosts go with their namespaces."""
    for link in (shape.bridge, *(shape.link(seat) for seat in HOSTS)):
        try:
            run("ip", "link", "delete", link)
        except CommandFailed:
            # Never made, or the kernel was removing it just now with a host that died.
            if Path("/sys/class/net", link).exists():
                raise


def _add_bridge(pid: int, bridge: str, member: str) -> None:
    run_inside(pid, "ip", "link", "add", "name", bridge, "type", "bridge")
    _silence(pid, bridge)
    run_inside(pid, "ip", "link", "set", member, "master", bridge, "up")


def _silence(pid: int, link: str) -> None:
    """No IPv6 address, so no router solicitations among the packets that are counted."""
    run_inside(pid, "ip", "link", "set", link, "addrgenmode", "none")


def _set_address(pid: int, link: str, network: IPv4Network, address: IPv4Address) -> None:
    run_inside(pid, "ip", "address", "add", _with_prefix(network, address), "dev", link)
    run_inside(pid, "ip", "link", "set", link, "up")


def _with_prefix(network: IPv4Network, address: IPv4Address) -> str:
    return f"{address}/{network.prefixlen}"
