"""A run's result for programs: printed as JSON, exported to files, held against a budget."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tasks.enforce import Budget, HeldLimit, hold_budget, raise_if_broken, read_budget
from tasks.export import check_exports, export_result, result_document
from tasks.ingest import Ingested
from tasks.report import CampaignReport

from .console import out, use_standard_error
from .documents import print_document


@dataclass(frozen=True, slots=True)
class ResultOutput:
    """What a command was asked to do with its result. Raises InputErrors when it is made, before
    anything is measured."""

    form: str = "table"
    export: Sequence[Path] = ()
    enforce: Path | None = None
    strict: bool = False

    def __post_init__(self) -> None:
        check_exports(self.export)
        self._budget()
        if self.form == "json":
            use_standard_error()

    def give(
        self, datasets: str, ingested: Sequence[Ingested], reported: CampaignReport,
        margins: Path | None = None,
    ) -> None:  # fmt: skip
        """Raises BudgetBroken after everything is written."""
        keys = [one.key for one in ingested]
        budget, held = self._budget(), list[HeldLimit]()
        if budget is not None:
            held = hold_budget(datasets, keys, budget, str(self.enforce))
        if self.export or self.form == "json":
            result = result_document(datasets, keys, reported.files, held, margins)
            export_result(result, self.export)
            if self.form == "json":
                print_document(result)
        for file in self.export:
            out.print(f"wrote {file}", soft_wrap=True)
        if budget is not None:
            self._enforce(held)

    def _budget(self) -> Budget | None:
        return None if self.enforce is None else read_budget(self.enforce)

    def _enforce(self, held: Sequence[HeldLimit]) -> None:
        states = [one.state for one in held]
        counts = {
            "within the limit": states.count("within"),
            "above it": states.count("above"),
            "undecided": states.count("undecided"),
        }
        text = ", ".join(f"{count} {what}" for what, count in counts.items())
        out.print(f"{self.enforce}: of {len(held)} costs {text}", soft_wrap=True)
        raise_if_broken(held, strict=self.strict)
