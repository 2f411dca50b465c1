"""What commands print: tables of cases, plans, forecasts, comparisons and findings; a run's end."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from polars import DataFrame, Enum, col
from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.table import Table

from tasks.compare import Comparison
from tasks.forecast import Forecast
from tasks.ingest import Ingested
from tasks.make_plan import duration_s
from tasks.model.errors import BudgetBroken
from tasks.model.plan import Case, CaseKind, Plan
from tasks.report import CampaignReport, summary_rich

from ..campaign import Finished
from ..progress import duration_text


def _table(*heads: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in heads:
        table.add_column(head, overflow="fold")
    return table


def cases_table(cases: Iterable[Case]) -> RenderableType:
    table = _table("id", "name", "layer", "class", "command")
    for case in cases:
        skipped = case.skipped and f"[yellow]skipped: {escape(case.skipped)}[/]"
        command = skipped or escape(case.command)
        table.add_row(str(case.id), case.name, case.layer, case.tool_class or "—", command)
    return table


def plan_summary(plan: Plan) -> RenderableType:
    """What is measured in one environment, in which order, and how long it takes."""
    design = plan.design
    kinds = Counter(case.kind for case in plan.cases)
    skipped = [case for case in plan.cases if case.skipped]
    cells = sum(len(plan.workloads_in(s)) for s in plan.slots)
    lines = [
        f"[bold]{plan.environment}[/]: {kinds[CaseKind.TOOL] - len(skipped)} cases and "
        f"{kinds[CaseKind.PLACEBO]} placebos × {len(plan.workloads)} workloads × "
        f"{design.iterations} iterations = {cells} cells in {len(plan.slots)} slots",
        *_saved(plan, cells),
        f"a baseline every {design.baseline_every} cases, seed {design.seed}; "
        f"{'at most ' if design.until_decided else ''}about "
        f"[bold]{duration_text(duration_s(plan))}[/]",
        "workloads: "
        + ", ".join(f"{w.name} {w.warmup_s:g}+{w.window_s:g} s" for w in plan.workloads),
    ]
    lines += [f"[yellow]skipped[/] {case.name}: {escape(case.skipped or '')}" for case in skipped]
    table = _table("iteration", "order")
    for iteration in range(1, design.iterations + 1):
        order = [plan.case(s.case_id, s.layer) for s in plan.slots if s.iteration == iteration]
        names = [case.name if case.kind is not CaseKind.BASELINE else "·" for case in order]
        table.add_row(str(iteration), escape(" ".join(names)))
    return Group(*lines, "order (· is a baseline):", table)


def _saved(plan: Plan, cells: int) -> list[str]:
    """What is saved by running only the workloads that match each case's tool."""
    every = replace(
        plan,
        cases=tuple(replace(case, workloads=None) for case in plan.cases),
        slots=tuple(replace(slot, workloads=None) for slot in plan.slots),
    )
    all_cells = len(plan.slots) * len(plan.workloads)
    if all_cells == cells:
        return []
    saved_s = duration_s(every) - duration_s(plan)
    return [
        f"only matching workloads: {all_cells - cells} cells fewer, {duration_text(saved_s)} saved"
    ]


def forecast_table(forecast: Forecast, budget: str | None) -> RenderableType:
    """Which costs get a verdict from the plan's iterations, or from those within the budget."""
    head = (
        f"{forecast.iterations} iterations of {duration_text(forecast.iteration_s)}"
        + (f" fit into {budget}" if budget else "")
        + "; the costs that get a verdict in 8 of 10 such campaigns, judged against the margin and "
        "together with all others:"
    )
    table = _table("layer", "workload", "metric", "none within margin", "overhead", "")
    for row in forecast.table.iter_rows(named=True):
        within, overhead = (
            "—" if row[name] is None else f"{bound} {row[name]:.2g} {row['unit']}"
            for name, bound in (("within", "up to"), ("overhead", "from"))
        )
        table.add_row(
            row["layer"], row["workload"], row["metric"], within, overhead, escape(row["text"])
        )
    return Group(head, table)


def compared_table(compared: Comparison) -> RenderableType:
    """Differences in the primary metrics; positive: the second run or version costs more."""
    table = _table("environment", "layer", "case", "workload", "difference", "95 %", "verdict")
    for row in compared.table.filter(primary=True).iter_rows(named=True):
        difference = interval = "—"
        if row["estimate"] is not None:
            difference = f"{row['estimate']:+.3g} {row['unit']}"
        if row["ci_low"] is not None:
            interval = f"[{row['ci_low']:+.3g}, {row['ci_high']:+.3g}]"
        table.add_row(
            row["environment"], row["layer"], row["case"], row["workload"], difference,
            escape(interval), f"{row['verdict']} {escape(row['reason'] or '')}",
        )  # fmt: skip
    return table


def print_compared(console: Console, compared: Comparison) -> None:
    """Prints the differences. Raises BudgetBroken if one is proven to exceed its margin."""
    console.print(compared_table(compared))
    if compared.worse:
        raise BudgetBroken("\n".join(compared.worse))


def findings_table(findings: DataFrame) -> RenderableType:
    """One row for each finding, the most severe first."""
    table = _table("severity", "rule", "environment", "layer", "tool", "metric", "finding")
    columns = ["severity", "rule_id", "environment", "layer", "tool", "metric", "message"]
    severity = Enum(["blocks", "warns", "informs"])
    for row in findings.sort(col("severity").cast(severity), maintain_order=True).iter_rows(
        named=True
    ):
        table.add_row(*(escape(row[name] or "") for name in columns))
    return table


def print_finished(console: Console, finished: Finished) -> None:
    """The end of a campaign: why it ended early, the summary, and where its files are."""
    for environment, reason in finished.ended_early.items():
        console.print(f"[red]{environment} ended early[/]: {escape(reason)}", soft_wrap=True)
    if finished.reported is not None:
        print_reported(console, finished.ingested, finished.reported)
    console.print(f"raw results: {finished.folder}", soft_wrap=True)


def print_reported(console: Console, ingested: list[Ingested], reported: CampaignReport) -> None:
    console.print(summary_rich(reported.summary))
    for one in ingested:
        console.print(f"{one.environment} · {one.run}: {one.passed} of {one.cells} cells passed")
    for path in reported.files:
        if path.suffix == ".html":
            console.print(f"report: {path}", soft_wrap=True)
