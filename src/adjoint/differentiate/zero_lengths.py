"""Derivatives of functions of a length, at 0.

A length ``r`` (``abs``, ``norm``, ``hypot``, the root of a sum of squares) has a kink at 0, and its
slope there counts as 0. Functions of it may be smooth all the same: ``cos(r)``, a Matern kernel,
``max(x, 0) + log1p(exp(-abs(x)))``. Their first derivatives come out right. In the second ones
stand quotients ``f'(r) / r``, and the slopes of the sign of x, which at 0 are quotients of zeros.
They have limits, by de l'Hôpital: along ``r + t``, as t goes to 0, all that is computed from r
changes by a drift, and::

    f'(r) / r           has the limit  drift(f'(r))
    d sign(x)           is  dx / t, of which a product with f(r) keeps  drift(f(r)) dx
    d copysign(f(r), x) likewise
    d (n / r)           is  dn / t, where n is 0, likewise (slopes of slopes, forward over forward)

So in a graph that holds such quotients, which only derivatives do, or signs beside absolute
values, as ``sign(x) * log1p(abs(x))``, drifts are followed from the lengths, and poles (what
``1 / t`` stands before) beside the tangents. What is infinite in truth, as at a kink, leaves its
finite part. Second derivatives are right so, and third ones of even functions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from adjoint.graph.graph import Graph, Node, Operand, Value
from adjoint.primitives.choose import stop_gradient
from adjoint.primitives.products import over_length

_LENGTHS = frozenset({"abs", "hypot", "norm_sqrt", "sqrt", "scalar_pow"})
_QUOTIENTS = frozenset({"over_length", "divide_no_nan"})
_SLOPES = frozenset({"abs_slope", "sign"})
_EXTREMES = frozenset({"maximum", "minimum"})
_SIDES = _SLOPES | {"copysign"}
_PRODUCTS = frozenset({"mul", "multiply_no_nan"})
_KEEP_ODD = _PRODUCTS | {"neg", "broadcast", "reshape", "permute_axes"}
_COPIES = frozenset({"broadcast", "reshape", "permute_axes", "slice"})

# (primitive, attributes, operands, output), where values are named in any way
_Step = tuple[Any, tuple[Any, ...], tuple[Any, ...], Any]


class ZeroLengths(NamedTuple):
    """Where a graph or a run has quotients by lengths, or slopes of them."""

    lengths: set[Any]
    quotients: set[Any]  # outputs
    slopes: set[Any]  # outputs
    turned: set[Any]  # outputs of copysign
    extremes: set[Any]  # outputs of maximum and minimum, of values whose distance is a length


def zero_lengths(steps: Sequence[_Step]) -> ZeroLengths:
    """Find the lengths that something is divided by, and the sides of absolute values."""
    found = ZeroLengths(set(), set(), set(), set(), set())
    names = {primitive.name for primitive, *_ in steps}
    if not (names & _QUOTIENTS or ("abs" in names and names & _SIDES)):
        return found  # most that are no derivatives have none
    whole: dict[Any, Any] = {}  # what a copy is made of
    mirrored: dict[Any, Any] = {}  # what is the other way round
    made: set[Any] = set()
    sides: dict[Any, list[Any]] = {}  # the absolute values of a value
    signs: list[tuple[set[Any], Any, Any]] = []
    apart: dict[Any, set[Any]] = {}
    extremes: list[tuple[Any, set[Any]]] = []
    for primitive, _, operands, output in steps:
        name = primitive.name
        origins = [whole.get(o, o) for o in operands]
        bare = [mirrored.get(o, o) for o in origins]
        if name in _COPIES:
            whole[output] = origins[0]
        elif name == "neg":
            mirrored[output] = bare[0]
        elif name in _LENGTHS:
            made.add(output)
            if name == "abs":
                sides.setdefault(bare[0], []).append(output)
        elif name in _SIDES:
            signs.append((found.slopes if name in _SLOPES else found.turned, bare[-1], output))
        elif name == "sub":
            apart[output] = set(bare)
        elif name in _EXTREMES:
            extremes.append((output, set(bare)))
        elif name == "over_length" or (name == "divide_no_nan" and origins[1] in made):
            found.quotients.add(output)
            found.lengths.add(origins[1])
    for kind, x, output in signs:  # which may come before the absolute value
        if x in sides:
            kind.add(output)
            found.lengths.update(sides[x])
    met = [{x} for x in sides] + [apart[x] for x in sides if x in apart]
    found.extremes.update([out for out, pair in extremes if any(x <= pair for x in met)])
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
        self.odd: set[Operand] = set(self.places.slopes)  # slopes, and products with them

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
        if node.primitive.name in _KEEP_ODD and not self.odd.isdisjoint(node.operands):
            self.odd.add(out)
        if out not in self.places.lengths | self.places.quotients:
            self._note(self.drifts, out, self._derivative(node, self.drifts, of=self._still))
        if out in self.places.extremes:
            self.drifts[out] = self._of_extreme(node) + self.drifts.get(out, 0)
        if not self.settled.isdisjoint(node.operands):
            given = [self.primal(o) for o in node.operands]
            self._settle(out, node.primitive(*given, **node.settings))

    def after(self, node: Node, tangent: Any) -> Any:
        """The tangent of a node's output with what poles leave in it."""
        out = node.outputs[0]
        if out in self.places.slopes:
            x = self.primal(node.operands[0])
            if (moved := self._tangent(node.operands[0])) is not None:
                self.poles[out] = _at_zero(x, moved)
            return tangent
        if not self.places.lengths or not _is_followed(node):
            return tangent
        if out in self.places.quotients:
            return self._divided(node, tangent)
        if out in self.places.turned:
            size, side = node.operands
            if size in self.drifts and (moved := self._tangent(side)) is not None:
                tangent = tangent + _at_zero(self.primal(side), np.abs(self.drifts[size]) * moved)
        elif not self.poles.keys().isdisjoint(node.operands):
            self._note(self.poles, out, self._derivative(node, self.poles))
            share = self._derivative(node, self.drifts, self.poles)
            if share is not None:
                tangent = share if tangent is None else tangent + share
        return tangent

    def _of_extreme(self, node: Node) -> Any:
        """Half of what the distance of two equal values drifts: max(x, 0) = (x + abs(x)) / 2."""
        x, y = [self.primal(o) for o in node.operands]
        half = 0.5 if node.primitive.name == "maximum" else -0.5
        return np.where(x == y, half, np.zeros((), x.dtype))

    def _divided(self, node: Node, tangent: Any) -> Any:
        """The finite part of a quotient's tangent, when its limit and its pole are noted."""
        above, below = node.operands
        out = node.outputs[0]
        r = self.primal(below)
        for column in (self.drifts, self.poles):
            if above in column:
                column[out] = over_length(column[above], r)
        moved = self._tangent(above)
        if above in self.drifts:  # f'(r), which stays 0 at 0 whatever else moves
            self._settle(out, np.where(r == 0, self.drifts[above], self.primal(out)))
        elif moved is not None:
            self.poles[out] = np.where(r == 0, moved, self.poles.get(out, 0))
        if moved is not None and node.primitive.name == "divide_no_nan":
            # 0 / 0 moves at infinite speed
            tangent = np.where((r == 0) & (self.primal(above) == 0), 0, tangent)
        return tangent

    def _tangent(self, operand: Operand) -> Any:
        return self.tangents.get(operand) if isinstance(operand, Value) else None

    def _still(self, operand: Operand) -> Any:
        """A value in a drift. Slopes there stand for signs, whose squares are 1 and do not move."""
        value = self.primal(operand)
        return stop_gradient(value) if operand in self.odd else value

    def _derivative(self, node: Node, *columns: dict[Operand, Any], of: Any = None) -> Any:
        # It is about single nodes, made of graphs of one.
        from adjoint.differentiate.single_nodes import derivative

        directions = [[column.get(o) for o in node.operands] for column in columns]
        return derivative(node, of or self.primal, directions)[0]

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
    return primitive.structure in ("elementwise", "linear") or primitive.name in _PRODUCTS
