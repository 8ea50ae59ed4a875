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
from adjoint.primitives.sweeps import scan_sweeps

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
    return max(map(peak_bytes, graphs), default=0) + _states(node)


def _states(node: Node) -> int:
    """What a loop in two sweeps and more keeps of the states of its first."""
    if node.primitive is not scan_sweeps or len(node.settings["steps"]) < 2:
        return 0
    settings = node.settings
    first = node.outputs[: settings["n_states"][0]]
    kept: int = settings["snapshots"] or settings["length"]
    return (kept + 1) * sum(map(_bytes, first))


class Plan(NamedTuple):
    """Into how many segments a graph is cut, at each level; nothing means not at all.

    Loops keep so many snapshots of their state; 0 stands for all states.
    """

    parts: tuple[int, ...]
    snapshots: int = 0

    def __str__(self) -> str:
        said = []
        if self.parts:
            levels = " of ".join(f"{n} segments" for n in reversed(self.parts))
            said.append(f"{levels} are computed again")
        if self.snapshots:
            said.append(f"scans keep {self.snapshots} states")
        return " and ".join(said) or "nothing is computed again"


def plans(graph: Graph) -> Iterator[Plan]:
    """Plans for a graph, about in the order of the work they repeat."""
    yield Plan(())
    longest = max([n.settings["length"] for n in graph.nodes if n.primitive is control.scan] + [0])
    snapshots = [s for s in (128, 64, 32, 16, 8, 4, 2) if s < longest]
    for s in snapshots:
        yield Plan((), s)
    for n in (2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64):
        yield Plan((n,))
    for n in (4, 8, 16, 32):
        for m in (2, 4, 8):
            yield Plan((n, m))
    for n in (4, 8, 16):
        yield Plan((n, 4, 4))
    for s in snapshots[-3:]:
        for n in (4, 16):
            yield Plan((n,), s)


def segmented(graph: Graph, plan: Plan) -> Graph:
    """The graph with its nodes put into calls; it gives the same results."""
    graph = _with_snapshots(graph, plan.snapshots)
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


def _with_snapshots(graph: Graph, snapshots: int) -> Graph:
    """The graph with loops that keep no more states than these, where there are more."""
    nodes = []
    for node in graph.nodes:
        s = node.settings
        if snapshots and node.primitive is control.scan and s["length"] > snapshots:
            of_loop = (s["graph"],), (s["reverse"],), (s["n_constants"],), (s["n_carry"],)
            attributes = (*of_loop, s["length"], snapshots)
            node = Node(scan_sweeps, node.operands, attributes, node.outputs, node.source)
        nodes.append(node)
    return Graph(graph.inputs, tuple(nodes), graph.outputs) if snapshots else graph


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
