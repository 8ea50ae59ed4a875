"""The sparsity of a linear graph, and how to find its matrix from few products.

Every value that is linear in the inputs has a boolean sparse matrix with a row for each of its
elements, telling the inputs that the element depends on. Primitives map these matrices: those
that move elements are run on element numbers in place of elements, those that add elements up
are transposed on element numbers, and what has no rule here depends on all it is given. So the
result may hold entries that are zero; it never lacks one that is not. Of values, only those of
masks, indices and matrices that multiply are looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from adjoint.differentiate.replay import value_of
from adjoint.differentiate.sparsity_rules import (
    BY_FORM,
    Pattern,
    everything,
    moved,
    rules,
    union,
    unknown,
)
from adjoint.graph.graph import Graph, Literal, Node
from adjoint.graph.types import type_of

_SAME = {"cast", "real", "imag", "join_parts", "conj", "neg", "add", "sub", "mul", "div", "reshape"}
_SAME |= {"multiply_no_nan", "divide_no_nan", "over_length", "ldexp", "shared"}
_MOVING = {"permute_axes", "slice", "unslice", "set_slice", "broadcast", "concatenate", "gather"}
_MOVING |= {"scatter_set", "where", "windows"}


def pattern_of(graph: Graph, residuals: Sequence[Any]) -> list[Any]:
    """The dependencies of the outputs of a graph on its linear inputs.

    Args:
        graph: takes the residuals, then the linear inputs.
        residuals: their values, or their types where values are not known: then the pattern
            holds whatever they are.

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
    linear = [i >= len(residuals) for i in range(len(graph.inputs))]
    looked_at, _ = _looked_at(graph, linear)
    return [x for x, flag in zip(residuals, looked_at, strict=False) if flag]


def _looked_at(graph: Graph, linear: Sequence[bool]) -> tuple[list[bool], list[bool]]:
    """Which inputs the pattern may depend on, and which outputs depend on the linear inputs."""
    dependent = {v for v, flag in zip(graph.inputs, linear, strict=True) if flag}
    wanted: set[Any] = set()
    known: list[Node] = []
    for node in graph.nodes:
        flags = [o in dependent for o in node.operands]
        if not any(flags):
            known.append(node)
            continue
        seen, results = _looked_at_by(node, flags)
        wanted.update(o for o, flag in zip(node.operands, seen, strict=True) if flag)
        dependent.update(v for v, flag in zip(node.outputs, results, strict=True) if flag)
    for node in reversed(known):
        if not wanted.isdisjoint(node.outputs):
            wanted.update(node.operands)
    # An output that does not depend may decide outside.
    return [v in wanted for v in graph.inputs], [o in dependent for o in graph.outputs]


def _looked_at_by(node: Node, linear: list[bool]) -> tuple[list[bool], list[bool]]:
    name, everywhere = node.primitive.name, [True] * len(node.outputs)
    if name in _SAME or name in BY_FORM:
        return [False] * len(linear), everywhere
    if name == "call":
        return _looked_at(node.settings["graph"], linear)
    if name != "scan":
        return [True] * len(linear), everywhere
    s = node.settings
    first, last = s["n_constants"], s["n_constants"] + s["n_carry"]
    while True:
        seen, results = _looked_at(s["graph"], linear)
        carried = [a or b for a, b in zip(linear[first:last], results, strict=False)]
        if carried == linear[first:last]:
            break
        linear = [*linear[:first], *carried, *linear[last:]]
    if any(seen[first:last]):  # what a carry is made of decides too
        seen = [True] * len(linear)
    return seen, [*carried, *results[s["n_carry"] :]]


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
        elif any(unknown(x) for x in operands):
            results = [value.type for value in node.outputs]
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
        return _branches(node, operands)
    if name == "scan":
        return _scan(node, operands)
    if len(node.outputs) > 1 or node.primitive.structure == "control":
        return everything(node, operands)
    kind = node.outputs[0].type
    if name in _SAME:
        matrices = [x.matrix for x in operands if isinstance(x, Pattern)]
        return [Pattern(union(matrices), kind)]
    if name in _MOVING:
        return [Pattern(moved(node, operands), kind)]
    rule = rules.get(name)
    dependent = [i for i, x in enumerate(operands) if isinstance(x, Pattern)]
    if rule is None or len(dependent) > 1:
        return everything(node, operands)
    return [Pattern(rule(node, operands, dependent[0]), kind)]


def _branches(node: Node, operands: list[Any]) -> list[Any]:
    """The branch that is taken; both where that is not known."""
    s = node.settings
    if not unknown(operands[0]):
        return _propagate(s["on_true" if bool(operands[0]) else "on_false"], operands[1:])
    both = [_propagate(s[k], operands[1:]) for k in ("on_true", "on_false")]
    made: list[Any] = []
    for value, one, other in zip(node.outputs, *both, strict=True):
        found = [x.matrix for x in (one, other) if isinstance(x, Pattern)]
        made.append(Pattern(union(found), value.type) if found else value.type)
    return made


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
        if unknown(x):
            return x._replace(shape=x.shape[1:])
        if not isinstance(x, Pattern):
            return x[i]
        kind = x.type._replace(shape=x.type.shape[1:])
        return Pattern(x.matrix[i * kind.size : (i + 1) * kind.size], kind)

    for i in reversed(range(length)) if s["reverse"] else range(length):
        results = _propagate(s["graph"], [*constants, *carry, *(row(x, i) for x in rows)])
        carry = results[:n_carry]
        for whole, y in zip(collected, results[n_carry:], strict=True):
            if isinstance(y, Pattern):
                whole[i] = y.matrix
            else:
                whole[i] = sparse.csr_array((type_of(y).size, n_inputs), dtype=bool)
    stacked = []
    for value, parts in zip(node.outputs[n_carry:], collected, strict=True):
        matrix = (
            sparse.vstack(parts, format="csr")
            if parts
            else sparse.csr_array((0, n_inputs), dtype=bool)
        )
        stacked.append(Pattern(matrix, value.type))
    return [*carry, *stacked]
