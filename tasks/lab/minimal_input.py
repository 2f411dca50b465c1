"""The lab's minimal-input.yaml, which bootstrap reads."""

import socket
from pathlib import Path

import yaml

from ..model.names import as_id
from .network import SWITCHES
from .state import WORKDIR, LabLayout, LabNode, hardware_id

TOOLS = Path(__file__).with_name("tools")
CATALOG = Path(__file__).with_name("tools.yaml")
MACHINE_CATALOG = Path(__file__).with_name("machine_tools.yaml")


def text(layout: LabLayout) -> str:
    """YAML, in the published structure with the keys that this project adds."""
    document = {
        "version": "1.0",
        "environment": layout.name,
        "hardware": _hardware(layout),
        "clock": layout.machine.clock if layout.machine else "wall",
        "ssh": {
            "known_hosts": str(layout.directory / "known_hosts"),
            "identity": str(layout.directory / "identity"),
        },
        "nodes": {node.name: _node(layout, node) for node in layout.nodes},
        "test_pairs": {
            str(layer): {"server": f"{layer}-server", "client": f"{layer}-client"}
            for layer in layout.layers
        },
        "discovery_hints": _hints(layout),
        "tools": {"catalog": str(_catalog(layout)), "directory": str(TOOLS)},
    }
    return yaml.safe_dump(document, sort_keys=False)


def machine_catalog() -> str:
    """The catalogue of a lab in a machine: its own tools, and those of every lab."""
    every, own = (yaml.safe_load(file.read_text()) for file in (CATALOG, MACHINE_CATALOG))
    merged = {**every, "categories": {**every["categories"], **own["categories"]}}
    return yaml.safe_dump(merged, sort_keys=False)


def _catalog(layout: LabLayout) -> Path:
    return layout.catalog if layout.machine else CATALOG


def _hardware(layout: LabLayout) -> str:
    """Labs that share this machine's time are not measured together. A machine that counts its time
    by instructions shares none."""
    here = hardware_id(socket.gethostname())
    counts = layout.machine is not None and layout.machine.clock == "instructions"
    return as_id(f"{here}-{layout.name}") if counts else here


def _hints(layout: LabLayout) -> dict[str, str]:
    port_type = SWITCHES[layout.switch].port_type
    hints = {"internal_port_type": port_type} if port_type else {}
    return {**hints, "python_interpreter": "python3"}


def _node(layout: LabLayout, node: LabNode) -> dict[str, str]:
    address, port = layout.ssh_address(node)
    entry = {
        "ssh": f"root@{address}" if port == 22 else f"root@{address}:{port}",
        "workdir": WORKDIR,
        "role": str(node.layer),
        "test_ip": str(layout.test_ip(node)),
    }
    if node.host is not None:
        entry |= {"host_ref": node.host, "uuid": str(layout.uuid(node))}
    return entry
