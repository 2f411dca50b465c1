"""What a host must have for the plan's tools, asked of this machine as if it were the host."""

import asyncio
import subprocess
from types import SimpleNamespace

from tasks.execution.prepare_hosts import missing_tools
from tasks.model.environment import Layer, Node
from tasks.model.plan import Case, CaseKind


class ThisMachine:
    """Runs the commands here."""

    def __init__(self, workdir):
        self.node = Node("host-x", Layer.HOST, "192.0.2.1", "root", str(workdir), 22)

    async def run(self, argv, *, timeout_s=30.0, check=True):
        done = subprocess.run(argv, capture_output=True, text=True, check=check)
        return SimpleNamespace(status=done.returncode, stdout=done.stdout)


def case(command, script, package=None):
    return Case(
        1, script, CaseKind.TOOL, Layer.HOST, command=command, script=script, package=package
    )


def lines(tmp_path, *cases):
    return [str(e) for e in asyncio.run(missing_tools(ThisMachine(tmp_path), cases, "tools"))]


def test_programs_that_are_not_installed_are_one_line_a_package(tmp_path):
    gone = [case(f"/nowhere/{name} 1", name, "bpfcc-tools") for name in ("tcplife-x", "tcprtt-x")]
    assert lines(tmp_path, *gone) == [
        "host-x (root@192.0.2.1:22): has no program tcplife-x, tcprtt-x; "
        "expected the Debian package bpfcc-tools"
    ]


def test_an_installed_program_is_found(tmp_path):
    assert lines(tmp_path, case("/bin/sh -c true", "sh", "dash")) == []


def test_a_command_without_a_script_needs_its_program(tmp_path):
    there = case("sh -c 'kprobe:f { }'", "empty_probe", "dash")
    gone = case("no-such-tracer -e 'kprobe:f { }'", "empty_probe", "tracer")
    assert lines(tmp_path, there, gone) == [
        "host-x (root@192.0.2.1:22): has no program no-such-tracer; expected the Debian package "
        "tracer"
    ]


def test_a_script_that_was_not_delivered_names_its_case(tmp_path):
    [line] = lines(tmp_path, case("sh tools/a/t.sh", "t.sh"))
    assert line == (
        f"host-x (root@192.0.2.1:22): t.sh: no script {tmp_path}/tools/a/t.sh; "
        f"expected a file below tools"
    )
    (tmp_path / "tools/a").mkdir(parents=True)
    (tmp_path / "tools/a/t.sh").write_text("")
    assert lines(tmp_path, case("sh tools/a/t.sh", "t.sh")) == []
