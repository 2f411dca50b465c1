"""Network interfaces and how they lie on one another, from `ip -d addr`."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from ..model.errors import ParseError


@dataclass(frozen=True, slots=True)
class Link:
    """One interface. kind is None for a device of its own: a physical or a virtio NIC."""

    name: str
    kind: str | None = None
    mac: str | None = None
    mtu: int | None = None
    addresses: tuple[str, ...] = ()
    master: str | None = None  # the bridge or bond it belongs to
    lower: str | None = None  # what a VLAN lies on
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
        return [_entry(entry) for entry in json.loads(text) if entry.get("ifname")]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ParseError("ip -j addr", f"{type(error).__name__}: {error}") from None


def _entry(entry: Mapping[str, object]) -> Link:
    info = entry.get("linkinfo")
    kind = info.get("info_kind") if isinstance(info, dict) else None
    slave = info.get("info_slave_kind") if isinstance(info, dict) else None
    flags = entry.get("flags")
    addresses = entry.get("addr_info")
    master, lower, mtu = entry.get("master"), entry.get("link"), entry.get("mtu")
    queues = entry.get("num_rx_queues")
    name = str(entry["ifname"])
    return Link(
        name,
        "loopback" if entry.get("link_type") == "loopback" else str(kind) if kind else None,
        str(entry["address"]) if "address" in entry else None,
        mtu if isinstance(mtu, int) else None,
        tuple(
            str(address["local"])
            for address in (addresses if isinstance(addresses, list) else ())
            if "local" in address
        ),
        str(master) if master and slave != "openvswitch" else None,
        str(lower) if lower else None,
        queues if isinstance(queues, int) else None,
        "UP" in flags if isinstance(flags, list) else False,
    )


_HEAD = re.compile(r"^\d+: (?P<name>[^:@]+)(?:@(?P<lower>\S+))?: <(?P<flags>[^>]*)> (?P<rest>.*)$")
_KINDS = re.compile(
    r"^\s+(bridge|bond|vlan|veth|tun|dummy|vxlan|macvlan|openvswitch|ipvlan|gre|geneve)\b(?!_)"
)


@dataclass(slots=True)
class _Draft:
    """An interface of which not all lines are read yet."""

    link: Link
    addresses: list[str] = field(default_factory=list)


def _from_text(text: str) -> list[Link]:
    drafts: list[_Draft] = []
    for line in text.splitlines():
        if head := _HEAD.match(line):
            drafts.append(_Draft(_head(head)))
        elif drafts:
            _detail(drafts[-1], line)
        elif line.strip():
            raise ParseError("ip addr", f"unexpected line {line[:60]!r}")
    return [replace(draft.link, addresses=tuple(draft.addresses)) for draft in drafts]


def _head(head: re.Match[str]) -> Link:
    rest = head["rest"].split()
    pairs = dict(zip(rest[::2], rest[1::2], strict=False))
    lower = head["lower"]
    return Link(
        head["name"],
        mtu=int(pairs["mtu"]) if pairs.get("mtu", "").isdigit() else None,
        master=pairs.get("master") if pairs.get("master") != "ovs-system" else None,
        lower=lower if lower and lower != "NONE" else None,
        up="UP" in head["flags"].split(","),
    )


def _detail(draft: _Draft, line: str) -> None:
    words = line.split()
    if words[:1] and words[0].startswith("link/"):
        kind = "loopback" if words[0] == "link/loopback" else None
        mac = words[1] if len(words) > 1 else None
        draft.link = replace(draft.link, mac=mac, kind=kind)
    elif words[:1] in (["inet"], ["inet6"]):
        draft.addresses.append(words[1].partition("/")[0])
    elif kinds := _KINDS.match(line):
        draft.link = replace(draft.link, kind=kinds[1])
    if queues := re.search(r"numrxqueues (\d+)", line):
        draft.link = replace(draft.link, queues=int(queues[1]))


_DEV = re.compile(r"\bdev (\S+)")
_SRC = re.compile(r"\bsrc (\S+)")


def parse_route(text: str) -> tuple[str, str | None]:
    """`ip route get`: the interface, and the source address if it is told. Raises ParseError."""
    device, source = _DEV.search(text), _SRC.search(text)
    if not device:
        raise ParseError("ip route get", f"no device in {text[:80]!r}")
    return device[1], source[1] if source else None


def holder(links: Links, address: str) -> Link | None:
    """The interface that has the address."""
    return next((link for link in links.values() if address in link.addresses), None)


def members(links: Links, name: str) -> tuple[str, ...]:
    """Interfaces whose master is `name`: a bond's or a bridge's."""
    return tuple(link.name for link in links.values() if link.master == name)


_VIRTUAL = ("tun", "veth", "dummy", "loopback")


def bottom(links: Links, name: str, seen: Iterable[str] = ()) -> str:
    """The interface under a stack of VLANs and bridges: a NIC or a bond, or itself.

    Of a bridge's members the physical ones count, then what is left when VMs' taps are not.
    """
    link, seen = links.get(name), {*seen, name}
    if link is None:
        return name
    if link.kind == "vlan" and link.lower and link.lower not in seen:
        return bottom(links, link.lower, seen)
    if link.kind == "bridge":
        below = [m for m in members(links, name) if m not in seen and links[m].kind != "tun"]
        below.sort(key=lambda member: links[member].kind in _VIRTUAL)
        if below:
            return bottom(links, below[0], seen)
    return name
