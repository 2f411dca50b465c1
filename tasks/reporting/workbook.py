"""The campaign's numbers as an Excel workbook, verdicts and answers in the report's colours."""

from pathlib import Path

import polars as pl
from xlsxwriter import Workbook  # type: ignore[import-untyped]

from ..statistics.usage import Answer
from .bundle import Bundle
from .charts.style import GREEN, GREY, ORANGE, PINK, SKY, VERDICT_COLOURS, VERMILION
from .summary import summary_table
from .texts import Lang, Texts

ANSWER_COLOURS = dict(zip(Answer, (GREEN, SKY, ORANGE, VERMILION, PINK, GREY), strict=True))
_COLOURED = ("verdict", "answer", "severity", "status")

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

    Colours are conditional formats, so that they follow the text when a reader sorts or edits it.
    """
    t = Texts(lang)
    verdicts = {name: t(f"verdict.{name}") for name in (*VERDICT_COLOURS, "invalid", "withheld")}
    answers = {str(answer): t(f"answer.{answer}") for answer in Answer}
    sentences = ("message_zh", "advice_zh") if lang == "zh" else ("message", "advice")
    checks = bundle.checks.filter(pl.col("status") != "passed")
    verdict = pl.col("verdict").replace(verdicts)
    sheets = {
        "summary": summary_table(bundle).with_columns(verdict, pl.col("answer").replace(answers)),
        "effects": bundle.effects.filter(pl.col("kind") != "baseline")
        .select(_EFFECTS)
        .with_columns(verdict),
        "checks": checks.select(*_CHECKS, *sentences),
    }
    colours = {verdicts[name]: colour for name, colour in VERDICT_COLOURS.items()}
    colours |= {answers[answer]: colour for answer, colour in ANSWER_COLOURS.items()}
    colours |= {"blocks": VERMILION, "warns": ORANGE, "error": PINK}
    path.parent.mkdir(parents=True, exist_ok=True)
    # Text that a host wrote must never become a formula or a link.
    with Workbook(path, {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        for name, frame in sheets.items():
            frame.write_excel(
                book,
                name,
                dtype_formats={pl.Float64: "0.00"},
                conditional_formats={
                    column: _rules(colours) for column in _COLOURED if column in frame.columns
                },
                freeze_panes=(1, 0),
                autofit=True,
            )
    return path


def _rules(colours: dict[str, str]) -> list[dict[str, object]]:
    """A colour for each text."""
    return [
        {
            "type": "cell",
            "criteria": "==",
            "value": f'"{text}"',
            "format": {"bold": True, "font_color": colour},
        }
        for text, colour in colours.items()
    ]
