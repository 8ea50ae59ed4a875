"""Many constants of one type, such as the rows of a data set, become one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from adjoint.graph.graph import Graph, Node, Operand, Value
from adjoint.graph.types import ArrayType
from adjoint.primitives.linear import reshape, slice_
from adjoint.trace.recorder import Recorder, TracedCore

_FEWEST = 16
_FEWEST_STAND_INS = 64  # joining these is work for the program
_MOST_BYTES = 1 << 28
_MOST_COMPARED = 64  # bytes of constants that are compared


def stack_constants(
    graph: Graph, given: int, captured: list[Any], *, stand_ins: bool = False
) -> tuple[Graph, list[Any]]:
    """The graph with captured arrays of one type as slices of one array.

    ``for x in rows:`` leaves each row as a constant of its own; as slices they are as regular
    as the loop was, and a program has few arguments.

    Args:
        graph: its last inputs are the captured arrays.
        given: how many inputs come before them.
        captured: the arrays.
        stand_ins: whether many stand-ins of an outer recording become one as well.
    """
    if stand_ins and sum(isinstance(x, TracedCore) for x in captured) >= _FEWEST_STAND_INS:
        graph, captured = _merged(graph, given, captured)
    groups: dict[tuple[ArrayType, bool], list[int]] = {}
    for i, x in enumerate(captured):
        if type(x) is np.ndarray or (stand_ins and isinstance(x, TracedCore)):
            key = graph.inputs[given + i].type, type(x) is np.ndarray
            groups.setdefault(key, []).append(i)
    chosen = [
        (kind, places)
        for (kind, known), places in groups.items()
        if len(places) >= (_FEWEST if known else _FEWEST_STAND_INS)
        and kind.size
        and len(places) * kind.size * kind.dtype.itemsize <= _MOST_BYTES
    ]
    if not chosen:
        return graph, captured
    place_of: dict[Operand, tuple[Value, int]] = {}
    inputs, stacks = [], []
    for kind, places in chosen:
        whole = Value(ArrayType((len(places), *kind.shape), kind.dtype))
        inputs.append(whole)
        stacks.append(np.stack([captured[i] for i in places]))
        place_of.update({graph.inputs[given + i]: (whole, k) for k, i in enumerate(places)})
    rest = [i for i in range(len(captured)) if graph.inputs[given + i] not in place_of]
    heads = (*graph.inputs[:given], *[graph.inputs[given + i] for i in rest], *inputs)
    return _read_from(graph, heads, place_of), [*[captured[i] for i in rest], *stacks]


def _merged(graph: Graph, given: int, captured: list[Any]) -> tuple[Graph, list[Any]]:
    """Stand-ins that the same operations made of the same values become one.

    ``-k * x`` in a loop of Python's notes ``-k`` anew in each round, in the recording that k
    belongs to; as one value it is what no round changes.
    """
    firsts: dict[Recorder, dict[int, int]] = {}
    kept: dict[Any, int] = {}
    became: dict[Operand, Operand] = {}
    for i, x in enumerate(captured):
        if isinstance(x, TracedCore):
            if x.recorder not in firsts:
                firsts[x.recorder] = _first_equal(x.recorder)
            key = x.recorder, firsts[x.recorder].get(x.number, x.number)
            first = kept.setdefault(key, i)
            if first != i:
                became[graph.inputs[given + i]] = graph.inputs[given + first]
    nodes = [
        Node(
            n.primitive,
            tuple([became.get(x, x) for x in n.operands]),
            n.attributes,
            n.outputs,
            n.source,
        )
        for n in graph.nodes
    ]
    outputs = tuple([became.get(x, x) for x in graph.outputs])
    heads = tuple([x for x in graph.inputs if x not in became])
    rest = [x for i, x in enumerate(captured) if graph.inputs[given + i] not in became]
    return Graph(heads, tuple(nodes), outputs), rest


def _first_equal(recorder: Recorder) -> dict[int, int]:
    """For values that an operation made again, the first that is the same."""
    first: dict[int, int] = {}
    seen: dict[Any, int] = {}
    for primitive, attributes, operands, index in recorder.records:
        if primitive is None:
            x = recorder.payloads[index]
            if isinstance(x, TracedCore) or x.nbytes > _MOST_COMPARED:
                continue
            key: Any = attributes, x.tobytes()
        elif primitive.several or primitive.structure == "control":
            continue
        else:
            key = primitive, attributes, tuple([first.get(i, i) for i in operands])
        known = seen.setdefault(key, index)
        if known != index:
            first[index] = known
    return first


def _read_from(
    graph: Graph, heads: tuple[Value, ...], place_of: dict[Operand, tuple[Value, int]]
) -> Graph:
    """Each is read right before it is first used, in the midst of its round."""
    nodes: list[Node] = []
    became: dict[Operand, Operand] = {}

    def now(operands: Sequence[Operand], source: Any) -> tuple[Operand, ...]:
        for x in operands:
            if x in place_of and x not in became:
                became[x] = _row(nodes, *place_of[x], source)
        return tuple([became.get(x, x) for x in operands])

    for node in graph.nodes:
        operands = now(node.operands, node.source)
        nodes.append(Node(node.primitive, operands, node.attributes, node.outputs, node.source))
    outputs = now(graph.outputs, None)
    return Graph(heads, tuple(nodes), outputs)


def _row(nodes: list[Node], whole: Value, k: int, source: Any) -> Value:
    shape = whole.type.shape
    piece = Value(ArrayType((1, *shape[1:]), whole.type.dtype))
    row = Value(ArrayType(shape[1:], whole.type.dtype))
    start = (k, *[0] * (len(shape) - 1))
    attributes = (start, (1,) * len(shape), piece.type.shape)
    nodes.append(Node(slice_, (whole,), attributes, (piece,), source))
    nodes.append(Node(reshape, (piece,), (row.type.shape,), (row,), source))
    return row
