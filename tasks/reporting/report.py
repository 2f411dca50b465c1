"""The campaign's report: one offline HTML file and one Markdown file for each language."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from .bundle import Bundle
from .document import Block, Cell, Section
from .numbers import DASH
from .sections import build
from .texts import Lang, Texts
from .view import View

__all__ = ["Bundle", "render_html", "render_markdown", "write_report"]


def render_html(bundle: Bundle, lang: Lang) -> str:
    """The whole report as one HTML page that needs no network and no other file."""
    environment = _templates(autoescape=True)
    inline = {name: _source(environment, name) for name in ("report.css", "report.js")}
    other: Lang = "en" if lang == "zh" else "zh"
    template = environment.get_template("report.html.j2")
    return template.render(
        **_content(bundle, lang),
        style=Markup(inline["report.css"]),
        script=Markup(inline["report.js"]),
        other=f"report.{other}.html",
    )


def render_markdown(bundle: Bundle, lang: Lang) -> str:
    """The same sections as Markdown, without the charts."""
    template = _templates(autoescape=False).get_template("report.md.j2")
    return template.render(**_content(bundle, lang)).strip() + "\n"


def write_report(
    bundle: Bundle, directory: Path, lang: Sequence[Lang] = ("zh", "en")
) -> list[Path]:
    """Writes `report.<lang>.html` and `report.<lang>.md` into `directory`; returns their paths."""
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    for one in lang:
        for suffix, text in (
            ("html", render_html(bundle, one)),
            ("md", render_markdown(bundle, one)),
        ):
            path = directory / f"report.{one}.{suffix}"
            path.write_text(text, "utf-8")
            written.append(path)
    return written


def _content(bundle: Bundle, lang: Lang) -> dict[str, Any]:
    texts = Texts(lang)
    view = View(bundle, texts)
    sections: list[Section] = build(view)
    return {
        "lang": "zh-CN" if lang == "zh" else "en",
        "t": texts,
        "sections": sections,
        "subtitle": _subtitle(view),
        "generated": texts("report.generated", time=f"{bundle.generated_at:%Y-%m-%d %H:%M} UTC"),
        "dash": DASH,
    }


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


def _templates(*, autoescape: bool) -> Environment:
    environment = Environment(
        loader=PackageLoader("tasks.reporting", "templates"),
        autoescape=autoescape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.tests["block"] = _is_block
    environment.filters["pipe"] = _pipe
    environment.filters["breakable"] = _breakable
    return environment


def _source(environment: Environment, name: str) -> str:
    assert environment.loader is not None
    return environment.loader.get_source(environment, name)[0]


def _is_block(value: Block, kind: str) -> bool:
    """`block is block("Table")` in a template."""
    return type(value).__name__ == kind


def _breakable(text: str) -> Markup:
    """A name that may break after its underscores."""
    return escape(text).replace("_", Markup("_<wbr>"))


def _pipe(cell: Cell) -> str:
    """A cell in a Markdown table: one line, its bars escaped, its notes after it."""
    joined = "{} ({})" if cell.mark == "name" else "{}: {}" if "answer-" in cell.mark else "{} {}"
    words = joined.format(cell.text, cell.sub) if cell.sub else cell.text
    notes = "".join(f" ⁽{note}⁾" for note in cell.notes)
    return (words + notes).replace("|", "\\|").replace("\n", " ")
