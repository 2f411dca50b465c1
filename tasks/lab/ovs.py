"""Open vSwitch on a lab host, as on storage hosts: an internal port, patch ports, a bond.

    port-storage (test address) ─┐
    taps of guests ──────────────┴─ ovsbr-storage ══ patch ══ ovsbr-uplink ─ bond-uplink ─┬─ uplink0
                                                                                          └─ uplink1

Every host runs its own daemons, which end with it. Their sockets are in the host's private /run,
where ovs-vsctl finds them without options.
"""

from pathlib import Path

from .machine import run_inside

INTERFACE = "port-storage"
PORT_TYPE = "storage"  # discovery's hint to the port
UPLINKS = ("uplink0", "uplink1")

_BRIDGE, _UPLINK_BRIDGE, _BOND = "ovsbr-storage", "ovsbr-uplink", "bond-uplink"
_SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"
_DATABASE = "/srv/node/ovs.db"
_KERNEL_MODULE = Path("/sys/module/openvswitch")


def userspace() -> bool:
    """Whether ovs-vswitchd switches packets itself, because the kernel has no datapath for it."""
    return not _KERNEL_MODULE.exists()


def build(pid: int) -> None:
    """Starts the daemons on the host whose namespaces `pid` holds, and builds the bridges."""
    _start_daemons(pid)
    bridge = ["set", "bridge", _BRIDGE, f"datapath_type={_datapath()}"]
    uplink_bridge = ["set", "bridge", _UPLINK_BRIDGE, f"datapath_type={_datapath()}"]
    # With LACP both hosts agree on the members, so packets are accepted from either.
    bond = ["bond_mode=balance-slb", "lacp=active", "other_config:lacp-time=fast"]
    _configure(
        pid,
        ["add-br", _BRIDGE, "--", *bridge],
        ["add-br", _UPLINK_BRIDGE, "--", *uplink_bridge],
        ["add-port", _BRIDGE, INTERFACE, "--", "set", "interface", INTERFACE, "type=internal"],
        _patch(_BRIDGE, "patch-storage", "patch-uplink"),
        _patch(_UPLINK_BRIDGE, "patch-uplink", "patch-storage"),
        ["add-bond", _UPLINK_BRIDGE, _BOND, *UPLINKS, *bond],
    )


def attach(pid: int, tap: str) -> None:
    """Connects a guest's tap to the bridge of the host's own port."""
    _configure(pid, ["add-port", _BRIDGE, tap])


def ready(pid: int) -> bool:
    """Whether LACP has enabled both members of the bond."""
    shown = run_inside(pid, "ovs-appctl", "bond/show", _BOND)
    return shown.count(": enabled") == len(UPLINKS)


def _start_daemons(pid: int) -> None:
    run_inside(pid, "mkdir", "-p", "/run/openvswitch", "/var/log/openvswitch")
    run_inside(pid, "ovsdb-tool", "create", _DATABASE, _SCHEMA)
    detached = ("--detach", "--pidfile", "--log-file")
    run_inside(pid, "ovsdb-server", _DATABASE, "--remote=punix:/run/openvswitch/db.sock", *detached)
    run_inside(pid, "ovs-vsctl", "--no-wait", "init")
    run_inside(pid, "ovs-vswitchd", *detached)


def _configure(pid: int, *commands: list[str]) -> None:
    """Runs all commands as one transaction, and waits until ovs-vswitchd has applied it."""
    words = [word for command in commands for word in ("--", *command)]
    run_inside(pid, "ovs-vsctl", "--timeout=20", *words)


def _patch(bridge: str, port: str, peer: str) -> list[str]:
    interface = ["set", "interface", port, "type=patch", f"options:peer={peer}"]
    return ["add-port", bridge, port, "--", *interface]


def _datapath() -> str:
    return "netdev" if userspace() else "system"
