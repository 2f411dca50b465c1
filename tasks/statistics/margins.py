"""The margin of each metric: the cost that still counts as none. Set beforehand, in a file.

Units are the cost's: percent for ratio metrics, the metric's own unit for differences. A metric
without a margin gets intervals and no verdict.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import RootModel

from ..model.documents import Mistake, as_mapping, read_document
from ..model.metrics import METRICS, Metric, Scale
from ..model.names import config_file

Margins = Mapping[str, float | None]


class _MarginsFile(RootModel[dict[str, Any]]):
    pass


def read_margins(path: Path | None = None) -> dict[str, float | None]:
    """The margins of a YAML file, `metric: number or null`; without a path, config/margins.yaml.

    Raises `InputError`, or `InputErrors` with every mistake in it.
    """
    margins = read_document(path or config_file("margins.yaml"), _MarginsFile, _mistakes).root
    return {name: None if value is None else float(value) for name, value in margins.items()}


def _mistakes(data: Any) -> Iterator[Mistake]:
    for name, value in as_mapping(data).items():
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
