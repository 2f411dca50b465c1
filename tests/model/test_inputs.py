"""minimal-input.yaml: what is accepted, and how every mistake in it is reported."""

from pathlib import Path

import pytest

from tasks.model.clock_kind import Clock
from tasks.model.environment import Layer
from tasks.model.errors import InputError
from tasks.model.inputs import read_minimal_input
from tasks.model.names import ROOT

from ..paths import REFERENCE_CASES

HOSTS = """\
version: "1.0"
environment: lab
nodes:
  a: {ssh: "root@192.0.2.1", workdir: /srv/bench, role: host}
  b: {ssh: "root@192.0.2.2", workdir: /srv/bench, role: host}
test_pairs:
  host: {server: a, client: b}
"""


@pytest.fixture
def error_lines(tmp_path):
    """The error lines of a file, without its folder."""

    def read(text: str) -> list[str]:
        path = tmp_path / "m.yaml"
        path.write_text(text)
        with pytest.raises(InputError) as error:
            read_minimal_input(path)
        return str(error.value).replace(f"{tmp_path}/", "").splitlines()

    return read


@pytest.mark.parametrize(
    "path",
    [
        REFERENCE_CASES / "os630-kernel-510-intel-minimal-input.yaml",
        ROOT / "config" / "environments/example/minimal-input.yaml",
        ROOT / "config" / "environments/example-machine/minimal-input.yaml",
    ],
    ids=["published", "example", "example-machine"],
)
def test_the_published_and_the_example_input_are_accepted(path):
    minimal = read_minimal_input(path)
    assert minimal.node("vm-server").host_ref == "host-server"
    assert minimal.peer("host-client") == "host-server"
    assert set(minimal.test_pairs) == set(Layer)


@pytest.mark.parametrize(
    ("target", "user", "host", "port"),
    [
        ("root@192.0.2.7", "root", "192.0.2.7", 22),
        ("a.b@host-1.example:2222", "a.b", "host-1.example", 2222),
        ("root@[2001:db8::1]", "root", "2001:db8::1", 22),
        ("root@[2001:db8::1]:2201", "root", "2001:db8::1", 2201),
    ],
)
def test_an_ssh_target_has_a_user_a_host_and_maybe_a_port(tmp_path, target, user, host, port):
    path = tmp_path / "m.yaml"
    path.write_text(HOSTS.replace("root@192.0.2.1", target))
    node = read_minimal_input(path).node("a")
    assert (node.user, node.host, node.port) == (user, host, port)


@pytest.mark.parametrize(
    "target",
    [
        "-oProxyCommand=touch /tmp/x",
        "root@-oProxyCommand=x",
        "-l@192.0.2.1",
        "192.0.2.1",
        "root@192.0.2.1:0",
        "root@192.0.2.1:70000",
        "root@a b",
        "root@2001:db8::1",
        "root@host;id",
    ],
)
def test_what_is_no_ssh_target_is_refused(error_lines, target):
    [line] = error_lines(HOSTS.replace("root@192.0.2.1", target))
    assert line.startswith("m.yaml:4: nodes.a.ssh: ")
    assert line.endswith("expected user@host or user@host:port, IPv6 in brackets")


@pytest.mark.parametrize("workdir", ["relative", "/a b", "/a/../b", "/a;id", "~/x", "/$HOME", '""'])
def test_what_is_no_work_directory_is_refused(error_lines, workdir):
    [line] = error_lines(HOSTS.replace("/srv/bench", workdir, 1))
    assert line.startswith("m.yaml:4: nodes.a.workdir: ")


def test_an_unknown_key_is_reported_with_the_one_that_was_meant(error_lines):
    [line] = error_lines(HOSTS.replace("role: host}", "role: host, test_pi: 10.0.0.1}", 1))
    assert line == "m.yaml:4: nodes.a.test_pi: unknown key; expected test_ip (did you mean it?)"


def test_an_unknown_key_unlike_any_is_reported_with_those_there_are(error_lines):
    [line] = error_lines(HOSTS + "colour: blue\n")
    assert line == (
        "m.yaml:8: colour: unknown key; expected one of version, environment, hardware, clock, ssh,"
        " nodes, test_pairs, discovery_hints, tools"
    )


def test_a_pair_that_names_no_node_is_reported_with_those_there_are(error_lines):
    assert error_lines(HOSTS.replace("client: b", "client: c")) == [
        "m.yaml:7: test_pairs.host.client: no node is named 'c'; expected one of a, b"
    ]


def test_a_pair_of_one_node_is_reported(error_lines):
    assert error_lines(HOSTS.replace("client: b", "client: a")) == [
        "m.yaml:7: test_pairs.host: a is both server and client; expected two nodes"
    ]


def test_a_node_of_the_other_role_is_reported(error_lines):
    lines = error_lines(HOSTS.replace("  host: {server", "  vm: {server"))
    assert lines == [
        "m.yaml:7: test_pairs.vm.server: a has the role host; expected a node of role vm",
        "m.yaml:7: test_pairs.vm.client: b has the role host; expected a node of role vm",
    ]


@pytest.mark.parametrize("second", ["root@192.0.2.1", "admin@192.0.2.1:22"])
def test_two_nodes_with_one_address_are_reported(error_lines, second):
    assert error_lines(HOSTS.replace("root@192.0.2.2", second)) == [
        "m.yaml:5: nodes.b.ssh: 192.0.2.1 is also a's; expected an address of its own"
    ]


def test_two_ports_of_one_address_are_two_nodes(tmp_path):
    path = tmp_path / "m.yaml"
    path.write_text(HOSTS.replace("192.0.2.2", "192.0.2.1:2222"))
    assert read_minimal_input(path).node("b").port == 2222


def test_a_key_written_twice_is_reported(error_lines):
    text = HOSTS.replace("test_pairs:", "  b: {}\ntest_pairs:")
    assert (
        "m.yaml:6: nodes.b: is written twice, on lines 5 and 6; expected one of them"
        in error_lines(text)
    )


def test_a_vm_needs_its_host_its_uuid_and_its_test_address(error_lines):
    text = HOSTS.replace(
        "test_pairs:", '  v: {ssh: "root@192.0.2.3", workdir: /w, role: vm}\ntest_pairs:'
    )
    assert [line.partition(";")[0] for line in error_lines(text)] == [
        "m.yaml:6: nodes.v.host_ref: is missing on a VM",
        "m.yaml:6: nodes.v.uuid: is missing on a VM",
        "m.yaml:6: nodes.v.test_ip: is missing on a VM",
    ]


def test_a_vms_host_must_be_a_host(error_lines):
    vm = (
        '  v: {ssh: "root@192.0.2.3", workdir: /w, role: vm, host_ref: v, test_ip: 10.0.0.1,'
        " uuid: b4ed8202-5509-4445-85a8-20d5a4c523cf}\n"
    )
    assert error_lines(HOSTS.replace("test_pairs:", f"{vm}test_pairs:")) == [
        "m.yaml:6: nodes.v.host_ref: no host is named 'v'; expected one of a, b"
    ]


def test_files_that_are_not_there_are_reported(error_lines, tmp_path):
    lines = error_lines(HOSTS + "ssh: {known_hosts: hosts}\ntools: {directory: t, catalog: c}\n")
    assert lines == [
        "m.yaml:8: ssh.known_hosts: no such file: hosts; expected a known_hosts file",
        "m.yaml:9: tools.catalog: no catalogue 'c'; expected bcc, bpftrace, empty-probes, "
        "libbpf-tools, or a "
        "file",
        "m.yaml:9: tools.directory: no such directory: t; expected the folder of the scripts",
    ]


def test_paths_are_taken_from_the_files_own_folder(tmp_path, monkeypatch):
    (tmp_path / "keys").write_text("")
    (tmp_path / "m.yaml").write_text(HOSTS + "ssh: {known_hosts: keys}\n")
    monkeypatch.chdir(tmp_path)
    minimal = read_minimal_input(Path("m.yaml"))
    assert minimal.ssh.settings().known_hosts == tmp_path / "keys"


def test_all_mistakes_of_a_file_are_reported_at_once(error_lines):
    text = (
        HOSTS.replace("environment: lab", "environment: a b")
        .replace("192.0.2.1", "-x")
        .replace("role: host}", "role: guest}", 1)
        .replace("client: b", "client: c")
    )
    assert [line.split(": ")[1] for line in error_lines(text)] == [
        "environment",
        "nodes.a.ssh",
        "nodes.a.role",
        "test_pairs.host.client",
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty; expected keys with values"),
        ("- 1\n", "is [1]; expected keys with values"),
        ("a: [1\n", "is not YAML"),
        ("a: *x\n", "is not YAML"),
        ("a: !!python/object:os.system {}\n", "is not YAML"),
        ("nodes: 3\n", "nodes: is 3; expected at least one node"),
        ("nodes: &n {a: *n}\n", "nodes.a"),
    ],
)
def test_a_file_that_is_no_minimal_input_is_reported_in_lines(error_lines, text, says):
    lines = error_lines(text)
    assert any(says in line for line in lines), lines


def test_a_file_that_is_not_there_is_reported(tmp_path):
    with pytest.raises(InputError, match=r"none\.yaml: cannot be read: No such file"):
        read_minimal_input(tmp_path / "none.yaml")


def test_a_file_of_another_version_is_refused(tmp_path):
    path = tmp_path / "minimal-input.yaml"
    text = (ROOT / "config/environments/example/minimal-input.yaml").read_text()
    path.write_text(text.replace('version: "1.0"', 'version: "9.0"'))
    with pytest.raises(InputError, match=r'version: is of another version of this file.*"1\.0"'):
        read_minimal_input(path)


def test_a_file_that_no_person_wrote_is_not_read(tmp_path):
    path = tmp_path / "huge.yaml"
    with path.open("wb") as file:
        file.truncate(17 << 20)
    with pytest.raises(InputError, match="is 17 MiB; expected at most 16 MiB"):
        read_minimal_input(path)


def test_an_environment_is_on_the_wall_clock_unless_it_says_that_it_counts(tmp_path):
    path = tmp_path / "m.yaml"
    path.write_text(HOSTS)
    assert read_minimal_input(path).clock is Clock.WALL
    path.write_text(HOSTS + "clock: instructions\n")
    assert read_minimal_input(path).clock is Clock.INSTRUCTIONS


def test_a_clock_of_another_name_is_one_line_with_the_names_that_there_are(error_lines):
    (line,) = error_lines(HOSTS + "clock: instruction\n")
    assert line == "m.yaml:8: clock: is 'instruction'; expected 'wall' or 'instructions'"
    (line,) = error_lines(HOSTS + "clocks: wall\n")
    assert "clock" in line.partition("clocks")[2]
