"""Everything that a machine lacks is reported, one line each, before anything is started."""

import os
import platform
from pathlib import Path

import pytest

from tasks.lab import lifecycle, requirements
from tasks.model.errors import InputError


@pytest.fixture
def as_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)


def test_the_error_on_other_systems_names_the_commands_that_work_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    (line,) = requirements.missing()
    assert "Darwin" in line
    assert "analyze" in line


@pytest.mark.parametrize("action", [lifecycle.up, lifecycle.down])
def test_without_root_nothing_is_started(monkeypatch: pytest.MonkeyPatch, action: object) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert callable(action)
    with pytest.raises(InputError, match="not root"):
        action("no-root")


def test_every_missing_program_is_named_with_its_package(
    as_root: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requirements, "PATH", "/nowhere")
    lines = requirements.missing(("host", "vm"), "ovs")
    for program, package in [
        ("sshd", "openssh-server"),
        ("netperf", "non-free"),
        ("ovs-vswitchd", "openvswitch-switch"),
        ("qemu-system-x86_64", "qemu-system-x86"),
    ]:
        assert any(f"program {program} not found" in line and package in line for line in lines)
    assert all("\n" not in line for line in lines)


def test_a_package_that_guests_hold_is_named_where_it_is_not_installed(
    as_root: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requirements, "PACKAGES", ("no-such-package", "dash"))
    lines = [line for line in requirements.missing(("host", "vm")) if "guests" in line]
    assert [line.partition(";")[0] for line in lines] == [
        "Debian package no-such-package is not installed"
    ]
    assert not any("no-such-package" in line for line in requirements.missing(("host",)))


def test_a_bridge_lab_of_hosts_needs_neither_ovs_nor_qemu(
    as_root: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requirements, "PATH", "/nowhere")
    assert not [line for line in requirements.missing() if "qemu" in line or "ovs" in line]


def test_a_kernel_without_btf_is_reported(
    as_root: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(requirements, "_BTF", tmp_path / "vmlinux")
    assert any("BTF" in line for line in requirements.missing())


@pytest.mark.lab
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"name": "a b"}, "letters, digits"),
        ({"layers": ("metal",)}, "host, vm"),
        ({"switch": "hub"}, "bridge or ovs"),
    ],
)
def test_an_invalid_argument_is_refused_naming_the_valid_ones(
    arguments: dict[str, str], expected: str
) -> None:
    with pytest.raises(InputError, match=expected):
        lifecycle.up(**arguments)
