"""Every gate fails under a real fault, and the datasets, the findings and the report show it.

`TRIPPED` names the test file of each gate. Here: one campaign of about ten cells on a link of known
rate, in which each case meets one fault, and the link's rate changes in the middle.
"""

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import polars as pl
import pytest

from tasks.bootstrap import discover_environment
from tasks.hold_hosts import hold_hosts
from tasks.interim_analysis import analyze_interim
from tasks.lab import lifecycle
from tasks.lab.state import LabState
from tasks.make_plan import make_plan_of
from tasks.model.environment import Layer
from tasks.model.plan import Plan, Slot
from tasks.model.settings import Measurement, Selection
from tasks.planning.schedule import REPEATED
from tasks.quality.gates import GATES
from tasks.storage.dataset import Dataset
from tasks.storage.run_folder import RunFolder

from .conftest import Shell, overhead

pytestmark = [pytest.mark.lab, pytest.mark.slow]

TRIPPED = {
    "tool_alive": "faults/test_tools.py",
    "probes_attached": "faults/test_tools.py",
    "complete": "faults/test_hosts.py",
    "monitored": "lab/test_gates_on_the_lab.py",
    "quiet_host": "lab/test_gates_on_the_lab.py",
    "same_world": "lab/test_gates_on_the_lab.py",
    "clean_after": "faults/test_tools.py",
    "steady": "lab/test_gates_on_the_lab.py",
}

NAME, RUN = "gates", "troubled"
SERVER, CLIENT = "host-server", "host-client"
BASELINE, UNWATCHED, DISTURBED, MOVED, UNDISTURBED = range(5)
NAMES = {
    UNWATCHED: "unwatched",
    DISTURBED: "disturbed",
    MOVED: "moved",
    UNDISTURBED: "undisturbed",
}
GATE_OF = {"unwatched": "monitored", "disturbed": "quiet_host", "moved": "same_world"}
ORDER = {
    1: (BASELINE, UNWATCHED, BASELINE, DISTURBED, BASELINE, MOVED, BASELINE, UNDISTURBED, BASELINE),
    2: (BASELINE, UNDISTURBED, BASELINE),
}
FIRST_MBIT, THEN_MBIT = 200, 100


def planned(config_dir: Path) -> Plan:
    """A plan with the cheapest tool as four cases, one for each fault and one without."""
    settings = Measurement(
        iterations=2, window_s=3, warmup_s=1, workloads=["throughput_single_tcp"], seed=1,
        placebos=0, monitor_interval_s=1, attribution_s=0, max_load=64.0,
    )  # fmt: skip
    plan = make_plan_of(config_dir, Selection(tools=["rx_size_histogram"]), settings)
    baseline = plan.case(BASELINE, Layer.HOST)
    tool = next(case for case in plan.cases if case.id != BASELINE)
    slots = [
        Slot(iteration, position, Layer.HOST, case)
        for iteration, order in ORDER.items()
        for position, case in enumerate(order)
    ]
    cases = (baseline, *(replace(tool, id=id, name=name) for id, name in NAMES.items()))
    return replace(plan, cases=cases, slots=tuple(slots))


@dataclass(frozen=True)
class Lab:
    """The two hosts, and the faults on them."""

    state: LabState
    shell: Shell

    def on(self, host: str, command: str) -> str:
        return self.shell(self.state, host, command).strip()

    def link(self, mbit: int) -> None:
        shape = f"tbf rate {mbit}mbit burst 128kb latency 20ms"
        self.on(CLIENT, f"tc qdisc replace dev uplink0 root {shape}")

    @contextmanager
    def monitor_that_dies(self) -> Iterator[None]:
        """pidstat ends after its first rows, as if the kernel had killed it for lack of memory."""
        script = '#!/bin/sh\\nexec timeout 1.5 /run/whole-pidstat "$@"\\n'
        self.on(
            SERVER,
            f"cp $(command -v pidstat) /run/whole-pidstat; printf '{script}' >/run/pidstat; "
            "chmod 755 /run/pidstat; mount --bind /run/pidstat $(command -v pidstat)",
        )
        try:
            yield
        finally:
            self.on(SERVER, "umount $(command -v pidstat)")

    @contextmanager
    def busy_cpu(self) -> Iterator[None]:
        """A foreign process uses a CPU of the sending host."""
        burn = "timeout 120 dd if=/dev/zero of=/dev/null bs=64k"
        pid = self.on(CLIENT, f"{burn} >/dev/null 2>&1 & echo $!")
        try:
            yield
        finally:
            self.on(CLIENT, f"kill {pid}")

    @contextmanager
    def smaller_packets(self) -> Iterator[None]:
        """Another MTU is set on the measured interface."""
        self.on(SERVER, "ip link set test0 mtu 1400")
        try:
            yield
        finally:
            self.on(SERVER, "ip link set test0 mtu 1500")

    def trouble(self, slot: Slot) -> AbstractContextManager[None]:
        troubles: dict[int, Callable[[], AbstractContextManager[None]]] = {
            UNWATCHED: self.monitor_that_dies,
            DISTURBED: self.busy_cpu,
            MOVED: self.smaller_packets,
        }
        if (slot.iteration, slot.case_id) == (2, UNDISTURBED):
            return nullcontext(
                self.link(THEN_MBIT)
            )  # between the block's two baselines, not undone
        return troubles.get(slot.case_id, nullcontext)()


@dataclass(frozen=True)
class Done:
    """The campaign, analysed on the command line."""

    repeated: dict[int, list[int]]  # iteration -> slots repeated by each of its interim analyses
    datasets: Dataset
    report: str
    findings: str


async def measure(hosts: Lab, folder: RunFolder) -> dict[int, list[int]]:
    """Measures like the flow `measure`, with an interim analysis after each iteration."""
    repeated: dict[int, list[int]] = {iteration: [] for iteration in ORDER}
    async with hold_hosts(folder, min_free_mib=1, keep_on_hosts=False) as session:
        while left := session.left():
            iteration = left[0].iteration
            for slot in (slot for slot in left if slot.iteration == iteration):
                with hosts.trouble(slot):
                    await session.run(slot)
            interim = analyze_interim.fn(folder, session.site.plan, iteration)
            session.replan(interim.plan)
            repeated[iteration].append(interim.repeated)
    return repeated


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, shell: Shell) -> Iterator[Done]:
    if os.geteuid() != 0:
        pytest.skip("the lab needs root")
    home = tmp_path_factory.mktemp("gates")
    hosts = Lab(lifecycle.up(NAME), shell)
    try:
        full = asyncio.run(discover_environment(hosts.state.minimal_input, home / "config")).full
        folder = RunFolder.create(home / RUN / NAME, full.parent, RUN, planned(full.parent))
        hosts.link(FIRST_MBIT)
        repeated = asyncio.run(measure(hosts, folder))
    finally:
        lifecycle.down(NAME)
    where = partial(overhead, home)
    datasets, reports = home / "datasets", home / "reports"
    analysed = where("analyze", "--iteration-path", home / RUN, "--datasets", datasets,
                 "--output-dir", reports)  # fmt: skip
    assert analysed.returncode == 0, analysed.stderr
    checked = where("check", "--run", RUN, "--datasets", datasets, "--format", "json")
    report = (reports / RUN / "report.en.md").read_text()
    yield Done(repeated, Dataset(datasets), report, checked.stdout)


def test_every_gate_is_tripped_in_some_test():
    assert set(TRIPPED) == set(GATES)
    tests = Path(__file__).parent.parent
    assert [gate for gate, file in TRIPPED.items() if gate not in (tests / file).read_text()] == []


@pytest.mark.parametrize(
    ("case", "text"),
    [
        ("unwatched", "largest gap"),
        ("disturbed", f"{CLIENT}: dd["),
        ("moved", " against "),
    ],
)
def test_an_invalid_cell_names_the_failed_gate_and_the_reason(done: Done, case: str, text: str):
    cells = done.datasets.scan("cells").filter(case=case).collect()
    assert set(cells["status"]) == {"invalid"}
    assert set(cells["gate"]) == {GATE_OF[case]}
    assert all(text in reason for reason in cells["reason"])


def test_chance_failures_are_measured_again_and_changed_settings_are_not(done: Done):
    first = pl.col("case").is_in(list(GATE_OF)) & (pl.col("attempt") < REPEATED)
    cells = done.datasets.scan("cells").filter(first).collect()
    tries = dict(cells.group_by("case").agg(pl.max("attempt")).iter_rows())
    assert tries == {"unwatched": 2, "disturbed": 2, "moved": 1}


def test_invalid_cells_contribute_to_no_effect(done: Done):
    effects = done.datasets.scan("effects").filter(pl.col("case").is_in(list(GATE_OF))).collect()
    assert set(effects["verdict"]) == {"invalid"}
    assert effects["estimate"].drop_nulls().is_empty()


@pytest.mark.parametrize("case", GATE_OF)
def test_an_invalid_cell_is_a_finding_and_a_row_of_the_report(done: Done, case: str):
    gate = GATE_OF[case]
    findings = done.datasets.scan("checks").filter(rule_id=f"gate.{gate}", case=case).collect()
    assert set(findings["status"]) == {"failed"}
    assert GATES[gate].reason in findings["message"][0]
    rows = [line for line in done.report.splitlines() if line.startswith("|") and case in line]
    assert any(gate in row and "invalid" in row for row in rows)
    assert GATES[gate].reason in done.report
    assert f"gate.{gate}" in done.findings


def test_all_other_cells_of_the_campaign_pass(done: Done):
    cells = done.datasets.scan("cells").collect()
    others = cells.filter(pl.col("case").is_in(list(GATE_OF)).not_())
    assert others.filter(pl.col("status") != "passed").is_empty()


def test_a_block_whose_baselines_jumped_is_repeated_once(done: Done):
    assert done.repeated[2] == [3, 0]
    cells = done.datasets.scan("cells").filter(iteration=2).sort("position").collect()
    assert cells.select("position", "case", "attempt").rows()[3:] == [
        (3, "baseline", REPEATED),
        (4, "undisturbed", REPEATED),
        (5, "baseline", REPEATED),
    ]


def test_baselines_at_two_levels_withhold_the_verdict_and_keep_the_interval(done: Done):
    finding = done.datasets.scan("checks").filter(rule_id="gate.steady").collect()
    assert finding.select("status", "severity", "case").rows() == [("failed", "blocks", None)]
    low, high = (part.split()[-1] for part in finding["observed"][0].split(","))
    assert float(low) == pytest.approx(THEN_MBIT * 1e6, rel=0.1)
    assert float(high) == pytest.approx(FIRST_MBIT * 1e6, rel=0.1)
    effect = done.datasets.scan("effects").filter(case="undisturbed", primary=True).collect()
    assert effect["n"].item() >= 2
    assert effect["ci_low"].item() is not None
    assert effect["verdict"].item() == "inconclusive"
    assert "gate.steady" in effect["reason"].item()
    assert GATES["steady"].reason in done.report
