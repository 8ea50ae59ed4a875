"""What is to be written: a graph whose extents may follow the batch.

ONNX lets an axis have a name in place of a length; our graphs know numbers only. So a function
is recorded for several batch sizes, and the graphs are laid one over the other: a number that is
the same in all of them is that number, one that grows with the batch becomes a :class:`Dim`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from adjoint.errors import UnsupportedError
from adjoint.graph.graph import Graph, Literal, Node, Operand, Value
from adjoint.graph.source import Source
from adjoint.graph.types import ArrayType


@dataclass(frozen=True, slots=True)
class Dim:
    """The whole number ``factor * batch + offset``."""

    factor: int
    offset: int = 0


Extent = int | Dim
Shape = tuple[Extent, ...]


class Kind(NamedTuple):
    """The type of a value: as ArrayType, with extents that may be Dims."""

    shape: Shape
    dtype: np.dtype[Any]


@dataclass(frozen=True, eq=False, slots=True)
class Constant:
    """An array known when the file is written.

    Args:
        array: its elements; where ``kind`` is larger, they are repeated.
        kind: its type.
        value: the batch's own size, or what follows from it, in place of ``array``.
        counts: how much the numbers grow with each step along the axis of the batch, of which
            ``array`` is the first place.
    """

    array: Any
    kind: Kind
    value: Dim | None = None
    counts: int = 0


@dataclass(frozen=True, eq=False, slots=True)
class Operation:
    """A node: operands and outputs are numbers of values, or constants."""

    name: str
    operands: tuple[int | Constant, ...]
    settings: dict[str, Any]
    outputs: tuple[int, ...]
    source: Source | None


@dataclass(frozen=True, eq=False, slots=True)
class Plan:
    """A graph with numbered values: first the inputs, then what the operations make."""

    n_inputs: int
    kinds: tuple[Kind, ...]
    operations: tuple[Operation, ...]
    outputs: tuple[int | Constant, ...]
    uses: dict[int, int]  # of each value, as operand or output

    def kind(self, operand: int | Constant) -> Kind:
        """The type of an operand."""
        return operand.kind if isinstance(operand, Constant) else self.kinds[operand]


class BatchError(Exception):
    """Something depends on the batch in a way that a file cannot say."""


Number = Callable[[Sequence[Any]], Any]


def lay_over(graphs: Sequence[Graph], sizes: Sequence[int]) -> Plan:
    """Make one plan of a function's graphs for several batch sizes; one graph alone is as it is.

    Raises:
        UnsupportedError: they differ in more than the lengths of axes; it names the line.
    """
    first = graphs[0]
    if any(len(g.nodes) != len(first.nodes) for g in graphs):
        longest = max(graphs, key=len).nodes
        pairs = zip(first.nodes, graphs[1].nodes, strict=False)
        differing = (a.source for a, b in pairs if a.primitive is not b.primitive)
        at = next(differing, longest[-1].source)
        raise refused("the function does other operations for another batch size", at)
    numbers: list[dict[Operand, int]] = [{} for _ in graphs]
    kinds: list[Kind] = []

    def add(values: Sequence[Value]) -> int:
        for known, value in zip(numbers, values, strict=True):
            known[value] = len(kinds)
        kinds.append(_kind([value.type for value in values], sizes))
        return len(kinds) - 1

    def operand(found: Sequence[Operand]) -> int | Constant:
        if isinstance(found[0], Value):
            places = {known.get(x) for known, x in zip(numbers, found, strict=True)}
            if len(places) > 1:
                raise BatchError("other values are used for another batch size")
            return numbers[0][found[0]]
        if any(isinstance(x, Value) for x in found):
            raise BatchError("a constant is a result for another batch size")
        return constant([x.value for x in found if isinstance(x, Literal)], sizes)

    for inputs in zip(*[g.inputs for g in graphs], strict=True):
        add(inputs)
    operations = []
    uses: dict[int, int] = {}
    for nodes in zip(*[g.nodes for g in graphs], strict=True):
        node: Node = nodes[0]
        try:
            if any(other.primitive is not node.primitive for other in nodes):
                raise BatchError("the function does other operations for another batch size")
            operands = tuple([operand(xs) for xs in zip(*[x.operands for x in nodes], strict=True)])
            settings = [x.settings for x in nodes]
            merged = {name: over([s[name] for s in settings], sizes) for name in settings[0]}
            outputs = tuple([add(ys) for ys in zip(*[x.outputs for x in nodes], strict=True)])
        except (BatchError, ValueError) as error:
            raise refused(str(error), node.source) from None
        for x in operands:
            if isinstance(x, int):
                uses[x] = uses.get(x, 0) + 1
        operations.append(Operation(node.primitive.name, operands, merged, outputs, node.source))
    results = tuple([operand(xs) for xs in zip(*[g.outputs for g in graphs], strict=True)])
    for x in results:
        if isinstance(x, int):
            uses[x] = uses.get(x, 0) + 1
    return Plan(len(first.inputs), tuple(kinds), tuple(operations), results, uses)


def refused(problem: str, source: Source | None) -> UnsupportedError:
    """The error for a graph that cannot have a dynamic batch."""
    return UnsupportedError(
        problem,
        function="to_onnx",
        source=source,
        wanted="a function that treats every row of the batch alike",
        remedy="write the file for one batch size: dynamic_batch=False",
    )


def over(values: Sequence[Any], sizes: Sequence[int]) -> Any:
    """Settings that are equal, or follow the batch; graphs become plans."""
    first = values[0]
    if isinstance(first, Graph):
        return lay_over(values, sizes)
    if all(value == first for value in values):
        return first
    if all(type(value) is int for value in values):
        return follow(values, sizes)
    if isinstance(first, tuple) and all(len(value) == len(first) for value in values):
        return tuple([over(parts, sizes) for parts in zip(*values, strict=True)])
    if isinstance(first, int | float | str | tuple):
        raise BatchError("a setting depends on the batch size")
    return first  # functions: what holds them has no form in ONNX and is refused by its name


def follow(values: Sequence[int], sizes: Sequence[int]) -> Extent:
    """The number as a line through the batch sizes."""
    if all(value == values[0] for value in values):
        return values[0]
    factor, rest = divmod(values[1] - values[0], sizes[1] - sizes[0])
    found = Dim(factor, values[0] - factor * sizes[0])
    if rest or any(
        found.factor * n + found.offset != v for n, v in zip(sizes, values, strict=True)
    ):
        raise BatchError("a length is no fixed multiple of the batch size")
    return found


def _kind(types: Sequence[ArrayType], sizes: Sequence[int]) -> Kind:
    shapes = zip(*[t.shape for t in types], strict=True)
    return Kind(tuple([follow(extents, sizes) for extents in shapes]), types[0].dtype)


def constant(arrays: Sequence[Any], sizes: Sequence[int]) -> Constant:
    """Arrays that are equal, or equal but for how often they are repeated along the batch."""
    first = arrays[0]
    kind = _kind([ArrayType(x.shape, x.dtype) for x in arrays], sizes)
    moving = [axis for axis, n in enumerate(kind.shape) if isinstance(n, Dim)]
    if not moving:
        if all(x is first or np.array_equal(x, first, equal_nan=_floats(x)) for x in arrays):
            return Constant(first, kind)
        return _value(arrays, kind, sizes)
    ones = [np.take(x, [0], axis=moving[0]) for x in arrays if x.size]
    for axis in moving[1:]:
        ones = [np.take(x, [0], axis=axis) for x in ones]
    if len(ones) < len(arrays):
        raise BatchError("a constant depends on the batch size")
    same = all(np.array_equal(x, ones[0], equal_nan=_floats(x)) for x in ones)
    repeated = all(np.all((x == one) | (x != x)) for x, one in zip(arrays, ones, strict=True))
    if same and repeated:
        return Constant(ones[0], kind)
    if same and len(moving) == 1 and first.dtype.kind in "iuf":
        steps = {float(n) for x in arrays for n in np.unique(np.diff(x, axis=moving[0]))}
        if len(steps) == 1 and (step := steps.pop()).is_integer():
            return Constant(ones[0], kind, counts=int(step))
    if repeated and first.size:
        inner = _value([one.reshape(-1) for one in ones], kind, sizes)
        return Constant(inner.array, kind, value=inner.value)
    raise BatchError("a constant depends on the batch size")


def _value(arrays: Sequence[Any], kind: Kind, sizes: Sequence[int]) -> Constant:
    """A number that follows the batch, such as the divisor of a mean over it."""
    numbers = [x.reshape(-1)[0] if x.size == 1 else np.nan for x in arrays]
    if all(np.isfinite(n) and n == round(float(n)) for n in numbers):
        found = follow([int(n) for n in numbers], sizes)
        if isinstance(found, Dim):
            return Constant(arrays[0], kind, value=found)
    raise BatchError("a constant depends on the batch size")


def _floats(x: Any) -> bool:
    return bool(x.dtype.kind in "fc")
