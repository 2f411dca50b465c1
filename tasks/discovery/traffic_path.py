"""The path of the test traffic through a host: from an interface down to the NIC or bond."""

from dataclasses import dataclass

from .links import Links, bottom, members
from .open_vswitch import Ovs, Port

_VIRTUAL = ("tun", "openvswitch", "veth", "dummy")


@dataclass(frozen=True, slots=True)
class TrafficPath:
    """What is under an interface. `physical` is a NIC or a bond, `members` are the bond's."""

    bridge: str | None
    uplink_bridge: str | None
    physical: str
    members: tuple[str, ...] = ()


def traffic_path(name: str, links: Links, ovs: Ovs) -> TrafficPath:
    """From the interface `name` through Open vSwitch or Linux bridges, bonds and VLANs."""
    bridge = ovs.bridge_of(name)
    if bridge is None:
        return _linux_path(name, links)
    uplink = _uplink(bridge, ovs, links, set())
    if uplink is None:
        return TrafficPath(bridge, None, name)  # a switch without an uplink
    if uplink.is_bond:
        bonded = tuple(sorted(interface.name for interface in uplink.interfaces))
        return TrafficPath(bridge, uplink.bridge, uplink.name, bonded)
    below = _linux_path(uplink.interfaces[0].name, links)
    return TrafficPath(bridge, uplink.bridge, below.physical, below.members)


def _linux_path(name: str, links: Links) -> TrafficPath:
    link = links.get(name)
    if link is None:
        return TrafficPath(None, None, name)
    # A tap or veth leads into its bridge; a NIC is the end itself, even in a bridge.
    start = link.master if link.master and link.kind in _VIRTUAL else name
    physical = bottom(links, start)
    is_bond = physical in links and links[physical].kind == "bond"
    bonded = tuple(sorted(members(links, physical))) if is_bond else ()
    bridge = name if link.kind == "bridge" else link.master
    return TrafficPath(bridge, None, physical, bonded)


def _uplink(bridge: str, ovs: Ovs, links: Links, visited: set[str]) -> Port | None:
    """The port by which traffic leaves the machine, on this bridge or beyond its patch ports.

    A bond comes first, then a physical device, then any other that is not a tap.
    """
    visited.add(bridge)
    out = [port for port in ovs.on(bridge) if _leads_out(port, links)]
    if out:
        return min(out, key=lambda port: _rank(port, links))
    for other in ovs.beyond(bridge):
        if other not in visited and (port := _uplink(other, ovs, links, visited)):
            return port
    return None


def _leads_out(port: Port, links: Links) -> bool:
    return not any(
        interface.type in ("internal", "patch", "tap")
        or (interface.name in links and links[interface.name].kind == "tun")
        for interface in port.interfaces
    )


def _rank(port: Port, links: Links) -> int:
    link = links.get(port.interfaces[0].name)
    return 0 if port.is_bond else 2 if link and link.kind in _VIRTUAL else 1
