"""The largest lab: Open vSwitch on the hosts, and a virtual machine on each."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tasks.lab import lifecycle
from tasks.lab.state import LabState

from .conftest import Shell, host_of, traces, wait_for

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabState]:
    root = tmp_path_factory.mktemp("labs")
    state = lifecycle.up("wide", layers=("host", "vm"), switch="ovs", state_root=root)
    yield state
    lifecycle.down("wide", state_root=root)
    assert not any(traces(state.directory).values())


def test_hosts_and_guests_answer_with_their_pinned_keys(wide: LabState, shell: Shell) -> None:
    names = ["host-server", "host-client", "vm-server", "vm-client"]
    assert [shell(wide, name, "uname -n").strip() for name in names] == names


def test_the_host_has_an_internal_port_a_bond_and_the_guests_tap(
    wide: LabState, shell: Shell
) -> None:
    def ports(bridge: str) -> set[str]:
        return set(shell(wide, "host-server", f"ovs-vsctl list-ports {bridge}").split())

    assert ports("ovsbr-storage") == {"port-storage", "patch-storage", "vnet0"}
    assert ports("ovsbr-uplink") == {"bond-uplink", "patch-uplink"}
    bond = shell(wide, "host-server", "ovs-appctl bond/show bond-uplink")
    assert bond.count(": enabled") == 2
    carried = json.loads(shell(wide, "host-server", "ip -json address show port-storage"))
    assert carried[0]["addr_info"][0]["local"] == host_of(wide, "host-server").test_ip


def test_a_guest_is_found_on_its_host_by_its_uuid(wide: LabState, shell: Shell) -> None:
    node = yaml.safe_load(wide.minimal_input.read_text())["nodes"]["vm-client"]
    processes = shell(wide, node["host_ref"], "pgrep --full --list-full qemu-system")
    assert f"-uuid {node['uuid']} " in processes
    pid = processes.split()[0]
    assert "iff:\tvnet2\n" in shell(wide, node["host_ref"], f"cat /proc/{pid}/fdinfo/*")


def test_a_guests_test_interface_has_the_mac_that_qemu_set(wide: LabState, shell: Shell) -> None:
    test_ip = host_of(wide, "vm-server").test_ip
    cards = json.loads(shell(wide, "vm-server", "ip -json address show"))
    card = next(c for c in cards if any(a["local"] == test_ip for a in c["addr_info"]))
    assert f"mac={card['address']}," in shell(wide, "host-server", "pgrep --full --list-full qemu")


def test_traffic_between_guests_crosses_the_uplinks_of_their_hosts(
    wide: LabState, shell: Shell
) -> None:
    before = _received(wide, shell)
    address = host_of(wide, "vm-server").test_ip
    report = _iperf3(wide, shell, "vm-server", "vm-client", address)
    moved = _received(wide, shell) - before
    assert report["end"]["sum_received"]["bytes"] > 1e6
    assert moved > report["end"]["sum_received"]["bytes"]


def test_traffic_between_hosts_crosses_the_bond(wide: LabState, shell: Shell) -> None:
    address = host_of(wide, "host-server").test_ip
    report = _iperf3(wide, shell, "host-server", "host-client", address)
    assert report["end"]["sum_received"]["bits_per_second"] > 1e7


def test_a_tool_on_the_host_sees_the_guests_packets(wide: LabState, shell: Shell) -> None:
    source = Path(lifecycle.__file__).parent / "tools/lab/vm-path/tap_packets.bt"
    (wide.directory / "host-server/bench/tap_packets.bt").write_bytes(source.read_bytes())
    shell(wide, "host-server", "cd /srv/bench; bpftrace tap_packets.bt vnet0 >log 2>&1 & echo")
    target = host_of(wide, "vm-server").test_ip

    def seen() -> bool:
        shell(wide, "host-client", f"echo | timeout 1 bash -c 'cat >/dev/tcp/{target}/22'")
        log = shell(wide, "host-server", "cat /srv/bench/log")
        return "vnet0 to guest" in log and "vnet0 from guest" in log

    wait_for(seen)
    shell(wide, "host-server", "kill $(pidof bpftrace)")


def test_the_minimal_input_describes_the_guests(wide: LabState) -> None:
    written = yaml.safe_load(wide.minimal_input.read_text())
    assert written["test_pairs"]["vm"] == {"server": "vm-server", "client": "vm-client"}
    assert written["discovery_hints"]["internal_port_type"] == "storage"
    guest = written["nodes"]["vm-server"]
    assert (guest["role"], guest["host_ref"]) == ("vm", "host-server")
    assert guest["test_ip"] == host_of(wide, "vm-server").test_ip


@pytest.mark.slow
def test_guests_also_exchange_traffic_over_a_linux_bridge(tmp_path: Path, shell: Shell) -> None:
    state = lifecycle.up("bridged", layers=("vm",), switch="bridge", state_root=tmp_path)
    try:
        address = host_of(state, "vm-server").test_ip
        report = _iperf3(state, shell, "vm-server", "vm-client", address)
        assert report["end"]["sum_received"]["bytes"] > 1e6
    finally:
        lifecycle.down("bridged", state_root=tmp_path)


def _iperf3(state: LabState, shell: Shell, server: str, client: str, address: str) -> dict:
    shell(state, server, "iperf3 --server --one-off --daemon --pidfile /run/iperf3.pid")
    shell(state, server, "until [ -s /run/iperf3.pid ]; do sleep 0.05; done")
    return json.loads(shell(state, client, f"iperf3 --client {address} --time 1 --json"))


def _received(state: LabState, shell: Shell) -> int:
    cat = (
        "cat /sys/class/net/uplink0/statistics/rx_bytes /sys/class/net/uplink1/statistics/rx_bytes"
    )
    return sum(int(count) for count in shell(state, "host-server", cat).split())
