"""On a minimal Debian, the README's first commands lead to a report, and leave nothing behind."""

from collections.abc import Iterator

import pytest

from .machine import Machine, fresh_machine, lacking
from .readme_commands import first_commands

pytestmark = [pytest.mark.lab, pytest.mark.slow]

SUITES = ("bookworm", "trixie")


@pytest.fixture(scope="module", params=SUITES)
def machine(request: pytest.FixtureRequest) -> Iterator[Machine]:
    if missing := lacking():
        pytest.skip(f"a fresh machine needs {', '.join(missing)}; `make fresh` installs packages")
    with fresh_machine(request.param) as machine:
        yield machine


def test_only_the_kernel_is_shared_with_this_machine(machine: Machine) -> None:
    assert machine.processes() == []
    assert set(machine.output("ls /sys/class/net").split()) == {"lo", "tap0"}
    mounts = machine.output("cat /proc/self/mountinfo").splitlines()
    kernel = ("proc", "sysfs", "cgroup2", "tmpfs", "devpts")
    kinds = {line.split()[4]: line.partition(" - ")[2].split()[0] for line in mounts}
    assert [place for place, kind in kinds.items() if kind not in kernel] == ["/"]
    assert machine.output("dpkg-query --list git make python3 2>/dev/null | grep ^ii || true") == ""


def test_the_readme_leads_to_a_report(machine: Machine) -> None:
    for command in first_commands():
        print(f"\n$ {command}", flush=True)
        machine.run(command)
    reports = machine.output("ls reports/*/").split()
    assert {"report.en.html", "report.zh.html"} <= set(reports)


def test_the_demo_leaves_nothing(machine: Machine) -> None:
    assert machine.processes() == []
    assert set(machine.output("ls /sys/class/net").split()) == {"lo", "tap0"}
    assert machine.output("ls -A /var/lib/ebpf-overhead/lab") == ""


def test_a_part_of_the_tests_passes(machine: Machine) -> None:
    machine.run("make test ARGS='-q tests/discovery tests/remote tests/lab/test_lab_hosts.py'")
