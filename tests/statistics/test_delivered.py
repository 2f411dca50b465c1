"""The share of events lost stands beside the cost of the same case and workload."""

import polars as pl
import pytest

from tasks.statistics.delivered import with_losses
from tasks.storage.schema import COMPLETENESS, EFFECTS

KEY = {"environment": "e", "run": "r", "layer": "host", "case": "drops", "workload": "pps"}


def effects(*workloads: str) -> pl.DataFrame:
    return EFFECTS.frame(
        [KEY | {"workload": name, "metric": m} for name in workloads for m in ("a", "b")]
    )


def accounts(*shares: tuple[float | None, float | None]) -> pl.DataFrame:
    return COMPLETENESS.frame(
        [
            KEY | {"iteration": n, "lost_low_pct": low, "lost_high_pct": high}
            for n, (low, high) in enumerate(shares, 1)
        ]
    )


def test_every_effect_of_the_case_under_the_workload_has_the_mean_of_its_cells():
    found = with_losses(effects("pps", "latency"), accounts((1.0, 2.0), (3.0, 6.0)))
    shares = found.select("workload", "lost_low_pct", "lost_high_pct").rows()
    assert shares == [("pps", 2.0, 4.0)] * 2 + [("latency", None, None)] * 2
    assert found.schema == EFFECTS.schema


@pytest.mark.parametrize("share", [(0.0, None), (None, None)])
def test_what_was_not_visible_in_one_cell_has_no_bound(share: tuple[float | None, None]):
    found = with_losses(effects("pps"), accounts((0.0, 0.0), share))
    assert found["lost_high_pct"].to_list() == [None, None]
    assert found["lost_low_pct"].to_list() == [share[0], share[0]]


def test_without_accounts_nothing_is_visible():
    found = with_losses(effects("pps"), COMPLETENESS.frame())
    assert found["lost_low_pct"].is_null().all() and found["lost_high_pct"].is_null().all()
