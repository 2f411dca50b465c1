"""Are the numbers on a report's first screen those of the raw files?

    python -m tests.benchmarks.recompute_page RUN_FOLDER DATASETS REPORT

REPORT: the English page of that run of one environment. It is read as a reader sees it: the
sentence, the counts of each band, the matrix with the cost that decides and its threshold, and the
tools that the recommendations name. Like `recompute.py`, it imports nothing of the program.

- A cost of CPU or log growth is the largest plain mean of the tool's cases, to the digits shown; a
  cost in traffic lies within the plain mean's own 95 % interval, or within 1 point of it.
- A tool's band follows from the interval shown, the thresholds of the page and the tool's class.
- The counts, the sentence and the recommendations follow from the matrix.

Exits 1 if a number differs.
"""

import argparse
import html
import re
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from .recompute import CPU, LATENCY, LOG, PACKETS, THROUGHPUT, costs, counting, ends

_BANDS = ("long", "with_filter", "minutes", "not_at_all")
_METRIC = {
    "latency cost": LATENCY,
    "throughput": THROUGHPUT,
    "packet rate": PACKETS,
    "Tool CPU": CPU,
    "Log growth": LOG,
}
_TITLE = {LATENCY: "Latency", THROUGHPUT: "Throughput", PACKETS: "Packet rate (TCP: writes/s)",
          CPU: "Tool CPU", LOG: "Log growth"}  # fmt: skip
_NUMBER = r"[+−-]?[\d,]+(?:\.\d+)?"
_COST = re.compile(rf"({_NUMBER})(?: %)? \[({_NUMBER}), ({_NUMBER})\]")


_Own = tuple[str, str, tuple[float, float, float]]
"""Tool, metric, and the plain mean between the ends of its interval."""


@dataclass(frozen=True)
class _Shown:
    """A cell of the matrix."""

    tool: str
    tool_class: str
    answer: str
    text: str


def first_screen(page: Path, run: Path, datasets: Path) -> list[str]:
    """What differs, a line each; prints what was compared."""
    text = page.read_text()
    matrix, thresholds = _matrix(text), _thresholds(text)
    measured = counting(run, datasets)
    tools = {cell.case: cell.tool for cell in measured if cell.kind == "tool"}
    own = [
        (tools[case], metric, ends(metric, values))
        for (_, case, _, metric), values in costs(measured).items()
        if case in tools
    ]
    wrong = [line for shown in matrix for line in _cost_differs(shown, own)]
    wrong += [line for shown in matrix for line in _band_differs(shown, thresholds)]
    if {shown.tool for shown in matrix} != set(tools.values()):
        wrong.append(f"the matrix shows {sorted(s.tool for s in matrix)}, not {sorted(tools)}")
    wrong += _sums_differ(text, matrix)
    print(f"first screen: {len(matrix)} answers, {len(own)} costs behind them, {len(wrong)} differ")
    return wrong


def _cost_differs(
    shown: _Shown, own: list[tuple[str, str, tuple[float, float, float]]]
) -> list[str]:
    metric, cost = _metric(shown.text), _COST.search(shown.text)
    if metric is None or cost is None:
        return []  # the class or missing data decide: no number is shown
    digits = cost[1].partition(".")[2]
    rounding = 0.5 * 10.0 ** -len(digits) * 1.01
    estimate = _number(cost[1])
    of_tool = [spread for tool, name, spread in own if (tool, name) == (shown.tool, metric)]
    if metric in (CPU, LOG):
        fits = [abs(max(mean for _, mean, _ in of_tool) - estimate) <= rounding] if of_tool else []
    else:
        fits = [
            low - rounding <= estimate <= high + rounding or abs(mean - estimate) <= 1 + rounding
            for low, mean, high in of_tool
        ]
    return [] if any(fits) else [f"{shown.tool}: {shown.text}; here {metric}: {of_tool}"]


def _band_differs(shown: _Shown, thresholds: dict[str, list[float]]) -> list[str]:
    metric, cost = _metric(shown.text), _COST.search(shown.text)
    if metric is None or cost is None or shown.answer not in _BANDS:
        return []
    limits = thresholds[_TITLE[metric]]
    low, high = _number(cost[2]), _number(cost[3])
    if shown.answer == "not_at_all":
        fits = low >= limits[-1]
    else:
        band = sum(high > limit for limit in limits)
        floor = 1 if shown.tool_class.startswith("details") else 0
        fits = shown.answer == _BANDS[min(max(band, floor), 3)] and band < 3
    return [] if fits else [f"{shown.tool}: {shown.answer} by {shown.text}; thresholds {limits}"]


def _sums_differ(text: str, matrix: list[_Shown]) -> list[str]:
    wrong = []
    bands = Counter(shown.answer for shown in matrix)
    counts = dict(
        re.findall(r'<td class="answer-(\w+)[^"]*" data-sort="\d+"><span>(\d+)</span>', text)
    )
    for band in {*counts, *bands}:
        if int(counts.get(band, 0)) != bands[band]:
            wrong.append(f"{band}: counted {counts.get(band)}, in the matrix {bands[band]}")
    sentence = _plain(re.search(r'<p class="lead">(.*?)</p>', text, re.DOTALL)[1])  # type: ignore[index]
    said = re.search(r"(\d+) of (\d+) tools? may run continuously", sentence)
    if said is None or (int(said[1]), int(said[2])) != (bands["long"], len(matrix)):
        wrong.append(f"{sentence!r}, in the matrix {bands['long']} of {len(matrix)}")
    advice = re.search(r'<section id="recommendations">(.*?)</section>', text, re.DOTALL)
    advised = _plain(advice[1]) if advice else ""
    for shown in matrix:
        if shown.answer in _BANDS and shown.tool not in advised:
            wrong.append(f"{shown.tool} is not in the recommendations")
    return wrong


def _matrix(text: str) -> list[_Shown]:
    body = re.search(r'<table class="searched matrix.*?</table>', text, re.DOTALL)
    assert body is not None, "the page has no matrix of permitted uses"
    found = []
    for row in re.findall(r"<tr>(<td.*?)</tr>", body[0], re.DOTALL):
        (_, name), *answers = re.findall(r'<td class="([^"]*)"[^>]*>(.*?)</td>', row, re.DOTALL)
        tool, _, tool_class = name.partition("<small>")
        for answer, cell in answers:
            cost = cell.partition("<small>")[2]
            found.append(
                _Shown(
                    _plain(tool), _plain(tool_class), answer.removeprefix("answer-"), _plain(cost)
                )
            )
    return found


def _thresholds(text: str) -> dict[str, list[float]]:
    """Title of a cost -> the thresholds of its bands, as the page states them."""
    rows = re.findall(r"<tr>(<td[^<]*><span>[^<]+</span></td>(?:<td[^<]*><span>≤ .*?)+)</tr>", text)
    cells = [[_plain(cell) for cell in re.findall(r"<td.*?</td>", row)] for row in rows]
    return {
        title: [_number(limit.removeprefix("≤ ")) for limit in limits[:3]]
        for title, *limits in cells
        if title in _TITLE.values()
    }


def _metric(text: str) -> str | None:
    before = text.partition("[")[0]
    return next((metric for words, metric in _METRIC.items() if words in before), None)


def _plain(markup: str) -> str:
    return html.unescape(re.sub(r"<[^>]*>", "", markup)).strip()


def _number(text: str) -> float:
    return float(text.replace(",", "").replace("−", "-"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in ("run_folder", "datasets", "report"):
        parser.add_argument(name, type=Path)
    given = parser.parse_args()
    differing = first_screen(given.report, given.run_folder, given.datasets)
    print("\n".join(differing) or "every number agrees")
    sys.exit(bool(differing))
