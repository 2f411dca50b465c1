"""`<env>-full.yaml`: the published one is accepted unchanged; mistakes are reported."""

import pytest

from tasks.model.environment import Layer
from tasks.model.errors import InputError
from tasks.model.full import environment_of, find_config, read_full

from ..paths import REFERENCE_CASES

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


@pytest.mark.parametrize(
    ("names", "says"),
    [
        ([], "holds no *-full.yaml; expected what bootstrap wrote"),
        (["a-full.yaml", "b-full.yaml"], "holds several *-full.yaml: a-full.yaml, b-full.yaml"),
        (["a-full.yaml", "a-cases.json", "b-cases.json"], "holds several *-cases.json"),
    ],
)
def test_a_folder_without_one_environment_is_reported(tmp_path, names, says):
    for name in names:
        (tmp_path / name).write_text("")
    with pytest.raises(InputError) as raised:
        find_config(tmp_path)
    assert says in str(raised.value)
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
def test_what_was_broken_by_hand_is_reported_with_its_line(tmp_path, old, new, says):
    text = FULL.read_text()
    assert old in text
    path = tmp_path / "x-full.yaml"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(InputError) as raised:
        read_full(path)
    line = text.partition(old)[0].count("\n") + 1
    assert str(raised.value).startswith(f"{path}:{line}{says}")
