"""Processes are identified by pid and start time; two labs share no address or interface name."""

import os
import shutil
import subprocess
from pathlib import Path

import psutil
import pytest

from tasks.lab import machine
from tasks.lab.state import GUESTS, HOSTS, LabLayout
from tasks.model.environment import Layer
from tasks.model.errors import CommandFailed


def test_a_process_is_recorded_before_it_executes_its_program(tmp_path: Path) -> None:
    record = tmp_path / "process"
    machine.start_recorded(record, tmp_path / "log", ["sleep", "60"])
    process = machine.recorded(record)
    assert process is not None
    machine.end(process)
    assert machine.recorded(record) is None


def test_another_process_with_the_same_pid_is_not_the_recorded_one(tmp_path: Path) -> None:
    record = tmp_path / "process"
    child = subprocess.Popen(["sleep", "60"])
    try:
        stat = Path(f"/proc/{child.pid}/stat").read_text()
        record.write_text(stat)
        assert machine.recorded(record) == psutil.Process(child.pid)
        fields = stat.rpartition(")")[2].split()
        record.write_text(stat.replace(f" {fields[19]} ", " 1 "))
        assert machine.recorded(record) is None
    finally:
        child.kill()
        child.wait()


def test_a_zombie_does_not_count_as_running(tmp_path: Path) -> None:
    record = tmp_path / "process"
    child = subprocess.Popen(["sleep", "60"])
    record.write_text(Path(f"/proc/{child.pid}/stat").read_text())
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert machine.recorded(record) is None
    child.wait()
    assert machine.recorded(record) is None


def test_a_process_whose_parent_leaves_its_entry_ends_at_once() -> None:
    script = "sleep 60 & echo $!; exec sleep 60"
    parent = subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, text=True)
    try:
        assert parent.stdout is not None
        orphan = psutil.Process(int(parent.stdout.readline()))
        machine.end(orphan, within_s=1.0)
        assert orphan.status() == psutil.STATUS_ZOMBIE
    finally:
        parent.kill()
        parent.communicate()


def test_a_name_with_spaces_and_parentheses_does_not_shift_the_fields(tmp_path: Path) -> None:
    program = tmp_path / "a) R (b"
    shutil.copy(shutil.which("sleep") or "", program)
    machine.start_recorded(tmp_path / "process", tmp_path / "log", [str(program), "60"])
    process = machine.recorded(tmp_path / "process")
    assert process is not None
    machine.wait_until(
        lambda: process.name() == program.name, 5, "runs", tmp_path / "log", lambda: True
    )
    assert machine.recorded(tmp_path / "process") == process
    machine.end(process)


def test_without_a_record_there_is_no_process(tmp_path: Path) -> None:
    assert machine.recorded(tmp_path / "process") is None
    (tmp_path / "process").touch()
    assert machine.recorded(tmp_path / "process") is None


def test_a_failed_command_raises_an_error_with_its_stderr() -> None:
    with pytest.raises(CommandFailed, match="No such file"):
        machine.run("ls", "/no/such/place")


def test_waiting_ends_at_once_when_the_awaited_process_has_ended(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("out of memory\n")
    with pytest.raises(CommandFailed, match=r"has ended.*out of memory"):
        machine.wait_until(lambda: False, 60, "it answers", log, alive=lambda: False)


def test_no_two_labs_share_an_address_or_an_interface_name() -> None:
    layouts = [
        LabLayout(f"lab{n}", Path(f"/var/lib/labs/lab{n}"), tuple(Layer), "bridge", n)
        for n in range(128)
    ]
    nodes = [(layout, node) for layout in layouts for node in layout.nodes]
    addresses = [
        address for s, node in nodes for address in (s.management_ip(node), s.test_ip(node))
    ]
    assert len(set(addresses)) == len(addresses) == 128 * 4 * 2
    links = [name for s in layouts for name in (s.bridge, *(s.link(node) for node in HOSTS))]
    assert len(set(links)) == len(links)
    assert max(len(name) for name in links) <= 15
    macs = [s.mac(guest, card) for s in layouts for guest in GUESTS for card in (0, 1)]
    assert len(set(macs)) == len(macs)
