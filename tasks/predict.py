"""The task `predict`: what a tool costs at a packet rate at which it was not measured."""

import polars as pl

from .model.errors import InputError, one_of
from .reporting.design_targets import entry_ns
from .reporting.view import load_shares
from .statistics.load_curve import load_curves
from .statistics.margins import read_margins
from .statistics.prediction import Parts, Prediction, known_probes, parts_of, predict
from .storage.dataset import Dataset

__all__ = ["Parts", "Prediction", "predict_tool"]


def predict_tool(
    datasets: str, tool: str, pps: float, environment: str | None = None
) -> list[Prediction]:
    """What each case of the tool costs at `pps` packets/s, where and as it was measured last.

    environment: None: all. Raises InputError where the datasets hold nothing to tell it from.
    """
    dataset = Dataset(datasets)
    runs = dataset.scan("runs").collect()
    here = pl.lit(True) if environment is None else pl.col("environment") == environment
    loads = load_shares(runs)
    of_loads = here & pl.col("workload").is_in(list(loads))
    effects, samples, cells = (
        dataset.scan(table).filter(of_loads).collect() for table in ("effects", "samples", "cells")
    )
    programs = dataset.scan("bpf_programs").filter(here, pl.col("kind") == "tool").collect()
    curves = load_curves(effects, samples, cells, loads, read_margins())
    parts = parts_of(curves, programs, known_probes(curves, programs, entry_ns()))
    tool_of = {
        place: name
        for frame in (programs, effects.filter(kind="tool"))
        for *place_, name in frame.select("environment", "run", "layer", "case", "tool").rows()
        for place in [tuple(place_)]
    }
    found = [one for one in predict(curves, parts, pps) if tool_of[one.place] == tool]
    last = {(e, layer, case): (e, run, layer, case) for e, run, layer, case in
            sorted(one.place for one in found)}  # fmt: skip
    wanted = set(last.values())
    if not wanted:
        raise InputError(datasets, tool, "nothing to predict it from", _expected(tool_of, tool))
    return [one for one in found if one.place in wanted]


def _expected(tool_of: dict[tuple[str, ...], str], tool: str) -> str:
    known = sorted(set(tool_of.values()))
    if tool in known:
        return "its load curve (run --workloads load_sweep), or empty probes of its kinds"
    return one_of(known, tool) if known else "a run with a load curve or counted programs"
