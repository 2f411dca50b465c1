"""The published tables come out of the published figures, number for number."""

import csv
import re

import pytest

from tasks.model.names import DATASETS
from tasks.reporting.document import Table
from tests.reporting.published_tables import METRICS, reference_tables

DIRECTORY = DATASETS / "reference"
NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")

COMPARISON = {
    "Baseline TCP RR (host / VM)": ["68us / 76us", "89us / 114us", "101us / 138us", "283us / 97us"],
    "Baseline throughput, 1 stream (host / VM)": [
        "8.2 / 22.0", "7.4 / 19.8", "6.6 / 13.6", "5.0 / 12.0",
    ],
    "Baseline throughput, several (host / VM)": [
        "9.2 / 23.1", "8.4 / 20.1", "9.2 / 20.1", "8.0 / 17.3",
    ],
    "VM, summary tools: latency": ["-3~+7%", "-3~+10%", "-5~+10%", "+2~+17%"],
    "VM, details with filter: latency": ["+0~+12%", "+3~+18%", "+3~+24%", "+8~+22%"],
    "Host, eth_drop: latency": ["+229~295%", "+10~21%", "+195~225%", "+155~460%"],
    "Host, eth_drop: CPU": ["16~17%", "35~52%", "25%", "22%"],
    "VM, summary tools: CPU": ["<1%", "<1%", "<1%", "<1%"],
}  # fmt: skip
"""Table 4.3.6 as published: Intel 5.10, Intel 4.19, Hygon 5.10, ARM 5.10."""

AT_ODDS = {
    ("VM, summary tools: latency", 0): "−2 … +7 %",
    ("VM, summary tools: latency", 3): "+1 … +19 %",
    ("VM, summary tools: CPU", 0): "≤ 1.3 %",
    ("VM, summary tools: CPU", 1): "≤ 1.5 %",
    ("VM, summary tools: CPU", 2): "≤ 1.5 %",
    ("VM, summary tools: CPU", 3): "≤ 7 %",
}
"""Where 4.3.6 contradicts the published tables it sums up: what those tables say."""


@pytest.fixture(scope="module")
def tables() -> list[Table]:
    return reference_tables(DIRECTORY, "en")


def numbers(text: str) -> set[float]:
    """The figures in a cell, whatever is between them."""
    return {float(found) for found in NUMBER.findall(text.replace("−", "-"))}


def test_every_published_cell_of_the_tools_tables_has_its_numbers(tables: list[Table]) -> None:
    with (DIRECTORY / "tool_overhead.csv").open(encoding="utf-8") as file:
        published = list(csv.DictReader(file))
    shown = {
        (table.caption, row[0].text, metric): cell.text
        for table in tables[1:-1]
        for row in table.rows
        for metric, cell in zip(METRICS, row[2:], strict=True)
    }
    assert len(shown) == len(published) == 564
    for row in published:
        layer = {"host": "host", "vm": "VM"}[row["layer"]]
        text = shown[f"Published · {row['environment']} · {layer}", row["tool"], row["metric"]]
        assert numbers(text) == numbers(row["as_published"]), row
        assert text.startswith("<") == row["as_published"].startswith("<"), row


def test_a_figure_published_as_not_available_is_a_dash(tables: list[Table]) -> None:
    host = next(table for table in tables if "os620-kernel-419-intel · host" in table.caption)
    rtt = next(row for row in host.rows if row[0].text == "system_network_icmp_rtt")
    assert rtt[-1].text == "—"


def test_the_baselines_are_the_published_ones(tables: list[Table]) -> None:
    intel, *_, arm = ([cell.text for cell in row] for row in tables[0].rows)
    assert intel == [
        "os630-kernel-510-intel", "68.04 µs / 76.18 µs", "56.68 µs / 71.95 µs",
        "8.20 Gbit/s / 21.96 Gbit/s", "9.23 Gbit/s / 23.11 Gbit/s", "693 k/s / 387 k/s",
        "960 k/s / 1.40 M/s",
    ]  # fmt: skip
    assert arm[1] == "283 µs / 96.86 µs"
    assert arm[-1] == "981 k/s / 2.34 M/s"


@pytest.mark.parametrize(
    ("measure", "place"), [(measure, n) for measure in COMPARISON for n in range(4)]
)
def test_the_comparison_is_the_published_one_where_that_agrees_with_its_own_tables(
    tables: list[Table], measure: str, place: int
) -> None:
    row = next(row for row in tables[-1].rows if row[0].text == measure)
    shown = row[1 + place].text
    if (measure, place) in AT_ODDS:
        assert shown == AT_ODDS[measure, place]
        assert numbers(shown) != numbers(COMPARISON[measure][place])
    else:
        assert numbers(shown) == numbers(COMPARISON[measure][place])


def test_chinese_tables_hold_the_same_numbers(tables: list[Table]) -> None:
    chinese = reference_tables(DIRECTORY, "zh")
    for here, there in zip(tables, chinese, strict=True):
        for left, right in zip(here.rows, there.rows, strict=True):
            assert [cell.text for cell in left[2:]] == [cell.text for cell in right[2:]]
