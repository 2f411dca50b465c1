"""The campaign's numbers as an Excel workbook, verdicts and answers in the report's colours."""

from pathlib import Path

import polars as pl
from xlsxwriter import Workbook  # type: ignore[import-untyped]

from .bundle import Bundle
from .charts.style import GREEN, GREY, ORANGE, PINK, SKY, VERDICT_COLOURS, VERMILION
from .summary import summary_table
from .texts import Lang, Texts
from .usage import Answer

ANSWER_COLOURS = {
    Answer.LONG: GREEN,
    Answer.WITH_FILTER: SKY,
    Answer.MINUTES: ORANGE,
    Answer.NOT_AT_ALL: VERMILION,
    Answer.UNDECIDED: GREY,
}

_EFFECTS = (
    "environment", "run", "layer", "tool", "case", "workload", "metric", "unit", "n", "estimate",
    "ci_low", "ci_high", "margin", "mde", "verdict", "reason",
)  # fmt: skip
_CHECKS = (
    "severity", "status", "rule_id", "environment", "run", "layer", "tool", "case", "workload",
    "metric", "iteration", "observed", "expected",
)  # fmt: skip


def write_workbook(bundle: Bundle, path: Path, lang: Lang = "en") -> Path:
    """Sheets `summary` (one row a tool), `effects`, `checks` (those that did not pass).

    Colours are conditional: they follow the words when a reader sorts, filters or edits.
    """
    t = Texts(lang)
    verdicts = {name: t(f"verdict.{name}") for name in (*VERDICT_COLOURS, "invalid", "withheld")}
    answers = {str(answer): t(f"answer.{answer}") for answer in Answer}
    message = "message_zh" if lang == "zh" else "message"
    advice = "advice_zh" if lang == "zh" else "advice"
    summary = summary_table(bundle).with_columns(pl.col("answer").replace(answers))
    effects = bundle.effects.filter(pl.col("kind") != "baseline").select(_EFFECTS)
    checks = bundle.checks.filter(pl.col("status") != "passed").select(*_CHECKS, message, advice)
    colours = {verdicts[name]: colour for name, colour in VERDICT_COLOURS.items()}
    colours |= {answers[str(answer)]: colour for answer, colour in ANSWER_COLOURS.items()}
    colours |= {"blocks": VERMILION, "warns": ORANGE, "error": PINK}
    path.parent.mkdir(parents=True, exist_ok=True)
    # A text that a host wrote is never a formula or a link.
    with Workbook(path, {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        for name, frame in (("summary", summary), ("effects", effects), ("checks", checks)):
            if "verdict" in frame.columns:
                frame = frame.with_columns(pl.col("verdict").replace(verdicts))
            _sheet(book, name, frame, colours)
    return path


def _sheet(book: Workbook, name: str, frame: pl.DataFrame, colours: dict[str, str]) -> None:
    """A sheet with a filter on each column, its head in sight, its words coloured."""
    marked = [
        column for column in ("verdict", "answer", "severity", "status") if column in frame.columns
    ]
    frame.write_excel(
        book,
        name,
        dtype_formats={pl.Float64: "0.00"},
        conditional_formats={column: _rules(book, colours) for column in marked},
        freeze_panes=(1, 0),
        autofit=True,
    )


def _rules(book: Workbook, colours: dict[str, str]) -> list[dict[str, object]]:
    return [
        {
            "type": "cell",
            "criteria": "==",
            "value": f'"{word}"',
            "format": {"bold": True, "font_color": colour},
        }
        for word, colour in colours.items()
    ]
