"""A budget at the end of a flow: costs above it become an artifact and an event of the flow run."""

from collections.abc import Sequence
from pathlib import Path

from prefect.artifacts import acreate_markdown_artifact
from prefect.events import emit_event
from prefect.runtime import flow_run

from tasks.enforce import HeldLimit, hold_budget, read_budget
from tasks.model.names import RunKey

BUDGET_EXCEEDED = "ebpf-overhead.budget.exceeded"
"""An event of the flow run; its payload holds `text`, a line for each cost above its limit."""


_TITLES = {
    "above": "Above the limit",
    "undecided": "Not proven within the limit",
    "within": "Within the limit",
}


async def check_budget(datasets: str, keys: Sequence[RunKey], budget: Path) -> None:
    """Raises InputErrors for mistakes in the budget file."""
    held = hold_budget(datasets, keys, read_budget(budget), str(budget))
    above = [str(one) for one in held if one.state == "above"]
    await acreate_markdown_artifact(key="budget", markdown=_markdown(held), description=budget.name)
    if above:
        emit_event(
            BUDGET_EXCEEDED,
            resource={
                "prefect.resource.id": f"prefect.flow-run.{flow_run.id}",
                "prefect.resource.name": str(flow_run.name),
            },
            payload={"text": "\n".join(above)},
        )


def _markdown(held: Sequence[HeldLimit]) -> str:
    parts = []
    for state, title in (
        ("above", "Above"),
        ("undecided", "Not proven within"),
        ("within", "Within"),
    ):
        lines = [f"- {one}" for one in held if one.state == state]
        parts += [f"**{title} the limit: {len(lines)}**", *lines, ""]
    return "\n".join(parts)
