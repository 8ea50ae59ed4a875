"""Transpose: a graph that is linear in some inputs becomes the graph of its adjoint map.

The linear nodes are walked backwards, each handing the cotangent of its output to its
operands. What they read that does not depend on the linear inputs (such as partials, made of
residuals) is made when it is first read, so that not all of it is alive at once.

Cotangents that come out of a ``where`` (or an assignment, or a selection of elements) are
*guarded*: their zeros mean "this element was not used", so a product of such a zero with an
infinite or undefined partial is 0 and not NaN. Other products stay plain, and cost nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from adjoint.differentiate.replay import value_of
from adjoint.errors import NoDerivativeError
from adjoint.graph.graph import Graph, Literal, Node, Operand, Value
from adjoint.primitives.infer import zeros
from adjoint.primitives.products import divide_no_nan, multiply_no_nan
from adjoint.trace.recorder import Recorder, bind_at

# (node, operands with types at linear places, cotangents, which operands are linear, which
# cotangents are guarded) -> (cotangents of the operands, which of them are guarded)
Shares = tuple[Sequence[Any], Sequence[bool]]
ControlTranspose = Callable[
    [Node, Sequence[Any], Sequence[Any], Sequence[bool], Sequence[bool]], Shares
]
control_transposes: dict[str, ControlTranspose] = {}


def unguarded(
    rule: Callable[[Node, Sequence[Any], Sequence[Any], Sequence[bool]], Sequence[Any]],
) -> ControlTranspose:
    """A rule that mixes what it is given: no zero of its cotangents means anything."""

    def transposing(
        node: Node,
        operands: Sequence[Any],
        bars: Sequence[Any],
        linear: Sequence[bool],
        _: Sequence[bool],
    ) -> Shares:
        return rule(node, operands, bars, linear), [False] * len(operands)

    return transposing


def reached(graph: Graph, mask: Sequence[bool]) -> list[bool]:
    """Which outputs depend on the marked inputs."""
    dependent: set[Operand] = {v for v, flag in zip(graph.inputs, mask, strict=True) if flag}
    for node in graph.nodes:
        if not dependent.isdisjoint(node.operands):
            dependent.update(node.outputs)
    return [o in dependent for o in graph.outputs]


_MAKES_HOLES = {"where", "slice", "set_slice", "gather", "scatter_set"}
# Zeros of these win against what they multiply.
_MAKES_HOLES |= {"multiply_no_nan", "divide_no_nan", "over_length", "shared"}
MIXES = {"matmul", "einsum", "solve", "convolution", "convolution_input", "convolution_weight"}


def transpose(graph: Graph, linear: Sequence[bool]) -> Graph:
    """The transpose with respect to some inputs.

    Args:
        graph: linear in those inputs together.
        linear: which inputs are linear; the others are residuals.

    Returns:
        A graph from (residuals, cotangents of outputs) to cotangents of the linear inputs.
    """
    return transposed(graph, linear, [False] * len(graph.outputs))[0]


def transposed(
    graph: Graph, linear: Sequence[bool], guarded: Sequence[bool]
) -> tuple[Graph, list[bool | None]]:
    """The transpose as a part of a larger one.

    Args:
        graph: linear in some inputs together.
        linear: which inputs are linear; the others are residuals.
        guarded: which cotangents of outputs are guarded.

    Returns:
        The graph that ``transpose`` gives; and for each linear input whether its cotangent is
        guarded, None where nothing reaches it.
    """
    recorder = Recorder("transpose", concrete=False, keep_all=True)
    values = _Values()
    for value, is_linear in zip(graph.inputs, linear, strict=True):
        if not is_linear:
            values.known[value] = recorder.input(value.type)
    heads = [x.number for x in values.known.values()]
    incoming = [recorder.input(o.type) for o in graph.outputs]
    heads += [x.number for x in incoming]

    dependent = {v for v, is_linear in zip(graph.inputs, linear, strict=True) if is_linear}
    walk = []
    for node in graph.nodes:
        if any(o in dependent for o in node.operands):
            dependent.update(node.outputs)
            walk.append(node)
        else:
            values.makers.update(dict.fromkeys(node.outputs, node))

    cotangents = _Cotangents()
    for operand, y_bar, flag in zip(graph.outputs, incoming, guarded, strict=True):
        if operand in dependent:
            cotangents.add(operand, y_bar, flag)
    for node in reversed(walk):
        recorder.source = _adjoint_line(node)
        _pull_node(node, values, dependent, cotangents)
    recorder.source = None

    outputs = []
    flags: list[bool | None] = []
    for value, is_linear in zip(graph.inputs, linear, strict=True):
        if is_linear:
            x_bar = cotangents.total.get(value)
            flags.append(None if x_bar is None else value in cotangents.guarded)
            if x_bar is None:
                x_bar = zeros(value.type)
            outputs.append(recorder.index_of(x_bar))
    made = recorder.graph(outputs, heads, inline=1 << 62)
    recorder.closed = True
    return made.graph, flags


class _Values:
    """Values that do not depend on the linear inputs, made when first asked for."""

    def __init__(self) -> None:
        self.known: dict[Any, Any] = {}
        self.makers: dict[Any, Node] = {}

    def __call__(self, operand: Operand) -> Any:
        if not isinstance(operand, Literal) and operand not in self.known:
            self._make(operand)
        return value_of(operand, self.known)

    def _make(self, wanted: Value) -> None:
        stack = [wanted]
        while stack:
            if stack[-1] in self.known:
                stack.pop()
                continue
            node = self.makers[stack[-1]]
            missing = [o for o in node.operands if isinstance(o, Value) and o not in self.known]
            if missing:
                stack += missing
                continue
            operands = [value_of(o, self.known) for o in node.operands]
            result = bind_at(_adjoint_line(node), node, operands)
            results = result if node.primitive.several else (result,)
            self.known.update(zip(node.outputs, results, strict=True))


class _Cotangents:
    """Sums of cotangents, and which of them are guarded."""

    def __init__(self) -> None:
        self.total: dict[Any, Any] = {}
        self.guarded: set[Any] = set()

    def add(self, operand: Any, share: Any, guarded: bool) -> None:
        known = self.total.get(operand)
        self.total[operand] = share if known is None else known + share
        if guarded:
            self.guarded.add(operand)

    def take(self, value: Value) -> tuple[Any, bool]:
        """A cotangent that is complete; it is not needed again."""
        return self.total.pop(value, None), value in self.guarded


def _adjoint_line(node: Node) -> Any:
    return node.source._replace(role="adjoint") if node.source is not None else None


def _pull_node(node: Node, values: _Values, dependent: set[Any], cotangents: _Cotangents) -> None:
    primitive = node.primitive
    taken = [cotangents.take(value) for value in node.outputs]
    if all(y_bar is None for y_bar, _ in taken):
        return
    guarded = any(flag for _, flag in taken)
    is_linear = [o in dependent for o in node.operands]
    operands = [
        o.type if flag else values(o) for o, flag in zip(node.operands, is_linear, strict=True)
    ]
    if primitive.structure == "control":
        rule = control_transposes[primitive.name]
        bars, flags = [y_bar for y_bar, _ in taken], [flag for _, flag in taken]
        for operand, share, flag in zip(
            node.operands, *rule(node, operands, bars, is_linear, flags), strict=True
        ):
            if share is not None:
                cotangents.add(operand, share, flag)
        return
    (y_bar, _) = taken[0]
    passed_on = (guarded or primitive.name in _MAKES_HOLES) and primitive.name not in MIXES
    places = range(len(node.operands))
    # What a write covered is read before it is set to zero, which may then be done in place.
    for which in reversed(places) if "writes" in primitive.notes else places:
        operand = node.operands[which]
        if not is_linear[which]:
            continue
        if not primitive.is_linear_in(which) or primitive.transpose is None:
            raise NoDerivativeError(
                f"{primitive.name} is not linear in its operand {which}",
                function="transpose",
                source=node.source,
            )
        share = None
        if guarded:
            share = _guarded_product(primitive.name, y_bar, operands, which)
        if share is None:
            share = primitive.transpose(y_bar, operands, which, **node.settings)
        cotangents.add(operand, share, passed_on)


def _guarded_product(name: str, y_bar: Any, operands: Sequence[Any], which: int) -> Any:
    """A product in which a zero cotangent wins against any partial; None where harmless."""
    if name == "div":
        return divide_no_nan(y_bar, operands[1])
    if name != "mul":
        return None
    partial = operands[1 - which]
    if not hasattr(partial, "recorder") and np.all(np.isfinite(partial)):
        return None
    return multiply_no_nan(y_bar, partial)
