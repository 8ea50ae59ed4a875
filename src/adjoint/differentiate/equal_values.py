"""Derivatives through eigenvectors at exactly equal eigenvalues, as limits.

Where eigenvalues w are equal, their vectors V are not determined and their change counts as 0. A
function that does not depend on the choice, such as ``(V * f(w)) @ V.T``, has a derivative all the
same: the limit of those at ``w + t d`` with the same V, d = (0, 1, 2, ...), as t goes to 0. There V
changes by ``P / t``, where P is finite, and the slope of what is computed from V moves with t. So
the part that is missing is the constant term of a series in t, and is made here: from each
factorisation to the outputs every value is followed as ``c0 + c1 t + c2 t**2``, and its tangent as
``x2 / t**2 + x1 / t + x0``. At the outputs x2 and x1 vanish, since nothing depends on the choice,
and x0 is what is missing. The changes x2 are zero themselves, but not their derivatives: with them
the missing part has the right derivative in its turn, so second derivatives are right too.

In a graph the part stands behind a condition: where no values are equal it is not computed and
changes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from adjoint.differentiate.linearize import EVERYTHING, Primals, node_tangents
from adjoint.differentiate.loops import recorded
from adjoint.differentiate.single_nodes import derivative
from adjoint.graph.graph import Graph, Literal, Node, Operand, Value
from adjoint.primitives import control
from adjoint.primitives.equal_values import AtEqual
from adjoint.primitives.infer import zeros
from adjoint.trace.indexing import known_value
from adjoint.trace.recorder import Recorder
from adjoint.trace.records import Record, n_outputs


def splitting_records(recorder: Recorder) -> tuple[Record, ...]:
    """The factorisations in a run whose vectors something is computed from."""
    found = [r for r in recorder.records if r[0] is not None and "at_equal" in r[0].notes]
    read = {i for record in recorder.records if record[0] is not None for i in record[2]}
    vectors = [[r[3] + k for k in r[0].notes["at_equal"].vectors] for r in found]
    return tuple([r for r, own in zip(found, vectors, strict=True) if not read.isdisjoint(own)])


def may_meet_equal_values(records: Sequence[Record], payloads: Sequence[Any]) -> bool:
    """Whether factors in a run have equal values; also where they are not known."""
    for record in records:
        first, rule = record[3], record[0].notes["at_equal"]
        outputs = [known_value(x) for x in payloads[first : first + n_outputs(record)]]
        if not all(isinstance(x, np.ndarray) for x in outputs) or rule.met(outputs):
            return True
    return False


def missing_shares(graph: Graph, primal: Primals, tangents: dict[Value, Any]) -> dict[Value, Any]:
    """What equal values add to the tangents of outputs, for those to which they add something.

    Args:
        graph: the graph that is linearised.
        primal: its values as stand-ins.
        tangents: of its values.
    """
    splitting = [node for node in graph.nodes if _splits(node) and node.operands[0] in tangents]
    if not splitting:
        return {}
    series = _Series(graph, splitting)
    if not series.ends:
        return {}
    made, residuals = series.graph()
    met = [_rule(node).met(_each(primal, node.outputs)) for node in splitting]
    moved = [tangents[node.operands[0]] for node in splitting]  # type: ignore[index]
    kinds = made.output_types
    none = recorded("limit", made.input_types, lambda _: [zeros(kind) for kind in kinds])
    shares = control.cond(
        np.any(np.stack(met)), *_each(primal, residuals), *moved, on_true=made, on_false=none
    )
    return dict(zip(series.ends, shares, strict=True))


def _splits(node: Node) -> bool:
    return "at_equal" in node.primitive.notes


def _rule(node: Node) -> AtEqual:
    rule: AtEqual = node.primitive.notes["at_equal"]
    return rule


def _each(values: Any, wanted: Sequence[Any]) -> list[Any]:
    return [values(x) for x in wanted]


# What a value is followed by: c1 and c2 of the value; x2, x1 and x0 of its tangent.
_Followed = list[Any]
_NOTHING: _Followed = [None] * 5


class _Series:
    """The missing part of the outputs of a graph, linear in the changes of some matrices.

    Args:
        graph: the whole graph.
        splitting: its nodes that may meet equal values, with a matrix that changes.
    """

    def __init__(self, graph: Graph, splitting: Sequence[Node]) -> None:
        self.recorder = Recorder("limit", concrete=False, keep_all=True)
        self.primal = Primals(graph, self.recorder)
        self.moved = {node: self.recorder.input(node.operands[0].type) for node in splitting}
        self.known: dict[Any, _Followed] = {}
        # x2 is zero in first derivatives and for the sake of second ones, whose own is not needed.
        derived = any(n.source is not None and n.source.role != "forward" for n in graph.nodes)
        self.orders = (0, 3, 4) if derived else range(5)
        self.matrices = {node.operands[0] for node in splitting}
        last: dict[Any, int] = {o: k for k, node in enumerate(graph.nodes) for o in node.operands}
        last.update(dict.fromkeys(graph.outputs, len(graph.nodes)))
        alive: list[Any] = []
        for k, node in enumerate(graph.nodes):
            self.recorder.source = node.source._replace(role="tangent") if node.source else None
            if node in self.moved:
                self._split(node)
            else:
                self._follow(node)
            followed = [*alive, *[v for v in node.outputs if v in self.known]]
            alive = [v for v in followed if last.get(v, -1) > k]
            if len(alive) == 1:
                self._end_at(*alive)
        self.ends = [v for v in alive if self._of(v)[4] is not None]

    def graph(self) -> tuple[Graph, list[Value]]:
        """From residuals and the matrices' changes to the parts of ``ends``; the residuals."""
        outputs = [self.recorder.index_of(self.known[o][4]) for o in self.ends]
        heads = [x.number for x in self.moved.values()]
        optional = self.primal.optional
        made = self.recorder.graph(outputs, heads, optional=list(optional), inline=EVERYTHING)
        self.recorder.closed = True
        return made.graph, [optional[i] for i in made.used]

    def _of(self, operand: Operand) -> _Followed:
        known = None if isinstance(operand, Literal) else self.known.get(operand)
        return known or _NOTHING

    def _note(self, order: int, node: Node, found: Sequence[Any]) -> None:
        for value, x in zip(node.outputs, found, strict=True):
            if x is not None and value.type.is_differentiable:
                self.known.setdefault(value, [*_NOTHING])[order] = x

    def _split(self, node: Node) -> None:
        """Where series begin. Those of the matrix end: what it is a part of is not split twice."""
        share = self._of(node.operands[0])[4]
        a_dot = self.moved[node]
        if share is not None:
            a_dot = a_dot + share
            self._note(4, node, node_tangents(node, self.primal, [share]))
        outputs = _each(self.primal, node.outputs)
        limit = _rule(node).limit(a_dot, outputs, **node.settings)
        for order, found in ((0, limit.drifts), (2, limit.second), (3, limit.poles)):
            if order in self.orders:
                self._note(order, node, found)

    def _end_at(self, value: Value) -> None:
        """A number through which all goes on has its limit by itself: its series ends."""
        if math.prod(value.type.shape) == 1 and value.type.dtype.kind == "f":
            self.known[value][:4] = [None] * 4

    def _follow(self, node: Node) -> None:
        """What a node makes of the series of its operands: the chain rule, sorted by powers."""
        c1, c2, x2, x1, x0 = ([self._of(o)[k] for o in node.operands] for k in range(5))
        # Terms of sums: a factor, and the directions of a derivative of the node. Tangents are
        # the last: what is computed before them does not depend on them, and is not transposed.
        self._sum(0, node, (1, c1))
        self._sum(1, node, (1, c2), (0.5, c1, c1))
        self._sum(2, node, (1, x2))
        self._sum(3, node, (1, x1), (1, c1, x2))
        self._sum(4, node, (1, x0), (1, c1, x1), (1, c2, x2), (0.5, c1, c1, x2))
        drift = node.primitive.notes.get("drift")
        if drift is not None and node.operands[0] in self.matrices:
            self._note(0, node, [drift(self.primal(node.outputs[0]))])

    def _sum(self, order: int, node: Node, *terms: tuple[Any, ...]) -> None:
        if order not in self.orders:
            return
        total: list[Any] = [None] * len(node.outputs)
        for factor, *directions in terms:
            for k, x in enumerate(derivative(node, self.primal, directions)):
                if x is not None:
                    share = x if factor == 1 else factor * x
                    total[k] = share if total[k] is None else total[k] + share
        self._note(order, node, total)
