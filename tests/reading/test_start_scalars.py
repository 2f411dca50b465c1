"""What a start takes: means over a cell's starts, and nothing where a start does not say."""

from tasks.reading.start_scalars import start_samples
from tasks.storage.rawtree import StartRecord


def test_a_cell_has_the_means_of_its_starts_and_their_number() -> None:
    starts = (StartRecord(1.0, 0.2, 2048, 2**20), StartRecord(2.0, 0.4, 4096, 3 * 2**20))
    found = {sample.metric: (sample.value, sample.n) for sample in start_samples(starts, "h")}
    assert found == {
        "tool_ready_s": (1.5, 2),
        "tool_start_cpu_s": (0.30000000000000004, 2),
        "tool_start_rss_mib": (3.0, 2),
        "tool_maps_mib": (2.0, 2),
    }


def test_what_one_start_does_not_say_is_missing_not_the_mean_of_the_others() -> None:
    starts = (StartRecord(1.0, None, 2048, 0), StartRecord(2.0, 0.4, 2048, None))
    assert {sample.metric for sample in start_samples(starts, "h")} == {
        "tool_ready_s", "tool_start_rss_mib",
    }  # fmt: skip


def test_a_baseline_starts_nothing_and_has_none() -> None:
    assert start_samples((), "h") == []
