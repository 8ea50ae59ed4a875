"""Loops that Python unrolled while recording are rolled up again.

A Python loop over arrays records its body once for each round. Stretches of nodes that repeat
become one ``scan``, so that compile time and code size do not grow with the number of rounds.
Rounds may differ in where they slice (evenly spaced places along one axis), in constants, and
in what they read: a value is made in the same round, comes from the round before (a carry),
is the same in all rounds, or is one row of an array for each round.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from adjoint.graph.graph import Graph, Literal, Node, Operand, Value
from adjoint.graph.primitive import primitives
from adjoint.graph.types import ArrayType
from adjoint.rewrite.builder import Builder, rebuild

_FEWEST_ROUNDS = 8
_FEWEST_NODES = 40  # of a graph that is looked at; and of a stretch
_MOST_CANDIDATES = 32
_MOVING = {"slice": 0, "set_slice": 0, "unslice": 0}  # position of "start" among attributes


def reroll(graph: Graph) -> Graph:
    """The graph with repeated stretches as scans."""
    tried: set[tuple[int, int, int]] = set()
    while len(graph.nodes) >= _FEWEST_NODES:
        after = None
        for first, period, rounds in _stretches(graph.nodes):
            key = (len(graph.nodes) - first, period, rounds)
            if key in tried:
                continue
            tried.add(key)
            after = _Stretch(graph, first, period, rounds).rolled()
            if after is not None:
                break
        if after is None:
            return graph
        graph = rebuild(after, Builder())
    return graph


def _signature(node: Node) -> Any:
    attributes = list(node.attributes)
    at = _MOVING.get(node.primitive.name)
    if at is not None:
        attributes[at] = None
    types = tuple([x.type for x in node.operands])
    return node.primitive.name, tuple(attributes), types, len(node.outputs)


def _stretches(nodes: Sequence[Node]) -> list[tuple[int, int, int]]:
    """Where node kinds repeat: first node, nodes of a round, rounds; the longest first."""
    numbers: dict[Any, int] = {}
    kinds = np.array([numbers.setdefault(_signature(node), len(numbers)) for node in nodes])
    last: dict[int, int] = {}
    gaps: dict[int, Counter[int]] = {}
    for i, kind in enumerate(kinds.tolist()):
        if kind in last:
            gaps.setdefault(kind, Counter())[i - last[kind]] += 1
        last[kind] = i
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
            if rounds < _FEWEST_ROUNDS or rounds * period < _FEWEST_NODES:
                continue
            # A round may begin anywhere in the period: a few places are tried.
            for shift in range(min(spare, 4) + 1):
                found.append((int(starts[best]) + shift, period, rounds))
    return sorted(found, key=lambda f: (-(f[1] * f[2]), f[1], f[0]))


class _Stretch:
    """One repeated stretch of a graph: what its rounds read, and the scan that they make."""

    def __init__(self, graph: Graph, first: int, period: int, rounds: int) -> None:
        self.graph = graph
        self.first, self.period, self.rounds = first, period, rounds
        nodes = graph.nodes
        self.round = [nodes[first + i * period : first + (i + 1) * period] for i in range(rounds)]
        # value -> (round, node in the round, output)
        self.made: dict[Value, tuple[int, int, int]] = {}
        for i, inside in enumerate(self.round):
            for j, node in enumerate(inside):
                for k, value in enumerate(node.outputs):
                    self.made[value] = (i, j, k)
        self.constants: dict[Operand, Value] = {}
        self.carries: dict[tuple[tuple[int, int], Operand], Value] = {}
        self.rows: list[tuple[Operand, Value]] = []
        self.before: list[Node] = []  # nodes that prepare rows

    def rolled(self) -> Graph | None:
        """The graph with the scan; None if the rounds do not fit together."""
        body = self._body()
        if body is None:
            return None
        nodes, inside = body
        stacked, last = self._read_outside(inside)
        carry_in = list(self.carries.items())
        outputs: list[Operand] = [inside[place] for (place, _), _ in carry_in]
        inits: list[Operand] = [init for (_, init), _ in carry_in]
        carry_values = [value for _, value in carry_in]
        for place in last:
            kind = inside[place].type
            inits.append(self._blank(kind))
            carry_values.append(Value(kind))
            outputs.append(inside[place])
        n_carry = len(outputs)
        outputs += [inside[place] for place in stacked]
        inputs = (*self.constants.values(), *carry_values, *[value for _, value in self.rows])
        scan = primitives["scan"]
        operands = (*self.constants, *inits, *[rows for rows, _ in self.rows])
        attributes = (
            Graph(inputs, tuple(nodes), tuple(outputs)),
            len(self.constants),
            n_carry,
            self.rounds,
            False,
        )
        types = scan.infer(*[x.type for x in operands], **scan.settings(attributes))
        results = tuple([Value(t) for t in types])
        node = Node(scan, operands, attributes, results, self.round[0][0].source)
        finals = [place for (place, _), _ in carry_in] + list(last)
        whole = dict(zip(stacked, results[n_carry:], strict=True))
        return self._joined(node, dict(zip(finals, results, strict=False)), whole)

    # *** the body ***

    def _body(self) -> tuple[list[Node], dict[tuple[int, int], Value]] | None:
        nodes: list[Node] = []
        inside: dict[tuple[int, int], Value] = {}
        for j, model in enumerate(self.round[0]):
            column = [self.round[i][j] for i in range(self.rounds)]
            operands: list[Operand] = []
            for slot in range(len(model.operands)):
                found = self._operand([node.operands[slot] for node in column], j, inside)
                if found is None:
                    return None
                operands.append(found)
            made = self._node(column, operands, nodes)
            if made is None:
                return None
            for k, value in enumerate(made):
                inside[j, k] = value
        return nodes, inside

    def _operand(
        self, column: list[Operand], j: int, inside: dict[tuple[int, int], Value]
    ) -> Operand | None:
        """What an operand is inside the body, from what it is in each round."""
        zeroth = column[0]
        if all(x is zeroth for x in column):
            if isinstance(zeroth, Value) and zeroth not in self.made:
                return self.constants.setdefault(zeroth, Value(zeroth.type))
            return zeroth if isinstance(zeroth, Literal) else None
        places = [self.made.get(x) if isinstance(x, Value) else None for x in column]
        mine = places[0]
        if mine is not None and mine[0] == 0:
            _, at, k = mine
            same = all(p == (i, at, k) for i, p in enumerate(places))
            return inside.get((at, k)) if same and at < j else None
        later = places[1]
        if later is not None and later[0] == 0:
            _, at, k = later
            if any(p != (i - 1, at, k) for i, p in enumerate(places) if i):
                return None
            key = ((at, k), zeroth)
            if zeroth.type != self.round[0][at].outputs[k].type:
                return None
            return self.carries.setdefault(key, Value(zeroth.type))
        return self._constants_as_rows(column)

    def _constants_as_rows(self, column: list[Operand]) -> Operand | None:
        values = [x.value for x in column if isinstance(x, Literal)]
        if len(values) != len(column) or any(x.type != column[0].type for x in column):
            return None
        keys = {x.key for x in column if isinstance(x, Literal)}
        if len(keys) == 1:
            return column[0]
        return self._row(Literal(np.stack(values)))

    def _row(self, rows: Operand) -> Value:
        value = Value(ArrayType(rows.type.shape[1:], rows.type.dtype))
        self.rows.append((rows, value))
        return value

    def _node(
        self, column: list[Node], operands: list[Operand], nodes: list[Node]
    ) -> tuple[Value, ...] | None:
        """The node of the body for the same node of every round."""
        model = column[0]
        name = model.primitive.name
        at = _MOVING.get(name)
        starts = [node.attributes[at] for node in column] if at is not None else []
        if not starts or all(s == starts[0] for s in starts):
            made = tuple([Value(v.type) for v in model.outputs])
            nodes.append(
                Node(model.primitive, tuple(operands), model.attributes, made, model.source)
            )
            return made
        moving = [
            axis
            for axis in range(len(starts[0]))
            if any(s[axis] != starts[0][axis] for s in starts)
        ]
        piece = model.outputs[0].type if name == "slice" else model.operands[-1].type
        if len(moving) != 1 or piece.shape[moving[0]] != 1:
            return None
        axis = moving[0]
        firsts = [s[axis] for s in starts]
        step = firsts[1] - firsts[0]
        if any(b - a != step for a, b in pairwise(firsts)):
            return None
        if name == "slice":
            return self._moving_slice(column, operands, nodes, axis, step)
        return self._moving_write(column, operands, nodes, axis, firsts)

    def _moving_slice(
        self, column: list[Node], operands: list[Operand], nodes: list[Node], axis: int, step: int
    ) -> tuple[Value, ...] | None:
        """x[..., t, ...] of an array that all rounds share: its rows are handed in."""
        model = column[0]
        source = model.operands[0]
        if source in self.made or any(node.operands[0] is not source for node in column):
            return None
        start, steps, shape = model.attributes
        steps = (*steps[:axis], step, *steps[axis + 1 :])
        shape = (*shape[:axis], self.rounds, *shape[axis + 1 :])
        order = (axis, *[i for i in range(len(shape)) if i != axis])
        b = Builder()
        b.source = model.source
        rows = b(
            "permute_axes", b("slice", source, start=start, step=steps, shape=shape), axes=order
        )
        self.before += b.nodes
        row = self._row(rows)
        out = Value(model.outputs[0].type)
        nodes.append(Node(primitives["reshape"], (row,), (out.type.shape,), (out,), model.source))
        return (out,)

    def _moving_write(
        self,
        column: list[Node],
        operands: list[Operand],
        nodes: list[Node],
        axis: int,
        firsts: list[int],
    ) -> tuple[Value, ...] | None:
        """x[..., t, ...] = y, and its transposes: at an index that is handed in."""
        model = column[0]
        piece = model.operands[-1].type
        full = model.outputs[0].type
        start = model.attributes[0]
        whole = all(
            i == axis or (start[i] == 0 and n == m)
            for i, (n, m) in enumerate(zip(piece.shape, full.shape, strict=True))
        )
        if not whole:
            return None
        index = self._row(Literal(np.array(firsts, np.intp)[:, None]))
        out = Value(full)
        name, attributes = "scatter_set", ((axis,),)
        if model.primitive.name == "unslice":
            name, attributes = "scatter_add", ((axis,), full.shape)  # type: ignore[assignment]
        given = (*operands, index)
        nodes.append(Node(primitives[name], given, attributes, (out,), model.source))
        return (out,)

    # *** what is read after the loop ***

    def _read_outside(
        self, inside: dict[tuple[int, int], Value]
    ) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Which values need all rounds kept, and which only the last one's."""
        end = self.first + self.period * self.rounds
        read: dict[tuple[int, int], set[int]] = {}
        outside = [x for node in self.graph.nodes[end:] for x in node.operands]
        for x in (*outside, *self.graph.outputs):
            place = self.made.get(x) if isinstance(x, Value) else None
            if place is not None:
                read.setdefault(place[1:], set()).add(place[0])
        carried = {place for (place, _) in self.carries}
        only_last = {self.rounds - 1}
        stacked = [place for place, which in read.items() if which != only_last]
        last = [
            place for place, which in read.items() if which == only_last and place not in carried
        ]
        return stacked, last

    def _blank(self, kind: ArrayType) -> Operand:
        """Something to start a carry with that is never read."""
        b = Builder()
        blank = b("broadcast", b.literal(np.zeros((), kind.dtype)), shape=kind.shape)
        self.before += b.nodes
        return blank

    def _joined(
        self,
        scan: Node,
        finals: dict[tuple[int, int], Value],
        whole: dict[tuple[int, int], Value],
    ) -> Graph:
        """The graph with the scan in the stretch's place."""
        end = self.first + self.period * self.rounds
        nodes = [*self.graph.nodes[: self.first], *self.before, scan]
        became: dict[Operand, Operand] = {}

        def now(x: Operand) -> Operand:
            place = self.made.get(x) if isinstance(x, Value) else None
            if place is None:
                return x
            if x not in became:
                i, at = place[0], place[1:]
                if i == self.rounds - 1 and at in finals:
                    became[x] = finals[at]
                else:
                    became[x] = self._row_of(whole[at], i, nodes)
            return became[x]

        for node in self.graph.nodes[end:]:
            operands = tuple([now(x) for x in node.operands])
            nodes.append(Node(node.primitive, operands, node.attributes, node.outputs, node.source))
        outputs = tuple([now(x) for x in self.graph.outputs])
        return Graph(self.graph.inputs, tuple(nodes), outputs)

    def _row_of(self, stack: Value, i: int, nodes: list[Node]) -> Operand:
        """One round's value out of all of them."""
        shape = stack.type.shape
        b = Builder()
        zeros = (0,) * (len(shape) - 1)
        piece = b("slice", stack, start=(i, *zeros), step=(1,) * len(shape), shape=(1, *shape[1:]))
        row = b("reshape", piece, shape=shape[1:])
        nodes += b.nodes
        return row
