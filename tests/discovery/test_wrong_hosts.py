"""What is wrong on hosts: reported in one line each, all at once, before anything is started."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from tasks.discovery.discover import discover
from tasks.discovery.probes import key_of
from tasks.discovery.recording import Replay
from tasks.model.environment import Node
from tasks.model.errors import HostKeyRejected, InputError, InputErrors, Unreachable
from tasks.model.facts import Facts
from tasks.model.inputs import read_minimal_input
from tasks.model.probe import ProbeAnswer

from .test_replay import RECORDINGS


class Spoilt:
    """A recording in which some answers read differently."""

    def __init__(self, situation: str) -> None:
        self.minimal = read_minimal_input(RECORDINGS / situation / "minimal-input.yaml")
        self._replay = Replay(RECORDINGS / situation)
        self._changes: list[tuple[str, str, str, str]] = []
        self._lost: dict[str, Exception] = {}

    def put(self, node: str, probe: str, old: str, new: str) -> "Spoilt":
        self._changes.append((node, probe, old, new))
        return self

    def lose(self, node: str, error: Exception) -> "Spoilt":
        self._lost[node] = error
        return self

    async def __call__(self, node: Node, argv: Sequence[str]) -> ProbeAnswer:
        if node.name in self._lost:
            raise self._lost[node.name]
        answer = await self._replay(node, argv)
        for name, probe, old, new in self._changes:
            if name == node.name and key_of(argv).startswith(probe):
                assert old in answer.stdout
                answer = replace(answer, stdout=answer.stdout.replace(old, new))
        return answer

    async def error_lines(self) -> list[str]:
        with pytest.raises(InputError) as error:
            await discover(self.minimal, self)
        return str(error.value).splitlines()

    async def facts(self) -> dict[str, Facts]:
        return await discover(self.minimal, self)


async def test_every_host_that_cannot_be_asked_is_reported():
    spoilt = Spoilt("plain")
    spoilt.lose("host-server", Unreachable("host-server", "connection refused"))
    spoilt.lose("host-client", HostKeyRejected("host-client", "its key changed"))
    assert await spoilt.error_lines() == [
        "host-server (root@127.0.0.1:2201): connection refused",
        "host-client (root@127.0.0.1:2202): its key changed",
    ]


async def test_missing_programs_and_a_full_disk_are_reported_together():
    spoilt = Spoilt("plain")
    spoilt.put("host-server", "machine", "==> program netperf <==", "==> program other <==")
    spoilt.put("host-client", "machine", "==> program flock <==", "==> program other <==")
    df = "/dev/x 1000 900 100 90% /tmp\n==> cpu <==\n"
    spoilt.put("host-client", "machine", "==> cpu <==\n", df)
    assert await spoilt.error_lines() == [
        "host-server (root@127.0.0.1:2201): netperf: is not installed;"
        " expected it on PATH or in /usr/sbin",
        "host-client (root@127.0.0.1:2202): flock: is not installed;"
        " expected it on PATH or in /usr/sbin",
        "host-client (root@127.0.0.1:2202): workdir: /tmp has 0 MiB free;"
        " expected at least 512 MiB",
    ]


async def test_a_work_directory_that_is_not_there_is_reported_in_the_hosts_words():
    spoilt = Spoilt("plain")
    text = "df: /tmp: No such file or directory\n==> cpu <==\n"
    header = "Filesystem     1024-blocks     Used Available Capacity Mounted on"
    spoilt.put("host-server", "machine", header, "==> dropped <==")
    spoilt.put("host-server", "machine", "==> cpu <==\n", text.replace("df:", "==> df <==\ndf:"))
    [line] = await spoilt.error_lines()
    assert line == (
        "host-server (root@127.0.0.1:2201): workdir: df: /tmp: No such file or directory"
    )


async def test_an_address_that_no_interface_has_is_reported_with_those_there_are():
    spoilt = Spoilt("plain").put("host-server", "machine", "10.77.0.1", "10.77.0.9")
    [line] = await spoilt.error_lines()
    assert "test_ip: no interface has 10.77.0.1; expected one of " in line
    assert "10.77.0.9 on test0" in line


async def test_a_guest_without_the_test_address_is_reported_with_its_addresses():
    spoilt = Spoilt("centos7-ovs-vms").put("vm-server", "machine", "10.20.30.11", "10.20.30.99")
    [line] = await spoilt.error_lines()
    assert line.startswith("vm-server (smartx@172.21.153.32:22): test_ip: no interface has")
    assert "172.21.153.32 on ens3, 10.20.30.99 on ens10" in line


async def test_a_port_type_that_matches_nothing_is_reported_with_the_ports_there_are():
    spoilt = Spoilt("openeuler-arm-ovs-bond")
    hints = spoilt.minimal.discovery_hints.model_copy(update={"internal_port_type": "acess"})
    spoilt.minimal = spoilt.minimal.model_copy(update={"discovery_hints": hints})
    lines = await spoilt.error_lines()
    assert len(lines) == 2  # both hosts
    assert "discovery_hints.internal_port_type: no internal port is of type 'acess'" in lines[0]
    assert "port-storage (10.30.0.37)" in lines[0] and "port-mgt (192.168.30.37)" in lines[0]


async def test_a_bond_without_members_is_reported():
    spoilt = Spoilt("centos7-bond-vlan").put("host-client", "machine", "master bond0 ", "")
    [line] = await spoilt.error_lines()
    assert line.endswith("bond0: is a bond without members; expected at least one")


UUID = "b4ed8202-5509-4445-85a8-20d5a4c523cf"


async def test_a_uuid_that_no_host_runs_is_reported_with_those_of_the_host():
    gone = "00000000-5509-4445-85a8-20d5a4c523cf"
    spoilt = Spoilt("centos7-ovs-vms").put("host-server", "qemus", UUID, gone)
    [line] = await spoilt.error_lines()
    assert f"uuid: no VM {UUID} runs on host-server; expected one of {gone}, 7f0e2f62" in line


async def test_a_vm_that_runs_on_another_host_is_reported_with_that_host():
    spoilt = Spoilt("centos7-ovs-vms")
    nodes = dict(spoilt.minimal.nodes)
    nodes["vm-server"] = nodes["vm-server"].model_copy(update={"host_ref": "host-client"})
    spoilt.minimal = spoilt.minimal.model_copy(update={"nodes": nodes})
    [line] = await spoilt.error_lines()
    assert line.endswith(
        f"host_ref: the VM {UUID} does not run on host-client; expected host-server"
    )


async def test_libvirt_and_proc_that_disagree_are_reported():
    spoilt = Spoilt("centos7-ovs-vms").put(
        "host-server",
        "virsh",
        "",
        " Interface   Type     Source        Model    MAC\n"
        "---------------------------------------------------------\n"
        " vnet777     bridge   ovsbr-access  virtio   52:54:00:11:00:02\n",
    )
    [line] = await spoilt.error_lines()
    assert "libvirt says that 52:54:00:11:00:02 is vnet777, /proc says vnet503" in line


async def test_a_nic_plugged_in_later_is_known_by_its_taps_mac():
    spoilt = Spoilt("centos7-ovs-vms").put(
        "host-server", "qemus", "netdev=hostnet1,id=net1,mac=52:54:00:11:00:02", "netdev=hostnet1"
    )
    vm = (await spoilt.facts())["vm-server"].vm
    assert vm is not None and vm.tap == "vnet503"


async def test_vhost_threads_that_cannot_be_assigned_are_all_named():
    spoilt = Spoilt("centos7-ovs-vms").put("host-server", "qemus", "91839 (vhost", "91839 (gone")
    vm = (await spoilt.facts())["vm-server"].vm
    assert vm is not None
    assert vm.vhost_pids == (82440, 82441, 91811, 91812, 91813, 91815, 91836, 91837, 91838)


async def test_vms_on_one_host_get_a_note():
    spoilt = Spoilt("centos7-ovs-vms")
    nodes = dict(spoilt.minimal.nodes)
    nodes["vm-client"] = nodes["vm-client"].model_copy(
        update={"host_ref": "host-server", "uuid": "7f0e2f62-0000-4000-8000-00000000000a"}
    )
    spoilt.minimal = spoilt.minimal.model_copy(update={"nodes": nodes})
    spoilt.put("host-server", "qemus", "52:54:00:99:00:02", "52:54:00:22:00:02")
    spoilt.put("host-server", "virsh", "", "")
    facts = await discover(spoilt.minimal, _WithoutVirsh(spoilt))
    assert facts["vm-server"].notes == (
        "vm-server and vm-client run on one host: no NIC is crossed",
    )


class _WithoutVirsh:
    """A host that has no libvirt to ask."""

    def __init__(self, inner: Spoilt) -> None:
        self._inner = inner

    async def __call__(self, node: Node, argv: Sequence[str]) -> ProbeAnswer:
        if key_of(argv).startswith("virsh"):
            return ProbeAnswer(0, "", "", 0.0, 0.0)
        return await self._inner(node, argv)


async def test_traffic_that_does_not_cross_the_nic_gets_a_note():
    spoilt = Spoilt("centos7-ovs-vms").put(
        "host-server", "counters after", "9126001234", "9123460000"
    )
    facts = await spoilt.facts()
    assert facts["vm-server"].notes == (
        "2097152 bytes to the VM moved 3211 on p2p1 of host-server",
    )


async def test_a_route_by_another_interface_gets_a_note():
    spoilt = Spoilt("plain").put("host-server", "route", "dev test0", "dev eth0")
    assert (await spoilt.facts())["host-server"].notes == ("the route to 10.77.0.2 leaves by eth0",)


async def test_mistakes_on_several_hosts_are_one_error_with_exit_code_2():
    spoilt = Spoilt("plain")
    spoilt.lose("host-server", Unreachable("host-server", "timed out"))
    spoilt.put("host-client", "machine", "==> uname <==\nvm", "==> uname <==\n")
    with pytest.raises(InputErrors) as error:
        await discover(spoilt.minimal, spoilt)
    assert error.value.exit_code == 2
    assert len(error.value.errors) == 2


async def test_a_user_who_may_not_look_is_reported_what_is_needed():
    spoilt = Spoilt("openeuler-arm-ovs-bond")

    async def ask(node: Node, argv: Sequence[str]) -> ProbeAnswer:
        if argv[0] == "sudo":
            assert argv[1] == "-n"
            return ProbeAnswer(1, "", "sudo: a password is required\n", 0.0, 0.0)
        return await spoilt(node, argv)

    with pytest.raises(InputErrors) as error:
        await discover(spoilt.minimal, ask)
    line = str(error.value).splitlines()[0]
    assert line.startswith("host-server (bench@192.0.2.37:22): ")
    assert line.endswith("sudo: a password is required; expected root, or sudo without a password")
