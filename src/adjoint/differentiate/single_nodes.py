"""Derivatives of single nodes, of the first and of higher order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from adjoint.differentiate.linearize import jvp_graph, node_tangents
from adjoint.differentiate.replay import replay
from adjoint.graph.graph import Graph, Node, Value


def derivative(
    node: Node, primal: Callable[[Any], Any], directions: Sequence[Sequence[Any]]
) -> list[Any]:
    """A derivative of a node, linear in each of the directions; one value for each output.

    Args:
        node: what is differentiated.
        primal: the values at which.
        directions: for each time, a tangent of each operand, or None where it stays.
    """
    none: list[Any] = [None] * len(node.outputs)
    if any(all(x is None for x in column) for column in directions):
        return none
    if len(directions) == 1:
        return list(node_tangents(node, primal, directions[0]))
    if node.primitive.structure == "linear":
        return none
    ins, outs = (tuple([Value(x.type) for x in part]) for part in (node.operands, node.outputs))
    graph = Graph(ins, (Node(node.primitive, ins, node.attributes, outs, node.source),), outs)
    given, places = [primal(o) for o in node.operands], list(range(len(outs)))
    for column in directions:
        active = [x is not None for x in column]
        active += [False] * (len(graph.inputs) - len(active))
        graph, live = jvp_graph(graph, active, primal_outputs=False)
        places = [places[k] for k in live]
        given += [x for x in column if x is not None]
    for place, x in zip(places, replay(graph, given) if places else [], strict=True):
        none[place] = x
    return none
