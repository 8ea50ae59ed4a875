"""Which parts of a program become straight code: graphs and loops of tiny arrays."""

from __future__ import annotations

import math
from collections.abc import Container, Sequence
from typing import TYPE_CHECKING

from adjoint.graph.graph import Graph, Node, Operand, Value
from adjoint.lower import reduce as reducing
from adjoint.lower.expr import is_map
from adjoint.lower.layout import Place, arena
from adjoint.lower.steps import Step, StraightStep
from adjoint.lower.straight_control import StraightWriter
from adjoint.lower.straight_nodes import SUPPORTED
from adjoint.lower.straight_values import MOST_BYTES, MOST_READ, DeclinedError
from adjoint.lower.widths import fitting

if TYPE_CHECKING:
    from adjoint.lower.region import Lowering

_MOST_NODES = 1500
_GRAPHS = frozenset({"scan", "while_loop", "cond", "call"})


def region(
    lowering: Lowering, graph: Graph, inputs: Sequence[Place], wants: Sequence[Place | None]
) -> tuple[list[Step], list[Place]] | None:
    """A whole graph as straight code, and where its results lie; None if it is too large."""
    if not graph.nodes or not _small(graph):
        return None
    writer = StraightWriter(lowering.features, lowering.literal)
    places = dict(zip(graph.inputs, inputs, strict=True))
    for operand, want in zip(graph.outputs, wants, strict=True):
        if want is not None and isinstance(operand, Value) and want.shape == operand.type.shape:
            writer.wanted.setdefault(operand, want)
    try:
        given = writer.graph(graph, inputs)
        results = []
        for operand, found, want in zip(graph.outputs, given, wants, strict=True):
            if isinstance(operand, Value) and operand in places:
                results.append(places[operand])
                continue
            if want is None or want.shape != operand.type.shape:
                want = arena(operand.type.shape, operand.type.dtype)
            results.append(want)
            writer.result(found, want)
        step = _step(writer, graph.nodes)
    except DeclinedError:
        return None
    return [step], results


def node(
    lowering: Lowering, node: Node, ins: Sequence[Place], outs: Sequence[Place]
) -> list[Step] | None:
    """A loop or a branch as straight code; None if what it does is too large."""
    graphs = [a for a in node.attributes if isinstance(a, Graph)]
    if not graphs or not all(map(_small, graphs)):
        return None
    writer = StraightWriter(lowering.features, lowering.literal)
    for operand, place in zip(node.operands, ins, strict=True):
        if isinstance(operand, Value):
            writer.env[operand] = place
    writer.wanted.update(zip(node.outputs, outs, strict=True))
    try:
        writer.any(node)
        for value, out in zip(node.outputs, outs, strict=True):
            writer.result(writer.env[value], out)
        return [_step(writer, (node,))]
    except DeclinedError:
        return None


def _step(writer: StraightWriter, nodes: Sequence[Node]) -> StraightStep:
    late = writer.finish()
    writer.bound = math.inf  # it is decided; reports of bad indices are still to be written
    outs = [*writer.written, *late]
    written = {place.buffer for place in outs}
    ins = [p for _, p in writer.parameters.values() if p.buffer not in written]
    return StraightStep(writer, list(nodes), ins, outs, late)


# *** a first look: most graphs are too large, and that should cost nothing ***


def _small(graph: Graph) -> bool:
    pending, count = [graph], 0
    while pending:
        inner = pending.pop()
        count += len(inner.nodes)
        if count > _MOST_NODES:
            return False
        summed = {n.operands[0] for n in inner.nodes if n.primitive.name == "sum"}
        for node in inner.nodes:
            if not _small_node(node, summed):
                return False
            pending += [a for a in node.attributes if isinstance(a, Graph)]
    return True


def _small_node(node: Node, summed: Container[Operand]) -> bool:
    name = node.primitive.name
    if any(value.type.size == 0 for value in node.outputs):
        return False  # nothing to compute: the ordinary way knows how
    if name in _GRAPHS:
        return True  # their graphs are looked at too
    if not (name in SUPPORTED or reducing.is_reduction(node) or is_map(node)):
        return False
    value = node.output
    if value in summed or name in ("broadcast", "reshape", "permute_axes", "slice"):
        return value.type.size <= MOST_READ
    return fitting(value.type.size) * value.type.dtype.itemsize <= MOST_BYTES
