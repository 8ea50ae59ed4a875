"""Carries that only add up, taken out of loops.

A carry ``c <- c + x^T y`` that nothing else reads is ``c + X^T Y`` with the rows of all rounds
side by side: one product after the loop instead of one in every round, which would read and
write the whole sum each time. A sum of rows leaves with it where the rows are stacked anyhow.
So does what is added at a few places of a large array in every round (the gradient of a table
of which a round reads some rows): all of it is added at once after the loop.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from adjoint.graph.graph import Node, Operand, Value
from adjoint.rewrite.builder import Builder

MOST_STACKED = 1 << 27  # bytes that a loop may store so that sums can leave it


@dataclass(frozen=True)
class Factor:
    """A matrix of a round, as rows and columns of a stacked value.

    Args:
        value: in the body.
        turned: whether it is the value's transpose that is multiplied.
        is_vector: whether it is one row, whatever axes of length 1 the value has.
    """

    value: Operand
    turned: bool = False
    is_vector: bool = False


@dataclass(frozen=True)
class Term:
    """What a round adds: a product of two factors, or a sum over some axes of one value."""

    left: Factor
    right: Factor | None
    axes: tuple[int, ...] = ()

    @property
    def stacked(self) -> list[Operand]:
        """Values of the body whose rows are needed."""
        return [f.value for f in (self.left, self.right) if f is not None]

    def outside(self, b: Builder, arrays: dict[Operand, Operand]) -> Operand:
        """The sum over all rounds."""
        return _sum(b, self, arrays)


@dataclass(frozen=True)
class Places:
    """What a round adds at a few places of a large array: a scatter_add.

    Args:
        node: of the body.
        moving: those of its operands that differ from round to round.
        rounds: how many there are.
    """

    node: Node
    moving: frozenset[Operand]
    rounds: int

    @property
    def stacked(self) -> list[Operand]:
        """Values of the body whose rows are needed."""
        return [x for x in self.node.operands if x in self.moving]

    def outside(self, b: Builder, arrays: dict[Operand, Operand]) -> Operand:
        """What all rounds add, at the places of all of them."""
        y, *indices = [self._all(b, x, arrays) for x in self.node.operands]
        axes, shape = self.node.attributes
        first = axes[0] if axes == tuple(range(axes[0], axes[-1] + 1)) else 0
        order = (*range(1, first + 1), 0, *range(first + 1, y.type.ndim))
        y = b("permute_axes", y, axes=order)
        return b("scatter_add", y, *indices, axes=axes, shape=shape)

    def _all(self, b: Builder, x: Operand, arrays: dict[Operand, Operand]) -> Operand:
        if x in self.moving:
            return arrays[x]
        one = b("reshape", arrays.get(x, x), shape=(1, *x.type.shape))
        return b("broadcast", one, shape=(self.rounds, *x.type.shape))


@dataclass(frozen=True)
class Total:
    """A carry outside its loop: where it starts, and what all rounds add to it."""

    first: Operand
    terms: tuple[Term | Places, ...]

    @property
    def stacked(self) -> list[Operand]:
        """Values of the body whose rows are needed."""
        return list(dict.fromkeys(x for term in self.terms for x in term.stacked))

    def outside(self, b: Builder, arrays: dict[Operand, Operand]) -> Operand:
        """The sum over all rounds, from the stacked rows."""
        start = b.number(self.first)
        total = None if start is not None and start == 0 else self.first
        for term in self.terms:
            made = term.outside(b, arrays)
            made = b("reshape", made, shape=self.first.type.shape)
            total = made if total is None else b("add", total, made)
        assert total is not None
        return total


def _sum(b: Builder, term: Term, arrays: dict[Operand, Operand]) -> Operand:
    x = arrays[term.left.value]
    if term.right is None:
        return b("sum", x, axes=(0, *[axis + 1 for axis in term.axes]))
    y = arrays[term.right.value]
    rounds = x.type.shape[0]
    if term.left.is_vector:
        left = b(
            "permute_axes", b("reshape", x, shape=(rounds, x.type.size // rounds)), axes=(1, 0)
        )
        return b("matmul", left, b("reshape", y, shape=(rounds, y.type.size // rounds)))
    # X[t, m, k] to [m, t k] and Y[t, k, n] to [t k, n].
    x = b("permute_axes", x, axes=(2, 0, 1) if term.left.turned else (1, 0, 2))
    x = b("reshape", x, shape=(x.type.shape[0], rounds * x.type.shape[2]))
    if term.right.turned:
        y = b("permute_axes", y, axes=(0, 2, 1))
    y = b("reshape", y, shape=(rounds * y.type.shape[1], y.type.shape[2]))
    return b("matmul", x, y)


def totals(
    body: Builder,
    carry: list[tuple[Value, Operand]],
    following: list[Operand],
    rows: list[tuple[Value, Operand]],
    stack: list[Operand],
    length: int,
) -> dict[int, Total]:
    """The carries that can leave a loop, by their number.

    Args:
        body: has made the body's nodes.
        carry: values in the body, and what they are before the first round.
        following: what each carry becomes.
        rows: values in the body that are rows of operands.
        stack: values whose rows are stacked already.
        length: the number of rounds.
    """
    uses: dict[Operand, int] = {}
    for x in (*following, *stack, *(x for node in body.nodes for x in node.operands)):
        uses[x] = uses.get(x, 0) + 1
    ready = {inside for inside, _ in rows} | set(stack)
    fixed = {inside for inside, _ in carry}
    moving = {*ready, *fixed, *body.maker}
    found: dict[int, Total] = {}
    waiting: dict[int, tuple[Operand, list[Operand]]] = {}
    for i, ((inside, first), last) in enumerate(zip(carry, following, strict=True)):
        added = _added(body, uses, inside, last)
        if added:
            waiting[i] = (first, added)
    budget = MOST_STACKED
    for may_sum in (_no_sums, ready.__contains__, lambda x: bool(found)):
        # Products first, then sums of what is stacked for them, then other sums beside them.
        for i, (first, added) in list(waiting.items()):
            terms = [_places(body, x, moving, length) or _term(body, x, may_sum) for x in added]
            good = [term for term in terms if term is not None]
            if len(good) < len(terms):
                continue
            total = Total(first, tuple(good))
            new = [x for x in total.stacked if x not in ready]
            size = sum(x.type.size * x.type.dtype.itemsize for x in new) * length
            moves = all(isinstance(x, Value) and (x in body.maker or x in fixed) for x in new)
            if moves and size <= budget:
                budget -= size
                ready.update(new)
                found[i] = total
                del waiting[i]
    return found


def _added(body: Builder, uses: dict[Operand, int], inside: Value, last: Operand) -> list[Operand]:
    """What is added to a carry that nothing else reads; nothing if there is more to it."""
    if uses.get(inside, 0) != 1 or last is inside:
        return []
    terms: list[Operand] = []
    pending, met = [last], False
    while pending:
        x = pending.pop()
        if x is inside:
            met = True
            continue
        node = body.of(x, "add")
        if node is None or uses[x] > 1:
            terms.append(x)
        else:
            pending.extend(reversed(node.operands))
    return terms if met else []


def _no_sums(x: Operand) -> bool:
    return False


def _term(body: Builder, x: Operand, may_sum: Callable[[Operand], bool]) -> Term | None:
    """What one round adds, as rows that can be stacked."""
    product = body.of(x, "matmul")
    if product is not None and all(o.type.ndim == 2 for o in product.operands):
        left, right = (_factor(body, o) for o in product.operands)
        return Term(left, right)
    product = body.of(x, "mul")
    if product is not None and x.type.ndim == 2:
        return _outer(body, product)
    total = body.of(x, "sum")
    if total is not None and may_sum(total.operands[0]):
        return Term(Factor(total.operands[0]), None, tuple(total.attributes[0]))
    return Term(Factor(x), None) if may_sum(x) else None


def _places(body: Builder, x: Operand, moving: set[Operand], rounds: int) -> Places | None:
    """What one round adds at places of an array that is larger than that."""
    node = body.of(x, "scatter_add")
    if node is None or node.operands[0].type.size >= x.type.size:
        return None
    return Places(node, frozenset(moving.intersection(node.operands)), rounds)


def _factor(body: Builder, x: Operand) -> Factor:
    turned = body.of(x, "permute_axes")
    return Factor(x) if turned is None else Factor(turned.operands[0], True)


def _outer(body: Builder, product: Node) -> Term | None:
    """The outer product of two vectors that are stretched over each other."""
    (column, down), (row, across) = (_stretched(body, x) for x in product.operands)
    if (down, across) == (1, 0):
        column, row = row, column
    elif (down, across) != (0, 1):
        return None
    return Term(Factor(column, is_vector=True), Factor(row, is_vector=True))


def _stretched(body: Builder, x: Operand) -> tuple[Operand, int | None]:
    """The vector that a matrix repeats, and the axis of the matrix that it runs along."""
    node = body.of(x, "broadcast")
    if node is None or 1 in x.type.shape:
        return x, None
    (vector,) = node.operands
    shape = (1,) * (2 - vector.type.ndim) + vector.type.shape
    along = [axis for axis in range(2) if shape[axis] != 1]
    inner = body.of(vector, "reshape")
    return inner.operands[0] if inner else vector, along[0] if len(along) == 1 else None
