"""Network interfaces in detail, from ethtool and sysfs."""

import re

from ..model.facts import Nic
from ..programs.sections import sections
from .links import Link, Links
from .regex import first_group

# The features that change a packet's path or size.
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
_WITHOUT_SPEED = ("veth", "tun", "bridge", "dummy", "loopback", "openvswitch")


def parse_interfaces(text: str, links: Links) -> tuple[Nic, ...]:
    """A Nic for each interface of the `interfaces` probe, in its order."""
    parts: dict[str, dict[str, str]] = {}
    for title, section in sections(text).items():
        name, _, what = title.partition(" ")
        parts.setdefault(name, {})[what] = section
    return tuple(_nic(name, found, links.get(name) or Link(name)) for name, found in parts.items())


def _nic(name: str, found: dict[str, str], link: Link) -> Nic:
    # A veth or tap reports a speed, but an invented one.
    has_speed = link.kind not in _WITHOUT_SPEED
    speed = first_group(r"^\s*Speed: (\d+)Mb/s", found.get("ethtool", ""))
    node = found.get("numa_node", "")
    features = re.findall(r"^([a-z0-9-]+): (on|off)", found.get("ethtool-k", ""), re.MULTILINE)
    return Nic(
        name=name,
        kind=link.kind or "plain",
        mac=link.mac,
        addresses=link.addresses,
        mtu=link.mtu,
        driver=first_group(r"^driver: (\S+)", found.get("ethtool-i", "")),
        speed_mbps=int(speed) if has_speed and speed else None,
        queues=_channels(found.get("ethtool-l", "")) or link.queues,
        numa_node=int(node) if node.isdigit() else None,  # -1: the machine does not say
        offloads={name: state for name, state in features if name in _OFFLOADS},
        irq_affinity=dict(
            line.split(" ", 1) for line in found.get("irqs", "").splitlines() if " " in line
        ),
    )


def _channels(text: str) -> int | None:
    """Active queues: combined ones, or the receive side's where the sides are separate."""
    current = text.partition("Current hardware settings:")[2]
    counts = dict(re.findall(r"^(RX|Combined):\s+(\d+)$", current, re.MULTILINE))
    return int(counts.get("Combined", 0)) + int(counts.get("RX", 0)) or None
