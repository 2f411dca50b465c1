"""A lab of two hosts: reachable, measurable, and removed without traces."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.lab import lifecycle, network
from tasks.lab.state import LabState
from tasks.model.catalog import read_catalog
from tasks.model.environment import Layer
from tasks.model.errors import CommandFailed, InputError
from tasks.model.inputs import read_minimal_input

from .conftest import Shell, host_of, traces, wait_for

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("labs")


@pytest.fixture(scope="module")
def one(root: Path) -> Iterator[LabState]:
    yield lifecycle.up("one", state_root=root)
    lifecycle.down("one", state_root=root)


def test_both_hosts_answer_with_their_pinned_keys(one: LabState, shell: Shell) -> None:
    assert one.alive
    assert [shell(one, host.name, "hostname").strip() for host in one.hosts] == [
        "host-server",
        "host-client",
    ]


def test_a_host_sees_only_its_own_processes_and_files(one: LabState, shell: Shell) -> None:
    places = "/tmp /var/tmp /run /dev/shm /srv/bench /root"
    shell(
        one,
        "host-server",
        f"for place in {places}; do touch $place/mark; done; sleep 30 >/dev/null 2>&1 &",
    )
    assert "sleep 30" not in shell(one, "host-client", "ps ax")
    seen = shell(one, "host-client", f"for place in {places}; do ls $place/mark; done 2>&1; true")
    assert seen.count("No such file") == 6


def test_tracing_and_bpf_filesystems_are_mounted(one: LabState, shell: Shell) -> None:
    event = "/sys/kernel/tracing/events/net/netif_receive_skb/format"
    shell(one, "host-server", f"test -e {event} && test -e /sys/kernel/debug/tracing/events")
    assert shell(one, "host-server", "stat -f -c %T /sys/fs/bpf").strip() == "bpf_fs"


def test_traffic_crosses_the_test_network(one: LabState, shell: Shell) -> None:
    address = host_of(one, "host-server").test_ip
    shell(one, "host-server", "iperf3 --server --one-off --daemon --pidfile /run/iperf3.pid")
    shell(one, "host-server", "until [ -s /run/iperf3.pid ]; do sleep 0.05; done")
    report = json.loads(shell(one, "host-client", f"iperf3 --client {address} --time 1 --json"))
    assert report["end"]["sum_received"]["bits_per_second"] > 1e8


@pytest.mark.parametrize(
    ("command", "programs", "line"),
    [
        ("rx_size_histogram.bt test0", 2, "received packets by size"),
        ("tcp_connections.bt", 4, "@lifetime_ms"),
        ("rx_protocol_filtered.bt test0 2048", 1, "test0 len"),
        ("rx_stack_counts.bt test0", 1, "netif_receive_skb"),
        ("rx_packet_stacks.bt test0", 1, "netif_receive_skb"),
    ],
)
def test_a_tool_attaches_from_inside_a_host_and_sees_packets(
    one: LabState, shell: Shell, command: str, programs: int, line: str
) -> None:
    script = command.split()[0]
    source = Path(lifecycle.__file__).parent / "tools/lab/packet-path" / script
    (one.directory / "host-server" / "bench" / script).write_bytes(source.read_bytes())
    before = _programs(one, shell)
    shell(one, "host-server", f"cd /srv/bench; bpftrace {command} >{script}.log 2>&1 & echo")
    wait_for(lambda: _programs(one, shell) == before + programs)
    server, client = host_of(one, "host-server").test_ip, host_of(one, "host-client").test_ip
    hello = "exec 3<>/dev/tcp/%s/22; head -c 4 <&3 >/dev/null"

    def seen() -> bool:  # newer bpftrace loads all programs before it attaches the first
        shell(one, "host-client", f"bash -c '{hello % server}'")
        shell(one, "host-server", f"bash -c '{hello % client}'")
        shell(one, "host-server", "kill -USR1 $(pidof bpftrace)")  # prints what it has counted
        return line in shell(one, "host-server", f"cat /srv/bench/{script}.log")

    wait_for(seen)
    shell(one, "host-server", "kill $(pidof bpftrace)")
    wait_for(lambda: _programs(one, shell) == before)


def test_up_leaves_a_running_lab_unchanged(one: LabState, root: Path) -> None:
    assert lifecycle.up("one", state_root=root) == one


def test_up_refuses_to_change_the_switch_of_a_running_lab(one: LabState, root: Path) -> None:
    with pytest.raises(InputError, match="lab down"):
        lifecycle.up("one", layers=("host",), switch="ovs", state_root=root)


def test_up_rebuilds_a_lab_that_lost_a_host(one: LabState, root: Path, shell: Shell) -> None:
    holder = host_of(one, "host-client").pid
    assert holder is not None
    os.kill(holder, signal.SIGKILL)
    wait_for(lambda: not host_of(lifecycle.status(root)[0], "host-client").answers)
    assert lifecycle.up("one", state_root=root).alive
    assert shell(one, "host-client", "hostname").strip() == "host-client"


def test_two_labs_run_side_by_side(one: LabState, root: Path, shell: Shell) -> None:
    two = lifecycle.up("two", state_root=root)
    try:
        assert {lab_.name for lab_ in lifecycle.status(root) if lab_.alive} == {"one", "two"}
        addresses = [host.address for host in (*one.hosts, *two.hosts)]
        assert len(set(addresses)) == 4
        assert one.identity.read_text() != two.identity.read_text()
        shell(one, "host-server", "true")
        shell(two, "host-server", "true")
    finally:
        lifecycle.down("two", state_root=root)
    assert lifecycle.status(root)[0].alive


def test_the_minimal_input_of_a_lab_is_valid(one: LabState) -> None:
    written = read_minimal_input(one.minimal_input)
    assert written.environment == "one"
    assert set(written.test_pairs) == {Layer.HOST}
    server = host_of(one, "host-server")
    node = written.node("host-server")
    assert (node.host, node.user, node.test_ip) == (server.address, "root", server.test_ip)
    assert written.ssh.known_hosts == one.known_hosts


def test_the_scripts_of_the_catalogue_are_in_the_folder_of_their_category(one: LabState) -> None:
    tools = read_minimal_input(one.minimal_input).tools
    assert tools.catalog is not None and tools.directory is not None
    catalog = read_catalog(tools.catalog)
    assert catalog.placebo is not None
    assert (tools.directory / catalog.placebo.script).is_file()
    for name, category in catalog.categories.items():
        for tool in category.tools:
            assert (tools.directory / name / tool.script).is_file()


def test_down_removes_everything_even_while_programs_run(tmp_path: Path, shell: Shell) -> None:
    links = _links()
    state = lifecycle.up("gone", state_root=tmp_path)
    shell(state, "host-server", "setsid sleep 97531 >/dev/null 2>&1 & echo")
    wait_for(lambda: _running("97531"))
    lifecycle.down("gone", state_root=tmp_path)
    assert not any(traces(state.directory).values())
    assert not _running("97531")
    assert _links() == links
    lifecycle.down("gone", state_root=tmp_path)  # twice is fine


def test_down_removes_a_lab_whose_start_was_killed(tmp_path: Path) -> None:
    code = "\n".join(
        (
            "import sys, pathlib",
            "from tasks.lab import lifecycle",
            "lifecycle.up('cut', state_root=pathlib.Path(sys.argv[1]))",
        )
    )
    for delay_s in (0.35, 0.45, 0.55, 0.65):
        builder = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)])
        time.sleep(delay_s)
        builder.kill()
        builder.wait()
        lifecycle.down("cut", state_root=tmp_path)
        assert not any(traces(tmp_path / "cut").values())


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (CommandFailed("this machine", "ip failed", stderr="No\nmemory"), "ip failed"),
        (subprocess.TimeoutExpired("nsenter", 30), "timed out after 30 seconds"),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "No space left on device"),
    ],
)
def test_an_up_that_fails_takes_the_lab_down_and_says_why_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, cause: str
) -> None:
    links = _links()

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(network, "plug_test", fail)  # both hosts are up by then
    with pytest.raises(CommandFailed) as raised:
        lifecycle.up("half", state_root=tmp_path)
    (line,) = str(raised.value).splitlines()
    assert line.startswith("this machine: lab half was not built and is down again; building")
    assert cause in line
    assert line.endswith("; try again")
    assert not any(traces(tmp_path / "half").values())
    assert _links() == links


def _programs(state: LabState, shell: Shell) -> int:
    return len(json.loads(shell(state, "host-server", "bpftool --json prog show")))


def _links() -> set[str]:
    return {entry.name for entry in Path("/sys/class/net").glob("eo*")}


def _running(argument: str) -> bool:
    return f"sleep\0{argument}\0" in "".join(
        entry.read_bytes().decode(errors="replace")
        for entry in Path("/proc").glob("[0-9]*/cmdline")
    )
