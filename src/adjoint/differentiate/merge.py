"""Loops that do the same work become one.

The derivative of a scan runs its steps again to keep what the way back needs. Where the primal
scan stands in the same graph, one scan can give both. The two are told to be the same by their
steps: the derivative's step is the primal's with more results, from the same nodes in the same
order. They are other objects where the derivative was kept from an earlier recording.
"""

from __future__ import annotations

from typing import Any

from adjoint.graph.graph import Graph, Literal, Node, Value
from adjoint.primitives import control
from adjoint.primitives.sweeps import scan_sweeps
from adjoint.trace.recorder import MADE_ANEW


def plain_scans(graph: Graph) -> Graph:
    """The graph with loops of one sweep as plain scans.

    Snapshots matter where a loop is differentiated: in a graph that is not to be any more, a
    plain scan does the same.
    """
    if all(node.primitive is not scan_sweeps or len(_steps(node)) > 1 for node in graph.nodes):
        return graph
    nodes = []
    for node in graph.nodes:
        if node.primitive is scan_sweeps and len(_steps(node)) == 1:
            s = node.settings
            counts = (s["n_constants"][0], s["n_states"][0], s["length"], s["reverse"][0])
            attributes = (s["steps"][0], *counts)
            node = Node(control.scan, node.operands, attributes, node.outputs, node.source)
        nodes.append(node)
    return Graph(graph.inputs, tuple(nodes), graph.outputs)


def _steps(node: Node) -> tuple[Graph, ...]:
    steps: tuple[Graph, ...] = node.settings["steps"]
    return steps


def merge_scans(graph: Graph) -> Graph:
    """The graph with scans over the same operands, by the same steps, made one.

    It is given back as it is where there are none.
    """
    same: dict[Any, Value] = {}  # equal values made anew, by what makes them
    stands_for: dict[Any, Any] = {}
    groups: dict[Any, list[Node]] = {}
    for node in graph.nodes:
        operands = tuple([_name(o, stands_for) for o in node.operands])
        if node.primitive.name in MADE_ANEW:
            key = (node.primitive.name, operands, node.attributes)
            stands_for[node.outputs[0]] = same.setdefault(key, node.outputs[0])
        elif node.primitive.name == "scan":
            groups.setdefault((operands, node.attributes[1:]), []).append(node)
    merged = [group for alike in groups.values() for group in _by_steps(alike)]
    if not merged:
        return graph
    replaced: dict[Node, Node | None] = {}
    renamed: dict[Any, Any] = {}
    for group in merged:
        replaced[group[0]] = _merged(group, renamed)
        replaced.update(dict.fromkeys(group[1:]))
    nodes = []
    for node in graph.nodes:
        now = replaced.get(node, node)
        if now is not None:
            ins = tuple([renamed.get(o, o) for o in now.operands])
            nodes.append(Node(now.primitive, ins, now.attributes, now.outputs, now.source))
    return Graph(graph.inputs, tuple(nodes), tuple([renamed.get(o, o) for o in graph.outputs]))


def _by_steps(nodes: list[Node]) -> list[list[Node]]:
    """Those of some scans that go by the same steps, where there are several."""
    if len(nodes) == 1:
        return []
    groups: dict[Graph, list[Node]] = {}
    for node in nodes:
        body, n_carry = node.settings["graph"], node.settings["n_carry"]
        step = Graph(body.inputs, body.nodes, body.outputs[:n_carry])
        groups.setdefault(step, []).append(node)
    return [group for group in groups.values() if len(group) > 1]


def _name(operand: Any, stands_for: dict[Any, Any]) -> Any:
    return operand.key if isinstance(operand, Literal) else stands_for.get(operand, operand)


def _merged(group: list[Node], renamed: dict[Any, Any]) -> Node:
    """The first scan, giving what any of them gives; the others' values take its names."""
    first = group[0]
    body, n_constants, n_carry, length, reverse = first.attributes
    outputs = list(body.outputs)
    values = list(first.outputs)
    place = {o: i for i, o in enumerate(outputs) if i >= n_carry and isinstance(o, Value)}
    for node in group[1:]:
        theirs: Graph = node.attributes[0]
        ours = _counterparts(theirs, body)
        results = [ours.get(o, o) for o in theirs.outputs]
        for i, (inner, outer) in enumerate(zip(results, node.outputs, strict=True)):
            if i < n_carry:
                renamed[outer] = values[i]
            elif inner in place:
                renamed[outer] = values[place[inner]]
            else:
                if isinstance(inner, Value):
                    place[inner] = len(outputs)
                outputs.append(inner)
                values.append(outer)
    step = Graph(body.inputs, body.nodes, tuple(outputs))
    attributes = (step, n_constants, n_carry, length, reverse)
    return Node(first.primitive, first.operands, attributes, tuple(values), first.source)


def _counterparts(graph: Graph, other: Graph) -> dict[Any, Value]:
    """The values of a graph of the same nodes that stand for those of another one."""
    pairs = dict(zip(graph.inputs, other.inputs, strict=True))
    for node, same in zip(graph.nodes, other.nodes, strict=True):
        pairs.update(zip(node.outputs, same.outputs, strict=True))
    return pairs
