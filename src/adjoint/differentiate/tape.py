"""One concrete run of a function, kept for its derivatives.

The graph of the run is only built, linearised and transposed when the same sequence of
operations has not been seen before: derivative programs are kept, keyed on the records
themselves, so a second call of the same structure pays for the arithmetic alone.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from adjoint.differentiate.equal_values import may_meet_equal_values, splitting_records
from adjoint.differentiate.guarded import guarded_tangents
from adjoint.differentiate.linearize import Linearized, linearize
from adjoint.differentiate.powers_of_roots import Met, may_meet_zero, roots_of_run
from adjoint.differentiate.replay import replay, replay_values, value_of
from adjoint.differentiate.reverse import pullback_graph
from adjoint.differentiate.stitch import pullback_of, pushforward_of
from adjoint.differentiate.zero_lengths import zero_lengths
from adjoint.errors import LeakedArrayError
from adjoint.graph.collection import uncollected
from adjoint.graph.evaluate import program_of
from adjoint.graph.graph import Graph
from adjoint.graph.types import ArrayType
from adjoint.primitives.conventions import current
from adjoint.trace.constants import stack_constants
from adjoint.trace.record import current as up_to_date
from adjoint.trace.recorder import Recorder, TracedCore
from adjoint.trace.records import Record

_INLINE = 8  # elements of a constant that becomes part of a changed graph


class Derivative(NamedTuple):
    """A derivative program of a run: what it reads of the run, and what it computes."""

    graph: Graph
    residuals: tuple[Any, ...]  # indices of the recorder's values; values of a changed graph
    active_outputs: tuple[int, ...]
    splitting: tuple[Record, ...] = ()  # factors of the run that may meet equal values
    roots: tuple[Met, ...] = ()  # roots with powers or slopes in the run, which may be 0


class Programs:
    """Derivative programs under the runs they were made from: the ones used last are kept.

    Args:
        most: records of all the runs together; one with its program takes about a kilobyte.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.records = 0
        self.known: OrderedDict[Any, tuple[int, Derivative]] = OrderedDict()
        self.lock = threading.Lock()

    def find(self, key: Any) -> Derivative | None:
        """The program kept under a key."""
        with self.lock:
            found = self.known.get(key)
            if found is None:
                return None
            self.known.move_to_end(key)
            return found[1]

    def keep(self, key: Any, records: int, derivative: Derivative) -> None:
        """Keep a program of a run of so many records, and let go of the oldest."""
        size = records + 16  # a short run's program is not free either
        with self.lock:
            if size > self.most or key in self.known:
                return
            self.known[key] = size, derivative
            self.records += size
            while self.records > self.most:
                _, (fewer, _) = self.known.popitem(last=False)
                self.records -= fewer

    def clear(self) -> None:
        """Let go of all programs."""
        with self.lock:
            self.known.clear()
            self.records = 0


_programs = Programs(most=200_000)


def _pushforward_graph(graph: Graph, active: Sequence[bool]) -> Linearized:
    linear = linearize(graph, active)
    count, n_residuals = len(linear.graph.inputs), len(linear.residuals)
    moving = [i >= n_residuals for i in range(count)]
    return linear._replace(graph=guarded_tangents(linear.graph, moving, [False] * count)[0])


# By kind: the derivative program of a graph, and of a run.
_MAKERS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "pullback": (pullback_graph, pullback_of),
    "pushforward": (_pushforward_graph, pushforward_of),
}


class Tape:
    """A finished recording: its values, and the derivative programs made from it."""

    __slots__ = ("changed", "n_inputs", "outputs", "recorder")

    def __init__(self, recorder: Recorder, n_inputs: int, results: Sequence[Any]) -> None:
        self.recorder = recorder
        self.n_inputs = n_inputs
        # None where a result does not depend on the inputs at all
        self.outputs = tuple(
            [
                x.number if isinstance(x, TracedCore) and x.recorder is recorder else None
                for x in results
            ]
        )
        # A graph that gives the same results, and its values; None where the run stands.
        self.changed: tuple[Graph, dict[Any, Any]] | None = None

    def change(self, rewrite: Callable[[Graph], Graph], further: Sequence[Any]) -> list[Any] | None:
        """Go on with a graph rewritten from the run's, run anew on the same arguments.

        Args:
            rewrite: from the recorded graph to the one that takes its place.
            further: more results of the run, which are not differentiated.

        Returns:
            What the results, then the further ones, are in that run; None where the rewriting
            left the graph as it was. Results that do not depend on the arguments are None.
        """
        recorder = self.recorder
        traced = [i for i in self.outputs if i is not None]
        also = [x.number for x in further]
        recorded = recorder.graph([*traced, *also], range(self.n_inputs), inline=_INLINE)
        captured = [recorder.payloads[i] for i in recorded.captured]
        before, captured = stack_constants(recorded.graph, self.n_inputs, captured, stand_ins=True)
        graph = rewrite(before)
        if graph is before:
            return None
        values = replay_values(graph, [*recorder.payloads[: self.n_inputs], *captured])
        results = iter([value_of(o, values) for o in graph.outputs])
        self.changed = Graph(graph.inputs, graph.nodes, graph.outputs[: len(traced)]), values
        return [*[None if i is None else next(results) for i in self.outputs], *results]

    def _derivative(self, kind: str) -> Derivative:
        recorder = self.recorder
        of_graph, of_run = _MAKERS[kind]
        places = [k for k, i in enumerate(self.outputs) if i is not None]
        if self.changed is not None:
            graph = self.changed[0]
            active = [i < self.n_inputs for i in range(len(graph.inputs))]
            made = graph.memo((kind, self.n_inputs), lambda g: of_graph(g, active))
            return Derivative(
                made.graph, made.residuals, tuple(places[k] for k in made.active_outputs)
            )
        types = tuple([(x.shape, x.dtype) for x in recorder.payloads[: self.n_inputs]])
        key = (kind, types, self.outputs, current(), tuple(recorder.records))
        known = _programs.find(key)
        if known is None:
            traced = [i for i in self.outputs if i is not None]
            with uncollected():
                made = of_run(recorder, self.n_inputs, traced)
            ends = tuple([places[k] for k in made.active_outputs])
            operations = [r for r in recorder.records if r[0] is not None]
            splitting = splitting_records(recorder)
            lengths = zero_lengths(operations).lengths
            roots = (*roots_of_run(operations), *[Met(k, True) for k in lengths])
            known = Derivative(made.graph, made.residuals, ends, splitting, roots)
            _programs.keep(key, len(recorder.records), known)
        if may_meet_equal_values(known.splitting, recorder.payloads) or may_meet_zero(
            known.roots, recorder.payloads
        ):
            whole = self._as_one_graph(("as one graph", *key), of_graph, places)
            # Values that were written over since are kept only where the usual one reads them.
            if not any(isinstance(recorder.payloads[i], ArrayType) for i in whole.residuals):
                return whole
        return known

    def _as_one_graph(self, key: Any, of_graph: Any, places: Sequence[int]) -> Derivative:
        """The derivative of the whole run, with limits at equal values and squares of roots."""
        known = _programs.find(key)
        if known is None:
            recorder = self.recorder
            traced = [i for i in self.outputs if i is not None]
            recorded = recorder.graph(traced, range(self.n_inputs))
            active = [i < self.n_inputs for i in range(len(recorded.graph.inputs))]
            made = of_graph(recorded.graph, active)
            index = {value: i for i, value in recorded.values.items()}
            residuals = tuple([index[v] for v in made.residuals])
            ends = tuple([places[k] for k in made.active_outputs])
            known = Derivative(made.graph, residuals, ends)
            _programs.keep(key, len(recorder.records), known)
        return known

    def _run(self, derivative: Derivative, arguments: Sequence[Any]) -> list[Any]:
        inputs = [*self.residuals(derivative), *arguments]
        again = any(isinstance(x, TracedCore) for x in inputs)
        # Partials may be infinite where the function is not smooth: that is a result, and
        # no line of the user's is to blame.
        with np.errstate(all="ignore"):
            return (
                replay(derivative.graph, inputs) if again else program_of(derivative.graph)(inputs)
            )

    def pull(self, cotangents: Sequence[Any]) -> list[Any]:
        """Cotangents of the inputs from cotangents of the results."""
        derivative = self._derivative("pullback")
        return self._run(derivative, [cotangents[i] for i in derivative.active_outputs])

    def push(self, tangents: Sequence[Any]) -> list[Any]:
        """Tangents of the results from tangents of the inputs; None means zero."""
        derivative = self._derivative("pushforward")
        outputs = self._run(derivative, list(tangents))
        found: list[Any] = [None] * len(self.outputs)
        for i, value in zip(derivative.active_outputs, outputs, strict=True):
            found[i] = value
        return found

    def pullback(self) -> Derivative:
        """The pullback program itself, for whoever batches it."""
        return self._derivative("pullback")

    def pushforward(self) -> Derivative:
        """The pushforward program itself, for whoever batches it."""
        return self._derivative("pushforward")

    def residuals(self, derivative: Derivative) -> list[Any]:
        """What a derivative program reads of this run."""
        if self.changed is not None:
            values = self.changed[1]
            return [values[v] for v in derivative.residuals]
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
