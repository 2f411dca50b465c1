"""A campaign's progress on the terminal."""

from pathlib import Path
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from tasks.model.outcome import Outcome

from ..progress import EnvironmentProgress


class TerminalProgress:
    """A bar for each environment, and a line for each cell that does not count."""

    def __init__(self, console: Console, run: str, results: Path) -> None:
        self._console, self._run, self._results = console, run, results
        self._bars: dict[str, TaskID] = {}
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[now]}"),
            console=console,
        )

    def __enter__(self) -> Self:
        self._console.print(
            f"run [bold]{self._run}[/]; raw results go to {self._results / self._run}",
            soft_wrap=True,
        )
        self._progress.start()
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._progress.stop()
        if error is not None and self._bars:
            self._console.print(f"resume it with: ebpf-overhead run --resume {self._run}")

    def notify(self, text: str) -> None:
        self._console.print(text, soft_wrap=True)

    def slot_started(self, place: EnvironmentProgress) -> None:
        name, total, now = place.environment, place.total, place.text
        if name not in self._bars:
            self._bars[name] = self._progress.add_task(name, total=total, now=now)
        self._progress.update(self._bars[name], completed=place.done, now=now)
        if not self._console.is_terminal:
            self._console.print(f"{name} {place.done + 1}/{total} {now}")

    def cell_ended(self, outcome: Outcome) -> None:
        if outcome.status != "passed":
            key = outcome.key
            self.notify(
                f"[yellow]{outcome.status}[/] {key.case} · {key.workload} (iteration "
                f"{key.iteration}): {escape(outcome.gate)} {escape(outcome.reason)}"
            )
