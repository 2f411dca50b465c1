"""What commands print: tables of cases, plans, forecasts, comparisons and findings; a run's end."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from polars import DataFrame, Enum, col
from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.text import Text

from tasks.attach_check import Attaching
from tasks.compare import Comparison
from tasks.find_capacity import SEARCH_S, searched_layers
from tasks.forecast import Forecast
from tasks.ingest import Ingested
from tasks.make_plan import duration_s
from tasks.model.clock_kind import Clock
from tasks.model.errors import BudgetBroken
from tasks.model.plan import Case, CaseKind, Plan
from tasks.predict import Prediction
from tasks.report import CampaignReport, summary_cells, summary_sentence, tonight

from ..campaign import Finished
from ..environment_plans import Planned
from ..progress import duration_text
from .fitting import INDENT, MISSING, FittingTable

_STYLES = {
    "long": "green",
    "with_filter": "cyan",
    "minutes": "yellow",
    "not_at_all": "red",
    "faster": "magenta",
    "undecided": "dim",
    "cannot_attach": "dim",
}


def counted(n: int, noun: str) -> str:
    """`1 case`, `2 cases`."""
    return f"{n} {noun}{'' if n == 1 else 's'}"


def cases_table(cases: Iterable[Case]) -> RenderableType:
    table = FittingTable(("id", "name", "layer", "class", "command"), names=3)
    for case in cases:
        command = f"skipped: {case.skipped}" if case.skipped else case.command
        style = "yellow" if case.skipped else ""
        table.add(str(case.id), case.name, case.layer, case.tool_class or "—", command, style=style)
    return table


def predictions_table(found: Iterable[Prediction]) -> RenderableType:
    """What each case costs at the rate that was asked for, and what that rests on."""
    heads = ("environment", "layer", "case", "CPU, % of one", "95 %", "holds up to", "from")
    table = FittingTable(heads, names=3)
    for one in found:
        environment, _, layer, case = one.place
        table.add(
            environment,
            layer,
            case,
            f"{one.cpu.estimate:,.1f}",
            f"{one.cpu.low:,.1f} to {one.cpu.high:,.1f}",
            MISSING if one.holds is None else f"{one.holds.estimate:,.0f} packets/s",
            _basis(one),
            style="yellow" if one.extrapolates else "",
        )
    return table


def _basis(one: Prediction) -> str:
    if not one.by_curve:
        return "its programs, extrapolated"
    assert one.up_to is not None
    reach = f"measured up to {one.up_to:,.0f} packets/s"
    return f"extrapolated: {reach}" if one.extrapolates else f"its load curve, {reach}"


def plan_summary(planned: Planned) -> RenderableType:
    """What is measured in one environment, in which order, for how long, and why so long."""
    plan, design = planned.plan, planned.plan.design
    kinds = Counter(case.kind for case in plan.cases)
    skipped = [case for case in plan.cases if case.skipped]
    cells = sum(len(plan.workloads_in(s)) for s in plan.slots)
    lines = [
        f"[bold]{plan.environment}[/]: {counted(kinds[CaseKind.TOOL] - len(skipped), 'case')} and "
        f"{counted(kinds[CaseKind.PLACEBO], 'placebo')} × "
        f"{counted(len(plan.workloads), 'workload')} × {counted(design.iterations, 'iteration')} = "
        f"{counted(cells, 'cell')} in {counted(len(plan.slots), 'slot')}",
        *_saved(plan, cells),
        f"a baseline every {counted(design.baseline_every, 'case')}, seed {design.seed}; "
        f"{'at most ' if design.until_decided else ''}about "
        f"[bold]{duration_text(duration_s(plan))}[/]",
        *(
            ["the clock counts instructions: a second of it lasts several seconds here"]
            if plan.clock is Clock.INSTRUCTIONS
            else []
        ),
        "workloads: "
        + ", ".join(f"{w.name} {w.warmup_s:g}+{w.window_s:g} s" for w in plan.workloads),
        *(
            f"before the first iteration: the packet rate that the {layer} layer holds is searched "
            f"for, up to {duration_text(SEARCH_S)}"
            for layer in searched_layers(plan)
        ),
        *map(escape, planned.reasons),
    ]
    for case in skipped:
        how = "cannot attach" if case.cannot_attach else "skipped"
        lines.append(f"[yellow]{how}[/] {case.name}: {escape(case.skipped or '')}")
    lines.append("order (· is a baseline):")
    for iteration in range(1, design.iterations + 1):
        order = [plan.case(s.case_id, s.layer) for s in plan.slots if s.iteration == iteration]
        names = [case.name if case.kind is not CaseKind.BASELINE else "·" for case in order]
        lines.append(f"iteration {iteration}: {escape(' '.join(names))}")
    return Group(*lines)


def attaching_table(found: Sequence[Attaching]) -> RenderableType | None:
    """Tool by kernel: attaches, or why not; None where no tool is known to fail."""
    if not any(one.lacking for one in found):
        return None
    heads = [f"{one.environment} (Linux {one.kernel})" for one in found]
    table = FittingTable(("does it attach?", *heads), names=1)
    for tool in dict.fromkeys(tool for one in found for tool in one.tools):
        style = "yellow" if any(tool in one.lacking for one in found) else ""
        table.add(tool, *(one.tools.get(tool, MISSING) for one in found), style=style)
    return table


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
    fewer, saved = counted(all_cells - cells, "cell"), duration_s(every) - duration_s(plan)
    return [f"only matching workloads: {fewer} fewer, {duration_text(saved)} saved"]


def forecast_table(forecast: Forecast, budget: str | None) -> RenderableType:
    """Which costs get a verdict from the plan's iterations, or from those within the budget."""
    head = (
        f"{counted(forecast.iterations, 'iteration')} of {duration_text(forecast.iteration_s)}"
        + (f" fit into {budget}" if budget else "")
        + "; the costs that get a verdict in 8 of 10 such campaigns, judged against the margin and "
        "together with all others:"
    )
    heads = ("layer", "workload", "metric", "none within margin", "overhead", "")
    table = FittingTable(heads, names=3)
    for row in forecast.table.iter_rows(named=True):
        within, overhead = (
            "—" if row[name] is None else f"{bound} {row[name]:.2g} {row['unit']}"
            for name, bound in (("within", "up to"), ("overhead", "from"))
        )
        table.add(row["layer"], row["workload"], row["metric"], within, overhead, row["text"])
    return Group(head, table)


def compared_table(compared: Comparison) -> RenderableType:
    """Differences in the primary metrics; positive: the second run or version costs more."""
    heads = ("case", "workload", "layer", "environment", "difference", "95 %", "verdict", "")
    table = FittingTable(heads, names=4)
    for row in compared.table.filter(primary=True).iter_rows(named=True):
        difference = interval = "—"
        if row["estimate"] is not None:
            difference = f"{row['estimate']:+.3g} {row['unit']}"
        if row["ci_low"] is not None:
            interval = f"[{row['ci_low']:+.3g}, {row['ci_high']:+.3g}]"
        table.add(
            row["case"], row["workload"], row["layer"], row["environment"], difference, interval,
            row["verdict"].replace("_", " "), row["reason"] or "",
        )  # fmt: skip
    return table


def print_compared(console: Console, compared: Comparison) -> None:
    """Prints the differences. Raises BudgetBroken if one is proven to exceed its margin."""
    if compared.clock is Clock.INSTRUCTIONS:
        console.print("by instruction count: how much more work, not how much more time")
    console.print(compared_table(compared))
    if compared.worse:
        raise BudgetBroken("\n".join(compared.worse))


_SEVERITIES = {"blocks": "red", "warns": "yellow", "informs": "dim"}


def findings_text(findings: DataFrame) -> RenderableType:
    """A paragraph for each finding below its rule, the most severe first; the advice once a rule.

    What could not be judged comes last, as that.
    """
    order = Enum(list(_SEVERITIES))
    judged = col("status") == "failed"
    ordered = findings.with_columns(judged=judged).sort(
        ~judged, col("severity").cast(order), "rule_id", maintain_order=True
    )
    parts: list[RenderableType] = []
    for (status, severity, rule), group in ordered.group_by(
        "status", "severity", "rule_id", maintain_order=True
    ):
        told = list(dict.fromkeys(map(_told, group.iter_rows(named=True))))
        name = str(severity) if status == "failed" else str(status).replace("_", " ")
        style = _SEVERITIES[str(severity)] if status == "failed" else "dim"
        title = f"{name} · {rule} · {counted(len(told), 'finding')}"
        parts.append(Text(title, style=f"bold {style}"))
        parts += [Padding(Text(text), (0, 0, 0, INDENT), expand=False) for text in told]
        for advice in group["advice"].drop_nulls().unique(maintain_order=True):
            parts.append(Padding(Text(f"→ {advice}"), (0, 0, 0, INDENT), expand=False))
    return Group(*parts) if parts else "no findings"


def _told(row: Mapping[str, Any]) -> str:
    """`lab, vm: most tools show a gain (5/6: …)`: the place that the sentence does not name."""
    told = row["message"] or row["observed"] or "—"
    layer = row["layer"] if row["layer"] and not told.startswith(row["layer"]) else ""
    return f"{', '.join(filter(None, (row['environment'], layer)))}: {told}"


def print_finished(console: Console, finished: Finished) -> None:
    """The end of a campaign: why it ended early, the summary, and where its files are."""
    for environment, reason in finished.ended_early.items():
        console.print(f"[red]{environment} ended early[/]: {escape(reason)}", soft_wrap=True)
    if finished.reported is not None:
        print_reported(console, finished.ingested, finished.reported)
    console.print(f"raw results: {finished.folder}", soft_wrap=True)
    if finished.reported is not None:
        console.print(_next_step(finished), soft_wrap=True)


def _next_step(finished: Finished) -> str:
    """What to type next: more iterations if a tool is undecided, else a comparison."""
    assert finished.reported is not None
    if (finished.reported.summary["answer"] == "undecided").any():
        return "next: ebpf-overhead run --config-dir FOLDER --until-decided, until all are decided"
    return f"next: ebpf-overhead compare {finished.run} LATER_RUN, after a change"


def print_reported(console: Console, ingested: list[Ingested], reported: CampaignReport) -> None:
    """What was found: a row a tool, the answer in one sentence, the checks, and what to do next."""
    summary = reported.summary
    if not summary.is_empty():
        heads, rows = summary_cells(summary)
        drawn = FittingTable(heads, names=1 + heads.index("Tool"), numeric=heads[-6:])
        for cells, answer in zip(rows, summary["answer"], strict=True):
            drawn.add(*cells, style=_STYLES.get(answer, ""))
        console.print(drawn)
    for one in ingested:
        console.print(f"{one.environment} · {one.run}: {one.passed} of {one.cells} cells passed")
    console.print(_checks(reported.checks))
    for text in (tonight(summary), summary_sentence(summary)):
        if text:
            console.print(Text(text, style="bold" if text != tonight(summary) else ""))
    pages = [path for path in reported.files if path.suffix == ".html"]
    for path in pages:
        console.print(f"report: {path}", soft_wrap=True)
    if pages:
        console.print(f"open it in a browser, e.g. xdg-open {pages[-1]}", soft_wrap=True)


def _checks(counts: Mapping[str, int]) -> str:
    """`checks: 2 withhold verdicts, 1 warns, 3 could not be judged`."""
    blocked, warned, unjudged = (counts[name] for name in ("blocked", "warned", "not_judged"))
    said = [
        f"{blocked} withhold{'s' * (blocked == 1)} verdicts" if blocked else "",
        counted(warned, "warning") if warned else "",
        f"{unjudged} could not be judged" if unjudged else "",
    ]
    return f"checks: {', '.join(filter(None, said)) or 'all passed'}"
