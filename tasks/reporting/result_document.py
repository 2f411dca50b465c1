"""What a run found, for programs: the JSON that `--format json` and `--export F.json` write.

Its keys are stable: a key that changes its meaning, or goes, raises the number in `format`. Every
cost is positive if the tool makes it worse, in `unit`, as in the datasets; what is missing is null.
"""

from typing import Any, Literal

import polars as pl
from pydantic import BaseModel, Field

from ..model.clock_kind import Clock
from ..statistics.usage import Answer, Usage
from ..storage.schema import CHECKS, EFFECTS, PARTITION
from .bundle import Bundle
from .sections.common import reason
from .texts import Texts
from .view import ToolRow, View


class Cost(BaseModel):
    """The effect that decides an answer."""

    case: str
    workload: str
    metric: str
    unit: str
    cost: float | None
    low: float | None = Field(description="lower end of the 95 % interval")
    high: float | None = Field(description="upper end of the 95 % interval")
    iterations: int
    limit_kept: float | None = Field(description="limit of the answer's band, kept by the cost")
    limit_exceeded: float | None = Field(description="limit of the next better band, exceeded")


class ToolAnswer(BaseModel):
    """May the tool run in production, on one layer of one environment?"""

    environment: str
    layer: str
    tool: str
    tool_class: str | None
    clock: Clock = Field(description="that of its environment; instructions: by instruction count")
    answer: Answer
    best: Answer = Field(description="the answer lies between `best` and `worst`")
    worst: Answer
    reason: str = Field(description="one sentence, English")
    events_lost_low_pct: float | None = Field(
        description="share of its events that the tool lost or missed at least, under the workload "
        "where it lost most, %; null: not visible"
    )
    events_lost_high_pct: float | None = Field(description="the same at most; null: no bound")
    safe_up_to_pps: float | None = Field(
        description="with load workloads: the largest packet rate, 1/s, at which all margins hold; "
        "null: none, or not measured"
    )
    too_much_from_pps: float | None = Field(
        description="the smallest packet rate, 1/s, at which a margin is shown to be exceeded; "
        "null: none, or not measured"
    )
    decided_by: Cost | None


class Run(BaseModel):
    """One environment of a run."""

    environment: str
    run: str
    clock: Clock = Field(
        description="wall; or instructions: figures say how much work a tool adds, not what a "
        "production host loses"
    )
    cells: int
    passed: int = Field(description="cells that passed every gate")


class LimitState(BaseModel):
    """One limit of a budget file, held against one measured cost."""

    limit: str
    environment: str
    layer: str
    case: str
    workload: str
    metric: str
    state: Literal["within", "above", "undecided"]
    text: str = Field(description="one sentence, English")


class Result(BaseModel):
    """A run, or several: answers, effects and findings."""

    format: Literal["ebpf-overhead.result.1"] = "ebpf-overhead.result.1"
    runs: list[Run]
    answers: list[ToolAnswer]
    effects: list[dict[str, Any]] = Field(
        description="rows of the table `effects` that decide a workload, columns of that table"
    )
    findings: list[dict[str, Any]] = Field(
        description="rows of the table `checks` that did not pass, columns of that table"
    )
    together: list[dict[str, Any]] = Field(
        description="tools that ran at once: environment, run, layer, case (a+b), workload, "
        "metric, estimate (cost beyond the sum of each alone) with ci_low and ci_high in unit, n, "
        "margin, verdict (additive, more_than_sum, more_than_sum_unresolved, less_than_sum, "
        "inconclusive), reason"
    )
    limits: list[LimitState] = Field(default=[], description="with --enforce")
    files: list[str] = Field(default=[], description="reports that were written")


def result_of(bundle: Bundle) -> Result:
    """The result without limits and files."""
    view = View(bundle, Texts("en"))
    clocks = bundle.runs.select("environment", "run", "clock")
    cells = bundle.cells.group_by("environment", "run", maintain_order=True).agg(
        cells=pl.len(), passed=(pl.col("status") == "passed").sum()
    )
    primary = bundle.effects.filter("primary", pl.col("kind") != "baseline")
    failed = bundle.checks.filter(pl.col("status") != "passed")
    return Result(
        runs=[Run(**row) for row in cells.join(clocks, on=PARTITION).iter_rows(named=True)],
        answers=[_answer(view, tool) for tool in view.measured],
        effects=primary.select(EFFECTS.schema.names()).to_dicts(),
        findings=failed.select(CHECKS.schema.names()).to_dicts(),
        together=view.interactions.filter(primary=True).to_dicts(),
    )


def _answer(view: View, tool: ToolRow) -> ToolAnswer:
    usage, (safe, too_much) = tool.usage, view.rates(tool) or (None, None)
    return ToolAnswer(
        environment=tool.environment,
        layer=tool.layer,
        tool=tool.tool,
        tool_class=tool.tool_class,
        clock=Clock.INSTRUCTIONS if view.by_count else Clock.WALL,
        answer=usage.answer,
        best=usage.best,
        worst=usage.worst,
        reason=reason(view, usage),
        events_lost_low_pct=tool.lost[0],
        events_lost_high_pct=tool.lost[1],
        safe_up_to_pps=safe,
        too_much_from_pps=too_much,
        decided_by=_cost(usage),
    )


def _cost(usage: Usage) -> Cost | None:
    if usage.effect is None:
        return None
    e = usage.effect
    return Cost(
        case=e["case"], workload=e["workload"], metric=e["metric"], unit=e["unit"],
        cost=e["estimate"], low=e["ci_low"], high=e["ci_high"], iterations=e["n"],
        limit_kept=usage.within, limit_exceeded=usage.above,
    )  # fmt: skip
