"""Which failed check concerns which number.

A check names what it concerns by layer, tool, case, workload and metric; null matches anything.
Checks that name an iteration concern single cells, which their gates have already judged: they are
counted, not listed.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

_NAMES = ("layer", "tool", "case", "workload", "metric")
_ORDER = {"blocks": 0, "warns": 1, "informs": 2}


@dataclass(frozen=True, slots=True)
class Finding:
    """One check that did not pass, with its number in the report."""

    number: int
    check: Mapping[str, Any]

    def covers(self, row: Mapping[str, Any]) -> bool:
        """Whether it concerns an effect, judged by those of the names that `row` has."""
        return all(self.check[name] in (None, row.get(name)) for name in _NAMES)

    @property
    def blocks(self) -> bool:
        return bool(self.check["severity"] == "blocks" and self.check["status"] == "failed")

    @property
    def level(self) -> str:
        """Its severity; of a check that neither passed nor failed its status: not_judged, error."""
        failed = self.check["status"] == "failed"
        return str(self.check["severity"] if failed else self.check["status"])

    @property
    def names_tool(self) -> bool:
        return self.check["tool"] is not None or self.check["case"] is not None

    @property
    def names_measure(self) -> bool:
        return self.check["workload"] is not None or self.check["metric"] is not None


class Findings:
    """The failed checks of a campaign, numbered in the order in which the report lists them."""

    def __init__(self, checks: pl.DataFrame) -> None:
        rows = checks.filter((pl.col("status") != "passed") & pl.col("iteration").is_null())
        ordered = sorted(
            rows.iter_rows(named=True),
            key=lambda row: (_ORDER[row["severity"]], row["environment"], row["rule_id"]),
        )
        self.all: Sequence[Finding] = [Finding(n, row) for n, row in enumerate(ordered, start=1)]
        self._by_environment: dict[str, list[Finding]] = defaultdict(list)
        for finding in self.all:
            if finding.check["severity"] != "informs":
                self._by_environment[finding.check["environment"]].append(finding)

    def of_number(self, row: Mapping[str, Any]) -> tuple[int, ...]:
        """Numbers of the findings about this metric of this tool, shown beside its figure."""
        return tuple(
            f.number
            for f in self._by_environment[row["environment"]]
            if f.names_tool and f.names_measure and f.covers(row)
        )

    def of_tool(self, environment: str, layer: str, tool: str, case: str | None) -> tuple[int, ...]:
        """Numbers of the findings about a tool or case as a whole."""
        row = {"layer": layer, "tool": tool, "case": case}
        return tuple(
            f.number
            for f in self._by_environment[environment]
            if f.names_tool and not f.names_measure and f.covers(row)
        )

    def of_environment(self, environment: str) -> list[Finding]:
        """Findings about an environment as a whole, or one of its layers, workloads, metrics."""
        return [f for f in self._by_environment[environment] if not f.names_tool]
