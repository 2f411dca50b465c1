"""Great Expectations over a whole run, and over runs with one thing wrong."""

from collections.abc import Callable

import polars as pl
import pytest

from tasks.model.bilingual import same
from tasks.quality import expectations
from tasks.quality.suites import Expectation, Suite, latency, limits
from tasks.storage.schema import CHECKS

from .quality_tables import whole_run

Tables = dict[str, pl.DataFrame]


def failed(tables: Tables) -> pl.DataFrame:
    return expectations.run_checkpoint(tables).filter(pl.col("status") != "passed")


def with_value(tables: Tables, value: float, **place: object) -> Tables:
    """The tables with one sample's value replaced; the place must name exactly one sample."""
    here = pl.all_horizontal(pl.col(name) == wanted for name, wanted in place.items())
    samples = tables["samples"]
    assert samples.filter(here).height == 1
    replaced = pl.when(here).then(value).otherwise("value").alias("value")
    return tables | {"samples": samples.with_columns(replaced)}


ONE = {"layer": "host", "iteration": 1, "position": 1}


def test_a_whole_run_passes_every_suite() -> None:
    checks = expectations.run_checkpoint(whole_run())
    assert checks.schema == CHECKS.schema
    assert set(checks["status"]) == {"passed"}
    assert {"expect.cells", "expect.samples", "expect.latency", "expect.limits"} <= set(
        checks["rule_id"]
    )


SPOILED: dict[str, tuple[str, Callable[[Tables], Tables]]] = {
    "a cell twice": (
        "expect.cells.unique",
        lambda t: t | {"cells": pl.concat([t["cells"]] * 2)},
    ),
    "a status that is none": (
        "expect.cells.allowed.status",
        lambda t: t | {"cells": t["cells"].with_columns(status=pl.lit("fine"))},
    ),
    "no case": (
        "expect.cells.required.case",
        lambda t: t | {"cells": t["cells"].with_columns(case=pl.lit(None, pl.String))},
    ),
    "another unit": (
        "expect.samples.unit",
        lambda t: t | {"samples": t["samples"].with_columns(unit=pl.lit("Gbit/s"))},
    ),
    "a negative value": (
        "expect.samples.range.value",
        lambda t: with_value(t, -1.0, metric="latency_min_us", **ONE),
    ),
    "min above mean": (
        "expect.latency.min_mean",
        lambda t: with_value(t, 60.0, metric="latency_min_us", **ONE),
    ),
    "p99 above max": (
        "expect.latency.p99_max",
        lambda t: with_value(t, 9000.0, metric="latency_p99_us", **ONE),
    ),
    "11 Gbit/s over a link of 10": (
        "expect.limits",
        lambda t: with_value(t, 11e9, metric="throughput_bps", **ONE),
    ),
    "more than four CPUs busy on a host of four": (
        "expect.limits",
        lambda t: with_value(t, 413.0, metric="server_cpu_pct", workload="latency_tcp_rr", **ONE),
    ),
    "four CPUs busy in a window of a second, and the ticks that do not fit": (
        "",
        lambda t: with_value(
            t | {"cells": t["cells"].with_columns(window_s=1.0)},
            416.0,
            metric="server_cpu_pct",
            workload="latency_tcp_rr",
            **ONE,
        ),
    ),
    "an interval beside its estimate": (
        "expect.effects.ci_low_estimate",
        lambda t: t | {"effects": t["effects"].with_columns(ci_low=2.5)},
    ),
    "a baseline above the link's speed": (
        "expect.limits",
        lambda t: with_value(t, 11e9, metric="throughput_bps", **(ONE | {"position": 3})),
    ),
    "a limit that nobody knows": (
        "",
        lambda t: with_value(
            t | {"runs": t["runs"].with_columns(facts=pl.lit("{}"))},
            11e9,
            metric="throughput_bps",
            **ONE,
        ),
    ),
}
"""What is wrong (it names the run) -> the rule that finds it, and nothing else does."""


@pytest.fixture(scope="module")
def found() -> pl.DataFrame:
    """The findings in all spoiled runs; one call, for Great Expectations is slow to set up."""
    runs = [spoil(whole_run(run=name)) for name, (_, spoil) in SPOILED.items()]
    return failed({table: pl.concat([run[table] for run in runs]) for table in runs[0]})


@pytest.mark.parametrize("wrong", SPOILED)
def test_one_thing_wrong_is_found_under_its_own_id(found: pl.DataFrame, wrong: str) -> None:
    rule_id, _ = SPOILED[wrong]
    here = found.filter(run=wrong)
    assert set(here["rule_id"]) == ({rule_id} if rule_id else set())
    assert set(here["status"]) <= {"failed"}


def test_a_finding_names_its_place_and_the_odd_values(found: pl.DataFrame) -> None:
    here = found.filter(run="min above mean")
    assert here.select("environment", "layer", "case", "workload").rows() == [
        ("intel", "host", "summary_a", "latency_tcp_rr")
    ]
    assert here["observed"][0].startswith("1/32: latency_mean_us=50.1, latency_min_us=60.0")


def test_a_finding_in_a_baseline_concerns_every_case(found: pl.DataFrame) -> None:
    here = found.filter(run="a baseline above the link's speed")
    assert here["case"].to_list() == [None]
    assert here["observed"][0].startswith("baseline: 1/")


def test_the_cells_of_a_view_keep_the_order_of_their_samples() -> None:
    tables = whole_run()
    place = ["layer", "iteration", "position"]
    samples = tables["samples"].filter(workload="latency_tcp_rr")
    for view in (latency, limits):
        frame = view(tables | {"samples": samples})
        cells = frame.select(place).unique(maintain_order=True)
        assert cells.equals(samples.select(place).unique(maintain_order=True))


def test_a_column_of_another_type_is_found() -> None:
    tables = whole_run()
    tables["cells"] = tables["cells"].with_columns(pl.col("window_s").cast(pl.Int64))
    here = failed(tables)
    assert here["rule_id"].to_list() == ["expect.dtypes"]
    assert "cells.window_s" in here["observed"][0]


def test_an_expectation_that_raised_is_an_error_and_neither_a_pass_nor_a_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asks = Expectation(
        "expect.test", "ExpectColumnValuesToNotBeNull", {"column": "no_such_column"}, same("-")
    )
    suite = Suite("cells", lambda tables: tables["cells"], (asks,))
    monkeypatch.setattr(expectations, "SUITES", (suite,))
    found = expectations.run_checkpoint(whole_run())
    assert found.select("rule_id", "status").rows() == [("expect.test", "error")]
    assert "no_such_column" in found["message"][0]
