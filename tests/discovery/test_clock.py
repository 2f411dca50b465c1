"""A clock that evidently does not count instructions is refused before anything is measured."""

from pathlib import Path

import pytest

from tasks.discovery.clock import not_counting
from tasks.model.clock_kind import Clock
from tasks.model.environment import SshSettings

LSCPU = "Architecture:   x86_64\nModel name:   AMD EPYC Processor\nBogoMIPS:       {bogomips}\n"
CPUINFO = "vendor_id\t: AuthenticAMD\nbogomips\t: {bogomips}\n"


@pytest.mark.parametrize("text", [LSCPU, CPUINFO])
def test_a_machine_of_one_cpu_whose_counter_runs_at_1_ghz_may_count(text: str) -> None:
    assert not_counting(text.format(bogomips="1999.90"), 1) == ""


@pytest.mark.parametrize("text", [LSCPU, CPUINFO])
def test_another_counter_or_several_cpus_cannot_count(text: str) -> None:
    assert not_counting(text.format(bogomips="1999.90"), 2) == (
        "has 2 CPUs; a machine that counts instructions has one"
    )
    assert not_counting(text.format(bogomips="5200.00"), 1) == (
        "has a time stamp counter of 2600 MHz, not 1000"
    )


def test_what_does_not_tell_is_believed() -> None:
    assert not_counting("Architecture: aarch64\nBogoMIPS: 125.00\n", 1) == ""
    assert not_counting("", None) == ""


def test_no_keepalive_reaches_a_host_that_counts_and_limits_allow_for_its_pace() -> None:
    usual = SshSettings(known_hosts=Path("k"))
    assert usual.on(Clock.WALL) is usual
    counting = usual.on(Clock.INSTRUCTIONS)
    assert counting.keepalive_interval_s == 0
    assert counting.pace >= 6
    assert counting.known_hosts == usual.known_hosts
