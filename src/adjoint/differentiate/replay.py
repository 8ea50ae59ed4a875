"""Run a graph on stand-ins: its nodes are recorded again, with their own source lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from adjoint.graph.evaluate import evaluate
from adjoint.graph.graph import Graph, Literal, Node, Operand
from adjoint.graph.source import Source
from adjoint.primitives.control import custom_call
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
    if innermost(arguments) is None:
        return evaluate(graph, arguments)
    values = replay_values(graph, arguments)
    return [value_of(operand, values) for operand in graph.outputs]
