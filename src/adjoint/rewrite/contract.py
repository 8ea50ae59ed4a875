"""Products in the forms machine code is made for.

An einsum becomes permutations, reshapes and one matrix product for each pair of operands; a
product that is no more than a scaling, a dot product or an outer product becomes elementwise
work and sums, which fuse with what stands around them. These hold to rounding: sums are taken
in another order.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from adjoint.graph.graph import Graph, Node, Operand
from adjoint.primitives.products import split_subscripts
from adjoint.rewrite.builder import Builder, rebuild
from adjoint.rewrite.equations import EQUATIONS

Term = tuple[str, Operand]  # axis labels and the array


def contract(graph: Graph) -> Graph:
    """The graph with its products in canonical form."""
    return rebuild(graph, Builder(EQUATIONS), _visit)


def _visit(b: Builder, node: Node, operands: tuple[Operand, ...]) -> Sequence[Operand] | None:
    if node.primitive.name == "einsum":
        return [einsum(b, operands, node.settings["subscripts"])]
    if node.primitive.name == "matmul":
        made = matmul(b, *operands)
        return None if made is None else [made]
    return None


# *** matrix products ***


def matmul(b: Builder, x: Operand, y: Operand) -> Operand | None:
    """X y as loops if one of its three extents is 1, or BLAS does not know the dtype."""
    rows = x.type.shape[-2] if x.type.ndim > 1 else 1
    columns = y.type.shape[-1] if y.type.ndim > 1 else 1
    inner = x.type.shape[-1]
    kind, size = x.type.dtype.kind, x.type.dtype.itemsize
    known = kind in "fc" and size in ((4, 8) if kind == "f" else (8, 16))
    if known and 1 not in (rows, columns, inner):
        return None
    if kind not in "iuf" or prod(x.type.shape) == 0 or prod(y.type.shape) == 0:
        return None
    left, right = x, y
    if x.type.ndim == 1:
        left = b("reshape", x, shape=(1, inner))
    if y.type.ndim == 1:
        right = b("reshape", y, shape=(inner, 1))
    batch = left.type.shape[:-2]
    full = (*batch, rows, columns, inner)
    last = len(full) - 1
    p = b("broadcast", b("reshape", left, shape=(*batch, rows, 1, inner)), shape=full)
    order = (*range(len(batch)), last - 1, last - 2)
    turned = b("permute_axes", right, axes=order)
    q = b("broadcast", b("reshape", turned, shape=(*batch, 1, columns, inner)), shape=full)
    shape = batch + x.type.shape[-2:-1] + (y.type.shape[-1:] if y.type.ndim > 1 else ())
    total = _summed(b, b("mul", p, q), (last,))
    return b("reshape", total, shape=shape)


def _summed(b: Builder, x: Operand, axes: tuple[int, ...]) -> Operand:
    """The sum over axes; axes of length 1 are only dropped."""
    long = tuple(i for i in axes if x.type.shape[i] != 1)
    shape = tuple(n for i, n in enumerate(x.type.shape) if i not in axes)
    if long:
        x = b("sum", x, axes=long)
    return b("reshape", x, shape=shape)


# *** einsum ***


def einsum(b: Builder, operands: Sequence[Operand], subscripts: str) -> Operand:
    """An einsum as a chain of pairwise products."""
    labels, output = split_subscripts(subscripts)
    terms = [_without_repeats(b, name, x) for name, x in zip(labels, operands, strict=True)]
    while len(terms) > 1:
        i, j = _cheapest(terms, output)
        second, first = terms.pop(j), terms.pop(i)
        kept = set(output).union(*(name for name, _ in terms))
        terms.append(_pair(b, first, second, kept))
    name, x = _reduced(b, terms[0], set(output))
    return b("permute_axes", x, axes=tuple([name.index(label) for label in output]))


def _cheapest(terms: list[Term], output: str) -> tuple[int, int]:
    """The pair whose product is smallest."""
    best: tuple[int, int, int] | None = None
    for j in range(len(terms)):
        for i in range(j):
            others = set(output).union(*(t[0] for k, t in enumerate(terms) if k not in (i, j)))
            extents = {**_extents(terms[i]), **_extents(terms[j])}
            size = prod(n for label, n in extents.items() if label in others)
            if best is None or size < best[0]:
                best = (size, i, j)
    assert best is not None
    return best[1], best[2]


def _extents(term: Term) -> dict[str, int]:
    name, x = term
    return dict(zip(name, x.type.shape, strict=True))


def _without_repeats(b: Builder, name: str, x: Operand) -> Term:
    """A label that stands twice takes the diagonal of its axes."""
    while len(set(name)) < len(name):
        label = next(c for c in name if name.count(c) > 1)
        first, second = name.index(label), name.index(label, name.index(label) + 1)
        n = x.type.shape[first]
        others = [i for i in range(len(name)) if i not in (first, second)]
        moved = b("permute_axes", x, axes=(first, second, *others))
        index = b.literal(np.arange(n))
        x = b("gather", moved, index, index, axes=(0, 1))
        name = label + "".join(name[i] for i in others)
    return name, x


def _reduced(b: Builder, term: Term, kept: set[str]) -> Term:
    """Axes that nothing else needs are summed."""
    name, x = term
    axes = tuple(i for i, label in enumerate(name) if label not in kept)
    if not axes:
        return term
    return "".join(c for c in name if c in kept), _summed(b, x, axes)


def _pair(b: Builder, first: Term, second: Term, kept: set[str]) -> Term:
    """The product of two operands, with the labels that are not kept summed."""
    first = _reduced(b, first, kept | set(second[0]))
    second = _reduced(b, second, kept | set(first[0]))
    extents = {**_extents(first), **_extents(second)}
    shared = [c for c in first[0] if c in second[0]]
    batch = "".join(c for c in shared if c in kept)
    inner = "".join(c for c in shared if c not in kept)
    left = "".join(c for c in first[0] if c not in shared)
    right = "".join(c for c in second[0] if c not in shared)

    def size(part: str) -> int:
        return prod(extents[c] for c in part)

    dtype = first[1].type.dtype
    blas = dtype.kind in "fc" and dtype.itemsize >= 4
    if inner and blas and 1 not in (size(left), size(right), size(inner)):
        p = _arranged(b, first, batch + left + inner)
        q = _arranged(b, second, batch + inner + right)
        lead = tuple(extents[c] for c in batch)
        p = b("reshape", p, shape=(*lead, size(left), size(inner)))
        q = b("reshape", q, shape=(*lead, size(inner), size(right)))
        product = b("matmul", p, q)
        name = batch + left + right
        return name, b("reshape", product, shape=tuple([extents[c] for c in name]))
    name = batch + left + right + inner
    shape = tuple([extents[c] for c in name])
    product = b("mul", _spread(b, first, name, shape), _spread(b, second, name, shape))
    axes = tuple(range(len(name) - len(inner), len(name)))
    return batch + left + right, _summed(b, product, axes) if inner else product


def _arranged(b: Builder, term: Term, name: str) -> Operand:
    old, x = term
    return b("permute_axes", x, axes=tuple([old.index(c) for c in name]))


def _spread(b: Builder, term: Term, name: str, shape: tuple[int, ...]) -> Operand:
    """An operand with all the labels of a product, stretched along those it lacks."""
    old, x = term
    present = "".join(c for c in name if c in old)
    x = _arranged(b, term, present)
    full = tuple([n if c in old else 1 for c, n in zip(name, shape, strict=True)])
    return b("broadcast", b("reshape", x, shape=full), shape=shape)
