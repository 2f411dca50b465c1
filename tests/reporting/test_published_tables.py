"""The published figures in datasets/reference agree with what was published, number for number."""

import re

import polars as pl
import pytest

from tasks.model.names import ROOT

NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")

BASELINES = pl.read_csv(ROOT / "datasets" / "reference" / "baselines.csv")
OVERHEAD = pl.read_csv(ROOT / "datasets" / "reference" / "tool_overhead.csv")
ENVIRONMENTS = BASELINES["environment"].unique(maintain_order=True)

BASELINES_COMPARED = {
    "latency_tcp_rr": (0, ["68us / 76us", "89us / 114us", "101us / 138us", "283us / 97us"]),
    "throughput_single": (1, ["8.2 / 22.0", "7.4 / 19.8", "6.6 / 13.6", "5.0 / 12.0"]),
    "throughput_multi": (1, ["9.2 / 23.1", "8.4 / 20.1", "9.2 / 20.1", "8.0 / 17.3"]),
}
"""Table 4.3.6 as published (host / VM): Intel 5.10, Intel 4.19, Hygon 5.10, ARM 5.10; decimals."""

OVERHEAD_COMPARED = {
    ("vm", "tool_type", "Summary", "latency_tcp"): ["-3~+7%", "-3~+10%", "-5~+10%", "+2~+17%"],
    ("vm", "tool_type", "Details+过滤", "latency_tcp"): [
        "+0~+12%",
        "+3~+18%",
        "+3~+24%",
        "+8~+22%",
    ],
    ("host", "tool", "eth_drop", "latency_tcp"): ["+229~295%", "+10~21%", "+195~225%", "+155~460%"],
    ("host", "tool", "eth_drop", "tool_cpu"): ["16~17%", "35~52%", "25%", "22%"],
    ("vm", "tool_type", "Summary", "tool_cpu"): ["<1%", "<1%", "<1%", "<1%"],
}
"""The same table's ranges: (layer, column, value, metric) -> a range for each environment."""

AT_ODDS = {
    ("Summary", "latency_tcp", 0): {-2, 7},
    ("Summary", "latency_tcp", 3): {1, 19},
    ("Summary", "tool_cpu", 0): {1.3},
    ("Summary", "tool_cpu", 1): {1.5},
    ("Summary", "tool_cpu", 2): {1.5},
    ("Summary", "tool_cpu", 3): {7},
}
"""Where 4.3.6 contradicts the published tables that it sums up: what those tables say."""


def numbers(text: str) -> set[float]:
    """The figures in a text, whatever is between them."""
    return {float(found) for found in NUMBER.findall(text.replace("−", "-"))}


def figures(rows: pl.DataFrame) -> set[float]:
    """Both ends of the range over all rows; the upper one where only bounds were published."""
    known = rows.drop_nulls("high_pct")
    high = known["high_pct"].max()
    return {high} if known["bound"].is_not_null().any() else {known["low_pct"].min(), high}


def test_every_range_has_the_numbers_that_were_published() -> None:
    assert OVERHEAD.height == 564
    assert OVERHEAD.select("environment", "layer", "tool", "metric").is_unique().all()
    for row in OVERHEAD.to_dicts():
        ends = {row["high_pct"]} if row["bound"] else {row["low_pct"], row["high_pct"]}
        assert ends - {None} == numbers(row["as_published"]), row
        assert (row["bound"] == "<") == row["as_published"].startswith("<"), row


def test_a_figure_published_as_not_available_is_null() -> None:
    (rtt,) = OVERHEAD.filter(
        environment="os620-kernel-419-intel", layer="host", tool="system_network_icmp_rtt",
        metric="tool_cpu",
    ).to_dicts()  # fmt: skip
    assert (rtt["low_pct"], rtt["high_pct"]) == (None, None)


@pytest.mark.parametrize(
    ("environment", "published"),
    [
        ("os630-kernel-510-intel", [
            (68.04, 76.18), (56.68, 71.95), (8.20, 21.96), (9.23, 23.11), (693e3, 387e3),
            (960e3, 1.40e6),
        ]),
        ("os630-kernel-510-arm", [(283, 96.86), None, None, None, None, (981e3, 2.34e6)]),
    ],
)  # fmt: skip
def test_the_baselines_are_the_published_ones(environment: str, published: list) -> None:
    own = BASELINES.filter(pl.col("environment") == environment)
    for metric, expected in zip(own["metric"].unique(maintain_order=True), published, strict=True):
        found = dict(own.filter(metric=metric).select("layer", "value").rows())
        if expected:
            assert (found["host"], found["vm"]) == pytest.approx(expected, rel=0.005), metric


@pytest.mark.parametrize(
    ("metric", "place"), [(metric, n) for metric in BASELINES_COMPARED for n in range(4)]
)
def test_the_comparison_holds_the_baselines(metric: str, place: int) -> None:
    decimals, published = BASELINES_COMPARED[metric]
    own = BASELINES.filter(metric=metric, environment=ENVIRONMENTS[place])
    found = dict(own.select("layer", "value").rows())
    shown = " / ".join(f"{found[layer]:.{decimals}f}" for layer in ("host", "vm"))
    assert numbers(shown) == numbers(published[place])


@pytest.mark.parametrize(("key", "place"), [(k, n) for k in OVERHEAD_COMPARED for n in range(4)])
def test_the_comparison_holds_the_ranges_where_it_agrees_with_its_own_tables(
    key: tuple[str, str, str, str], place: int
) -> None:
    layer, column, value, metric = key
    rows = OVERHEAD.filter(
        pl.col(column) == value, layer=layer, metric=metric, environment=ENVIRONMENTS[place]
    )
    published = numbers(OVERHEAD_COMPARED[key][place])
    if odd := AT_ODDS.get((value, metric, place)):
        assert figures(rows) == odd != published
    else:
        assert figures(rows) == published
