"""What the single iterations of a case cost: the points behind an estimate and its interval."""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from ..model.metrics import METRICS, PRIMARY
from ..statistics.differences import cell_values, differences
from ..statistics.scale import to_cost
from .bundle import Bundle

Key = tuple[str, str, str, str, str]
"""environment, layer, case, workload, metric."""


def iteration_costs(bundle: Bundle) -> Mapping[Key, Sequence[float]]:
    """Each primary effect's costs by iteration, in its unit: every cell against its own two
    baselines, before anything is borrowed from other cases. Raises DatasetError."""
    primary = sorted(set(PRIMARY.values()))
    samples = bundle.samples.filter(pl.col("metric").is_in(primary))
    rows = differences(cell_values(bundle.cells, samples)).drop_nulls("d")
    found: dict[Key, Sequence[float]] = {}
    keys = ("environment", "layer", "case", "workload", "metric")
    for key, group in rows.sort("iteration").group_by(keys, maintain_order=True):
        costs = to_cost(np.asarray(group["d"], float), METRICS[str(key[-1])])
        found[key] = costs.tolist()
    return found
