"""What single primitives do to the dependencies of values: see ``sparsity.py``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from adjoint.errors import StructureError
from adjoint.graph.graph import Node
from adjoint.graph.types import ArrayType, type_of
from adjoint.primitives.products import split_subscripts


class Pattern:
    """The dependencies of a value: ``matrix`` is [elements, inputs], boolean."""

    __slots__ = ("matrix", "type")

    def __init__(self, matrix: Any, type: ArrayType) -> None:
        self.matrix = matrix
        self.type = type


def union(matrices: Sequence[Any]) -> Any:
    """Where any of them has an entry."""
    total = matrices[0]
    for other in matrices[1:]:
        total = total + other
    return total


def _selection(rows: Any, columns: Any, shape: tuple[int, int]) -> Any:
    from scipy import sparse

    ones = np.ones(len(rows), bool)
    return sparse.csr_array((ones, (rows, columns)), shape=shape)


def unknown(x: Any) -> bool:
    """Whether of this operand only the type is known."""
    return isinstance(x, ArrayType)


def everything(node: Node, operands: Sequence[Any]) -> list[Any]:
    """Each element of each output depends on all that any operand depends on."""
    from scipy import sparse

    reached = union(
        [sparse.csr_array(x.matrix.sum(axis=0)[None, :] > 0) for x in operands if _is(x)]
    )
    _check(node, reached.nnz * sum(value.type.size for value in node.outputs))
    made: list[Any] = []
    for value in node.outputs:
        column = sparse.csr_array(np.ones((value.type.size, 1), bool))
        made.append(Pattern(column @ reached, value.type))
    return made


def _check(node: Node, entries: int) -> None:
    if entries > _MOST_ENTRIES:
        raise StructureError(
            f"the derivative is not sparse: {node.primitive.name} makes {entries:.2g} entries",
            function="jacobian",
            source=node.source,
            remedy="use products (ad.jvp, ad.vjp, ad.hvp) in place of the matrix",
        )


def _is(x: Any) -> bool:
    return isinstance(x, Pattern)


def moved(node: Node, operands: Sequence[Any]) -> Any:
    """Run the primitive on element numbers: 0 stands for elements that do not depend."""
    from scipy import sparse

    if unknown(operands[0]) and node.primitive.name == "where":
        return union([x.matrix for x in operands if _is(x)])  # either branch
    places = range(len(operands))
    if any(unknown(operands[i]) and not node.primitive.is_linear_in(i) for i in places):
        return everything(node, operands)[0].matrix

    numbered, matrices, count = [], [], 0
    for i, x in enumerate(operands):
        if isinstance(x, Pattern):
            size = x.type.size
            numbered.append(np.arange(count + 1, count + size + 1).reshape(x.type.shape))
            matrices.append(x.matrix)
            count += size
        elif node.primitive.is_linear_in(i):
            numbered.append(np.zeros(type_of(x).shape, np.int64))
        else:
            numbered.append(x)
    source = np.ravel(node.primitive.evaluate(*numbered, **node.settings))
    rows = np.flatnonzero(source)
    widths = np.concatenate([np.diff(matrix.indptr) for matrix in matrices])
    _check(node, int(widths[source[rows] - 1].sum()))
    whole = matrices[0] if len(matrices) == 1 else sparse.vstack(matrices, format="csr")
    if len(rows) == len(source):
        return whole[source - 1]
    return _selection(rows, source[rows] - 1, (len(source), count)) @ whole


def collected(node: Node, operands: Sequence[Any], which: int) -> Any:
    """The transpose of a sum spreads element numbers of the result to what it adds up."""
    if any(unknown(x) for x in operands):
        return everything(node, operands)[0].matrix
    size = node.outputs[0].type.size
    numbers = np.arange(size).reshape(node.outputs[0].type.shape)
    kinds = [x.type if isinstance(x, Pattern) else x for x in operands]
    assert node.primitive.transpose is not None
    target = np.ravel(node.primitive.transpose(numbers, kinds, which, **node.settings))
    return _selection(target, np.arange(len(target)), (size, len(target))) @ operands[which].matrix


def _cumulated(node: Node, operands: Sequence[Any], which: int) -> Any:
    kind, axis = operands[which].type, node.settings["axis"]
    _check(node, kind.size * (kind.shape[axis] + 1) // 2)
    numbers = np.moveaxis(np.arange(kind.size).reshape(kind.shape), axis, -1)
    late, early = np.tril_indices(kind.shape[axis])
    rows, columns = np.ravel(numbers[..., late]), np.ravel(numbers[..., early])
    return _selection(rows, columns, (kind.size, kind.size)) @ operands[which].matrix


def _labelled(node: Node, x: Pattern, labels: str, output: str, sizes: dict[str, int]) -> Any:
    """Elements depend where their common labels agree: a sum over the others, then a spread."""
    once = "".join(dict.fromkeys(labels))
    common = [label for label in once if label in output]
    inner = np.arange(x.type.size).reshape(x.type.shape)
    # A repeated label takes a diagonal, in the order of first appearance.
    diagonal = np.einsum(inner, [once.index(c) for c in labels], list(range(len(once))))
    shape = [sizes[c] for c in common]
    numbers = np.arange(int(np.prod(shape, dtype=int))).reshape(shape)
    spread = numbers.reshape([sizes[c] if c in common else 1 for c in once])
    target = np.ravel(np.broadcast_to(spread, diagonal.shape))
    total = _selection(target, np.ravel(diagonal), (numbers.size, x.type.size)) @ x.matrix
    order = [c for c in output if c in common]
    moved = np.transpose(numbers, [common.index(c) for c in order])
    placed = moved.reshape([sizes[c] if c in common else 1 for c in output])
    source = np.ravel(np.broadcast_to(placed, [sizes[c] for c in output]))
    _check(node, int(np.diff(total.indptr)[source].sum()))
    return total[source]


def _einsum(node: Node, operands: Sequence[Any], which: int) -> Any:
    inputs, output = split_subscripts(node.settings["subscripts"])
    sizes: dict[str, int] = {}
    for labels, operand in zip(inputs, node.operands, strict=True):
        sizes.update(zip(labels, operand.type.shape, strict=True))
    return _labelled(node, operands[which], inputs[which], output, sizes)


def _matmul(node: Node, operands: Sequence[Any], which: int) -> Any:
    from scipy import sparse

    x, other = operands[which], operands[1 - which]
    if not unknown(other) and len(x.type.shape) <= 2 and np.ndim(other) == 2:
        # A matrix that is there already: its own zeros count.
        if which == 1:
            columns = x.type.shape[1] if len(x.type.shape) == 2 else 1
            chosen = sparse.csr_array(other != 0)
            map_ = sparse.kron(chosen, sparse.eye_array(columns, dtype=bool), format="csr")
        else:
            rows = x.type.shape[0] if len(x.type.shape) == 2 else 1
            chosen = sparse.csr_array(other.T != 0)
            map_ = sparse.kron(sparse.eye_array(rows, dtype=bool), chosen, format="csr")
        return map_ @ x.matrix
    shapes = [operand.type.shape for operand in node.operands]
    batch = "".join(chr(ord("A") + i) for i in range(max(len(shapes[0]), len(shapes[1])) - 2))
    left = batch + "ij" if len(shapes[0]) > 1 else "j"
    right = batch + "jk" if len(shapes[1]) > 1 else "j"
    output = batch + ("i" if len(shapes[0]) > 1 else "") + ("k" if len(shapes[1]) > 1 else "")
    sizes = dict(zip(left, shapes[0], strict=True)) | dict(zip(right, shapes[1], strict=True))
    return _labelled(node, x, (left, right)[which], output, sizes)


def _solve(node: Node, operands: Sequence[Any], which: int) -> Any:
    """Each column of the solution depends on the whole column of the right-hand side."""
    shape = operands[which].type.shape
    batch = "".join(chr(ord("A") + i) for i in range(len(shape) - 2))
    sizes = dict(zip(batch + "jk", shape, strict=True)) | {"i": shape[-2]}
    return _labelled(node, operands[which], batch + "jk", batch + "ik", sizes)


def _by_taps(node: Node, operands: Sequence[Any], which: int) -> Any:
    """A convolution with few weights: with one weight alone it moves elements."""
    x, weights = operands[which], operands[1 - which]
    weights = np.ones(weights.shape) if unknown(weights) else np.asarray(weights)
    taps = np.flatnonzero(weights)
    if len(taps) > _MOST_TAPS:
        return everything(node, operands)[0].matrix
    numbers = np.arange(1.0, x.type.size + 1).reshape(x.type.shape)
    parts = []
    for tap in taps:
        alone = np.zeros(weights.shape)
        alone.flat[tap] = 1
        pair = (numbers, alone) if which == 0 else (alone, numbers)
        source = np.ravel(node.primitive.evaluate(*pair, **node.settings)).astype(np.int64)
        rows = np.flatnonzero(source)
        parts.append(_selection(rows, source[rows] - 1, (len(source), x.type.size)))
    if not parts:
        return _selection([], [], (node.outputs[0].type.size, x.type.size)) @ x.matrix
    return union(parts) @ x.matrix


def _along(node: Node, operands: Sequence[Any], which: int) -> Any:
    """Each element depends on all along one axis."""
    x, shape = operands[which], node.outputs[0].type.shape
    labels = [chr(ord("A") + i) for i in range(len(shape))]
    axis = node.settings["axis"] % len(shape)
    result = [*labels[:axis], "a", *labels[axis + 1 :]]
    sizes = dict(zip(labels, x.type.shape, strict=True)) | {"a": shape[axis]}
    return _labelled(node, x, "".join(labels), "".join(result), sizes)


def _by_library(node: Node, operands: Sequence[Any], which: int) -> Any:
    """A map that another library applies, and may tell the pattern of."""
    find = node.settings["map"].pattern
    pattern = None if find is None else find()
    if pattern is None:
        return everything(node, operands)[0].matrix
    return pattern @ operands[which].matrix


_MOST_TAPS = 512
_MOST_ENTRIES = 1 << 29

# (node, operands, the one that is a pattern) -> the matrix of the result
rules: dict[str, Callable[[Node, Sequence[Any], int], Any]] = {
    "convolution": _by_taps,
    "convolution_input": _by_taps,
    "convolve": _by_taps,
    "correlate": _by_taps,
    "cumsum": _cumulated,
    "einsum": _einsum,
    "fft": _along,
    "ifft": _along,
    "irfft": _along,
    "linear_map": _by_library,
    "matmul": _matmul,
    "overlap_add": collected,
    "rfft": _along,
    "scatter_add": collected,
    "solve": _solve,
    "sum": collected,
}
# Those that look at no operand's values, apart from what moves elements.
BY_FORM = {"cumsum", "einsum", "fft", "ifft", "irfft", "linear_map", "overlap_add", "rfft"}
BY_FORM |= {"solve", "sum"}
