"""Derivatives of a recorded run, put together from those of its single operations.

A long loop of Python's records the same few operations again and again. So each operation is
linearised and transposed once, as a graph of one node, and kept under what its derivative
depends on: primitive, attributes, types, and which operands are active. The derivative of a
run then is a walk along its records that copies these patterns one after the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from adjoint.differentiate.guarded import guarded_tangents
from adjoint.differentiate.linearize import linearize
from adjoint.differentiate.transpose import transposed
from adjoint.graph.graph import Graph, Literal, Node, Operand, Value
from adjoint.graph.source import Source
from adjoint.graph.types import ArrayType, type_of
from adjoint.primitives.conventions import current
from adjoint.primitives.linear import PLACED, add, broadcast
from adjoint.trace.recorder import MADE_ANEW, Recorder
from adjoint.trace.records import Record, n_outputs

# (primitive, where its operands stand, attributes, types of its outputs)
Step = tuple[Any, tuple[int, ...], tuple[Any, ...], tuple[ArrayType, ...]]


class Pattern:
    """The nodes of a small graph, ready to be copied.

    Args:
        graph: what to copy.
        reads: its first inputs: what it reads of the run.
        targets: for each output, the operand it belongs to, and whether it is guarded; None
            where nothing reaches the operand.
    """

    __slots__ = ("literals", "reads", "results", "steps")

    def __init__(
        self, graph: Graph, reads: list[int], targets: Sequence[tuple[int, bool] | None]
    ) -> None:
        self.reads = reads
        place: dict[Operand, int] = {value: i for i, value in enumerate(graph.inputs)}
        self.literals: list[Literal] = []
        numbers: dict[Any, int] = {}
        operands = [o for node in graph.nodes for o in node.operands]
        for operand in (*operands, *graph.outputs):
            if isinstance(operand, Literal) and operand not in place:
                if operand.key not in numbers:
                    numbers[operand.key] = len(graph.inputs) + len(self.literals)
                    self.literals.append(operand)
                place[operand] = numbers[operand.key]
        self.steps: list[Step] = []
        made: dict[Any, tuple[int, ...]] = {}  # what operands have in common is computed once
        count = len(graph.inputs) + len(self.literals)
        for node in graph.nodes:
            ins = tuple([place[o] for o in node.operands])
            types = tuple([value.type for value in node.outputs])
            step = (node.primitive, ins, node.attributes, types)
            if step not in made:
                self.steps.append(step)
                made[step] = tuple(range(count, count + len(types)))
                count += len(types)
            place.update(zip(node.outputs, made[step], strict=True))
        pairs = zip(graph.outputs, targets, strict=True)
        self.results = [(place[o], *target) for o, target in pairs if target is not None]

    def copy(
        self,
        inputs: Sequence[Operand],
        source: Source | None,
        nodes: list[Node],
        start: tuple[int, ...] | None = None,
    ) -> list[Operand]:
        """Add the nodes for these inputs; returns all values, in the order of their places.

        Args:
            inputs: what takes the place of the graph's.
            source: the user's line.
            nodes: where to add.
            start: of the operation, if its pattern is kept as one that starts at 0.
        """
        values: list[Operand] = [*inputs, *self.literals]
        for primitive, ins, attributes, types in self.steps:
            if start is not None and primitive.name in PLACED:
                attributes = (start, *attributes[1:])
            made = tuple([Value(kind) for kind in types])
            nodes.append(Node(primitive, tuple([values[i] for i in ins]), attributes, made, source))
            values += made
        return values


class Linear:
    """One operation, linearised in some of its operands.

    Args:
        node: the operation.
        active: which operands move.
    """

    __slots__ = ("active", "graph", "outputs", "patterns", "reads")

    def __init__(self, node: Node, active: tuple[bool, ...]) -> None:
        whole = Graph(node.operands, (node,), node.outputs)  # type: ignore[arg-type]
        made = linearize(whole, active)
        places: dict[Value, int] = {v: k for k, v in enumerate(whole.inputs)}
        for j, value in enumerate(node.outputs):
            places[value] = ~j
        self.graph = made.graph
        self.active = [k for k, flag in enumerate(active) if flag]
        self.outputs = made.active_outputs
        # Operands by number, outputs by the number's complement.
        self.reads = [places[value] for value in made.residuals]
        self.patterns: dict[Any, Pattern] = {}

    def push(self, wanted: tuple[int, ...], guarded: tuple[bool, ...]) -> Pattern:
        """Tangents of some outputs; the pattern's targets are their numbers."""
        key = ("push", wanted, guarded)
        found = self.patterns.get(key)
        if found is None:
            part, reads = self._part(wanted)
            fixed = [False] * len(reads)
            linear = [*fixed, *[True] * len(guarded)]
            graph, flags = guarded_tangents(part, linear, [*fixed, *guarded])
            targets = list(zip(wanted, flags, strict=True))
            found = self.patterns[key] = Pattern(graph, reads, targets)
        return found

    def pull(self, carried: tuple[int, ...], guarded: tuple[bool, ...]) -> Pattern:
        """The transpose, for those outputs that have a cotangent."""
        key = ("pull", carried, guarded)
        found = self.patterns.get(key)
        if found is None:
            part, reads = self._part(carried)
            mask = [i >= len(reads) for i in range(len(part.inputs))]
            graph, flags = transposed(part, mask, guarded)
            targets = [
                None if flag is None else (k, flag)
                for k, flag in zip(self.active, flags, strict=True)
            ]
            found = self.patterns[key] = Pattern(graph, reads, targets)
        return found

    def _part(self, wanted: tuple[int, ...]) -> tuple[Graph, list[int]]:
        """The linear graph of some outputs, and what it reads."""
        graph = self.graph
        if wanted == self.outputs:
            return graph, self.reads
        ends = [o for j, o in zip(self.outputs, graph.outputs, strict=True) if j in wanted]
        needed: set[Operand] = set(ends)
        nodes = []
        for node in reversed(graph.nodes):
            if any(value in needed for value in node.outputs):
                needed.update(node.operands)
                nodes.append(node)
        n = len(self.reads)
        pairs = list(zip(graph.inputs[:n], self.reads, strict=True))
        heads = [v for v, _ in pairs if v in needed]
        part = Graph((*heads, *graph.inputs[n:]), tuple(nodes[::-1]), tuple(ends))
        return part, [k for v, k in pairs if v in needed]


_linears: dict[Any, Linear] = {}


class Stitched(NamedTuple):
    """A derivative of a run, as ``Pullback`` and ``Linearized`` are of a graph."""

    graph: Graph
    residuals: tuple[int, ...]  # indices of the recorder's values
    active_outputs: tuple[int, ...]


class _Run:
    """The records of a run that its outputs need, and which of its values are active."""

    def __init__(self, recorder: Recorder, n_inputs: int, outputs: Sequence[int]) -> None:
        self.payloads = recorder.payloads
        self.heads: dict[int, Value] = {}  # residuals, as inputs of the derivative
        self.known: dict[int, Operand] = {}  # these, and what is made anew of them
        self.makers: dict[int, Record] = {}
        self.nodes: list[Node] = []
        self.sources: dict[tuple[int, int], Source] = {}
        self.conventions = current()
        self.needed = needed = set(outputs)
        live: list[tuple[Record, Any]] = []
        for record, frame in zip(
            reversed(recorder.records), reversed(recorder.frames), strict=True
        ):
            primitive, _, operands, first = record
            if primitive is None:
                continue
            if first in needed or (primitive.several and _some_output(record, needed)):
                needed.update(operands)
                live.append((record, frame))
                if primitive.name in MADE_ANEW:
                    self.makers[first] = record
        live.reverse()
        self.active = {i for i in range(n_inputs) if i in needed}
        self.parts = [
            (record, frame, part, start)
            for record, frame in live
            if (part := self._part(record, frame, start := _start_of(record)))
        ]
        self.ends = tuple([k for k, i in enumerate(outputs) if i in self.active])

    def _part(self, record: Record, frame: Any, start: Any) -> Linear | None:
        """The linear part of an operation with an active operand; notes its active outputs."""
        primitive, attributes, operands, first = record
        active = self.active
        flags = tuple([i in active for i in operands])
        if True not in flags:
            return None
        payloads = self.payloads
        types = tuple([(payloads[i].shape, payloads[i].dtype) for i in operands])
        if start is not None:
            attributes = ((0,) * len(start), *attributes[1:])
        key = (primitive, attributes, types, flags, self.conventions)
        # The graphs and rules that control primitives hold are the user's, and no two the same.
        part = None if primitive.structure == "control" else _linears.get(key)
        if part is None:
            ins = tuple([Value(ArrayType(*kind)) for kind in types])
            outs = tuple([Value(type_of(payloads[first + j])) for j in range(n_outputs(record))])
            part = Linear(Node(primitive, ins, attributes, outs, _source(frame, "forward")), flags)
            if primitive.structure != "control":
                if len(_linears) > 10_000:
                    _linears.clear()
                _linears[key] = part
        active.update([first + j for j in part.outputs])
        return part

    def source(self, frame: Any, role: str) -> Source:
        """The user's line; made once for each."""
        key = (id(frame[0]), frame[1])  # hashing a code object takes longer than all the rest
        found = self.sources.get(key)
        if found is None:
            found = self.sources[key] = _source(frame, role)
        return found

    def residual(self, index: int, source: Source) -> Operand:
        """A value of the run; what was stretched or cast is made anew from what it was."""
        found = self.known.get(index)
        if found is not None:
            return found
        chain = []
        while index in self.makers and index not in self.known:
            chain.append(self.makers[index])
            index = self.makers[index][2][0]
        made = self.known.get(index)
        if made is None:
            made = self.known[index] = self.heads[index] = Value(type_of(self.payloads[index]))
        for primitive, attributes, _, first in reversed(chain):
            out = Value(type_of(self.payloads[first]))
            self.nodes.append(Node(primitive, (made,), attributes, (out,), source))
            made = self.known[first] = out
        return made

    def read(self, record: Record, pattern: Pattern, source: Source) -> list[Operand]:
        """What the derivative of an operation reads of the run."""
        _, _, operands, first = record
        return [self.residual(operands[k] if k >= 0 else first + ~k, source) for k in pattern.reads]

    def result(self, incoming: Sequence[Value], outputs: Sequence[Operand]) -> Stitched:
        """The graph from residuals and what comes in."""
        heads = (*self.heads.values(), *incoming)
        return Stitched(
            Graph(heads, tuple(self.nodes), tuple(outputs)), tuple(self.heads), self.ends
        )


def pushforward_of(recorder: Recorder, n_inputs: int, outputs: Sequence[int]) -> Stitched:
    """From tangents of the inputs to those of the active outputs."""
    run = _Run(recorder, n_inputs, outputs)
    incoming = [Value(type_of(x)) for x in recorder.payloads[:n_inputs]]
    tangents: dict[int, Operand] = dict(enumerate(incoming))
    guarded: set[int] = set()
    for record, frame, part, start in run.parts:
        source = run.source(frame, "tangent")
        _, _, operands, first = record
        moving = [tangents[operands[k]] for k in part.active]
        wanted = tuple([j for j in part.outputs if first + j in run.needed])
        pattern = part.push(wanted, tuple([operands[k] in guarded for k in part.active]))
        inputs = [*run.read(record, pattern, source), *moving]
        values = pattern.copy(inputs, source, run.nodes, start)
        for place, j, guard in pattern.results:
            tangents[first + j] = values[place]
            if guard:
                guarded.add(first + j)
    return run.result(incoming, [tangents[outputs[k]] for k in run.ends])


def pullback_of(recorder: Recorder, n_inputs: int, outputs: Sequence[int]) -> Stitched:
    """From cotangents of the active outputs to those of the inputs."""
    run = _Run(recorder, n_inputs, outputs)
    nodes = run.nodes
    bars: dict[int, Operand] = {}
    guarded: set[int] = set()
    incoming = [Value(type_of(recorder.payloads[outputs[k]])) for k in run.ends]
    for k, bar in zip(run.ends, incoming, strict=True):
        _collect(bars, outputs[k], bar, nodes, None)
    for record, frame, part, start in reversed(run.parts):
        _, _, operands, first = record
        carried = tuple([j for j in part.outputs if first + j in bars])
        if not carried:
            continue
        source = run.source(frame, "adjoint")
        flags = tuple([first + j in guarded for j in carried])
        pattern = part.pull(carried, flags)
        inputs = run.read(record, pattern, source)
        inputs += [bars.pop(first + j) for j in carried]
        values = pattern.copy(inputs, source, nodes, start)
        for place, which, guard in reversed(pattern.results):
            _collect(bars, operands[which], values[place], nodes, source)
            if guard:
                guarded.add(operands[which])
    results = [bars.get(i) or _zeros(type_of(recorder.payloads[i]), nodes) for i in range(n_inputs)]
    return run.result(incoming, results)


def _collect(
    bars: dict[int, Operand], index: int, share: Operand, nodes: list[Node], source: Source | None
) -> None:
    known = bars.get(index)
    if known is not None:
        total = Value(share.type)
        nodes.append(Node(add, (known, share), (), (total,), source))
        share = total
    bars[index] = share


def _zeros(kind: ArrayType, nodes: list[Node]) -> Operand:
    zero = Literal(np.zeros((), kind.dtype))
    if kind.shape == ():
        return zero
    made = Value(kind)
    nodes.append(Node(broadcast, (zero,), (kind.shape,), (made,), None))
    return made


def _start_of(record: Record) -> tuple[int, ...] | None:
    """Where an operation starts, if its derivative is the same everywhere but for that place.

    A loop over elements reads and writes each of them: one pattern serves them all.
    """
    primitive, attributes, _, _ = record
    if primitive.name not in PLACED or min(attributes[1], default=1) < 1:
        return None
    start: tuple[int, ...] = attributes[0]
    return start


def _some_output(record: Record, needed: set[int]) -> bool:
    first = record[3]
    return any(i in needed for i in range(first, first + n_outputs(record)))


def _source(frame: Any, role: str) -> Source:
    return Source(frame[0], frame[1], role)
