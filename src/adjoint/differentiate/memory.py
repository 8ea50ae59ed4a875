"""What a graph needs in memory, and how to need less by computing parts of it again.

A graph is cut into segments, each a ``call`` whose inside is not kept: its adjoint computes the
inside once more. Segments may be cut again inside. Which plan is taken is decided by figures:
the peak of the whole gradient graph is worked out for each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from adjoint.graph.graph import Graph, Literal, Node, Value
from adjoint.primitives import control

# Their results share the memory of their operand.
_VIEWS = {"reshape", "broadcast", "permute_axes", "slice", "stop_gradient"}


def _bytes(value: Any) -> int:
    kind = value.type
    return int(kind.size * kind.dtype.itemsize)


def peak_bytes(graph: Graph) -> int:
    """The most memory alive at a time while the interpreter runs a graph, beside its inputs.

    Loops with a number of rounds that is not known count as one round.
    """
    peak: int = graph.memo("peak bytes", _peak)
    return peak


def _peak(graph: Graph) -> int:
    last = _last_uses(graph)
    owner: dict[Any, Any] = {}  # whose memory a value is
    held: dict[Any, int] = {}  # how many live values share it
    size: dict[Any, int] = {}
    alive = most = 0
    for value in graph.inputs:
        owner[value], held[value], size[value] = value, 1, 0
    for i, node in enumerate(graph.nodes):
        inner = _inside(node)
        for value in node.outputs:
            is_view = node.primitive.name in _VIEWS
            if is_view and isinstance(node.operands[0], Value):
                root = owner[node.operands[0]]
                owner[value] = root
                held[root] += 1
                continue
            owner[value], held[value] = value, 1
            size[value] = 0 if is_view else _bytes(value)  # views of constants take nothing
            alive += size[value]
        most = max(most, alive + max(0, inner - sum(map(_bytes, node.outputs))), alive)
        for operand in {*node.operands, *node.outputs}:
            if isinstance(operand, Literal) or last.get(operand, i) > i:
                continue
            root = owner[operand]
            held[root] -= 1
            if not held[root]:
                alive -= size[root]
    return most


def _last_uses(graph: Graph) -> dict[Any, int]:
    last: dict[Any, int] = {}
    for i, node in enumerate(graph.nodes):
        for operand in node.operands:
            last[operand] = i
    for output in graph.outputs:
        last[output] = len(graph.nodes)
    return last


def _inside(node: Node) -> int:
    """The peak within a node that runs graphs."""
    graphs = []
    for setting in node.attributes:
        graphs += [setting] if isinstance(setting, Graph) else []
        if isinstance(setting, tuple):
            graphs += [x for x in setting if isinstance(x, Graph)]
    return max(map(peak_bytes, graphs), default=0)


class Plan(NamedTuple):
    """Into how many segments a graph is cut, at each level; nothing means not at all."""

    parts: tuple[int, ...]

    def __str__(self) -> str:
        if not self.parts:
            return "nothing is computed again"
        return " of ".join(f"{n} segments" for n in reversed(self.parts)) + " are computed again"


def plans() -> Iterator[Plan]:
    """Plans in the order of the work they repeat."""
    yield Plan(())
    for n in (2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64):
        yield Plan((n,))
    for n in (4, 8, 16, 32):
        for m in (2, 4, 8):
            yield Plan((n, m))
    for n in (4, 8, 16):
        yield Plan((n, 4, 4))


def segmented(graph: Graph, plan: Plan) -> Graph:
    """The graph with its nodes put into calls; it gives the same results."""
    if not plan.parts or len(graph.nodes) < 2 * plan.parts[0]:
        return graph
    edges = [0, *_cuts(graph, plan.parts[0]), len(graph.nodes)]
    last = _last_uses(graph)
    values: dict[Any, Any] = {}
    nodes: list[Node] = []
    for k, (start, stop) in enumerate(pairwise(edges)):
        part = graph.nodes[start:stop]
        if k + 2 == len(edges):  # the last one is pulled back at once
            nodes += [_renamed(node, values) for node in part]
            continue
        made = [v for node in part for v in node.outputs]
        inside = set(made)
        read = [o for node in part for o in node.operands if isinstance(o, Value)]
        inputs = tuple(dict.fromkeys(o for o in read if o not in inside))
        outputs = tuple(v for v in made if last.get(v, -1) >= stop)
        if not outputs:
            continue
        inner = segmented(Graph(inputs, tuple(part), outputs), Plan(plan.parts[1:]))
        results = tuple(Value(v.type) for v in outputs)
        operands = tuple(values.get(v, v) for v in inputs)
        call = (inner, "checkpoint")
        nodes.append(Node(control.call, operands, call, results, part[0].source))
        values.update(zip(outputs, results, strict=True))
    return Graph(graph.inputs, tuple(nodes), tuple(values.get(o, o) for o in graph.outputs))


def _renamed(node: Node, values: dict[Any, Any]) -> Node:
    operands = tuple(values.get(o, o) for o in node.operands)
    return Node(node.primitive, operands, node.attributes, node.outputs, node.source)


def _cuts(graph: Graph, parts: int) -> list[int]:
    """Places that part the memory made into equal shares, each moved to where least is alive."""
    sizes = [
        0 if node.primitive.name in _VIEWS else max(sum(map(_bytes, node.outputs)), _inside(node))
        for node in graph.nodes
    ]
    alive = _alive_after(graph, sizes)
    total, done, share = sum(sizes), 0, 1
    found: list[int] = []
    window = max(1, len(graph.nodes) // (4 * parts))
    for i, size in enumerate(sizes):
        done += size
        if done * parts >= total * share and share < parts:
            near = range(max(1, i + 1 - window), min(len(sizes), i + 2 + window))
            best = min(near, key=lambda j: (alive[j - 1], abs(j - i - 1)), default=i + 1)
            if best < len(sizes) and (not found or best > found[-1]):
                found.append(best)
            share += 1
    return found


def _alive_after(graph: Graph, sizes: Sequence[int]) -> list[int]:
    """How much of what a graph makes is needed after each node."""
    last = _last_uses(graph)
    ends: list[int] = [0] * (len(graph.nodes) + 1)
    alive = []
    now = 0
    for i, (node, size) in enumerate(zip(graph.nodes, sizes, strict=True)):
        stop = max([last.get(v, i) for v in node.outputs])
        now += size
        ends[stop] += size
        now -= ends[i]
        alive.append(now)
    return alive
