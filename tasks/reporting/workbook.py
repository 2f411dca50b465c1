"""The campaign's numbers as an Excel workbook, verdicts and answers in the report's colours."""

from pathlib import Path

import polars as pl
from xlsxwriter import Workbook  # type: ignore[import-untyped]

from ..model.metrics import METRICS
from ..statistics.usage import Answer
from .bundle import Bundle
from .charts.style import GREEN, GREY, ORANGE, PINK, SKY, VERDICT_COLOURS, VERMILION
from .summary import summary_table
from .texts import Lang, Texts

_COLOURS = (GREEN, SKY, ORANGE, VERMILION, PINK, GREY, GREY)
ANSWER_COLOURS = dict(zip(Answer, _COLOURS, strict=True))
_COLOURED = ("verdict", "answer", "severity", "status")

_EFFECTS = (
    "environment", "run", "layer", "tool", "case", "workload", "metric", "primary", "n",
    "baseline_mean", "baseline_unit", "estimate", "ci_low", "ci_high", "unit", "margin", "mde",
    "verdict", "lost_low_pct", "lost_high_pct", "reason",
)  # fmt: skip
_CHECKS = (
    "severity", "status", "rule_id", "environment", "run", "layer", "tool", "case", "workload",
    "metric", "iteration", "observed", "expected", "message", "advice",
)  # fmt: skip

_UNIT_OF = {name: metric.unit for name, metric in METRICS.items()}
_GROUPS = (
    "layer",
    "clock",
    "tool_class",
    "verdict",
    "answer",
    "answer_reason",
    "severity",
    "status",
)
"""Columns of coded values; a group of that name in the texts has the words."""


def write_workbook(bundle: Bundle, path: Path, lang: Lang = "en") -> Path:
    """Sheets `summary` (one row a tool), `effects`, `checks` (those that did not pass).

    Heads, coded values and sentences are in the language asked for; costs are positive where the
    tool makes things worse, as in every file. Colours are conditional formats, so that they follow
    the text when a reader sorts or edits it.
    """
    t = Texts(lang)
    effects = bundle.effects.filter(pl.col("kind") != "baseline").with_columns(
        baseline_unit=pl.col("metric").replace_strict(_UNIT_OF)
    )
    sheets = {
        "summary": summary_table(bundle),
        "effects": _in_language(effects, lang).select(_EFFECTS),
        "checks": _in_language(bundle.checks.filter(pl.col("status") != "passed"), lang).select(
            _CHECKS
        ),
    }
    verdicts = {t(f"verdict.{name}"): colour for name, colour in VERDICT_COLOURS.items()}
    answers = {t(f"answer.{name}"): colour for name, colour in ANSWER_COLOURS.items()}
    marks = {"blocks": VERMILION, "warns": ORANGE, "error": PINK}
    marked = {t(f"severity.{name}"): colour for name, colour in marks.items()}
    rules = _rules(verdicts | answers | marked)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Text that a host wrote must never become a formula or a link.
    with Workbook(path, {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        for name, frame in sheets.items():
            _with_words(frame, t).write_excel(
                book,
                t(f"sheet.{name}"),
                dtype_formats={pl.Float64: "0.00"},
                conditional_formats={
                    t(f"column.{column}"): rules for column in _COLOURED if column in frame.columns
                },
                freeze_panes=(1, 0),
                autofit=True,
            )
    return path


def _in_language(frame: pl.DataFrame, lang: Lang) -> pl.DataFrame:
    """`frame` with its sentences in that language; English where there is no other."""
    if lang == "en":
        return frame
    twins = [name for name in frame.columns if f"{name}_zh" in frame.columns]
    return frame.with_columns(pl.coalesce(f"{name}_zh", name).alias(name) for name in twins)


def _with_words(frame: pl.DataFrame, t: Texts) -> pl.DataFrame:
    """Words for coded values, truth values and units, and heads for names of columns."""
    boolean = [name for name, dtype in frame.schema.items() if dtype == pl.Boolean]
    units = [name for name in frame.columns if name.endswith("unit")]
    return frame.with_columns(
        *(pl.col(name).replace(t.group(name)) for name in _GROUPS if name in frame.columns),
        *(pl.col(name).replace_strict({True: t("yes"), False: t("no")}) for name in boolean),
        *(pl.col(name).replace("% of one CPU", t("unit.tool_cpu")) for name in units),
    ).rename({name: t(f"column.{name}") for name in frame.columns})


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
