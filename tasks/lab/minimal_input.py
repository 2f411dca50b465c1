"""The lab as a person would describe it: the minimal input that bootstrap reads."""

import socket
from pathlib import Path

import yaml

from .network import SWITCHES
from .state import WORKDIR, LabLayout, Seat, hardware_id

TOOLS = Path(__file__).with_name("tools")
CATALOG = Path(__file__).with_name("tools.yaml")


def text(shape: LabLayout) -> str:
    """YAML, in the published structure with the keys that this project adds."""
    document = {
        "version": "1.0",
        "environment": shape.name,
        "hardware": hardware_id(socket.gethostname()),
        "ssh": {
            "known_hosts": str(shape.directory / "known_hosts"),
            "identity": str(shape.directory / "identity"),
        },
        "nodes": {seat.name: _node(shape, seat) for seat in shape.seats},
        "test_pairs": {
            str(layer): {"server": f"{layer}-server", "client": f"{layer}-client"}
            for layer in shape.layers
        },
        "discovery_hints": _hints(shape),
        "tools": {"catalog": str(CATALOG), "directory": str(TOOLS)},
    }
    return yaml.safe_dump(document, sort_keys=False)


def _hints(shape: LabLayout) -> dict[str, str]:
    port_type = SWITCHES[shape.switch].port_type
    hints = {"internal_port_type": port_type} if port_type else {}
    return {**hints, "python_interpreter": "python3"}


def _node(shape: LabLayout, seat: Seat) -> dict[str, str]:
    node = {
        "ssh": f"root@{shape.management_ip(seat)}",
        "workdir": WORKDIR,
        "role": str(seat.layer),
        "test_ip": str(shape.test_ip(seat)),
    }
    if seat.host is not None:
        node |= {"host_ref": seat.host, "uuid": str(shape.uuid(seat))}
    return node
