"""The campaign's report: one offline HTML file and one Markdown file for each language."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from .bundle import Bundle
from .numbers import DASH
from .page import Page, page_html, page_markdown, write_page
from .sections import build
from .texts import Lang, Texts
from .view import View

__all__ = ["Bundle", "render_html", "render_markdown", "write_report"]


def render_html(bundle: Bundle, lang: Lang) -> str:
    """The whole report as one HTML page that needs no network and no other file."""
    return page_html(_page(bundle, lang))


def render_markdown(bundle: Bundle, lang: Lang) -> str:
    """The same sections as Markdown, without the charts."""
    return page_markdown(_page(bundle, lang))


def write_report(
    bundle: Bundle, directory: Path, lang: Sequence[Lang] = ("zh", "en")
) -> list[Path]:
    """Writes `report.<lang>.html` and `report.<lang>.md` into `directory`; returns their paths."""
    return [path for one in lang for path in write_page(_page(bundle, one), directory)]


def _page(bundle: Bundle, lang: Lang) -> Page:
    texts = Texts(lang)
    view = View(bundle, texts)
    title = texts("report.title")
    return Page("report", texts, title, _subtitle(view), bundle.generated_at, build(view))


def _subtitle(view: View) -> str:
    runs = view.bundle.runs
    if runs.is_empty():
        return view.t("report.subtitle_empty")
    return view.t(
        "report.subtitle",
        tools=len({tool.tool for tool in view.measured}),
        environments=len(view.environments),
        start=_minute(runs["started"].drop_nulls().sort(), 0),
        end=_minute(runs["ended"].drop_nulls().sort(), -1),
    )


def _minute(times: pl.Series, place: int) -> str:
    return f"{times[place]:%Y-%m-%d %H:%M}" if len(times) else DASH
