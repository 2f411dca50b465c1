"""Nothing broken: what the other files break passes when left alone."""

import pytest

from .fault_bench import ATTACHING, BASELINE, Bench, cells, last_words, load, placebo, tool, trips

pytestmark = pytest.mark.lab


async def test_a_campaign_left_alone_passes_every_cell(bench: Bench):
    cases = [BASELINE, placebo(1), tool(2, ATTACHING, "histogram", programs=2), BASELINE]
    folder = bench.lay_out(cases, [load(window_s=2), trips(window_s=2)])
    await bench.measure(folder)
    print(cells(folder).select("case", "workload", "attempt", "status", "gate", "reason"))
    assert set(last_words(folder).values()) == {"passed"}
