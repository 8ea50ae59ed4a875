"""What may happen between the steps of a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from adjoint.errors import StructureError
from adjoint.settings import check_range, check_whole
from adjoint.train.history import Row

if TYPE_CHECKING:
    from adjoint.train.run import Run


class Callback:
    """Something that is told how a run goes; every method may be left out.

    A plain function is a callback too: it is called as ``f(run, row)`` after each epoch.
    ``run.stop(reason)`` ends the run after the epoch.
    """

    def on_start(self, run: Run) -> None:
        """Before the first step; after a resume too."""

    def on_steps(self, run: Run) -> None:
        """After each call into the compiled loop, which takes some steps."""

    def on_epoch(self, run: Run, row: Row) -> None:
        """After each epoch and its validation."""

    def on_end(self, run: Run) -> None:
        """At the end, however it came."""

    def state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """What a checkpoint must hold for this callback: arrays by name, and JSON."""
        return {}, {}

    def restore(self, arrays: dict[str, Any], document: dict[str, Any]) -> None:
        """Take up what :meth:`state` gave."""


class Function(Callback):
    """A plain function, called after each epoch."""

    def __init__(self, function: Callable[[Run, Row], Any]) -> None:
        self.function = function

    def on_epoch(self, run: Run, row: Row) -> None:
        """Call it."""
        self.function(run, row)


class EarlyStopping(Callback):
    """Ends the run when a watched number no longer improves, and keeps the best model.

    Args:
        patience: epochs without improvement that are borne.
        monitor: ``"val_loss"``, ``"loss"``, or a metric; the default is val_loss if there is
            validation data, else loss.
        min_delta: an improvement must be larger.
        restore_best: whether the result is the best model instead of the last.
        maximize: whether more is better; None: yes for metrics, no for losses.
    """

    def __init__(
        self,
        patience: int = 10,
        *,
        monitor: str | None = None,
        min_delta: float = 0.0,
        restore_best: bool = True,
        maximize: bool | None = None,
    ) -> None:
        check_whole("EarlyStopping", 0, patience=patience)
        check_range("EarlyStopping", "[0, inf)", min_delta=min_delta)
        self.patience = patience
        self.monitor = monitor
        self.min_delta = min_delta
        self.restore_best = restore_best
        self.maximize = maximize
        self.best: float | None = None
        self.best_epoch = 0
        self._arrays: dict[str, Any] = {}

    def on_start(self, run: Run) -> None:
        """A run that starts afresh knows no best; a resumed one has been told."""
        if run.epoch == 0 and run.step == 0:
            self.best, self.best_epoch, self._arrays = None, 0, {}

    def on_epoch(self, run: Run, row: Row) -> None:
        """Compare, keep, count."""
        name, value, sign = self._watched(row)
        if self.best is None or sign * value < sign * self.best - self.min_delta:
            self.best, self.best_epoch = value, row.epoch
            self._keep(run)
        else:
            self._count(run, row, name)

    def _watched(self, row: Row) -> tuple[str, float, float]:
        """The name and the value of what is watched, and -1 where more is better."""
        name = self.monitor or ("loss" if row.val_loss is None else "val_loss")
        more = name not in ("loss", "val_loss") if self.maximize is None else self.maximize
        return name, _watched(row, name), -1.0 if more else 1.0

    def _keep(self, run: Run) -> None:
        if self.restore_best:
            self._arrays = run.arrays()

    def _count(self, run: Run, row: Row, name: str) -> None:
        if row.epoch - self.best_epoch > self.patience:
            run.stop(f"{name} has not improved since epoch {self.best_epoch}")

    def on_end(self, run: Run) -> None:
        """Hand back the best model."""
        if self._arrays:
            run.use(self._arrays)

    def state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The best value, its epoch and its model."""
        return self._arrays, {"best": self.best, "best_epoch": self.best_epoch}

    def restore(self, arrays: dict[str, Any], document: dict[str, Any]) -> None:
        """Take up what state() gave."""
        self._arrays = arrays
        self.best, self.best_epoch = document["best"], document["best_epoch"]


def _watched(row: Row, name: str) -> float:
    try:
        value = row[name]
    except KeyError:
        value = None
    if value is None:
        raise StructureError(
            f"there is no {name!r} to watch",
            function="EarlyStopping",
            got=", ".join(["loss", *row.metrics]),
            remedy="give validation data, or the metric in metrics=",
        )
    return float(value)


class Stalling(EarlyStopping):
    """Early stopping as scikit-learn counts it.

    Every better value is the best so far, but one that is not better by ``min_delta`` counts as
    no improvement: many small steps forward end a run, which :class:`EarlyStopping` lets go on.
    """

    def on_epoch(self, run: Run, row: Row) -> None:
        """Compare, keep, count."""
        name, value, sign = self._watched(row)
        best = np.inf if self.best is None else sign * self.best
        if sign * value < best:
            self.best = value
            self._keep(run)
        if sign * value <= best - self.min_delta:
            self.best_epoch = row.epoch
        else:
            self._count(run, row, name)


def as_callback(item: Any) -> Callback:
    """A callback as it is, or a function made one."""
    if isinstance(item, Callback):
        return item
    if not callable(item):
        raise StructureError(
            "a callback must be a Callback or a function",
            function="fit",
            got=type(item).__name__,
            wanted="f(run, row)",
        )
    return Function(item)
