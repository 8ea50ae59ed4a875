"""Powers of roots, differentiated as what stands under the root.

The slope of ``r = sqrt(s)`` is infinite at ``s = 0`` or, for a length, taken as 0; either way the
derivative of ``r**2`` would be lost there, though it is that of s: the Hessian of ``norm(x)**2`` is
2 I at 0 as everywhere. So the tangent of a power is not made from that of the root. With ``T(v)``
for the tangent of ``v**m``, m the degree of the root (3 of ``cbrt``, 1 / q of ``s**q``)::

    T(sqrt(s)) = T(s**(1/m)) = ds       T(a * b) = a**m T(b) + b**m T(a)
    T(abs(x)) = 2 x dx                  T(a / b) = T(a) / b**m - m (a / b)**m db / b
    T(hypot(x, y)) = 2 (x dx + y dy)    T(v) = m v**(m - 1) dv otherwise

and parts, copies and choices of roots are followed as they are. The tangent of ``v**p`` is
``p / m * v**(p - m) * T(v)``; so is what a product asks of a factor of another degree.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from adjoint.graph.graph import Node, Operand, Value
from adjoint.primitives.products import multiply_no_nan
from adjoint.trace.indexing import known_value
from adjoint.trace.session import is_recording

_DEGREES = {"sqrt": 2, "norm_sqrt": 2, "abs": 2, "hypot": 2, "cbrt": 3}
_MAKES = frozenset({*_DEGREES, "scalar_pow"})
_STEEP = frozenset({"sqrt", "cbrt", "scalar_pow"})  # of infinite slope at 0
# Each element of the result is one of the operands', or 0.
_COPIES = frozenset({"reshape", "permute_axes", "broadcast", "slice", "unslice", "gather", "cast"})
_COPIES |= {"concatenate", "set_slice", "scatter_set", "where", "conj", "sort"}
# How many operands roots may come from.
_CARRIES = {**dict.fromkeys(_COPIES, None), "neg": 1, "abs": 1, "mul": 2, "div": 1}

# (primitive, attributes, operands, output), where values are named in any way
_Step = tuple[Any, tuple[Any, ...], tuple[Any, ...], Any]


class Root(NamedTuple):
    """A root, or what is made of roots by copies, products and quotients."""

    name: str  # of the primitive
    operands: tuple[Any, ...]
    degree: float


class PowersOfRoots(NamedTuple):
    """Where a graph or a run has them; of values made in the same way only the first is named."""

    powers: dict[Any, Any]  # by output: what is raised to a power
    roots: dict[Any, Root]  # what leads to them


def powers_of_roots(steps: Sequence[_Step]) -> PowersOfRoots:
    """Find the powers of roots among the operations of a graph or of a run."""
    if all(primitive.name not in _MAKES for primitive, *_ in steps):
        return PowersOfRoots({}, {})  # most have none
    roots: dict[Any, Root] = {}
    first: dict[Any, Any] = {}
    same: dict[Any, Any] = {}  # the first value that was made in the same way
    powers: dict[Any, Any] = {}
    signs: set[Any] = set()  # the square of x = sign(x) * abs(x) is no matter of its root
    for primitive, attributes, operands, output in steps:
        name = primitive.name
        if name in ("sign", "abs_slope") or (name in _COPIES and not signs.isdisjoint(operands)):
            signs.add(output)
        own = tuple([same.get(o, o) for o in operands])
        if primitive.structure != "control":
            same[output] = first.setdefault((name, attributes, own), output)
        turned = name == "mul" and not signs.isdisjoint(operands)
        degree = None if turned else _degree(name, attributes, own, roots)
        if degree is not None:
            roots[output] = Root(name, own, degree)
        if own and own[0] in roots and _is_power(name, attributes, own, roots[own[0]]):
            powers[output] = own[0]
    leading: dict[Any, Root] = {}
    pending = list(powers.values())
    while pending:
        value = pending.pop()
        if value in roots and value not in leading:
            root = leading[value] = roots[value]
            pending += _carried(root.name, root.operands)
    return PowersOfRoots(powers, leading)


def _carried(name: str, operands: Sequence[Any]) -> Sequence[Any]:
    return operands[: _CARRIES[name]] if name in _CARRIES else ()


def _degree(
    name: str, attributes: tuple[Any, ...], operands: Sequence[Any], roots: dict[Any, Root]
) -> float | None:
    """The degree of an operation's result as a root; None where it is none."""
    carried = [roots[o].degree for o in _carried(name, operands) if o in roots]
    if carried and (name not in ("neg", "abs") or carried[0] == 2):
        return max(carried)  # a factor of a lower one has the tangent of that power too, also at 0
    if name == "scalar_pow" and 0 < attributes[0] < 1:
        return 1 / float(attributes[0])
    return _DEGREES.get(name)


def _is_power(name: str, attributes: tuple[Any, ...], operands: Sequence[Any], root: Root) -> bool:
    if name == "pow":
        return True
    power: float = 0
    if name == "square" or (name in ("mul", "matmul") and operands[0] == operands[1]):
        power = 2
    elif name == "scalar_pow":
        power = attributes[0]
    return power >= root.degree or (power > 0 and root.name in _STEEP)


class Met(NamedTuple):
    """A value of a run by its place, whose derivatives may need care where it is 0."""

    place: int
    at_once: bool  # in first derivatives, and not in further ones alone


def roots_of_run(operations: Sequence[Any]) -> tuple[Met, ...]:
    """The roots that are raised to powers in a run.

    One with a finite slope at 0 (``abs(x)**3``) needs care in second derivatives alone.
    """
    found = powers_of_roots(operations).roots
    return tuple([Met(k, root.name in _STEEP) for k, root in found.items() if root.name in _MAKES])


def may_meet_zero(roots: Sequence[Met], payloads: Sequence[Any]) -> bool:
    """Whether one of them is 0 somewhere; also where values are not known."""
    for place, at_once in roots:
        plain = isinstance(payloads[place], np.ndarray | np.generic)
        if not at_once and plain and not is_recording():
            continue  # nobody differentiates what is made of it again
        value = known_value(payloads[place])
        if not isinstance(value, np.ndarray | np.generic) or not value.all():
            return True
    return False


class PowerTangents:
    """``T(v)`` for what leads to powers of roots in a graph, made as its nodes are passed.

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
        self.powers, self.roots = powers_of_roots(steps)
        self.primal = primal
        self.tangents = tangents
        self.linear_tangent = linear_tangent
        self.known: dict[Operand, Any] = {}

    def pass_by(self, node: Node) -> None:
        """Note ``T`` of a node's output where a power asks for it."""
        root = self.roots.get(node.outputs[0])
        if root is not None:
            self.known[node.outputs[0]] = self._of_output(node, root)

    def has_rule(self, node: Node) -> bool:
        """Whether a node is a power of a root."""
        found = node.outputs[0] in self.powers
        return found and (node.primitive.name != "matmul" or node.operands[0].type.ndim == 1)

    def of_power(self, node: Node) -> Any:
        """The tangent of a power of a root; None where it does not move."""
        base = self.powers[node.outputs[0]]
        m, share = self.roots[base].degree, self.known.get(base)
        if node.primitive.name == "pow":
            return self._of_pow(node, m, share)
        if share is None:
            return None
        share = _raised(self.primal(base), share, m, node.settings.get("exponent", 2))
        return np.sum(share) if node.primitive.name == "matmul" else share

    def _of_pow(self, node: Node, m: float, share: Any) -> Any:
        """Exponents are values, and may move."""
        x, y = map(self.primal, node.operands)
        out = self.primal(node.outputs[0])
        of_base, of_exponent = node.primitive.terms
        assert of_base is not None
        assert of_exponent is not None
        x_dot, y_dot = map(self._tangent, node.operands)
        moved = None
        if x_dot is not None and share is not None:
            high = y >= m
            more = np.where(high, y, m)
            moved = np.where(high, more / m * x ** (more - m) * share, of_base(x_dot, out, x, y))
        return _sum(moved, None if y_dot is None else of_exponent(y_dot, out, x, y))

    def _tangent(self, operand: Operand) -> Any:
        return self.tangents.get(operand) if isinstance(operand, Value) else None

    def _of(self, operand: Operand, m: float) -> Any:
        if operand in self.known:
            known = self.known[operand]
            own = self.roots[operand].degree  # factors may be roots of different degrees
            return None if known is None else _raised(self.primal(operand), known, own, m)
        t = self._tangent(operand)
        return None if t is None else m * (_power(self.primal(operand), m - 1) * t)

    def _of_output(self, node: Node, root: Root) -> Any:
        name, operands, m = root
        if name in ("sqrt", "norm_sqrt", "cbrt", "scalar_pow"):
            return self._tangent(operands[0])
        if name == "abs" and operands[0].type.dtype.kind == "c":
            t = self._tangent(operands[0])
            return None if t is None else 2 * np.real(np.conj(self.primal(operands[0])) * t)
        if name == "div":
            return self._of_quotient(node, operands[0], m)
        own = [self._of(o, m) for o in operands]
        if name in ("abs", "neg"):
            return own[0]
        if name == "hypot":
            return _sum(*own)
        if name == "mul":
            a, b = map(self.primal, operands)
            return _sum(_times(_power(b, m), own[0]), _times(_power(a, m), own[1]))
        if all(x is None for x in own):
            return None
        return self.linear_tangent(node, self.primal, own)

    def _of_quotient(self, node: Node, a: Operand, m: float) -> Any:
        b, out = self.primal(node.operands[1]), self.primal(node.outputs[0])
        b_dot = self._tangent(node.operands[1])
        return _sum(
            _times(1 / _power(b, m), self._of(a, m)), _times(-m * (_power(out, m) / b), b_dot)
        )


def _raised(x: Any, share: Any, m: float, p: float) -> Any:
    """The tangent of ``x**p`` from that of ``x**m``."""
    if p > m:
        return p / m * x ** (p - m) * share
    return share if p == m else multiply_no_nan(share, p / m * x ** (p - m))


def _power(x: Any, m: float) -> Any:
    return x if m == 1 else x * x if m == 2 else x**m


def _times(factor: Any, x: Any) -> Any:
    return None if x is None else factor * x


def _sum(x: Any, y: Any) -> Any:
    if x is None or y is None:
        return y if x is None else x
    return x + y
