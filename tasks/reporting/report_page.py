"""The report of a campaign as a page: its sections, top to bottom."""

from collections.abc import Callable, Sequence

from .bundle import Bundle
from .document import Section
from .numbers import DASH
from .page import Page
from .sections import (
    appendix,
    architectures,
    baseline_levels,
    causes,
    conclusions,
    cost_model,
    credibility,
    environment_rating,
    environments,
    events,
    method,
    monitoring,
    packet_cost,
    percentiles,
    repeat,
    safe_rates,
    starting,
    tails,
    tool_catalogue,
    tool_lines,
    tools,
    tools_together,
    verdict,
)
from .texts import Lang, Texts
from .view import View

SECTIONS: Sequence[Callable[[View], Section | None]] = (
    verdict.section,
    conclusions.recommendations,
    conclusions.section,
    tool_lines.section,
    safe_rates.section,
    tails.section,
    starting.section,
    tools_together.section,
    tools.resources,
    cost_model.section,
    packet_cost.section,
    causes.section,
    events.section,
    architectures.section,
    environment_rating.section,
    baseline_levels.section,
    tools.design,
    tools.protocols,
    percentiles.section,
    tool_catalogue.tools,
    tool_catalogue.case_resources,
    credibility.section,
    method.section,
    monitoring.section,
    environments.section,
    environments.locations,
    repeat.section,
    appendix.section,
)
"""The answer first, then what to do, then each tool, then the reasons to believe it."""


def report_page(bundle: Bundle, lang: Lang) -> Page:
    """Every section that has something to show."""
    view = View(bundle, Texts(lang))
    sections = [section for make in SECTIONS if (section := make(view)) and section.blocks]
    title = view.t("report.title")
    named = [(section.id, view.t.optional(f"nav.{section.id}")) for section in sections]
    contents = [(id, label) for id, label in named if label]
    return Page("report", view.t, title, _subtitle(view), bundle.generated_at, sections, contents)


def _subtitle(view: View) -> str:
    runs = view.bundle.runs
    if runs.is_empty():
        return view.t("report.subtitle_empty")
    return view.t(
        "report.subtitle",
        tools=len({tool.tool for tool in view.measured}),
        environments=len(view.environments),
        start=_minute(runs["started"].min()),
        end=_minute(runs["ended"].max()),
    )


def _minute(moment: object) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else DASH
