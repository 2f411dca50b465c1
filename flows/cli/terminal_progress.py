"""A campaign's progress on the terminal."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from tasks.model.outcome import Outcome

from ..progress import EnvironmentProgress, progress_on


@contextmanager
def terminal_progress(console: Console, run: str, results: Path) -> Iterator[None]:
    """Shows the progress of the run in the body, and how to resume it if it is cut short."""
    console.print(f"run [bold]{run}[/]; raw results go to {results / run}", soft_wrap=True)
    bars = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[now]}"),
        console=console,
        disable=not console.is_terminal,
    )
    try:
        with bars, progress_on(TerminalProgress(console, bars)):
            yield
    except BaseException:
        if bars.tasks:
            console.print(f"resume it with: ebpf-overhead run --resume {run}")
        raise


class TerminalProgress:
    """A bar for each environment, and a line for each cell that does not count."""

    def __init__(self, console: Console, bars: Progress) -> None:
        self._console, self._bars = console, bars
        self._bar_of: dict[str, TaskID] = {}

    def notify(self, text: str) -> None:
        self._console.print(text, soft_wrap=True)

    def slot_started(self, place: EnvironmentProgress) -> None:
        name, total, now = place.environment, place.total, place.text
        if name not in self._bar_of:
            self._bar_of[name] = self._bars.add_task(name, total=total, now=now)
        self._bars.update(self._bar_of[name], completed=place.done, now=now)
        if not self._console.is_terminal:
            self._console.print(f"{name} {place.done + 1}/{total} {now}")

    def cell_ended(self, outcome: Outcome) -> None:
        if outcome.status != "passed":
            key = outcome.key
            self.notify(
                f"[yellow]{outcome.status}[/] {key.case} · {key.workload} (iteration "
                f"{key.iteration}): {escape(outcome.gate)} {escape(outcome.reason)}"
            )
