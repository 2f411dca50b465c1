"""A page: sections under a title, as one offline HTML file and one Markdown file."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from .document import Block, Cell, Section, is_empty
from .markdown import inline
from .texts import Texts


@dataclass(frozen=True, slots=True)
class Page:
    """What a page says in one language. `name` is its file's, before `.<lang>.html`.

    `contents` are the sections that the navigation names: id and label.
    """

    name: str
    texts: Texts
    title: str
    subtitle: str
    generated_at: datetime
    sections: Sequence[Section]
    contents: Sequence[tuple[str, str]] = ()

    @property
    def generated(self) -> str:
        return self.texts("report.generated", time=f"{self.generated_at:%Y-%m-%d %H:%M} UTC")


def page_html(page: Page) -> str:
    """One HTML page that needs no network and no other file."""
    environment = _templates(autoescape=True)
    other = "en" if page.texts.lang == "zh" else "zh"
    return environment.get_template("report.html.j2").render(
        page=page,
        t=page.texts,
        lang="zh-CN" if page.texts.lang == "zh" else "en",
        other=f"{page.name}.{other}.html",
    )


def page_markdown(page: Page) -> str:
    """The same sections as Markdown, without the charts."""
    template = _templates(autoescape=False).get_template("report.md.j2")
    return template.render(page=page).strip() + "\n"


def write_page(page: Page, directory: Path) -> list[Path]:
    """Writes `<name>.<lang>.html` and `.md` into `directory`; returns their paths."""
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    for suffix, text in (("html", page_html(page)), ("md", page_markdown(page))):
        path = directory / f"{page.name}.{page.texts.lang}.{suffix}"
        path.write_text(text, "utf-8")
        written.append(path)
    return written


def _templates(*, autoescape: bool) -> Environment:
    environment = Environment(
        loader=PackageLoader("tasks.reporting", "templates"),
        autoescape=autoescape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.tests["block"] = _is_block
    environment.globals["empty"] = is_empty
    environment.filters["pipe"] = _pipe
    environment.filters["breakable"] = _breakable
    return environment


def _is_block(value: Block, kind: str) -> bool:
    """`block is block("ReportTable")` in a template."""
    return type(value).__name__ == kind


def _breakable(text: str) -> Markup:
    """A name that may break after its underscores."""
    return escape(text).replace("_", Markup("_<wbr>"))


def _pipe(cell: Cell) -> str:
    """A cell in a Markdown table: one line, its bars escaped, its notes after it."""
    joined = "{} ({})" if cell.mark == "name" else "{}: {}" if "answer-" in cell.mark else "{} {}"
    text = joined.format(cell.text, cell.sub) if cell.sub else cell.text
    return inline(text + "".join(f" ⁽{note}⁾" for note in cell.notes))
