"""`lab up --kernel`: what is refused before it starts, and a campaign on the instruction clock."""

import socket
from pathlib import Path

import polars as pl
import psutil  # type: ignore[import-untyped]
import pytest

from tasks.lab import booted, lifecycle, requirements
from tasks.lab.booted import image
from tasks.lab.machine import recorded
from tasks.model.errors import InputError, InputErrors
from tasks.storage.dataset import Dataset

from .conftest import overhead


@pytest.mark.lab
@pytest.mark.parametrize(
    ("kernel", "problem"),
    [
        ("7.7", "no kernel '7.7'; expected 5.10, 6.1, 6.12 or a file"),
        ("text", "is no Linux kernel"),
    ],
)
def test_a_kernel_that_is_none_is_refused(tmp_path: Path, monkeypatch, kernel, problem) -> None:
    (tmp_path / "text").write_text("no kernel\n" * 100)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=problem):
        lifecycle.up("none", state_root=tmp_path, kernel=kernel)
    assert not (tmp_path / "none").exists()


@pytest.mark.lab
def test_every_missing_program_is_named_with_its_package(monkeypatch) -> None:
    monkeypatch.setattr(requirements, "PATH", "/nowhere")
    with pytest.raises(InputErrors) as raised:
        lifecycle.up("none", kernel="6.1")
    lines = [str(error) for error in raised.value.errors]
    assert any("qemu-system-x86_64 not found; Debian package qemu-system-x86" in o for o in lines)
    assert any("mmdebstrap not found" in line for line in lines)
    assert not any("iperf3" in line for line in lines)  # the machine brings it


@pytest.mark.lab
def test_an_image_is_not_begun_without_space_for_it(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(image, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(image, "NEEDED_GIB", 1e9)
    with pytest.raises(InputError, match=r"GiB free in .*; expected 1e.09 GiB to make an image"):
        lifecycle.up("none", state_root=tmp_path, kernel="6.1")
    assert not (tmp_path / "none").exists()


def test_each_node_and_the_machine_have_a_port_of_their_own() -> None:
    own = booted.reserve("6.1", "wall", ["a", "b", "c"])
    assert len({own.port, *own.ports.values()}) == 4


def test_a_machine_in_the_place_of_another_is_reached_as_that_was() -> None:
    before = booted.reserve("6.1", "wall", ["a", "b"])
    assert booted.reserve("6.1", "wall", ["a", "b"], before) == before
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", before.ports["b"]))
        taken.listen()
        other = booted.reserve("6.1", "wall", ["a", "b"], before)
    assert before.ports["b"] not in (other.port, *other.ports.values())


@pytest.mark.lab
@pytest.mark.slow
def test_two_iterations_on_the_instruction_clock_see_one_probe(tmp_path: Path) -> None:
    """Counting the packets costs per cents of a round trip, and the placebo nothing."""
    state = lifecycle.up(
        "counted", state_root=tmp_path / "labs", kernel="6.1", clock="instructions"
    )
    try:
        config = tmp_path / "config"
        done = overhead(
            tmp_path, "bootstrap", "--minimal-input", state.minimal_input, "--output-dir", config
        )
        assert done.returncode == 0, done.stderr
        done = overhead(
            tmp_path, "run", "--config-dir", config, "--tools", "rx_size_histogram",
            "--iterations", 2, "--window", 1, "--warmup", 0, "--workloads", "latency_tcp_rr",
            "--placebos", 1, "--results-dir", tmp_path / "results",
            "--datasets", tmp_path / "datasets", "--output-dir", tmp_path / "reports",
            "--lang", "en",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        process = recorded(state.directory / "machine/process")
    finally:
        lifecycle.down("counted", state_root=tmp_path / "labs")
    assert process is not None
    assert not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    assert not state.directory.exists()
    effects = Dataset(tmp_path / "datasets").scan("effects").filter(primary=True).collect()
    costs = dict(effects.group_by("kind").agg(pl.col("estimate").max()).iter_rows())
    assert abs(costs["placebo"]) < 0.5 < costs["tool"] < 20
