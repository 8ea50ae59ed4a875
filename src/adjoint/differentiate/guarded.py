"""Forward mode behind a choice: a tangent that is zero because its element was not used stays 0.

Where the root of ``np.maximum(x, 0)`` is taken, the tangent of a negative element is zero and
the slope of the root infinite. Reverse mode stops at the choice; forward mode comes from it, so
products with an infinite partial are told that the zero wins, as ``transpose`` tells them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from adjoint.differentiate.transpose import MIXES
from adjoint.graph.graph import Graph, Literal, Node, Operand
from adjoint.primitives.products import divide_no_nan, multiply_no_nan

# What puts zeros beside the tangents that it is given.
_PUTS_ZEROS = {"where", "concatenate", "set_slice", "scatter_set", "unslice", "scatter_add"}
_PUTS_ZEROS |= {"multiply_no_nan", "divide_no_nan"}


def guarded_tangents(
    graph: Graph, linear: Sequence[bool], flags: Sequence[bool]
) -> tuple[Graph, list[bool]]:
    """The graph with products that keep the zeros of guarded tangents.

    Args:
        graph: linear in some of its inputs.
        linear: which inputs those are.
        flags: which inputs are guarded tangents.

    Returns:
        The graph, itself where no product needs it; and which of its outputs are guarded.
    """
    moving: set[Operand] = {v for v, flag in zip(graph.inputs, linear, strict=True) if flag}
    holes: set[Operand] = {v for v, flag in zip(graph.inputs, flags, strict=True) if flag}
    nodes = []
    for node in graph.nodes:
        if moving.isdisjoint(node.operands):
            nodes.append(node)
            continue
        moving.update(node.outputs)
        name = node.primitive.name
        if name in ("scan", "call"):
            changed, out = _inside(node, moving, holes)
            nodes.append(changed)
            holes.update([v for v, flag in zip(node.outputs, out, strict=True) if flag])
            continue
        guarded = not holes.isdisjoint(node.operands)
        nodes.append(_keeping_zeros(node, moving) if guarded else node)
        if (guarded or name in _PUTS_ZEROS) and name not in MIXES:
            holes.update(node.outputs)
    ends = [o in holes for o in graph.outputs]
    if all(new is old for new, old in zip(nodes, graph.nodes, strict=True)):
        return graph, ends
    return Graph(graph.inputs, tuple(nodes), graph.outputs), ends


def _inside(node: Node, moving: set[Operand], holes: set[Operand]) -> tuple[Node, list[bool]]:
    """A loop or a call with such products inside it."""
    settings = node.settings
    graph: Graph = settings["graph"]
    linear = [o in moving for o in node.operands]
    flags = [o in holes for o in node.operands]
    first, n_carry = settings.get("n_constants", 0), settings.get("n_carry", 0)
    while True:  # what one round guards comes into the next
        made, out = guarded_tangents(graph, linear, flags)
        new = [i for i in range(n_carry) if out[i] and linear[first + i] and not flags[first + i]]
        if not new:
            break
        for i in new:
            flags[first + i] = True
    if made is graph:
        return node, out
    attributes = [
        made if name == "graph" else value
        for name, value in zip(node.primitive.attributes, node.attributes, strict=True)
    ]
    return Node(node.primitive, node.operands, tuple(attributes), node.outputs, node.source), out


def _keeping_zeros(node: Node, moving: set[Operand]) -> Node:
    name, operands = node.primitive.name, node.operands
    if name == "div" and operands[0] in moving:
        return Node(divide_no_nan, operands, (), node.outputs, node.source)
    if name != "mul":
        return node
    partial = operands[1] if operands[0] in moving else operands[0]
    if isinstance(partial, Literal) and np.all(np.isfinite(partial.value)):
        return node
    return Node(multiply_no_nan, operands, (), node.outputs, node.source)
