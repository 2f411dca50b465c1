"""The way of the test traffic through a host: from an interface down to the NIC or bond."""

from dataclasses import dataclass

from .links import Links, bottom, members
from .open_vswitch import Ovs, Port

_VIRTUAL = ("tun", "openvswitch", "veth", "dummy")


@dataclass(frozen=True, slots=True)
class Way:
    """What lies under an interface. physical is a NIC or a bond; `members` are the bond's."""

    bridge: str | None
    uplink_bridge: str | None
    physical: str
    members: tuple[str, ...] = ()


def way_of(name: str, links: Links, ovs: Ovs) -> Way:
    """From the interface `name` through Open vSwitch or Linux' own bridges, bonds and VLANs."""
    bridge = ovs.bridge_of(name)
    if bridge is None:
        return _linux_way(name, links)
    uplink = _uplink(bridge, ovs, links, set())
    if uplink is None:
        return Way(bridge, None, name)  # a switch without a way out
    if uplink.is_bond:
        inside = tuple(sorted(interface.name for interface in uplink.interfaces))
        return Way(bridge, uplink.bridge, uplink.name, inside)
    below = _linux_way(uplink.interfaces[0].name, links)
    return Way(bridge, uplink.bridge, below.physical, below.members)


def _linux_way(name: str, links: Links) -> Way:
    link = links.get(name)
    physical = bottom(links, name if not link or not link.master else _above(links, name))
    is_bond = physical in links and links[physical].kind == "bond"
    inside = tuple(sorted(members(links, physical))) if is_bond else ()
    bridge = name if link and link.kind == "bridge" else link.master if link else None
    return Way(bridge, None, physical, inside)


def _above(links: Links, name: str) -> str:
    """A tap's or veth's bridge leads on; a NIC is the end itself, even in a bridge."""
    link = links[name]
    return link.master if link.master and link.kind in _VIRTUAL else name


def _uplink(bridge: str, ovs: Ovs, links: Links, seen: set[str]) -> Port | None:
    """The port by which traffic leaves the machine, here or beyond patch ports.

    A bond first, then a device of its own; what is left when taps are not counts last.
    """
    seen.add(bridge)
    out = [port for port in ovs.on(bridge) if _leads_out(port, links)]
    if out:
        return min(out, key=lambda port: _rank(port, links))
    found = (_uplink(other, ovs, links, seen) for other in ovs.beyond(bridge) if other not in seen)
    return next((port for port in found if port), None)


def _leads_out(port: Port, links: Links) -> bool:
    kinds = {interface.type for interface in port.interfaces}
    if kinds & {"internal", "patch", "tap"}:
        return False
    return all(i.name not in links or links[i.name].kind != "tun" for i in port.interfaces)


def _rank(port: Port, links: Links) -> int:
    link = links.get(port.interfaces[0].name)
    return 0 if port.is_bond else 2 if link and link.kind in _VIRTUAL else 1
