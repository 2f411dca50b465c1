"""Tools together on the instruction clock: what they add to a round trip is the sum of what each
adds, a placebo beside a tool adds nothing, and two probes at one place share its dispatch."""

from pathlib import Path

import pytest

from tasks.lab import lifecycle
from tasks.reporting.bundle import Bundle
from tasks.reporting.texts import Texts
from tasks.reporting.view import View
from tasks.statistics.margins import read_margins
from tasks.storage.dataset import Dataset

from .conftest import overhead

pytestmark = [pytest.mark.lab, pytest.mark.slow]

NAME = "together"
HISTOGRAM, STACKS = "rx_size_histogram", "rx_stack_counts"
QUEUE = "qdisc_wait"  # its probes are at other places than those of the two
APART = (f"{QUEUE}+{STACKS}", f"{STACKS}+placebo_1")
AT_ONE_PLACE = f"{HISTOGRAM}+{STACKS}"


@pytest.fixture(scope="module")
def interactions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict]:
    """Each set's row."""
    home: Path = tmp_path_factory.mktemp("together")
    labs = home / "labs"
    state = lifecycle.up(NAME, state_root=labs, kernel="6.1", clock="instructions")
    try:
        config, datasets = home / "config", home / "datasets"
        done = overhead(
            home, "bootstrap", "--minimal-input", state.minimal_input, "--output-dir", config
        )
        assert done.returncode == 0, done.stderr
        done = overhead(
            home, "run", "--config-dir", config, "--tools", f"{HISTOGRAM},{STACKS},{QUEUE}",
            "--together", ",".join((*APART, AT_ONE_PLACE)), "--workloads", "latency_tcp_rr",
            "--iterations", 3, "--window", 1, "--warmup", 0, "--placebos", 1, "--attribution", 1,
            "--attribution-rate", "2M", "--results-dir", home / "results", "--datasets", datasets,
            "--output-dir", home / "reports", "--lang", "en", timeout_s=2400,
        )  # fmt: skip
        assert done.returncode in (0, 3), done.stderr
    finally:
        lifecycle.down(NAME, state_root=labs)
    dataset = Dataset(datasets)
    keys = dataset.scan("runs").select("environment", "run").collect().rows()
    view = View(Bundle.read(dataset, keys, read_margins()), Texts("en"))
    rows = view.interactions.filter(primary=True).to_dicts()
    return {row["case"]: row for row in rows}


@pytest.mark.parametrize("name", APART)
def test_the_round_trip_takes_the_sum_of_what_each_adds(
    interactions: dict[str, dict], name: str
) -> None:
    row = interactions[name]
    assert row["n"] == 3
    assert row["verdict"] == "additive", row
    assert row["estimate"] == pytest.approx(0, abs=1.5)


def test_two_probes_on_one_tracepoint_cost_less_than_the_sum(
    interactions: dict[str, dict],
) -> None:
    """The kernel makes the tracepoint's record once for all programs: 1.8 µs an event there, two
    events in a round trip of about 130 µs with both tools."""
    row = interactions[AT_ONE_PLACE]
    assert row["n"] == 3
    assert row["ci_high"] < 0
    assert row["estimate"] == pytest.approx(-3, abs=2)
