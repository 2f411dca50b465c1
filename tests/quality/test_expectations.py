"""Great Expectations over a whole run, and over runs with one thing wrong."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from quality_tables import whole_run

from tasks.quality import expectations
from tasks.quality.suites import Expectation, Suite
from tasks.storage.schema import CHECKS

Tables = dict[str, pl.DataFrame]


def failed(tables: Tables) -> pl.DataFrame:
    return expectations.run_checkpoint(tables).filter(pl.col("status") != "passed")


def with_value(tables: Tables, value: float, **place: object) -> Tables:
    """The tables with one sample's value replaced; the place must name exactly one sample."""
    here = pl.all_horizontal(pl.col(name) == wanted for name, wanted in place.items())
    samples = tables["samples"]
    assert samples.filter(here).height == 1
    value_there = pl.when(here).then(value).otherwise("value").alias("value")
    return tables | {"samples": samples.with_columns(value_there)}


ONE = {"layer": "host", "iteration": 1, "position": 1}


def test_a_whole_run_passes_every_suite() -> None:
    checks = expectations.run_checkpoint(whole_run())
    assert checks.schema == CHECKS.schema
    assert set(checks["status"]) == {"passed"}
    assert {"expect.cells", "expect.samples", "expect.latency", "expect.limits"} <= set(
        checks["rule_id"]
    )


@pytest.mark.parametrize(
    ("rule_id", "spoil"),
    [
        ("expect.cells.unique", lambda t: t | {"cells": pl.concat([t["cells"]] * 2)}),
        (
            "expect.cells.allowed.status",
            lambda t: t | {"cells": t["cells"].with_columns(status=pl.lit("fine"))},
        ),
        (
            "expect.cells.required.case",
            lambda t: t | {"cells": t["cells"].with_columns(case=pl.lit(None, pl.String))},
        ),
        (
            "expect.samples.unit",
            lambda t: t | {"samples": t["samples"].with_columns(unit=pl.lit("Gbit/s"))},
        ),
        (
            "expect.dtypes",
            lambda t: t | {"cells": t["cells"].with_columns(pl.col("window_s").cast(pl.Int64))},
        ),
        (
            "expect.samples.range.value",
            lambda t: with_value(t, -1.0, metric="latency_min_us", **ONE),
        ),
        (
            "expect.latency.min_mean",
            lambda t: with_value(t, 60.0, metric="latency_min_us", **ONE),
        ),
        (
            "expect.latency.p99_max",
            lambda t: with_value(t, 9000.0, metric="latency_p99_us", **ONE),
        ),
        (
            "expect.limits",  # 11 Gbit/s over a link of 10
            lambda t: with_value(t, 11e9, metric="throughput_bps", **ONE),
        ),
        (
            "expect.limits",  # more than four CPUs busy on a host of four
            lambda t: with_value(
                t, 401.0, metric="server_cpu_pct", workload="latency_tcp_rr", **ONE
            ),
        ),
        (
            "expect.effects.ci_low_estimate",
            lambda t: t | {"effects": t["effects"].with_columns(ci_low=2.5)},
        ),
    ],
)
def test_one_thing_wrong_is_found_under_its_own_id(
    rule_id: str, spoil: Callable[[Tables], Tables]
) -> None:
    found = failed(spoil(whole_run()))
    assert set(found["rule_id"]) == {rule_id}
    assert set(found["status"]) == {"failed"}


def test_a_finding_names_its_place_and_the_odd_values() -> None:
    found = failed(with_value(whole_run(), 60.0, metric="latency_min_us", **ONE))
    assert found.select("environment", "run", "layer", "case", "workload").rows() == [
        ("intel", "night-1", "host", "summary_a", "latency_tcp_rr")
    ]
    assert found["observed"][0].startswith("1/32: latency_mean_us=50.1, latency_min_us=60.0")


def test_a_finding_in_a_baseline_concerns_every_case() -> None:
    place = {"layer": "host", "iteration": 1, "position": 3}  # a baseline
    found = failed(with_value(whole_run(), 11e9, metric="throughput_bps", **place))
    assert found["case"].to_list() == [None]
    assert found["observed"][0].startswith("baseline: 1/")


def test_a_limit_that_nobody_knows_judges_nothing() -> None:
    tables = whole_run()
    tables["runs"] = tables["runs"].with_columns(facts=pl.lit("{}"))
    assert failed(with_value(tables, 11e9, metric="throughput_bps", **ONE)).is_empty()


def test_an_expectation_that_raised_is_an_error_and_neither_a_pass_nor_a_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asks = Expectation(
        "expect.test", "ExpectColumnValuesToNotBeNull", {"column": "no_such_column"}, "-", "-"
    )
    suite = Suite("cells", lambda tables: tables["cells"], (asks,))
    monkeypatch.setattr(expectations, "SUITES", (suite,))
    found = expectations.run_checkpoint(whole_run())
    assert found.select("rule_id", "status").rows() == [("expect.test", "error")]
    assert "no_such_column" in found["message"][0]


def test_each_run_is_a_batch_of_its_own() -> None:
    first, second = whole_run(run="night-1"), whole_run(run="night-2")
    second = with_value(second, -1.0, metric="latency_min_us", **ONE)
    both = {name: pl.concat([first[name], second[name]]) for name in first}
    assert failed(both).select("rule_id", "run").rows() == [
        ("expect.samples.range.value", "night-2")
    ]


def test_data_docs_are_written_where_wanted(tmp_path: Path) -> None:
    expectations.run_checkpoint(whole_run(), docs=tmp_path / "docs")
    assert (tmp_path / "docs" / "index.html").is_file()
