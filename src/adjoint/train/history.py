"""What a run has to tell: one row for each epoch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, overload


@dataclass(frozen=True)
class Row:
    """One epoch.

    Args:
        epoch: counted from 1.
        loss: mean of the steps' losses, each as it was before its update.
        val_loss: of the validation data after the epoch; None without any.
        metrics: by name, on the validation data, or without any on the training data; with
            several losses also each of them.
        seconds: what the epoch took, validation included.
    """

    epoch: int
    loss: float
    val_loss: float | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0

    def __getitem__(self, name: str) -> Any:
        """A column by name: a field, or a metric."""
        if name in self.metrics:
            return self.metrics[name]
        if name in ("epoch", "loss", "val_loss", "metrics", "seconds"):
            return getattr(self, name)
        raise KeyError(name)


class History(Sequence[Row]):
    """The rows of a run; prints as a table.

    >>> history = History([Row(1, 0.5, 0.6, {"accuracy": 0.9}), Row(2, 0.25, 0.5)])
    >>> history.column("loss")
    [0.5, 0.25]
    >>> len(history), history[-1].val_loss
    (2, 0.5)
    >>> history["loss"] == history.loss == history.column("loss")
    True
    """

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        self._rows = tuple(rows)

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> History: ...
    @overload
    def __getitem__(self, index: str) -> list[Any]: ...
    def __getitem__(self, index: int | slice | str) -> Row | History | list[Any]:
        if isinstance(index, str):
            return self.column(index)
        if isinstance(index, slice):
            return History(self._rows[index])
        return self._rows[index]

    def __getattr__(self, name: str) -> list[Any]:
        if name in ("epoch", "loss", "val_loss", "metrics", "seconds"):
            return self.column(name)
        raise AttributeError(f"a history has no {name}")

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)

    def __add__(self, row: Row) -> History:
        return History((*self._rows, row))

    def column(self, name: str) -> list[Any]:
        """One number of every row: a field or a metric."""
        return [row[name] for row in self._rows]

    def documents(self) -> list[dict[str, Any]]:
        """The rows for JSON."""
        # As text: JSON has no NaN, and this text gives every bit back.
        return [
            {
                "epoch": row.epoch,
                "loss": repr(row.loss),
                "val_loss": None if row.val_loss is None else repr(row.val_loss),
                "metrics": {name: repr(float(value)) for name, value in row.metrics.items()},
                "seconds": row.seconds,
            }
            for row in self._rows
        ]

    @classmethod
    def from_documents(cls, documents: list[dict[str, Any]]) -> History:
        """The history that :meth:`documents` wrote."""
        return cls(
            Row(
                found["epoch"],
                float(found["loss"]),
                None if found["val_loss"] is None else float(found["val_loss"]),
                {name: float(value) for name, value in found["metrics"].items()},
                found["seconds"],
            )
            for found in documents
        )

    def __repr__(self) -> str:
        return f"History({len(self)} epochs)"

    def __str__(self) -> str:
        names = list(dict.fromkeys(name for row in self._rows for name in row.metrics))
        heading = ("epoch", "loss", "val_loss", *names, "seconds")
        lines = ["  ".join(f"{name:>10}" for name in heading)]
        for row in self._rows:
            numbers = [row.loss, row.val_loss, *(row.metrics.get(name) for name in names)]
            shown = ["" if x is None else f"{x:.6g}" for x in numbers]
            cells = [str(row.epoch), *shown, f"{row.seconds:.3f}"]
            lines.append("  ".join(f"{cell:>10}" for cell in cells))
        return "\n".join(lines)
