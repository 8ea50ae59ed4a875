"""Checkpoints: everything a run needs to go on as if it had never stopped.

Randomness has no state of its own: orders, dropout and augmentation are functions of the seed
and the number of the epoch or step. So a checkpoint holds the carry (parameters, batch
statistics, optimiser with its schedule), the position, the history and what callbacks remember.
"""

from __future__ import annotations

import os
import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import numpy as np

from adjoint import tree
from adjoint.errors import FileFormatError, StructureError
from adjoint.train import container
from adjoint.train.callbacks import Callback
from adjoint.train.dataset import Dataset
from adjoint.train.history import History, Row
from adjoint.train.problem import Problem

if TYPE_CHECKING:
    from adjoint.train.run import Position, Run

_SAMPLED = 64  # rows of the data that the fingerprint looks at


@dataclass(frozen=True)
class _Snapshot:
    """A moment between two calls into the loop, at which everything fits together."""

    position: Position
    seconds: float
    history: History
    stopped: str
    callbacks: list[tuple[dict[str, Any], dict[str, Any]]]


class Checkpoint(Callback):
    """Writes the state of a run to a file, and takes it up again.

    Args:
        path: the file; its folder must exist.
        problem: what is learned.
        source: where batches come from.
        held: validation data.
        settings: whatever else decides on the bits of the run.
        every: seconds between two writings.
    """

    def __init__(
        self,
        path: Any,
        problem: Problem,
        source: Any,
        held: Dataset | None,
        settings: dict[str, Any],
        every: float,
    ) -> None:
        self.path = Path(os.fspath(path))
        self.every = every
        self._written = monotonic()
        self._latest: _Snapshot | None = None
        self._is_written = False
        self._fingerprint = _fingerprint(problem, source, held, settings)
        if self.path.is_dir():
            raise StructureError(
                "the checkpoint must be a file, and there is a folder of that name",
                function="fit",
                got=str(self.path),
                remedy=f"name a file in it, such as {self.path / 'run.safetensors'}",
            )
        if not self.path.parent.is_dir():
            raise StructureError(
                "the folder of the checkpoint does not exist",
                function="fit",
                got=str(self.path.parent),
            )

    def on_steps(self, run: Run) -> None:
        """Note where the run stands, and write if it is time."""
        self._note(run)

    def on_epoch(self, run: Run, row: Row) -> None:
        """Note where the run stands, and write if it is time."""
        self._note(run)

    def on_end(self, run: Run) -> None:
        """Write the last moment at which everything fitted together."""
        latest = self._latest
        if latest is None or run.failed or not run.still_holds(latest.position):
            return
        if not self._is_written:
            self._write(latest)

    def _note(self, run: Run) -> None:
        if not run.can_be_saved:
            return
        self._latest = _Snapshot(
            run.position,
            run.seconds_of_epoch(),
            run.history,
            run.stopped,
            [callback.state() for callback in run.callbacks],
        )
        self._is_written = False
        if monotonic() - self._written >= self.every:
            self._write(self._latest)

    def _write(self, snapshot: _Snapshot) -> None:
        at = snapshot.position
        arrays = {f"carry {path}": x for path, x in _by_path(at.carry).items()}
        for number, (own, _) in enumerate(snapshot.callbacks):
            arrays |= {f"callback {number} {name}": x for name, x in own.items()}
        document = {
            "fingerprint": self._fingerprint,
            "epoch": at.epoch,
            "step": at.step,
            "before": at.before,
            "sums": {name: repr(value) for name, value in at.sums.items()},
            "weight": at.weight,
            "seconds": snapshot.seconds,
            "history": snapshot.history.documents(),
            "stopped": snapshot.stopped,
            "callbacks": [document for _, document in snapshot.callbacks],
        }
        container.write(self.path, "checkpoint", arrays, document)
        self._is_written = True
        self._written = monotonic()

    def resume(self, run: Run) -> bool:
        """Put a run where the file says; False if there is no file.

        Raises:
            FileFormatError: the file is damaged.
            StructureError: it belongs to another run.
        """
        from adjoint.train.run import Position

        if not self.path.exists():
            return False
        arrays, document = container.read(self.path, "checkpoint", "fit")
        self._check(document["fingerprint"])
        own: list[dict[str, Any]] = [{} for _ in document["callbacks"]]
        carried = {}
        for name, value in arrays.items():
            kind, _, rest = name.partition(" ")
            if kind == "carry":
                carried[rest] = value
            else:
                number, _, inside = rest.partition(" ")
                own[int(number)][inside] = value
        if len(own) != len(run.callbacks):
            raise self._other("callbacks", len(own), len(run.callbacks))
        run.position = Position(
            _filled(run.position.carry, carried, self.path),
            document["epoch"],
            document["step"],
            {name: float(value) for name, value in document["sums"].items()},
            document["weight"],
            document["seconds"],
            # Files of before 22 November 2026 do not say; their epochs were all of one length.
            document.get("before", document["epoch"] * (run.steps or 0)),
        )
        run.history = History.from_documents(document["history"])
        run.stopped = document["stopped"]
        for callback, mine, noted in zip(run.callbacks, own, document["callbacks"], strict=True):
            callback.restore(mine, noted)
        return True

    def _check(self, found: dict[str, Any]) -> None:
        for name, mine in self._fingerprint.items():
            if found.get(name) != mine:
                raise self._other(name, found.get(name), mine)

    def _other(self, name: str, got: Any, wanted: Any) -> StructureError:
        return StructureError(
            f"the checkpoint {self.path} belongs to another run: its {name} differs",
            function="fit",
            got=str(got)[:200],
            wanted=str(wanted)[:200],
            remedy="give the run its own checkpoint file, or resume=False to start afresh",
        )


def _by_path(values: Any) -> dict[str, Any]:
    return dict(zip(tree.paths(values), tree.leaves(values), strict=True))


def _filled(like: Any, arrays: dict[str, Any], path: Path) -> Any:
    leaves, structure = tree.flatten(like)
    names = tree.paths(like)
    if sorted(names) != sorted(arrays):
        raise FileFormatError(f"{path} does not hold the state of this optimiser", function="fit")
    for name, leaf in zip(names, leaves, strict=True):
        if np.shape(leaf) != arrays[name].shape:
            raise FileFormatError(f"{name} has another shape in {path}", function="fit")
    return tree.unflatten(structure, [arrays[name] for name in names])


def _fingerprint(
    problem: Problem, source: Any, held: Dataset | None, settings: dict[str, Any]
) -> dict[str, Any]:
    """What must be alike for a resumed run to have the same bits."""
    carry = problem.start()
    return {
        **settings,
        "model": {name: f"{x.dtype}{list(x.shape)}" for name, x in carry["parameters"].items()},
        "optimizer": _named(problem.optimizer),
        "loss": [_named(loss) for loss in problem.objective.losses.values()],
        "loss_weights": {name: repr(x) for name, x in problem.objective.factors.items()},
        "augmentation": problem.augment is not None,
        "dtype": str(problem.dtype),
        "truncate": problem.window,
        "start": _digest(carry["parameters"]),
        "data": None if source.gathered is None else _digest(source.gathered),
        "validation": None if held is None else _digest(held.parts),
    }


def _named(thing: Any) -> str:
    """A thing's text without the addresses that differ from process to process."""
    return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(thing))


def _digest(values: Any) -> str:
    """Types and a sample of the rows: enough to tell data apart, quick on any size."""
    check = 0
    for name, x in _by_path(values).items():
        sample = x
        if x.ndim and x.size:
            sample = x[np.unique(np.linspace(0, len(x) - 1, _SAMPLED, dtype=np.int64))]
        check = zlib.crc32(f"{name}{x.dtype}{x.shape}".encode(), check)
        check = zlib.crc32(np.ascontiguousarray(sample).tobytes(), check)
    return f"{check:08x}"
