"""Open vSwitch: bridges, ports and what joins them, from `ovs-vsctl --format=json list`."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..model.errors import ParseError
from ..programs.sections import sections


@dataclass(frozen=True, slots=True)
class Interface:
    """An OVS interface. type: "" for a device of the system, internal, patch, dpdk …"""

    name: str
    type: str
    peer: str | None = None  # of a patch


@dataclass(frozen=True, slots=True)
class Port:
    """An OVS port; with several interfaces it is a bond."""

    name: str
    bridge: str
    interfaces: tuple[Interface, ...]

    @property
    def is_bond(self) -> bool:
        return len(self.interfaces) > 1


@dataclass(frozen=True, slots=True)
class Ovs:
    """A host's switch. Without Open vSwitch it has no ports."""

    ports: Mapping[str, Port]

    def bridge_of(self, interface: str) -> str | None:
        """The bridge that an interface (also a bond's member) is plugged into."""
        for port in self.ports.values():
            if interface == port.name or any(i.name == interface for i in port.interfaces):
                return port.bridge
        return None

    def of_type(self, kind: str) -> Iterator[Interface]:
        for port in self.ports.values():
            yield from (i for i in port.interfaces if i.type == kind)

    def on(self, bridge: str) -> tuple[Port, ...]:
        return tuple(port for port in self.ports.values() if port.bridge == bridge)

    def beyond(self, bridge: str) -> Iterator[str]:
        """Bridges that patch ports lead to."""
        for port in self.on(bridge):
            for interface in port.interfaces:
                other = self.bridge_of(interface.peer) if interface.peer else None
                if other and other != bridge:
                    yield other


def parse_ovs(text: str) -> Ovs:
    """The `ovs` probe's answer; empty where there is no Open vSwitch. Raises ParseError."""
    tables = sections(text)
    if not tables:
        return Ovs({})
    try:
        bridges, ports, interfaces = (
            list(_rows(json.loads(tables[name]))) for name in ("Bridge", "Port", "Interface")
        )
        return _join(bridges, ports, interfaces)
    except (ValueError, KeyError, TypeError) as error:
        raise ParseError("ovs-vsctl", f"{type(error).__name__}: {error}") from None


def _rows(table: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for row in table["data"]:
        yield {
            heading: _value(value) for heading, value in zip(table["headings"], row, strict=True)
        }


def _value(value: Any) -> Any:
    """OVSDB's notation (RFC 7047 section 5.1) in Python's: sets are lists, an empty one too."""
    match value:
        case ["uuid", text]:
            return text
        case ["set", entries]:
            return [_value(entry) for entry in entries]
        case ["map", pairs]:
            return {_value(key): _value(entry) for key, entry in pairs}
    return value


def _several(value: Any) -> list[Any]:
    """A set of one is written as its entry."""
    return value if isinstance(value, list) else [value]


def _join(
    bridges: list[dict[str, Any]], ports: list[dict[str, Any]], interfaces: list[dict[str, Any]]
) -> Ovs:
    by_uuid = {
        row["_uuid"]: Interface(row["name"], row["type"] or "", row["options"].get("peer"))
        for row in interfaces
    }
    bridge_of = {uuid: row["name"] for row in bridges for uuid in _several(row["ports"])}
    return Ovs(
        {
            row["name"]: Port(
                row["name"],
                bridge_of[row["_uuid"]],
                tuple(by_uuid[uuid] for uuid in _several(row["interfaces"])),
            )
            for row in ports
            if row["_uuid"] in bridge_of
        }
    )


def internal_ports(ovs: Ovs, kind: str) -> tuple[str, ...]:
    """Internal ports of the hinted type: `port-access`, `access`, `vlan-access` for `access`."""
    return tuple(
        interface.name
        for interface in ovs.of_type("internal")
        if kind in interface.name.replace("_", "-").split("-")
    )
