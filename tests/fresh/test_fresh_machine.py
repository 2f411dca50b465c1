"""On a minimal Debian, the README's first commands lead to a report, and leave nothing behind."""

import re
import subprocess
from collections.abc import Iterator

import pytest

from tasks.lab import requirements
from tasks.model.names import ROOT

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


def test_the_first_screen_shows_what_the_raw_files_say(machine: Machine) -> None:
    script = ".venv/bin/python -m tests.benchmarks.recompute_page"
    run = machine.output("ls results").split()[-1]
    machine.run(f"{script} results/{run}/demo datasets/parquet reports/{run}/report.en.html")


def test_the_demo_leaves_nothing(machine: Machine) -> None:
    assert machine.processes() == []
    assert set(machine.output("ls /sys/class/net").split()) == {"lo", "tap0"}
    assert machine.output("ls -A /var/lib/ebpf-overhead/lab") == ""


def test_a_part_of_the_tests_passes(machine: Machine) -> None:
    machine.run("make test ARGS='-q tests/discovery tests/remote tests/lab/test_lab_hosts.py'")


BEFORE = {"apt", "dpkg", "git"}
"""What fetches packages, and what a person installs before the first command."""


def test_each_package_that_is_removed_comes_back(machine: Machine) -> None:
    set_up = "sh deployments/system-packages.sh with-browser with-vm with-ovs"
    machine.run(set_up)
    lost = []
    for package in sorted((_asked_for() | requirements.packages()) - BEFORE):
        if _status(machine, package) != "no installed":
            continue  # essential: dpkg itself needs it; or of an option that is not used here
        machine.run(f"dpkg --purge --force-depends {package} >/dev/null 2>&1")
        assert _status(machine, package) != "no installed"
        try:
            machine.run(f"{set_up} >/dev/null 2>&1")
        except subprocess.CalledProcessError:
            lost.append(f"{package}: the set-up fails without it")
            machine.run("apt-get --fix-broken install >/dev/null 2>&1")
        if _status(machine, package) != "no installed":
            lost.append(package)
            machine.run(f"apt-get install {package} >/dev/null 2>&1")
    assert lost == []


def _asked_for() -> set[str]:
    """The packages that the set-up names."""
    script = (ROOT / "deployments/system-packages.sh").read_text()
    return set(re.findall(r"\bneed [\w-]+ ([\w-]+)", script))


def _status(machine: Machine, package: str) -> str:
    """Whether dpkg counts it as essential, and whether it is installed."""
    form = "'${Essential} ${db:Status-Status}'"
    return machine.output(f"dpkg-query --show --showformat {form} {package} 2>/dev/null || true")
