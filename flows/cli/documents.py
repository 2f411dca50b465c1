"""The JSON documents of `--format json`, and deployments/OUTPUT.md, which explains their keys:
`python -m flows.cli.documents` writes it."""

import sys
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, Literal

import polars as pl
from pydantic import BaseModel, Field

from tasks.compare import Comparison
from tasks.export import RESULT_MODELS, Answer
from tasks.forecast import Forecast
from tasks.history import HistoryReport
from tasks.make_plan import duration_s
from tasks.model.clock_kind import Clock
from tasks.model.names import ROOT
from tasks.model.plan import Case, Plan
from tasks.predict import Prediction

_Rows = list[dict[str, Any]]


class Cases(BaseModel):
    """`cases`: the cases of an environment."""

    format: str = "ebpf-overhead.cases.1"
    cases: _Rows = Field(
        description="id, name, layer, tool, tool_class, command, parameters, skipped (why it "
        "cannot run here) and how its readiness is told"
    )


class PlannedEnvironment(BaseModel):
    """One environment of `plan`."""

    environment: str
    iterations: int
    cases: int = Field(description="cases of tools that can run")
    slots: int
    cells: int
    duration_s: float = Field(description="planned time, s")
    forecast: _Rows = Field(
        description="for each layer, workload and metric: unit, sd of one difference and its "
        "source, visible (smallest cost that can be detected), margin, needed (iterations until "
        "the margin is visible), text"
    )
    windows_chosen: list[str] = Field(
        description="with `--windows auto`: why these windows and iterations, a sentence each"
    )
    cannot_attach: dict[str, str] = Field(
        description="case -> why its tool cannot attach to its host's kernel; it is not measured"
    )


class Plans(BaseModel):
    """`plan`: what would be measured, and what it can show."""

    format: str = "ebpf-overhead.plan.1"
    plans: list[PlannedEnvironment]


class Differences(BaseModel):
    """`compare`: the second run minus the first."""

    format: str = "ebpf-overhead.comparison.1"
    clock: Clock = Field(description="of both sides: wall, or instructions")
    differences: _Rows = Field(
        description="environment, layer, case, workload, metric, estimate (positive: the second "
        "costs more) with ci_low and ci_high in unit, margin, verdict, reason"
    )
    worse: list[str] = Field(description="one sentence for each proven increase (exit code 3)")


class Findings(BaseModel):
    """`check`: the data-quality findings."""

    format: str = "ebpf-overhead.findings.1"
    findings: _Rows = Field(description="rows of the table `checks` that did not pass")


class History(BaseModel):
    """`analyze --history`: what changed between nights."""

    format: str = "ebpf-overhead.history.1"
    changes: _Rows = Field(
        description="environment, layer, case, tool, workload, metric, kind (epoch: another "
        "version; level: the same version), night"
    )
    files: list[str]


class PredictedCase(BaseModel):
    """One case of `predict`, in one environment."""

    environment: str
    layer: str
    case: str
    run: str = Field(description="the run that it is predicted from")
    cpu_pct: float = Field(description="CPU that the host uses more, % of one CPU")
    cpu_low_pct: float = Field(description="lower end of its 95 % interval")
    cpu_high_pct: float
    by: Literal["load curve", "programs"] = Field(description="what it is predicted from")
    extrapolates: bool = Field(description="the rate is none of those between which was measured")
    measured_up_to_pps: float | None
    holds_pps: float | None = Field(
        description="packets/s that the hosts still hold with the tool, if the CPU that limits the "
        "traffic does all of its work"
    )


class Predictions(BaseModel):
    """`predict`: what a tool costs at a packet rate."""

    format: str = "ebpf-overhead.prediction.1"
    pps: float
    predictions: list[PredictedCase]


def cases_json(cases: Iterable[Case]) -> Cases:
    return Cases(cases=[asdict(case) for case in cases])


def plan_json(plan: Plan, forecast: Forecast, reasons: Iterable[str]) -> PlannedEnvironment:
    return PlannedEnvironment(
        environment=plan.environment,
        iterations=plan.design.iterations,
        cases=sum(case.kind == "tool" and case.skipped is None for case in plan.cases),
        slots=len(plan.slots),
        cells=sum(len(plan.workloads_of(plan.case(s.case_id, s.layer))) for s in plan.slots),
        duration_s=duration_s(plan),
        forecast=forecast.table.to_dicts(),
        windows_chosen=list(reasons),
        cannot_attach={c.name: c.skipped or "" for c in plan.cases if c.cannot_attach},
    )


def comparison_json(compared: Comparison) -> Differences:
    return Differences(
        clock=compared.clock, differences=compared.table.to_dicts(), worse=list(compared.worse)
    )


def findings_json(findings: pl.DataFrame) -> Findings:
    return Findings(findings=findings.to_dicts())


def history_json(report: HistoryReport) -> History:
    return History(changes=report.changes.to_dicts(), files=[str(path) for path in report.files])


def predictions_json(pps: float, found: Iterable[Prediction]) -> Predictions:
    return Predictions(pps=pps, predictions=[_predicted(one) for one in found])


def _predicted(one: Prediction) -> PredictedCase:
    environment, run, layer, case = one.place
    return PredictedCase(
        environment=environment,
        layer=layer,
        case=case,
        run=run,
        cpu_pct=one.cpu.estimate,
        cpu_low_pct=one.cpu.low,
        cpu_high_pct=one.cpu.high,
        by="load curve" if one.by_curve else "programs",
        extrapolates=one.extrapolates,
        measured_up_to_pps=one.up_to,
        holds_pps=None if one.holds is None else one.holds.estimate,
    )


def print_document(document: BaseModel) -> None:
    """On standard output; everything else that a command says is on standard error then."""
    sys.stdout.write(document.model_dump_json(indent=1) + "\n")


def render() -> str:
    """The whole of deployments/OUTPUT.md."""
    models = (
        *RESULT_MODELS, Cases, Plans, PlannedEnvironment, Differences, Findings, History,
        Predictions, PredictedCase,
    )  # fmt: skip
    return "\n".join([_HEAD, *(_section(model) for model in models)])


_HEAD = """# Output for programs

Generated by `python -m flows.cli.documents`.

`--format json` prints one JSON document on standard output; progress and notes are then on standard
error. Keys stay as they are; a change of meaning raises the number at the end of `format`. What is
missing is null. Costs are positive if the tool makes it worse, in percent or in the metric's unit.

`run` and `analyze` also write their result into files (`--export FILE`), each in the format of its
suffix:

- `.json`: the document `Result` below.
- `.xml`: JUnit for CI. A test for each tool fails if the tool may not run in production, and is
  skipped if that is undecided; with `--enforce`, there is also a test for each limit.
- `.md`: a Markdown table of the answers, for a comment on a change.
- `.prom`: OpenMetrics for Prometheus (e.g. its textfile collector): the gauges
  `ebpf_overhead_permitted_use` and `ebpf_overhead_cost`.

Exit codes: 0 done, 1 some cells do not count or a host failed, 2 wrong input, 3 a budget or margin
is exceeded, 75 hosts are busy, 130 interrupted, 143 terminated.
"""


def _section(model: type[BaseModel]) -> str:
    schema = model.model_json_schema()
    lines = [f"## `{model.__name__}`", "", schema["description"], "", "| key | type | meaning |"]
    lines.append("|---|---|---|")
    for name, field in schema["properties"].items():
        meaning = field.get("description") or field.get("default") or field.get("const") or ""
        lines.append(f"| `{name}` | {_type(field)} | {meaning or ''} |".replace("|  |", "| |"))
    return "\n".join([*lines, ""])


def _type(field: dict[str, Any]) -> str:
    if "$ref" in field:
        name = field["$ref"].rsplit("/", 1)[-1]
        return ", ".join(f"`{answer}`" for answer in Answer) if name == "Answer" else f"`{name}`"
    if "anyOf" in field:
        return " or ".join(_type(one) for one in field["anyOf"])
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if field.get("type") == "array":
        return f"list of {_type(field['items'])}"
    return str(field["type"])


if __name__ == "__main__":
    (ROOT / "deployments" / "OUTPUT.md").write_text(render(), encoding="utf-8")
