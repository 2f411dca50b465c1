"""The history page: three things happened in twenty nights, and it says these three."""

import re
from pathlib import Path

import polars as pl
import pytest

from tasks.history import HistoryReport, history_of
from tasks.model.errors import InputError

from .made_up_nights import HOSTS_AT, KERNEL_AT, TOOL_AT, day, store


@pytest.fixture(scope="module")
def twenty(tmp_path_factory: pytest.TempPathFactory) -> HistoryReport:
    root = tmp_path_factory.mktemp("history")
    return history_of(store(root / "datasets"), root / "out")


@pytest.fixture(scope="module")
def english(twenty: HistoryReport) -> str:
    return read(twenty, "history.en.md")


def read(found: HistoryReport, name: str) -> str:
    return next(path for path in found.files if path.name == name).read_text("utf-8")


def table(markdown: str, caption: str) -> list[list[str]]:
    """The rows of the first table under that caption."""
    lines = markdown.split(f"**{caption}**\n\n")[1].split("\n\n")[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_a_page_and_its_markdown_are_written_in_each_language(twenty: HistoryReport) -> None:
    names = [path.name for path in twenty.files]
    assert names == ["history.zh.html", "history.zh.md", "history.en.html", "history.en.md"]


def test_each_thing_that_changed_is_one_row_newest_first(english: str) -> None:
    rows = table(english, "Changes, newest first")
    assert [(row[0], row[1], row[3]) for row in rows] == [
        (f"{day(HOSTS_AT):%Y-%m-%d}", "level", "Host baselines worse"),
        (f"{day(TOOL_AT):%Y-%m-%d}", "level", "eth_drop costs more"),
        (
            f"{day(KERNEL_AT):%Y-%m-%d}",
            "epoch",
            "Host settings changed (kernel, CPU or NIC)",
        ),
    ]
    assert "8.22 Gbit/s → 7.61 Gbit/s (−7.4 %)" in rows[0][4]
    assert "TCP latency, rx_protocol_udp: +3.9 % → +12.7 %" in rows[1][4]
    assert rows[1][4].endswith("more series: 3")


def test_a_new_version_of_a_tool_is_an_epoch_of_that_tool_alone(tmp_path: Path) -> None:
    found = history_of(store(tmp_path / "d", nights=6, replaced_at=3), tmp_path, ["en"])
    rows = table(read(found, "history.en.md"), "Changes, newest first")
    assert [(row[0], row[1], row[3]) for row in rows] == [
        (f"{day(3):%Y-%m-%d}", "epoch", "eth_drop has a new version")
    ]


def test_epochs_are_combined_apart_and_several_levels_in_one_are_told(english: str) -> None:
    rows = table(english, "Combined by epoch · TCP")
    assert [row[:3] for row in rows[:2]] == [
        ["rx_protocol_tcp", "2026-03-01 – 2026-03-08", "8"],
        ["rx_protocol_tcp", "2026-03-09 – 2026-03-20", "12"],
    ]
    assert re.fullmatch(r"\+4\.0 % \[\+3\.\d, \+4\.4\]", rows[0][3])
    assert rows[1][3].endswith(", 2 levels")


def test_a_tool_that_never_changed_is_not_in_the_first_table(english: str) -> None:
    assert "quiet" not in english[: english.index("## 2.")]
    assert "### quiet · host" in english


def test_the_nights_hold_the_hosts_own_levels_as_series_without_a_tool(
    twenty: HistoryReport,
) -> None:
    hosts = twenty.nights.filter(pl.col("tool").is_null(), pl.col("metric") == "throughput_bps")
    assert hosts.height == 20
    assert hosts["level"][0] == pytest.approx(8.2e9, rel=0.02)
    assert hosts["epoch"].to_list() == ["kernel-a"] * KERNEL_AT + ["kernel-b"] * (20 - KERNEL_AT)


def test_the_page_needs_no_network_and_no_other_file(twenty: HistoryReport) -> None:
    html = read(twenty, "history.en.html")
    assert html.count("<svg") == 3
    assert not re.search(r'(src|href)="(https?:)?//', html)
    assert set(re.findall(r'href="([^"#][^"]*)"', html)) == {"data:,", "history.zh.html"}


def test_one_night_is_no_history_yet(tmp_path: Path) -> None:
    found = history_of(store(tmp_path / "d", nights=1), tmp_path)
    text = read(found, "history.en.md")
    assert "lab: one night only; see its report" in text
    assert "仅有一夜" in read(found, "history.zh.md")
    assert "|" not in text
    assert "<svg" not in read(found, "history.en.html")
    assert found.changes.is_empty()


def test_an_empty_dataset_says_that_there_is_nothing(tmp_path: Path) -> None:
    found = history_of(str(tmp_path / "nowhere"), tmp_path / "out", ["en"])
    assert "The datasets hold no run yet" in read(found, "history.en.md")


def test_an_invalid_effect_is_no_night_of_its_series(tmp_path: Path) -> None:
    root = store(tmp_path / "d", nights=3)
    for path in (tmp_path / "d" / "effects").rglob("run=night-01/*.parquet"):
        metadata = pl.read_parquet_metadata(path)
        frame = pl.read_parquet(path, hive_partitioning=False)
        bad = pl.when(pl.col("case") == "quiet_rx").then(pl.lit("invalid"))
        spoiled = frame.with_columns(verdict=bad.otherwise("verdict"))
        metadata.pop("ARROW:schema", None)
        spoiled.write_parquet(path, metadata=metadata)
    found = history_of(root, tmp_path, ["en"])
    counts = dict(found.nights.group_by("case").agg(pl.col("run").n_unique()).iter_rows())
    assert counts == {"baseline": 3, "quiet_rx": 2} | dict.fromkeys(
        ("eth_drop_rx_protocol_tcp", "eth_drop_rx_protocol_udp"), 3
    )


def test_only_the_environments_asked_for_are_read_and_unknown_ones_are_named(
    tmp_path: Path,
) -> None:
    store(tmp_path / "d", nights=2, environment="one")
    root = store(tmp_path / "d", nights=2, environment="two")
    found = history_of(root, tmp_path, ["en"], ["two"])
    assert found.nights["environment"].unique().to_list() == ["two"]
    assert "Tools · one" not in read(found, "history.en.md")
    with pytest.raises(InputError, match="three: no run of this environment; expected one of one"):
        history_of(root, tmp_path, ["en"], ["three"])
