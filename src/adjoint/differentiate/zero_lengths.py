"""Second derivatives of functions of a length, at 0.

A length ``r`` (``abs``, ``norm``, ``hypot``, the root of a sum of squares) has a kink at 0, and its
slope there counts as 0. Functions of it may be smooth all the same: ``cos(r)``, a Matern kernel,
``max(x, 0) + log1p(exp(-abs(x)))``. Their first derivatives come out right. In the second ones
stand quotients ``f'(r) / r``, and the slopes of the sign of x, which at 0 are quotients of zeros.
They have limits, by de l'Hôpital: along ``r + t``, as t goes to 0, all that is computed from r
changes by a drift, and::

    f'(r) / r         has the limit  drift(f'(r))
    d sign(x)         is  dx / t, of which a product with f'(r) keeps  drift(f'(r)) dx
    d (n / r)         is  dn / t, where n is 0, likewise (slopes of slopes, forward over forward)

So in a graph that holds such quotients, which only derivatives do, drifts are followed from the
lengths, and poles (what ``1 / t`` stands before) beside the tangents. What is infinite in truth, as
at a kink, leaves its finite part.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from adjoint.graph.graph import Graph, Node, Operand, Value
from adjoint.primitives.products import over_length

_LENGTHS = frozenset({"abs", "hypot", "norm_sqrt", "sqrt", "scalar_pow"})
_QUOTIENTS = frozenset({"over_length", "divide_no_nan"})
_COPIES = frozenset({"broadcast", "reshape", "permute_axes", "slice", "cast"})

# (primitive, attributes, operands, output), where values are named in any way
_Step = tuple[Any, tuple[Any, ...], tuple[Any, ...], Any]


class ZeroLengths(NamedTuple):
    """Where a graph or a run has quotients by lengths, or slopes of them."""

    lengths: set[Any]
    quotients: set[Any]  # outputs
    slopes: set[Any]  # outputs


def zero_lengths(steps: Sequence[_Step]) -> ZeroLengths:
    """Find the lengths that something is divided by, and the slopes of absolute values."""
    found = ZeroLengths(set(), set(), set())
    names = {primitive.name for primitive, *_ in steps}
    if not (names & _QUOTIENTS or "abs_slope" in names):
        return found  # what is no derivative has none
    whole: dict[Any, Any] = {}  # what a copy is made of
    made: set[Any] = set()
    sides: dict[Any, list[Any]] = {}  # the absolute values of a value
    for primitive, _, operands, output in steps:
        name = primitive.name
        origins = [whole.get(o, o) for o in operands]
        if name in _COPIES:
            whole[output] = origins[0]
        elif name in _LENGTHS:
            made.add(output)
            if name == "abs":
                sides.setdefault(origins[0], []).append(output)
        elif name == "abs_slope" and origins[0] in sides:
            found.slopes.add(output)
            found.lengths.update(sides[origins[0]])
        elif name == "over_length" or (name == "divide_no_nan" and origins[1] in made):
            found.quotients.add(output)
            found.lengths.add(origins[1])
    return found


class Limits:
    """Drifts and poles in a graph, made as its nodes are passed.

    Args:
        graph: it may be a derivative.
        primal: its values as stand-ins; quotients in it, and what follows them, get their limits.
        tangents: of its values, as they are found.
    """

    def __init__(self, graph: Graph, primal: Any, tangents: dict[Value, Any]) -> None:
        steps = [(n.primitive, n.attributes, n.operands, n.outputs[0]) for n in graph.nodes]
        self.places = zero_lengths(steps)
        self.primal = primal
        self.tangents = tangents
        self.drifts: dict[Operand, Any] = {}
        self.poles: dict[Operand, Any] = {}
        self.settled: set[Operand] = set()  # whose values follow from limits

    def before(self, node: Node) -> None:
        """Note the drift of a node's output, and its value where that follows from limits."""
        if not self.places.lengths:
            return
        for operand in node.operands:
            if operand in self.places.lengths and operand not in self.drifts:
                # also where it comes into the graph from outside
                self.drifts[operand] = _at_zero(self.primal(operand), 1)
        if not _is_followed(node):
            return
        out = node.outputs[0]
        if out not in self.places.lengths | self.places.quotients:
            self._note(self.drifts, out, self._derivative(node, self.drifts))
        if not self.settled.isdisjoint(node.operands):
            given = [self.primal(o) for o in node.operands]
            self._settle(out, node.primitive(*given, **node.settings))

    def after(self, node: Node, tangent: Any) -> Any:
        """The tangent of a node's output with what poles leave in it."""
        if not self.places.lengths or not _is_followed(node):
            return tangent
        out = node.outputs[0]
        if out in self.places.quotients:
            return self._divided(node, tangent)
        if out in self.places.slopes:
            x = node.operands[0]
            moved = self.tangents.get(x) if isinstance(x, Value) else None
            if moved is not None:
                self.poles[out] = _at_zero(self.primal(x), moved)
        elif not self.poles.keys().isdisjoint(node.operands):
            self._note(self.poles, out, self._derivative(node, self.poles))
            share = self._derivative(node, self.drifts, self.poles)
            if share is not None:
                return share if tangent is None else tangent + share
        return tangent

    def _divided(self, node: Node, tangent: Any) -> Any:
        """The finite part of a quotient's tangent, when its limit and its pole are noted."""
        above, below = node.operands
        out = node.outputs[0]
        r = self.primal(below)
        for column in (self.drifts, self.poles):
            if above in column:
                column[out] = over_length(column[above], r)
        if above in self.drifts:
            self._settle(out, np.where(r == 0, self.drifts[above], self.primal(out)))
        moved = self.tangents.get(above) if isinstance(above, Value) else None
        if moved is not None:
            self.poles[out] = np.where(r == 0, moved, self.poles.get(out, 0))
            if node.primitive.name == "divide_no_nan":  # 0 / 0 moves at infinite speed
                tangent = np.where((r == 0) & (self.primal(above) == 0), 0, tangent)
        return tangent

    def _derivative(self, node: Node, *columns: dict[Operand, Any]) -> Any:
        # It is about single nodes, made of graphs of one.
        from adjoint.differentiate.single_nodes import derivative

        directions = [[column.get(o) for o in node.operands] for column in columns]
        return derivative(node, self.primal, directions)[0]

    def _settle(self, value: Value, limit: Any) -> None:
        self.primal.known[value] = limit
        self.settled.add(value)

    @staticmethod
    def _note(column: dict[Operand, Any], value: Value, found: Any) -> None:
        if found is not None and value.type.is_differentiable:
            column[value] = found


def _at_zero(r: Any, there: Any) -> Any:
    """A value where r is 0, and 0 elsewhere."""
    return np.where(r == 0, there, np.zeros((), getattr(there, "dtype", r.dtype)))


def _is_followed(node: Node) -> bool:
    """Whether an operation is elementwise, a sum or a copy: others mix lengths that are apart."""
    primitive = node.primitive
    if len(node.outputs) != 1:
        return False
    return primitive.structure in ("elementwise", "linear") or primitive.name in (
        "mul",
        "multiply_no_nan",
    )
