"""The ways through a function that decides on values, each recorded when it is first met."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from adjoint.api.held_steps import Steps
from adjoint.errors import ConcreteValueError, UnsupportedError
from adjoint.graph.source import source_here
from adjoint.trace.branches import record_at
from adjoint.trace.indexing import value_behind
from adjoint.trace.record import Recording

_MOST = 1000


class Path:
    """One way through a function, with the decisions that lead along it."""

    def __init__(self, recording: Recording, n_inputs: int, reads: Sequence[Any]) -> None:
        self.captured = recording.captured
        self.numbers = [value_behind(x) for x in recording.captured]
        moving = [i < n_inputs for i in range(len(recording.graph.inputs))]
        self.steps = Steps(recording.graph, moving)
        self.reads = list(reads)

    def look(self, values: Sequence[Any]) -> tuple[Any, list[Any]] | None:
        """The function's result and steps, if this is the way that it goes."""
        result, reads, steps = self.steps.at([*values, *self.numbers])
        return (result, steps) if _alike(reads, self.reads) else None


def _alike(first: Sequence[Any], second: Sequence[Any]) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(first, second, strict=True))


class Place(NamedTuple):
    """What a function does at a place."""

    path: Path
    result: Any
    steps: list[Any]

    def same(self, values: Sequence[Any]) -> bool:
        """Whether it does the same at another place."""
        found = self.path.look(values)
        return found is not None and _alike(found[1], self.steps)


class Paths:
    """A function of plain numbers, and the ways through it that have been met.

    Args:
        function: of plain numbers; what it takes from outside may be recorded.
        n_inputs: of how many.
        name: of SciPy's function, for messages.
        first: a way that is known already.
    """

    def __init__(
        self, function: Callable[..., Any], n_inputs: int, name: str, first: Path | None = None
    ) -> None:
        self._function, self._n, self._name = function, n_inputs, name
        self._paths = [] if first is None else [first]

    def at(self, *values: Any) -> Place:
        """What the function does there."""
        for i, path in enumerate(self._paths):
            found = path.look(values)
            if found is not None:
                if i:
                    self._paths.insert(0, self._paths.pop(i))
                return Place(path, *found)
        path = self._record(values)
        self._paths.insert(0, path)
        found = path.look(values)
        if found is None:
            raise self._refused("a decision on values that comes out otherwise when it is repeated")
        return Place(path, *found)

    def _record(self, values: Sequence[Any]) -> Path:
        if len(self._paths) >= _MOST:
            raise self._refused(f"more than {_MOST} ways through a function with branches")
        recording, count = record_at(self._function, values, self._name)
        whole = Path(recording, self._n, ())
        if any(x is None for x in whole.numbers):
            raise ConcreteValueError(
                "a branch leads to the value of an array, which is not known while recording",
                function=self._name,
                source=source_here(),
                remedy="use np.where or ad.cond, or take the decision outside",
            )
        *_, reads, _ = whole.steps.at([*values, *whole.numbers])
        if len(reads) != count:
            raise self._refused("a function with several results")
        whole.reads = reads
        if not whole.steps.decided:
            raise ConcreteValueError(
                "a branch depends on values in a way that is no comparison, sign or rounding",
                function=self._name,
                source=source_here(),
                remedy="decide by comparisons of recorded numbers, or use np.where",
            )
        return whole

    def _refused(self, what: str) -> UnsupportedError:
        return UnsupportedError(
            f"{what} cannot be followed on recorded values",
            function=self._name,
            source=source_here(),
            remedy="write the choice with np.where or ad.cond",
        )
