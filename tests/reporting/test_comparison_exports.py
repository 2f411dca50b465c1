"""A comparison for CI: what is proven worse fails, what is undecided is skipped."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import polars as pl
import pytest

from tasks.export import COMPARISON_FORMATS, check_exports, export_compared
from tasks.model.clock_kind import Clock
from tasks.model.errors import InputError


def row(case: str, verdict: str, estimate: float | None, **more: Any) -> dict[str, Any]:
    ends = (None, None) if estimate is None else (estimate - 0.1, estimate + 0.1)
    shape: dict[str, Any] = {
        "environment": "lab", "layer": "host", "case": case, "against": case,
        "workload": "latency_tcp_rr", "metric": "latency_mean_us", "unit": "%", "primary": True,
        "n": 2, "estimate": estimate, "ci_low": ends[0], "ci_high": ends[1], "margin": 0.2,
        "verdict": verdict, "reason": "a reason",
    }  # fmt: skip
    return shape | more


TABLE = pl.DataFrame(
    [
        row("dearer", "worse", 0.9),
        row("same", "same_within_margin", 0.05),
        row("cheaper", "better", -0.9),
        row("little", "worse_unresolved", 0.15),
        row("unclear", "inconclusive", 0.2),
        row("lost", "invalid", None),
        row("dearer", "worse", 3.0, primary=False, metric="tool_cpu_pct"),
    ]
)


def texts(tmp_path: Path, clock: Clock) -> dict[str, str]:
    files = [tmp_path / f"c{suffix}" for suffix in COMPARISON_FORMATS]
    export_compared(TABLE, clock, files)
    return {file.suffix: file.read_text(encoding="utf-8") for file in files}


def test_a_test_fails_only_where_the_later_side_is_proven_to_cost_more(tmp_path: Path) -> None:
    suite = ElementTree.fromstring(texts(tmp_path, Clock.WALL)[".xml"]).find("testsuite")
    assert suite is not None and suite.get("name") == "lab host"
    outcomes = {str(case.get("name")).split()[0]: next(iter(case)).tag for case in suite}
    assert outcomes == {
        "dearer": "failure", "same": "system-out", "cheaper": "system-out",
        "little": "system-out", "unclear": "skipped", "lost": "skipped",
    }  # fmt: skip
    counts = {name: suite.get(name) for name in ("tests", "failures", "skipped")}
    assert counts == {"tests": "6", "failures": "1", "skipped": "2"}
    failure = suite.find(".//failure")
    assert failure is not None
    assert failure.get("message") == "worse, 0.90 % [+0.8, +1.0]; a reason"


def test_a_comment_has_a_row_for_each_case_with_its_margin(tmp_path: Path) -> None:
    text = texts(tmp_path, Clock.WALL)[".md"]
    assert text.count("latency_tcp_rr") == 6
    assert "| lab | host | lost | latency_tcp_rr | — | 0.2 % | invalid |" in text


def test_differences_on_the_instruction_clock_are_called_so(tmp_path: Path) -> None:
    found = texts(tmp_path, Clock.INSTRUCTIONS)
    tests = ElementTree.fromstring(found[".xml"]).iter("testcase")
    said = [next(iter(test)) for test in tests]
    assert all((s.text or s.get("message", "")).startswith("by instruction count") for s in said)
    assert "not what a production host loses" in found[".md"]
    assert json.loads(found[".json"])["clock"] == "instructions"
    assert "instruction" not in texts(tmp_path, Clock.WALL)[".xml"]


def test_a_format_that_a_comparison_does_not_have_is_refused_with_those_that_it_has() -> None:
    with pytest.raises(InputError, match=r"\.json, \.xml, \.md"):
        check_exports([Path("a.prom")], COMPARISON_FORMATS)
