"""One repeated stretch of a graph as a scan: what its rounds read, and what is read of them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from adjoint.graph.graph import Graph, Literal, Node, Operand, Value
from adjoint.graph.primitive import primitives
from adjoint.graph.types import ArrayType
from adjoint.primitives.linear import PLACED
from adjoint.rewrite.builder import Builder
from adjoint.rewrite.filled import only_written, put_together
from adjoint.rewrite.moving import (
    axis_of_rounds,
    flattened,
    in_their_places,
    indices,
    row_of,
    still_slice,
    taken_first,
)

_FURTHEST = 16  # rounds that a value may be read later
_SELDOM = 4  # values read of no more than one round in so many are not kept of all
_MOST_GATHERED = 1 << 24  # elements of rows that overlap

Place = tuple[int, int]  # a value of a round: node in the round, output


class Stretch:
    """Rounds of nodes, and the scan that they make."""

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
        # A value read d rounds later goes through d carries; the key has what is read first.
        self.carries: dict[tuple[Place, tuple[Operand, ...]], Value] = {}
        self.rows: list[tuple[Operand, Value]] = []
        self.before: list[Node] = []  # nodes that prepare rows
        self.inside: dict[Place, Operand] = {}
        self.body: list[Node] = []
        # Writes to arrays that nothing reads before the rounds are over.
        self.filled = only_written(self.round, self.made, self._read_later())
        self.written = {j: at for group in self.filled.values() for j, at in group.items()}
        self.cut = 0  # after how many rounds to end, so that few rounds' values are kept

    def rolled(self) -> Graph | None:
        """The graph with the scan; None if the rounds do not fit together."""
        if not self._make_body():
            return None
        runs = self._runs()
        stacked, last = self._read_outside(runs)
        if self.cut:
            return None
        outputs: list[Operand] = []
        inits: list[Operand] = []
        finals: list[Place | None] = []
        for place, firsts in self.carries:
            inits.append(firsts[0])
            later = firsts[1:]
            outputs.append(self.carries[place, later] if later else self.inside[place])
            finals.append(None if later else place)
        carry_values = list(self.carries.values())
        for place in last:
            kind = self.inside[place].type
            inits.append(self._blank(kind))
            carry_values.append(Value(kind))
            outputs.append(self.inside[place])
            finals.append(place)
        n_carry = len(outputs)
        outputs += [self.inside[place] for place in stacked]
        # What was read only to be cut into rows is not read any more.
        read = {x for node in self.body for x in node.operands} | set(outputs)
        constants = {x: inner for x, inner in self.constants.items() if inner in read}
        inputs = (*constants.values(), *carry_values, *[value for _, value in self.rows])
        scan = primitives["scan"]
        operands = (*constants, *inits, *[rows for rows, _ in self.rows])
        attributes = (
            Graph(inputs, tuple(self.body), tuple(outputs)),
            len(constants),
            n_carry,
            self.rounds,
            False,
        )
        types = scan.infer(*[x.type for x in operands], **scan.settings(attributes))
        results = tuple([Value(t) for t in types])
        node = Node(scan, operands, attributes, results, self.round[0][0].source)
        ends = {p: v for p, v in zip(finals, results, strict=False) if p is not None}
        whole = dict(zip(stacked, results[n_carry:], strict=True))
        return self._joined(node, ends, whole, runs)

    # *** the body ***

    def _make_body(self) -> bool:
        for j, model in enumerate(self.round[0]):
            if j in self.written:
                continue
            column = [self.round[i][j] for i in range(self.rounds)]
            operands: list[Operand] = []
            for slot in range(len(model.operands)):
                found = self._operand([node.operands[slot] for node in column], j)
                if found is None:
                    return False
                operands.append(found)
            made = self._node(column, operands)
            if made is None:
                return False
            for k, value in enumerate(made):
                self.inside[j, k] = value
        return True

    def _operand(self, column: list[Operand], j: int) -> Operand | None:
        """What an operand is inside the body, from what it is in each round."""
        zeroth = column[0]
        if all(x is zeroth for x in column):
            if isinstance(zeroth, Value) and zeroth not in self.made:
                return self.constants.setdefault(zeroth, Value(zeroth.type))
            return zeroth if isinstance(zeroth, Literal) else None
        places = [self.made.get(x) if isinstance(x, Value) else None for x in column]
        lag = next((i for i, p in enumerate(places) if p is not None), None)
        if lag is None:
            return self._constants_as_rows(column)
        _, at, k = places[lag] or (0, 0, 0)
        if lag > _FURTHEST or any(places[i] != (i - lag, at, k) for i in range(lag, len(column))):
            return None
        if lag == 0:
            return self.inside.get((at, k)) if at < j else None
        kind = self.round[0][at].outputs[k].type
        if any(x.type != kind for x in column[:lag]):
            return None
        for later in range(lag):
            self.carries.setdefault(((at, k), tuple(column[later:lag])), Value(kind))
        return self.carries[(at, k), tuple(column[:lag])]

    def _constants_as_rows(self, column: list[Operand]) -> Operand | None:
        values = [x.value for x in column if isinstance(x, Literal)]
        if len(values) != len(column) or any(x.type != column[0].type for x in column):
            return None
        keys = {x.key for x in column if isinstance(x, Literal)}
        return column[0] if len(keys) == 1 else self._row(Literal(np.stack(values)))

    def _row(self, rows: Operand) -> Value:
        value = Value(ArrayType(rows.type.shape[1:], rows.type.dtype))
        self.rows.append((rows, value))
        return value

    def _node(self, column: list[Node], operands: list[Operand]) -> tuple[Operand, ...] | None:
        """The node of the body for the same node of every round."""
        model = column[0]
        placed = model.primitive.name in PLACED
        starts = [node.attributes[0] for node in column] if placed else []
        if not starts or all(s == starts[0] for s in starts):
            made = tuple([Value(v.type) for v in model.outputs])
            node = Node(model.primitive, tuple(operands), model.attributes, made, model.source)
            self.body.append(node)
            return made
        moving = [i for i, firsts in enumerate(zip(*starts, strict=True)) if len(set(firsts)) > 1]
        b = Builder()
        b.source = model.source
        if model.primitive.name != "slice":
            found = self._moving_write(b, model, operands, moving, starts)
        elif operands[0] in self.constants.values():
            found = self._shared_rows(b, model, column[0].operands[0], moving, starts)
        else:
            found = self._moving_read(b, model, operands[0], moving, starts)
        if found is None:
            return None
        self.body += b.nodes
        return (found,)

    def _shared_rows(
        self,
        b: Builder,
        model: Node,
        source: Operand,
        moving: list[int],
        starts: list[tuple[int, ...]],
    ) -> Operand | None:
        """x[..., t, ...] of an array that all rounds share: its rows are handed in."""
        outside = Builder()
        outside.source = model.source
        kind = model.outputs[0].type
        axis = moving[0]
        firsts = [s[axis] for s in starts]
        gaps = {n - m for m, n in pairwise(firsts)}
        start, step, shape = model.attributes
        count = shape[axis]
        n = self.rounds
        if len(moving) == 1 and len(gaps) == 1 and (count == 1 or gaps == {count * step[axis]}):
            gap = gaps.pop() if count == 1 else step[axis]
            steps = (*step[:axis], gap, *step[axis + 1 :])
            long = (*shape[:axis], n * count, *shape[axis + 1 :])
            whole = outside("slice", source, start=start, step=steps, shape=long)
            cut = (*shape[:axis], n, count, *shape[axis + 1 :])
            rows = outside("reshape", whole, shape=cut)
        else:
            if kind.size * n > _MOST_GATHERED:
                return None
            index = indices((step, shape), moving, starts)
            kept = still_slice(outside, model, source, moving)
            rows = outside("gather", kept, *map(Literal, index), axes=tuple(moving))
            axis = axis_of_rounds(moving)
        order = (axis, *[i for i in range(len(rows.type.shape)) if i != axis])
        self.before += outside.nodes
        b_rows = outside("permute_axes", rows, axes=order)
        self.before += outside.nodes[len(outside.nodes) - 1 :]
        row: Operand = self._row(b_rows)
        if row.type.ndim == len(kind.shape):
            row = in_their_places(b, row, moving)
        return b("reshape", row, shape=kind.shape)

    def _moving_read(
        self,
        b: Builder,
        model: Node,
        source: Operand,
        moving: list[int],
        starts: list[tuple[int, ...]],
    ) -> Operand | None:
        """x[..., t, ...] of an array that the rounds change: at indices that are handed in."""
        index = [self._row(Literal(i)) for i in indices(model.attributes[1:], moving, starts)]
        kept = still_slice(b, model, source, moving)
        return in_their_places(b, b("gather", kept, *index, axes=tuple(moving)), moving)

    def _moving_write(
        self,
        b: Builder,
        model: Node,
        operands: list[Operand],
        moving: list[int],
        starts: list[tuple[int, ...]],
    ) -> Operand | None:
        """x[..., t, ...] = y, and its transposes: at an index that is handed in."""
        piece = operands[-1]
        full = model.outputs[0].type.shape
        if any(piece.type.shape[i] != 1 for i in moving):
            return None
        axes = tuple(moving)
        start, step = model.attributes[:2]
        one = (-1, *(1,) * len(axes))
        index = [
            self._row(Literal(np.reshape([s[i] for s in starts], one).astype(np.intp)))
            for i in axes
        ]
        row = tuple([1 if i in moving else n for i, n in enumerate(full)])
        inner = {
            "start": tuple([0 if i in moving else f for i, f in enumerate(start)]),
            "step": tuple([1 if i in moving else s for i, s in enumerate(step)]),
        }
        part = piece.type.shape != row or any(s != 1 for s in inner["step"])
        if model.primitive.name == "unslice":
            if part:
                piece = b("unslice", piece, **inner, shape=row)
            return b("scatter_add", taken_first(b, piece, moving), *index, axes=axes, shape=full)
        if part:
            before = in_their_places(b, b("gather", operands[0], *index, axes=axes), moving)
            piece = b("set_slice", before, piece, **inner)
        return b("scatter_set", operands[0], taken_first(b, piece, moving), *index, axes=axes)

    # *** what is read after the loop ***

    def _runs(self) -> dict[tuple[Node, int], tuple[Place, int]]:
        """Where values of all rounds in turn are joined: what of a round, and how many operands.

        Several values of a round are joined inside the body first.
        """
        found: dict[tuple[Node, int], tuple[Place, int]] = {}
        for node in self.graph.nodes[self.first + self.period * self.rounds :]:
            if node.primitive.name != "concatenate" or len(node.operands) < self.rounds:
                continue
            places = [self.made.get(x) if isinstance(x, Value) else None for x in node.operands]
            at = next((i for i, p in enumerate(places) if p is not None and p[0] == 0), None)
            if at is None:
                continue
            group = []
            for p in places[at:]:
                if p is None or p[0] != 0:
                    break
                group.append(p[1:])
            count = len(group) * self.rounds
            wanted = [(i, *place) for i in range(self.rounds) for place in group]
            if places[at : at + count] == wanted:
                found[node, at] = self._group(node, group), count
        return found

    def _group(self, node: Node, group: list[Place]) -> Place:
        if len(group) == 1:
            return group[0]
        b = Builder()
        b.source = node.source
        parts = [self.inside[place] for place in group]
        joined = b("concatenate", *parts, axis=node.attributes[0])
        self.body += b.nodes
        place = (self.period + len(self.inside), 0)
        assert isinstance(joined, Value)
        self.inside[place] = joined
        return place

    def _read_outside(
        self, runs: dict[tuple[Node, int], tuple[Place, int]]
    ) -> tuple[list[Place], list[Place]]:
        """Which values need all rounds kept, and which only the last one's."""
        end = self.first + self.period * self.rounds
        covered: dict[Node, tuple[int, int]] = {
            node: (at, at + count) for (node, at), (_, count) in runs.items()
        }
        read: dict[Place, set[int]] = {}

        def note(operands: Sequence[Operand]) -> None:
            for x in operands:
                place = self.made.get(x) if isinstance(x, Value) else None
                if place is not None and place[1] not in self.written:
                    read.setdefault(place[1:], set()).add(place[0])

        for node in self.graph.nodes[end:]:
            start, stop = covered.get(node, (0, 0))
            note((*node.operands[:start], *node.operands[stop:]))
        note(self.graph.outputs)
        carried = {place for place, firsts in self.carries if len(firsts) == 1}
        only_last = {self.rounds - 1}
        stacked: dict[Place, None] = dict.fromkeys(place for place, _ in runs.values())
        stacked.update(dict.fromkeys(self.written.values()))
        for place, which in read.items():
            if place in stacked or which == only_last:
                continue
            stacked[place] = None
            seldom = len(which) <= self.rounds // _SELDOM
            if seldom and self.inside[place].type.size > 1:
                self.cut = min(self.cut or self.rounds, min(which) + 1)
        last = [
            place
            for place, which in read.items()
            if which == only_last and place not in carried and place not in stacked
        ]
        return list(stacked), last

    def _read_later(self) -> list[Operand]:
        later = self.graph.nodes[self.first + self.period * self.rounds :]
        return [*[x for node in later for x in node.operands], *self.graph.outputs]

    def _blank(self, kind: ArrayType) -> Operand:
        """Something to start a carry with that is never read."""
        b = Builder()
        b("broadcast", b.literal(np.zeros((), kind.dtype)), shape=kind.shape)
        self.before += b.nodes
        return b.nodes[-1].outputs[0]

    def _joined(
        self,
        scan: Node,
        finals: dict[Place, Value],
        whole: dict[Place, Value],
        runs: dict[tuple[Node, int], tuple[Place, int]],
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
                if at[0] in self.filled:
                    group = self.filled[at[0]]
                    column = [inside[j] for inside in self.round for j in group]
                    became[x], b = put_together(column, [whole[p] for p in group.values()])
                    nodes.extend(b.nodes)
                elif i == self.rounds - 1 and at in finals:
                    became[x] = finals[at]
                else:
                    became[x] = row_of(whole[at], i, nodes)
            return became[x]

        at_of = {node: (at, place, count) for (node, at), (place, count) in runs.items()}
        for node in self.graph.nodes[end:]:
            if node in at_of:
                at, place, count = at_of[node]
                middle = flattened(whole[place], node.attributes[0], nodes)
                before, after = node.operands[:at], node.operands[at + count :]
                operands = (*map(now, before), middle, *map(now, after))
            else:
                operands = tuple([now(x) for x in node.operands])
            nodes.append(Node(node.primitive, operands, node.attributes, node.outputs, node.source))
        outputs = tuple([now(x) for x in self.graph.outputs])
        return Graph(self.graph.inputs, tuple(nodes), outputs)
