"""What the stored runs of an environment say of its noise."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from ..model.clock_kind import Clock
from ..model.metrics import PRIMARY
from ..storage.dataset import Dataset
from .baselines import baseline_series
from .components import components, settling_s, variance_in
from .decision_rules import DecisionRules
from .differences import cell_values


@dataclass(frozen=True, slots=True)
class StoredNoise:
    """Of one environment; empty frames where nothing was stored."""

    parts: pl.DataFrame  # as `components.components` returns it
    settling: pl.DataFrame  # as `components.settling_s` returns it
    effects: pl.DataFrame

    def spreads(self, windows_s: Mapping[str, float]) -> pl.DataFrame:
        """layer, workload, metric, `sd` of one difference and `prior_df`, in windows of these
        lengths (by workload; others as they were measured)."""
        sds = [
            variance_in(row["total"], row["seconds"], row["window_s"], windows_s[row["workload"]])
            if row["workload"] in windows_s and row["window_s"]
            else row["total"]
            for row in self.parts.iter_rows(named=True)
        ]
        return self.parts.select(
            "layer", "workload", "metric", pl.Series("sd", sds, pl.Float64).sqrt(), "prior_df"
        )


def stored_noise(
    datasets: str, environment: str, clock: Clock, rules: DecisionRules
) -> StoredNoise:
    """Reads the tables of all stored runs of the environment on this clock. Raises DatasetError."""
    dataset = Dataset(datasets)
    others = pl.col("environment").eq(environment) & pl.col("clock").ne(str(clock))
    other = dataset.scan("runs").filter(others).select("run").collect()["run"]

    def table(name: str, *conditions: pl.Expr) -> pl.DataFrame:
        of_runs = (pl.col("environment") == environment) & ~pl.col("run").is_in(other.implode())
        return dataset.scan(name).filter(of_runs, *conditions).collect()

    cells, effects = table("cells"), table("effects")
    samples = table("samples", pl.col("metric").is_in(list(PRIMARY.values())))
    intervals = table("intervals", pl.col("series") == "load_bps")
    baselines = baseline_series(cell_values(cells, samples), rules)
    parts = components(cells, intervals, effects, baselines)
    return StoredNoise(parts, settling_s(intervals), effects)
