"""The table after a run."""

from typing import Any

import polars as pl
import pytest

from tasks.reporting.summary import (
    SCHEMA,
    summary_cells,
    summary_markdown,
    summary_sentence,
    summary_table,
    tonight,
)
from tasks.reporting.texts import Lang

from .report_bundle import Campaign, empty_bundle


@pytest.fixture(scope="module")
def table() -> pl.DataFrame:
    return summary_table(Campaign().bundle())


def row(table: pl.DataFrame, environment: str, tool: str) -> dict[str, Any]:
    chosen = (pl.col("environment") == environment) & (pl.col("tool") == tool)
    return table.filter(chosen).row(0, named=True)


def test_a_row_holds_costs_and_the_answer(table: pl.DataFrame) -> None:
    drop = row(table, "lab-510-intel", "eth_drop")
    assert drop["throughput_pct"] == pytest.approx(36.1)
    assert 0 < drop["throughput_low"] < drop["throughput_pct"] < drop["throughput_high"]
    assert drop["latency_pct"] == pytest.approx(252.0)
    assert drop["tool_cpu_pct"] == pytest.approx(17.4)
    assert drop["kernel_ns_per_packet"] == pytest.approx(9800.0)
    assert drop["log_mib_per_min"] == pytest.approx(29.5)
    assert (drop["verdict"], drop["answer"]) == ("overhead", "minutes")


def test_a_placebo_has_no_answer_and_no_kernel_time(table: pl.DataFrame) -> None:
    placebo = row(table, "lab-510-intel", "placebo")
    assert placebo["answer"] is None
    assert placebo["kernel_ns_per_packet"] is None
    assert placebo["verdict"] == "no_overhead_within_margin"


def test_a_person_reads_intervals_and_dashes(table: pl.DataFrame) -> None:
    heads, rows = summary_cells(table)
    assert "Throughput cost" in heads and "Tool CPU (% of one CPU)" in heads
    cells = [cell for row in rows for cell in row]
    assert {"+36.1 % [+33.9, +38.3]", "Short sessions only", "—"} <= set(cells)


@pytest.mark.parametrize(
    ("lang", "sentence"),
    [
        (
            "en",
            "On lab-510-intel, 2 of 5 tools may run continuously; 1 only with a filter; "
            "2 in short sessions only.",
        ),
        (
            "zh",
            "在 lab-510-intel 上，5 个工具中有 2 个可长期运行；1 个仅限加过滤使用；"
            "2 个仅限短时使用。",
        ),
    ],
)
def test_the_answer_is_one_sentence(table: pl.DataFrame, lang: Lang, sentence: str) -> None:
    one = table.filter(environment="lab-510-intel")
    assert summary_sentence(one, lang) == sentence
    answers = one.drop_nulls("answer")["answer"].to_list()
    assert [answers.count(name) for name in ("long", "with_filter", "minutes")] == [2, 1, 2]


def test_of_several_environments_a_tool_counts_if_it_may_run_in_each(table: pl.DataFrame) -> None:
    assert summary_sentence(table) == (
        "0 of 5 tools may run continuously in each of the 2 environments; 1 must not run in "
        "production in at least one; 3 undecided in at least one for lack of data."
    )
    assert summary_sentence(table.clear()) == ""


def test_every_answer_stands_with_the_cost_that_decides_it_or_the_doubt(
    table: pl.DataFrame,
) -> None:
    def rated(table: pl.DataFrame) -> dict[tuple[str, ...], tuple[str, str]]:
        heads, rows = summary_cells(table)
        answer, by = heads.index("Permitted use"), heads.index("Rated by")
        return {(row[0], row[2]): (row[answer], row[by]) for row in rows}

    found = rated(table)
    assert found["lab-510-intel", "eth_drop"] == (
        "Short sessions only", "latency_tcp_rr +252 % [+239, +265] ≤ 300",
    )  # fmt: skip
    assert found["lab-510-arm", "eth_drop"][1] == "latency_tcp_rr +328 % [+311, +344] > 300"
    assert found["lab-510-arm", "tun_ring_monitor"][1] == "a blocking check failed"
    assert found["lab-510-arm", "placebo"][1] == "—"
    single = table.with_columns(answer_reason=pl.lit("no_interval"))
    assert rated(single)["lab-510-arm", "eth_drop"][1] == "single iteration, no interval"


def test_markdown_speaks_both_languages(table: pl.DataFrame) -> None:
    english, chinese = summary_markdown(table), summary_markdown(table, "zh")
    assert english.splitlines()[0].startswith("| Environment | Layer | Tool | Permitted use |")
    assert "可长期运行" in chinese
    assert len(english.splitlines()) == len(chinese.splitlines()) == table.height + 4


def test_figures_of_one_night_say_tonight_and_those_of_more_do_not(table: pl.DataFrame) -> None:
    assert table["nights"].unique().to_list() == [1]
    assert "One night only" in summary_markdown(table)
    assert "当夜" in summary_markdown(table, "zh")
    more = table.with_columns(nights=pl.lit(3, pl.Int64))
    assert "One night" not in summary_markdown(more)
    assert tonight(more) is None


def test_the_environment_is_left_out_where_there_is_only_one() -> None:
    table = summary_table(Campaign(environments=("lab-510-intel",)).bundle())
    assert summary_markdown(table).startswith("| Layer | Tool |")


def test_an_empty_campaign_has_the_columns_and_no_row() -> None:
    table = summary_table(empty_bundle())
    assert dict(table.schema) == SCHEMA
    assert table.is_empty()
