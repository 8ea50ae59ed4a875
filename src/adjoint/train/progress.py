"""A run on a terminal: a bar for the epoch, a row for each one that is done."""

from __future__ import annotations

import sys
from time import perf_counter
from typing import TYPE_CHECKING, Any

from adjoint.train.callbacks import Callback
from adjoint.train.history import Row

if TYPE_CHECKING:
    from adjoint.train.run import Run


class Progress(Callback):
    """Shows where a run stands, on standard error: steps a second, time left, the loss.

    Args:
        console: a rich Console to write to; by default one for standard error.
        rows: whether to write a row for each epoch.
    """

    def __init__(self, console: Any = None, rows: bool = True) -> None:
        self._console = console
        self._rows = rows
        self._bar: Any = None
        self._task: Any = None
        self._begun = 0.0
        self._done = 0
        self._shown: list[str] = []

    def on_start(self, run: Run) -> None:
        """Begin the bar."""
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        console = self._console or Console(stderr=True)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[loss]}"),
            console=console,
            transient=True,
            # What goes to a file must not end up on the screen.
            redirect_stdout=sys.stdout.isatty(),
        )
        total = None if run.steps is None else run.epochs * run.steps
        done = (run.steps or 0) * run.epoch + run.step
        self._task = self._bar.add_task(
            self._where(run), total=total, completed=done, rate="compiling", loss=""
        )
        self._begun = 0.0
        self._bar.start()

    def on_steps(self, run: Run) -> None:
        """Move the bar."""
        done = (run.steps or 0) * run.epoch + run.step
        rate = ""
        if not self._begun:  # the first call has compiled the loop, which says nothing of its speed
            self._begun, self._done = perf_counter(), done
        else:
            rate = f"{(done - self._done) / max(perf_counter() - self._begun, 1e-9):,.0f} steps/s"
        self._bar.update(
            self._task,
            description=self._where(run),
            completed=done,
            rate=rate,
            loss=f"loss {run.loss:.4g}",
        )

    def on_epoch(self, run: Run, row: Row) -> None:
        """Write the row."""
        if self._bar.tasks[0].total is None and run.steps is not None:
            self._bar.update(self._task, total=run.epochs * run.steps)
        if self._rows:
            for line in lines_of(row, self._shown):
                self._bar.console.print(line, highlight=False, markup=False)

    def on_end(self, run: Run) -> None:
        """Take the bar away; the rows stay."""
        if self._bar is not None:
            self._bar.stop()

    @staticmethod
    def _where(run: Run) -> str:
        return f"epoch {min(run.epoch + 1, run.epochs)}/{run.epochs}"


def lines_of(row: Row, shown: list[str]) -> list[str]:
    """A row as text, under a heading whenever the columns change.

    Args:
        row: of the history.
        shown: the names of the columns so far; brought up to date.
    """
    columns = {"epoch": str(row.epoch), "loss": f"{row.loss:.5f}"}
    if row.val_loss is not None:
        columns["val_loss"] = f"{row.val_loss:.5f}"
    columns |= {name: f"{value:.5f}" for name, value in row.metrics.items()}
    columns["seconds"] = f"{row.seconds:.3f}"
    lines = []
    if shown != list(columns):
        shown[:] = list(columns)
        lines.append("  ".join(f"{name:>{max(9, len(name))}}" for name in columns))
    lines.append("  ".join(f"{text:>{max(9, len(name))}}" for name, text in columns.items()))
    return lines
