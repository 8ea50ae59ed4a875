"""Loops that Python unrolled while recording are rolled up again.

A Python loop over arrays records its body once for each round. Stretches of nodes that repeat
become one ``scan``, so that compile time and code size do not grow with the number of rounds.
Rounds may differ in where they slice, in constants, and in what they read: a value is made in
the same round, comes from a round before (a carry), is the same in all rounds, or is one row of
an array for each round.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from adjoint.graph.graph import Graph, Literal, Node
from adjoint.primitives.linear import PLACED
from adjoint.rewrite.builder import Builder, rebuild, without_dead_nodes
from adjoint.rewrite.equations import MOVING_EQUATIONS, READING_EQUATIONS
from adjoint.rewrite.rows import split_rows
from adjoint.rewrite.stretch import Stretch

_FEWEST_ROUNDS = 8
_FEWEST_NODES = 100  # of a graph that is looked at; and of a stretch: fewer fuse into a kernel
_MOST_CANDIDATES = 32
_LONG = 300  # nodes of a graph that is worth a second look


def rolled_up(graph: Graph) -> Graph:
    """A recorded graph with its loops as scans; as it is if it has none.

    For graphs that are to be differentiated or batched: what is done here for one loop would
    else be done for each of its rounds, and the derivative of a scan needs no rolling up.
    """
    if sum(map(_weight, graph.nodes)) < _FEWEST_NODES:
        return graph
    made = rolled_rows(rebuild(graph, Builder(MOVING_EQUATIONS)))
    if len(made.nodes) >= _LONG:
        other = _rolled_apart(graph)
        made = other if 2 * len(other.nodes) < len(made.nodes) else made
    return made if _scans(made) > _scans(graph) else graph


def rolled_pairs(graph: Graph) -> Graph:
    """A recorded graph with loops over pairs of elements as scans, where nothing else shortens it.

    In ``for i in range(n): for j in range(i)`` all rounds are alike, but no two inner loops.
    """
    if len(graph.nodes) < _LONG:
        return graph
    if len(rolled_rows(rebuild(graph, Builder(MOVING_EQUATIONS))).nodes) < _LONG:
        return graph
    made = _rolled_apart(graph)
    return made if 2 * len(made.nodes) < len(graph.nodes) else graph


def _rolled_apart(graph: Graph) -> Graph:
    """Rolled up with all reads as they stand: merged, each is in the first of its rounds alone."""
    made = graph
    for equations in (MOVING_EQUATIONS, READING_EQUATIONS):
        other = reroll(rebuild(graph, Builder(equations, apart=("slice", "reshape"))))
        made = other if len(other.nodes) < len(made.nodes) else made
        if len(made.nodes) < _LONG:
            break
    return made


def _scans(graph: Graph) -> int:
    return sum(node.primitive.name == "scan" for node in graph.nodes)


def rolled_rows(graph: Graph) -> Graph:
    """The graph with its loops as scans, and with arrays that they fill row by row taken apart.

    Loops that write rows in parts are rolled up as they stand, if they can be; else their rows
    are taken apart too.
    """
    made = reroll(split_rows(graph, in_parts=False))
    if sum(node.primitive.name == "set_slice" for node in made.nodes) < _FEWEST_ROUNDS:
        return made
    other = reroll(split_rows(graph))
    return other if len(other.nodes) < len(made.nodes) else made


def reroll(graph: Graph) -> Graph:
    """The graph with repeated stretches as scans."""
    if len(graph.nodes) >= _FEWEST_ROUNDS:
        graph = _reshaped_early(graph)
    while True:
        after = _rolled_stretches(graph)
        if after is graph:
            return graph
        graph = rebuild(after, Builder())  # equal nodes merged, what it reads may repeat


def _rolled_stretches(graph: Graph) -> Graph:
    """The graph with one stretch after the other as a scan, as long as there are some."""
    tried: set[tuple[int, int, int]] = set()
    found = True
    while found and len(graph.nodes) >= _FEWEST_ROUNDS:
        found = False
        for first, period, rounds in _stretches(graph.nodes):
            key = (len(graph.nodes) - first, period, rounds)
            if key in tried:
                continue
            tried.add(key)
            after = _rolled(graph, first, period, rounds)
            after = after and without_dead_nodes(after)
            # Rows that a scan must be given one by one may be more than what it does away with.
            if after is not None and len(after.nodes) < len(graph.nodes):
                graph, found = after, True
                break
    return graph


def _rolled(graph: Graph, first: int, period: int, rounds: int) -> Graph | None:
    """The graph with one stretch, or the longest part of it that will do, as a scan."""
    while rounds >= _FEWEST_ROUNDS:
        stretch = Stretch(graph, first, period, rounds)
        after = stretch.rolled()
        cut = stretch.cut
        if after is not None or not cut:
            return after
        if cut >= _FEWEST_ROUNDS:
            rounds = cut
        else:
            first, rounds = first + period * cut, rounds - cut
    return None


def _weight(node: Node) -> int:
    """How many nodes a node stands for."""
    return 1 + sum(_weight(x) for a in node.attributes if isinstance(a, Graph) for x in a.nodes)


def _signature(node: Node) -> Any:
    attributes = list(node.attributes)
    if node.primitive.name in PLACED:
        attributes[0] = None
    types = tuple([x.type for x in node.operands])
    return node.primitive.name, tuple(attributes), types, len(node.outputs)


def _stretches(nodes: Sequence[Node]) -> list[tuple[int, int, int]]:
    """Where node kinds repeat: first node, nodes of a round, rounds; the longest first."""
    numbers: dict[Any, int] = {}
    kinds = np.array([numbers.setdefault(_signature(node), len(numbers)) for node in nodes])
    last: dict[Any, int] = {}
    gaps: dict[Any, Counter[int]] = {}
    for i, (kind, node) in enumerate(zip(kinds.tolist(), nodes, strict=True)):
        # The line tells apart what a loop does in every round and what now and then.
        line = node.source
        name = kind, line and (id(line.code), line.offset, line.role)
        if name in last:
            gaps.setdefault(name, Counter())[i - last[name]] += 1
        last[name] = i
    votes: Counter[int] = Counter()
    for counted in gaps.values():
        gap, count = counted.most_common(1)[0]
        if count >= _FEWEST_ROUNDS - 2:
            votes[gap] += count
    found = []
    for gap, _ in votes.most_common(_MOST_CANDIDATES):
        for period in (gap, 2 * gap):
            if period * _FEWEST_ROUNDS > len(nodes):
                continue
            same = np.concatenate(([False], kinds[period:] == kinds[:-period], [False]))
            edges = np.flatnonzero(same[1:] != same[:-1])
            starts, ends = edges[::2], edges[1::2]
            if len(starts) == 0:
                continue
            best = int(np.argmax(ends - starts))
            run = int(ends[best] - starts[best])
            rounds = run // period + 1
            spare = run % period
            if rounds < _FEWEST_ROUNDS:
                continue
            inside = nodes[starts[best] : starts[best] + period]
            if rounds * sum(map(_weight, inside)) < _FEWEST_NODES:
                continue
            # A round may begin anywhere in the period: a few places are tried.
            for shift in range(min(spare, 4) + 1):
                found.append((int(starts[best]) + shift, period, rounds))
    return sorted(found, key=lambda f: (-(f[1] * f[2]), f[1], f[0]))


def _written_to(graph: Graph) -> list[Node]:
    """What is made of constants alone, is written to once, and is no round's own."""
    uses = Counter(n.operands[0] for n in graph.nodes if n.primitive.name == "set_slice")
    found = [
        node
        for node in graph.nodes
        if uses[node.outputs[0]] == 1 and all(isinstance(x, Literal) for x in node.operands)
    ]
    alike = Counter(_signature(node) for node in found)
    return [node for node in found if alike[_signature(node)] < _FEWEST_ROUNDS]


def _reshaped_early(graph: Graph) -> Graph:
    """Reshapes stand right after what they reshape: those of a loop's values in its rounds.

    ``np.stack(history)`` reshapes them all when the loop is over. An array of zeros that a loop
    writes to stands before everything, not in the first round.
    """
    waiting: dict[Any, list[Node]] = {}
    for node in graph.nodes:
        if node.primitive.name == "reshape":
            waiting.setdefault(node.operands[0], []).append(node)
    nodes: list[Node] = []

    def follow(values: Sequence[Any]) -> None:
        pending = list(reversed(values))
        while pending:
            for node in waiting.pop(pending.pop(), ()):
                nodes.append(node)
                pending += node.outputs

    fixed = _written_to(graph)
    for node in fixed:
        nodes.append(node)
        follow(node.outputs)
    follow(graph.inputs)
    alone = set(fixed)
    for node in graph.nodes:
        if node in alone:
            continue
        if node.primitive.name != "reshape":
            nodes.append(node)
            follow(node.outputs)
        elif not any(node.operands[0] is v for v in graph.inputs) and node in waiting.get(
            node.operands[0], ()
        ):
            nodes += waiting.pop(node.operands[0])  # of a constant
            follow(node.outputs)
    return Graph(graph.inputs, tuple(nodes), graph.outputs)
