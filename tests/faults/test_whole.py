"""Without faults, the runs of this folder's other tests pass."""

import pytest

from .fault_bench import ATTACHING, BASELINE, Bench, cells, final_states, load, placebo, tool, trips

pytestmark = pytest.mark.lab


async def test_without_faults_every_cell_passes(bench: Bench):
    cases = [BASELINE, placebo(1), tool(2, ATTACHING, "histogram", programs=2), BASELINE]
    folder = bench.lay_out(cases, [load(window_s=2), trips(window_s=2)])
    await bench.measure(folder)
    print(cells(folder).select("case", "workload", "attempt", "status", "gate", "reason"))
    assert set(final_states(folder).values()) == {"passed"}
