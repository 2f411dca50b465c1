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
    layers,
    method,
    monitoring,
    percentiles,
    repeat,
    tool_catalogue,
    tools,
    verdict,
)
from .texts import Lang, Texts
from .view import View

SECTIONS: Sequence[Callable[[View], Section | None]] = (
    verdict.section,
    method.section,
    monitoring.section,
    tool_catalogue.tools,
    environments.section,
    environments.locations,
    tools.effects,
    tools.design,
    tools.details,
    tools.protocols,
    tools.resources,
    cost_model.section,
    causes.section,
    baseline_levels.section,
    layers.section,
    tool_catalogue.case_resources,
    percentiles.section,
    architectures.section,
    environment_rating.section,
    credibility.section,
    conclusions.section,
    conclusions.recommendations,
    repeat.section,
    appendix.section,
)
"""The verdict comes first."""


def report_page(bundle: Bundle, lang: Lang) -> Page:
    """Every section that has something to show."""
    view = View(bundle, Texts(lang))
    sections = [section for make in SECTIONS if (section := make(view)) and section.blocks]
    title = view.t("report.title")
    return Page("report", view.t, title, _subtitle(view), bundle.generated_at, sections)


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
