"""Loops that carry, store and repeat no more than they must.

One number that a loop reads in every round is written into it, and what it would stack that is
known before is not stacked; a row times a constant matrix becomes one product of all rows
before the loop; and a carry that only adds up products (the gradient of the weights of a
recurrent net) becomes one product of all rounds after it, one that adds at some places of an
array is added to once. The rounds that remain touch only what truly goes from one to the next.
Sums that leave a loop are taken in another order: these hold to rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from adjoint.graph.graph import Graph, Literal, Node, Operand, Value
from adjoint.graph.types import ArrayType
from adjoint.rewrite.builder import Builder, rebuild, without_dead_nodes
from adjoint.rewrite.contract import einsum
from adjoint.rewrite.equations import EQUATIONS
from adjoint.rewrite.sums import MOST_STACKED, totals

_LARGE = 1 << 16  # bytes of a matrix that a round should not have to read again
_FEW = 16  # rows that are too few for a product to run at full speed

Pairs = list[tuple[Value, Operand]]  # a value inside the loop, and what it is outside


def lighten(graph: Graph) -> Graph:
    """The graph with lighter scans."""
    if not any(node.primitive.name == "scan" for node in graph.nodes):
        return graph
    return rebuild(graph, Builder(EQUATIONS), _lightened)


def _lightened(b: Builder, node: Node, operands: tuple[Operand, ...]) -> list[Operand] | None:
    if node.primitive.name != "scan" or node.settings["length"] == 0:
        return None
    loop = _Loop(b, node, operands)
    loop.write_body()
    return loop.finish()


@dataclass
class _Loop:
    """A scan while it is being rewritten."""

    b: Builder
    node: Node
    operands: tuple[Operand, ...]
    constants: Pairs = field(default_factory=list)
    carry: Pairs = field(default_factory=list)
    rows: Pairs = field(default_factory=list)

    def write_body(self) -> None:
        """Make the body's nodes anew, from operands that are known as well as they can be."""
        self.body, n_constants, n_carry, self.length, self.reverse = self.node.attributes
        self.inner = Builder(EQUATIONS)
        became: dict[Operand, Operand] = {}
        for i, (old, outside) in enumerate(zip(self.body.inputs, self.operands, strict=True)):
            if i < n_constants:
                became[old] = self._constant(old, outside)
            elif i < n_constants + n_carry:
                became[old] = old
                self.carry.append((old, outside))
            else:
                became[old] = self._row(old, outside)
        for node in self.body.nodes:
            self.inner.source = node.source
            operands = tuple([became.get(x, x) for x in node.operands])
            made: Sequence[Operand] | None = None
            if node.primitive.name == "matmul":
                made = self._before(operands)
            elif node.primitive.name == "einsum":
                made = [einsum(self.inner, operands, node.settings["subscripts"])]
            if made is None:
                made = self.inner.node(node.primitive, operands, node.attributes)
            became.update(zip(node.outputs, made, strict=True))
        outputs = [became.get(x, x) for x in self.body.outputs]
        self.next, self.stacked = outputs[:n_carry], outputs[n_carry:]

    def _constant(self, inside: Value, outside: Operand) -> Operand:
        """A constant operand; one number is written into the body."""
        number = self.b.number(outside)
        if number is not None:
            return self.inner("broadcast", Literal(number), shape=outside.type.shape)
        for known, same in self.constants:
            if same is outside:
                return known
        self.constants.append((inside, outside))
        return inside

    def _row(self, inside: Value, outside: Operand) -> Operand:
        """A row operand; rows of one number are written into the body."""
        number = self.b.number(outside)
        if number is not None:
            return self.inner("broadcast", Literal(number), shape=inside.type.shape)
        for known, same in self.rows:
            if same is outside:
                return known
        self.rows.append((inside, outside))
        return inside

    def _before(self, operands: tuple[Operand, ...]) -> list[Operand] | None:
        """The row of a product of all rows with a constant matrix, made before the loop."""
        x, w = operands
        row = next((outside for inside, outside in self.rows if inside is x), None)
        matrix = next((outside for inside, outside in self.constants if inside is w), None)
        if row is None or matrix is None or x.type.ndim > 2 or matrix.type.ndim != 2:
            return None
        m, n = (x.type.shape[0] if x.type.ndim == 2 else 1), matrix.type.shape[1]
        itemsize = matrix.type.dtype.itemsize
        if m >= _FEW and matrix.type.size * itemsize <= _LARGE:
            return None
        if self.length * m * n * itemsize > MOST_STACKED or row.type.size == 0:
            return None
        flat = self.b("reshape", row, shape=(self.length * m, x.type.shape[-1]))
        product = self.b("matmul", flat, matrix)
        shape = (m, n) if x.type.ndim == 2 else (n,)
        made = Value(ArrayType(shape, matrix.type.dtype))
        self.rows.append((made, self.b("reshape", product, shape=(self.length, *shape))))
        return [made]

    def finish(self) -> list[Operand]:
        """The new scan, and what the results of the old one are."""
        outside: dict[Operand, Operand] = {}
        carried = {inside for inside, _ in self.carry}
        known = [self._known(x, outside, carried) for x in self.stacked]
        stack = list(dict.fromkeys(x for x, k in zip(self.stacked, known, strict=True) if not k))
        moved = totals(self.inner, self.carry, self.next, self.rows, stack, self.length)
        for total in moved.values():
            stack += [x for x in total.stacked if x not in stack]
        stays = [i for i in range(len(self.carry)) if i not in moved]
        graph = Graph(
            tuple(
                [inside for inside, _ in self.constants]
                + [self.carry[i][0] for i in stays]
                + [inside for inside, _ in self.rows]
            ),
            tuple(self.inner.nodes),
            (*[self.next[i] for i in stays], *stack),
        )
        made = self.b.node(
            self.node.primitive,
            tuple(
                [x for _, x in self.constants]
                + [self.carry[i][1] for i in stays]
                + [x for _, x in self.rows]
            ),
            (
                without_dead_nodes(graph),
                len(self.constants),
                len(stays),
                self.length,
                self.reverse,
            ),
        )
        arrays: dict[Operand, Operand] = dict(zip(stack, made[len(stays) :], strict=True))
        arrays.update([*self.rows, *self.constants])
        carries = dict(zip(stays, made, strict=False))
        results = [
            moved[i].outside(self.b, arrays) if i in moved else carries[i]
            for i in range(len(self.carry))
        ]
        results += [
            k if k is not None else arrays[x] for x, k in zip(self.stacked, known, strict=True)
        ]
        return results

    def _known(
        self, x: Operand, outside: dict[Operand, Operand], carried: set[Value]
    ) -> Operand | None:
        """A stacked result that needs no loop: rows handed on, or the same in every round."""
        row = next((y for inside, y in self.rows if inside is x), None)
        if row is not None:
            return row
        fixed = self._outside(x, outside, carried)
        if fixed is None:
            return None
        shape = fixed.type.shape
        one = self.b("reshape", fixed, shape=(1, *shape))
        return self.b("broadcast", one, shape=(self.length, *shape))

    def _outside(
        self, x: Operand, outside: dict[Operand, Operand], carried: set[Value]
    ) -> Operand | None:
        """A value of the body made outside of it, if it is made from constants alone."""
        outside.update(self.constants)
        moving = carried | {inside for inside, _ in self.rows}
        order: list[Node] = []
        pending: list[Operand] = [x]
        seen: set[Operand] = set()
        while pending:
            value = pending.pop()
            if isinstance(value, Literal) or value in outside or value in seen:
                continue
            seen.add(value)
            if value in moving:
                return None
            node = self.inner.maker[value]
            if node.primitive.structure == "control":
                return None
            order.append(node)
            pending.extend(node.operands)
        needed = set(order)
        for node in self.inner.nodes:
            if node in needed:
                ins = tuple([outside.get(o, o) for o in node.operands])
                made = self.b.node(node.primitive, ins, node.attributes)
                outside.update(zip(node.outputs, made, strict=True))
        return outside.get(x, x)
