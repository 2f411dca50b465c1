"""Files of /proc: recorded ones and this machine's."""

import os
import subprocess
from pathlib import Path

import pytest

from tasks.model.errors import ParseError
from tasks.programs import proc


def test_cpu_time_is_seconds_and_unused_what_is_idle_waiting_or_stolen(recorded):
    total = proc.parse_stat("cpu  100 20 300 4000 50 6 70 8 0 0\n", "x")["cpu"]
    assert (total.user_s, total.softirq_s, total.steal_s) == (1.0, 0.7, 0.08)
    assert total.unused_s == pytest.approx(40.0 + 0.5 + 0.08)
    assert proc.parse_stat(recorded("proc/stat.txt"), "x").keys() == {"cpu", "cpu0", "cpu1"}


def test_interfaces_have_both_ways(recorded):
    lo = proc.parse_net_dev(recorded("proc/net_dev.txt"), "x")["lo"]
    assert lo.rx_packets == lo.tx_packets > 0


def test_a_name_glued_to_its_first_counter_reads_too():
    text = "Inter-|\n face |\n  eth0:652 1 2 3 0 0 0 0 9 10 11 12 0 0 0 0\n"
    assert proc.parse_net_dev(text, "x")["eth0"] == proc.InterfaceCounters(1, 10)


def test_a_command_with_spaces_and_parentheses_is_no_trap(recorded):
    found = proc.parse_process(recorded("proc/process.txt"), "x")
    assert found.command == "a (b) c"
    assert found.start_ticks == 851568


def test_this_process_is_read_as_it_is():
    found = proc.parse_process(Path("/proc/self/stat").read_text(), "self")
    assert (found.pid, found.session) == (os.getpid(), os.getsid(0))


def test_the_time_of_children_that_were_waited_for_is_their_user_and_system_time():
    text = "7 (x) S 3 7 7 0 -1 0 1 1 1 1 11 22 33 44 20 0 1 0 99 1 1\n"
    found = proc.parse_process(text, "x")
    assert (found.parent, found.user_ticks, found.system_ticks) == (3, 11, 22)
    assert (found.children_ticks, found.start_ticks) == (77, 99)


def test_the_memory_of_running_processes_is_read_as_the_kernel_prints_it():
    pids = (os.getpid(), 1)
    printed = subprocess.run(proc.memory_argv(pids), capture_output=True, text=True, check=True)
    found = proc.parse_memory(printed.stdout, "grep")
    assert found.keys() == set(pids)
    mine = found[os.getpid()]
    assert 0 < mine.resident_kib <= mine.peak_resident_kib <= mine.size_kib


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("grep: /proc/9/status: No such file\n", "not a size of a process"),
        ("/proc/9/status:VmRSS:\t many kB\n", "not a size of a process"),
        ("/proc/9/status:VmRSS:\t 12 kB\n", "a process without Vm"),
    ],
)
def test_other_lines_and_a_cut_recording_are_no_memory(text, problem):
    with pytest.raises(ParseError, match=problem):
        proc.parse_memory(text, "x")


def test_listening_ports_leave_connections_out(recorded):
    assert proc.parse_listening(recorded("proc/net_tcp.txt"), "x") == {2024}
    assert proc.parse_listening(recorded("proc/net_tcp6.txt"), "x") == frozenset()


def test_uptime_and_load(recorded):
    assert proc.parse_uptime("8053.05 15867.52\n", "x") == 8053.05
    assert len(proc.parse_loadavg(recorded("proc/loadavg.txt"), "x")) == 3


def test_an_open_bpf_program_has_its_run_count_and_time(recorded):
    found = proc.parse_fdinfo(recorded("proc/fdinfo_program.txt"), "x")
    assert found == proc.OpenProgram(
        program_id=100, type=5, tag="888546de2943b66d", run_cnt=40, run_time_ns=79652
    )


def test_a_kernel_without_statistics_gives_none_not_0():
    found = proc.parse_fdinfo("prog_type:\t2\nprog_tag:\tab\nprog_id:\t9\n", "x")
    assert (found.run_cnt, found.run_time_ns) == (None, None)


def test_a_link_names_its_program():
    found = proc.parse_fdinfo("link_type:\ttracing\nlink_id:\t3\nprog_tag:\tab\nprog_id:\t9\n", "x")
    assert (found.program_id, found.type) == (9, None)


def test_any_other_descriptor_is_none():
    assert proc.parse_fdinfo("pos:\t0\nflags:\t02\n", "x") is None


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (proc.parse_stat, "cpu 1 2 3\n"),
        (proc.parse_stat, "cpu a b c d e f g h\n"),
        (proc.parse_stat, ""),
        (proc.parse_net_dev, "Inter\n face\n lo: 1 2\n"),
        (proc.parse_net_dev, ""),
        (proc.parse_process, "12 (sleep S 1"),
        (proc.parse_uptime, ""),
        (proc.parse_loadavg, "0.1 0.2"),
        (proc.parse_listening, "cat: /proc/net/tcp: No such file"),
        (proc.parse_fdinfo, "prog_id:\tmany\n"),
    ],
)
def test_what_is_not_such_a_file_is_refused(parse, text):
    with pytest.raises(ParseError):
        parse(text, "x")
