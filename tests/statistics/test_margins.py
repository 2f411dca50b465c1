"""The margins file and what is said about a wrong one."""

import pytest

from tasks.model.errors import InputError, InputErrors
from tasks.model.metrics import PRIMARY
from tasks.model.names import CONFIG
from tasks.statistics.margins import parse_margins, read_margins


def test_the_files_own_margins_cover_every_primary_metric() -> None:
    margins = read_margins(CONFIG / "margins.yaml")
    assert set(PRIMARY.values()) <= margins.keys()
    assert (margins["throughput_bps"], margins["latency_mean_us"]) == (3, 5)


def test_null_is_a_metric_without_verdict() -> None:
    assert parse_margins("retransmits: null", "m.yaml") == {"retransmits": None}


def test_all_mistakes_are_told_at_once_with_file_and_key() -> None:
    text = "throughputs: 3\nlatency_mean_us: -5\nthroughput_bps: 100\ntool_cpu_pct: yes"
    with pytest.raises(InputErrors) as caught:
        parse_margins(text, "m.yaml")
    lines = str(caught.value).splitlines()
    assert len(lines) == 4
    assert lines[0].startswith(
        "m.yaml: throughputs: unknown metric; expected one of throughput_bps"
    )
    assert lines[1] == (
        "m.yaml: latency_mean_us: -5 is no margin; "
        "expected null or a number above 0 and below 100 (percent)"
    )


@pytest.mark.parametrize("text", ["", "- a", "a: [", "3"])
def test_what_is_no_mapping_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"m\.yaml"):
        parse_margins(text, "m.yaml")
