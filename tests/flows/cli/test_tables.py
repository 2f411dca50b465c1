"""What the terminal shows: nothing is shortened at 80 columns, nothing is coloured in a pipe."""

from io import StringIO

import pytest
from rich.console import Console

from flows.cli.fitting import FittingTable
from flows.cli.tables import counted, findings_text
from flows.cli.terminal_progress import terminal_progress
from tasks.model.names import ROOT
from tasks.storage.schema import CHECKS

LONG = "system_network_latency_details_rx_protocol_tcp"
VERDICT = "no overhead beyond margin"


def printed(shown: object, width: int) -> str:
    console = Console(file=StringIO(), width=width)
    console.print(shown)
    return console.file.getvalue()  # type: ignore[attr-defined]


def table() -> FittingTable:
    made = FittingTable(("case", "layer", "verdict", "latency"), names=2)
    made.add(LONG, "host", VERDICT, "+252.1 % [+239.2, +265.0]", style="red")
    return made


@pytest.mark.parametrize("width", [40, 80, 120])
def test_tool_and_verdict_are_never_shortened(width: int) -> None:
    text = printed(table(), width)
    whole = " ".join(text.split())
    assert LONG in text.replace("\n", "") and VERDICT in whole
    assert "+252.1 % [+239.2, +265.0]" in whole
    assert "…" not in text


def test_a_table_is_drawn_where_it_fits_and_blocks_where_it_does_not() -> None:
    assert printed(table(), 120).splitlines()[0].split() == ["case", "layer", "verdict", "latency"]
    title, below = printed(table(), 80).splitlines()
    assert title == f"{LONG} · host"
    assert below == f"  verdict: {VERDICT} · latency: +252.1 % [+239.2, +265.0]"


def finding(**other: object) -> dict[str, object]:
    return {
        "environment": "lab", "run": "r", "rule_id": "comparative.too_cheap", "severity": "blocks",
        "status": "failed", "layer": "vm", "message": "it probably did not run.",
        "advice": "Read its output.",
    } | other  # fmt: skip


def test_findings_are_paragraphs_with_the_advice_once_and_the_unjudged_apart() -> None:
    rows = [
        finding(status="not_judged", severity="informs", rule_id="calibration.carry_over",
                message="Not judged: too few.", advice=None),
        finding(), finding(), finding(environment="other"),
    ]  # fmt: skip
    assert printed(findings_text(CHECKS.frame(rows)), 80).splitlines() == [
        "blocks · comparative.too_cheap · 2 findings",
        "  lab, vm: it probably did not run.",
        "  other, vm: it probably did not run.",
        "  → Read its output.",
        "not judged · calibration.carry_over · 1 finding",
        "  lab, vm: Not judged: too few.",
    ]


def test_no_finding_is_said() -> None:
    assert printed(findings_text(CHECKS.frame()), 80) == "no findings\n"


def test_a_pipe_gets_no_progress_bar_and_no_colour() -> None:
    console = Console(file=StringIO(), width=80)
    with terminal_progress(console, "r1", ROOT / "results"):
        pass
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "\x1b" not in text and "━" not in text


def test_one_is_singular() -> None:
    assert [counted(n, "case") for n in (0, 1, 2)] == ["0 cases", "1 case", "2 cases"]


def test_a_column_named_numeric_is_right_aligned() -> None:
    made = FittingTable(("tool", "cost"), names=1, numeric=("cost",))
    made.add("a", "1")
    made.add("b", "100")
    assert printed(made, 80).splitlines()[1].endswith("   1")
