"""The task `export`: a run's result as a document, and in files for CI and monitoring."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import polars as pl

from .model.clock_kind import Clock
from .model.errors import InputError, raise_all
from .model.names import RunKey
from .reporting.bundle import Bundle
from .reporting.comparison_exports import COMPARISON_FORMATS, export_comparison
from .reporting.exports import FORMATS, export
from .reporting.result_document import Cost, LimitState, Result, Run, ToolAnswer, result_of
from .statistics.budgets import HeldLimit
from .statistics.margins import read_margins
from .statistics.usage import Answer
from .storage.dataset import Dataset

RESULT_MODELS = (Result, Run, ToolAnswer, Cost, LimitState)
"""The parts of a result document, for its description."""

__all__ = [
    "COMPARISON_FORMATS",
    "RESULT_MODELS",
    "Answer",
    "Result",
    "check_exports",
    "export_compared",
    "export_result",
    "result_document",
]


def check_exports(files: Iterable[Path], formats: Iterable[str] = tuple(FORMATS)) -> None:
    """Raises InputErrors for files that could not be written; call it before measuring."""
    mistakes, known = [], tuple(formats)
    for file in files:
        if file.suffix not in known:
            expected = "a file name that ends in " + ", ".join(known)
            mistakes.append(InputError("--export", str(file), "unknown format", expected))
        elif not file.absolute().parent.is_dir():
            mistakes.append(InputError("--export", str(file), "its folder does not exist"))
    raise_all(mistakes)


def result_document(
    datasets: str,
    keys: Sequence[RunKey],
    files: Iterable[Path] = (),
    held: Iterable[HeldLimit] = (),
    margins: Path | None = None,
) -> Result:
    """The result of these runs (environment, run), with the reports written and the limits held."""
    result = result_of(Bundle.read(Dataset(datasets), keys, read_margins(margins)))
    result.files = [str(file) for file in files]
    names = ("environment", "layer", "case", "workload", "metric")
    result.limits = [
        LimitState(
            limit=one.limit.title, state=one.state, text=str(one),
            **{name: one.effect[name] for name in names},
        )
        for one in held
    ]  # fmt: skip
    return result


def export_result(result: Result, files: Iterable[Path]) -> None:
    """Writes the result into each file, in the format of its suffix."""
    for file in files:
        export(result, file)


def export_compared(table: pl.DataFrame, clock: Clock, files: Iterable[Path]) -> None:
    """Writes the differences of a comparison into each file, in the format of its suffix."""
    for file in files:
        export_comparison(table, clock, file)
