"""Whole discoveries, replayed from recordings; data/discovery/README.md says what each one is."""

import json
from io import StringIO

import pytest
import yaml
from rich.console import Console

from tasks.discovery.discover import discover
from tasks.discovery.facts_table import facts_table
from tasks.discovery.full_yaml import to_full, write_full
from tasks.discovery.recording import Recorder, Replay
from tasks.model.catalog import read_catalog
from tasks.model.environment import Layer
from tasks.model.full import environment_of, read_full
from tasks.model.inputs import read_minimal_input
from tasks.planning.cases import expand

from ..paths import DATA

RECORDINGS = DATA / "discovery"
SITUATIONS = sorted(path.parent.name for path in RECORDINGS.glob("*/minimal-input.yaml"))


async def replay(situation: str):
    minimal = read_minimal_input(RECORDINGS / situation / "minimal-input.yaml")
    return minimal, await discover(minimal, Replay(RECORDINGS / situation))


@pytest.mark.parametrize(
    ("situation", "interface", "internal", "bridges", "physical", "members"),
    [
        ("plain", "test0", None, (None, None), "test0", ()),
        ("lab-bridge", "test0", None, ("test0", None), "uplink0", ()),
        (
            "lab-ovs",
            "port-storage",
            "port-storage",
            ("ovsbr-storage", "ovsbr-uplink"),
            "bond-uplink",
            ("uplink0", "uplink1"),
        ),
        (
            "centos7-ovs-vms",
            "port-access",
            "port-access",
            ("ovsbr-access", "ovsbr-uplink"),
            "p2p1",
            (),
        ),
        ("centos7-bond-vlan", "bond0.100", None, (None, None), "bond0", ("p1p1", "p1p2")),
        (
            "openeuler-x86-ovs-linux-bond",
            "port-storage",
            "port-storage",
            ("ovsbr-storage", "ovsbr-uplink"),
            "bond1",
            ("enp97s0f0", "enp97s0f1"),
        ),
        (
            "openeuler-arm-ovs-bond",
            "port-storage",
            "port-storage",
            ("ovsbr-storage", "ovsbr-uplink"),
            "bond-storage",
            ("enp125s0f0", "enp125s0f1"),
        ),
    ],
)
async def test_the_traffic_path_is_found(
    situation, interface, internal, bridges, physical, members
):
    _, facts = await replay(situation)
    for name in ("host-server", "host-client"):
        found = facts[name]
        assert found.interface == interface
        assert found.internal_port == internal
        assert (found.bridge, found.uplink_bridge) == bridges
        assert (found.physical, found.physical_members) == (physical, members)


async def test_the_published_environment_is_found_again():
    minimal, facts = await replay("centos7-ovs-vms")
    document = to_full(minimal, facts, read_catalog())
    published = yaml.safe_load(
        (DATA / "reference-cases/os630-kernel-510-intel-full.yaml").read_text()
    )
    for end in ("server", "client"):  # what this project adds to the published structure
        assert document["environments"]["vm"][end].pop("uuid")
    assert document["environments"] == published["environments"]


async def test_its_97_cases_are_the_published_ones(tmp_path):
    minimal, facts = await replay("centos7-ovs-vms")
    catalog = read_catalog()
    write_full(tmp_path / "x-full.yaml", to_full(minimal, facts, catalog))
    cases = expand(read_full(tmp_path / "x-full.yaml"), catalog)
    published = json.loads((DATA / "reference-cases/os630-kernel-510-intel-cases.json").read_text())
    assert [(c.id, c.name, c.command) for c in cases] == [
        (c["id"], c["name"], c["command"]) for c in published["test_cases"]
    ]


async def test_a_real_guest_is_found_with_its_tap_and_qemu():
    _, facts = await replay("lab-ovs")
    vm = facts["vm-server"].vm
    assert vm is not None
    assert vm.tap == "vnet0"  # the second netdev: the first one is the management network's
    assert vm.mac == "52:54:00:3c:47:01"
    assert vm.qemu_pid is not None and vm.qemu_pid > 1
    assert vm.vhost_pids == ()  # an emulated guest has none
    assert (vm.bridge, vm.physical) == ("ovsbr-storage", "bond-uplink")
    assert facts["vm-server"].notes == ()  # its traffic crossed the bond's members


async def test_old_systems_are_read_in_full():
    _, facts = await replay("centos7-bond-vlan")
    found = facts["host-server"]
    assert found.distribution == "CentOS Linux 7 (Core)"
    assert found.kernel == "4.19.90-2307.3.0.el7.v97.x86_64"
    cpu = found.cpu
    assert (cpu.cpus, cpu.sockets, cpu.cores_per_socket, cpu.threads_per_core) == (112, 2, 28, 2)
    assert (cpu.mhz_min, cpu.mhz_max, cpu.governor) == (800.0, 3100.0, "powersave")
    assert found.programs["iperf3"] == "3.1.7"
    assert found.programs["pidstat"] == "10.1.5"
    assert "bpftool" not in found.programs
    bpf = found.bpf
    assert (bpf.btf, bpf.kprobes, bpf.tracepoints, bpf.stats) == (False, True, True, False)
    bond, first, second = found.nics[1:]
    assert (bond.kind, bond.speed_mbps) == ("bond", 10_000)
    assert (first.driver, first.queues, first.numa_node) == ("i40e", 64, 0)
    assert second.numa_node == 1
    assert first.irq_affinity == {"100": "0", "101": "1"}


async def test_on_aarch64_the_tools_scripts_are_those_for_it():
    minimal, facts = await replay("openeuler-arm-ovs-bond")
    cpu = facts["host-server"].cpu
    assert (facts["host-server"].arch, cpu.numa_nodes, cpu.mhz_max) == ("aarch64", 4, 2600.0)
    assert cpu.model == "Kunpeng-920"
    catalog = read_catalog()
    document = to_full(minimal, facts, catalog)
    scripts = [tool["script"] for tool in document["tools"]["categories"]["ovs"]["tools"]]
    assert scripts[0] == "ovs_upcall_latency_summary.py"
    minimal, facts = await replay("centos7-ovs-vms")
    arm = {name: found.model_copy(update={"arch": "aarch64"}) for name, found in facts.items()}
    kvm = to_full(minimal, arm, catalog)["tools"]["categories"]["kvm-virt-network/kvm"]
    assert {tool["script"] for tool in kvm["tools"]} == {"kvm_irqfd_stats_summary_arm.py"}


@pytest.mark.parametrize("situation", SITUATIONS)
async def test_the_full_file_gives_back_what_was_found(situation, tmp_path):
    minimal, facts = await replay(situation)
    path = tmp_path / "x-full.yaml"
    write_full(path, to_full(minimal, facts, read_catalog()))
    environment = environment_of(read_full(path))
    assert dict(environment.facts) == facts
    assert set(environment.pairs) == set(minimal.test_pairs)
    for name, node in environment.nodes.items():
        given = minimal.node(name)
        assert (node.host, node.user, node.port, node.workdir) == (
            given.host,
            given.user,
            given.port,
            given.workdir,
        )
    for layer, pair in environment.pairs.items():
        assert pair.server_interface == facts[pair.server.name].interface
        tool_host = pair.server.host_ref if layer == Layer.VM else pair.server.name
        assert pair.tool_host.name == tool_host


async def test_a_recording_of_a_replay_is_the_recording(tmp_path):
    minimal, facts = await replay("lab-bridge")
    recorder = Recorder(Replay(RECORDINGS / "lab-bridge"), tmp_path)
    assert await discover(minimal, recorder) == facts
    for file in tmp_path.rglob("*.txt"):
        original = RECORDINGS / "lab-bridge" / file.relative_to(tmp_path)
        assert file.read_bytes() == original.read_bytes()
    assert await discover(minimal, Replay(tmp_path)) == facts


@pytest.mark.parametrize("situation", SITUATIONS)
async def test_the_table_shows_each_node(situation):
    _, facts = await replay(situation)
    console = Console(width=160, record=True, file=StringIO())
    console.print(facts_table(facts))
    shown = console.export_text()
    for name, found in facts.items():
        assert name in shown
        assert str(found.test_ip) in shown
    assert "None" not in shown
