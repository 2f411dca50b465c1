"""Network interfaces and how they are stacked, from `ip -d addr`."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..model.errors import ParseError
from .regex import first_group


@dataclass(frozen=True, slots=True)
class Link:
    """One interface. kind is None for a device of its own: a physical or a virtio NIC."""

    name: str
    kind: str | None = None
    mac: str | None = None
    mtu: int | None = None
    addresses: tuple[str, ...] = ()
    master: str | None = None  # the bridge or bond it belongs to
    lower: str | None = None  # the interface under a VLAN
    queues: int | None = None  # receive queues
    up: bool = False


Links = Mapping[str, Link]


def parse_links(text: str) -> dict[str, Link]:
    """Interfaces by name, from JSON or, on old iproute2, from text. Raises ParseError."""
    links = _from_json(text) if text.lstrip().startswith("[") else _from_text(text)
    if not links:
        raise ParseError("ip addr", "no interface")
    return {link.name: link for link in links}


def _from_json(text: str) -> list[Link]:
    try:
        return [_link_of_entry(entry) for entry in json.loads(text) if entry.get("ifname")]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ParseError("ip -j addr", f"{type(error).__name__}: {error}") from None


def _link_of_entry(entry: Mapping[str, Any]) -> Link:
    info = entry.get("linkinfo", {})
    in_ovs = info.get("info_slave_kind") == "openvswitch"
    return Link(
        name=str(entry["ifname"]),
        kind="loopback" if entry.get("link_type") == "loopback" else info.get("info_kind"),
        mac=entry.get("address"),
        mtu=entry.get("mtu"),
        addresses=tuple(a["local"] for a in entry.get("addr_info", ()) if "local" in a),
        master=None if in_ovs else entry.get("master"),
        lower=entry.get("link"),
        queues=entry.get("num_rx_queues"),
        up="UP" in entry.get("flags", ()),
    )


_HEAD = re.compile(r"\d+: (?P<name>[^:@]+)(?:@(?P<lower>\S+))?: <(?P<flags>[^>]*)> (?P<rest>.*)")
_KIND = (
    r"^[ \t]+"
    r"(bridge|bond|vlan|veth|tun|dummy|vxlan|macvlan|openvswitch|ipvlan|gre|geneve)\b(?!_)"
)


def _from_text(text: str) -> list[Link]:
    return [
        _link_of_block(block)
        for block in re.split(r"^(?=\d+: )", text, flags=re.MULTILINE)
        if block.strip()
    ]


def _link_of_block(block: str) -> Link:
    head = _HEAD.match(block)
    if head is None:
        raise ParseError("ip addr", f"unexpected line {block.strip().splitlines()[0][:60]!r}")
    words = head["rest"].split()
    options = dict(zip(words[::2], words[1::2], strict=False))
    hardware = first_group(r"^\s+link/(\S+)", block)
    return Link(
        name=head["name"],
        kind="loopback" if hardware == "loopback" else first_group(_KIND, block),
        mac=first_group(r"^\s+link/\S+ (\S+)", block),
        mtu=int(options["mtu"]) if options.get("mtu", "").isdigit() else None,
        addresses=tuple(re.findall(r"^\s+inet6? ([^/\s]+)", block, re.MULTILINE)),
        master=options.get("master") if options.get("master") != "ovs-system" else None,
        lower=head["lower"] if head["lower"] != "NONE" else None,
        queues=int(queues) if (queues := first_group(r"\bnumrxqueues (\d+)", block)) else None,
        up="UP" in head["flags"].split(","),
    )


def parse_route(text: str) -> tuple[str, str | None]:
    """`ip route get`: the interface, and the source address if shown. Raises ParseError."""
    device = first_group(r"\bdev (\S+)", text)
    if device is None:
        raise ParseError("ip route get", f"no device in {text[:80]!r}")
    return device, first_group(r"\bsrc (\S+)", text)


def holder(links: Links, address: str) -> Link | None:
    """The interface that has the address."""
    return next((link for link in links.values() if address in link.addresses), None)


def members(links: Links, name: str) -> tuple[str, ...]:
    """Interfaces whose master is `name`: a bond's or a bridge's."""
    return tuple(link.name for link in links.values() if link.master == name)


_VIRTUAL = ("tun", "veth", "dummy", "loopback")


def bottom(links: Links, name: str, visited: Iterable[str] = ()) -> str:
    """The interface under a stack of VLANs and bridges: a NIC or a bond, or itself.

    A bridge leads to a physical member if it has one, else to any member but a VM's tap.
    """
    link, visited = links.get(name), {*visited, name}
    if link is None:
        return name
    if link.kind == "vlan" and link.lower and link.lower not in visited:
        return bottom(links, link.lower, visited)
    if link.kind == "bridge":
        below = [m for m in members(links, name) if m not in visited and links[m].kind != "tun"]
        if below:
            below.sort(key=lambda member: links[member].kind in _VIRTUAL)
            return bottom(links, below[0], visited)
    return name
