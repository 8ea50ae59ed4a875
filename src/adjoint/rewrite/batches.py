"""Batches of matrix products that are one product.

A batch whose second operand is the same for every member is one product with more rows, and the
sum of a batch is one product with a longer inner axis: the rows of all examples together for a
layer, all examples' outer products for its gradient. One large product keeps its operands in
the caches and is shared by threads; a batch of small ones writes what is only to be added up.
These hold to rounding: sums are taken in another order.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from adjoint.graph.graph import Graph, Node, Operand, Value
from adjoint.rewrite.builder import Builder, rebuild
from adjoint.rewrite.equations import EQUATIONS


def join_batches(graph: Graph) -> Graph:
    """The graph with one product for a batch of them, where that is possible."""
    if not any(node.primitive.name == "matmul" for node in graph.nodes):
        return graph
    uses: dict[Operand, int] = {}
    for operand in (*graph.outputs, *(x for node in graph.nodes for x in node.operands)):
        uses[operand] = uses.get(operand, 0) + 1
    maker = {value: node for node in graph.nodes for value in node.outputs}

    def visit(b: Builder, node: Node, operands: tuple[Operand, ...]) -> Sequence[Operand] | None:
        made = None
        if node.primitive.name == "matmul":
            made = with_shared_matrix(b, *operands)
        elif node.primitive.name in ("sum", "permute_axes") and uses[node.operands[0]] == 1:
            product = maker.get(node.operands[0]) if isinstance(node.operands[0], Value) else None
            if product is not None and product.primitive.name == "matmul":
                rule = summed_products if node.primitive.name == "sum" else turned_product
                made = rule(b, operands[0], node.attributes[0])
        return None if made is None else [made]

    return rebuild(graph, Builder(EQUATIONS), visit)


def with_shared_matrix(b: Builder, x: Operand, y: Operand) -> Operand | None:
    """X[..., m, k] W[k, n] for a stretched W, as one product of all rows."""
    if y.type.ndim < 3:
        return None
    w = _shared(b, y)
    if w is None or prod(x.type.shape) == 0:
        return None
    turned = b.of(x, "permute_axes")
    if turned is not None:
        # Rows in another order: the product is made in the order in which they lie.
        if turned.attributes[0][-1] != x.type.ndim - 1:
            return None
        (x,) = turned.operands
    *rows, k = x.type.shape
    product = b("matmul", b("reshape", x, shape=(prod(rows), k)), w)
    made = b("reshape", product, shape=(*rows, w.type.shape[1]))
    return made if turned is None else b("permute_axes", made, axes=turned.attributes[0])


def _shared(b: Builder, y: Operand) -> Operand | None:
    """The matrix that every member of a batch is."""
    axes = tuple(range(y.type.ndim))
    turned = b.of(y, "permute_axes")
    if turned is not None:
        axes = turned.attributes[0]
        y = turned.operands[0]
    stretched = b.of(y, "broadcast")
    if stretched is None:
        return None
    (w,) = stretched.operands
    last = sorted(axes[-2:])
    if last != [y.type.ndim - 2, y.type.ndim - 1] or w.type.shape[-2:] != y.type.shape[-2:]:
        return None
    if prod(w.type.shape[:-2]) != 1:
        return None
    w = b("reshape", w, shape=w.type.shape[-2:])
    return w if axes[-2] < axes[-1] else b("permute_axes", w, axes=(1, 0))


def summed_products(b: Builder, total: Operand, axes: tuple[int, ...]) -> Operand | None:
    """The sum of X_i Y_i over batch axes: the members side by side, as one product."""
    product = b.of(total, "matmul")
    if product is None:
        return None
    x, y = product.operands
    lead = x.type.ndim - 2
    if y.type.ndim != x.type.ndim or not axes or any(axis >= lead for axis in axes):
        return None
    if prod(x.type.shape) == 0 or prod(y.type.shape) == 0:
        return None
    kept = tuple(i for i in range(lead) if i not in axes)
    left = _matrices(b, x, kept, (lead,), (*axes, lead + 1))
    return b("matmul", left, _matrices(b, y, kept, (*axes, lead), (lead + 1,)))


def _matrices(
    b: Builder, x: Operand, batch: tuple[int, ...], rows: tuple[int, ...], columns: tuple[int, ...]
) -> Operand:
    """A batch of matrices, made in the order in which the axes of x lie in memory."""
    turned = b.of(x, "permute_axes")
    lies = turned.attributes[0] if turned is not None else range(x.type.ndim)
    if lies[rows[-1]] > lies[columns[-1]]:
        n = len(batch)
        return b("permute_axes", _matrices(b, x, batch, columns, rows), axes=(*range(n), n + 1, n))
    moved = b("permute_axes", x, axes=(*batch, *rows, *columns))
    extents = [prod(x.type.shape[i] for i in axes) for axes in (rows, columns)]
    return b("reshape", moved, shape=(*[x.type.shape[i] for i in batch], *extents))


def turned_product(b: Builder, product: Operand, axes: tuple[int, ...]) -> Operand | None:
    """(X Y)^T = Y^T X^T: operands are read in any order for nothing, results are not."""
    made = b.of(product, "matmul")
    last = product.type.ndim - 1
    if made is None or axes != (*range(last - 1), last, last - 1):
        return None
    x, y = made.operands
    if x.type.ndim != y.type.ndim:
        return None
    return b("matmul", b("permute_axes", y, axes=axes), b("permute_axes", x, axes=axes))
