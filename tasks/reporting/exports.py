"""A result for other programs: JSON, JUnit XML for CI, Markdown for a comment, OpenMetrics."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from xml.etree import ElementTree

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.registry import Collector, CollectorRegistry

from ..model.clock_kind import Clock
from ..statistics.usage import Answer
from .markdown import markdown_table
from .numbers import interval, number
from .result_document import Cost, Result, ToolAnswer
from .texts import Texts


def export(result: Result, file: Path) -> None:
    """Writes the result in the format of the file's suffix, one of `FORMATS`."""
    file.write_text(FORMATS[file.suffix](result), encoding="utf-8")


def as_json(result: Result) -> str:
    return result.model_dump_json(indent=1) + "\n"


def as_junit(result: Result) -> str:
    """A suite for each environment and layer, a test for each tool: it fails if the tool may not
    run in production, and is skipped if that is undecided. The limits of a budget are a suite."""
    root = ElementTree.Element("testsuites", name="ebpf-overhead")
    places: dict[str, list[Test]] = {}
    for answer in result.answers:
        suite = f"{answer.environment} {answer.layer}"
        said = f"{_by_count(answer)}{answer.reason}"
        places.setdefault(suite, []).append((answer.tool, _OUTCOMES[answer.answer], said))
    for limit in result.limits:
        name = f"{limit.environment} {limit.layer} {limit.case} {limit.workload} {limit.limit}"
        places.setdefault("budget", []).append((name, _LIMIT_OUTCOMES[limit.state], limit.text))
    for suite, tests in places.items():
        add_suite(root, suite, tests)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _by_count(answer: ToolAnswer) -> str:
    return "by instruction count: " if answer.clock is Clock.INSTRUCTIONS else ""


Test = tuple[str, str | None, str]
"""Name, `failure` or `skipped` or None, and the reason."""

_OUTCOMES: Mapping[Answer, str | None] = {
    Answer.LONG: None,
    Answer.WITH_FILTER: None,
    Answer.MINUTES: None,
    Answer.NOT_AT_ALL: "failure",
    Answer.FASTER: "skipped",
    Answer.UNDECIDED: "skipped",
    Answer.CANNOT_ATTACH: "skipped",
}
_LIMIT_OUTCOMES: Mapping[str, str | None] = {
    "within": None,
    "above": "failure",
    "undecided": "skipped",
}


def add_suite(root: ElementTree.Element, name: str, tests: list[Test]) -> None:
    """Adds a suite of these tests."""
    count = {kind: sum(test[1] == kind for test in tests) for kind in ("failure", "skipped")}
    suite = ElementTree.SubElement(
        root, "testsuite", name=name, tests=str(len(tests)), failures=str(count["failure"]),
        errors="0", skipped=str(count["skipped"]),
    )  # fmt: skip
    for test, outcome, why in tests:
        case = ElementTree.SubElement(suite, "testcase", classname=name, name=test)
        if outcome:
            ElementTree.SubElement(case, outcome, message=why)
        else:
            ElementTree.SubElement(case, "system-out").text = why


def as_markdown(result: Result) -> str:
    """Answers and broken limits, short enough for a comment on a change."""
    t = Texts("en")
    rows = [
        (one.environment, one.layer, one.tool, t(f"answer.{one.answer}"),
         _cost_text(one.decided_by), one.reason)
        for one in result.answers
    ]  # fmt: skip
    counted = any(one.clock is Clock.INSTRUCTIONS for one in result.answers)
    use = f"permitted use{' by instruction count' if counted else ''}"
    heads = ("environment", "layer", "tool", use, "deciding cost", "reason")
    parts = [*([t("by_count.meaning") + "\n"] if counted else []), markdown_table(heads, rows)]
    if result.limits:
        states = [limit.state for limit in result.limits]
        count = ", ".join(f"{n} {state}" for state, n in sorted(Counter(states).items()))
        lines = [f"- {limit.text}" for limit in result.limits if limit.state == "above"]
        parts.append("\n".join([f"Budget: {count}", *lines]) + "\n")
    return "\n".join(parts)


def _cost_text(cost: Cost | None) -> str:
    if cost is None or cost.cost is None:
        return "—"
    text = f"{number(cost.cost)} {interval(cost.low, cost.high)}".rstrip()
    return f"{cost.workload} {cost.metric} {text} {cost.unit}"


def as_openmetrics(result: Result) -> str:
    """Gauges of the answers and of all effects that decide a workload."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Gauges(result))
    text: bytes = generate_latest(registry)  # type: ignore[no-untyped-call]
    return text.decode()


_PLACE = ("environment", "layer", "tool")
_EFFECT = (*_PLACE, "case", "workload", "metric", "unit")


class _Gauges(Collector):
    def __init__(self, result: Result) -> None:
        self._result = result

    def collect(self) -> Iterator[GaugeMetricFamily]:
        use = GaugeMetricFamily(
            "ebpf_overhead_permitted_use",
            "1 for the permitted use of the tool, 0 for the other answers",
            labels=(*_PLACE, "clock", "answer"),
        )
        for answer in self._result.answers:
            for each in Answer:
                use.add_metric([*_labels(answer), str(each)], float(each is answer.answer))
        yield use
        cost = GaugeMetricFamily(
            "ebpf_overhead_cost",
            "Cost of a case; positive: worse. bound: estimate, or an end of its 95 % interval",
            labels=(*_EFFECT, "clock", "bound"),
        )
        clocks = {run.environment: str(run.clock) for run in self._result.runs}
        for row in self._result.effects:
            clock = clocks[row["environment"]]
            for bound, column in (("estimate", "estimate"), ("low", "ci_low"), ("high", "ci_high")):
                if row[column] is not None:
                    cost.add_metric(
                        [*(str(row[name]) for name in _EFFECT), clock, bound], row[column]
                    )
        yield cost


def _labels(answer: ToolAnswer) -> list[str]:
    return [str(getattr(answer, name)) for name in (*_PLACE, "clock")]


FORMATS: Mapping[str, Callable[[Result], str]] = {
    ".json": as_json,
    ".xml": as_junit,
    ".md": as_markdown,
    ".prom": as_openmetrics,
}
"""Suffix of a file -> the text of a result in its format."""
