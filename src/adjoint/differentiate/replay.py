"""Run a graph on stand-ins: its nodes are recorded again, with their own source lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from adjoint.graph.changes import Sums, merged_sums
from adjoint.graph.evaluate import evaluate
from adjoint.graph.graph import Graph, Literal, Node, Operand, Value
from adjoint.graph.source import Source
from adjoint.primitives.control import custom_call
from adjoint.primitives.linear import add, set_slice, slice_, unslice
from adjoint.trace.overwriting import write_at
from adjoint.trace.recorder import bind_at, innermost


def replay_values(
    graph: Graph, arguments: Sequence[Any], role: str | None = None
) -> dict[Any, Any]:
    """Every value of the graph, from arguments that may be stand-ins.

    Args:
        graph: what to run.
        arguments: one for each input.
        role: what new nodes stand for, ``"tangent"`` or ``"adjoint"``; None keeps theirs.
    """
    values: dict[Any, Any] = dict(zip(graph.inputs, arguments, strict=True))
    for node in graph.nodes:
        operands = [value_of(operand, values) for operand in node.operands]
        source = node.source
        if role is not None and source is not None and source.role == "forward":
            source = source._replace(role=role)
        if node.primitive is custom_call:
            result = _custom_call(node, source, operands)
        else:
            result = bind_at(source, node, operands)
        if node.primitive.several:
            values.update(zip(node.outputs, result, strict=True))
        else:
            values[node.outputs[0]] = result
    return values


def _custom_call(node: Node, source: Source | None, operands: list[Any]) -> Any:
    """The user's rule gives the results; what it keeps for later is recorded in full.

    The residuals of the rule are inputs of its pullback, so they need derivatives of their
    own when that pullback is differentiated again.
    """
    recorder = innermost(operands)
    graph, rule = node.settings["graph"], node.settings["rule"]
    if recorder is None or recorder.transforming or graph is None:
        return bind_at(source, node, operands)
    n = rule.result.num_leaves
    if recorder.concrete:
        lower = [x.payload if getattr(x, "recorder", None) is recorder else x for x in operands]
        payloads = _custom_call(node, source, lower)
        made = recorder.emit(node.primitive, operands, node.attributes, payloads)
    else:
        made = bind_at(source, node, operands)
    return (*made[:n], *replay(graph, operands)[n:])


def value_of(operand: Operand, values: dict[Any, Any]) -> Any:
    """What an operand stands for."""
    if isinstance(operand, Literal):
        value = operand.value
        return value[()] if value.ndim == 0 else value
    return values[operand]


def replay(graph: Graph, arguments: Sequence[Any]) -> list[Any]:
    """Run a graph: with the interpreter on arrays, by recording on stand-ins."""
    recorder = innermost(arguments)
    if recorder is None:
        return evaluate(graph, arguments)
    if recorder.concrete:
        return _replay_in_place(graph.memo("sums as writes", sums_as_writes), arguments)
    values = replay_values(graph, arguments)
    return [value_of(operand, values) for operand in graph.outputs]


def sums_as_writes(graph: Graph, chosen: Callable[[Sums], Sums] | None = None) -> Graph:
    """Sums with an array that is zero outside a slice, as writes into that slice.

    Args:
        graph: where the sums are.
        chosen: which of them to write so; all if None.
    """
    sums, _ = merged_sums(graph)
    sums = {value: pair for value, pair in sums.items() if pair[1].primitive is unslice}
    if chosen is not None:
        sums = chosen(sums)
    if not sums:
        return graph
    shares = {maker.outputs[0] for _, maker in sums.values()}
    nodes = []
    for node in graph.nodes:
        result = node.outputs[0]
        if result in shares:
            continue
        if result not in sums:
            nodes.append(node)
            continue
        total, maker = sums[result]
        (y,), (start, step, _) = maker.operands, maker.attributes
        piece, changed = Value(y.type), Value(y.type)
        nodes.append(Node(slice_, (total,), (start, step, y.type.shape), (piece,), node.source))
        nodes.append(Node(add, (piece, y), (), (changed,), node.source))
        nodes.append(Node(set_slice, (total, changed), (start, step), (result,), node.source))
    return Graph(graph.inputs, tuple(nodes), graph.outputs)


def _replay_in_place(graph: Graph, arguments: Sequence[Any]) -> list[Any]:
    """Record a graph again; what its own writes made and nobody reads later is changed."""
    last = {o: k for k, node in enumerate(graph.nodes) for o in node.operands}
    last.update(dict.fromkeys(graph.outputs, len(graph.nodes)))
    values: dict[Any, Any] = dict(zip(graph.inputs, arguments, strict=True))
    own: set[Operand] = set()
    for k, node in enumerate(graph.nodes):
        operands = [value_of(operand, values) for operand in node.operands]
        if node.primitive is custom_call:
            result = _custom_call(node, node.source, operands)
        elif "writes" in node.primitive.notes:
            first = node.operands[0]
            result = write_at(node.source, node, operands, first in own and last[first] == k)
            own.add(node.outputs[0])
        else:
            result = bind_at(node.source, node, operands)
        results = result if node.primitive.several else (result,)
        values.update(zip(node.outputs, results, strict=True))
        for operand in node.operands:  # a value that is needed no more holds no array
            if last[operand] == k:
                values.pop(operand, None)
    return [value_of(operand, values) for operand in graph.outputs]
