"""Forward mode behind a choice: a tangent that is zero because its element was not used stays 0.

Where the root of ``np.maximum(x, 0)`` is taken, the tangent of a negative element is zero and
the slope of the root infinite. Reverse mode stops at the choice; forward mode comes from it, so
products with an infinite partial are told that the zero wins, as ``transpose`` tells them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from adjoint.differentiate.loops import Sweeps, sweeps_of
from adjoint.differentiate.transpose import MIXES, reached
from adjoint.graph.graph import Graph, Literal, Node, Operand
from adjoint.primitives.products import divide_no_nan, multiply_no_nan

_HOLDS_GRAPHS = ("call", "cond", "scan", "while_loop", "while_sweeps", "scan_sweeps")
# What puts zeros beside the tangents that it is given.
_PUTS_ZEROS = {"where", "concatenate", "set_slice", "scatter_set", "unslice", "scatter_add"}
_PUTS_ZEROS |= {"multiply_no_nan", "divide_no_nan", "over_length", "shared"}


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
        if name in _HOLDS_GRAPHS:
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
    """A loop, a choice or a call with such products inside it."""
    settings, name = node.settings, node.primitive.name
    linear = [o in moving for o in node.operands]
    flags = [o in holes for o in node.operands]
    new: dict[str, Any] = {}
    if name == "cond":
        made = {key: guarded_tangents(g, linear[1:], flags[1:]) for key, g in settings.items()}
        new = {key: graph for key, (graph, _) in made.items()}
        out = [any(pair) for pair in zip(*[ends for _, ends in made.values()], strict=True)]
    elif name in ("call", "scan"):
        first, count = settings.get("n_constants", 0), settings.get("n_carry", 0)
        new["graph"], out = _settled(settings["graph"], linear, flags, first, count)
    else:
        steps, out = _sweeps(sweeps_of(node, linear), sweeps_of(node, flags))
        new = {"body": steps[0]} if name == "while_loop" else {"steps": tuple(steps)}
    attributes = tuple([new.get(key, value) for key, value in settings.items()])
    if all(a is b for a, b in zip(attributes, node.attributes, strict=True)):
        return node, out
    return Node(node.primitive, node.operands, attributes, node.outputs, node.source), out


def _settled(
    step: Graph, linear: list[bool], flags: list[bool], first: int, count: int
) -> tuple[Graph, list[bool]]:
    """A step whose inputs from the first on are its own outputs in the round before.

    Marks which of its inputs are linear, and guarded, in any round. Returns the step with such
    products, and which of its outputs are guarded.
    """
    while True:  # what one round guards comes into the next
        before = [*linear, *flags]
        made, out = guarded_tangents(step, linear, flags)
        ends = reached(step, linear)
        for i in range(count):
            linear[first + i] |= ends[i]
            flags[first + i] |= out[i]
        if [*linear, *flags] == before:
            return made, out


def _sweeps(linear: Sweeps, flags: Sweeps) -> tuple[list[Graph], list[bool]]:
    """The steps of sweeps with such products, and which outputs of the sweeps are guarded."""
    earlier: list[list[bool]] = [[], []]  # which states are linear, and which guarded
    steps: list[Graph] = []
    results: list[bool] = []
    for p, step in enumerate(linear.steps):
        marks = [
            [*part.constants[p], *states, *part.states[p], *part.rows[p]]
            for part, states in zip((linear, flags), earlier, strict=True)
        ]
        first, count = len(linear.constants[p]) + len(earlier[0]), len(linear.states[p])
        made, out = _settled(step, marks[0], marks[1], first, count)
        steps.append(made)
        results += out[count:]
        for states, found in zip(earlier, marks, strict=True):
            states += found[first : first + count]
    return steps, [*earlier[1], *results]


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
