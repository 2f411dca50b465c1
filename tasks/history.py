"""The task `history`: all nights in the datasets and what changed between them, as a page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from .model.errors import InputError
from .reporting.history_page import history_page
from .reporting.history_view import History
from .reporting.page import write_page
from .reporting.texts import Lang
from .statistics.nights import SERIES, changes, combined, history, host_levels
from .statistics.verdicts import believed
from .storage.dataset import Dataset

_TOOL = ("environment", "layer", "case", "tool")


@dataclass(frozen=True, slots=True)
class HistoryReport:
    """The files; a row per series and night; the changes between nights.

    A series without a tool is the hosts' own: the level of their baselines.
    """

    files: tuple[Path, ...]
    nights: pl.DataFrame
    changes: pl.DataFrame


def history_of(
    datasets: str,
    output: Path,
    languages: Sequence[Lang] = ("zh", "en"),
    environments: Sequence[str] = (),
) -> HistoryReport:
    """Writes `history.<lang>.html` and `.md` below `output`, over all runs of the environments.

    Covers all environments unless some are named. Raises InputError if a named one has no run.
    """
    dataset = Dataset(datasets)
    runs = dataset.scan("runs").collect()
    wanted = _known(datasets, runs, environments)
    of_wanted = pl.col("environment").is_in(wanted)
    cells, effects = (
        dataset.scan(table).filter(of_wanted).collect() for table in ("cells", "effects")
    )
    primary = believed(effects.filter("primary"))
    series = history(primary.filter(pl.col("verdict") != "invalid"), cells)
    tools = primary.select(_TOOL).unique()
    keys = [*SERIES, "run", "night", "epoch"]
    of_tools = series.join(tools, on=_TOOL[:3]).select(*keys, "tool", level="ratio")
    nights = pl.concat([of_tools, host_levels(primary, cells).select(of_tools.columns)])
    changed = changes(nights, "level").join(tools, on=_TOOL[:3], how="left")
    together = combined(series).join(tools, on=_TOOL[:3])
    past = History(runs.filter(of_wanted), nights, together, changed, datetime.now(UTC))
    files = [path for lang in languages for path in write_page(history_page(past, lang), output)]
    return HistoryReport(tuple(files), nights, changed)


def _known(datasets: str, runs: pl.DataFrame, environments: Sequence[str]) -> list[str]:
    known = runs["environment"].unique().sort().to_list()
    for environment in environments:
        if environment not in known:
            expected = (
                f"one of {', '.join(known)}" if known else "ingested runs (there are none yet)"
            )
            raise InputError(datasets, environment, "no run of this environment", expected)
    return list(environments) or known
