"""Open vSwitch: bridges, ports and their interfaces, from `ovs-vsctl --format=json list`."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..model.errors import ParseError
from ..programs.sections import sections


@dataclass(frozen=True, slots=True)
class Interface:
    """An OVS interface. type: internal, patch, dpdk …; "" for a device of the system."""

    name: str
    type: str
    peer: str | None = None  # of a patch port


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
    """A host's switch; it has no ports where Open vSwitch is missing."""

    ports: Mapping[str, Port]

    def bridge_of(self, interface: str) -> str | None:
        """The bridge of an interface, which may be a bond's member."""
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
    """From the `ovs` probe, which prints nothing without Open vSwitch. Raises ParseError."""
    tables = sections(text)
    if not tables:
        return Ovs({})
    try:
        bridges, ports, interfaces = (
            _rows(json.loads(tables[name])) for name in ("Bridge", "Port", "Interface")
        )
        return _join(bridges, ports, interfaces)
    except (ValueError, KeyError, TypeError) as error:
        raise ParseError("ovs-vsctl", f"{type(error).__name__}: {error}") from None


_Table = list[dict[str, Any]]


def _rows(table: Mapping[str, Any]) -> _Table:
    return [dict(zip(table["headings"], map(_value, row), strict=True)) for row in table["data"]]


def _value(value: Any) -> Any:
    """A value in OVSDB's notation (RFC 7047 section 5.1) as Python's; a set becomes a list."""
    match value:
        case ["uuid", text]:
            return text
        case ["set", entries]:
            return [_value(entry) for entry in entries]
        case ["map", pairs]:
            return {_value(key): _value(entry) for key, entry in pairs}
    return value


def _as_list(value: Any) -> list[Any]:
    """OVSDB writes a set of one as its entry."""
    return value if isinstance(value, list) else [value]


def _join(bridges: _Table, ports: _Table, interfaces: _Table) -> Ovs:
    by_uuid = {
        row["_uuid"]: Interface(row["name"], row["type"] or "", row["options"].get("peer"))
        for row in interfaces
    }
    bridge_of = {uuid: row["name"] for row in bridges for uuid in _as_list(row["ports"])}
    return Ovs(
        {
            row["name"]: Port(
                row["name"],
                bridge_of[row["_uuid"]],
                tuple(by_uuid[uuid] for uuid in _as_list(row["interfaces"])),
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
