"""Whether guests run under KVM: it must keep pace with the emulation of the same machine."""

import subprocess
import time

import pytest

from tasks.lab import guest


@pytest.mark.parametrize(
    ("emulated_s", "kvm_s", "chosen"),
    [
        (0.02, 0.02, "kvm"),
        (0.02, 2.0, "tcg"),  # /dev/kvm of a virtual machine, a hundred times slower
        (0.4, 1.1, "kvm"),  # an emulated machine, where all takes long
        (0.02, None, "tcg"),
    ],
)
def test_kvm_is_tried_against_emulation(monkeypatch, emulated_s, kvm_s, chosen):
    takes = {"pc,accel=tcg": emulated_s, "pc,accel=kvm": kvm_s}

    def run(command, *, timeout, **_):
        seconds = takes[command[2]]
        if seconds is None:
            return subprocess.CompletedProcess(command, 1)
        time.sleep(min(seconds, timeout))
        if seconds > timeout:
            raise subprocess.TimeoutExpired(command, timeout)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(guest.subprocess, "run", run)
    guest.accelerator.cache_clear()
    try:
        assert guest.accelerator() == chosen
    finally:
        guest.accelerator.cache_clear()
