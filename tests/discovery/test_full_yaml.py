"""`<env>-full.yaml`: the published one is accepted as it is; mistakes made by hand are told."""

import pytest

from tasks.discovery.full_yaml import to_full
from tasks.model.catalog import read_catalog
from tasks.model.environment import Layer
from tasks.model.errors import InputError
from tasks.model.full import environment_of, find_config, read_full

from ..paths import REFERENCE_CASES
from .test_replay import replay

FULL = REFERENCE_CASES / "os630-kernel-510-intel-full.yaml"


def test_the_published_directory_is_accepted_as_it_is():
    full, cases = find_config(REFERENCE_CASES)
    assert (full, cases) == (FULL, REFERENCE_CASES / "os630-kernel-510-intel-cases.json")
    environment = environment_of(read_full(full))
    vm = environment.pairs[Layer.VM]
    assert vm.tool_host.name == "host-server"
    assert vm.server_interface == "ens10"
    assert vm.placeholders["VM_INTERFACE"] == "vnet503"
    assert vm.placeholders["QEMU_PID"] == "82430"
    assert len(vm.placeholders["vhost_pids"]) == 8
    assert environment.pairs[Layer.HOST].placeholders["INTERNAL_INTERFACE"] == "port-access"
    assert environment.tools_dir is None  # the folder it names is not on this machine
    assert environment.facts["host-server"].kernel is None  # never found out


def test_the_published_loads_are_read():
    loads = read_full(FULL).performance_tests
    assert loads.throughput.multi_stream is not None
    assert loads.throughput.multi_stream.streams == 4
    assert loads.pps.single_stream is not None
    assert loads.pps.single_stream.target_bw == "1G"
    assert loads.latency.duration == 10
    assert loads.latency.udp_rr is not None


@pytest.mark.parametrize(
    ("names", "says"),
    [
        ([], "holds no *-full.yaml; expected what bootstrap wrote"),
        (["a-full.yaml", "b-full.yaml"], "holds several *-full.yaml: a-full.yaml, b-full.yaml"),
        (["a-full.yaml", "a-cases.json", "b-cases.json"], "holds several *-cases.json"),
    ],
)
def test_a_folder_without_one_environment_is_told(tmp_path, names, says):
    for name in names:
        (tmp_path / name).write_text("")
    with pytest.raises(InputError) as told:
        find_config(tmp_path)
    assert says in str(told.value)
    with pytest.raises(InputError, match="no such directory"):
        find_config(tmp_path / "none")


def test_cases_may_be_missing_because_they_can_be_made_again(tmp_path):
    (tmp_path / "x-full.yaml").write_text("")
    assert find_config(tmp_path) == (tmp_path / "x-full.yaml", None)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "      ssh_ref: vm-client",
            "      ssh_ref: vm-clint",
            ": environments.vm.client.ssh_ref: no node is named 'vm-clint';"
            " expected one of host-server, host-client, vm-server, vm-client",
        ),
        (
            "server_ip: 121.2.2.5",
            "server_ip: 121.2.2.555",
            ": environments.host.network_config.server_ip: '121.2.2.555' is not an IP address",
        ),
        (
            "server_physical_interface: p2p1",
            "server_physical_interface: p2p1;id",
            ": environments.host.network_config.server_physical_interface: 'p2p1;id' is not"
            " an interface's name",
        ),
        (
            "qemu_pid: '82430'",
            "qemu_pid: x",
            ": environments.vm.kvm_config.server.qemu_pid: 'x' is not a process id",
        ),
        (
            "{path} --interval 1\n",
            "{path} --interval {INTERVAL}\n",
            ": tools.categories.kvm-virt-network/vhost-net.tools[0].template:"
            " unknown placeholder {INTERVAL}; expected one of path,",
        ),
    ],
)
def test_what_was_broken_by_hand_is_told_with_its_line(tmp_path, old, new, says):
    text = FULL.read_text()
    assert old in text
    path = tmp_path / "x-full.yaml"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(InputError) as told:
        read_full(path)
    line = text.partition(old)[0].count("\n") + 1
    assert str(told.value).startswith(f"{path}:{line}{says}")


async def test_a_tools_script_that_is_not_there_is_told(tmp_path):
    minimal, facts = await replay("plain")
    tools = minimal.tools.model_copy(update={"directory": tmp_path})
    minimal = minimal.model_copy(update={"tools": tools})
    with pytest.raises(InputError) as told:
        to_full(minimal, facts, read_catalog())
    lines = str(told.value).splitlines()
    assert len(lines) == 24  # every entry of the catalogue
    assert "linux-network-stack/packet-drop/eth_drop.py is not there" in str(told.value)


async def test_scripts_may_lie_flat_in_their_folder(tmp_path):
    minimal, facts = await replay("plain")
    (tmp_path / "a.bt").write_text("")
    (tmp_path / "c.yaml").write_text(
        "categories: {x/y: {layer: host, tools: [{script: a.bt, command: 'bpftrace {path}'}]}}\n"
    )
    tools = minimal.tools.model_copy(update={"directory": tmp_path})
    minimal = minimal.model_copy(update={"tools": tools})
    document = to_full(minimal, facts, read_catalog(tmp_path / "c.yaml"))
    [tool] = document["tools"]["categories"]["x/y"]["tools"]
    assert tool["path"] == "a.bt"


async def test_another_python_is_used_in_the_tools_commands():
    minimal, facts = await replay("plain")
    hints = minimal.discovery_hints.model_copy(update={"python_interpreter": "/opt/py/bin/python3"})
    minimal = minimal.model_copy(update={"discovery_hints": hints})
    document = to_full(minimal, facts, read_catalog())
    [first, *_] = document["tools"]["categories"]["ovs"]["tools"]
    assert first["template"].startswith("sudo /opt/py/bin/python3 {path} ")
