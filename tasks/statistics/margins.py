"""The margin of each metric: the cost that still counts as none. Set beforehand, in a file.

Units are the cost's: percent for ratio metrics, the metric's own unit for differences. A metric
without a margin gets intervals and no verdict.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from ..model.errors import InputError, raise_all
from ..model.metrics import METRICS, Metric, Scale

Margins = Mapping[str, float | None]


def read_margins(path: Path) -> dict[str, float | None]:
    """The margins of a YAML file. Raises `InputError` with every mistake in it."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(str(path), "", error.strerror or "cannot be read", "a file") from error
    return parse_margins(text, str(path))


def parse_margins(text: str, where: str) -> dict[str, float | None]:
    """`metric: number or null` as a dict; `where` names the text in errors."""
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InputError(where, "", "not YAML", "metric: number") from error
    if not isinstance(found, dict):
        raise InputError(where, "", "not a mapping", "metric: number")
    raise_all([wrong for key, value in found.items() if (wrong := _mistake(where, key, value))])
    return {name: None if value is None else float(value) for name, value in found.items()}


def _mistake(where: str, key: Any, value: Any) -> InputError | None:
    metric = METRICS.get(key)
    if metric is None:
        return InputError(where, str(key), "unknown metric", f"one of {', '.join(METRICS)}")
    if value is not None and not _possible(value, metric):
        expected = "null or a number above 0"
        if metric.scale is Scale.RATIO:
            expected += " and below 100 (percent)"
        return InputError(where, key, f"{value!r} is no margin", expected)
    return None


def _possible(value: Any, metric: Metric) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    limit = 100.0 if metric.scale is Scale.RATIO else float("inf")
    return 0 < value < limit
