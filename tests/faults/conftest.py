"""One lab for all faults, and the invariants that are checked after each test."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.bootstrap import discover_environment
from tasks.lab import lifecycle
from tasks.lab.requirements import missing, refusals

from .fault_bench import PLACE, Bench, carrying, cells, kernel_state, planned, temporary_files


@pytest.fixture(scope="session")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    if os.geteuid() != 0 or refusals() or (lacking := missing(("host",), "bridge")):
        pytest.skip(f"no lab here: {lacking if os.geteuid() == 0 else 'needs root'}")
    import asyncio

    root = tmp_path_factory.mktemp("faults")
    state = lifecycle.up("faults", state_root=root / "lab")
    try:
        found = asyncio.run(discover_environment(state.minimal_input, root / "config"))
        yield Bench(state, found.full.parent, root / "results")
    finally:
        lifecycle.down("faults", state_root=root / "lab")


@pytest.fixture
def bench(faulty: Bench, tmp_path: Path) -> Iterator[Bench]:
    """The hosts for one test. Afterwards, checks that nothing of the runs is left on them and that
    every planned cell of every run is in exactly one terminal state."""
    own = Bench(lifecycle.up("faults", state_root=faulty.lab.directory.parent), faulty.config_dir,
                tmp_path / "results")  # fmt: skip
    before = kernel_state(own)
    yield own
    # The lease is 8 s; the kernel frees BPF objects a moment after their process has ended.
    _holds("no process carries the run's mark", lambda: carrying(own.runs), 12)
    _holds("kernel state as before", lambda: _difference(before, kernel_state(own)), 12)
    _holds("no temporary file", lambda: temporary_files(own), 2)
    for folder in own.results.glob("*/*/"):
        # a run in which nothing was started has only skipped cells in its journal, and no raw tree
        if (folder / "outcomes.jsonl").exists() and any(folder.glob("iteration_*")):
            rows = cells(folder)
            assert not rows.select(*PLACE, "attempt").is_duplicated().any(), "two rows for one cell"
            assert set(rows.select(PLACE).rows()) == planned(folder)
            assert rows["status"].is_in(["passed", "invalid", "failed", "skipped"]).all()


def _difference(before: dict[str, object], after: dict[str, object]) -> list[str]:
    """New BPF objects (those that are gone were another lab's), and all other differences."""
    found = []
    for key, then in before.items():
        now = after[key]
        if isinstance(then, set) and isinstance(now, set) and now <= then:
            continue
        if then != now:
            found.append(f"{key}: {then} -> {now}")
    return found


def _holds(what: str, left, within_s: float) -> None:  # type: ignore[no-untyped-def]
    deadline = time.monotonic() + within_s
    while found := left():
        assert time.monotonic() < deadline, f"{what}: {found}"
        time.sleep(0.2)
