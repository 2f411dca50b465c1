"""A notebook's outputs as one HTML page that needs no network.

marimo's own export loads its viewer from a CDN and shows nothing without it. Here charts become
SVG and frames become plain tables; controls of a running notebook (a dropdown) are left out.
"""

from html import escape
from pathlib import Path
from typing import Any

import altair as alt
import marimo as mo
import polars as pl
from great_tables import GT

_PAGE = """<!doctype html>
<html lang="{lang}"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
body {{ font: 15px/1.5 Arial, sans-serif; max-width: 1180px; margin: 2rem auto; padding: 0 1rem }}
.cell {{ margin: 1.5rem 0; overflow-x: auto }}
img, svg {{ max-width: 100%; height: auto }}
</style>
<p>{note}</p>
{cells}
</html>
"""


def write_page(app: mo.App, page: Path, root: Path, lang: str, note: str = "") -> None:
    """Runs the notebook over the dataset below `root` and writes its cells' output to `page`, below
    a `note` on the data."""
    with alt.renderers.enable("svg"):
        outputs, _ = app.run(defs={"root": str(root), "lang": lang})
        shown = [text for output in outputs if (text := _html(output))]
    cells = "\n".join(f'<div class="cell">{text}</div>' for text in shown)
    page.parent.mkdir(parents=True, exist_ok=True)
    text = _PAGE.format(lang=lang, title=escape(page.stem), note=escape(note), cells=cells)
    page.write_text(text, "utf-8")


def _html(output: Any) -> str:
    """The output as HTML; empty if there is nothing to show."""
    if output is None or isinstance(output, mo.ui.dropdown):
        return ""
    if isinstance(output, pl.DataFrame):
        if output.is_empty():
            return ""
        table = GT(output).fmt_number(pl.selectors.float(), n_sigfig=3)
        table = table.sub_missing(missing_text="—").tab_options(table_margin_left="0")
        return str(table.as_raw_html())
    return mo.as_html(output).text
