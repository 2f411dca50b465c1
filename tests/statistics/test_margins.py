"""The margins file, and the messages for an invalid one."""

from pathlib import Path

import pytest

from tasks.model.errors import InputError, InputErrors
from tasks.model.metrics import PRIMARY
from tasks.model.names import ROOT
from tasks.statistics.margins import read_margins


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "m.yaml"


def test_the_files_own_margins_cover_every_primary_metric() -> None:
    margins = read_margins(ROOT / "config" / "margins.yaml")
    assert set(PRIMARY.values()) <= margins.keys()
    assert (margins["throughput_bps"], margins["latency_mean_us"]) == (3, 5)


def test_null_is_a_metric_without_verdict(file: Path) -> None:
    file.write_text("retransmits: null")
    assert read_margins(file) == {"retransmits": None}


def test_all_mistakes_are_reported_at_once_with_file_line_and_key(file: Path) -> None:
    text = "throughputs: 3\nlatency_mean_us: -5\nthroughput_bps: 100\ntool_cpu_pct: yes"
    file.write_text(text)
    with pytest.raises(InputErrors) as caught:
        read_margins(file)
    lines = str(caught.value).splitlines()
    assert len(lines) == 4
    assert lines[0].startswith(
        f"{file}:1: throughputs: unknown metric; expected one of throughput_bps"
    )
    assert lines[1] == (
        f"{file}:2: latency_mean_us: -5 is not a valid margin; "
        "expected null or a number above 0 and below 100 (percent)"
    )


@pytest.mark.parametrize("text", ["", "- a", "a: [", "3"])
def test_a_file_that_is_not_a_mapping_is_refused(file: Path, text: str) -> None:
    file.write_text(text)
    with pytest.raises(InputError, match=r"m\.yaml"):
        read_margins(file)


def test_a_missing_file_is_named(file: Path) -> None:
    with pytest.raises(InputError, match=r"m\.yaml: cannot be read"):
        read_margins(file)


def test_a_margin_written_twice_is_refused(file: Path) -> None:
    file.write_text("throughput_bps: 3\nthroughput_bps: 5")
    with pytest.raises(InputError, match="throughput_bps: is written twice, on lines 1 and 2"):
        read_margins(file)
