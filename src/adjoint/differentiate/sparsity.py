"""The sparsity of a linear graph, and how to find its matrix from few products.

Every value that is linear in the inputs has a boolean sparse matrix with a row for each of its
elements, telling the inputs that the element depends on. Primitives map these matrices: those
that move elements are run on element numbers in place of elements, those that add elements up
are transposed on element numbers, and what has no rule here depends on all it is given. So the
result may hold entries that are zero; it never lacks one that is not. Of values, only those of
masks, indices and matrices that multiply are looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from adjoint.differentiate.replay import value_of
from adjoint.errors import StructureError
from adjoint.graph.graph import Graph, Literal, Node
from adjoint.graph.types import ArrayType, type_of
from adjoint.primitives.products import split_subscripts


class Pattern:
    """The dependencies of a value: ``matrix`` is [elements, inputs], boolean."""

    __slots__ = ("matrix", "type")

    def __init__(self, matrix: Any, type: ArrayType) -> None:
        self.matrix = matrix
        self.type = type


_SAME = {"cast", "real", "imag", "conj", "neg", "add", "sub", "mul", "div", "reshape"}
_SAME |= {"multiply_no_nan", "divide_no_nan", "ldexp"}
_MOVING = {"permute_axes", "slice", "unslice", "set_slice", "broadcast", "concatenate", "gather"}
_MOVING |= {"scatter_set", "where"}
_COLLECTING = {"sum", "scatter_add"}


def pattern_of(graph: Graph, residuals: Sequence[Any]) -> list[Any]:
    """The dependencies of the outputs of a graph on its linear inputs.

    Args:
        graph: takes the residuals, then the linear inputs.
        residuals: their values.

    Returns:
        For each output a boolean CSR matrix [elements of the output, elements of all inputs].
    """
    from scipy import sparse

    kinds = graph.input_types[len(residuals) :]
    total = sum(kind.size for kind in kinds)
    arguments = list(residuals)
    at = 0
    for kind in kinds:
        unit = sparse.eye_array(kind.size, total, k=at, dtype=bool, format="csr")
        arguments.append(Pattern(unit, kind))
        at += kind.size
    return [
        found.matrix
        if isinstance(found, Pattern)
        else sparse.csr_array((type_of(found).size, total), dtype=bool)
        for found in _propagate(graph, arguments)
    ]


def deciding(graph: Graph, residuals: Sequence[Any]) -> list[Any]:
    """The residuals whose values the pattern may depend on.

    A factor or a divisor of elements is not looked at, whatever it is.
    """
    linear: set[Any] = set(graph.inputs[len(residuals) :])
    looked_at: set[Any] = set()
    known: list[Node] = []
    for node in graph.nodes:
        if linear.isdisjoint(node.operands):
            known.append(node)
            continue
        linear.update(node.outputs)
        if node.primitive.name not in _SAME:
            looked_at.update(node.operands)
    for node in reversed(known):
        if not looked_at.isdisjoint(node.outputs):
            looked_at.update(node.operands)
    return [x for value, x in zip(graph.inputs, residuals, strict=False) if value in looked_at]


def _propagate(graph: Graph, arguments: Sequence[Any]) -> list[Any]:
    """Run a graph on arrays and patterns; it is as deep as graphs are nested."""
    values: dict[Any, Any] = dict(zip(graph.inputs, arguments, strict=True))
    left: dict[Any, int] = {}  # how often each value is still needed, so that large ones can go
    for node in graph.nodes:
        for operand in node.operands:
            left[operand] = left.get(operand, 0) + 1
    for operand in graph.outputs:
        left[operand] = left.get(operand, 0) + 1
    for node in graph.nodes:
        operands = [value_of(o, values) for o in node.operands]
        if any(isinstance(x, Pattern) for x in operands):
            results = _node_patterns(node, operands)
        else:
            with np.errstate(all="ignore"):
                made = node.primitive.evaluate(*operands, **node.settings)
            results = list(made) if node.primitive.several else [made]
        values.update(zip(node.outputs, results, strict=True))
        for operand in node.operands:
            left[operand] -= 1
            if not left[operand] and not isinstance(operand, Literal):
                values.pop(operand, None)
    return [value_of(o, values) for o in graph.outputs]


def _node_patterns(node: Node, operands: list[Any]) -> list[Any]:
    name = node.primitive.name
    if name == "call":
        return _propagate(node.settings["graph"], operands)
    if name == "cond" and not isinstance(operands[0], Pattern):
        branch = node.settings["on_true" if bool(operands[0]) else "on_false"]
        return _propagate(branch, operands[1:])
    if name == "scan":
        return _scan(node, operands)
    if len(node.outputs) > 1 or node.primitive.structure == "control":
        return _everything(node, operands)
    kind = node.outputs[0].type
    if name in _SAME:
        matrices = [x.matrix for x in operands if isinstance(x, Pattern)]
        return [Pattern(_union(matrices), kind)]
    if name in _MOVING:
        return [Pattern(_moved(node, operands), kind)]
    rule = _rules.get(name)
    dependent = [i for i, x in enumerate(operands) if isinstance(x, Pattern)]
    if name in _COLLECTING:
        rule = _collected
    if rule is None or len(dependent) > 1:
        return _everything(node, operands)
    return [Pattern(rule(node, operands, dependent[0]), kind)]


def _union(matrices: Sequence[Any]) -> Any:
    total = matrices[0]
    for other in matrices[1:]:
        total = total + other
    return total


def _selection(rows: Any, columns: Any, shape: tuple[int, int]) -> Any:
    from scipy import sparse

    ones = np.ones(len(rows), bool)
    return sparse.csr_array((ones, (rows, columns)), shape=shape)


def _everything(node: Node, operands: Sequence[Any]) -> list[Any]:
    """Each element of each output depends on all that any operand depends on."""
    from scipy import sparse

    reached = _union(
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


def _moved(node: Node, operands: Sequence[Any]) -> Any:
    """Run the primitive on element numbers: 0 stands for elements that do not depend."""
    from scipy import sparse

    numbered, matrices, count = [], [], 0
    for i, x in enumerate(operands):
        if isinstance(x, Pattern):
            size = x.type.size
            numbered.append(np.arange(count + 1, count + size + 1).reshape(x.type.shape))
            matrices.append(x.matrix)
            count += size
        elif node.primitive.is_linear_in(i):
            numbered.append(np.zeros(np.shape(x), np.int64))
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


def _collected(node: Node, operands: Sequence[Any], which: int) -> Any:
    """The transpose of a sum spreads element numbers of the result to what it adds up."""
    size = node.outputs[0].type.size
    numbers = np.arange(size).reshape(node.outputs[0].type.shape)
    kinds = [x.type if isinstance(x, Pattern) else x for x in operands]
    assert node.primitive.transpose is not None
    target = np.ravel(node.primitive.transpose(numbers, kinds, which, **node.settings))
    return _selection(target, np.arange(len(target)), (size, len(target))) @ operands[which].matrix


def _cumulated(node: Node, operands: Sequence[Any], which: int) -> Any:
    kind, axis = operands[which].type, node.settings["axis"]
    numbers = np.moveaxis(np.arange(kind.size).reshape(kind.shape), axis, -1)
    late, early = np.tril_indices(kind.shape[axis])
    rows, columns = np.ravel(numbers[..., late]), np.ravel(numbers[..., early])
    return _selection(rows, columns, (kind.size, kind.size)) @ operands[which].matrix


def _labelled(x: Pattern, labels: str, output: str, sizes: dict[str, int]) -> Any:
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
    return total[np.ravel(np.broadcast_to(placed, [sizes[c] for c in output]))]


def _einsum(node: Node, operands: Sequence[Any], which: int) -> Any:
    inputs, output = split_subscripts(node.settings["subscripts"])
    sizes: dict[str, int] = {}
    for labels, operand in zip(inputs, node.operands, strict=True):
        sizes.update(zip(labels, operand.type.shape, strict=True))
    return _labelled(operands[which], inputs[which], output, sizes)


def _matmul(node: Node, operands: Sequence[Any], which: int) -> Any:
    from scipy import sparse

    x, other = operands[which], operands[1 - which]
    if len(x.type.shape) <= 2 and np.ndim(other) == 2:
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
    return _labelled(x, (left, right)[which], output, sizes)


def _solve(node: Node, operands: Sequence[Any], which: int) -> Any:
    """Each column of the solution depends on the whole column of the right-hand side."""
    shape = operands[which].type.shape
    batch = "".join(chr(ord("A") + i) for i in range(len(shape) - 2))
    sizes = dict(zip(batch + "jk", shape, strict=True)) | {"i": shape[-2]}
    return _labelled(operands[which], batch + "jk", batch + "ik", sizes)


def _by_taps(node: Node, operands: Sequence[Any], which: int) -> Any:
    """A convolution with few weights: with one weight alone it moves elements."""
    x, weights = operands[which], np.asarray(operands[1 - which])
    taps = np.flatnonzero(weights)
    if len(taps) > _MOST_TAPS:
        return _everything(node, operands)[0].matrix
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
    return _union(parts) @ x.matrix


_MOST_TAPS = 512
_MOST_ENTRIES = 1 << 29

_rules: dict[str, Callable[[Node, Sequence[Any], int], Any]] = {
    "convolution": _by_taps,
    "convolution_input": _by_taps,
    "convolve": _by_taps,
    "cumsum": _cumulated,
    "einsum": _einsum,
    "matmul": _matmul,
    "solve": _solve,
}


def _scan(node: Node, operands: Sequence[Any]) -> list[Any]:
    """Step by step, as the loop itself runs."""
    from scipy import sparse

    s = node.settings
    n_constants, n_carry, length = s["n_constants"], s["n_carry"], s["length"]
    constants = list(operands[:n_constants])
    carry = list(operands[n_constants : n_constants + n_carry])
    rows = operands[n_constants + n_carry :]
    n_inputs = next(x.matrix.shape[1] for x in operands if isinstance(x, Pattern))
    collected: list[list[Any]] = [[None] * length for _ in node.outputs[n_carry:]]

    def row(x: Any, i: int) -> Any:
        if not isinstance(x, Pattern):
            return x[i]
        kind = x.type._replace(shape=x.type.shape[1:])
        return Pattern(x.matrix[i * kind.size : (i + 1) * kind.size], kind)

    for i in reversed(range(length)) if s["reverse"] else range(length):
        results = _propagate(s["graph"], [*constants, *carry, *(row(x, i) for x in rows)])
        carry = results[:n_carry]
        for whole, y in zip(collected, results[n_carry:], strict=True):
            size = type_of(y).size if not isinstance(y, Pattern) else y.type.size
            whole[i] = y.matrix if _is(y) else sparse.csr_array((size, n_inputs), dtype=bool)
    stacked = []
    for value, parts in zip(node.outputs[n_carry:], collected, strict=True):
        matrix = (
            sparse.vstack(parts, format="csr")
            if parts
            else sparse.csr_array((0, n_inputs), dtype=bool)
        )
        stacked.append(Pattern(matrix, value.type))
    return [*carry, *stacked]
