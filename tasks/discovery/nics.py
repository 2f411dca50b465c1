"""Network interfaces in detail, from ethtool and sysfs."""

import re

from ..model.facts import Nic
from ..programs.sections import sections
from .links import Link, Links

_OFFLOADS = (
    "rx-checksumming",
    "tx-checksumming",
    "scatter-gather",
    "tcp-segmentation-offload",
    "generic-segmentation-offload",
    "generic-receive-offload",
    "large-receive-offload",
    "rx-vlan-offload",
    "tx-vlan-offload",
    "tx-udp-segmentation",
    "ntuple-filters",
    "receive-hashing",
    "rx-gro-hw",
    "hw-tc-offload",
)
_NO_SPEED_OF_THEIR_OWN = ("veth", "tun", "bridge", "dummy", "loopback", "openvswitch")


def parse_interfaces(text: str, links: Links) -> tuple[Nic, ...]:
    """One Nic for each interface of the `interfaces` probe, in its order."""
    parts: dict[str, dict[str, str]] = {}
    for title, section in sections(text).items():
        name, _, what = title.partition(" ")
        parts.setdefault(name, {})[what] = section
    return tuple(_nic(name, found, links.get(name) or Link(name)) for name, found in parts.items())


def _nic(name: str, found: dict[str, str], link: Link) -> Nic:
    driver = re.search(r"^driver: (\S+)", found.get("ethtool-i", ""), re.MULTILINE)
    node = found.get("numa_node", "")
    return Nic(
        name=name,
        kind=link.kind or "plain",
        mac=link.mac,
        addresses=link.addresses,
        mtu=link.mtu,
        driver=driver[1] if driver else None,
        speed_mbps=_speed(found.get("ethtool", "")) if _has_speed(link) else None,
        queues=_channels(found.get("ethtool-l", "")) or link.queues,
        numa_node=int(node) if node.isdigit() else None,  # -1: the machine does not say
        offloads=_offloads(found.get("ethtool-k", "")),
        irq_affinity=dict(
            line.split(" ", 1) for line in found.get("irqs", "").splitlines() if " " in line
        ),
    )


def _has_speed(link: Link) -> bool:
    """A veth or tap reports a made-up speed, which would be taken for the link's."""
    return link.kind not in _NO_SPEED_OF_THEIR_OWN


def _speed(text: str) -> int | None:
    match = re.search(r"^\s*Speed: (\d+)Mb/s", text, re.MULTILINE)
    return int(match[1]) if match else None


def _channels(text: str) -> int | None:
    """Queues that are on now: combined ones, or the receive side's where they are apart."""
    current = text.partition("Current hardware settings:")[2]
    counts = dict(re.findall(r"^(RX|Combined):\s+(\d+)$", current, re.MULTILINE))
    total = int(counts.get("Combined", 0)) + int(counts.get("RX", 0))
    return total or None


def _offloads(text: str) -> dict[str, str]:
    """The features that change a packet's way or size, `on` or `off`."""
    features = re.findall(r"^([a-z0-9-]+): (on|off)", text, re.MULTILINE)
    return {name: state for name, state in features if name in _OFFLOADS}
