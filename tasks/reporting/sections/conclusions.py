"""Conclusions by environment and class, and recommendations that name the tools."""

from collections.abc import Iterator, Sequence

from ...statistics.usage import Answer
from ..document import Block, Bullets, Folded, Heading, Section
from ..view import ToolRow, View
from .common import class_name, classes_of, rates_text, tool_names
from .key_findings import across_environments, of_environment

FOLDED_FROM = 3
"""Environments from which on what was found in each is folded under its name."""


def section(view: View) -> Section | None:
    """Under each environment a sentence for each class of tools, then what else was found there."""
    if not view.measured:
        return None
    return Section("conclusions", view.t("conclusions.title"), *_blocks(view))


def _blocks(view: View) -> Iterator[Block]:
    for environment in view.environments:
        tools = [tool for tool in view.measured if tool.environment == environment]
        if tools:
            said = Bullets([*_by_class(view, tools), *of_environment(view, environment)])
            if len(view.environments) < FOLDED_FROM:
                yield from (Heading(environment), said)
            else:
                yield Folded(environment, [said])
    if shared := [*across_environments(view), *_blocked(view)]:
        if len(view.environments) > 1:
            yield Heading(view.t("conclusions.all"))
        yield Bullets(shared)


def _by_class(view: View, tools: Sequence[ToolRow]) -> Iterator[str]:
    """`Summary tools: continuous use (2): a, b; filtered use only (1): c.`"""
    t = view.t
    for tool_class, members in classes_of(tools).items():
        parts = []
        for answer in Answer:
            if given := [tool for tool in members if tool.usage.answer == answer]:
                names = tool_names(view, given)
                parts.append(
                    t(
                        "conclusions.part",
                        answer=t(f"answer.{answer}"),
                        count=len(given),
                        tools=names,
                    )
                )
        yield t(
            "conclusions.of_class",
            tool_class=class_name(view, tool_class),
            parts=t.clauses(parts),
        )


def _blocked(view: View) -> Iterator[str]:
    if blocking := sum(finding.blocks for finding in view.findings.all):
        yield view.t("conclusions.blocked", count=blocking)


def recommendations(view: View) -> Section | None:
    """What to do with which tool; and what the checks advise."""
    t = view.t
    if not view.measured:
        return None
    advice = {
        t.one_of(finding.check, "advice")
        for finding in view.findings.all
        if finding.check["severity"] != "informs" and finding.check["advice"]
    }
    return Section(
        "recommendations",
        t("recommend.title"),
        Bullets(list(_recommended(view))),
        *((t("recommend.checks"), Bullets(sorted(advice))) if advice else ()),
    )


def _recommended(view: View) -> Iterator[str]:
    for answer in Answer:
        if given := [tool for tool in view.measured if tool.usage.answer == answer]:
            yield view.t(f"recommend.{answer}", tools=tool_names(view, given, places=True))
    rated = [(tool, rates) for tool in view.measured if (rates := view.rates(tool))]
    several = len(view.environments) > 1
    if rated:
        yield view.t(
            "recommend.rates",
            rates=view.t.clauses(
                f"{tool.tool}{f' ({tool.environment})' if several else ''} "
                f"{rates_text(view.t, *rates)}"
                for tool, rates in rated
            ),
        )
