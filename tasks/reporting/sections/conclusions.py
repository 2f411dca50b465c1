"""Conclusions from the answers, and recommendations."""

from collections.abc import Iterator

from ...statistics.usage import Answer
from ..document import Bullets, Section
from ..view import View
from .common import effect_text


def section(view: View) -> Section | None:
    t = view.t
    if not view.measured:
        return None
    return Section("conclusions", t("conclusions.title"), Bullets(list(_sentences(view))))


def _sentences(view: View) -> Iterator[str]:
    t = view.t
    answers = _worst_answers(view)
    yield t("conclusions.count", tools=len(answers), environments=len(view.environments))
    for answer in Answer:
        if names := [tool for tool, given in answers.items() if given == answer]:
            yield t(f"conclusions.{answer}", count=len(names), tools=", ".join(names))
    shown = [tool for tool in view.measured if tool.verdict not in ("invalid", "withheld")]
    for topic in ("throughput", "latency"):
        if rows := [tool for tool in shown if topic in tool.worst]:
            costliest = max(rows, key=lambda tool: float(tool.worst[topic]["estimate"]))
            yield t(
                f"conclusions.largest_impact_{topic}",
                tool=costliest.tool,
                environment=costliest.environment,
                layer=t(f"layer.{costliest.layer}"),
                effect=effect_text(view, costliest.worst[topic]),
            )
    if blocking := sum(finding.blocks for finding in view.findings.all):
        yield t("conclusions.blocked", count=blocking)


def _worst_answers(view: View) -> dict[str, Answer]:
    """Tool -> its worst answer in any environment; undecided anywhere is undecided."""
    found: dict[str, Answer] = {}
    for tool in sorted(view.measured, key=lambda tool: tool.tool):
        before = found.get(tool.tool, Answer.LONG)
        found[tool.tool] = max(before, tool.usage.answer, key=lambda answer: answer.rank)
    return found


def recommendations(view: View) -> Section | None:
    t = view.t
    if not view.measured:
        return None
    given = {tool.usage.answer for tool in view.measured}
    advice = {
        t.one_of(finding.check, "advice")
        for finding in view.findings.all
        if finding.check["severity"] != "informs" and finding.check["advice"]
    }
    return Section(
        "recommendations",
        t("recommend.title"),
        Bullets([t(f"recommend.{answer}") for answer in Answer if answer in given]),
        *((t("recommend.checks"), Bullets(sorted(advice))) if advice else ()),
    )
