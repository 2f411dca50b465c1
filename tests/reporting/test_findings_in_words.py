"""Sentences that the report generates: each stands only where its test holds."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import polars as pl
import pytest

from flows.cli.settings_options import option_name
from tasks.model.settings import Measurement, Selection
from tasks.reporting.bundle import Bundle
from tasks.reporting.document import Bullets, Code, ReportTable, Section
from tasks.reporting.sections import (
    causes,
    conclusions,
    cost_model,
    environment_rating,
    monitoring,
    repeat,
    tool_catalogue,
)
from tasks.reporting.sections.tool_catalogue import options_of
from tasks.reporting.texts import LANGS, Lang, Texts
from tasks.reporting.view import View

from .report_bundle import Campaign, empty_bundle

Make = Callable[[View], Section | None]
SECTIONS: Sequence[Make] = (
    causes.section, conclusions.section, conclusions.recommendations, cost_model.section,
    environment_rating.section, monitoring.section, repeat.section, tool_catalogue.tools,
    tool_catalogue.case_resources,
)  # fmt: skip


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return Campaign().bundle()


def made(make: Make, bundle: Bundle, lang: Lang = "en") -> Section:
    section = make(View(bundle, Texts(lang)))
    assert section is not None
    return section


def sentences(make: Make, bundle: Bundle) -> list[str]:
    blocks = made(make, bundle).blocks
    return [text for block in blocks if isinstance(block, Bullets) for text in block.items]


def rows(make: Make, bundle: Bundle) -> list[list[str]]:
    blocks = made(make, bundle).blocks
    tables = [block for block in blocks if isinstance(block, ReportTable)]
    return [[cell.text for cell in row] for table in tables for row in table.rows]


def with_effects(bundle: Bundle, which: pl.Expr, **columns: object) -> Bundle:
    """The bundle with other values in some columns of the effects that match."""
    changed = [
        pl.when(which).then(pl.lit(value)).otherwise(pl.col(name)).alias(name)
        for name, value in columns.items()
    ]
    return replace(bundle, effects=bundle.effects.with_columns(changed))


def test_conclusions_are_given_by_environment_and_class(bundle: Bundle) -> None:
    found = sentences(conclusions.section, bundle)
    assert (
        "Unfiltered details tools: Do not run in production (1): eth_drop; "
        "Insufficient data (1): tun_ring_monitor." in found
    )
    assert "Unfiltered details tools: Short sessions only (2): eth_drop, tun_ring_monitor." in found


def test_a_missing_number_is_never_the_largest_impact(bundle: Bundle) -> None:
    latency = pl.col("metric") == "latency_mean_us"
    single = with_effects(bundle, latency, ci_low=None, ci_high=None, verdict="inconclusive")
    found = [text for text in sentences(conclusions.section, single) if "largest impacts" in text]
    assert found
    assert not any("P latency" in text or "—" in text for text in found)


def test_protocols_are_told_apart_only_where_the_intervals_are(bundle: Bundle) -> None:
    def told(bundle: Bundle) -> bool:
        return any("depends on the protocol" in s for s in sentences(conclusions.section, bundle))

    assert told(bundle)
    wide = with_effects(bundle, pl.col("tool") == "eth_drop", ci_low=-500.0, ci_high=900.0)
    assert not told(wide)


def test_environments_are_compared_only_where_the_intervals_are_apart(bundle: Bundle) -> None:
    def compared(bundle: Bundle) -> list[str]:
        return [s for s in sentences(conclusions.section, bundle) if " than on " in s]

    assert compared(bundle)[0].startswith("eth_drop (host) costs more on lab-510-arm than on")
    wide = with_effects(bundle, pl.col("tool").is_not_null(), ci_low=-500.0, ci_high=900.0)
    assert compared(wide) == []


def test_a_topic_is_harmless_only_if_no_upper_end_is_above_the_limit(bundle: Bundle) -> None:
    sentence = "On the VM layer, no tool lowers throughput by more than 5 %."
    assert sentence in sentences(conclusions.section, bundle)
    one = (pl.col("tool") == "tun_ring_monitor") & (pl.col("workload") == "throughput_multi_tcp")
    assert sentence not in sentences(conclusions.section, with_effects(bundle, one, ci_high=5.2))
    assert sentence not in sentences(conclusions.section, with_effects(bundle, one, ci_high=None))


def test_recommendations_name_the_tools_and_where_they_hold(bundle: Bundle) -> None:
    found = sentences(conclusions.recommendations, bundle)
    assert any(s.startswith("Do not run in production – eth_drop (lab-510-arm): ") for s in found)
    one = Campaign(environments=("lab-510-intel",)).bundle()
    short = "Short sessions only – eth_drop, tun_ring_monitor: "
    assert any(s.startswith(short) for s in sentences(conclusions.recommendations, one))


def test_causes_are_those_that_were_measured(bundle: Bundle) -> None:
    listed = {(row[0], row[1]): row[-1] for row in rows(causes.section, bundle)}
    dear = listed["eth_drop", "lab-510-intel"]
    assert "(1.00 events per packet) and adds 9,800 ns" in dear
    assert "above the model's 4,900 ns" in dear
    assert "Tool CPU 17.4" in dear and "Log growth 29.5" in dear
    assert "system_network_latency_summary" not in {tool for tool, _ in listed}
    rare = bundle.bpf_programs.with_columns(packets=pl.col("packets") * 1000)
    text = str(rows(causes.section, replace(bundle, bpf_programs=rare)))
    assert "events per packet" not in text


def test_an_environment_is_rated_by_its_worst_reason(bundle: Bundle) -> None:
    def rating(bundle: Bundle) -> dict[str, tuple[str, str]]:
        table = made(environment_rating.section, bundle).blocks[1]
        assert isinstance(table, ReportTable)
        return {row[0].text: (row[1].text, row[2].text) for row in table.rows}

    arm, intel = (rating(bundle)[f"lab-510-{name}"] for name in ("arm", "intel"))
    assert intel[0] == "reliable" and "0 of 5 tools undecided" in intel[1]
    assert arm[0] == "limited" and "warnings: 1 (no. 2)" in arm[1]
    bad = with_effects(bundle, pl.col("kind") == "placebo", verdict="overhead")
    assert {grade for grade, _ in rating(bad).values()} == {"unreliable"}


def test_suitable_and_unsuitable_uses_rest_on_opposite_ends(bundle: Bundle) -> None:
    table = made(environment_rating.section, bundle).blocks[-1]
    assert isinstance(table, ReportTable)
    uses = {tuple(cell.text for cell in row[:3]): row[3:] for row in table.rows}
    suitable, unsuitable = uses["lab-510-intel", "Unfiltered details tools", "host"]
    assert suitable.text == "—"
    assert "latency-sensitive traffic (eth_drop, TCP latency cost +252 %" in unsuitable.text
    suitable, unsuitable = uses["lab-510-intel", "Summary tools", "host"]
    assert "latency-sensitive traffic" in suitable.text
    assert unsuitable.text == "—"


def test_the_cost_model_stands_beside_what_was_measured(bundle: Bundle) -> None:
    found = rows(cost_model.section, bundle)
    assert ["stack trace", "500–2000", "—", "0–1", "0–1"] in found
    assert ["details, unfiltered", "620–4,900", "3,100–11,760", "2", "4"] in found
    assert cost_model.section(View(empty_bundle(), Texts("en"))) is None


def test_the_filter_is_what_follows_the_script() -> None:
    command = "sudo python3 /w/tools/a/eth_drop.py --src-ip 10.0.0.1 --l4-protocol tcp"
    assert options_of("eth_drop", command) == "--src-ip 10.0.0.1 --l4-protocol tcp"
    assert options_of("ovs_drop", "python3 ovs-drop.py --x 'a b'") == "--x 'a b'"
    assert options_of("eth_drop", None) == options_of("eth_drop", "sudo other.py 'cut") == ""


def test_cpu_max_is_the_largest_of_all_cells(bundle: Bundle) -> None:
    cpu = bundle.samples.filter(metric="tool_cpu_pct")
    peaks = cpu.with_columns(
        metric=pl.lit("tool_cpu_peak_pct"), value=pl.col("iteration").cast(pl.Float64) * 10
    )
    found = rows(
        tool_catalogue.case_resources, replace(bundle, samples=pl.concat([bundle.samples, peaks]))
    )
    assert {cell.split(" / ")[1] for row in found for cell in row[3:]} == {"40.0"}


def test_commands_repeat_the_run_with_options_that_exist(bundle: Bundle) -> None:
    codes = [block for block in made(repeat.section, bundle).blocks if isinstance(block, Code)]
    run, again = codes[0].text.replace("\\\n    ", "").splitlines()
    assert "--iterations 4 --seed 20261120" in run
    assert again == "ebpf-overhead analyze --iteration-path results/lab-510-arm"
    known = {option_name(n) for n in (*Measurement.model_fields, *Selection.model_fields)}
    given = {word for word in run.split() if word.startswith("--")}
    assert {*given, *repeat.OPTIONS.values()} <= {*known, "--config-dir"}


def test_another_frameworks_run_is_only_analysed_again(bundle: Bundle) -> None:
    legacy = replace(bundle, runs=bundle.runs.with_columns(source=pl.lit("legacy")))
    codes = [block for block in made(repeat.section, legacy).blocks if isinstance(block, Code)]
    assert {code.text.split()[1] for code in codes} == {"analyze"}


@pytest.mark.parametrize("make", SECTIONS)
@pytest.mark.parametrize("lang", LANGS)
def test_a_campaign_without_data_has_none_of_these_sections(make: Make, lang: Lang) -> None:
    assert make(View(empty_bundle(), Texts(lang))) is None


@pytest.mark.parametrize("make", SECTIONS)
def test_chinese_sections_say_the_same(make: Make, bundle: Bundle) -> None:
    english, chinese = made(make, bundle), made(make, bundle, "zh")
    assert [type(block) for block in chinese.blocks] == [type(block) for block in english.blocks]
    assert chinese.title != english.title
