"""Squares of roots, differentiated as what stands under the root.

The slope of ``r = sqrt(s)`` is infinite at ``s = 0`` or, for a length, taken as 0; either way the
derivative of ``r**2`` would be lost there, though it is that of s: the Hessian of ``norm(x)**2`` is
2 I at 0 as everywhere. So the tangent of a square is not made from that of the root. With ``S(v)``
for the tangent of ``v**2``::

    S(sqrt(s)) = ds                     S(a * b) = a**2 S(b) + b**2 S(a)
    S(abs(x)) = 2 x dx                  S(a / b) = S(a) / b**2 - 2 (a / b)**2 db / b
    S(hypot(x, y)) = 2 (x dx + y dy)    S(v) = 2 v dv otherwise

and parts, copies and choices of roots are followed as they are. The tangent of ``v**p`` with a
number p >= 2 is ``p / 2 * v**(p - 2) * S(v)``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from adjoint.graph.graph import Node, Operand, Value
from adjoint.trace.indexing import known_value
from adjoint.trace.recorder import Recorder

_ROOTS = frozenset({"sqrt", "norm_sqrt", "abs", "hypot"})
# Each element of the result is one of the operands', or 0.
_COPIES = frozenset({"reshape", "permute_axes", "broadcast", "slice", "unslice", "gather", "cast"})
_COPIES |= {"concatenate", "set_slice", "scatter_set", "where", "conj"}
# How many operands roots may come from.
_CARRIES = {**dict.fromkeys(_COPIES, None), "neg": 1, "abs": 1, "mul": 2, "div": 1}

# (primitive, attributes, operands, output), where values are named in any way
_Step = tuple[Any, tuple[Any, ...], tuple[Any, ...], Any]


class SquaredRoots(NamedTuple):
    """Which squares are of roots, by output: what is squared; and what leads to them."""

    squares: dict[Any, Any]
    between: set[Any]
    roots: list[Any]


def squared_roots(steps: Iterable[_Step]) -> SquaredRoots:
    """Find the squares of roots among the operations of a graph or of a run."""
    makers: dict[Any, _Step] = {}  # of what is made of roots by copies, products and quotients
    first: dict[Any, Any] = {}
    same: dict[Any, Any] = {}
    squares: dict[Any, Any] = {}
    for step in steps:
        primitive, attributes, operands, output = step
        name = primitive.name
        if name in _ROOTS or any(o in makers for o in _carried(name, operands)):
            makers[output] = step
            made_by = (name, attributes, tuple([same.get(o, o) for o in operands]))
            same[output] = first.setdefault(made_by, output)
        if makers:
            base = _squared(name, attributes, [same.get(o) for o in operands])
            if base is not None:
                squares[output] = base
    between: set[Any] = set()
    pending = list(squares.values())
    while pending:
        value = pending.pop()
        if value in makers and value not in between:
            between.add(value)
            pending += _carried(makers[value][0].name, makers[value][2])
    roots = [v for v in between if makers[v][0].name in _ROOTS]
    return SquaredRoots(squares, between, roots)


def _carried(name: str, operands: Sequence[Any]) -> Sequence[Any]:
    return operands[: _CARRIES[name]] if name in _CARRIES else ()


def _squared(name: str, attributes: tuple[Any, ...], bases: Sequence[Any]) -> Any:
    """What an operation squares, by the first value that is made in the same way."""
    if name == "square" or (name == "scalar_pow" and attributes[0] >= 2):
        return bases[0]
    if name in ("mul", "matmul") and bases[0] == bases[1]:
        return bases[0]
    return None


def roots_of_run(recorder: Recorder) -> tuple[int, ...]:
    """The roots that are squared in a run, as indices of its values."""
    return tuple(squared_roots(r for r in recorder.records if r[0] is not None).roots)


def may_meet_zero(roots: Sequence[int], payloads: Sequence[Any]) -> bool:
    """Whether one of them is 0 somewhere; also where values are not known."""
    for index in roots:
        value = known_value(payloads[index])
        if not isinstance(value, np.ndarray | np.generic) or not value.all():
            return True
    return False


class SquareTangents:
    """``S(v)`` for what leads to squares of roots in a graph, made as its nodes are passed.

    Args:
        nodes: of the graph.
        primal: its values as stand-ins.
        tangents: of its values, as they are found.
        linear_tangent: the rule of linear nodes.
    """

    def __init__(
        self, nodes: Sequence[Node], primal: Any, tangents: dict[Value, Any], linear_tangent: Any
    ) -> None:
        steps = [(n.primitive, n.attributes, n.operands, n.outputs[0]) for n in nodes]
        self.squares, self.between, _ = squared_roots(steps)
        self.primal = primal
        self.tangents = tangents
        self.linear_tangent = linear_tangent
        self.known: dict[Operand, Any] = {}

    def pass_by(self, node: Node) -> None:
        """Note ``S`` of a node's output where a square asks for it."""
        if node.outputs[0] in self.between:
            self.known[node.outputs[0]] = self._of_output(node)

    def has_square(self, node: Node) -> bool:
        """Whether a node squares a root."""
        found = node.outputs[0] in self.squares
        return found and (node.primitive.name != "matmul" or node.operands[0].type.ndim == 1)

    def of_square(self, node: Node) -> Any:
        """The tangent of the square of a root; None where it does not move."""
        base = self.squares[node.outputs[0]]
        share = self._of(base)
        if share is None:
            return None
        if node.primitive.name == "matmul":
            return np.sum(share)
        power = node.settings.get("exponent", 2)
        return share if power == 2 else 0.5 * power * self.primal(base) ** (power - 2) * share

    def _tangent(self, operand: Operand) -> Any:
        return self.tangents.get(operand) if isinstance(operand, Value) else None

    def _of(self, operand: Operand) -> Any:
        if operand in self.known:
            return self.known[operand]
        t = self._tangent(operand)
        return None if t is None else 2 * (self.primal(operand) * t)

    def _of_output(self, node: Node) -> Any:
        name, operands = node.primitive.name, node.operands
        if name in ("sqrt", "norm_sqrt"):
            return self._tangent(operands[0])
        if name == "abs" and operands[0].type.dtype.kind == "c":
            t = self._tangent(operands[0])
            return None if t is None else 2 * np.real(np.conj(self.primal(operands[0])) * t)
        if name == "div":
            return self._of_quotient(node)
        own = [self._of(o) for o in operands]
        if name in ("abs", "neg"):
            return own[0]
        if name == "hypot":
            return _sum(*own)
        if name == "mul":
            a, b = map(self.primal, operands)
            return _sum(_times(b * b, own[0]), _times(a * a, own[1]))
        if all(x is None for x in own):
            return None
        return self.linear_tangent(node, self.primal, own)

    def _of_quotient(self, node: Node) -> Any:
        b, out = self.primal(node.operands[1]), self.primal(node.outputs[0])
        b_dot = self._tangent(node.operands[1])
        return _sum(
            _times(1 / (b * b), self._of(node.operands[0])), _times(-2 * (out * out / b), b_dot)
        )


def _times(factor: Any, x: Any) -> Any:
    return None if x is None else factor * x


def _sum(x: Any, y: Any) -> Any:
    if x is None or y is None:
        return y if x is None else x
    return x + y
