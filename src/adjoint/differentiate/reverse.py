"""Reverse mode: linearise, then transpose. The adjoint graph of a graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from adjoint.differentiate.linearize import linearize
from adjoint.differentiate.replay import replay_values, value_of
from adjoint.differentiate.transpose import transpose
from adjoint.graph.graph import Graph, Value, set_adjoint
from adjoint.trace.recorder import Recorder


class Pullback(NamedTuple):
    """The pullback of a graph at a point.

    ``graph`` takes the residuals and the cotangents of ``active_outputs``, and gives the
    cotangents of the active inputs.
    """

    graph: Graph
    residuals: tuple[Value, ...]
    active_outputs: tuple[int, ...]


def pullback_graph(graph: Graph, active: Sequence[bool]) -> Pullback:
    """The pullback with respect to the active inputs."""
    linear = linearize(graph, active)
    n_residuals = len(linear.residuals)
    mask = [i >= n_residuals for i in range(len(linear.graph.inputs))]
    return Pullback(transpose(linear.graph, mask), linear.residuals, linear.active_outputs)


def adjoint_graph(graph: Graph) -> Graph:
    """One graph from (inputs, cotangents of outputs) to cotangents of the inputs.

    Only inputs and outputs that can carry a derivative take part.
    """
    active = [value.type.is_differentiable for value in graph.inputs]
    back = pullback_graph(graph, active)
    recorder = Recorder("adjoint", concrete=False, keep_all=True)
    primals = [recorder.input(value.type) for value in graph.inputs]
    carried = [o for o in graph.outputs if o.type.is_differentiable]
    bars = {}
    for i, operand in enumerate(graph.outputs):
        if operand.type.is_differentiable:
            bars[i] = recorder.input(operand.type)
    values = replay_values(graph, primals)
    residuals = [values[value] for value in back.residuals]
    inner = replay_values(back.graph, [*residuals, *(bars[i] for i in back.active_outputs)])
    results = [value_of(operand, inner) for operand in back.graph.outputs]
    made = recorder.graph(
        [recorder.index_of(x) for x in results],
        range(len(primals) + len(carried)),
        inline=1 << 62,
    )
    recorder.closed = True
    return made.graph


set_adjoint(adjoint_graph)
