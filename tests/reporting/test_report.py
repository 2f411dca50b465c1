"""The report as text: structure, numbers, missing data."""

import json
import re
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from tasks.reporting.bundle import Bundle
from tasks.reporting.page import page_html, page_markdown, write_page
from tasks.reporting.report_page import report_page
from tasks.reporting.texts import LANGS, Lang, Texts
from tasks.statistics.reasons import say

from ..languages import chinese, english_words
from .report_bundle import Campaign, empty_bundle


def render_html(bundle: Bundle, lang: Lang) -> str:
    return page_html(report_page(bundle, lang))


def render_markdown(bundle: Bundle, lang: Lang) -> str:
    return page_markdown(report_page(bundle, lang))


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return Campaign().bundle()


@pytest.fixture(scope="module")
def html(bundle: Bundle) -> str:
    return render_html(bundle, "en")


@pytest.fixture(scope="module")
def markdown(bundle: Bundle) -> str:
    return render_markdown(bundle, "en")


def row(markdown: str, *texts: str) -> str:
    """The first table row that holds all the texts."""
    lines = (line for line in markdown.splitlines() if line.startswith("|"))
    return next(line for line in lines if all(text in line for text in texts))


def test_the_answer_comes_first_then_what_to_do_then_each_tool(html: str) -> None:
    assert re.findall(r'<section id="(\w+)">', html) == [
        "verdict", "recommendations", "conclusions", "tools", "resources", "cost_model", "causes",
        "architectures", "rating", "baselines", "design", "protocols", "percentiles",
        "catalogue", "case_resources", "credibility", "method", "monitoring", "environments",
        "data", "repeat", "appendix",
    ]  # fmt: skip


def test_the_first_screen_says_the_answer_then_counts_then_every_tool(html: str) -> None:
    verdict = html[html.index('<section id="verdict">') : html.index('<section id="recomm')]
    order = ("tools may run continuously", "Kernel and hosts", 'class="searched matrix"', "placebo")
    places = [verdict.index(text) for text in order]
    assert places == sorted(places)
    assert verdict.count('<td class="answer-') == 5 * 2 + 5 * 2  # tools and counts x environments


def test_every_link_on_the_page_leads_somewhere(html: str) -> None:
    ids = re.findall(r' id="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    linked = set(re.findall(r'href="#([^"]+)"', html))
    assert linked <= set(ids)
    for environment in ("lab-510-intel", "lab-510-arm"):
        assert f"eth_drop--host--{environment}" in linked


def test_the_page_needs_no_network_and_no_other_file(html: str) -> None:
    assert not re.search(r'(src|href)="(https?:)?//', html)
    assert "@import" not in html and "<script src" not in html
    assert set(re.findall(r'href="([^"#][^"]*)"', html)) == {"data:,", "report.zh.html"}


def test_the_same_data_give_the_same_page(bundle: Bundle, html: str) -> None:
    assert render_html(bundle, "en") == html


def test_costs_are_positive_where_the_tool_makes_things_worse(markdown: str) -> None:
    line = row(markdown, "eth_drop", "lab-510-intel", "Short sessions only", "9,800")
    assert "+36.1 % [+33.9, +38.3]" in line
    assert "+252 % [+239, +265]" in line
    assert "17.4 [16.5, 18.3]" in line


def test_the_answer_names_the_cost_that_decides_it(markdown: str) -> None:
    line = row(markdown, "eth_drop", "Do not run in production")
    assert "Short sessions only: TCP latency cost +252 % [+239, +265], threshold 300 %" in line
    line = next(line for line in markdown.splitlines() if line.startswith("Short sessions only"))
    assert "(rx_protocol_tcp), threshold" in line


def test_a_missing_number_is_a_dash(markdown: str) -> None:
    placebo = row(markdown, "placebo", "lab-510-intel", "no overhead beyond margin")
    assert placebo.count("—") == 3
    assert "nan" not in markdown.lower().replace("tenant", "")
    assert "None" not in markdown


def test_a_finding_is_numbered_beside_its_number_and_explained_once(html: str) -> None:
    assert '<sup><a href="#check-1">1</a></sup>' in html
    assert html.count('id="check-1"') == 1
    assert "it probably did not run" in html


def test_both_languages_hold_the_same_numbers(bundle: Bundle, markdown: str) -> None:
    def costs(text: str) -> list[str]:
        return re.findall(r"[−+]\d+(?:\.\d)? % \[[^]]*\]", text)

    chinese = render_markdown(bundle, "zh")
    assert costs(chinese) == costs(markdown)
    assert len(costs(markdown)) > 200
    assert "可长期运行" in chinese


def test_every_effect_stands_in_a_chart_and_in_a_table(html: str, bundle: Bundle) -> None:
    drawn = html.count('<path class="at"')
    assert html.count('<figure class="chart">') == 6
    primary = bundle.effects.filter(pl.col("primary"))
    tables = re.findall(r'<td class="verdict-[^"]*"[^>]*><span>[−+\d]', html)
    assert len(tables) == primary.height
    largest = 3 * 14  # topics of every tool and placebo in its environment
    assert drawn == primary.height + largest


def test_each_iteration_is_a_dot_below_its_interval(html: str, bundle: Bundle) -> None:
    dots = re.findall(r'<path class="dots" d="([^"]*)"', html)
    assert len(dots) == bundle.effects.filter(pl.col("primary")).height
    assert {path.count("M") for path in dots} == {4}  # a cell in each of four iterations


def test_an_empty_campaign_says_so_instead_of_failing() -> None:
    for lang in LANGS:
        text = render_html(empty_bundle(), lang)
        assert Texts(lang)("verdict_section.none") in text
        assert "<svg" not in text
    assert "no data yet" in render_markdown(empty_bundle(), "en")


def test_one_iteration_is_shown_without_intervals_and_decides_nothing(bundle: Bundle) -> None:
    nothing = pl.lit(None, dtype=pl.Float64)
    single = bundle.effects.with_columns(
        nothing.alias("ci_low"), nothing.alias("ci_high"), pl.lit("inconclusive").alias("verdict")
    )
    text = render_markdown(replace(bundle, effects=single), "en")
    assert "single iteration, no interval" in text
    assert "Continuous use |" not in row(text, "vm_network_latency_summary", "single iteration")
    assert "<svg" in render_html(replace(bundle, effects=single), "en")


@pytest.mark.parametrize(
    ("lang", "text"), [("en", "decided after 6 iterations"), ("zh", "第 6 次迭代后已有结论")]
)
def test_a_case_of_a_sequential_campaign_says_why_it_was_measured_no_more(
    bundle: Bundle, lang: Lang, text: str
) -> None:
    why = say("decided", n=6)
    effects = bundle.effects.with_columns(stopped=pl.lit(why.en), stopped_zh=pl.lit(why.zh))
    fixed = replace(bundle, effects=effects)
    design = json.dumps({"until_decided": True})
    sequential = replace(fixed, runs=bundle.runs.with_columns(design=pl.lit(design)))
    assert text in render_markdown(sequential, lang)
    assert text not in render_markdown(fixed, lang)


def test_an_invalid_effect_shows_the_word_and_no_number(bundle: Bundle) -> None:
    case = "vm_network_latency_summary_rx_protocol_tcp"
    bad = pl.when(pl.col("case") == case).then(pl.lit("invalid"))
    effects = bundle.effects.with_columns(bad.otherwise(pl.col("verdict")).alias("verdict"))
    text = render_markdown(replace(bundle, effects=effects), "en")
    unfolded = text[text.index("### vm_network_latency_summary") :]
    assert row(unfolded, "rx_protocol_tcp").count("invalid") == 6
    assert "measurements are invalid" in text


def test_cells_without_a_number_are_listed_with_gate_and_reason(bundle: Bundle) -> None:
    first = (pl.col("position") == 1) & (pl.col("iteration") == 1)
    cells = bundle.cells.with_columns(
        pl.when(first).then(pl.lit("invalid")).otherwise(pl.col("status")).alias("status"),
        pl.when(first).then(pl.lit("tool_alive")).alias("gate"),
        pl.when(first).then(pl.lit("the tool died | after 3 s")).alias("reason"),
    )
    text = render_markdown(replace(bundle, cells=cells), "en")
    assert "tool_alive" in text
    assert "the tool died \\| after 3 s" in text


def test_text_from_hosts_cannot_become_markup(bundle: Bundle) -> None:
    commands = bundle.cells.with_columns(pl.lit("x <script>alert(1)</script>").alias("command"))
    text = render_html(replace(bundle, cells=commands), "en")
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert" in text


def test_a_workload_unknown_to_the_run_is_still_shown(bundle: Bundle) -> None:
    runs = bundle.runs.with_columns(pl.lit(None, dtype=pl.String).alias("workloads"))
    text = render_markdown(replace(bundle, runs=runs), "en")
    assert "+36.1 % [+33.9, +38.3]" in text[text.index("Other workloads") :]


@pytest.mark.parametrize("lang", LANGS)
def test_one_environment_has_no_comparison(lang: Lang) -> None:
    one = Campaign(environments=("lab-510-intel",)).bundle()
    assert 'id="architectures"' not in render_html(one, lang)


def test_files_are_written_by_language_and_kind(bundle: Bundle, tmp_path: Path) -> None:
    paths = [
        path for lang in LANGS for path in write_page(report_page(bundle, lang), tmp_path / "new")
    ]
    assert [path.name for path in paths] == [
        "report.zh.html", "report.zh.md", "report.en.html", "report.en.md",
    ]  # fmt: skip
    assert all(path.stat().st_size > 10_000 for path in paths)


def test_another_frameworks_results_are_not_described_as_our_own(bundle: Bundle) -> None:
    runs = bundle.runs.with_columns(pl.lit("legacy").alias("source"))
    text = render_markdown(replace(bundle, runs=runs), "en")
    assert "from another framework" in text
    assert "seeded random order" not in text


def test_a_single_baseline_has_no_drift_to_draw(bundle: Bundle) -> None:
    once = (pl.col("kind") != "baseline") | ((pl.col("iteration") == 1) & (pl.col("position") == 0))
    text = render_html(replace(bundle, cells=bundle.cells.filter(once)), "en")
    baselines = text[text.index('id="baselines"') : text.index('id="design"')]
    assert "<svg" not in baselines
    assert "unknown" in baselines


def test_each_layer_says_how_many_iterations_it_ran(bundle: Bundle) -> None:
    never = (pl.col("layer") == "vm") & (pl.col("iteration") > 1)
    status = pl.when(never).then(pl.lit("skipped")).otherwise(pl.col("status"))
    text = render_markdown(
        replace(bundle, cells=bundle.cells.with_columns(status.alias("status"))), "en"
    )
    method = text[text.index("Parameters as run") : text.index("Margins:")]
    assert "| lab-510-intel | host | 4 |" in method
    assert "| lab-510-intel | VM | 1 4 planned |" in method


def test_the_joint_model_is_described_only_if_it_was_fitted(bundle: Bundle) -> None:
    def method(bundle: Bundle) -> str:
        return render_markdown(bundle, "en").replace("\n", " ")

    few = bundle.effects.with_columns(n=pl.lit(2))
    assert "a joint model of all runs takes at least 60 degrees of freedom" in method(
        replace(bundle, effects=few)
    )
    many = bundle.effects.with_columns(n=pl.lit(61))
    assert "in 40 of 40 comparisons" in method(replace(bundle, effects=many))


def test_a_compressed_axis_says_so_and_a_linear_one_does_not(html: str) -> None:
    across = html[html.index('id="architectures"') : html.index('id="baselines"')]
    assert "(compressed scale)" in across
    assert "(compressed scale)" not in html[html.index('id="baselines"') :]


def test_tool_cpu_has_no_panel_where_the_window_has_one_row(bundle: Bundle, html: str) -> None:
    assert "Tool CPU over the window" in html
    first = bundle.intervals.filter(pl.col("t_s") == pl.col("t_s").min())
    assert "Tool CPU over the window" not in render_html(replace(bundle, intervals=first), "en")


def test_kernel_cpu_stands_with_its_load(markdown: str) -> None:
    line = row(markdown, "eth_drop (details, unfiltered)", "trace_rx")
    assert "35.3 at 30.0 k packets/s" in line


KEPT = {
    "placebo",
    "analyze",
    "kprobe",
    "kprobes",
    "tracepoint",
    "tracepoints",
    "btf",
    "raw",
    "map",
    "buffer",
}
"""Kinds of probes and the word in a tool's name: no sentence."""

FACTS = ("CPU 型号", "操作系统", "lab-510")
"""Rows that begin so hold what a host says of itself."""


def prose(text: str) -> str:
    """The page without commands, and without the rows of what hosts say of themselves."""
    text = re.sub(r"```.*?```|`[^`]*`", "", text, flags=re.S)
    lines = [line for line in text.splitlines() if not line.startswith("ebpf-overhead ")]
    facts = tuple(f"| {name}" for name in FACTS)
    return "\n".join(line for line in lines if not (line.startswith(facts) and line.count("|") < 9))


def test_no_english_is_left_in_the_chinese_page_and_no_chinese_in_the_english(
    bundle: Bundle, markdown: str
) -> None:
    found = set(english_words(prose(render_markdown(bundle, "zh")))) - KEPT
    assert not found
    assert not [line for line in markdown.splitlines() if chinese(line)]
