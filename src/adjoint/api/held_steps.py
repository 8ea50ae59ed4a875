"""Graphs whose step functions are held where they are: smooth in what moves.

A comparison, a sign or a floor that something smooth decides is a step: constant, but for places
where it jumps. With all of them held at given values a graph has derivatives everywhere. Beside
its result it then gives the *margin* of each step, a smooth function that crosses a known value
where the step jumps.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from adjoint.graph.evaluate import program_of
from adjoint.graph.graph import Graph, Literal, Node, Operand, Value
from adjoint.graph.primitive import primitives
from adjoint.graph.types import ArrayType
from adjoint.rewrite.builder import without_dead_nodes

_COMPARISONS = {"less", "less_equal", "greater", "greater_equal", "equal", "not_equal"}
_OF_ONE = {"sign", "heaviside", "floor", "ceil", "rint", "trunc"}
_WHOLES = {"remainder": "floor", "fmod": "trunc", "floor_divide": "floor"}


class Steps:
    """The steps of a graph that depend on its moving inputs.

    Args:
        graph: its first output is the result; others are decisions that were taken on values.
        moving: whether each input moves; the others count as constants.
    """

    def __init__(self, graph: Graph, moving: Sequence[bool]) -> None:
        self.graph = graph
        self._nodes: list[Node] = []
        reach: dict[Operand, frozenset[int]] = {}
        reach.update((v, frozenset((i,))) for i, v in enumerate(graph.inputs))
        moves = {v for v, flag in zip(graph.inputs, moving, strict=True) if flag}
        unclear: set[Operand] = set()  # whole numbers that jump elsewhere than at a known step
        self.reach: list[frozenset[int]] = []
        for node in graph.nodes:
            name = node.primitive.name
            from_all = frozenset().union(*(reach.get(x, frozenset()) for x in node.operands))
            reach.update(dict.fromkeys(node.outputs, from_all))
            smooth = [x in moves for x in node.operands]
            if any(x in unclear for x in node.operands):
                unclear.update(node.outputs)
            if not any(smooth):
                continue
            floats = node.operands[0].type.dtype.kind == "f"
            if floats and (name in _COMPARISONS or name in _OF_ONE or name in _WHOLES):
                self._nodes.append(node)
                self.reach.append(from_all)
                if name in ("remainder", "fmod"):
                    moves.update(node.outputs)
            elif any(value.type.dtype.kind in "fc" for value in node.outputs):
                moves.update(node.outputs)
            else:
                unclear.update(node.outputs)
        self.count = len(self._nodes)
        self.decided = not any(x in moves or x in unclear for x in graph.outputs[1:])
        self._watched = program_of(self._with_steps())
        self._held: dict[Any, Graph] = {}

    def _with_steps(self) -> Graph:
        """The graph with the values of its steps as further outputs."""
        nodes, outputs = [], list(self.graph.outputs)
        steps = set(map(id, self._nodes))
        for node in self.graph.nodes:
            nodes.append(node)
            if id(node) not in steps:
                continue
            value: Operand = node.output
            if node.primitive.name in ("remainder", "fmod"):
                quotient = _made(nodes, "div", node.operands, node.output.type)
                value = _made(nodes, _WHOLES[node.primitive.name], (quotient,), quotient.type)
            outputs.append(value)
        return without_dead_nodes(Graph(self.graph.inputs, tuple(nodes), tuple(outputs)))

    def at(self, values: Sequence[Any]) -> tuple[Any, list[Any], list[Any]]:
        """The result, the decisions and the steps on plain numbers."""
        result, *rest = self._watched(values)
        n = len(self.graph.outputs) - 1
        return result, rest[:n], rest[n:]

    def held(self, steps: Sequence[Any]) -> Graph:
        """The graph with its steps held: its outputs are the result, and all margins."""
        key = b"|".join(np.asarray(x).tobytes() for x in steps)
        found = self._held.get(key)
        if found is None:
            found = self._held[key] = self._hold(steps)
        return found

    def _hold(self, steps: Sequence[Any]) -> Graph:
        given = dict(zip(map(id, self._nodes), steps, strict=True))
        became: dict[Operand, Operand] = {}
        nodes: list[Node] = []
        margins: list[Operand] = []
        for node in self.graph.nodes:
            operands = tuple([became.get(x, x) for x in node.operands])
            if id(node) not in given:
                kept = (node.attributes, node.outputs, node.source)
                nodes.append(Node(node.primitive, operands, *kept))
                continue
            name, kind = node.primitive.name, operands[0].type
            value = np.broadcast_to(np.asarray(given[id(node)]), node.output.type.shape)
            if name in _COMPARISONS:
                margins.append(_made(nodes, "sub", operands, kind))
            elif name in _OF_ONE:
                margins.append(operands[0])
            else:
                margins.append(_made(nodes, "div", operands, kind))
            if name in ("remainder", "fmod"):
                whole = Literal(value.astype(kind.dtype))
                part = _made(nodes, "mul", (operands[1], whole), kind)
                became[node.output] = _made(nodes, "sub", (operands[0], part), kind)
            else:
                became[node.output] = Literal(value.astype(node.output.type.dtype))
        result = became.get(self.graph.outputs[0], self.graph.outputs[0])
        return Graph(self.graph.inputs, tuple(nodes), (result, *margins))

    def boundary(self, which: int, before: Any, after: Any) -> float:
        """The value of a margin where its step goes from one value to another."""
        name = self._nodes[which].primitive.name
        name = _WHOLES.get(name, name)
        if name == "floor":
            return float(max(before, after))
        if name == "ceil":
            return float(min(before, after))
        if name == "rint":
            return 0.5 * float(before + after)
        if name == "trunc":
            return float(before if abs(before) > abs(after) else after)
        return 0.0


def _made(nodes: list[Node], name: str, operands: Sequence[Operand], kind: ArrayType) -> Value:
    """The output of a new node."""
    value = Value(kind)
    nodes.append(Node(primitives[name], tuple(operands), (), (value,)))
    return value


def only(graph: Graph, which: int) -> Graph:
    """The graph of one of the outputs."""
    return without_dead_nodes(Graph(graph.inputs, graph.nodes, (graph.outputs[which],)))
