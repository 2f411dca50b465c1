"""What follows: sentences made from the answers, and what to do next."""

from collections.abc import Iterable

from ..document import Bullets, Prose, Section
from ..usage import Answer
from ..view import ToolRow, View
from .common import effect_words


def section(view: View) -> Section | None:
    t = view.t
    if not view.measured:
        return None
    everywhere = _by_tool(view.measured)
    said = [
        t("conclusions.count", tools=len(everywhere), environments=len(view.environments)),
        *(
            t(f"conclusions.{answer}", count=len(names), tools=", ".join(names))
            for answer in Answer
            if (names := [tool for tool, given in everywhere.items() if given == answer])
        ),
    ]
    shown = [tool for tool in view.measured if _known(tool)]
    for topic in ("throughput", "latency"):
        if rows := [tool for tool in shown if topic in tool.worst]:
            dearest = max(rows, key=lambda tool: float(tool.worst[topic]["estimate"]))
            said.append(
                t(
                    f"conclusions.dearest_{topic}",
                    tool=dearest.tool,
                    environment=dearest.environment,
                    layer=t(f"layer.{dearest.layer}"),
                    effect=effect_words(view, dearest.worst[topic]),
                )
            )
    if blocking := sum(finding.blocks for finding in view.findings.all):
        said.append(t("conclusions.blocked", count=blocking))
    return Section("conclusions", t("conclusions.title"), (Bullets(said),))


def _known(tool: ToolRow) -> bool:
    return tool.verdict not in ("invalid", "withheld")


def _by_tool(tools: Iterable[ToolRow]) -> dict[str, Answer]:
    """Tool -> its gravest answer anywhere; undecided anywhere is undecided."""
    found: dict[str, Answer] = {}
    order = list(Answer)
    for tool in tools:
        before = found.get(tool.tool, Answer.LONG)
        found[tool.tool] = max(before, tool.usage.answer, key=order.index)
    return dict(sorted(found.items()))


def recommendations(view: View) -> Section | None:
    t = view.t
    if not view.measured:
        return None
    given = {tool.usage.answer for tool in view.measured}
    said = [t(f"recommend.{answer}") for answer in Answer if answer in given]
    advice = {
        t.one_of(finding.check, "advice")
        for finding in view.findings.all
        if finding.check["severity"] != "informs" and finding.check["advice"]
    }
    blocks = [Bullets(said)]
    if advice:
        return Section(
            "recommendations",
            t("recommend.title"),
            (*blocks, Prose(t("recommend.checks")), Bullets(sorted(advice))),
        )
    return Section("recommendations", t("recommend.title"), blocks)
