"""Run in a lab's machine by `build.py`: builds the lab there and prints what reaches its nodes.

usage: python3 -m tasks.lab.booted.inside NAME LAYERS SWITCH
"""

import json
import sys

from ...model.errors import OverheadError
from .. import lifecycle
from ..machine import run
from ..state import read_layout

_CARD = "eth1"


def main(name: str, layers: str, switch: str) -> None:
    """Standard output: {identity: private key, host_keys: {node: type and key}}."""
    state = lifecycle.up(name, layers.split(","), switch)
    layout = read_layout(state.directory)
    assert layout is not None
    run("ip", "link", "set", _CARD, "master", layout.bridge, "up")
    lines = {}
    for node in layout.nodes:
        kind, key, *_ = (layout.node_directory(node) / "host_key.pub").read_text().split()
        lines[node.name] = f"{kind} {key}"
    json.dump({"identity": state.identity.read_text(), "host_keys": lines}, sys.stdout)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except OverheadError as error:
        sys.exit(str(error))
