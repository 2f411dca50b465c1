"""The margin of each metric: the cost that still counts as none. Set beforehand, in a file.

Units are the cost's: percent for ratio metrics, the metric's own unit for differences. A metric
without a margin gets intervals and no verdict.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..model.documents import Mistake, load_document
from ..model.errors import InputError, raise_all
from ..model.metrics import METRICS, Metric, Scale

Margins = Mapping[str, float | None]


def read_margins(path: Path) -> dict[str, float | None]:
    """The margins of a YAML file, `metric: number or null`.

    Raises `InputError`, or `InputErrors` with every mistake in it.
    """
    document = load_document(path)
    if not isinstance(document.data, dict):
        raise InputError(str(path), "", "not a mapping", "metric: number")
    raise_all([*document.errors, *map(document.error, _mistakes(document.data))])
    return {name: None if value is None else float(value) for name, value in document.data.items()}


def _mistakes(margins: Mapping[Any, Any]) -> Iterator[Mistake]:
    for name, value in margins.items():
        metric = METRICS.get(name)
        if metric is None:
            yield Mistake((str(name),), "unknown metric", f"one of {', '.join(METRICS)}")
        elif value is not None and not _possible(value, metric):
            percent = " and below 100 (percent)" if metric.scale is Scale.RATIO else ""
            expected = f"null or a number above 0{percent}"
            yield Mistake((name,), f"{value!r} is not a valid margin", expected)


def _possible(value: Any, metric: Metric) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 0 < value < (100.0 if metric.scale is Scale.RATIO else float("inf"))
