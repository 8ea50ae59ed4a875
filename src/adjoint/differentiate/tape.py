"""One concrete run of a function, kept for its derivatives.

The graph of the run is only built, linearised and transposed when the same sequence of
operations has not been seen before: derivative programs are kept, keyed on the records
themselves, so a second call of the same structure pays for the arithmetic alone.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from adjoint.differentiate.linearize import linearize
from adjoint.differentiate.replay import replay
from adjoint.differentiate.reverse import pullback_graph
from adjoint.errors import LeakedArrayError
from adjoint.graph.evaluate import program_of
from adjoint.graph.graph import Graph, Literal
from adjoint.primitives.conventions import current
from adjoint.trace.record import current as up_to_date
from adjoint.trace.recorder import Recorder, TracedCore

_MAX_PROGRAMS = 256
_LONGEST_KEY = 20_000  # records; longer runs are not worth keeping a copy of


class Derivative(NamedTuple):
    """A derivative program of a run: what it reads of the run, and what it computes."""

    graph: Graph
    residuals: tuple[int, ...]  # indices of the recorder's values
    active_outputs: tuple[int, ...]


_programs: OrderedDict[Any, Derivative] = OrderedDict()


class Tape:
    """A finished recording: its values, and the derivative programs made from it."""

    __slots__ = ("n_inputs", "outputs", "recorder")

    def __init__(self, recorder: Recorder, n_inputs: int, results: Sequence[Any]) -> None:
        self.recorder = recorder
        self.n_inputs = n_inputs
        # None where a result does not depend on the inputs at all
        self.outputs = tuple(
            [
                x.index if isinstance(x, TracedCore) and x.recorder is recorder else None
                for x in results
            ]
        )

    def _derivative(self, kind: str, make: Callable[[Graph, Sequence[bool]], Any]) -> Derivative:
        recorder = self.recorder
        key: Any = None
        if len(recorder.records) <= _LONGEST_KEY:
            types = tuple([(x.shape, x.dtype) for x in recorder.payloads[: self.n_inputs]])
            key = (kind, types, self.outputs, current(), tuple(recorder.records))
            known = _programs.get(key)
            if known is not None:
                return known
        traced = [i for i in self.outputs if i is not None]
        recorded = recorder.graph(traced, range(self.n_inputs))
        graph = recorded.graph
        index = {value: i for i, value in recorded.values.items() if not isinstance(value, Literal)}
        active = [i < self.n_inputs for i in range(len(graph.inputs))]
        made = make(graph, active)
        places = [k for k, i in enumerate(self.outputs) if i is not None]
        result = Derivative(
            made.graph,
            tuple(index[value] for value in made.residuals),
            tuple(places[k] for k in made.active_outputs),
        )
        if key is not None:
            _programs[key] = result
            while len(_programs) > _MAX_PROGRAMS:
                _programs.popitem(last=False)
        return result

    def _run(self, derivative: Derivative, arguments: Sequence[Any]) -> list[Any]:
        payloads = self.recorder.payloads
        inputs = [payloads[i] for i in derivative.residuals]
        inputs += arguments
        for x in inputs:
            if isinstance(x, TracedCore):
                return replay(derivative.graph, inputs)
        # Partials may be infinite where the function is not smooth: that is a result, and
        # no line of the user's is to blame.
        with np.errstate(all="ignore"):
            return program_of(derivative.graph)(inputs)

    def pull(self, cotangents: Sequence[Any]) -> list[Any]:
        """Cotangents of the inputs from cotangents of the results."""
        derivative = self._derivative("pullback", pullback_graph)
        return self._run(derivative, [cotangents[i] for i in derivative.active_outputs])

    def push(self, tangents: Sequence[Any]) -> list[Any]:
        """Tangents of the results from tangents of the inputs; None means zero."""
        derivative = self._derivative("pushforward", linearize)
        outputs = self._run(derivative, list(tangents))
        found: list[Any] = [None] * len(self.outputs)
        for i, value in zip(derivative.active_outputs, outputs, strict=True):
            found[i] = value
        return found

    def pullback(self) -> Derivative:
        """The pullback program itself, for whoever batches it."""
        return self._derivative("pullback", pullback_graph)

    def pushforward(self) -> Derivative:
        """The pushforward program itself, for whoever batches it."""
        return self._derivative("pushforward", linearize)

    def residuals(self, derivative: Derivative) -> list[Any]:
        """What a derivative program reads of this run."""
        return [self.recorder.payloads[i] for i in derivative.residuals]


def payload_of(x: Any, recorder: Recorder) -> Any:
    """What a result is outside the recording."""
    x = up_to_date(x)
    if isinstance(x, TracedCore):
        if x.recorder is recorder:
            return x.payload
        if x.recorder.level > recorder.level:
            raise LeakedArrayError(
                "the result holds a stand-in array of a call that has ended",
                function=recorder.name,
                remedy="return values from the inner function instead of storing them",
            )
    return x
