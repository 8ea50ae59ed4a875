"""Is this graph well formed, and if not, where."""

from __future__ import annotations

from adjoint.errors import GraphError
from adjoint.graph.graph import Graph, Literal, Node, Value
from adjoint.graph.text import format_graph

_NEIGHBOURS = 3  # lines shown before and after a wrong node


def check_graph(graph: Graph) -> Graph:
    """Check single assignment, order, attribute names and types, nested graphs included.

    Returns:
        The same graph, so that the call can stand around a construction.

    Raises:
        GraphError: naming the node, its source line and its neighbours.
    """
    pending = [graph]
    while pending:
        current = pending.pop()
        _check_one(current)
        for node in current.nodes:
            pending.extend(a for a in node.attributes if isinstance(a, Graph))
    return graph


def _check_one(graph: Graph) -> None:
    defined: set[Value] = set()
    for value in graph.inputs:
        if value in defined:
            raise _wrong(graph, None, "an input stands twice")
        defined.add(value)
    for node in graph.nodes:
        for operand in node.operands:
            if not isinstance(operand, Literal) and operand not in defined:
                raise _wrong(graph, node, "an operand is used before it is made")
        if len(node.attributes) != len(node.primitive.attributes):
            raise _wrong(graph, node, f"attributes must be {node.primitive.attributes}")
        types = [operand.type for operand in node.operands]
        try:
            wanted = tuple(node.primitive.infer(*types, **node.settings))
        except Exception as error:
            raise _wrong(graph, node, f"its types do not fit: {error}") from error
        made = tuple(value.type for value in node.outputs)
        if made != wanted:
            want = ", ".join(map(str, wanted))
            raise _wrong(graph, node, f"the outputs must have the types {want}")
        for value in node.outputs:
            if value in defined:
                raise _wrong(graph, node, "a value is made twice")
            defined.add(value)
    for operand in graph.outputs:
        if not isinstance(operand, Literal) and operand not in defined:
            raise _wrong(graph, None, "an output is never made")


def _wrong(graph: Graph, node: Node | None, problem: str) -> GraphError:
    shown = ""
    if node is not None:
        at = graph.nodes.index(node)
        near = graph.nodes[max(0, at - _NEIGHBOURS) : at + _NEIGHBOURS + 1]
        known: dict[Value, None] = {}
        for other in near:
            known.update((o, None) for o in other.operands if isinstance(o, Value))
        for other in near:
            for value in other.outputs:
                known.pop(value, None)
        excerpt = format_graph(Graph(tuple(known), near, ()), shorten=True)
        shown = "\n".join(excerpt.split("\n")[1:-2])
    return GraphError(
        problem
        if node is None
        else f"node {graph.nodes.index(node)} ({node.primitive}): {problem}",
        function="check_graph",
        source=node.source if node else None,
        got=f"\n{shown}" if shown else None,
    )
