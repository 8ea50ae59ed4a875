"""Graphs inside graphs: calls are opened, bodies rewritten, invariant work moved out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from adjoint.graph.graph import Graph, Literal, Node, Operand, Value
from adjoint.graph.primitive import primitives
from adjoint.rewrite.builder import Builder, rebuild, without_dead_nodes
from adjoint.rewrite.equations import EQUATIONS

_FREE = frozenset({"broadcast", "reshape", "permute_axes", "slice"})
_LONGEST_UNROLL = 1  # a loop that runs once is no loop


def open_calls(graph: Graph) -> Graph:
    """call(g)(x) = g(x): nodes of called graphs take the call's place.

    A call that computes again what was computed before, to save memory, stays: opened, its
    nodes would be found equal to those before, whose values would then be kept after all.
    """
    while any(map(_opens, graph.nodes)):
        graph = rebuild(graph, Builder(), _open)
    return graph


def open_unless_again(graph: Graph) -> Graph:
    """Calls are opened at once where nothing is computed again.

    Where something is, they are opened after loops have been rolled up: a loop that went
    through several of them would keep what they were made not to keep.
    """
    if any(node.primitive.name == "call" and not _opens(node) for node in graph.nodes):
        return graph
    return open_calls(graph)


def _opens(node: Node) -> bool:
    """Functions with a rule of the user's are called for no more than their values here."""
    if node.primitive.name == "custom_call":
        return node.settings["graph"] is not None
    return node.primitive.name == "call" and node.settings["label"] != "again"


def _open(b: Builder, node: Node, operands: tuple[Operand, ...]) -> Sequence[Operand] | None:
    return splice(b, node.settings["graph"], operands) if _opens(node) else None


def splice(b: Builder, graph: Graph, operands: Sequence[Operand]) -> list[Operand]:
    """The nodes of a graph on given operands; returns what its outputs became."""
    became: dict[Operand, Operand] = dict(zip(graph.inputs, operands, strict=True))
    for node in graph.nodes:
        b.source = node.source
        made = b.node(
            node.primitive,
            tuple([became.get(x, x) for x in node.operands]),
            node.attributes,
        )
        became.update(zip(node.outputs, made, strict=True))
    return [became.get(x, x) for x in graph.outputs]


def prune_scans(graph: Graph) -> Graph:
    """A scan without the stacked results nobody reads, and the constants it does not use."""
    if all(node.primitive.name != "scan" for node in graph.nodes):
        return graph
    used: set[Operand] = set(graph.outputs)
    for node in graph.nodes:
        used.update(node.operands)

    def visit(b: Builder, node: Node, operands: tuple[Operand, ...]) -> list[Operand] | None:
        if node.primitive.name != "scan":
            return None
        return _pruned(b, node, operands, used)

    return rebuild(graph, Builder(), visit)


def _pruned(
    b: Builder, node: Node, operands: tuple[Operand, ...], used: set[Operand]
) -> list[Operand]:
    body, n_constants, n_carry, length, reverse = node.attributes
    keep = [i for i, v in enumerate(node.outputs) if i < n_carry or v in used]
    inner = without_dead_nodes(
        Graph(body.inputs, body.nodes, tuple([body.outputs[i] for i in keep]))
    )
    read: set[Operand] = set(inner.outputs)
    for inside in inner.nodes:
        read.update(inside.operands)
    carried = range(n_constants, n_constants + n_carry)
    ins = [i for i, v in enumerate(body.inputs) if i in carried or v in read]
    inner = Graph(tuple([body.inputs[i] for i in ins]), inner.nodes, inner.outputs)
    constants = sum(1 for i in ins if i < n_constants)
    made = b.node(
        node.primitive,
        tuple([operands[i] for i in ins]),
        (inner, constants, n_carry, length, reverse),
    )
    results: list[Operand] = [Literal(0)] * len(node.outputs)  # unread: never looked at
    for i, value in zip(keep, made, strict=True):
        results[i] = value
    return results


def hoist(graph: Graph) -> Graph:
    """Work in a loop's body that depends on its constants only is done before the loop."""
    return rebuild(graph, Builder(EQUATIONS), _hoisted)


def _hoisted(b: Builder, node: Node, operands: tuple[Operand, ...]) -> Sequence[Operand] | None:
    if node.primitive.name == "scan":
        body, n_constants, n_carry, length, reverse = node.attributes
        if length == 0:
            return None
        fresh, outer = _split(b, body, operands[:n_constants], n_constants)
        if not outer:
            return None
        return b.node(
            node.primitive,
            (*operands[:n_constants], *outer, *operands[n_constants:]),
            (fresh, n_constants + len(outer), n_carry, length, reverse),
        )
    return None


def _split(
    b: Builder, body: Graph, constants: Sequence[Operand], n_constants: int
) -> tuple[Graph, list[Operand]]:
    """The body without its invariant nodes, and what those are outside."""
    outside: dict[Operand, Operand] = dict(zip(body.inputs[:n_constants], constants, strict=True))
    stays: list[Node] = []
    moved: dict[Value, Node] = {}
    for node in body.nodes:
        plain = node.primitive.structure != "control"
        known = all(x in outside or x in moved or isinstance(x, Literal) for x in node.operands)
        if plain and known and node.operands:
            moved.update((value, node) for value in node.outputs)
        else:
            stays.append(node)
    wanted = [x for node in stays for x in node.operands] + list(body.outputs)
    # Free nodes are done again inside: a stretched array must not be stored.
    inside: dict[Node, None] = {}
    needed: dict[Value, None] = {}
    while wanted:
        x = wanted.pop()
        if not isinstance(x, Value) or x not in moved or x in needed:
            continue
        node = moved[x]
        if node.primitive.name in _FREE:
            inside[node] = None
            wanted.extend(node.operands)
        else:
            needed[x] = None
    if not needed:
        return body, []
    for node in body.nodes:
        if node.outputs[0] in moved:
            b.source = node.source
            made = b.node(
                node.primitive,
                tuple([outside.get(x, x) for x in node.operands]),
                node.attributes,
            )
            outside.update(zip(node.outputs, made, strict=True))
    order = [v for node in body.nodes for v in node.outputs if v in needed]
    inputs = (*body.inputs[:n_constants], *order, *body.inputs[n_constants:])
    gone = {id(node) for node in body.nodes if node.outputs[0] in moved and node not in inside}
    nodes = tuple([node for node in body.nodes if id(node) not in gone])
    return without_dead_nodes(Graph(inputs, nodes, body.outputs)), [outside[v] for v in order]


def in_bodies(graph: Graph, rewrite: Any) -> Graph:
    """The graph with every nested graph rewritten."""
    if not any(isinstance(a, Graph) for node in graph.nodes for a in node.attributes):
        return graph

    def visit(b: Builder, node: Node, operands: tuple[Operand, ...]) -> Any:
        if not any(isinstance(a, Graph) for a in node.attributes):
            return None
        changed = tuple([rewrite(a) if isinstance(a, Graph) else a for a in node.attributes])
        return b.node(node.primitive, operands, changed)

    return rebuild(graph, Builder(), visit)


__all__ = ["hoist", "in_bodies", "open_calls", "primitives", "prune_scans", "splice"]
