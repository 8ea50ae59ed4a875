"""Where a NaN or an infinity was born.

A value is a *birthplace* when it is not finite while everything it was made from is. From a
result that is not finite the run is followed back through values that are not finite either,
so that a logarithm of zero behind a ``where`` that does not choose it is not blamed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from adjoint import tree
from adjoint.errors import StructureError
from adjoint.graph.graph import Literal, Node, Value
from adjoint.graph.source import Source
from adjoint.graph.types import type_of
from adjoint.inspect.digits import array, number, place
from adjoint.inspect.formulas import is_pointwise
from adjoint.inspect.recording import Cotangents, Pen, Recorded, backward, forward, is_floating


@dataclass(frozen=True)
class Birth:
    """The first place where something was not finite.

    Args:
        direction: ``"forward"``, ``"backward"``, or ``"argument"`` if it came in from outside.
        operation: the primitive, or the name of the argument.
        source: the user's line; None for an argument.
        index: of the first element that is not finite.
        row: of the batch, where the first axis is the batch.
        value: that element.
        operands: what it was made from; on the way back the cotangent that arrived comes first.
        count: how many elements are not finite.
        size: of how many.
    """

    direction: str
    operation: str
    source: Source | None
    index: tuple[int, ...]
    row: int | None
    value: Any
    operands: tuple[Any, ...]
    count: int
    size: int

    def __str__(self) -> str:
        at = f" at {place(self.index)}" if self.index else ""
        row = f" (row {self.row})" if self.row is not None else ""
        value = number(self.value)
        if self.direction == "argument":
            head = f"{value} came in with {self.operation}{at}{row}"
        else:
            head = f"{value} was born in {self.operation}, {self.direction}{at}{row}"
        lines = [head]
        if self.source is not None:
            lines.append(f"  at {self.source}")
        if self.operands:
            names = [array(x, limit=6) for x in self.operands]
            if self.direction == "backward":
                lines.append(f"  cotangent that arrived: {names[0]}")
                names = names[1:]
            lines.append(f"  operands: {', '.join(names)}")
        lines.append(f"  {self.count} of {self.size} elements are not finite")
        return "\n".join(lines)


def find_nan(f: Callable[..., Any], *args: Any, gradient: bool = True) -> Birth | None:
    """Where the first NaN or infinity of a function, or of its gradient, was born.

    Args:
        f: any function of trees; it is run once.
        args: its arguments.
        gradient: whether to look at the way back too, from a cotangent of ones.

    Returns:
        The place, with ``str()`` telling it in words; None if results and gradients are finite.

    >>> birth = find_nan(lambda x: np.sum(np.sqrt(x)), np.array([4.0, 0.0]))
    >>> birth.direction, birth.operation, birth.index
    ('backward', 'sqrt', (1,))
    """
    leaves = [leaf for leaf in tree.leaves(args) if is_floating(leaf)]
    if not leaves:
        raise StructureError(
            "no argument is floating or complex, so nothing can be followed",
            function="find_nan",
            remedy="pass floats: 3.0 for 3",
        )
    paths = zip(tree.paths(args), tree.leaves(args), strict=True)
    names = [f"argument {path}" for path, leaf in paths if is_floating(leaf)]
    run = Pen("find_nan").record(f, args)
    found = born_forward(run, names)
    if found is not None or not gradient:
        return found
    kinds = [type_of(run.value(o)) for o in run.results]
    if not all(kind.is_differentiable for kind in kinds):
        return None
    flow = backward(run, [np.ones(kind.shape, kind.dtype)[()] for kind in kinds])
    return born_backward(run, flow)


def is_bad(x: Any) -> bool:
    """Whether something in an array is not finite."""
    x = np.asarray(x)
    return x.dtype.kind in "fc" and not np.isfinite(x).all()


def born_forward(run: Recorded, names: Sequence[str], batch: int | None = None) -> Birth | None:
    """The first birthplace, in the order of the run, that a bad result goes back to.

    Args:
        run: what was recorded.
        names: of the inputs.
        batch: the number of rows, where there is a batch.
    """
    makers = {value: node for node in run.graph.nodes for value in node.outputs}
    stack = [o for o in run.results if is_bad(run.value(o))]
    seen: set[Any] = set(stack)
    while stack:
        operand = stack.pop()
        node = makers.get(operand) if isinstance(operand, Value) else None
        for other in node.operands if node else ():
            if other not in seen and is_bad(run.value(other)):
                seen.add(other)
                stack.append(other)
    if not seen:
        return None
    # Operands stand before what is made of them, so the first in order is made of none of them.
    for value, name in zip(run.graph.inputs, names, strict=True):
        if value in seen:
            return _birth("argument", name, None, run.values[value], (), batch)
    for node in run.graph.nodes:
        for operand in node.operands:
            if isinstance(operand, Literal) and operand in seen:
                return _birth("argument", "a constant", node.source, operand.value, (), batch)
        for value in node.outputs:
            if value in seen:
                inside = _born_in_scan(node, run, batch) if node.primitive.name == "scan" else None
                return inside or _from_node("forward", node, run, run.values[value], (), batch)
    constant = next(o for o in seen if isinstance(o, Literal))  # returned as it is
    return _birth("argument", "a constant", None, constant.value, (), batch)


def _born_in_scan(node: Node, run: Recorded, batch: int | None) -> Birth | None:
    """The birthplace inside of the body of a scan, in the first step whose results are bad."""
    body, constants, n = (node.settings[k] for k in ("graph", "n_constants", "n_carry"))
    length = node.settings["length"]
    operands = [run.value(o) for o in node.operands]
    fixed, carry = operands[:constants], operands[constants : constants + n]
    rows = operands[constants + n :]
    for i in reversed(range(length)) if node.settings["reverse"] else range(length):
        inputs = [*fixed, *carry, *(x[i] for x in rows)]
        values = forward(body, inputs)
        flags = (False,) * len(inputs)
        step = Recorded(body, inputs, flags, values, frozenset(), body.outputs, ())
        found = born_forward(step, [""] * len(inputs), batch)
        if found is not None:
            # Born outside after all: an operand was not finite, and that was harmless until now.
            is_inside = found.direction == "forward"
            words = f"{found.operation}, in step {i} of a scan"
            return replace(found, operation=words) if is_inside else None
        carry = [step.value(o) for o in body.outputs[:n]]
    return None


def masked_births(run: Recorded, limit: int = 5) -> list[Birth]:
    """Places where something was not finite and yet the result is: chosen away, or harmless."""
    found: list[Birth] = []
    for node in run.graph.nodes:
        if len(found) == limit:
            break
        if any(is_bad(run.value(o)) for o in node.operands):
            continue
        for value in node.outputs:
            if is_bad(run.values[value]):
                found.append(_from_node("forward", node, run, run.values[value], (), None))
    return found


def born_backward(run: Recorded, flow: Cotangents, batch: int | None = None) -> Birth | None:
    """The first node, on the way back, that makes a bad cotangent from finite numbers.

    None if every gradient is finite: a bad share that a ``where`` has cut off does no harm.
    """
    if not any(is_bad(flow.total[v]) for v in run.graph.inputs if v in flow.total):
        return None
    for node in reversed(run.graph.nodes):
        arriving = [flow.total[v] for v in node.outputs if v in flow.total]
        for which in range(len(node.operands)):
            share = flow.shares.get((node, which))
            if share is not None and is_bad(share):
                return _from_node("backward", node, run, share, arriving, batch)
    return None


def _from_node(
    direction: str,
    node: Node,
    run: Recorded,
    bad: Any,
    arriving: Iterable[Any],
    batch: int | None,
) -> Birth:
    operands = [*arriving, *(run.value(o) for o in node.operands)]
    index = _first_bad(bad)
    if is_pointwise(node):
        operands = [_element(x, index, np.shape(bad)) for x in operands]
    source = node.source
    if source is not None and source.code is None and source.place is None:
        source = None
    return _birth(direction, node.primitive.name, source, bad, tuple(operands), batch)


def _birth(
    direction: str,
    operation: str,
    source: Source | None,
    bad: Any,
    operands: tuple[Any, ...],
    batch: int | None,
) -> Birth:
    bad = np.asarray(bad)
    index = _first_bad(bad)
    in_batch = batch is not None and bad.ndim > 0 and bad.shape[0] == batch
    return Birth(
        direction,
        operation,
        source,
        index,
        index[0] if in_batch else None,
        bad[index],
        operands,
        int((~np.isfinite(bad)).sum()),
        bad.size,
    )


def _first_bad(x: Any) -> tuple[int, ...]:
    places = np.argwhere(~np.isfinite(np.asarray(x)))
    return tuple(int(i) for i in places[0])


def _element(x: Any, index: tuple[int, ...], shape: tuple[int, ...]) -> Any:
    return np.asarray(x)[index] if np.shape(x) == shape else x
