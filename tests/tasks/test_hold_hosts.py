"""Hosts are held for the plan as it is to be resumed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

import tasks.hold_hosts
from tasks.hold_hosts import hold_hosts
from tasks.model.environment import Layer
from tasks.model.errors import HostsBusy
from tasks.model.outcome import CellKey, CellStatus, Outcome
from tasks.model.plan import Case, CaseKind, Design, Plan, Slot, Workload
from tasks.storage.run_folder import RunFolder

from ..paths import REFERENCE_CASES

LOAD = Workload("latency_tcp_rr", "latency", "netperf", "tcp", window_s=1, warmup_s=0)
CASES = (
    Case(0, "baseline", CaseKind.BASELINE, Layer.HOST),
    Case(1, "x", CaseKind.PLACEBO, Layer.HOST),
)
PLAN = Plan(
    "e", Design(seed=1, iterations=1), (LOAD,), CASES,
    tuple(Slot(1, place, Layer.HOST, id) for place, id in enumerate((0, 1, 0))),
)  # fmt: skip


async def test_the_baseline_that_opens_a_run_after_a_long_pause_is_written_into_its_plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @asynccontextmanager
    async def holding(*_: Any, **__: Any) -> AsyncIterator[None]:
        raise HostsBusy("h", "somebody")
        yield

    monkeypatch.setattr(tasks.hold_hosts, "holding", holding)
    folder = RunFolder.create(tmp_path / "run" / "e", REFERENCE_CASES, "r", PLAN)
    key = CellKey("e", "r", Layer.HOST, 1, 0, "baseline", LOAD.name)
    folder.add_outcome(Outcome(key, CellStatus.PASSED, started=1000.0, ended=1000.0))
    for _ in range(2):  # a run that waits for its hosts tries again, with one baseline
        with pytest.raises(HostsBusy):
            async with hold_hosts(folder, min_free_mib=1, keep_on_hosts=False):
                pass
        assert [slot.case_id for slot in folder.plan().slots] == [0, 0, 1, 0]
