"""The design cost model of a BPF program, predicted against measured: ns per event.

    total = entry (the probe's dispatch) + execution + submission

`kernel.bpf_stats_enabled` times the program's body only: execution and submission. So the body is
what is compared, and the entry is shown beside it, predicted, never measured. What a program does
in one event is not read from it: it is assumed by its tool's class, in the same file.
"""

from pathlib import Path

import polars as pl
import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from ..model.errors import InputError, raise_all
from ..model.plan import ToolClass

Band = tuple[float, float]


class _Written(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CostModel(_Written):
    """Bands [low, high]: ns of each part, and how often each part is assumed to occur."""

    entry_ns: dict[str, Band]  # by the program's type
    part_ns: dict[str, Band]
    assumed_parts: dict[ToolClass, dict[str, Band]]

    def body_ns(self, tool_class: ToolClass) -> Band:
        """Predicted execution and submission of one event."""
        parts = self.assumed_parts[tool_class]
        low = sum(times[0] * self.part_ns[part][0] for part, times in parts.items())
        high = sum(times[1] * self.part_ns[part][1] for part, times in parts.items())
        return low, high


def read_cost_model(path: Path) -> CostModel:
    """The model of a YAML file. Raises `InputError` with every mistake in it."""
    try:
        model = CostModel.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError) as error:
        raise InputError(str(path), "", f"cannot be read ({error})", "a YAML file") from error
    except ValidationError as error:
        raise_all(
            [InputError(str(path), ".".join(map(str, e["loc"])), e["msg"]) for e in error.errors()]
        )
        raise
    parts = {part for assumed in model.assumed_parts.values() for part in assumed}
    raise_all(
        [
            InputError(str(path), f"assumed_parts: {part}", "has no time", "a band in part_ns")
            for part in sorted(parts - model.part_ns.keys())
        ]
    )
    return model


def predicted(programs: pl.DataFrame, model: CostModel) -> pl.DataFrame:
    """BPF_PROGRAMS beside the model: `body_low_ns`, `body_high_ns`, `entry_low_ns`,
    `entry_high_ns` (null where the model does not know the class or type) and `against_model`:
    "below", "within" or "above" for the measured `ns_per_event`."""
    bodies = {str(kind): model.body_ns(kind) for kind in model.assumed_parts}
    measured = pl.col("ns_per_event")
    return programs.with_columns(
        *_band("tool_class", bodies, "body"), *_band("type", model.entry_ns, "entry")
    ).with_columns(
        against_model=pl.when(measured.is_null() | pl.col("body_low_ns").is_null())
        .then(None)
        .when(measured < pl.col("body_low_ns"))
        .then(pl.lit("below"))
        .when(measured > pl.col("body_high_ns"))
        .then(pl.lit("above"))
        .otherwise(pl.lit("within"))
    )


def _band(column: str, bands: dict[str, Band], name: str) -> list[pl.Expr]:
    return [
        pl.col(column)
        .replace_strict(
            {key: band[end] for key, band in bands.items()}, default=None, return_dtype=pl.Float64
        )
        .alias(f"{name}_{side}_ns")
        for end, side in enumerate(("low", "high"))
    ]
